"""Makes rooms what their policy says: plans creation, and keeps the rooms that are there from the start.

The rooms of the start (DESIGN, decision 14) are the Space, announcements, #stewards, and each member's room with the
steward bot. Their aliases are the record of what has been made, so each step can be repeated after a crash.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError
from synapse.synapse_rust.types import Requester
from synapse.types import UserID

from belisha.events import MalformedEvent
from belisha.policy.creation import NAMED_TYPE, POLICY_TYPE, Plan, plan_room
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person
from belisha.policy.rooms import Kind
from belisha.policy.state import MAINTAINER_POWER, STEWARD_POWER, Surroundings
from synapse_modules.hooks import NO_TEXT, Hooks, json_bytes
from synapse_modules.refusal import malformed, refused
from synapse_modules.registry import Member, Registry
from synapse_modules.snapshot import room_of

logger = logging.getLogger(__name__)

#: How long the state that a planned room begins with may take to arrive, in seconds.
_PLAN_HOLDS: Final = 60.0

STEWARDS_ALIAS: Final = "stewards"
ANNOUNCEMENTS_ALIAS: Final = "announcements"
COMMUNITY_ALIAS: Final = "community"
_STEWARD_NAME: Final = "Steward (bot)"
_STEWARD_ROLES: Final = frozenset({"steward", "manager"})


class PlannedState:
    """The policy state of rooms that are being made: the only policy state that a member's name may stand on."""

    def __init__(self) -> None:
        self._expected: list[tuple[float, str, str, dict[str, Any]]] = []

    def expect(self, creator: str, plan: Plan) -> None:
        """Expects the policy state of a planned room, once, from its creator."""
        now = time.monotonic()
        self._expected = [entry for entry in self._expected if now - entry[0] < _PLAN_HOLDS]
        for item in plan.request["initial_state"]:
            if item["type"] in (POLICY_TYPE, NAMED_TYPE):
                self._expected.append((now, creator, item["type"], dict(item["content"])))

    def take(self, sender: str, event_type: str, content: Mapping[str, Any]) -> bool:
        """Whether exactly this was expected; it is not expected again."""
        for entry in self._expected:
            if entry[1:3] == (sender, event_type) and entry[3] == dict(content):
                self._expected.remove(entry)
                return True
        return False


class Rooms:
    """Creation of rooms, and the rooms that are there from the start."""

    def __init__(
        self, api: ModuleApi, hooks: Hooks, registry: Registry, about: Surroundings, community_name: str
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._about = about
        self._steward = about.steward
        self._community_name = community_name
        self.planned = PlannedState()
        self.ready = False

    # --- Creation ----------------------------------------------------------------------------------------------

    async def plan_creation(self, requester: Requester, config: dict[str, Any]) -> None:
        """Turns the request in `config` into the planned one, in place.

        Raises:
            SynapseError: 403 or 400 with the reason, before anything of the room exists.
        """
        creator = await self._registry.person(requester.user.to_string())
        if not (standing := decide_standing(creator)).allowed:
            raise refused(standing)
        invitees = await self._people(config.get("invite"))
        organisations = frozenset(await self._registry.organisations())
        try:
            json_bytes(config)
            plan = plan_room(creator, invitees, config, organisations, self._about)
        except MalformedEvent as error:
            raise malformed(str(error)) from None
        except UnicodeEncodeError:
            raise malformed(NO_TEXT) from None
        if not isinstance(plan, Plan):
            raise refused(plan)
        self.planned.expect(creator.user_id, plan)
        config.clear()
        config.update(plan.request)

    async def _people(self, invite: object) -> list[Person]:
        if invite is None:
            return []
        if not isinstance(invite, list) or not all(isinstance(user, str) and user.startswith("@") for user in invite):
            raise malformed("`invite` must be a list of user ids.")
        return [await self._registry.person(user) for user in dict.fromkeys(invite)]

    # --- The rooms of the start --------------------------------------------------------------------------------

    async def found(self) -> None:
        """Makes what is missing of the rooms of the start, and every member's room; may be repeated."""
        if not await self._api.check_user_exists(self._steward):
            await self._hooks.register_bot(self._steward)
        steward = UserID.from_string(self._steward)
        if (await self._api.get_profile_for_user(steward.localpart)).display_name != _STEWARD_NAME:
            await self._api.set_displayname(steward, _STEWARD_NAME)
        await self._founding_room(
            COMMUNITY_ALIAS,
            {
                "preset": "public_chat",
                "visibility": "public",
                "name": self._community_name,
                "topic": "Every group of the community.",
                "creation_content": {"type": "m.space"},
            },
        )
        await self._founding_room(
            ANNOUNCEMENTS_ALIAS,
            {
                "preset": "public_chat",
                "visibility": "public",
                "name": "Announcements",
                "topic": "News for everyone, from the people who run the community.",
                "initial_state": [_wish("open", "announcements")],
            },
        )
        await self._founding_room(
            STEWARDS_ALIAS,
            {
                "preset": "private_chat",
                "name": "Stewards",
                "topic": "Where stewards and managers work together.",
                "initial_state": [_wish("closed", "discussion")],
                "power_level_content_override": {"invite": STEWARD_POWER},
            },
        )
        await self._list_in_space(ANNOUNCEMENTS_ALIAS)
        for room_id in await self._hooks.invited_rooms(self._steward):
            await self.join_bot(self._steward, room_id)
        for member in (await self._registry.active_members()).values():
            await self.settle(member)
        self.ready = True

    async def join_bot(self, bot: str, room_id: str) -> None:
        """Lets a bot into a room that it was invited to; whether it may be there was decided with the invitation."""
        try:
            await self._join(bot, room_id)
        except SynapseError as error:
            logger.warning("A bot could not join a room: %s %s", error.code, error.errcode)

    async def settle(self, member: Member) -> str:
        """Puts a member where every member is, and a steward or manager where they are; their room with the bot."""
        user_id = self._registry.user_id(member.localpart)
        for alias in (COMMUNITY_ALIAS, ANNOUNCEMENTS_ALIAS):
            await self._join(user_id, await self._room_id(alias))
        await self._keep_stewards_room(member, user_id)
        await self._keep_managers_power(member, user_id)
        return await self._service_room(member, user_id)

    async def _founding_room(self, alias: str, config: dict[str, Any]) -> None:
        existing = await self._find(alias)
        if existing is not None:
            if await self._is_whole(existing):
                return
            # A crash amid creation left a room without its policy: its alias goes to a whole one.
            logger.warning("Room #%s was not finished; making it again", alias)
            await self._hooks.forget_alias(f"#{alias}:{self._api.server_name}")
        await self._api.create_room(self._steward, config | {"room_alias_name": alias}, ratelimit=False)

    async def _is_whole(self, room_id: str) -> bool:
        state = await self._api.get_room_state(room_id, [(POLICY_TYPE, "")])
        return room_of(state) is not None and self._steward in await self._hooks.joined(room_id)

    async def _find(self, alias: str) -> str | None:
        try:
            room_id, _ = await self._api.lookup_room_alias(f"#{alias}:{self._api.server_name}")
        except SynapseError as error:
            if error.code == 404:
                return None
            raise
        return room_id

    async def _room_id(self, alias: str) -> str:
        room_id = await self._find(alias)
        if room_id is None:
            raise RuntimeError(f"#{alias} has not been made yet")
        return room_id

    async def _list_in_space(self, alias: str) -> None:
        space, child = await self._room_id(COMMUNITY_ALIAS), await self._room_id(alias)
        if ("m.space.child", child) not in await self._api.get_room_state(space, [("m.space.child", child)]):
            await self._send_state(space, "m.space.child", child, {"via": [self._api.server_name], "suggested": True})

    async def _send_state(self, room_id: str, event_type: str, state_key: str, content: dict[str, Any]) -> None:
        await self._api.create_and_send_event_into_room(
            {
                "type": event_type,
                "state_key": state_key,
                "room_id": room_id,
                "sender": self._steward,
                "content": content,
            }
        )

    async def _join(self, user_id: str, room_id: str, *, invited: bool = False) -> None:
        if user_id in await self._hooks.joined(room_id):
            return
        if invited:
            await self._hooks.set_membership(self._steward, user_id, room_id, "invite")
        await self._hooks.set_membership(user_id, user_id, room_id, "join")

    async def _keep_stewards_room(self, member: Member, user_id: str) -> None:
        room_id = await self._room_id(STEWARDS_ALIAS)
        if _STEWARD_ROLES & set(member.roles):
            await self._join(user_id, room_id, invited=True)
        elif user_id in await self._hooks.joined(room_id):
            await self._hooks.set_membership(self._steward, user_id, room_id, "leave")

    async def _keep_managers_power(self, member: Member, user_id: str) -> None:
        wanted = MAINTAINER_POWER if "manager" in member.roles else 0
        for alias in (COMMUNITY_ALIAS, ANNOUNCEMENTS_ALIAS):
            room_id = await self._room_id(alias)
            event = (await self._api.get_room_state(room_id, [("m.room.power_levels", "")]))["m.room.power_levels", ""]
            users = dict(event.content["users"])
            if users.get(user_id, 0) == wanted:
                continue
            users = {user: level for user, level in users.items() if user != user_id}
            levels = {**event.content, "users": users | ({user_id: wanted} if wanted else {})}
            await self._send_state(room_id, "m.room.power_levels", "", levels)

    async def _service_room(self, member: Member, user_id: str) -> str:
        if member.service_room is not None:
            return member.service_room
        room_id = await self.receive(user_id)
        await self._registry.set_service_room(member.localpart, room_id)
        return room_id

    async def receive(self, user_id: str) -> str:
        """The room that an account has with the steward bot, made where there is none."""
        room_id = await self._unrecorded_service_room(user_id)
        if room_id is None:
            config = {"preset": "trusted_private_chat", "is_direct": True, "invite": [user_id]}
            room_id, _ = await self._api.create_room(self._steward, config, ratelimit=False)
        await self._join(user_id, room_id)
        await self._show_as_direct_chat(user_id, room_id)
        return room_id

    async def _unrecorded_service_room(self, user_id: str) -> str | None:
        """A room with this member that a crash kept from being written down."""
        for room_id in await self._hooks.rooms_shared(self._steward, user_id):
            room = room_of(await self._api.get_room_state(room_id, [(POLICY_TYPE, "")]))
            if room is not None and room.kind is Kind.SERVICE:
                return room_id
        return None

    async def _show_as_direct_chat(self, user_id: str, room_id: str) -> None:
        """Files the room under people, as clients do (Matrix 1.16, "Direct Messaging", m.direct)."""
        manager = self._api.account_data_manager
        direct = {key: list(rooms) for key, rooms in (await manager.get_global(user_id, "m.direct") or {}).items()}
        if room_id not in direct.get(self._steward, []):
            direct.setdefault(self._steward, []).append(room_id)
            await manager.put_global(user_id, "m.direct", direct)

    async def rename(self, member: Member) -> None:
        """Sets the display name that the registry gives (rule M3)."""
        await self._registry.members()
        user = UserID.from_string(self._registry.user_id(member.localpart))
        profile = await self._api.get_profile_for_user(user.localpart)
        if profile.display_name != (name := self._registry.display_name(member)):
            await self._api.set_displayname(user, name)


def _wish(kind: str, purpose: str) -> dict[str, Any]:
    return {"type": POLICY_TYPE, "state_key": "", "content": {"kind": kind, "purpose": purpose}}
