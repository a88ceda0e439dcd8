"""Announcements and who has acknowledged them, out of the reactions that there are at that moment (rule P2)."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.acts.announcements import ACKNOWLEDGES
from belisha.policy.people import Person
from synapse_modules.hooks import Hooks
from synapse_modules.registry import Member, Registry

#: To how many members a bot is told at once that they have not acknowledged something.
AT_ONCE: Final = 500


class Announcement(NamedTuple):
    """One announcement; `by` is a localpart, `at` in seconds since 1970."""

    event_id: str
    command_id: str
    room_id: str
    by: str
    at: int


_COLUMNS: Final = "event_id, command_id, room_id, by_member, at"


def add(txn: LoggingTransaction, announcement: Announcement) -> None:
    """Writes one down."""
    txn.execute(
        f"INSERT INTO belisha_announcement ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - constants
        tuple(announcement),
    )


def newest(txn: LoggingTransaction, at_most: int) -> list[Announcement]:
    """The newest that still stand, newest first."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_announcement"  # noqa: S608 - constants
        " WHERE NOT EXISTS (SELECT 1 FROM redactions WHERE redacts = belisha_announcement.event_id)"
        " ORDER BY at DESC, event_id LIMIT ?",
        (at_most,),
    )
    return [Announcement(*row) for row in txn.fetchall()]


def of_event(txn: LoggingTransaction, event_id: str) -> Announcement | None:
    """The announcement that an event is, where it still stands."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_announcement WHERE event_id = ?"  # noqa: S608 - constants
        " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts = belisha_announcement.event_id)",
        (event_id,),
    )
    row = txn.fetchone()
    return None if row is None else Announcement(*row)


def _acknowledged(txn: LoggingTransaction, event_id: str) -> frozenset[str]:
    marks = ", ".join("?" for _ in ACKNOWLEDGES)
    txn.execute(
        "SELECT DISTINCT events.sender FROM event_relations"  # noqa: S608 - question marks only
        " JOIN events ON events.event_id = event_relations.event_id"
        f" WHERE relates_to_id = ? AND relation_type = 'm.annotation' AND aggregation_key IN ({marks})"
        " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts = events.event_id)",
        (event_id, *ACKNOWLEDGES),
    )
    return frozenset(row[0] for row in txn.fetchall())


class Announcements:
    """Who has acknowledged what."""

    def __init__(self, api: ModuleApi, hooks: Hooks, registry: Registry) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry

    async def counts(self, announcement: Announcement) -> list[dict[str, Any]]:
        """Of each organisation, how many of those who are in the room now have acknowledged it."""
        people, acknowledged = await self._people(announcement)
        of = Counter(member.organisation for member in people)
        by = Counter(member.organisation for member in people if member.localpart in acknowledged)
        organisations = await self._registry.organisations()
        names = {key: organisations[key].name for key in of}
        return [
            {"name": names[key], "acknowledged": by[key], "of": of[key]} for key in sorted(of, key=names.__getitem__)
        ]

    async def waiting(self, event_id: str, after: str) -> dict[str, Any] | None:
        """The rooms with the bot of those who have not acknowledged it, from a localpart on; None where it is none."""
        found = await self._api.run_db_interaction("belisha_announcement", of_event, event_id)
        if found is None:
            return None
        people, acknowledged = await self._people(found)
        left = sorted(
            (one.localpart, one.service_room)
            for one in people
            if one.localpart not in acknowledged and one.localpart > after and one.service_room is not None
        )
        rooms = left[:AT_ONCE]
        return {
            "room_id": found.room_id,
            "rooms": [room for _localpart, room in rooms],
            "next": rooms[-1][0] if len(left) > len(rooms) else None,
        }

    async def _people(self, announcement: Announcement) -> tuple[list[Member], frozenset[str]]:
        """The members in the room but who announced it, and the localparts of those who have acknowledged it."""
        active = await self._registry.active_members()
        joined = {Person(user_id).localpart for user_id in await self._hooks.joined(announcement.room_id)}
        people = [one for key, one in active.items() if key in joined and key != announcement.by]
        senders = await self._api.run_db_interaction("belisha_acknowledged", _acknowledged, announcement.event_id)
        return people, frozenset(Person(user_id).localpart for user_id in senders)
