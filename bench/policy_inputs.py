"""The inputs of the policy benchmark: distinct questions over everything that a decision depends on."""

from __future__ import annotations

import random
from typing import Final, NamedTuple

from belisha.policy.decide import Claims
from belisha.policy.rooms import Kind, Purpose, Room
from belisha.policy.types import CALLS, CONTENT, MODULE_STATE, PROTOCOL
from belisha.tlp import Label

_LABELS: Final = tuple(Label)
_UNKNOWN: Final = ("com.example.note", "m.room.aliases", "org.example.status", "m.space.order")
_ORGANISATIONS: Final = (
    (),
    ("lifeboat",),
    ("harbour", "lifeboat"),
    ("coastguard", "harbour", "university"),
    tuple(f"organisation{number}" for number in range(12)),
)
# Of a hundred inputs: messages are what a server decides most.
_MESSAGES, _CONTENT, _PROTOCOL, _CALLS, _UNKNOWN_TYPES = 55, 25, 12, 4, 2


class Input(NamedTuple):
    """What `decide` is asked: the arguments of one call."""

    room: Room | None
    event_type: str
    claims: Claims
    calls: bool


def distinct_inputs(count: int, seed: int = 1) -> list[Input]:
    """`count` inputs, no two alike, the same for the same seed."""
    draw = random.Random(seed)
    inputs: dict[Input, None] = {}
    while len(inputs) < count:
        inputs[Input(_room(draw), _event_type(draw), _claims(draw), draw.random() < 0.5)] = None
    return list(inputs)


def _room(draw: random.Random) -> Room | None:
    if draw.random() < 0.02:
        return None
    return Room(
        draw.choice(list(Kind)),
        draw.choice(_LABELS),
        draw.choice(_LABELS),
        draw.choice(_ORGANISATIONS),
        draw.choice(list(Purpose)),
        draw.random() < 0.15,
    )


def _event_type(draw: random.Random) -> str:
    number = draw.randrange(100)
    for share, types in (
        (_MESSAGES, ("m.room.message",)),
        (_CONTENT, tuple(sorted(CONTENT))),
        (_PROTOCOL, tuple(sorted(PROTOCOL - CALLS - MODULE_STATE))),
        (_CALLS, tuple(sorted(CALLS))),
        (_UNKNOWN_TYPES, _UNKNOWN),
    ):
        if number < share:
            return draw.choice(types)
        number -= share
    return draw.choice(sorted(MODULE_STATE))


def _claims(draw: random.Random) -> Claims:
    """None, one or several sources of a label, each as likely to be the strictest."""
    explicit, text, file, parent = (draw.choice(_LABELS) if draw.random() < 0.35 else None for _ in range(4))
    return Claims(explicit, text, file, parent, is_edit=draw.random() < 0.2)
