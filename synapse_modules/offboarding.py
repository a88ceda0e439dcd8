"""Whom off-boarding would concern, and how far it has come: counts for who may ask for it, and for nobody else.

Counted are groups alone, but for those where everybody is. How many rooms of named people somebody is in is nobody
else's business (rule P1); they are left all the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.commands.declaration import Command
from belisha.policy.acts import Subject
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_standing
from belisha.policy.offboarding import decide_offboarding, decide_organisation_offboarding
from belisha.policy.people import Person, Standing
from belisha.policy.rooms import Kind
from synapse_modules import registry_tables as tables
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry_tables import Known, Member, Organisation

#: How many values one question to the database names.
_AT_ONCE: Final = 200
_GROUPS: Final = frozenset({Kind.OPEN.value, Kind.CLOSED.value})


class Extent(NamedTuple):
    """How many people are concerned, in how many groups, and by how many memberships of these."""

    people: int
    groups: int
    memberships: int


class Leaving(NamedTuple):
    """Who is to be off-boarded: members, and their organisation where that goes too."""

    members: tuple[Member, ...]
    organisation: Organisation | None = None

    @property
    def changed(self) -> Sequence[Member | Organisation]:
        """The same as they are afterwards."""
        gone = [one._replace(standing=Standing.REMOVED, frozen_by=None) for one in self.members]
        if self.organisation is None:
            return gone
        return [self.organisation._replace(standing=Standing.REMOVED), *gone]


class Offboarding:
    """Decides who leaves, on the registry as it is, and counts what that concerns."""

    def __init__(self, parts: Parts) -> None:
        self._api = parts.api
        self._registry = parts.registry
        self._rooms = parts.rooms

    async def extent(self, act: Command, asker: Person, about: str) -> Extent:
        """What off-boarding would concern, for who may ask for it at this moment.

        Raises:
            SynapseError: 403 with the reason, as off-boarding itself would be refused.
        """
        founding = await self._rooms.founding_rooms()

        def read(txn: LoggingTransaction) -> Extent:
            known = Known(*tables.read_all(txn))
            return self.counted(txn, self.decided(act, known.person(asker.user_id), about, known), founding)

        extent: Extent = await self._api.run_db_interaction("belisha_extent", read)
        return extent

    def decided(self, act: Command, asker: Person, about: str, known: Known) -> Leaving:
        """Who leaves, where `asker` may have that.

        Raises:
            SynapseError: 403 with the reason.
        """
        raise_if_refused(decide_standing(asker))
        is_member = str(act.act).startswith("member_")
        leaving = self._member(about, known) if is_member else self._organisation(about, known)
        after = known._replace(
            members={**known.members, **{one.localpart: one for one in leaving.changed if isinstance(one, Member)}}
        )
        is_last, subjects = known.leaves_no_manager(after), [_subject(one) for one in leaving.members]
        raise_if_refused(
            decide_offboarding(act, asker, subjects[0], is_last_manager=is_last)
            if is_member
            else decide_organisation_offboarding(act, asker, about, subjects, is_last_manager=is_last)
        )
        return leaving

    def _member(self, address: str, known: Known) -> Leaving:
        localpart, _, server = address.removeprefix("@").partition(":")
        member = known.members.get(localpart)
        is_ours = not server or self._registry.user_id(localpart) == address
        if member is None or member.standing is Standing.REMOVED or not is_ours:
            raise refused(_NO_MEMBER)
        return Leaving((member,))

    @staticmethod
    def _organisation(key: str, known: Known) -> Leaving:
        organisation = known.organisations.get(key)
        if organisation is None or organisation.standing is Standing.REMOVED:
            raise refused(_NO_ORGANISATION)
        members = (one for one in known.members.values() if one.organisation == key)
        return Leaving(tuple(one for one in members if one.standing is not Standing.REMOVED), organisation)

    def counted(self, txn: LoggingTransaction, leaving: Leaving, founding: Collection[str]) -> Extent:
        """What is concerned by it at this moment."""
        user_ids = [self._registry.user_id(one.localpart) for one in leaving.members]
        rooms: list[str] = []
        for some in _parts(user_ids):
            txn.execute(
                "SELECT room_id FROM local_current_membership"  # noqa: S608 - question marks only
                f" WHERE user_id IN ({_places(some)}) AND membership IN ('join', 'invite', 'knock')",
                tuple(some),
            )
            rooms += [row[0] for row in txn.fetchall()]
        groups = _groups_among(txn, sorted(set(rooms) - set(founding)))
        return Extent(len(user_ids), len(groups), sum(room_id in groups for room_id in rooms))


def _groups_among(txn: LoggingTransaction, rooms: Sequence[str]) -> frozenset[str]:
    found = set()
    for some in _parts(rooms):
        txn.execute(
            "SELECT current_state_events.room_id, event_json.json FROM current_state_events"  # noqa: S608 - the same
            " JOIN event_json ON event_json.event_id = current_state_events.event_id"
            f" WHERE type = ? AND state_key = '' AND current_state_events.room_id IN ({_places(some)})",
            (POLICY_TYPE, *some),
        )
        for room_id, text in txn.fetchall():
            if json.loads(text).get("content", {}).get("kind") in _GROUPS:
                found.add(room_id)
    return frozenset(found)


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)


def _subject(member: Member) -> Subject:
    return Subject(member.localpart, member.organisation, frozenset(member.roles), member.standing, member.frozen_by)


_NO_MEMBER: Final = refuse("M1", "NO_SUCH_MEMBER", "There is no member with this address. Please look it up again.")
_NO_ORGANISATION: Final = refuse("M1", "NO_SUCH_ORGANISATION", "There is no organisation with this id.")
