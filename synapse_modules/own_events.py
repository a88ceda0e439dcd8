"""Events that the module itself is about to send: each passes the check once, exactly as it was planned.

What an event says of itself never lets it pass; that it was announced here, in this process, does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from synapse.events import EventBase
from synapse.module_api import StateMap

from synapse_modules.snapshot import is_unborn

#: How long an event may take from its plan to its check, in seconds.
HOLDS: Final = 60.0


class _Expected(NamedTuple):
    since: float
    sender: str
    room_id: str | None
    event_type: str
    state_key: str | None
    content: dict[str, Any]


class OwnEvents:
    """What is expected now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expected: list[_Expected] = []

    def expect(
        self, sender: str, room_id: str | None, event_type: str, content: dict[str, Any], state_key: str | None = None
    ) -> object:
        """Expects one event; what `forget` takes back.

        Args:
            sender: in whose name it comes.
            room_id: its room; None for one that is still to be made, which holds nothing but its creation then.
            event_type: its type.
            content: its whole content.
            state_key: the key of a state event, None for what is no state.
        """
        now = self._clock()
        self._expected = [each for each in self._expected if now - each.since < HOLDS]
        expected = _Expected(now, sender, room_id, event_type, state_key, content)
        self._expected.append(expected)
        return expected

    def forget(self, expected: object) -> None:
        """Expects it no longer, sent or not."""
        self._expected = [each for each in self._expected if each is not expected]

    @contextmanager
    def sending(
        self, sender: str, room_id: str, event_type: str, content: dict[str, Any], state_key: str | None = None
    ) -> Iterator[None]:
        """Expects one event for as long as it is being sent."""
        expected = self.expect(sender, room_id, event_type, content, state_key)
        try:
            yield
        finally:
            self.forget(expected)

    def take(self, event: EventBase, state: StateMap[EventBase]) -> bool:
        """Whether exactly this was expected; it is not expected again."""
        if not self._expected:
            return False
        oldest, content = self._clock() - HOLDS, event.get_dict()["content"]
        about = (event.sender, event.type, event.get_state_key(), content)
        for each in self._expected:
            is_its_room = is_unborn(state) if each.room_id is None else each.room_id == event.room_id
            if each.since > oldest and is_its_room and (each.sender, *each[3:]) == about:
                self.forget(each)
                return True
        return False
