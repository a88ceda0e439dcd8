"""The registry: organisations, members, roles. The one place that says who somebody is (rule M3).

Names and organisations are kept in memory. One revision number in the database, at most half a second old here, says
whether they still hold; where it cannot be read nothing is decided (rule X1).

Nothing is ever deleted: what was removed stays as a tombstone, so that its name or id is never given again. A change
that can end a right asks, in the same transaction, for a review of the members concerned (`rights.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.names import problem_of_member, problem_of_organisation
from belisha.policy.people import BOT_PREFIX, Person, Standing
from synapse_modules import registry_tables as tables
from synapse_modules.registry_tables import Member, Organisation, Review

__all__ = ["REVISION_AGE", "Member", "Organisation", "Registry", "RegistryError"]

#: How old the revision number may be, in seconds, before it is read again.
REVISION_AGE: Final = 0.5


class RegistryError(ValueError):
    """What was asked for cannot be; the message is a sentence for who asked."""


class Registry:
    """Reads and writes the registry's tables."""

    def __init__(self, api: ModuleApi, server_name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._server_name = server_name
        self._clock = clock
        self._revision = 0
        self._read_at = -1e9
        self._organisations: dict[str, Organisation] = {}
        self._members: dict[str, Member] = {}

    # --- Reading ---------------------------------------------------------------------------------------------

    async def person(self, user_id: str) -> Person:
        """Who an account is now; an account without an organisation where the registry has none."""
        localpart, _, server = user_id[1:].partition(":")
        if server == self._server_name and localpart.startswith(BOT_PREFIX):
            return Person(user_id, is_bot=True)
        await self._refresh()
        member = self._members.get(localpart) if server == self._server_name else None
        if member is None:
            return Person(user_id)
        standing = self._standing_of_organisation(member)
        if member.standing is Standing.REMOVED:
            return Person(user_id, frozen=True)
        frozen = Standing.FROZEN in (member.standing, standing)
        if standing is Standing.REMOVED:
            return Person(user_id, frozen=frozen)
        return Person(user_id, member.organisation, frozenset(member.roles), frozen=frozen)

    async def organisations(self) -> dict[str, Organisation]:
        """Every organisation by its id, but for the removed ones."""
        await self._refresh()
        return {key: each for key, each in self._organisations.items() if each.standing is not Standing.REMOVED}

    async def members(self) -> dict[str, Member]:
        """Every member by localpart, frozen and removed ones too."""
        await self._refresh()
        return self._members

    async def active_members(self) -> dict[str, Member]:
        """Every member who may act, by localpart."""
        await self._refresh()
        return {
            localpart: member
            for localpart, member in self._members.items()
            if member.standing is self._standing_of_organisation(member) is Standing.ACTIVE
        }

    def user_id(self, localpart: str) -> str:
        """The full user id of a localpart of this server."""
        return f"@{localpart}:{self._server_name}"

    def display_name(self, member: Member) -> str:
        """The display name that the server sets: "Name (Organisation)"."""
        organisation = self._organisations.get(member.organisation)
        return f"{member.name} ({organisation.name if organisation else member.organisation})"

    def _standing_of_organisation(self, member: Member) -> Standing:
        organisation = self._organisations.get(member.organisation)
        return Standing.REMOVED if organisation is None else organisation.standing

    async def _refresh(self) -> None:
        now = self._clock()
        if now - self._read_at < REVISION_AGE:
            return
        revision = await self._api.run_db_interaction("belisha_revision", tables.read_revision)
        if revision != self._revision:
            self._organisations, self._members = await self._api.run_db_interaction("belisha_registry", tables.read_all)
            self._revision = revision
        self._read_at = now

    # --- Writing ---------------------------------------------------------------------------------------------

    async def put_organisation(self, organisation: Organisation) -> tuple[bool, bool]:
        """Adds or changes an organisation (its standing is kept); says whether it was created, and whether it changed.

        Raises:
            RegistryError: where a part cannot be.
        """
        _raise_if(problem_of_organisation(organisation.id, organisation.name, organisation.category))
        await self._refresh()
        before = self._organisations.get(organisation.id)
        if before is not None:
            _raise_if_removed(before.standing, f"The id “{organisation.id}” was that of an organisation which is gone")
            organisation = organisation._replace(standing=before.standing)
        if before == organisation:
            return False, False
        concerned = self._of_organisation(organisation.id)
        await self._write("belisha_put_organisation", tables.put_organisation, organisation, concerned=concerned)
        return before is None, True

    async def put_member(self, member: Member) -> tuple[bool, bool]:
        """Adds or changes a member (service room and standing are kept); whether it was created, whether it changed.

        Raises:
            RegistryError: where a part cannot be.
        """
        if member.organisation not in await self.organisations():
            raise RegistryError(f"There is no organisation “{member.organisation}”. Please add it first.")
        _raise_if(problem_of_member(member.localpart, member.name, member.roles))
        before = self._members.get(member.localpart)
        if before is not None:
            _raise_if_removed(before.standing, f"The user name “{member.localpart}” was that of a former member")
            member = member._replace(service_room=before.service_room, standing=before.standing)
        if before == member:
            return False, False
        if before is None and self._standing_of_organisation(member) is Standing.FROZEN:
            raise RegistryError(f"The organisation “{member.organisation}” is frozen. Please thaw it first.")
        concerned = [] if before is None else [member.localpart]
        await self._write("belisha_put_member", tables.put_member, member, concerned=concerned)
        return before is None, True

    async def set_member_standing(self, localpart: str, standing: Standing) -> bool:
        """Freezes, thaws or removes a member; says whether anything changed.

        Raises:
            RegistryError: where there is no such member, or it was removed.
        """
        before = (await self.members()).get(localpart)
        if before is None:
            raise RegistryError(f"There is no member “{localpart}”.")
        if before.standing is standing:
            return False
        _raise_if_removed(before.standing, f"The member “{localpart}” was removed")
        after = before._replace(standing=standing)
        await self._write("belisha_member_standing", tables.put_member, after, concerned=[localpart])
        return True

    async def set_organisation_standing(self, organisation_id: str, standing: Standing) -> bool:
        """Freezes, thaws or removes an organisation; says whether anything changed.

        Raises:
            RegistryError: where there is no such organisation, or it was removed.
        """
        await self._refresh()
        before = self._organisations.get(organisation_id)
        if before is None:
            raise RegistryError(f"There is no organisation “{organisation_id}”.")
        if before.standing is standing:
            return False
        _raise_if_removed(before.standing, f"The organisation “{organisation_id}” was removed")
        after = before._replace(standing=standing)
        concerned = self._of_organisation(organisation_id)
        await self._write("belisha_organisation_standing", tables.put_organisation, after, concerned=concerned)
        return True

    async def set_service_room(self, localpart: str, room_id: str) -> None:
        """Remembers the room that a member has with the steward bot."""
        await self._write("belisha_service_room", tables.set_service_room, localpart, room_id)

    async def ask_for_review(self, localparts: Iterable[str]) -> None:
        """Has the rooms of these accounts looked through."""
        await self._api.run_db_interaction("belisha_ask_for_review", tables.ask_for_review, list(localparts))

    async def reviews(self) -> list[Review]:
        """What is still to be looked through, the oldest first."""
        found: list[Review] = await self._api.run_db_interaction("belisha_reviews", tables.reviews)
        return found

    async def end_review(self, review: Review) -> None:
        """Strikes one out, unless a newer change has asked again meanwhile."""
        await self._api.run_db_interaction("belisha_end_review", tables.end_review, review)

    def _of_organisation(self, organisation_id: str) -> list[str]:
        return [member.localpart for member in self._members.values() if member.organisation == organisation_id]

    async def _write(
        self, name: str, change: Callable[..., None], *arguments: Any, concerned: Iterable[str] = ()
    ) -> None:
        def both(txn: LoggingTransaction) -> None:
            change(txn, *arguments)
            tables.raise_revision(txn)
            tables.ask_for_review(txn, concerned)

        await self._api.run_db_interaction(name, both)
        self._read_at = -1e9


def _raise_if(problem: str | None) -> None:
    if problem is not None:
        raise RegistryError(problem)


def _raise_if_removed(standing: Standing, what: str) -> None:
    if standing is Standing.REMOVED:
        raise RegistryError(f"{what}; it is never given again. Please choose another.")
