"""The registry's rows: reading and writing them, each function inside one transaction of the database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.policy.people import Standing


class Organisation(NamedTuple):
    """An organisation of the community."""

    id: str
    name: str
    category: str
    domains: tuple[str, ...] = ()
    standing: Standing = Standing.ACTIVE


class Member(NamedTuple):
    """An account bound to exactly one organisation."""

    localpart: str
    organisation: str
    name: str
    roles: tuple[str, ...]
    service_room: str | None = None
    standing: Standing = Standing.ACTIVE


class Review(NamedTuple):
    """A member whose rooms are to be looked through, and the revision of the change that asked for it."""

    localpart: str
    revision: int


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


def raise_revision(txn: LoggingTransaction) -> None:
    """Tells every process that the registry has changed."""
    txn.execute("UPDATE belisha_revision SET revision = revision + 1 WHERE id = 1")


def read_all(txn: LoggingTransaction) -> tuple[dict[str, Organisation], dict[str, Member]]:
    """Every organisation and every member, the removed ones too."""
    txn.execute("SELECT organisation_id, name, category, domains, standing FROM belisha_organisation")
    organisations = {
        row[0]: Organisation(row[0], row[1], row[2], tuple(json.loads(row[3])), Standing(row[4]))
        for row in txn.fetchall()
    }
    txn.execute("SELECT localpart, organisation_id, name, roles, service_room_id, standing FROM belisha_member")
    members = {
        row[0]: Member(row[0], row[1], row[2], tuple(json.loads(row[3])), row[4], Standing(row[5]))
        for row in txn.fetchall()
    }
    return organisations, members


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
    """Adds a member or changes it; its service room is kept."""
    txn.execute(
        "INSERT INTO belisha_member (localpart, organisation_id, name, roles, service_room_id, standing)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (localpart) DO UPDATE SET organisation_id = excluded.organisation_id,"
        " name = excluded.name, roles = excluded.roles, standing = excluded.standing",
        (
            member.localpart,
            member.organisation,
            member.name,
            json.dumps(member.roles),
            member.service_room,
            member.standing.value,
        ),
    )


def set_service_room(txn: LoggingTransaction, localpart: str, room_id: str) -> None:
    """Writes down the room that a member has with the steward bot."""
    txn.execute("UPDATE belisha_member SET service_room_id = ? WHERE localpart = ?", (room_id, localpart))


_ASK: Final = (
    "INSERT INTO belisha_review (localpart, revision) VALUES (?, (SELECT revision FROM belisha_revision WHERE id = 1))"
    " ON CONFLICT (localpart) DO UPDATE SET revision = excluded.revision"
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
