"""The registry: organisations, members, roles. The one place that says who somebody is (rule M3).

Names and organisations are kept in memory. One revision number in the database, at most half a second old here, says
whether they still hold; where it cannot be read nothing is decided (rule X1).

Nothing is ever deleted: what was removed stays as a tombstone, so that its name or id is never given again. A change
that can end a right asks, in the same transaction, for a review of the members concerned (`rights.py`).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.contact import DirectChats
from belisha.policy.likeness import Known, clash_of_member, clash_of_organisation
from belisha.policy.names import problem_of_member, problem_of_organisation
from belisha.policy.people import BOT_PREFIX, Person, Standing
from synapse_modules import invitation_tables, recertification_tables
from synapse_modules import registry_tables as tables
from synapse_modules.audit import Audit
from synapse_modules.registry_errors import RegistryError, raise_if, raise_if_removed
from synapse_modules.registry_tables import Member, Organisation, Outdated, Review

__all__ = ["REVISION_AGE", "Member", "Organisation", "Registry", "RegistryError"]

#: What becomes of members and organisations, nothing where all stays; asked inside a transaction.
Decide = Callable[[LoggingTransaction, tables.Known], Sequence[Member | Organisation]]

#: What is written down in the same transaction as a change.
Settle = Callable[[LoggingTransaction], None]

#: How old the revision number may be, in seconds, before it is read again.
REVISION_AGE: Final = 0.5
#: How often a change is decided anew because another one came first.
_ATTEMPTS: Final = 20


_T = TypeVar("_T")


class Registry:
    """Reads and writes the registry's tables."""

    def __init__(
        self, api: ModuleApi, server_name: str, audit: Audit, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._audit = audit
        self._server_name = server_name
        self._clock = clock
        self._revision = 0
        self._read_at = -1e9
        self._looks = 0
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
        return tables.person_of(user_id, member, self._organisations)

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
            if tables.is_active(member, self._organisations)
        }

    def user_id(self, localpart: str) -> str:
        """The full user id of a localpart of this server."""
        return f"@{localpart}:{self._server_name}"

    def address(self, address: str) -> str:
        """The full user id of somebody who is named by the address, with the server's name or without it."""
        return address if ":" in address else self.user_id(address.removeprefix("@"))

    def display_name(self, member: Member) -> str:
        """The display name that the server sets: "Name (Organisation)"."""
        organisation = self._organisations.get(member.organisation)
        return f"{member.name} ({organisation.name if organisation else member.organisation})"

    def organisation_name(self, key: str) -> str | None:
        """The name of an organisation, of a removed one too, as read last; None where there never was one."""
        found = self._organisations.get(key)
        return None if found is None else found.name

    def look_again(self) -> None:
        """Has the next question read the revision number, however young what is known is."""
        self._looks += 1
        self._read_at = -1e9

    async def _refresh(self) -> None:
        now, looks = self._clock(), self._looks
        if now - self._read_at < REVISION_AGE:
            return
        revision = await self._api.run_db_interaction("belisha_revision", tables.read_revision)
        if revision > self._revision:
            found = await self._api.run_db_interaction("belisha_registry", tables.read_all)
            # Another question may have read something newer meanwhile.
            if revision > self._revision:
                self._organisations, self._members = found
                self._revision = revision
        if looks == self._looks:
            self._read_at = now

    # --- Writing ---------------------------------------------------------------------------------------------

    async def put_organisation(self, organisation: Organisation) -> tuple[bool, bool]:
        """Adds or changes an organisation (its standing is kept); says whether it was created, and whether it changed.

        Raises:
            RegistryError: where a part cannot be.
        """
        return await self.settled(lambda: self._put_organisation(organisation))

    async def _put_organisation(self, organisation: Organisation) -> tuple[bool, bool]:
        raise_if(problem_of_organisation(organisation.id, organisation.name, organisation.category))
        before = self._organisations.get(organisation.id)
        if before is not None:
            raise_if_removed(before.standing, f"The id “{organisation.id}” was that of an organisation which is gone")
            organisation = organisation._replace(standing=before.standing)
        if before == organisation:
            return False, False
        if before is None or before.name != organisation.name:
            raise_if(clash_of_organisation(organisation.id, organisation.name, self.known()))
        concerned = self._of_organisation(organisation.id)
        await self._write(
            "belisha_put_organisation",
            tables.put_organisation,
            organisation,
            concerned=concerned,
            read=self._revision,
        )
        return before is None, True

    async def put_member(self, member: Member) -> tuple[bool, bool]:
        """Adds or changes a member, whose standing is kept; whether it was created, and whether it changed.

        Raises:
            RegistryError: where a part cannot be.
        """
        return await self.settled(lambda: self._put_member(member))

    async def _put_member(self, member: Member) -> tuple[bool, bool]:
        self.check_member(member)
        before = self._members.get(member.localpart)
        if before is not None:
            raise_if_removed(before.standing, f"The user name “{member.localpart}” was that of a former member")
            member = before._replace(organisation=member.organisation, name=member.name, roles=member.roles)
        if before == member:
            return False, False
        if before is None and tables.standing_of_organisation(member, self._organisations) is Standing.FROZEN:
            raise RegistryError(f"The organisation “{member.organisation}” is frozen. Please thaw it first.")
        concerned = [] if before is None else [member.localpart]
        await self._write(
            "belisha_put_member",
            _add_member if before is None else tables.put_member,
            member,
            concerned=concerned,
            read=self._revision,
        )
        return before is None, True

    async def admit(self, member: Member, condition: Callable[[LoggingTransaction], None]) -> None:
        """Adds a member whose account was just made by an invitation, and has its rooms made in the background.

        Args:
            member: new, and active.
            condition: done in the same transaction; where it raises, nobody is added.

        Raises:
            RegistryError: where a part cannot be.
        """

        async def attempt() -> None:
            self.check_member(member)
            if member.localpart in self._members:
                raise RegistryError(f"The user name “{member.localpart}” is taken. Please choose another.")

            def both(txn: LoggingTransaction) -> None:
                condition(txn)
                tables.put_member(txn, member)

            await self._write("belisha_admit", both, concerned=[member.localpart], read=self._revision)

        await self.settled(attempt)

    async def settled(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """What `attempt` gives on the registry as it is; where another change came first, it is decided anew.

        Raises:
            RegistryError: as `attempt` does.
        """
        for _ in range(_ATTEMPTS):
            await self._refresh()
            try:
                return await attempt()
            except Outdated:
                self.look_again()
        raise RegistryError("Others are changing the registry at this moment. Please try again.")

    @property
    def revision(self) -> int:
        """The revision that was read last."""
        return self._revision

    def known(self) -> Known:
        """Whose names a new one must not look like, as read last."""
        return Known(
            {
                each.localpart: (each.name, each.organisation)
                for each in self._members.values()
                if each.standing is not Standing.REMOVED
            },
            {key: each.name for key, each in self._organisations.items() if each.standing is not Standing.REMOVED},
            frozenset(each.localpart for each in self._members.values() if each.standing is Standing.REMOVED),
        )

    def check_member(self, member: Member, known: Known | None = None) -> None:
        """Checks that a member can be so, by the registry as read last, or by `known`.

        Raises:
            RegistryError: with a sentence that says why not, and what to do.
        """
        raise_if(problem_of_member(member.localpart, member.name, member.roles))
        if tables.standing_of_organisation(member, self._organisations) is Standing.REMOVED:
            raise RegistryError(f"There is no organisation “{member.organisation}”. Please add it first.")
        before = self._members.get(member.localpart)
        if before is None or (before.name, before.organisation) != (member.name, member.organisation):
            raise_if(clash_of_member(member.localpart, member.name, member.organisation, known or self.known()))

    async def set_member_standing(self, localpart: str, standing: Standing) -> bool:
        """Freezes, thaws or removes a member, as an operator does; says whether anything changed.

        Raises:
            RegistryError: where there is no such member, or it was removed.
        """
        return await self.settled(lambda: self._set_member_standing(localpart, standing))

    async def _set_member_standing(self, localpart: str, standing: Standing) -> bool:
        before = self._members.get(localpart)
        if before is None:
            raise RegistryError(f"There is no member “{localpart}”.")
        after = before._replace(standing=standing, frozen_by="operator" if standing is Standing.FROZEN else None)
        if after == before or before.standing is standing is Standing.REMOVED:
            return False
        raise_if_removed(before.standing, f"The member “{localpart}” was removed")
        await self._write(
            "belisha_member_standing", self._put_standing, after, concerned=[localpart], read=self._revision
        )
        return True

    async def set_organisation_standing(self, organisation_id: str, standing: Standing) -> bool:
        """Freezes, thaws or removes an organisation; says whether anything changed.

        Raises:
            RegistryError: where there is no such organisation, or it was removed.
        """
        return await self.settled(lambda: self._set_organisation_standing(organisation_id, standing))

    async def _set_organisation_standing(self, organisation_id: str, standing: Standing) -> bool:
        before = self._organisations.get(organisation_id)
        if before is None:
            raise RegistryError(f"There is no organisation “{organisation_id}”.")
        if before.standing is standing:
            return False
        raise_if_removed(before.standing, f"The organisation “{organisation_id}” was removed")
        after = before._replace(standing=standing)
        concerned = self._of_organisation(organisation_id)
        await self._write(
            "belisha_organisation_standing", self._put_standing, after, concerned=concerned, read=self._revision
        )
        return True

    def _put_standing(self, txn: LoggingTransaction, changed: Member | Organisation) -> None:
        """Writes one standing, and that into the audit log."""
        tables.put_standing(txn, changed)
        who = self.user_id(changed.localpart) if isinstance(changed, Member) else None
        if isinstance(changed, Member) and changed.standing is Standing.ACTIVE:  # whoever thaws vouches anew
            recertification_tables.confirm(txn, [changed.localpart], int(time.time() // 86_400))
        self._audit.append(txn, who, **tables.about_standing(changed))

    async def change_as_decided(self, decide: Decide) -> Sequence[Member | Organisation]:
        """Changes standings as `decide` says of the registry, in the transaction that writes; what was changed.

        So of two changes at once the second is decided about once the first is done, in all processes. What `decide`
        writes itself is written with the change or not at all.

        Raises:
            Exception: whatever `decide` raises; nothing is written then.
        """

        def decide_and_write(txn: LoggingTransaction) -> Sequence[Member | Organisation]:
            tables.raise_revision(txn)  # first: the second of two waits here
            known = tables.Known(*tables.read_all(txn))
            decided = decide(txn, known)
            for changed in decided:
                self._put_standing(txn, changed)
            names = {name for changed in decided for name in tables.concerned(changed, known)}
            tables.ask_for_review(txn, sorted(names))
            return decided

        decided: Sequence[Member | Organisation] = await self._api.run_db_interaction(
            "belisha_decided", decide_and_write
        )
        self.look_again()
        return decided

    async def set_service_room(self, localpart: str, room_id: str) -> None:
        """Remembers the room that a member has with the steward bot."""
        await self._write("belisha_service_room", tables.set_service_room, localpart, room_id)

    async def direct_chats(self, localpart: str) -> DirectChats:
        """From whom a member takes direct chats."""
        member = (await self.members()).get(localpart)
        return DirectChats.ANYONE if member is None else member.direct_chats

    async def set_direct_chats(self, localpart: str, choice: DirectChats, settle: Settle | None = None) -> bool:
        """Writes down from whom a member takes direct chats, with `settle` in the same transaction; whether it changed.

        Raises:
            RegistryError: where there is no such member.
        """
        before = (await self.members()).get(localpart)
        if before is None or before.standing is Standing.REMOVED:
            raise RegistryError(f"There is no member “{localpart}”.")

        def write(txn: LoggingTransaction) -> None:
            tables.set_direct_chats(txn, localpart, choice)
            if settle is not None:
                settle(txn)

        await self._write("belisha_direct_chats", write)
        return before.direct_chats is not choice

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
        self,
        name: str,
        change: Callable[..., None],
        *arguments: Any,
        concerned: Iterable[str] = (),
        read: int | None = None,
    ) -> None:
        """Does a change; one that was decided on the whole registry only while that is still at revision `read`."""

        def both(txn: LoggingTransaction) -> None:
            tables.raise_revision(txn, read)
            change(txn, *arguments)
            tables.ask_for_review(txn, concerned)

        await self._api.run_db_interaction(name, both)
        self.look_again()


def _add_member(txn: LoggingTransaction, member: Member) -> None:
    if invitation_tables.is_being_made(txn, member.localpart, int(time.time())):
        raise RegistryError(
            f"Somebody is making an account “{member.localpart}” with a registration token at this moment. "
            "Please look again in a minute."
        )
    tables.put_member(txn, member)
