"""A pad's text in memory: takes updates in, and gives them out as Yjs' own format has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bots.pads.rules import Refused, check
from bots.pads.updates import ROOT, MalformedUpdate, read_state, read_update

if TYPE_CHECKING:
    from pycrdt import Doc, Text, TransactionEvent

_AGAIN = "Please copy what you wrote, load the page again, and put it in once more."


class Document:
    """One text, and whose each part of it is. It belongs to one thread."""

    def __init__(self, updates: Sequence[bytes], owners: Mapping[int, str]) -> None:
        """Puts together what was kept."""
        # With all that it brings it is some megabytes of memory, which a community without pads does without.
        from pycrdt import Doc, Text

        self._doc: Doc[Text] = Doc()
        self._text = self._doc.get(ROOT, type=Text)
        self._made: list[bytes] = []
        for one in updates:
            self._doc.apply_update(one)
        self._doc.observe(self._note)
        self._state = read_state(self._doc.get_state())
        self.owners = dict(owners)

    @property
    def text(self) -> str:
        """What stands in it."""
        return str(self._text)

    @property
    def state(self) -> bytes:
        """All of it, as one update."""
        return self._doc.get_update()

    @property
    def vector(self) -> bytes:
        """How much of each client is there, as a state vector."""
        return self._doc.get_state()

    def beyond(self, vector: bytes) -> bytes:
        """What somebody with that state vector does not have yet.

        Raises:
            MalformedUpdate: it is none.
        """
        read_state(vector)
        return self._doc.get_update(vector)

    def take_in(self, data: bytes, user_id: str, *, closed: str = "") -> tuple[bytes | None, dict[int, str]]:
        """Takes in what a member sends.

        Args:
            data: an update.
            user_id: who sends it.
            closed: why they cannot write now; empty where they can.

        Returns:
            What changed by it, None where nothing did; and whose the clients are that wrote for the first time.

        Raises:
            Refused: it is broken, or is not theirs to write. Then nothing has changed, unless `Spoiled`.
        """
        try:
            update = read_update(data)
        except MalformedUpdate as error:
            raise Refused(f"What this page sent could not be read. {error} {_AGAIN}") from error
        if update.is_empty:
            return None, {}
        if closed:
            raise Refused(closed)
        found = check(update, self._state, self.owners, user_id)
        made = self.add(data)
        if found and (made is None or _ends(made) != found):
            # It was in order piece by piece, and yet something of it could not be put in its place.
            raise Spoiled(f"What this page sent could not be put together. {_AGAIN}")
        self._state |= found
        new = {client: user_id for client in found if client not in self.owners}
        self.owners |= new
        return made, new

    def add(self, data: bytes) -> bytes | None:
        """Takes in what was checked before; what changed by it, if anything did."""
        self._made.clear()
        try:
            self._doc.apply_update(data)
        except BaseException as error:  # a panic in Rust is no `Exception`
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise Spoiled(f"What this page sent could not be put together. {_AGAIN}") from error
        return self._made[0] if self._made else None

    def catch_up(self, updates: Sequence[bytes]) -> Sequence[bytes]:
        """Takes in what another process has kept; what changed by it."""
        found = [made for one in updates if (made := self.add(one)) is not None]
        self._state = read_state(self._doc.get_state())
        return found

    def _note(self, event: TransactionEvent) -> None:
        self._made.append(event.update)


def merged(updates: Sequence[bytes]) -> bytes:
    """Several changes as one."""
    if len(updates) == 1:
        return updates[0]
    from pycrdt import merge_updates

    return merge_updates(*updates)


class Spoiled(Refused):
    """What was refused only when parts of it were taken in: the document is to be put together anew."""


def _ends(made: bytes) -> dict[int, int]:
    try:
        return {run.client: run.end for run in read_update(made).written}
    except MalformedUpdate:
        return {}
