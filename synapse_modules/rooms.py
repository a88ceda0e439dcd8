"""Makes rooms what their policy says: plans creation, and keeps the rooms that are there from the start.

The rooms of the start (DESIGN, decision 14) are the Space, announcements, #stewards, and each member's room with the
steward bot. Their aliases are the record of what has been made, so each step can be repeated after a crash.
"""

from __future__ import annotations

import logging
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
from synapse_modules.contacts import Contacts
from synapse_modules.files import Files
from synapse_modules.hooks import NO_TEXT, Hooks
from synapse_modules.mutes import Mutes
from synapse_modules.own_events import OwnEvents
from synapse_modules.refusal import malformed, not_found, refused
from synapse_modules.registry import Member, Registry
from synapse_modules.sizes import json_bytes
from synapse_modules.snapshot import room_of
from synapse_modules.spaces import NAMING, check_place

logger = logging.getLogger(__name__)

STEWARDS_ALIAS: Final = "stewards"
ANNOUNCEMENTS_ALIAS: Final = "announcements"
COMMUNITY_ALIAS: Final = "community"
#: Key in the creation of a room that a command asked for: by its value a room is found again after a crash.
MARK: Final = "org.belisha.making"
_STEWARD_NAME: Final = "Steward (bot)"
_STEWARD_ROLES: Final = frozenset({"steward", "manager"})


class Rooms:
    """Creation of rooms, and the rooms that are there from the start."""

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        registry: Registry,
        about: Surroundings,
        community_name: str,
        own: OwnEvents,
        files: Files,
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._about = about
        self.steward = about.steward
        self._community_name = community_name
        self._own = own
        self._files = files
        self._mutes = Mutes(hooks, registry)
        self.contacts = Contacts(api, hooks, registry, self.founding_rooms)
        self.ready = False
        self._marks: list[tuple[dict[str, Any], str]] = []

    # --- Creation ----------------------------------------------------------------------------------------------

    async def plan_creation(self, requester: Requester, config: dict[str, Any]) -> None:
        """Turns the request in `config` into the planned one, in place.

        Raises:
            SynapseError: 403 or 400 with the reason, before anything of the room exists.
        """
        creator = await self._registry.person(requester.user.to_string())
        if not (standing := decide_standing(creator)).allowed:
            raise refused(standing)
        await self._mutes.check_act(creator.user_id, None, Kind.NAMED)
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
        for item in plan.request["initial_state"]:
            if item["type"] in NAMING:
                await check_place(self._api, self._hooks, creator.user_id, item["type"], item["state_key"])
        if plan.room.kind is Kind.NAMED:
            await self.contacts.check(creator, invitees)
        for item in plan.request["initial_state"]:
            if item["type"] == "m.room.avatar":
                await self._files.make_pictures(creator.user_id, item["content"])
        for item in plan.request["initial_state"]:
            if item["type"] in (POLICY_TYPE, NAMED_TYPE):
                self._own.expect(creator.user_id, None, item["type"], dict(item["content"]), "")
        self._fill(config, plan.request)

    def _fill(self, config: dict[str, Any], request: dict[str, Any]) -> None:
        """Makes the planned request of what a client asked for; with its mark where a command did."""
        mark = next((mark for own, mark in self._marks if own is config), None)
        config.clear()
        config.update(request)
        if mark is not None:
            config["creation_content"] = {**request["creation_content"], MARK: mark}

    async def make(self, user_id: str, config: dict[str, Any], mark: str) -> str:
        """Makes a room as that member's client would, under all the rules; its id.

        Args:
            user_id: in whose name.
            config: what a client would ask for.
            mark: what is written into the room's creation.

        Raises:
            SynapseError: as `plan_creation`, and what Synapse itself says, such as 429 to who makes too many.
        """
        self._marks.append((config, mark))
        try:
            room_id, _ = await self._api.create_room(user_id, config)
        finally:
            self._marks = [each for each in self._marks if each[0] is not config]
        return room_id

    async def _people(self, invite: object) -> list[Person]:
        if invite is None:
            return []
        if not isinstance(invite, list) or not all(isinstance(user, str) and user.startswith("@") for user in invite):
            raise malformed("`invite` must be a list of user ids.")
        return [await self._registry.person(user) for user in dict.fromkeys(invite)]

    # --- The rooms of the start --------------------------------------------------------------------------------

    async def found(self) -> None:
        """Makes what is missing of the rooms of the start, and every member's room; may be repeated."""
        if not await self._api.check_user_exists(self.steward):
            await self._hooks.register_bot(self.steward)
        steward = UserID.from_string(self.steward)
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
        for room_id in await self._hooks.invited_rooms(self.steward):
            await self.join_bot(self.steward, room_id)
        for member in (await self._registry.active_members()).values():
            await self.settle(member)
        self.ready = True

    async def are_there(self) -> bool:
        """Whether the rooms of the start are there, whichever process made them."""
        return self.ready or await self._find(STEWARDS_ALIAS) is not None

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
        await self._api.create_room(self.steward, config | {"room_alias_name": alias}, ratelimit=False)

    async def _is_whole(self, room_id: str) -> bool:
        state = await self._api.get_room_state(room_id, [(POLICY_TYPE, "")])
        return room_of(state) is not None and self.steward in await self._hooks.joined(room_id)

    async def founding_rooms(self) -> frozenset[str]:
        """The ids of the rooms that every community has."""
        found = [await self._find(alias) for alias in (COMMUNITY_ALIAS, ANNOUNCEMENTS_ALIAS, STEWARDS_ALIAS)]
        return frozenset(room_id for room_id in found if room_id is not None)

    async def stewards_room(self) -> str:
        """The id of the room where stewards and managers work together."""
        return await self._room_id(STEWARDS_ALIAS)

    async def announcements_room(self) -> str:
        """The id of the room where every member reads announcements."""
        return await self._room_id(ANNOUNCEMENTS_ALIAS)

    async def community_room(self) -> str:
        """The id of the community's Space."""
        return await self._room_id(COMMUNITY_ALIAS)

    async def check_mute(self, user_id: str, room_id: str | None, kind: Kind) -> None:
        """Refuses what somebody would do from elsewhere to a group where they are muted, or to make a room (None).

        Raises:
            SynapseError: 403 with the reason, and until when.
        """
        await self._mutes.check_act(user_id, room_id, kind)

    async def named(self, room: str) -> str:
        """The id of a room that somebody names by its id or its address.

        Raises:
            SynapseError: 404 where no room has that address.
        """
        if not room.startswith("#"):
            return room
        room = room if ":" in room else f"{room}:{self._api.server_name}"
        if room.partition(":")[2] != self._api.server_name:
            raise not_found()
        try:
            room_id, _ = await self._api.lookup_room_alias(room)
        except SynapseError as error:
            raise (not_found() if error.code in (400, 404) else error) from None
        return room_id

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
            await self.send_state(space, "m.space.child", child, {"via": [self._api.server_name], "suggested": True})

    async def send_state(self, room_id: str, event_type: str, state_key: str, content: dict[str, Any]) -> None:
        """Sets room state in the steward bot's name, under all the rules."""
        await self._api.create_and_send_event_into_room(
            {
                "type": event_type,
                "state_key": state_key,
                "room_id": room_id,
                "sender": self.steward,
                "content": content,
            }
        )

    async def _join(self, user_id: str, room_id: str, *, invited: bool = False) -> None:
        if user_id in await self._hooks.joined(room_id):
            return
        if invited:
            await self._hooks.set_membership(self.steward, user_id, room_id, "invite")
        await self._hooks.set_membership(user_id, user_id, room_id, "join")

    async def _keep_stewards_room(self, member: Member, user_id: str) -> None:
        room_id = await self._room_id(STEWARDS_ALIAS)
        if _STEWARD_ROLES & set(member.roles):
            await self._join(user_id, room_id, invited=True)
        elif user_id in await self._hooks.joined(room_id):
            await self._hooks.set_membership(self.steward, user_id, room_id, "leave")

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
            await self.send_state(room_id, "m.room.power_levels", "", levels)

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
            room_id, _ = await self._api.create_room(self.steward, config, ratelimit=False)
        await self._join(user_id, room_id)
        await self._show_as_direct_chat(user_id, room_id)
        await self._hide_media(user_id)
        return room_id

    async def _unrecorded_service_room(self, user_id: str) -> str | None:
        """A room with this member that a crash kept from being written down."""
        for room_id in await self._hooks.rooms_shared(self.steward, user_id):
            room = room_of(await self._api.get_room_state(room_id, [(POLICY_TYPE, "")]))
            if room is not None and room.kind is Kind.SERVICE:
                return room_id
        return None

    async def _show_as_direct_chat(self, user_id: str, room_id: str) -> None:
        """Files the room under people, as clients do (Matrix 1.16, "Direct Messaging", m.direct)."""
        manager = self._api.account_data_manager
        direct = {key: list(rooms) for key, rooms in (await manager.get_global(user_id, "m.direct") or {}).items()}
        if room_id not in direct.get(self.steward, []):
            direct.setdefault(self.steward, []).append(room_id)
            await manager.put_global(user_id, "m.direct", direct)

    async def _hide_media(self, user_id: str) -> None:
        """Has clients show a new account pictures when it taps them, unless it says otherwise (MSC4278)."""
        manager = self._api.account_data_manager
        for name in _MEDIA_PREVIEWS:
            if await manager.get_global(user_id, name) is None:
                await manager.put_global(user_id, name, {"media_previews": "off", "invite_avatars": "off"})

    async def rename(self, member: Member) -> None:
        """Sets the display name that the registry gives (rule M3)."""
        await self._registry.members()
        user = UserID.from_string(self._registry.user_id(member.localpart))
        profile = await self._api.get_profile_for_user(user.localpart)
        if profile.display_name != (name := self._registry.display_name(member)):
            await self._api.set_displayname(user, name)


#: The name that the specification has for it, and the one that Element reads still.
_MEDIA_PREVIEWS: Final = ("m.media_preview_config", "io.element.msc4278.media_preview_config")


def _wish(kind: str, purpose: str) -> dict[str, Any]:
    return {"type": POLICY_TYPE, "state_key": "", "content": {"kind": kind, "purpose": purpose}}
