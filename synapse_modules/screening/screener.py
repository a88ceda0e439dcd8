"""Asks list, matcher and scanner about one file, in this order and each within its time; called from threads."""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from belisha.screening import Known, Scan, clamd_socket
from synapse_modules import metrics
from synapse_modules.screening.clamd import Clamd
from synapse_modules.screening.known_list import KnownList
from synapse_modules.screening.matcher import HOLDS, Matcher, Unreachable

logger = logging.getLogger(__name__)

SCANNER: Final = "clamav"
#: How many lines of a list are named.
_NAMED: Final = 5


class Rules(NamedTuple):
    """The settings, as `belisha render` writes them."""

    clamav: str | None
    required: bool
    seconds: float
    known_list: Path | None
    matcher: str | None
    matcher_secret: str | None
    matcher_seconds: float

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Rules:
        """Reads them.

        Raises:
            KeyError, OSError, ValueError: they are broken, or the secret cannot be read, or is no text.
        """
        secret, known_list = raw["matcher_secret_file"], raw["known_list"]
        return cls(
            raw["clamav"],
            raw["scan"] == "required",
            raw["seconds"],
            None if known_list is None else Path(known_list),
            raw["matcher"],
            None if secret is None else _secret(Path(secret)),
            raw["matcher_seconds"],
        )

    @property
    def any(self) -> bool:
        """Whether uploads are looked at by anybody."""
        return (self.clamav, self.known_list, self.matcher) != (None, None, None)


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        # What that error says holds the bytes.
        raise ValueError(_NO_TEXT.format(path)) from None


class Seen(NamedTuple):
    """What is known of a file, and its SHA-256 hash in hexadecimal digits."""

    known: Known
    scan: Scan
    sha256: str


class Screener:
    """Whoever is configured; may be used by several threads."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._list = None if rules.known_list is None else KnownList(rules.known_list)
        self._matcher = (
            None if rules.matcher is None else Matcher(rules.matcher, rules.matcher_secret, rules.matcher_seconds)
        )
        self._clamd = None if rules.clamav is None else Clamd(clamd_socket(rules.clamav))

    def look(self, path: str, asked_at: float) -> Seen:
        """Asks everybody about a file; who is not needed any more is not asked.

        Args:
            path: the file.
            asked_at: since when somebody waits, by the monotonic clock: it is counted from then.

        Raises:
            OSError: the file cannot be read.
        """
        with Path(path).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        known = self._known(sha256, asked_at + self._rules.seconds)
        return Seen(known, self.scan(path, asked_at) if known is Known.NO else Scan.OFF, sha256)

    def scan(self, path: str, asked_at: float) -> Scan:
        """Asks the malware scanner alone.

        Raises:
            OSError: the file cannot be read.
        """
        if self._clamd is None:
            return Scan.OFF
        with Path(path).open("rb") as file:
            return self._clamd.scan(file, asked_at + self._rules.seconds)

    def scanner_answers(self) -> bool:
        """Whether the malware scanner is there; where none is configured, nobody is missed."""
        return self._clamd is None or self._clamd.answers()

    def _known(self, sha256: str, until: float) -> Known:
        if self._list is not None:
            try:
                if self._list.holds(bytes.fromhex(sha256)):
                    return Known.BY_LIST
            except OSError:
                return Known.UNREACHABLE
        if self._matcher is not None:
            if now() >= until:  # who uploads has waited for others all that time
                return Known.UNREACHABLE
            try:
                if self._matcher.knows(sha256):
                    return Known.BY_MATCHER
            except Unreachable as error:
                logger.warning("The matcher of known files gives no answer: %s", error)
                return Known.UNREACHABLE
        return Known.NO

    def problems(self, *, at_once: bool) -> list[str]:
        """What does not work, a sentence each; says so to the metrics too.

        Args:
            at_once: whether everybody is asked; else a matcher is left in peace that has answered a moment ago.
        """
        problems = []
        if self._clamd is not None:
            is_there = self._clamd.answers()
            metrics.checker(SCANNER, is_there=is_there)
            if not is_there:
                problems.append(_NO_SCANNER[self._rules.required].format(self._rules.clamav))
        if self._matcher is not None:
            is_there = self._matcher.answers(holds=0.0 if at_once else HOLDS)
            metrics.checker(Known.BY_MATCHER.value, is_there=is_there)
            if not is_there:
                problems.append(_NO_MATCHER)
        if self._list is not None:
            problems += self._problems_of(self._list)
        return problems

    @staticmethod
    def _problems_of(known_list: KnownList) -> list[str]:
        try:
            read = known_list.now()
        except OSError as error:
            metrics.checker(Known.BY_LIST.value, is_there=False)
            return [_NO_LIST.format(known_list.path, error.strerror)]
        metrics.checker(Known.BY_LIST.value, is_there=not read.broken and bool(read.hashes))
        if read.broken:
            lines = ", ".join(map(str, read.broken[:_NAMED])) + (" …" if len(read.broken) > _NAMED else "")
            return [_BROKEN_LIST.format(known_list.path, lines, len(read.broken), len(read.hashes))]
        return [] if read.hashes else [_EMPTY_LIST.format(known_list.path)]


def now() -> float:
    """The clock that `asked_at` is of."""
    return time.monotonic()


_NO_TEXT: Final = (
    "The file {} (files.known.matcher_secret_file) is not UTF-8 text, so its secret cannot be sent to the matcher. "
    "Please write the secret into it as one line of text."
)
_NO_SCANNER: Final = {
    True: "The malware scanner (clamd) does not answer at {}: uploads are refused until it does. Is clamav-daemon "
    "running, and may Synapse's user open its socket?",
    False: "The malware scanner (clamd) does not answer at {}: files are taken without it, and are scanned as soon as "
    "it does. Is clamav-daemon running, and may Synapse's user open its socket?",
}
_NO_MATCHER: Final = (
    "The matcher of known files (files.known.matcher) gives no proper answer: uploads are refused until it does."
)
_NO_LIST: Final = "The list of known files {} cannot be read ({}): uploads are refused until it can."
_BROKEN_LIST: Final = (
    "The list of known files {} has lines that are no SHA-256 hash: line {} ({} in all). The other {} hashes hold; "
    "please mend these."
)
_EMPTY_LIST: Final = "The list of known files {} is empty, so it stops no file. Please look whether that is meant."
