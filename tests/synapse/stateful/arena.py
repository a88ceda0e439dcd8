"""The server, its people, and what holds them to the model: after each act and now and then for everybody."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import aiohttp

from tests.synapse.stateful.client import Client, Difference, compare, edited_item, is_content, label_of
from tests.synapse.stateful.model import BOT, Event, Item, Label, Person, Room, World

Json = dict[str, Any]

_PASSWORD: Final = "a long sample password"
ORGANISATIONS: Final = ("lighthouse", "dredgers", "ferry")
PEOPLE: Final = (
    ("gwen", "lighthouse", "member"),
    ("hugo", "lighthouse", "lead"),
    ("iris", "dredgers", "steward"),
    ("jack", "dredgers", "member"),
    ("kate", "ferry", "member"),
    ("liam", "ferry", "manager"),
)
NAMES: Final = tuple(name for name, _, _ in PEOPLE)
#: M1: memberships within ten seconds; twice that on a machine that does other work.
_IN_TIME: Final = 60.0
_EVERYBODY_EVERY: Final = 25


class Homeserver(Protocol):
    """What is asked of the server: `tests.support.server.Server`, or one with workers."""

    url: str
    name: str
    data: Path

    def query(self, statement: str, *values: object) -> list[Json]: ...

    def change(self, statement: str, *values: object) -> None: ...

    async def local(self, method: str, path: str, body: Json | None = None) -> tuple[int, Any]: ...


#: No two examples of one process have a word in common, whatever server they are on.
_examples: Final = itertools.count(1)


class Arena:
    """One server and six people, for as many examples as are wanted; each begins with new rooms."""

    def __init__(self, server: Homeserver, in_time: float = _IN_TIME) -> None:
        self.server = server
        self._in_time = in_time
        self.world = World((), ())
        self.clients: dict[str, Client] = {}
        self.own_rooms: dict[str, str] = {}
        self._bot: Client | None = None
        self.acts = 0
        self._example = 0
        self.checked = 0
        self.refused = 0
        self.opened = 0  # rooms by introductions
        self.looks = 0
        self.found_at = 0
        self.found: Exception | None = None
        self.first: Exception | None = None
        self._http: aiohttp.ClientSession | None = None
        self._standing = World((Person(*each) for each in PEOPLE), ORGANISATIONS)  # as the server has it

    # --- Beginning and end ------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Registers organisations and people; on a server that was used before, they may all act again."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=240))
        for key in ORGANISATIONS:
            body = {"name": key.title(), "category": "charity", "domains": []}
            await self.command("PUT", f"organisations/{key}", body)
            await self.stand("organisations", key, "active")
        for name in NAMES:
            self.clients[name] = Client(self._http, self.server.url, name, self.server.name)
            await self.put_member(self._standing.people[name], password=_PASSWORD)
            await self.stand("members", name, "active")
            await self.choose(name, "anyone")
        await asyncio.gather(*(client.login(_PASSWORD) for client in self.clients.values()))
        self._bot = Client(self._http, self.server.url, BOT, self.server.name)
        self._bot.token = (self.server.data / "secrets" / "as_token").read_text().strip()

    async def as_bot(self, method: str, path: str, body: Json) -> tuple[int, Json]:
        """What a bot asks of the module."""
        assert self._bot is not None
        return await self._bot.ask(method, path, body)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def begin(self) -> None:
        """Everybody as they were in the beginning, in none of the rooms of before."""
        before = self.world
        # Who was introduced to whom, and who asked for it, is of one example.
        self.server.change("DELETE FROM belisha_introducing")
        self.server.change("DELETE FROM belisha_introduction")
        self.world = World((Person(*each) for each in PEOPLE), ORGANISATIONS)
        self._example = next(_examples)
        self.found = None
        for key, is_frozen in self._standing.frozen.items():
            if is_frozen:
                await self.stand("organisations", key, "active")
        for name, wanted in self.world.people.items():
            now = self._standing.people[name]
            if now.frozen:
                await self.stand("members", name, "active")
            if (now.organisation, now.role) != (wanted.organisation, wanted.role):
                await self.put_member(wanted)
            if now.direct_chats != wanted.direct_chats:
                await self.choose(name, wanted.direct_chats)
        for name, client in self.clients.items():
            if (await client.ask("GET", "v3/account/whoami"))[0] != 200:
                await self._sign_in(name)
            client.forget()
        await asyncio.gather(*(self._leave(client, before.rooms) for client in self.clients.values()))

    async def _leave(self, client: Client, rooms: Iterable[str]) -> None:
        _, said = await client.ask("GET", "v3/joined_rooms")
        for room in set(said["joined_rooms"]) & set(rooms):
            await client.ask("POST", f"v3/rooms/{quote(room)}/leave", {})

    # --- The registry, and a mirror of it ---------------------------------------------------------------------

    async def command(self, method: str, path: str, body: Json) -> tuple[int, Json]:
        """A command of the operator; the server must never fail at it."""
        status, said = await self.server.local(method, path, body)
        if status >= 500:
            raise Difference("X1", f"{method} {path} was answered {status}: {said}")
        return status, said

    async def put_member(self, person: Person, **more: Any) -> None:
        about = {"name": person.name.title(), "organisation": person.organisation, "roles": [person.role]}
        status, said = await self.command("PUT", f"members/{person.name}", about | more)
        if status != 200:
            raise Difference("M3", f"the registry refuses {about}: {said}")
        self.own_rooms[person.name] = str(said["service_room"])
        mine = self._standing.people[person.name]
        mine.organisation, mine.role = person.organisation, person.role

    async def stand(self, what: str, key: str, standing: str) -> None:
        status, said = await self.command("PUT", f"standing/{what}/{key}", {"standing": standing})
        if status != 200:
            raise Difference("M1", f"{what} {key} cannot become {standing}: {said}")
        if what == "members":
            self._standing.people[key].frozen = standing == "frozen"
        else:
            self._standing.frozen[key] = standing == "frozen"

    async def choose(self, name: str, choice: str) -> None:
        status, said = await self.command("PUT", f"direct-chats/{name}", {"from": choice})
        if status != 200:
            raise Difference("M1", f"{name} cannot choose {choice}: {said}")
        self._standing.people[name].direct_chats = choice

    async def thawed(self) -> None:
        """Signs those in whose sessions have ended and who may act again."""
        for name, client in self.clients.items():
            if self.world.acts(name) and (await client.ask("GET", "v3/account/whoami"))[0] != 200:
                await self._sign_in(name)

    async def _sign_in(self, name: str) -> None:
        await eventually(lambda: self.clients[name].login(_PASSWORD))

    # --- Checks -----------------------------------------------------------------------------------------------

    async def check(self, room: Room | None, concerned: Iterable[str] = ()) -> None:
        """After an act: those in the room, and those it was about. Everybody after every twenty-fifth act."""
        if self.acts - self.checked >= _EVERYBODY_EVERY:
            await self.everybody()
            return
        names = set(concerned) - {BOT} | (set() if room is None else set(room.joined))
        await _all(eventually(lambda name=name: self._glance(name), self._in_time) for name in sorted(names))
        if room is not None:
            await self._probe(room)

    async def everybody(self) -> None:
        """Everybody, and every way to read that there is."""
        self.checked = self.acts
        self.looks += 1
        await _all(eventually(lambda name=name: self._look(name), self._in_time) for name in NAMES)

    async def _glance(self, name: str) -> None:
        """An incremental sync: nothing that the model forbids, and everything that is new."""
        world, client = self.world, self.clients[name]
        if not world.acts(name):
            await self._is_shut_out(client)
            return
        compare(world, name, "/sync", await client.sync(world), is_once=True)
        self._hold_rooms(name, client.joined, client.invited)
        for known in world.events.values():
            if known.id not in client.events and not known.is_redacted and world.sees(name, known):
                raise Difference("M1", f"/sync has not told {name} of {known.id}", later=True)

    async def _is_shut_out(self, client: Client) -> None:
        for path in ("v3/joined_rooms", "v3/sync?timeout=0"):
            status, _ = await client.ask("GET", path)
            if status not in (401, 403):
                raise Difference("M1", f"{client.name} may not act, and GET {path} is answered {status}", later=True)

    def _hold_rooms(self, name: str, joined: set[str], invited: set[str] | None = None) -> None:
        is_in = {room.id for room in self.world.rooms.values() if room.members.get(name) == "join"}
        if (joined & set(self.world.rooms)) != is_in:
            raise Difference("M1", f"{name} is in {sorted(joined)} and should be in {sorted(is_in)}", later=True)
        asked = {room.id for room in self.world.rooms.values() if room.members.get(name) == "invite"}
        if invited is not None and (invited & set(self.world.rooms)) != asked:
            raise Difference("M1", f"{name} is invited to {sorted(invited)}, not {sorted(asked)}", later=True)

    async def _probe(self, room: Room) -> None:
        """One item, by its id, asked for by one who is in the room and one who is not."""
        events = self._of(room)
        if not events:
            return
        event = events[self.acts % len(events)]
        readers = [name for name in NAMES if room.members.get(name) == "join"]
        others = [name for name in NAMES if room.members.get(name) != "join"]
        for names in (readers, others):
            if names:
                name = names[self.acts % len(names)]
                await eventually(lambda name=name: self._ask_for(name, event, self.acts), self._in_time)

    def _of(self, room: Room) -> list[Event]:
        return [event for event in self.world.events.values() if event.item.room is room]

    async def _ask_for(self, name: str, event: Event, turn: int) -> None:
        """One of the ways to read one event."""
        world, client = self.world, self.clients[name]
        room, item = quote(event.item.room.id), quote(event.id)
        path = (
            f"v3/rooms/{room}/event/{item}",
            f"v3/rooms/{room}/context/{item}?limit=4",
            f"v1/rooms/{room}/relations/{item}?limit=50",
            f"v3/events/{item}",
        )[turn % 4]
        status, said = await client.ask("GET", path)
        shown = [said, *([said["event"]] if "event" in said else ())]
        for part in ("chunk", "events_before", "events_after"):
            shown += said.get(part, ())
        given = [each for each in shown if "event_id" in each] if status == 200 else []
        is_one = turn % 4 in (0, 1)
        compare(world, name, path, given, [event] if is_one else ())
        if world.sees(name, event) is False and status == 200 and is_one:
            raise Difference("M1", f"{path} is answered {status} to {name}, who may not read it", later=True)

    async def _look(self, name: str) -> None:
        """Everything that one member can ask for."""
        world, client = self.world, self.clients[name]
        if not world.acts(name):
            await self._is_shut_out(client)
            return
        mine = [event for event in world.events.values() if world.sees(name, event)]
        compare(world, name, "/sync from the beginning", await client.sync(world, whole=True), mine)
        self._hold_rooms(name, client.joined, client.invited)
        _, said = await client.ask("GET", "v3/joined_rooms")
        self._hold_rooms(name, set(said["joined_rooms"]))
        for turn, room in enumerate(world.rooms.values()):
            is_in = room.members.get(name) == "join"
            if is_in:
                self._hold_labels(room, [each for each in client.events.values() if each["room_id"] == room.id])
            # What they are in, one after the other; what they are not in, always.
            if not is_in or (turn + self.acts) % 3 == 0:
                await self._look_into(client, room, turn)
        found = await client.search(self.word)
        compare(world, name, "/search", found)

    async def _look_into(self, client: Client, room: Room, turn: int) -> None:
        name, world, path = client.name, self.world, f"v3/rooms/{quote(room.id)}"
        events = self._of(room)
        status, shown = await client.timeline(room.id)
        compare(world, name, f"/messages of {room.kind}", shown, [each for each in events if world.sees(name, each)])
        _, said = await client.ask("GET", f"{path}/members")
        members = {
            each["state_key"][1:].partition(":")[0]: each["content"]["membership"] for each in said.get("chunk", ())
        }
        if room.members.get(name) == "join":
            if status != 200:
                raise Difference("M1", f"/messages of {room.kind} is answered {status} to {name}", later=True)
            there = {each for each, membership in members.items() if membership == "join" and each in NAMES}
            if there != room.joined & set(NAMES):
                raise Difference("M1", f"/members says {there}, not {room.joined}", later=True)
        elif members or shown:
            raise Difference("M1", f"{name} is not in {room.kind} and is told {members or shown}", later=True)
        if events:
            await self._ask_for(name, events[(self.acts + turn) % len(events)], self.acts + turn)

    def _hold_labels(self, room: Room, shown: list[Json]) -> None:
        """What a client shows as an item's label is the one in force, where its source was there to have it drawn."""
        newest: dict[str, Label] = {}
        for event in filter(is_content, shown):
            item = self.world.items.get(edited_item(event) or event["event_id"])
            if item is not None and self._is_by_source(event, item):
                newest[item.id] = label_of(event)
        for key, label in newest.items():
            item = self.world.items[key]
            if item.is_editable and not item.is_redacted and not item.is_told_only and label is not item.label:
                raise Difference("L4", f"{key} is shown as {label}, not {item.label}", later=True)

    def _is_by_source(self, event: Json, item: Item) -> bool:
        return str(event["sender"][1:].partition(":")[0]) == item.source

    @property
    def word(self) -> str:
        """What every text of this example has in it."""
        return f"tide{self._example}"


async def _all(checks: Iterable[Awaitable[None]]) -> None:
    """Every check to its end, and then the first that failed."""
    for failed in await asyncio.gather(*checks, return_exceptions=True):
        if failed is not None:
            raise failed


async def eventually(check: Callable[[], Awaitable[None]], seconds: float = _IN_TIME) -> None:
    """Tries again what may be a matter of seconds, less and less often: each try is work for the server."""
    begun = time.monotonic()
    while True:
        try:
            await check()
        except Difference as difference:
            if not difference.later or time.monotonic() > begun + seconds:
                raise
        else:
            return
        await asyncio.sleep(max(0.05, (time.monotonic() - begun) / 5))
