"""What the module announces passes once, as announced, and nothing else does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synapse_modules.own_events import HOLDS, OwnEvents

ANN, BOT, ROOM = "@ann:x", "@belisha_steward:x", "!room:x"
POLICY = "org.belisha.room"
CONTENT = {"kind": "open", "organisations": ["alpha"], "nested": {"a": 1}}
BORN: Any = {("m.room.create", ""): SimpleNamespace(sender=ANN), ("m.room.name", ""): SimpleNamespace()}
UNBORN: Any = {("m.room.create", ""): SimpleNamespace(sender=ANN)}


def event(
    sender: str = BOT,
    room_id: str = ROOM,
    event_type: str = POLICY,
    content: dict[str, Any] | None = None,
    state_key: str | None = "",
) -> Any:
    shown = {"content": CONTENT if content is None else content}
    return SimpleNamespace(
        sender=sender, room_id=room_id, type=event_type, get_dict=lambda: shown, get_state_key=lambda: state_key
    )


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_expected_passes_once() -> None:
    own = OwnEvents()
    assert not own.take(event(), BORN)
    own.expect(BOT, ROOM, POLICY, dict(CONTENT), "")
    assert own.take(event(), BORN)
    assert not own.take(event(), BORN)


@pytest.mark.parametrize(
    "other",
    [
        event(sender=ANN),
        event(room_id="!other:x"),
        event(event_type="org.belisha.named"),
        event(state_key="key"),
        event(state_key=None),
        event(content={**CONTENT, "kind": "closed"}),
        event(content={**CONTENT, "more": 1}),
        event(content={}),
    ],
    ids=["sender", "room", "type", "state key", "no state", "other value", "more", "less"],
)
def test_nothing_else_passes_and_the_expected_still_does(other: Any) -> None:
    own = OwnEvents()
    own.expect(BOT, ROOM, POLICY, dict(CONTENT), "")
    assert not own.take(other, BORN)
    assert own.take(event(), BORN)


def test_an_act_in_the_timeline_never_passes_as_state() -> None:
    own = OwnEvents()
    own.expect(BOT, ROOM, POLICY, dict(CONTENT))
    assert not own.take(event(), BORN)
    assert own.take(event(state_key=None), BORN)


def test_what_is_planned_for_a_new_room_passes_in_an_unborn_one_alone() -> None:
    own = OwnEvents()
    own.expect(ANN, None, POLICY, dict(CONTENT), "")
    assert not own.take(event(sender=ANN), BORN)
    assert not own.take(event(), UNBORN)
    assert own.take(event(sender=ANN), UNBORN)
    assert not own.take(event(sender=ANN), UNBORN)


def test_it_holds_for_a_minute() -> None:
    clock = Clock()
    own = OwnEvents(clock)
    own.expect(BOT, ROOM, POLICY, dict(CONTENT), "")
    clock.now += HOLDS - 1
    own.expect(ANN, ROOM, POLICY, dict(CONTENT), "")
    assert own.take(event(), BORN), "the first"
    own.expect(BOT, ROOM, POLICY, dict(CONTENT), "")
    clock.now += HOLDS
    assert not own.take(event(), BORN)
    assert not own.take(event(sender=ANN), BORN)


def test_it_is_forgotten_when_the_send_ends() -> None:
    own = OwnEvents()
    with own.sending(BOT, ROOM, POLICY, dict(CONTENT), ""):
        pass
    assert not own.take(event(), BORN)
    with pytest.raises(RuntimeError), own.sending(BOT, ROOM, POLICY, dict(CONTENT), ""):
        raise RuntimeError
    assert not own.take(event(), BORN)


def test_the_end_of_one_send_leaves_another_like_it() -> None:
    own = OwnEvents()
    own.expect(BOT, ROOM, POLICY, dict(CONTENT), "")
    with own.sending(BOT, ROOM, POLICY, dict(CONTENT), ""):
        pass
    assert own.take(event(), BORN)
    assert not own.take(event(), BORN)
