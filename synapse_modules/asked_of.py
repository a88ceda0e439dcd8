"""What waits for one member at this moment: only they and few others can do it. For their digest: counts and no names.

Nobody who asks is named, no word of theirs is told, and of reports not even about whom or what they are (rule P2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.acts.announcements import ACKNOWLEDGES
from belisha.policy.people import Person
from synapse_modules import introduction_tables
from synapse_modules.announcements import Announcement, newest
from synapse_modules.introductions import Introductions
from synapse_modules.recertification import Recertification
from synapse_modules.registry_tables import Member
from synapse_modules.rooms import Rooms
from synapse_modules.waiting import Waiting

Json = dict[str, Any]

#: So many of the newest announcements are looked at.
_ANNOUNCEMENTS: Final = 50


class AskedOf:
    """Counts what waits, by its sort: `group`, `organisation`, `report`, `members`, `introduction`, `announcement`."""

    def __init__(
        self,
        api: ModuleApi,
        waiting: Waiting,
        introductions: Introductions,
        recertification: Recertification,
        rooms: Rooms,
    ) -> None:
        self._api = api
        self._rooms = rooms
        self._waiting = waiting
        self._introductions = introductions
        self._recertification = recertification

    async def of(self, person: Person, member: Member, rooms: Mapping[str, int]) -> list[Json]:
        """What waits for somebody who may act, with the room and event where that is one to be looked at.

        Args:
            person: the member.
            member: the same, as the registry has them.
            rooms: the groups that they are in now, and since when, in milliseconds since 1970.
        """
        found = [
            _of_sort("organisation" if one["organisation"] else "group", one["count"], one["name"])
            for one in await self._waiting.doors_of(person, member)
        ]
        if "steward" in person.roles:
            reports = await self._api.run_db_interaction("belisha_reports_open", _open_reports, member.localpart)
            cards = await self._rooms.stewards_room()
            found.append(_of_sort("report", reports) | ({"room_id": cards} if cards in rooms else {}))
        for name, count in await self._recertification.left_to(member):
            found.append(_of_sort("members", count, name))
        found.append(_of_sort("introduction", await self._introductions_for(person)))
        unread: list[Announcement] = await self._api.run_db_interaction(
            "belisha_unacknowledged", _unacknowledged, person, rooms
        )
        first = {"room_id": unread[-1].room_id, "event_id": unread[-1].event_id} if unread else {}
        found.append(_of_sort("announcement", len(unread)) | first)
        return [one for one in found if one["count"]]

    async def _introductions_for(self, person: Person) -> int:
        """How many introductions wait for their yes."""
        waits = await self._api.run_db_interaction("belisha_introducing", introduction_tables.waiting)
        if not any(person.localpart in row.people for row in waits):
            return 0
        return len((await self._introductions.of(person))["introductions"])


def _of_sort(sort: str, count: int, name: str = "") -> Json:
    return {"sort": sort, "name": name, "count": count}


def _open_reports(txn: LoggingTransaction, localpart: str) -> int:
    """How many reports nobody has closed; none that is about the asker, who has no say in it."""
    txn.execute(
        "SELECT COUNT(*) FROM belisha_report WHERE card IS NOT NULL AND (member IS NULL OR member <> ?)"
        " AND NOT EXISTS (SELECT 1 FROM belisha_report_act AS done"
        "  WHERE done.number = belisha_report.number AND done.act = 'close')",
        (localpart,),
    )
    row = txn.fetchone()
    return int(row[0]) if row is not None else 0


def _unacknowledged(txn: LoggingTransaction, person: Person, rooms: Mapping[str, int]) -> list[Announcement]:
    """The newest announcements in their groups that an account has not acknowledged, its own aside; newest first."""
    there = [one for one in newest(txn, _ANNOUNCEMENTS) if one.room_id in rooms and one.by != person.localpart]
    # Who came later was not addressed; an announcement is dated by the second, so whoever came within that one was.
    mine = [one for one in there if one.at >= rooms[one.room_id] // 1000]
    if not mine:
        return []
    events, keys = (", ".join("?" for _ in some) for some in (mine, ACKNOWLEDGES))
    txn.execute(
        "SELECT DISTINCT relates_to_id FROM event_relations"  # noqa: S608 - question marks only
        " JOIN events ON events.event_id = event_relations.event_id"
        f" WHERE relates_to_id IN ({events}) AND relation_type = 'm.annotation' AND aggregation_key IN ({keys})"
        " AND events.sender = ?"
        " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts = events.event_id)",
        (*(one.event_id for one in mine), *ACKNOWLEDGES, person.user_id),
    )
    done = {row[0] for row in txn.fetchall()}
    return [one for one in mine if one.event_id not in done]
