"""What ends with a right: sessions and feeds at once, memberships in the background (rule M1).

The registry decides within half a second, whatever stands here: every request, every event and every feed asks it. What
takes longer is written down as a review of each member concerned, in the same transaction as the change, and struck out
when it is done; so a crash in between loses nothing, and doing one twice changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

from synapse.events import EventBase
from synapse.module_api import NOT_SPAM, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.policy.access import decide_request
from belisha.policy.creation import NAMED_TYPE, POLICY_TYPE
from belisha.policy.membership import decide_standing, decide_stay
from belisha.policy.people import BOT_PREFIX, Standing
from belisha.policy.providers import decide_way, speaks_for
from synapse_modules.config import SignInRules
from synapse_modules.frozen_out import FrozenOut
from synapse_modules.hooks_people import PeopleHooks
from synapse_modules.published import Published
from synapse_modules.refusal import FAILURES, Asked, asked, or_no, raise_if_refused, refused
from synapse_modules.registry import Registry
from synapse_modules.registry_tables import Review
from synapse_modules.rooms import Rooms
from synapse_modules.snapshot import named_in, room_of
from synapse_modules.upgrade_rows import UpgradeRows

logger = logging.getLogger(__name__)

#: How often the reviews are looked at, in milliseconds; another process may have written one.
_EVERY_MS: Final = 500
#: How long a command waits for its reviews before it answers, in seconds; they go on without it.
_WAITED_FOR: Final = 5.0
#: How many members, and rooms of each, are worked on at once. Synapse changes about 29 memberships a second (FACTS).
_MEMBERS_AT_ONCE: Final = 4
_ROOMS_AT_ONCE: Final = 4
#: How long a review that failed waits before it is tried again, in seconds.
_AGAIN_AFTER: Final = 10.0

_PRESENT: Final = ("join", "invite", "knock")
_NEEDED: Final = [(POLICY_TYPE, ""), (NAMED_TYPE, ""), ("m.room.encryption", "")]

#: Sender, whose membership, room, membership.
SetMembership = Callable[[str, str, str, str], Awaitable[None]]


class Rights:
    """Closes what a member may no longer do, and removes them from where they may no longer be."""

    def __init__(
        self,
        api: ModuleApi,
        registry: Registry,
        rooms: Rooms,
        steward: str,
        set_membership: SetMembership,
        upgrades: UpgradeRows,
        ways: SignInRules,
    ) -> None:
        self._api = api
        self._registry = registry
        self._rooms = rooms
        self._steward = steward
        self._set_membership = set_membership
        self._upgrades = upgrades
        self._by_organisation = ways.by_organisation
        self._frozen_out = FrozenOut(api, steward, set_membership)
        self._hooks = PeopleHooks(api)
        self.published = Published(api, registry)
        self._hooks.self_test()
        self._hooks.check_requests(self.check_request)
        self._hooks.check_feeds(self.check_request)
        self._busy = False
        self._failed: dict[str, float] = {}
        api.register_spam_checker_callbacks(check_login_for_spam=self.check_login)
        if api.should_run_background_tasks():
            api.looping_background_call(self._turn, _EVERY_MS, desc="belisha_reviews")

    # --- At once -----------------------------------------------------------------------------------------------

    async def check_request(self, user_id: str, method: str, path: str) -> None:
        """Refuses a request of who is frozen, or has no organisation and asks for more than the bot."""
        await or_no(self._check_request, user_id, method, path)

    async def _check_request(self, user_id: str, method: str, path: str) -> None:
        raise_if_refused(decide_request(await self._registry.person(user_id), method, path))

    async def check_login(
        self, user_id: str, _device: Any, _name: Any, _about: Any, provider: str | None
    ) -> Literal["NOT_SPAM"]:
        """Refuses to sign in who is frozen, or whose organisation is not the provider's, whatever was so before.

        Who has no organisation finds the room with the bot.
        """
        asked.set(Asked(user_id))
        await or_no(self._check_login, user_id, provider)
        return NOT_SPAM

    async def _check_login(self, user_id: str, provider: str | None) -> None:
        if self._by_organisation:
            self._registry.look_again()
        person = await self._registry.person(user_id)
        if person.frozen:
            raise refused(decide_standing(person))
        raise_if_refused(decide_way(person, provider, by_organisation=self._by_organisation))
        if not person.belongs and await self._rooms.are_there():
            await self._rooms.receive(user_id)

    # --- In the background -------------------------------------------------------------------------------------

    async def look_through(self) -> None:
        """Asks for a review of every account that is in a room and may not act, whoever took its right away."""
        found = []
        for user_id in await self._hooks.accounts_in_rooms():
            if not (await self._registry.person(user_id)).belongs:
                found.append(user_id[1:].partition(":")[0])
        await self._registry.ask_for_review(found)

    async def room_changed(self, room_id: str) -> None:
        """Asks for a review of who does not fit a room whose policy has changed."""
        people = await self._hooks.people_of(room_id)
        gone = [user_id for user_id in people if not await self._may_stay(user_id, room_id)]
        await self._registry.ask_for_review([user_id[1:].partition(":")[0] for user_id in gone])

    async def follow(self, event: EventBase) -> None:
        """Asks for a review of who came into a room after all: let in before a right ended, stored after the review.

        What is known of the registry here is as new as the newest review.
        """
        user_id = str(event.state_key)
        if event.content.get("membership") in _PRESENT and not await self._may_stay(user_id, event.room_id):
            await self._registry.ask_for_review([user_id[1:].partition(":")[0]])

    async def carry_out(self, localpart: str | None = None) -> None:
        """Waits a little for the review of one member, or for all of them."""
        until = time.monotonic() + _WAITED_FOR
        while time.monotonic() < until:
            waiting = {review.localpart for review in await self._registry.reviews()}
            if not (waiting if localpart is None else waiting & {localpart}):
                return
            await self._api.sleep(0.1)

    async def _turn(self) -> None:
        if self._busy or not self._rooms.ready:
            return
        self._busy = True
        try:
            now = time.monotonic()
            due = [each for each in await self._registry.reviews() if self._failed.get(each.localpart, 0.0) <= now]
            if due:
                self._registry.look_again()  # another process may have made the change
            # Sessions first: every door is closed before the first room is walked through.
            await self._hooks.each(self._end_sessions, due, _MEMBERS_AT_ONCE)
            await self._hooks.each(self._review, due, _MEMBERS_AT_ONCE)
        except FAILURES as error:
            logger.error("The reviews stopped and will be taken up again: %s", type(error).__name__)
        finally:
            self._busy = False

    async def _end_sessions(self, review: Review) -> None:
        user_id = self._registry.user_id(review.localpart)
        person = await self._registry.person(user_id)
        # Whoever has come to another organisation: the former one's provider may have opened any of these sessions.
        former = [one for one in await self._hooks.identities(user_id) if not speaks_for(one[0], person)]
        if person.frozen or former:
            await self._hooks.end_sessions(user_id)
        for identity in former:
            await self._hooks.forget_identity(user_id, *identity)

    async def forget_identities(self, user_id: str) -> int:
        """Lets a member's account be taken by another identity of their organisation's provider; how many it had."""
        found = await self._hooks.identities(user_id)
        if found:
            await self._hooks.end_sessions(user_id)
        for identity in found:
            await self._hooks.forget_identity(user_id, *identity)
        return len(found)

    async def _review(self, review: Review) -> None:
        try:
            await self._bring_into_line(review.localpart)
            await self._registry.end_review(review)
            self._failed.pop(review.localpart, None)
        except FAILURES as error:
            self._failed[review.localpart] = time.monotonic() + _AGAIN_AFTER
            logger.error("A member's rooms could not be looked through, trying again: %s", type(error).__name__)

    async def _bring_into_line(self, localpart: str) -> None:
        user_id = self._registry.user_id(localpart)
        member = (await self._registry.members()).get(localpart)
        is_removed = member is not None and member.standing is Standing.REMOVED
        is_frozen = (await self._registry.person(user_id)).frozen

        async def look_at(room_id: str) -> None:
            if is_removed or not await self._may_stay(user_id, room_id):
                if is_frozen and not is_removed:
                    await self._frozen_out.remember(user_id, room_id)
                await self.remove(user_id, room_id)

        if not localpart.startswith(BOT_PREFIX):
            await self._hooks.each(look_at, await self._hooks.rooms_of(user_id), _ROOMS_AT_ONCE)
        if member is not None and localpart not in await self._registry.active_members():
            await self.published.clear(user_id)
        if is_removed:
            await self._frozen_out.forget(user_id)
            await self._hooks.deactivate(user_id)
        elif member is not None and localpart in await self._registry.active_members():
            await self._rooms.rename(member)
            await self._rooms.settle(member)
            await self._frozen_out.invite_back(user_id)

    async def _may_stay(self, user_id: str, room_id: str) -> bool:
        state = await self._api.get_room_state(room_id, _NEEDED)
        room = room_of(state)
        # A room without a policy accepts nothing; nobody reads anything new there.
        if room is None:
            return True
        if not decide_stay(room, await self._registry.person(user_id), named_in(state)).allowed:
            return False
        # A replaced room has the people of the one that took its place: whom that lost, this loses.
        upgrade = await self._upgrades.of(room_id) if room.replaced else None
        if upgrade is None or upgrade.new is None or not upgrade.done:
            return True
        return (await self._upgrades.memberships(upgrade.new)).get(user_id) == "join"

    async def remove(self, user_id: str, room_id: str) -> None:
        """Ends a membership: the bot removes, and where it is not, or has no say, the member leaves."""
        for sender in (self._steward, user_id):
            try:
                await self._set_membership(sender, user_id, room_id, "leave")
            except SynapseError:
                if room_id not in await self._hooks.rooms_of(user_id):
                    return  # gone meanwhile
                if sender == user_id:
                    raise
            else:
                return
