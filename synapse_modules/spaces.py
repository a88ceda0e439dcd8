"""Who may put a room into a space, or say that it belongs to one: whoever is in both (rule R3).

A space tells everybody in it which rooms it lists, whether they may see those or not.
"""

from __future__ import annotations

from typing import Final

from synapse.module_api import ModuleApi

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import refuse
from belisha.policy.rooms import Kind
from belisha.policy.state import GROUPS
from synapse_modules.hooks import Hooks
from synapse_modules.refusal import refused
from synapse_modules.snapshot import room_of

#: The kinds of room that the state key of each type may name.
NAMING: Final = {"m.space.child": GROUPS, "m.space.parent": frozenset({Kind.SPACE})}
_NOT_THERE: Final = refuse(
    "R3",
    "NOT_LISTED",
    "A space lists groups only, and only who is in both can add one. Please join the group and the space first.",
)


async def check_place(api: ModuleApi, hooks: Hooks, sender: str, event_type: str, other: str) -> None:
    """Checks who links a room with another, `other`; one that does not exist is refused like one they are not in.

    Raises:
        SynapseError: 403 where they may not.
    """
    if sender in await hooks.joined(other):
        room = room_of(await api.get_room_state(other, [(POLICY_TYPE, "")]))
        if room is not None and room.kind in NAMING[event_type] and not room.replaced:
            return
    raise refused(_NOT_THERE)
