"""Reads updates of Yjs, strictly, before anything written in another language sees a byte of them; pure.

A pad is one text. So of all that the format can carry, only letters, what was deleted, and references between them are
read here; everything else is refused, as is every byte too few or too many. The format is Yjs' update version 1
(github.com/yjs/yjs, `INTERNALS.md` and `src/utils/UpdateEncoder.js`), its numbers are those of lib0: seven bits a byte,
the lowest first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

#: The name of the one shared type of a pad.
ROOT: Final = "text"
#: Numbers are exact in browsers up to here (ECMA-262, `Number.MAX_SAFE_INTEGER`).
_LARGEST: Final = 2**53 - 1
_GC, _DELETED, _STRING = 0, 1, 4
_KIND, _HAS_LEFT, _HAS_RIGHT = 0x1F, 0x80, 0x40
#: Minus one, as lib0 writes a signed number.
_BEFORE: Final = 0x41
_UTF_16: Final = "utf-16-le"


class MalformedUpdate(ValueError):
    """Bytes that are no update of a pad; `str()` says why in a sentence, without quoting them."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one client wrote without a gap.

    Attributes:
        client: the number that an editor gave itself.
        clock: how much that client had written before, in UTF-16 units.
        length: how much this is, in the same.
    """

    client: int
    clock: int
    length: int

    @property
    def end(self) -> int:
        """The client's clock behind it."""
        return self.clock + self.length


@dataclass(frozen=True, slots=True)
class Update:
    """What an update says.

    Attributes:
        written: what was written, letters that are deleted by now among it.
        deleted: what was deleted.
        letters: how many UTF-16 units of it are still there.
    """

    written: tuple[Run, ...]
    deleted: tuple[Run, ...]
    letters: int

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not self.written and not self.deleted


class _Bytes:
    """Numbers and texts out of bytes, each looked for before it is taken."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        #: Where the text that was read last stands, its length before it.
        self.last = (0, 0)

    @property
    def is_over(self) -> bool:
        return self._at == len(self._data)

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def byte(self) -> int:
        if self.is_over:
            raise MalformedUpdate("It ends in the middle.")
        self._at += 1
        return self._data[self._at - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if value > _LARGEST:
                raise MalformedUpdate("It has a number that no editor writes.")
            if not byte & 0x80:
                return value
            shift += 7
            if shift > 56:
                raise MalformedUpdate("It has a number that does not end.")

    def count(self) -> int:
        """How many of something follow; each takes a byte at least, so nothing is waited for that is not there."""
        found = self.number()
        if found > self.left:
            raise MalformedUpdate("It announces more than it has.")
        return found

    def text(self) -> str:
        begin = self._at
        length = self.count()
        self._at += length
        self.last = (begin, self._at)
        try:
            return self._data[self._at - length : self._at].decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedUpdate("It has letters that are none.") from None

    def bytes_(self) -> bytes:
        length = self.count()
        self._at += length
        return self._data[self._at - length : self._at]

    def end(self) -> None:
        if not self.is_over:
            raise MalformedUpdate("It goes on behind its end.")


def read_update(data: bytes) -> Update:
    """Reads an update.

    Raises:
        MalformedUpdate: it is none, or does something else than to write and delete in a pad's text.
    """
    given = _Bytes(data)
    written: list[Run] = []
    letters = 0
    for _ in range(given.count()):
        count, client, clock = given.count(), given.number(), given.number()
        start = clock
        for _ in range(count):
            length, is_there = _struct(given)
            clock = _within(clock + length)
            letters += length if is_there else 0
        if clock > start:
            written.append(Run(client, start, clock - start))
    deleted: list[Run] = []
    for _ in range(given.count()):
        client = given.number()
        for _ in range(given.count()):
            run = Run(client, given.number(), given.number())
            _within(run.end)
            deleted.append(run)
    given.end()
    return Update(tuple(written), tuple(deleted), letters)


def rewritten(data: bytes, letter: Callable[[int], str]) -> bytes:
    """The same update with other letters: each of those that are there is the one that stands for its client.

    Args:
        data: an update, as an editor of ours gives it out itself.
        letter: what stands for a client: one UTF-16 unit, so that every number in the update stays what it is.

    Raises:
        MalformedUpdate: it is none.
    """
    given, parts, behind = _Bytes(data), list[bytes](), 0
    for _ in range(given.count()):
        count, client, _clock = given.count(), given.number(), given.number()
        mark = letter(client)
        for _ in range(count):
            length, is_there = _struct(given)
            if is_there:
                begin, end = given.last
                words = (mark * length).encode()
                parts += [data[behind:begin], number(len(words)), words]
                behind = end
    return b"".join([*parts, data[behind:]])


def _struct(given: _Bytes) -> tuple[int, bool]:
    """One piece of writing: its length, and whether its letters are there."""
    info = given.byte()
    kind = info & _KIND
    if kind == _GC:
        return _some(given.number()), False
    if info & _HAS_LEFT:
        given.number(), given.number()
    if info & _HAS_RIGHT:
        given.number(), given.number()
    if not info & (_HAS_LEFT | _HAS_RIGHT) and (given.number() != 1 or given.text() != ROOT or info & 0x20):
        raise MalformedUpdate("It writes elsewhere than into the pad's text.")
    if kind == _DELETED:
        return _some(given.number()), False
    if kind == _STRING:
        return _some(len(given.text().encode(_UTF_16)) // 2), True
    raise MalformedUpdate("It holds something else than letters.")


def _some(length: int) -> int:
    if length == 0:
        raise MalformedUpdate("It writes nothing.")
    return length


def _within(clock: int) -> int:
    if clock > _LARGEST:
        raise MalformedUpdate("It has a number that no editor writes.")
    return clock


def read_state(data: bytes) -> dict[int, int]:
    """Reads a state vector: how much somebody has of what each client wrote.

    Raises:
        MalformedUpdate: it is none.
    """
    given = _Bytes(data)
    found: dict[int, int] = {}
    for _ in range(given.count()):
        client = given.number()
        found[client] = given.number()
    given.end()
    return found


def read_place(data: bytes) -> tuple[int | None, int, bool]:
    """Reads a relative position (Yjs, `src/utils/RelativePosition.js`): a letter, and which side of it.

    Returns:
        The letter's client (None for an end of the text) and clock, and whether the place sticks to what is before it.

    Raises:
        MalformedUpdate: it is none, or one elsewhere than in a pad's text.
    """
    given = _Bytes(data)
    kind, client, clock = given.byte(), None, 0
    if kind == 0:
        client, clock = given.number(), given.number()
    elif kind != 1 or given.text() != ROOT:
        raise MalformedUpdate("It names a place elsewhere than in the pad's text.")
    side = given.byte()
    given.end()
    if side not in (0, _BEFORE):
        raise MalformedUpdate("It names a place that no editor writes.")
    return client, clock, side == _BEFORE


# --- The frames in which editors send them (github.com/yjs/y-protocols, `PROTOCOL.md`) --------------------------------

SYNC: Final = 0
ASK, GIVE, CHANGE = 0, 1, 2


def read_frame(data: bytes) -> tuple[int, bytes]:
    """Reads a frame of the sync protocol: `ASK` with a state vector, `GIVE` or `CHANGE` with an update.

    Raises:
        MalformedUpdate: it is none.
    """
    given = _Bytes(data)
    if given.number() != SYNC or (kind := given.number()) not in (ASK, GIVE, CHANGE):
        raise MalformedUpdate("It is no message of an editor.")
    body = given.bytes_()
    given.end()
    return kind, body


def frame(kind: int, body: bytes) -> bytes:
    """Writes a frame of the sync protocol."""
    return bytes((SYNC, kind)) + number(len(body)) + body


def number(value: int) -> bytes:
    """A number as lib0 writes it."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


# --- What an update may do ------------------------------------------------------------------------------------------


def advanced(state: Mapping[int, int], update: Update) -> dict[int, int]:
    """How far each client is once an update has been taken in; only those that it brings further.

    Raises:
        MalformedUpdate: it builds on writing that is not there.
    """
    found: dict[int, int] = {}
    for run in update.written:
        if run.clock > found.get(run.client, state.get(run.client, 0)):
            raise MalformedUpdate("It builds on writing that never arrived here.")
        if run.end > state.get(run.client, 0):
            found[run.client] = max(run.end, found.get(run.client, 0))
    for run in update.deleted:
        if run.end > found.get(run.client, state.get(run.client, 0)):
            raise MalformedUpdate("It deletes writing that never arrived here.")
    return found
