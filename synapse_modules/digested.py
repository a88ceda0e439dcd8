"""What a digest may tell one member, as it is at this moment (rule P2): groups, what was read, who waits, which items.

Nothing here gives a word of what was written. Whatever a member cannot read, or read only before they were away, is not
there: a digest counts, names and links nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.commands.declaration import GROUPS
from belisha.events import relation_of
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person
from belisha.policy.types import CONTENT
from belisha.polls.wire import RESPONSE
from belisha.tlp import Label
from synapse_modules.asked_of import AskedOf
from synapse_modules.hooks import Hooks
from synapse_modules.ledger import Ledger, new_row
from synapse_modules.registry import Registry

#: How many items one question may name.
AT_MOST: Final = 200
#: The receipts by which clients say what was read (specification, read receipts); the second is told nobody else.
_RECEIPTS: Final = ("m.read", "m.read.private")

Json = dict[str, Any]


class Place(NamedTuple):
    """A group that a member is in now.

    Attributes:
        name: what it is called.
        since: when they came in last, in milliseconds since 1970.
        order: the same as a place in the order of arrival.
        read: until when they have read, in milliseconds since 1970, by thread; `""` for everything.
    """

    name: str
    since: int
    order: int
    read: dict[str, int]


class Digested:
    """Answers about one member's digest."""

    def __init__(self, api: ModuleApi, hooks: Hooks, registry: Registry, ledger: Ledger, waiting: AskedOf) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._ledger = ledger
        self._waiting = waiting

    async def of(self, person: Person, asked: Sequence[tuple[str, str]]) -> Json:
        """What a digest may tell: nothing where the member may not act.

        Args:
            person: the member.
            asked: rooms and ids of events that the digest is to be about.
        """
        member = (await self._registry.active_members()).get(person.localpart) if person.belongs else None
        if member is None:
            return {"groups": [], "waiting": [], "items": [None for _ in asked], "domains": []}
        organisation = (await self._registry.organisations()).get(member.organisation)
        places: Mapping[str, Place] = await self._api.run_db_interaction("belisha_places", _places, person.user_id)
        waiting = await self._waiting.of(person, member, {room: one.since for room, one in places.items()})
        linked = [(one["room_id"], one["event_id"]) for one in waiting if "event_id" in one]
        items = await self._items(person, places, [*asked, *linked])
        return {
            "groups": [
                {"room_id": room_id, "name": one.name, "since": one.since, "read": one.read}
                for room_id, one in sorted(places.items())
            ],
            "waiting": [_linked(one, items) for one in waiting],
            "items": [items.get(one) for one in asked],
            "domains": [] if organisation is None else list(organisation.domains),
        }

    async def _items(
        self, person: Person, places: Mapping[str, Place], asked: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], Json]:
        """Those items that the member can read at this moment, by room and id: label, writer, and their vote."""
        events = await self._hooks.events([event_id for room_id, event_id in asked if room_id in places])
        rows = await self._ledger.rows(list(events))
        members, found = await self._registry.active_members(), dict[tuple[str, str], Json]()
        voted = await self._api.run_db_interaction("belisha_voted", _voted, list(events), person.user_id)
        for room_id, event_id in asked:
            event, place = events.get(event_id), places.get(room_id)
            if event is None or place is None or event.room_id != room_id or event.type not in CONTENT:
                continue
            order = event.internal_metadata.stream_ordering
            is_gone = event.internal_metadata.is_redacted() or event.rejected_reason is not None
            # Of what was written before they came last, a room's own rules for its past may hide something.
            if is_gone or order is None or order < place.order or relation_of(event.content).replaces is not None:
                continue
            row = rows.get(event_id) or new_row(event)
            if row is None or row.redacted:
                continue  # a label that cannot be read is no reason to guess (rule X1)
            writer = members.get(Person(event.sender).localpart)
            found[room_id, event_id] = {
                "label": str(max(row.effective, Label.GREEN)),
                "name": "" if writer is None else self._registry.display_name(writer),
                "voted": event_id in voted,
            }
        return found


def _linked(wait: Json, items: Mapping[tuple[str, str], Json]) -> Json:
    """What waits, without the event that it links where that is above GREEN, which every digest may carry."""
    item = items.get((wait["room_id"], wait["event_id"])) if "event_id" in wait else None
    is_told = item is not None and item["label"] == str(Label.GREEN)
    return wait if is_told else {key: value for key, value in wait.items() if key != "event_id"}


def asked_in(value: object) -> list[tuple[str, str]] | None:
    """The items that a question names; None where it is something else, or too much."""
    if not isinstance(value, list) or len(value) > AT_MOST:
        return None
    found: list[tuple[str, str]] = []
    for one in value:
        room_id, event_id = (one.get(key) if isinstance(one, dict) else None for key in ("room_id", "event_id"))
        if not isinstance(room_id, str) or not isinstance(event_id, str) or "\0" in room_id + event_id:
            return None
        found.append((room_id, event_id))
    return found


def _places(txn: LoggingTransaction, user_id: str) -> dict[str, Place]:
    """The groups that an account is in now. Rooms of named people are none (rule P1), nor is one that was replaced."""
    txn.execute(
        "SELECT state.room_id, state.type, event_json.json FROM local_current_membership AS mine"
        " JOIN current_state_events AS state ON state.room_id = mine.room_id AND state.state_key = ''"
        "  AND state.type IN (?, 'm.room.name')"
        " JOIN event_json ON event_json.event_id = state.event_id"
        " WHERE mine.user_id = ? AND mine.membership = 'join'",
        (POLICY_TYPE, user_id),
    )
    groups, names = set[str](), dict[str, str]()
    for room_id, kind, text in txn.fetchall():
        content = json.loads(text).get("content", {})
        if kind == POLICY_TYPE and content.get("kind") in GROUPS and content.get("replaced") is not True:
            groups.add(room_id)
        elif kind != POLICY_TYPE and isinstance(content.get("name"), str):
            names[room_id] = content["name"]
    came, read = _came(txn, user_id), _read_until(txn, user_id)
    return {
        room_id: Place(names.get(room_id, ""), *came[room_id], read.get(room_id, {}))
        for room_id in groups
        if room_id in came
    }


def _came(txn: LoggingTransaction, user_id: str) -> dict[str, tuple[int, int]]:
    """When an account came last into each room that it is in: time, and place in the order of arrival.

    A change of its name there is a membership event too, and no coming.
    """
    txn.execute(
        "SELECT mine.room_id, mine.membership, events.origin_server_ts, events.stream_ordering"
        " FROM room_memberships AS mine JOIN events ON events.event_id = mine.event_id"
        " WHERE mine.user_id = ? AND events.rejection_reason IS NULL ORDER BY events.stream_ordering",
        (user_id,),
    )
    came: dict[str, tuple[int, int]] = {}
    for room_id, membership, at, order in txn.fetchall():
        if membership != "join":
            came.pop(room_id, None)
        else:
            came.setdefault(room_id, (int(at), int(order)))
    return came


def _read_until(txn: LoggingTransaction, user_id: str) -> dict[str, dict[str, int]]:
    """Until when an account has read in each room, by the receipts that its clients sent, public and private ones."""
    txn.execute(
        "SELECT receipts_linearized.room_id, receipts_linearized.thread_id, MAX(events.origin_server_ts)"
        " FROM receipts_linearized JOIN events ON events.event_id = receipts_linearized.event_id"
        " WHERE receipts_linearized.user_id = ? AND receipts_linearized.receipt_type IN (?, ?)"
        " GROUP BY receipts_linearized.room_id, receipts_linearized.thread_id",
        (user_id, *_RECEIPTS),
    )
    read: dict[str, dict[str, int]] = {}
    for room_id, thread, at in txn.fetchall():
        read.setdefault(room_id, {})[thread or ""] = int(at)
    return read


def _voted(txn: LoggingTransaction, events: Collection[str], user_id: str) -> set[str]:
    """In which of these an account has voted, where they are polls."""
    if not events:
        return set()
    places, types = ", ".join("?" for _ in events), ", ".join("?" for _ in RESPONSE)
    txn.execute(
        "SELECT event_relations.relates_to_id FROM event_relations"  # noqa: S608 - question marks only
        " JOIN events ON events.event_id = event_relations.event_id"
        f" WHERE event_relations.relates_to_id IN ({places}) AND events.type IN ({types}) AND events.sender = ?",
        (*events, *RESPONSE, user_id),
    )
    return {row[0] for row in txn.fetchall()}
