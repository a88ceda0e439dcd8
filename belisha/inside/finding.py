"""What is found inside a file, and how far is looked for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from belisha.tlp import Label


class Reason(StrEnum):
    """Why a file, or a part of it, could not be read."""

    ENCRYPTED = "encrypted"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    PICTURES_ONLY = "pictures_only"
    UNKNOWN_TYPE = "unknown_type"
    UNCLEAR = "unclear"
    TWO_KINDS = "two_kinds"


#: Each reason as the middle of a sentence: "It was not checked: it is encrypted."
SENTENCES: Final[Mapping[Reason, str]] = {
    Reason.ENCRYPTED: "it is encrypted",
    Reason.BROKEN: "it is damaged",
    Reason.TOO_LARGE: "there is too much in it",
    Reason.TOO_SLOW: "reading it took too long",
    Reason.PICTURES_ONLY: "it has pages that are pictures only",
    Reason.UNKNOWN_TYPE: "files of its kind cannot be read here",
    Reason.UNCLEAR: "it has a marker that is no TLP label",
    Reason.TWO_KINDS: "it is files of two kinds in one",
}


class Finding(NamedTuple):
    """What stands in a file.

    Attributes:
        label: the strictest label found; None where there is none.
        not_checked: why it was not read to its end; None where it was. What was found until then is in the others.
        forbidden: a marking that may not be on the platform (`markings:` of the settings); None where there is none.
    """

    label: Label | None = None
    not_checked: Reason | None = None
    forbidden: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The finding as a JSON object."""
        return {
            "label": None if self.label is None else str(self.label),
            "not_checked": None if self.not_checked is None else self.not_checked.value,
            "forbidden": self.forbidden,
        }

    @classmethod
    def from_json(cls, raw: Any) -> Finding:
        """The finding that a JSON object holds.

        Raises:
            ValueError: where it holds none.
        """
        if not isinstance(raw, dict) or set(raw) != {"label", "not_checked", "forbidden"}:
            raise ValueError("no finding")
        label, reason, forbidden = Label.parse(raw["label"]), raw["not_checked"], raw["forbidden"]
        if (label is None) != (raw["label"] is None) or not isinstance(forbidden, str | None):
            raise ValueError("no finding")
        return cls(label, None if reason is None else Reason(reason), forbidden)


class Limits(NamedTuple):
    """How much of a file is read; whatever is beyond is not checked.

    Attributes:
        pages: of one PDF.
        entries: of one archive, which an office document is too.
        unpacked: bytes, of all that is read, unpacked.
        ratio: how many times its packed size an entry of an archive may have, where it is larger than `small`.
        small: bytes, below which the ratio does not matter.
        characters: of text, of all that is read.
        depth: of files in files.
        seconds: for all of it.
    """

    pages: int = 2_000
    entries: int = 5_000
    unpacked: int = 256 * 1024**2
    ratio: int = 250
    small: int = 1024**2
    characters: int = 20_000_000
    depth: int = 3
    seconds: float = 10.0


class Unreadable(Exception):
    """A file, or a part of it, cannot be read."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason


class Budget:
    """What is left of the limits while one file is read."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._until = clock() + limits.seconds
        self._unpacked = 0
        self._characters = 0

    def check_time(self) -> None:
        """Raises `Unreadable` where the time is over."""
        if self._clock() > self._until:
            raise Unreadable(Reason.TOO_SLOW)

    def unpack(self, size: int) -> None:
        """Counts bytes that were unpacked; raises `Unreadable` where they are too many."""
        self._unpacked += size
        if self._unpacked > self.limits.unpacked:
            raise Unreadable(Reason.TOO_LARGE)
        self.check_time()

    def read(self, characters: int) -> None:
        """Counts characters that are about to be searched; raises `Unreadable` where they are too many."""
        self._characters += characters
        if self._characters > self.limits.characters:
            raise Unreadable(Reason.TOO_LARGE)
        self.check_time()
