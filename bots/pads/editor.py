"""One page that has a pad open: what waits to be sent to it, and how fast it may send."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: Why a connection ends (RFC 6455, 7.4.2): the page says so, and comes back by itself after the last two.
ENDED: Final = 4403
REFUSED: Final = 4400
AGAIN: Final = 4503
BEHIND: Final = 4429

#: So much may wait for a page that does not read.
_WAITING: Final = 4_000
_WAITING_BYTES: Final = 16 * 1024 * 1024
#: Frames that one page may send: somebody who types fast sends ten a second.
_PER_SECOND: Final = 40.0
_BURST: Final = 400.0
#: As so many counts one about a comment or a suggestion: somebody who types a suggestion sends four a second at most.
_NOTE: Final = 9.0
#: Where a cursor stands, as an editor writes it down.
_LONGEST_PLACE: Final = 200


@dataclass(frozen=True, slots=True)
class End:
    """The last thing that a page is told."""

    code: int
    sentence: str


Sent = bytes | str | End


@dataclass(eq=False)
class Editor:
    """A page of a member, for as long as its connection holds.

    Attributes:
        user_id: whose it is.
        token: of the session that opened it.
        confirmed: whether that session may change things.
        number: by which the others know it.
        name: the member's, as the module says it.
        organisation: the name of their organisation.
        closed: why nothing can be written here now; empty where it can.
        redacts: whether they may take back what others wrote in the group.
        hand: the number by which the server writes for it in the text, what it accepts.
        taken: how many of its updates are safe.
        is_even: whether it has been given all there was: before that, what others write would hang in the air there.
        wrote: whether anything was done in it since that was asked last: its session goes on by that.
        place: where its cursor is; None where it shows none.
    """

    user_id: str
    token: str
    confirmed: bool
    number: int = 0
    name: str = ""
    organisation: str = ""
    closed: str = ""
    redacts: bool = False
    hand: int = field(default_factory=lambda: secrets.randbits(32))
    taken: int = 0
    is_even: bool = False
    wrote: bool = False
    place: tuple[str, str] | None = None
    now: Callable[[], float] = time.monotonic
    out: asyncio.Queue[Sent] = field(default_factory=lambda: asyncio.Queue(_WAITING))
    over: bool = False
    _bytes: int = 0
    _left: float = _BURST
    _since: float = 0.0

    def send(self, data: bytes) -> None:
        """Has a frame of the sync protocol sent, unless it is over."""
        self._put(data, len(data))

    def tell(self, **said: Any) -> None:
        """Has a word of ours sent, as JSON."""
        self.say(written(**said))

    def say(self, text: str) -> None:
        """Has a word of ours sent that was `written` once for several pages."""
        self._put(text, len(text))

    def end(self, code: int, sentence: str) -> None:
        """Ends the connection. What still waits is not sent: it may be just what is not for them any more."""
        if self.over:
            return
        self.over = True
        while not self.out.empty():
            self.out.get_nowait()
        self.out.put_nowait(End(code, sentence))

    def sent(self, one: Sent) -> None:
        """Notes that something has gone out."""
        self._bytes -= 0 if isinstance(one, End) else len(one)

    def wait(self, size: int = 0, *, asks: bool = False, notes: bool = False) -> float:
        """For how many seconds a frame is to wait that has come; it is counted.

        Args:
            size: how many bytes it has; each 2 KiB count as one frame more.
            asks: whether it asks for all that there is, which counts as a second's frames.
            notes: whether it is about a comment or a suggestion, for which a copy of the text is made.
        """
        now, cost = self.now(), 1 + size / 2048 + (_PER_SECOND if asks else 0) + (_NOTE if notes else 0)
        self._left = min(_BURST, self._left + (now - self._since) * _PER_SECOND) - cost
        self._since = now
        return max(0.0, -self._left / _PER_SECOND)

    def shown(self) -> Mapping[str, Any]:
        """What the others see of it."""
        return {
            "id": self.number,
            "name": self.name,
            "organisation": self.organisation,
            "writes": not self.closed,
            "place": self.place,
        }

    def _put(self, one: bytes | str, size: int) -> None:
        if self.over:
            return
        if self.out.full() or self._bytes + size > _WAITING_BYTES:
            self.end(BEHIND, "This page did not keep up with what the others write. It comes back by itself.")
            return
        self._bytes += size
        self.out.put_nowait(one)


def written(**said: Any) -> str:
    """A word of ours to pages, as JSON."""
    return json.dumps(said, separators=(",", ":"))


def place_of(given: object) -> tuple[str, str] | None:
    """Where a cursor is: the two ends of what is selected, each as an editor writes it; None for anything else."""
    if not isinstance(given, list) or len(given) != 2:
        return None
    begin, end = given
    if not isinstance(begin, str) or not isinstance(end, str) or max(len(begin), len(end)) > _LONGEST_PLACE:
        return None
    return (begin, end) if begin.isascii() and end.isascii() else None
