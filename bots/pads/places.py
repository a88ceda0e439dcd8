"""Places in a pad's text that stay where they are while others write before them (Yjs' relative positions).

Their bytes are read here before Rust sees one of them. pycrdt does not say where such a place is now in
letters beyond ASCII: its `StickyIndex` mixes bytes with UTF-16 units, and panics behind the end. So a letter that the
text does not have is written behind the place, in a copy, and looked for.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bots.pads.updates import ROOT, MalformedUpdate, number, read_place, read_update

if TYPE_CHECKING:
    from pycrdt import Doc, Text

#: Letters of nobody's (Unicode, private use): one that the text does not have is looked for.
_MARKS: Final = range(0xE000, 0xE000 + 2048)
_STRING_BEHIND: Final = 0x84


@dataclass(frozen=True, slots=True)
class Place:
    """A place beside a letter.

    Attributes:
        client: who wrote that letter; None for the text's beginning, or its end.
        clock: its number among theirs, in UTF-16 units.
        is_behind: whether the place is behind the letter; without one, whether it is the text's beginning.
    """

    client: int | None
    clock: int
    is_behind: bool


def place_of(given: str) -> Place:
    """Reads a place, as an editor writes it down in base64.

    Raises:
        MalformedUpdate: it is none.
    """
    try:
        data = base64.b64decode(given, validate=True)
    except ValueError:
        raise MalformedUpdate("It names a place that no editor writes.") from None
    return Place(*read_place(data))


class Copy:
    """A copy of a text, in which places can be looked for, and a change be tried."""

    def __init__(self, updates: Sequence[bytes]) -> None:
        """Puts a copy together."""
        self._updates = list(updates)
        self._doc, self._shown = self._made(None)
        self.text = str(self._shown)
        self._letters: dict[int, int] = {}
        self._deleted: list[tuple[int, int, int]] = []
        for one in self._updates:
            read = read_update(one)
            self._letters |= {run.client: run.end for run in read.written}
            self._deleted += [(run.client, run.clock, run.end) for run in read.deleted]
        # The smallest number comes before what others wrote at the same place.
        self._hand = next(one for one in range(1 << 16) if one not in self._letters)
        self._marks: list[str] = []

    def index(self, place: Place) -> int:
        """Where a place is, in characters.

        One between the halves of a letter beyond 16 bits, which no editor writes down, may put the next ones off.

        Raises:
            MalformedUpdate: there is no such letter.
        """
        if place.client is None:
            return 0 if place.is_behind else len(self.text)
        if place.clock >= self._letters.get(place.client, 0):
            raise MalformedUpdate("It names a place beside a letter that never arrived here.")
        behind = self._behind(place.client, place.clock)
        is_there = not any(one == place.client and a <= place.clock < b for one, a, b in self._deleted)
        return behind if place.is_behind or not is_there else behind - 1

    def replaced(self, begin: int, end: int, words: str, client: int) -> bytes:
        """The update by which an editor puts words in the place of what stands between two places.

        Args:
            begin: in characters.
            end: in characters.
            words: what to put there; empty to delete alone.
            client: the number of the editor.
        """
        doc, text = self._made(client)
        before = doc.get_state()
        first = len(self.text[:begin].encode())
        with doc.transaction():
            if end > begin:
                del text[first : first + len(self.text[begin:end].encode())]
            if words:
                text.insert(first, words)
        return doc.get_update(before)

    def _behind(self, client: int, clock: int) -> int:
        """How many characters there are up to a letter that may be deleted, with it."""
        mark = next(chr(one) for one in _MARKS if chr(one) not in self.text and chr(one) not in self._marks)
        written = mark.encode()
        struct = bytes((_STRING_BEHIND,)) + number(client) + number(clock) + number(len(written)) + written
        data = b"\1\1" + number(self._hand) + number(len(self._marks)) + struct + b"\0"
        _caught(lambda: self._doc.apply_update(data))
        before, found, _ = str(self._shown).partition(mark)
        if not found:
            raise MalformedUpdate("It names a place that cannot be found.")
        others = sum(one in self._marks for one in before)
        self._marks.append(mark)
        return len(before) - others

    def _made(self, client: int | None) -> tuple[Doc[Text], Text]:
        from pycrdt import Doc, Text  # some megabytes, for those who have pads

        doc: Doc[Text] = Doc() if client is None else Doc(client_id=client)
        text = doc.get(ROOT, type=Text)
        for one in self._updates:
            _caught(lambda one=one: doc.apply_update(one))  # type: ignore[misc]
        return doc, text


def _caught(act: Callable[[], None]) -> None:
    try:
        act()
    except BaseException as error:  # a panic in Rust is no `Exception`
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise MalformedUpdate("It names a place that cannot be found.") from error
