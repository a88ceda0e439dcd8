"""The registry's rows: reading and writing them, each function inside one transaction of the database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.policy.contact import DirectChats
from belisha.policy.muted import Restriction
from belisha.policy.people import Person, Standing
from synapse_modules import moderation_tables


class Organisation(NamedTuple):
    """An organisation of the community."""

    id: str
    name: str
    category: str
    domains: tuple[str, ...] = ()
    standing: Standing = Standing.ACTIVE


class Member(NamedTuple):
    """An account bound to exactly one organisation; `frozen_by` is the role of who froze it."""

    localpart: str
    organisation: str
    name: str
    roles: tuple[str, ...]
    service_room: str | None = None
    standing: Standing = Standing.ACTIVE
    frozen_by: str | None = None
    direct_chats: DirectChats = DirectChats.ANYONE
    restrictions: tuple[Restriction, ...] = ()
    """Mutes and bans; the time of some may have come since they were read."""


class Outdated(Exception):
    """The registry has changed since it was read; what was decided on it is to be decided again."""


class Review(NamedTuple):
    """A member whose rooms are to be looked through, and the revision of the change that asked for it."""

    localpart: str
    revision: int


def standing_of_organisation(member: Member, organisations: Mapping[str, Organisation]) -> Standing:
    """Whether a member's organisation is in force."""
    organisation = organisations.get(member.organisation)
    return Standing.REMOVED if organisation is None else organisation.standing


def is_active(member: Member, organisations: Mapping[str, Organisation]) -> bool:
    """Whether a member may act: itself and its organisation are neither frozen nor removed."""
    return member.standing is standing_of_organisation(member, organisations) is Standing.ACTIVE


def person_of(user_id: str, member: Member | None, organisations: Mapping[str, Organisation]) -> Person:
    """Who an account of these tables is; one without an organisation where there is no member."""
    if member is None:
        return Person(user_id)
    standing = standing_of_organisation(member, organisations)
    if member.standing is Standing.REMOVED:
        return Person(user_id, frozen=True)
    frozen = Standing.FROZEN in (member.standing, standing)
    if standing is Standing.REMOVED:
        return Person(user_id, frozen=frozen)
    return Person(user_id, member.organisation, frozenset(member.roles), frozen=frozen)


class Known(NamedTuple):
    """Everything that the registry knows at one moment."""

    organisations: Mapping[str, Organisation]
    members: Mapping[str, Member]

    def person(self, user_id: str) -> Person:
        """Who an account of this server is."""
        return person_of(user_id, self.members.get(user_id[1:].partition(":")[0]), self.organisations)

    def leaves_no_manager(self, after: Known) -> bool:
        """Whether a manager may act now, and none could afterwards."""
        return self._has_manager() and not after._has_manager()

    def _has_manager(self) -> bool:
        return any("manager" in one.roles and is_active(one, self.organisations) for one in self.members.values())


def read_revision(txn: LoggingTransaction) -> int:
    """The number that every change of the registry raises.

    Raises:
        RuntimeError: where there is none; nothing can be decided then.
    """
    txn.execute("SELECT revision FROM belisha_revision WHERE id = 1")
    row = txn.fetchone()
    if row is None:
        raise RuntimeError("belisha_revision has no row")
    return int(row[0])


def raise_revision(txn: LoggingTransaction, read: int | None = None) -> None:
    """Tells every process that the registry has changed.

    Raises:
        Outdated: where it is not at the revision `read` any more.
    """
    if read is None:
        txn.execute("UPDATE belisha_revision SET revision = revision + 1 WHERE id = 1")
        return
    txn.execute("UPDATE belisha_revision SET revision = revision + 1 WHERE id = 1 AND revision = ?", (read,))
    if txn.rowcount != 1:
        raise Outdated


def read_all(txn: LoggingTransaction) -> tuple[dict[str, Organisation], dict[str, Member]]:
    """Every organisation and every member, the removed ones too."""
    txn.execute("SELECT organisation_id, name, category, domains, standing FROM belisha_organisation")
    organisations = {
        row[0]: Organisation(row[0], row[1], row[2], tuple(json.loads(row[3])), Standing(row[4]))
        for row in txn.fetchall()
    }
    restrictions = moderation_tables.restrictions(txn, int(time.time()))
    txn.execute(
        "SELECT localpart, organisation_id, name, roles, service_room_id, standing, frozen_by, direct_chats"
        " FROM belisha_member"
    )
    members = {
        row[0]: Member(
            row[0],
            row[1],
            row[2],
            tuple(json.loads(row[3])),
            row[4],
            Standing(row[5]),
            row[6],
            DirectChats(row[7]),
            restrictions.get(row[0], ()),
        )
        for row in txn.fetchall()
    }
    return organisations, members


def put_standing(txn: LoggingTransaction, changed: Member | Organisation) -> None:
    """Changes a member or an organisation, of which only the standing is another."""
    if isinstance(changed, Member):
        put_member(txn, changed)
    else:
        put_organisation(txn, changed)


def about_standing(changed: Member | Organisation) -> dict[str, str]:
    """What the audit log says of it, beside who the member is."""
    about = {"kind": "act", "what": "standing", "phase": "done", "rule": "M1", "standing": changed.standing.value}
    return about if isinstance(changed, Member) else about | {"organisation": changed.id}


def concerned(changed: Member | Organisation, known: Known) -> list[str]:
    """The localparts whose rooms are to be looked through after it."""
    if isinstance(changed, Member):
        return [changed.localpart]
    return [one.localpart for one in known.members.values() if one.organisation == changed.id]


def put_organisation(txn: LoggingTransaction, organisation: Organisation) -> None:
    """Adds an organisation or changes it."""
    txn.execute(
        "INSERT INTO belisha_organisation (organisation_id, name, category, domains, standing) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (organisation_id) DO UPDATE SET name = excluded.name, category = excluded.category,"
        " domains = excluded.domains, standing = excluded.standing",
        (
            organisation.id,
            organisation.name,
            organisation.category,
            json.dumps(organisation.domains),
            organisation.standing.value,
        ),
    )


def put_member(txn: LoggingTransaction, member: Member) -> None:
    """Adds a member or changes it; its service room and its choice about direct chats are kept."""
    txn.execute(
        "INSERT INTO belisha_member (localpart, organisation_id, name, roles, service_room_id, standing, frozen_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (localpart) DO UPDATE SET organisation_id = excluded.organisation_id,"
        " name = excluded.name, roles = excluded.roles, standing = excluded.standing, frozen_by = excluded.frozen_by",
        (
            member.localpart,
            member.organisation,
            member.name,
            json.dumps(member.roles),
            member.service_room,
            member.standing.value,
            member.frozen_by,
        ),
    )


def set_service_room(txn: LoggingTransaction, localpart: str, room_id: str) -> None:
    """Writes down the room that a member has with the steward bot."""
    txn.execute("UPDATE belisha_member SET service_room_id = ? WHERE localpart = ?", (room_id, localpart))


def set_direct_chats(txn: LoggingTransaction, localpart: str, choice: DirectChats) -> None:
    """Writes down from whom a member takes direct chats."""
    txn.execute("UPDATE belisha_member SET direct_chats = ? WHERE localpart = ?", (choice.value, localpart))


def introduce(txn: LoggingTransaction, one: str, other: str, made_by: str, now: int) -> bool:
    """Writes down that two members were introduced; whether they were not before."""
    txn.execute(
        "INSERT INTO belisha_introduction (one, other, made_by, made_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*sorted((one, other)), made_by, now),
    )
    return txn.rowcount == 1


def are_introduced(txn: LoggingTransaction, one: str, other: str) -> bool:
    """Whether two members were introduced to each other."""
    txn.execute("SELECT 1 FROM belisha_introduction WHERE one = ? AND other = ?", tuple(sorted((one, other))))
    return txn.fetchone() is not None


_ASK: Final = (
    "INSERT INTO belisha_review (localpart, revision) VALUES (?, (SELECT revision FROM belisha_revision WHERE id = 1))"
    # Always another number: a review that is under way ends without striking this one out.
    " ON CONFLICT (localpart) DO UPDATE SET revision = CASE WHEN excluded.revision > belisha_review.revision"
    " THEN excluded.revision ELSE belisha_review.revision + 1 END"
)


def ask_for_review(txn: LoggingTransaction, localparts: Iterable[str]) -> None:
    """Has the rooms of these accounts looked through, in the background."""
    for localpart in localparts:
        txn.execute(_ASK, (localpart,))


def reviews(txn: LoggingTransaction) -> list[Review]:
    """What is still to be looked through, the oldest first."""
    txn.execute("SELECT localpart, revision FROM belisha_review ORDER BY revision, localpart")
    return [Review(row[0], int(row[1])) for row in txn.fetchall()]


def end_review(txn: LoggingTransaction, review: Review) -> None:
    """Strikes one out, unless a newer change has asked again meanwhile."""
    txn.execute("DELETE FROM belisha_review WHERE localpart = ? AND revision = ?", review)
