"""Upgrades rooms (rule R1): the old one is closed, the new one begins with its policy, and everybody goes over.

The steps, each of which can be repeated: write it down; close the old room by its policy, and let what is in flight
land; make the new room with that policy, with nobody in it; write that down; from here on it is finished, whatever
happens: bans and the rest of the state, tombstone, addresses, place in spaces, members.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError
from synapse.util.async_helpers import concurrently_execute

from belisha.policy.creation import NAMED_TYPE, POLICY_TYPE, ROOM_VERSION
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_stay
from belisha.policy.rooms import Room, to_state
from belisha.policy.upgrade import BY_THE_CREATOR, decide_upgrade, plan_upgrade, state_to_follow
from synapse_modules.guards import Guard
from synapse_modules.hooks import Hooks
from synapse_modules.own_events import OwnEvents
from synapse_modules.policies import Policies
from synapse_modules.refusal import FAILURES, not_found, refused
from synapse_modules.registry import REVISION_AGE, Registry, Settle
from synapse_modules.rights import Rights
from synapse_modules.rooms import Rooms
from synapse_modules.snapshot import named_in, room_of
from synapse_modules.upgrade_hooks import Ask, UpgradeHooks
from synapse_modules.upgrade_rows import Upgrade, UpgradeRows

logger = logging.getLogger(__name__)

#: How many members go over at once. Synapse changes about 29 memberships a second (FACTS), two for each member.
_AT_ONCE: Final = 4
#: After how many seconds an upgrade without a new room was cut short, and is no other process's present work.
_CUT_SHORT_AFTER: Final = 60

_POLICY: Final = (POLICY_TYPE, "")
_JOIN_RULES: Final = ("m.room.join_rules", "")
_NEEDED: Final = [_POLICY, (NAMED_TYPE, ""), ("m.room.encryption", ""), _JOIN_RULES]
_TOMBSTONE: Final = ("m.room.tombstone", "")
_ADDRESS: Final = ("m.room.canonical_alias", "")
_DEGRADED: Final = refuse("X1", "DEGRADED", "No room can be upgraded on this server. Its operators know why.")
_TEXT: Final = "This room has been replaced. Please go on in the new one."

#: A step of an upgrade, and its new room.
Step = Callable[[Upgrade, str], Awaitable[None]]


class Upgrades:
    """Upgrades of groups, in the steward bot's name, and of rooms of named people, in their creator's."""

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        registry: Registry,
        rooms: Rooms,
        rights: Rights,
        policies: Policies,
        own: OwnEvents,
        rows: UpgradeRows,
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._rights = rights
        self._steward = rooms.steward
        self._policies = policies
        self._own = own
        self._rows = rows
        self._private = UpgradeHooks(api)
        self._making: list[Mapping[str, Any]] = []
        self._busy: set[str] = set()

    def guard(self, ask: Ask) -> Guard:
        """What of Synapse this stands on; `ask` answers the client's own button."""
        return self._private.guard(ask)

    def makes(self, config: Mapping[str, Any]) -> bool:
        """Whether a request for a room is the module's own, for an upgrade: that very one, whatever it says."""
        return any(one is config for one in self._making)

    # --- What may be asked for ---------------------------------------------------------------------------------

    async def ask(self, user_id: str, room_id: str, version: object) -> str:
        """Upgrades a room of named people for who made it, by the client's own button; the new room's id.

        Raises:
            SynapseError: 403 with the reason and what to do instead, 404 to who is not in the room.
        """
        if not room_id.startswith("!") or user_id not in await self._hooks.joined(room_id):
            raise not_found()
        state = await self._api.get_room_state(room_id)
        room = room_of(state)
        if room is None:
            raise not_found()
        is_of_the_start = room_id in await self._rooms.founding_rooms()
        if refusal := decide_upgrade(room, is_of_the_start=is_of_the_start, by_bot=False):
            raise refused(refusal)
        if version != ROOM_VERSION:
            raise refused(
                refuse("R1", "ROOM_VERSION", f"Rooms here have version {ROOM_VERSION}. Please ask for that version.")
            )
        if state["m.room.create", ""].sender != user_id:
            raise refused(BY_THE_CREATOR)
        async with self._policies.alone(room_id), self._policies.audit.act("upgrade", user_id, room=room_id, rule="R1"):
            return await self._upgrade(room_id, await self._policies.read(room_id), user_id)

    async def upgrade(self, room_id: str, settle: Settle | None = None) -> str:
        """Upgrades a group in the steward bot's name; the new room's id. Members go over in the background.

        `settle` is written down in the transaction from which on the upgrade is finished, whatever happens.

        Raises:
            SynapseError: 403 where it cannot be, with the reason; 404 where there is no such room.
        """
        room = await self._policies.read(room_id)
        is_of_the_start = room_id in await self._rooms.founding_rooms()
        if refusal := decide_upgrade(room, is_of_the_start=is_of_the_start, by_bot=True):
            raise refused(refusal)
        if self._steward not in await self._hooks.joined(room_id):  # a group that was made this very moment
            await self._hooks.set_membership(self._steward, self._steward, room_id, "join")
        async with self._policies.alone(room_id), self._policies.audit.act("upgrade", room=room_id, rule="R1"):
            return await self._upgrade(room_id, await self._policies.read(room_id), self._steward, settle)

    async def progress(self, room_id: str) -> dict[str, Any]:
        """How far the upgrade of a room is.

        Raises:
            SynapseError: 404 where it is not being upgraded and never was.
        """
        upgrade = await self._rows.of(room_id)
        if upgrade is None or upgrade.new is None:
            raise not_found()
        old, new = await self._rows.memberships(room_id), await self._rows.memberships(upgrade.new)
        waiting = [user for user, membership in old.items() if membership == "join" and user not in new]
        return {
            "room_id": room_id,
            "new_room_id": upgrade.new,
            "done": upgrade.done,
            "members": sum(membership == "join" for membership in new.values()),
            "waiting": len(waiting),
        }

    async def successor(self, room_id: str) -> tuple[str, bool] | None:
        """The room that has taken a room's place, and whether everybody has gone over; None where none has."""
        upgrade = await self._rows.of(room_id)
        return None if upgrade is None or upgrade.new is None else (upgrade.new, upgrade.done)

    # --- Until the new room is there ---------------------------------------------------------------------------

    async def _upgrade(self, room_id: str, room: Room, sender: str, settle: Settle | None = None) -> str:
        # Once more, on what the room is now that nobody else changes it.
        if refusal := decide_upgrade(room, is_of_the_start=False, by_bot=sender == self._steward):
            raise refused(refusal)
        if not self._private.fits:
            raise refused(_DEGRADED)
        upgrade = Upgrade(room_id, None, sender, to_state(room), int(time.time()), False)
        if room_id in self._busy or not await self._rows.begin(upgrade):
            raise refused(
                refuse("R1", "NO_UPGRADE", "The room is being changed just now. Please try again in a moment.")
            )
        self._busy.add(room_id)
        try:
            new = await self._make(upgrade, room, settle)
            upgrade = upgrade._replace(new=new)
            # Mutes and bans hold in the new room: every process knows before anybody hears of it.
            await self._api.sleep(REVISION_AGE)
            is_closed = await self._try(self._close, upgrade, new)
        finally:
            self._busy.discard(room_id)
        if is_closed:
            self._api.run_as_background_process("belisha_upgrade", self._work, self._go_over, upgrade)
        return new

    async def _make(self, upgrade: Upgrade, room: Room, settle: Settle | None) -> str:
        """Closes the old room and makes the new one; where that fails, all is as it was."""
        try:
            await self._put(upgrade.sender, upgrade.old, _POLICY, to_state(room._replace(replaced=True)))
            await self._hooks.wait_for_sends(upgrade.old)
            new = await self._create(upgrade, room)
            if not await self._rows.record(upgrade.old, new, settle):
                raise RuntimeError("the upgrade was given up meanwhile")
        except FAILURES:
            await self._undo(upgrade)
            raise
        return new

    async def _create(self, upgrade: Upgrade, room: Room) -> str:
        state = {key: event.content for key, event in (await self._api.get_room_state(upgrade.old)).items()}
        predecessor = {"room_id": upgrade.old, "event_id": await self._private.newest_event(upgrade.old)}
        config = plan_upgrade(room, ROOM_VERSION, predecessor, state)
        expected = [
            self._own.expect(upgrade.sender, None, item["type"], item["content"], "")
            for item in config["initial_state"]
            if item["type"] in (POLICY_TYPE, NAMED_TYPE)
        ]
        self._making.append(config)
        try:
            new, _ = await self._api.create_room(upgrade.sender, config, ratelimit=False)
        finally:
            self._making = [one for one in self._making if one is not config]
            for each in expected:
                self._own.forget(each)
        return new

    async def _undo(self, upgrade: Upgrade) -> None:
        """Opens the old room again, and leaves what was made of a new one."""
        for room_id in await self._rows.made_for(upgrade):
            if upgrade.sender in await self._hooks.joined(room_id):
                await self._hooks.set_membership(upgrade.sender, upgrade.sender, room_id, "leave")
        if upgrade.sender in await self._hooks.joined(upgrade.old):
            await self._put(upgrade.sender, upgrade.old, _POLICY, upgrade.policy)
        await self._rows.give_up(upgrade.old)

    # --- From then on ------------------------------------------------------------------------------------------

    async def resume(self) -> None:
        """Undoes or goes on with what a crash cut short: no old room is left open beside a new one."""
        for upgrade in await self._rows.under_way():
            logger.warning("An upgrade was cut short; it is %s", "undone" if upgrade.new is None else "finished")
            if upgrade.new is None:
                await self._undo(upgrade)
            else:
                await self._close(upgrade, upgrade.new)

    async def catch_up(self) -> None:
        """Goes on with every upgrade that is not done, and removes from old rooms who is not in the new one."""
        for upgrade in await self._rows.under_way():
            if upgrade.new is not None:
                await self._work(self._close, upgrade)
                await self._work(self._go_over, upgrade)
            elif upgrade.old not in self._busy and time.time() - upgrade.since > _CUT_SHORT_AFTER:
                await self._undo(upgrade)

    async def _close(self, upgrade: Upgrade, new: str) -> None:
        """Fills the new room's state, and lets the old one name it."""
        if upgrade.sender not in await self._hooks.joined(upgrade.old):
            return
        state = await self._api.get_room_state(upgrade.old)
        there = await self._rows.memberships(new)
        for user_id in await self._private.banned(upgrade.old):
            if there.get(user_id) != "ban":
                await self._hooks.set_membership(upgrade.sender, user_id, new, "ban")
        for key, content in state_to_follow({key: event.content for key, event in state.items()}).items():
            await self._put(upgrade.sender, new, key, content)
        if _TOMBSTONE not in state:
            await self._put(upgrade.sender, upgrade.old, _TOMBSTONE, {"body": _TEXT, "replacement_room": new})
        await self._private.carry_addresses(upgrade.old, new)
        address = state.get(_ADDRESS)
        if address is not None and address.content:
            await self._put(upgrade.sender, new, _ADDRESS, dict(address.content))
            await self._put(upgrade.sender, upgrade.old, _ADDRESS, {})
        for event_type in ("m.space.child", "m.space.parent"):
            for other in await self._rows.naming(event_type, upgrade.old):
                await self._rename(other, event_type, upgrade.old, new)

    async def _rename(self, room_id: str, event_type: str, old: str, new: str) -> None:
        """Lets the new room take the old one's place in a space, or a new space that of the old in its groups."""
        state = await self._api.get_room_state(room_id, [(event_type, old), _POLICY])
        room, event = room_of(state), state.get((event_type, old))
        if room is None or room.replaced or event is None or not event.content:
            return
        if self._steward in await self._hooks.joined(room_id):
            await self._put(self._steward, room_id, (event_type, new), dict(event.content))
            await self._put(self._steward, room_id, (event_type, old), {})

    async def _work(self, step: Step, upgrade: Upgrade) -> None:
        """Does one step of an upgrade that has its new room, unless it is being worked on here already."""
        if upgrade.new is None or upgrade.old in self._busy:
            return
        self._busy.add(upgrade.old)
        try:
            await self._try(step, upgrade, upgrade.new)
        finally:
            self._busy.discard(upgrade.old)

    async def _try(self, step: Step, upgrade: Upgrade, new: str) -> bool:
        """Does one step; where it fails, `catch_up` does it again."""
        try:
            await step(upgrade, new)
        except FAILURES as error:
            logger.error("An upgrade stopped and will be taken up again: %s", type(error).__name__)
            return False
        return True

    async def _go_over(self, upgrade: Upgrade, new: str) -> None:
        """Brings everybody over who may be in the new room; the others leave the old one."""
        if upgrade.sender not in await self._hooks.joined(new):
            # Who made a room of named people has left it meanwhile: nobody can let the others in, who keep the old one.
            await self._rows.forget(upgrade.old)
            return
        there = await self._rows.memberships(new)
        failed: list[str] = []

        async def bring(user_id: str) -> None:
            try:
                await self._bring(user_id, upgrade, new, there.get(user_id))
            except SynapseError as error:
                # Frozen or sent away this very moment; the next look finds out.
                logger.warning("A member could not be brought over yet: %s", error.errcode)
                failed.append(user_id)

        await concurrently_execute(bring, await self._rows.memberships(upgrade.old), _AT_ONCE)
        if failed:
            raise RuntimeError("some members are still to be brought over")
        await self._rows.finish(upgrade.old)
        await self.look_through()

    async def _bring(self, user_id: str, upgrade: Upgrade, new: str, there: str | None) -> None:
        # Who has been in the new room and has left it, or was sent away, is not brought back.
        if there not in (None, "invite"):
            return
        here = (await self._rows.memberships(upgrade.old)).get(user_id)  # now: it takes a while until it is their turn
        state = await self._api.get_room_state(new, _NEEDED)
        room = room_of(state)
        person = await self._registry.person(user_id)
        if here not in ("join", "invite") or room is None or not decide_stay(room, person, named_in(state)).allowed:
            return
        is_free = here == "join" and state[_JOIN_RULES].content.get("join_rule") == "public"
        if there is None and not is_free:
            await self._hooks.set_membership(upgrade.sender, user_id, new, "invite")
        if here == "join":
            await self._hooks.set_membership(user_id, user_id, new, "join")

    # --- Old rooms follow the new ones -------------------------------------------------------------------------

    async def look_through(self) -> None:
        """Asks for a review of who is in a replaced room and not in the one that took its place."""
        await self._registry.ask_for_review([user[1:].partition(":")[0] for user in await self._rows.left_behind()])

    async def has_left(self, user_id: str, room_id: str) -> None:
        """Whoever leaves a room, or is sent away, leaves the one that it replaced."""
        before = await self._rows.into(room_id)
        if before is not None and before.done:
            await self._registry.ask_for_review([user_id[1:].partition(":")[0]])

    async def _put(self, sender: str, room_id: str, key: tuple[str, str], content: dict[str, Any]) -> None:
        event_type, state_key = key
        with self._own.sending(sender, room_id, event_type, content, state_key):
            await self._api.create_and_send_event_into_room(
                {
                    "type": event_type,
                    "state_key": state_key,
                    "room_id": room_id,
                    "sender": sender,
                    "content": content,
                }
            )
