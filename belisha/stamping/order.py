"""What is asked of a stamped copy, and what one is."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from belisha.tlp import Label

#: The encoding of the stamp's text: what the fonts that every PDF reader has can show (ISO 32000-2, annex D).
ENCODING: Final = "cp1252"
#: What a copy says of who has it, and a preview, which nobody has downloaded.
DOWNLOADED, SHOWN = "Downloaded by", "Shown to"
#: Of a file's name and a member's, in characters.
_LONGEST: Final = 120


class Unstamped(StrEnum):
    """Why a file is given as it is, in an archive with a cover."""

    ENCRYPTED = "encrypted"
    SIGNED = "signed"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    KIND = "kind"


#: Each reason as the end of a sentence: "It carries no label itself, since …"
SENTENCES: Final[Mapping[Unstamped, str]] = {
    Unstamped.ENCRYPTED: "it is encrypted",
    Unstamped.SIGNED: "it is signed, and any change would break its signature",
    Unstamped.BROKEN: "it is damaged, or not written as its format asks",
    Unstamped.TOO_LARGE: "there is too much in it",
    Unstamped.TOO_SLOW: "stamping it took too long",
    Unstamped.KIND: "only PDF files and pictures can carry one",
}


class Unstampable(Exception):
    """A file cannot carry a stamp."""

    def __init__(self, reason: Unstamped) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason


class Order(NamedTuple):
    """What a copy is to carry.

    Attributes:
        label: the item's.
        name: the file's own name.
        by: the name of who downloads it; "" where the label does not ask for that.
        user_id: their user id; "" where the label does not ask for that.
        at: when, as it is printed; "" where the label does not ask for that.
        done: what was done, up to the name of whom it names.
    """

    label: Label
    name: str
    by: str = ""
    user_id: str = ""
    at: str = ""
    done: str = DOWNLOADED

    @classmethod
    def of(cls, label: Label, name: str, by: str, user_id: str, at: str, done: str = DOWNLOADED) -> Order:
        """The order of a member's download or preview: who and when stand on it from AMBER on."""
        if label < Label.AMBER:
            by = user_id = at = ""
        return cls(label, tidy_name(name), " ".join(by.split())[:_LONGEST], user_id, at, done)

    @property
    def note(self) -> str:
        """Who downloaded the copy, or saw the preview, and when, in letters that a PDF reader has; "" without a name.

        A name in other letters is left out: the user id, which is ASCII, says who it is.
        """
        if not self.user_id:
            return ""
        name = unicodedata.normalize("NFC", self.by)
        try:
            name.encode(ENCODING)
        except UnicodeEncodeError:
            name = ""
        who = f"{name}, {self.user_id}" if name else self.user_id
        return f"{self.done} {who}, {self.at}"

    @property
    def file_label(self) -> str:
        """The label as it can stand in the name of a file: `TLP-AMBER+STRICT`."""
        return str(self.label).replace(":", "-")

    def as_json(self) -> dict[str, str]:
        """The order as a JSON object."""
        return {**self._asdict(), "label": str(self.label)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Order:
        """The order that a JSON object holds.

        Raises:
            ValueError: where it holds none.
        """
        label = Label.parse(raw.get("label"))
        texts = [raw.get(key) for key in cls._fields[1:]]
        if label is None or not all(isinstance(text, str) for text in texts):
            raise ValueError("no order")
        return cls(label, *(str(text) for text in texts))


class Copy(NamedTuple):
    """A copy, as what stands around the original: so a large file need not be in memory.

    Attributes:
        before: bytes before the original's; all of the copy, where that has none of the original's bytes.
        has_original: whether the original's bytes follow.
        after: bytes behind the original's.
        name: of the copy, as a file.
        media_type: its media type.
        unstamped: why the original is as it was; None where it carries the label.
    """

    before: bytes
    has_original: bool
    after: bytes
    name: str
    media_type: str
    unstamped: Unstamped | None = None

    def as_json(self) -> dict[str, Any]:
        """All but its bytes, and how many those are."""
        return {
            **self._asdict(),
            "before": len(self.before),
            "after": len(self.after),
            "unstamped": None if self.unstamped is None else self.unstamped.value,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], data: bytes) -> Copy:
        """The copy that a JSON object and the bytes of both ends hold.

        Raises:
            ValueError: where they hold none.
        """
        before, after, has_original = raw.get("before"), raw.get("after"), raw.get("has_original")
        name, media_type, unstamped = raw.get("name"), raw.get("media_type"), raw.get("unstamped")
        if not isinstance(before, int) or not isinstance(after, int) or before + after != len(data) or before < 0:
            raise ValueError("no copy")
        if not isinstance(name, str) or not isinstance(media_type, str) or not isinstance(has_original, bool):
            raise ValueError("no copy")
        reason = None if unstamped is None else Unstamped(unstamped)
        return cls(data[:before], has_original, data[before:], name, media_type, reason)


def tidy_name(name: str) -> str:
    """A file's name without folders and without what no file system takes; never empty."""
    name = name.replace("\\", "/").rpartition("/")[2]
    # Control, format (bidi), surrogate and line-ending characters hide what a name ends with.
    name = "".join("_" if unicodedata.category(letter)[0] in "CZ" and letter != " " else letter for letter in name)
    name = "".join("_" if letter in ':*?"<>|' else letter for letter in name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if len(name) > _LONGEST:
        name = stem[: _LONGEST - 1 - len(ending)] + dot + ending if dot and len(ending) < 20 else name[:_LONGEST]
    return name or "file"
