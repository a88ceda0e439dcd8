"""A community of 200 members in 30 groups and rooms, twice: as Synapse's tables, and as what members may read.

The module's own code (`Digested`, `Ledger`) answers out of the tables. The other one is a small model: who is where,
since when, what each event's label is now, and what was taken back. Both are changed by the same acts, and by
nothing else.
"""

from __future__ import annotations

import json
import random
import sqlite3
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from belisha.events import LABEL_KEY
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person
from belisha.tlp import Label
from synapse_modules.digested import Digested
from synapse_modules.ledger import Ledger
from tests.bots.support import SERVER

Json = dict[str, Any]
MEMBERS, ROOMS, ORGANISATIONS = 200, 30, 8
WEEK: Final = 1_780_000_000
#: How strict items of a kind of room may be.
_LABELS: Final = {
    "open": (Label.CLEAR, Label.GREEN),
    "closed": (Label.GREEN, Label.GREEN, Label.AMBER),
    "strict": (Label.GREEN, Label.AMBER, Label.AMBER_STRICT),
    "named": (Label.GREEN, Label.AMBER, Label.RED),
}
_KINDS: Final = ("open",) * 11 + ("closed",) * 10 + ("strict",) * 4 + ("named",) * 5


class Event(NamedTuple):
    """A message of the model, as it was written."""

    event_id: str
    room: str
    sender: str
    order: int
    label: Label


@dataclass
class World:
    """Both of them."""

    dice: random.Random
    order: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    came: dict[tuple[str, str], int] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    domains: dict[str, list[str]] = field(default_factory=dict)
    facts: list[Json] = field(default_factory=list)
    """What bots keep of messages, and of more than they ever see: of rooms of named people, too."""
    mentions: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.users = [f"@m{number:03}:{SERVER}" for number in range(MEMBERS)]
        self.database = sqlite3.connect(":memory:")
        self.database.executescript(
            "CREATE TABLE local_current_membership (room_id, user_id, membership, event_id);"
            "CREATE TABLE current_state_events (event_id, room_id, type, state_key);"
            "CREATE TABLE event_json (event_id, json);"
            "CREATE TABLE room_memberships (event_id, user_id, room_id, membership);"
            "CREATE TABLE events (event_id PRIMARY KEY, type, sender, origin_server_ts, stream_ordering,"
            " rejection_reason);"
            "CREATE TABLE receipts_linearized (room_id, receipt_type, user_id, event_id, thread_id);"
            "CREATE TABLE event_relations (event_id, relates_to_id);"
            "CREATE TABLE belisha_item (event_id PRIMARY KEY, room_id, source, given, label, raised_from, redacted,"
            " acts_until, pending, pending_by, pending_since, badge_due);"
        )
        self._contents: dict[str, Json] = {}
        for number in range(ORGANISATIONS):
            self.domains[f"org{number}"] = [f"org{number}.test"]
        for number, kind in enumerate(_KINDS):
            self._made(f"!room{number:02}:{SERVER}", kind, f"G{number:02}g")
        self.module = self._module()

    # --- Who they are ------------------------------------------------------------------------------------------

    def organisation(self, user: str) -> str:
        return f"org{self.users.index(user) % ORGANISATIONS}"

    def own_room(self, user: str) -> str:
        return user.replace("@m", "!own")

    @staticmethod
    def name(user: str) -> str:
        """By which a member is known in whatever is told."""
        return f"N{user[2:5]}n"

    @staticmethod
    def group(room: str) -> str:
        return f"G{room[5:7]}g"

    # --- What happens ------------------------------------------------------------------------------------------

    def happens(self, steps: int) -> None:
        """So many random acts of members."""
        for _ in range(steps):
            user, room = self.dice.choice(self.users), self.dice.choice(list(self.kinds))
            act = self.dice.random()
            if (user, room) not in self.came:
                self.joins(user, room)
            elif act < 0.06:
                self.leaves(user, room)
            elif act < 0.1 and self.events:
                self.redacts(self.dice.choice(list(self.events)))
            elif act < 0.14 and self.events:
                self.relabels(self.dice.choice(list(self.events)))
            else:
                self.says(user, room)

    def joins(self, user: str, room: str) -> None:
        event_id = self._event("m.room.member", user)
        self.came[user, room] = self.order
        self._membership(user, room, "join", event_id)

    def leaves(self, user: str, room: str) -> None:
        event_id = self._event("m.room.member", user)
        self.came.pop((user, room), None)
        self._membership(user, room, "leave", event_id)

    def says(self, user: str, room: str) -> None:
        label = self.dice.choice(_LABELS[self.kinds[room]])
        event_id = self._event("m.room.message", user)
        self.events[event_id] = Event(event_id, room, user, self.order, label)
        self.labels[event_id] = label
        self._contents[event_id] = {"msgtype": "m.text", "body": "S3cret", LABEL_KEY: {"label": str(label)}}
        if label >= Label.AMBER:
            self._item(event_id)
        mine = [one for one in self.events.values() if one.room == room][:3]
        thread = self.dice.choice(mine).event_id if self.dice.random() < 0.4 else None
        about = {
            "event_id": event_id,
            "room_id": room,
            "sender": user,
            "at": (at := self._at()),
            "arrived": at,
            "is_file": self.order % 7 == 0,
        }
        self.facts.append({**about, "thread": None if thread == event_id else thread})
        if self.dice.random() < 0.5:
            self.mentions += [{"user_id": one, "event_id": event_id} for one in self.dice.sample(self.users, 3)]

    def redacts(self, event_id: str) -> None:
        """The bots do not hear of it yet."""
        self.gone.add(event_id)
        self._item(event_id)

    def relabels(self, event_id: str) -> None:
        self.labels[event_id] = self.dice.choice(list(Label)[1:4])
        self._item(event_id)

    def turns(self) -> None:
        """What can happen to a community between one question and the next."""
        self.happens(6)
        if self.dice.random() < 0.03:
            self.frozen.add(self.dice.choice(self.users))
        if self.dice.random() < 0.003:
            self.domains[self.dice.choice(list(self.domains))] = ["moved.test"]

    # --- What they may read, by the model ----------------------------------------------------------------------

    def readable(self, user: str) -> dict[str, Event]:
        """The messages that a digest may tell a member of, each with its label of this moment."""
        if user in self.frozen:
            return {}
        found = {}
        for one in self.events.values():
            since = self.came.get((user, one.room))
            if since is None or self.kinds[one.room] == "named" or one.order < since or one.event_id in self.gone:
                continue
            found[one.event_id] = one._replace(label=max(self.labels[one.event_id], Label.GREEN))
        return found

    # --- The module --------------------------------------------------------------------------------------------

    async def answer(self, user: str, asked: list[Json]) -> Json:
        """What the module tells of a member's digest."""
        person = Person(user, self.organisation(user), frozenset({"member"}))
        return await self.module.of(person, [(one["room_id"], one["event_id"]) for one in asked])

    def _module(self) -> Digested:
        world = self

        class Api:
            async def run_db_interaction(self, _name: str, work: Any, *arguments: Any) -> Any:
                return work(world.database.cursor(), *arguments)

        class Hooks:
            async def events(self, ids: Any) -> Json:
                return {one: world._synapses(one) for one in ids if one in world.events}

        class Registry:
            async def active_members(self) -> Json:
                known = {user[1:].partition(":")[0]: user for user in world.users if user not in world.frozen}
                return {
                    local: SimpleNamespace(user=user, organisation=world.organisation(user))
                    for local, user in known.items()
                }

            async def organisations(self) -> Json:
                return {key: SimpleNamespace(domains=tuple(value)) for key, value in world.domains.items()}

            def display_name(self, member: Any) -> str:
                return f"{world.name(member.user)} ({member.organisation})"

        class Waiting:
            async def of(self, _person: object, _member: object, _rooms: object) -> list[Json]:
                return []

        api: Any = Api()
        hooks: Any = Hooks()
        registry: Any = Registry()
        waiting: Any = Waiting()
        audit: Any = None
        return Digested(api, hooks, registry, Ledger(api, hooks, audit), waiting)

    def _synapses(self, event_id: str) -> Any:
        one, gone = self.events[event_id], event_id in self.gone
        return SimpleNamespace(
            event_id=event_id,
            room_id=one.room,
            sender=one.sender,
            type="m.room.message",
            content={} if gone else self._contents[event_id],
            rejected_reason=None,
            internal_metadata=SimpleNamespace(stream_ordering=one.order, is_redacted=lambda: gone),
        )

    # --- Synapse's tables --------------------------------------------------------------------------------------

    def _at(self) -> int:
        return (WEEK + self.order) * 1000

    def _event(self, kind: str, sender: str) -> str:
        self.order += 1
        event_id = f"$e{self.order}"
        row = (event_id, kind, sender, self._at(), self.order)
        self.database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, NULL)", row)
        return event_id

    def _membership(self, user: str, room: str, membership: str, event_id: str) -> None:
        mine = "DELETE FROM local_current_membership WHERE user_id = ? AND room_id = ?"
        self.database.execute(mine, (user, room))
        now = (room, user, membership, event_id)
        self.database.execute("INSERT INTO local_current_membership VALUES (?, ?, ?, ?)", now)
        self.database.execute("INSERT INTO room_memberships VALUES (?, ?, ?, ?)", (event_id, user, room, membership))

    def _item(self, event_id: str) -> None:
        one, label = self.events[event_id], str(self.labels[event_id])
        self.database.execute("DELETE FROM belisha_item WHERE event_id = ?", (event_id,))
        row = (event_id, one.room, one.sender, str(one.label), label, int(event_id in self.gone))
        insert = "INSERT INTO belisha_item VALUES (?, ?, ?, ?, ?, NULL, ?, 0, NULL, NULL, NULL, NULL)"
        self.database.execute(insert, row)

    def _made(self, room: str, kind: str, name: str) -> None:
        self.kinds[room] = kind
        policy = {"kind": "closed" if kind == "strict" else kind}
        for type_, content in ((POLICY_TYPE, policy), ("m.room.name", {"name": name})):
            event_id = f"{room}{type_}"
            self.database.execute("INSERT INTO current_state_events VALUES (?, ?, ?, '')", (event_id, room, type_))
            text = json.dumps({"content": content})
            self.database.execute("INSERT INTO event_json VALUES (?, ?)", (event_id, text))
