"""Whoever is not in a room reads nothing of it, however their membership ended (rule M1).

`forget_rooms_on_leave` closes a room behind those who were in it, some time later. Who took back a knock, declined an
invitation or was unbanned has left as well, and Synapse would show them all that was said up to that moment.

Like `hooks`, this touches private parts of Synapse. Nothing starts without them: they are what M1 stands on.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import attr
from synapse.api.constants import EventTypes, Membership
from synapse.api.errors import Codes
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError

from synapse_modules.guards import require

_GONE: Final = (Membership.LEAVE, Membership.BAN)


class Departed:
    """What is wrapped in one Synapse process; to be closed before the listeners start, as Synapse does with modules."""

    def __init__(self, api: ModuleApi) -> None:
        self._auth: Any = api._auth
        self._sync: Any = api._hs.get_sync_handler()
        self._sliding: Any = api._hs.get_sliding_sync_handler()
        self._initial: Any = api._hs.get_initial_sync_handler()

    def close(self) -> None:
        """Closes every way to read a room that one has left; a client is still told that, and by whom.

        Raises:
            HookMissing: this Synapse has one of them elsewhere.
        """
        require(
            (self._auth, "check_user_in_room", {"room_id", "requester", "allow_departed_users"}),
            (self._sync, "_generate_room_entry", {"sync_result_builder", "room_builder"}),
            (self._sliding, "get_room_sync_data", {"sync_config", "room_membership_for_user_at_to_token"}),
            (self._sliding, "wait_for_sync_for_user", {"requester"}),
            (self._initial, "snapshot_all_rooms", {"user_id", "pagin_config", "include_archived"}),
        )
        self._close_rooms()
        self._close_sync()
        self._close_sliding_sync()
        self._close_initial_sync()

    def _close_rooms(self) -> None:
        """Timeline, members, state, relations: Synapse asks here for whoever "was in the room at some point"."""
        check = self._auth.check_user_in_room

        async def check_present(room_id: str, requester: Any, allow_departed_users: bool = False) -> Any:
            return await check(room_id, requester, allow_departed_users=False)

        self._auth.check_user_in_room = check_present

    def _close_sync(self) -> None:
        generate = self._sync._generate_room_entry

        async def generate_present(sync_result_builder: Any, room_builder: Any, *others: Any, **named: Any) -> None:
            left = len(sync_result_builder.archived)
            await generate(sync_result_builder, room_builder, *others, **named)
            user_id = sync_result_builder.sync_config.user.to_string()
            archived = sync_result_builder.archived
            archived[left:] = [_without_past(room, user_id) for room in archived[left:]]

        self._sync._generate_room_entry = generate_present

    def _close_sliding_sync(self) -> None:
        get_data, wait = self._sliding.get_room_sync_data, self._sliding.wait_for_sync_for_user

        async def get_present_data(*, sync_config: Any, room_membership_for_user_at_to_token: Any, **named: Any) -> Any:
            user_id = sync_config.user.to_string()
            room = await get_data(
                sync_config=sync_config,
                room_membership_for_user_at_to_token=room_membership_for_user_at_to_token,
                **named,
            )
            if room_membership_for_user_at_to_token.membership not in _GONE:
                return room
            return _without_present(room, user_id)

        async def wait_for_sync(requester: Any, *arguments: Any, **named: Any) -> Any:
            try:
                return await wait(requester, *arguments, **named)
            except AssertionError:
                # Synapse's own, in the first minute of a new database, where a room was forgotten since `pos`. With
                # this error clients begin anew (MSC4186).
                raise SynapseError(HTTPStatus.BAD_REQUEST, "Please begin this feed anew.", Codes.UNKNOWN_POS) from None

        self._sliding.get_room_sync_data, self._sliding.wait_for_sync_for_user = get_present_data, wait_for_sync

    def _close_initial_sync(self) -> None:
        snapshot = self._initial.snapshot_all_rooms

        async def snapshot_present(*arguments: Any, include_archived: bool = False, **named: Any) -> Any:
            return await snapshot(*arguments, include_archived=False, **named)

        self._initial.snapshot_all_rooms = snapshot_present


def _without_past(room: Any, user_id: str) -> Any:
    """A left room of `/sync`, with one's own memberships only."""
    own = [one for one in room.timeline.events if _is_own(one.event, user_id)]
    timeline = attr.evolve(room.timeline, events=own, limited=False, bundled_aggregations=None)
    return attr.evolve(room, state={}, timeline=timeline)


def _without_present(room: Any, user_id: str) -> Any:
    """A left room of sliding sync, with one's own memberships only."""
    return attr.evolve(
        room,
        name=None,
        avatar=None,
        heroes=None,
        required_state=[event for event in room.required_state if _is_own(event, user_id)],
        timeline_events=[one for one in room.timeline_events if _is_own(one.event, user_id)],
        bundled_aggregations=None,
        prev_batch=None,
        limited=False,
        num_live=0,
        joined_count=0,
        invited_count=0,
    )


def _is_own(event: Any, user_id: str) -> bool:
    return bool(event.type == EventTypes.Member and event.state_key == user_id)
