"""The registry: organisations, members, roles. The one place that says who somebody is (rule M3).

Names and organisations are kept in memory. One revision number in the database, at most half a second old here, says
whether they still hold; where it cannot be read nothing is decided (rule X1).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.people import BOT_PREFIX, CATEGORIES, ROLES, Person

#: How old the revision number may be, in seconds, before it is read again.
REVISION_AGE: Final = 0.5


class Organisation(NamedTuple):
    """An organisation of the community."""

    id: str
    name: str
    category: str
    domains: tuple[str, ...] = ()


class Member(NamedTuple):
    """An account bound to exactly one organisation."""

    localpart: str
    organisation: str
    name: str
    roles: tuple[str, ...]
    service_room: str | None = None


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
        return Person(user_id, member.organisation, frozenset(member.roles))

    async def organisations(self) -> dict[str, Organisation]:
        """Every organisation by its id."""
        await self._refresh()
        return self._organisations

    async def members(self) -> dict[str, Member]:
        """Every member by localpart."""
        await self._refresh()
        return self._members

    def user_id(self, localpart: str) -> str:
        """The full user id of a localpart of this server."""
        return f"@{localpart}:{self._server_name}"

    def display_name(self, member: Member) -> str:
        """The display name that the server sets: "Name (Organisation)"."""
        organisation = self._organisations.get(member.organisation)
        return f"{member.name} ({organisation.name if organisation else member.organisation})"

    async def _refresh(self) -> None:
        now = self._clock()
        if now - self._read_at < REVISION_AGE:
            return
        revision = await self._api.run_db_interaction("belisha_revision", _read_revision)
        if revision != self._revision:
            self._organisations, self._members = await self._api.run_db_interaction("belisha_registry", _read_all)
            self._revision = revision
        self._read_at = now

    # --- Writing ---------------------------------------------------------------------------------------------

    async def put_organisation(self, organisation: Organisation) -> tuple[bool, bool]:
        """Adds or changes an organisation; says whether it was created, and whether anything changed.

        Raises:
            RegistryError: where a part cannot be.
        """
        _check_organisation(organisation)
        before = (await self.organisations()).get(organisation.id)
        if before == organisation:
            return False, False
        await self._write("belisha_put_organisation", _put_organisation, organisation)
        return before is None, True

    async def put_member(self, member: Member) -> tuple[bool, bool]:
        """Adds or changes a member (its service room is kept); says whether it was created, and whether it changed.

        Raises:
            RegistryError: where a part cannot be.
        """
        if member.organisation not in await self.organisations():
            raise RegistryError(f"There is no organisation “{member.organisation}”. Please add it first.")
        _check_member(member)
        before = (await self.members()).get(member.localpart)
        if before is not None:
            member = member._replace(service_room=before.service_room)
        if before == member:
            return False, False
        await self._write("belisha_put_member", _put_member, member)
        return before is None, True

    async def set_service_room(self, localpart: str, room_id: str) -> None:
        """Remembers the room that a member has with the steward bot."""
        await self._write("belisha_service_room", _set_service_room, localpart, room_id)

    async def _write(self, name: str, change: Callable[..., None], *arguments: Any) -> None:
        def both(txn: LoggingTransaction) -> None:
            change(txn, *arguments)
            txn.execute("UPDATE belisha_revision SET revision = revision + 1 WHERE id = 1")

        await self._api.run_db_interaction(name, both)
        self._read_at = -1e9


def _read_revision(txn: LoggingTransaction) -> int:
    txn.execute("SELECT revision FROM belisha_revision WHERE id = 1")
    row = txn.fetchone()
    if row is None:
        raise RuntimeError("belisha_revision has no row")
    return int(row[0])


def _read_all(txn: LoggingTransaction) -> tuple[dict[str, Organisation], dict[str, Member]]:
    txn.execute("SELECT organisation_id, name, category, domains FROM belisha_organisation")
    organisations = {row[0]: Organisation(row[0], row[1], row[2], tuple(json.loads(row[3]))) for row in txn.fetchall()}
    txn.execute("SELECT localpart, organisation_id, name, roles, service_room_id FROM belisha_member")
    members = {row[0]: Member(row[0], row[1], row[2], tuple(json.loads(row[3])), row[4]) for row in txn.fetchall()}
    return organisations, members


def _put_organisation(txn: LoggingTransaction, organisation: Organisation) -> None:
    txn.execute(
        "INSERT INTO belisha_organisation (organisation_id, name, category, domains) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (organisation_id) DO UPDATE"
        " SET name = excluded.name, category = excluded.category, domains = excluded.domains",
        (organisation.id, organisation.name, organisation.category, json.dumps(organisation.domains)),
    )


def _put_member(txn: LoggingTransaction, member: Member) -> None:
    txn.execute(
        "INSERT INTO belisha_member (localpart, organisation_id, name, roles, service_room_id) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (localpart) DO UPDATE"
        " SET organisation_id = excluded.organisation_id, name = excluded.name, roles = excluded.roles",
        (member.localpart, member.organisation, member.name, json.dumps(member.roles), member.service_room),
    )


def _set_service_room(txn: LoggingTransaction, localpart: str, room_id: str) -> None:
    txn.execute("UPDATE belisha_member SET service_room_id = ? WHERE localpart = ?", (room_id, localpart))


_NAME_LENGTH: Final = 80


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _NAME_LENGTH or not name.isprintable():
        raise RegistryError(f"A name has 1 to {_NAME_LENGTH} visible characters.")


def _check_id(value: str, what: str) -> None:
    if not value or len(value) > _NAME_LENGTH or not all(c in "abcdefghijklmnopqrstuvwxyz0123456789._-" for c in value):
        raise RegistryError(f"The {what} has small letters, digits, “.”, “_” and “-” only, for example “sea-rescue”.")


def _check_organisation(organisation: Organisation) -> None:
    _check_id(organisation.id, "id of an organisation")
    _check_name(organisation.name)
    if organisation.category not in CATEGORIES:
        raise RegistryError(f"The category of an organisation is one of {', '.join(CATEGORIES)}.")


def _check_member(member: Member) -> None:
    _check_id(member.localpart, "user name of a member")
    _check_name(member.name)
    if member.localpart.startswith(BOT_PREFIX):
        raise RegistryError(f"User names that begin with “{BOT_PREFIX}” belong to the community's bots.")
    unknown = [role for role in member.roles if role not in ROLES]
    if unknown:
        raise RegistryError(f"“{unknown[0]}” is no role; the roles are {', '.join(ROLES)}.")
