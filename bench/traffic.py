"""Members of a community at work, as clients on a server made by the playbook: what they do, and how long it takes.

What is done how often is drawn from the made-up pilot of the metrics; each member's client waits for news meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from belisha.metrics.pilot import pilot
from bench.report import BenchFailed
from tests.deploy.several import Outside, Several

V3: Final = "/_matrix/client/v3"
#: What of the metrics' actions a client asks the homeserver for; the others happen once, or on the portal.
ACTS: Final = ("read", "posted", "answered", "reacted", "downloaded")
_LONG_POLL_MS: Final = 30_000  # as Element does
#: How many are made, or sign in, at once.
_AT_ONCE: Final = 8


def mix() -> dict[str, int]:
    """How often each of `ACTS` happens in the pilot, beside the others."""
    found = Counter(fact.action for fact in pilot().facts)
    return {act: found[act] for act in ACTS}


@dataclass
class Client:
    """One member's, signed in."""

    name: str
    token: str
    rooms: list[str]
    since: str = ""


@dataclass
class Seen:
    """What was measured, in seconds.

    Attributes:
        took: of each request, by what it was.
        arrived: from the sending of a message to its arrival in another member's client.
        failed: how many requests were not answered with 200.
        sent: how many messages were sent.
    """

    took: dict[str, list[float]] = field(default_factory=dict)
    arrived: list[float] = field(default_factory=list)
    failed: int = 0
    sent: int = 0


class Traffic:
    """The members and groups of one community, and what they do."""

    def __init__(self, several: Several, outside: Outside, seed: int = 1) -> None:
        self._several = several
        self._outside = outside
        self._dice = random.Random(seed)
        self._files: dict[str, str] = {}
        self._items: dict[str, str] = {}
        self._begun: dict[str, float] = {}
        self._number = 0
        self.clients: list[Client] = []
        self.seen = Seen()

    async def found(self, members: int, groups: int, organisations: int = 30) -> None:
        """Makes the community: everybody is in the first group, each further one has fewer."""
        for number in range(organisations):
            await self._several.organisation(f"org{number:02}")
        await _few_at_once([lambda n=number: self._arrive(n, organisations) for number in range(members)])
        self.clients.sort(key=lambda client: client.name)
        for number in range(groups):
            share = self.clients if number == 0 else self._dice.sample(self.clients, max(2, members // (number + 2)))
            await self._group(f"Group {number}", share)
        await _few_at_once([lambda c=client: self._catch_up(c) for client in self.clients])

    async def _arrive(self, number: int, organisations: int) -> None:
        name = f"member{number:04}"
        key = await self._several.register(name, f"Member {number}", f"org{number % organisations:02}")
        self.clients.append(Client(name, await self._outside.sign_in(name, key), []))

    async def _catch_up(self, client: Client) -> None:
        client.since = (await self._get(client, f"{V3}/sync?timeout=0&filter={_FILTER}"))["next_batch"]

    async def _group(self, name: str, members: list[Client]) -> None:
        maker, *others = members
        invited = [f"@{client.name}:{self._several.name}" for client in others]
        made = await self._ask(maker, "POST", f"{V3}/createRoom", {"preset": "private_chat", "name": name})
        room = str(made["room_id"])
        for user in invited:
            await self._ask(maker, "POST", f"{V3}/rooms/{quote(room)}/invite", {"user_id": user})
        await _few_at_once([lambda c=client: self._ask(c, "POST", f"{V3}/join/{quote(room)}", {}) for client in others])
        for client in members:
            client.rooms.append(room)
        file = await self._ask(maker, "POST", "/_matrix/media/v3/upload?filename=tides.txt", b"Low water at six.")
        self._files[room] = file["content_uri"].removeprefix("mxc://")
        shared = {"msgtype": "m.file", "body": "tides.txt", "url": file["content_uri"]}
        path = f"{V3}/rooms/{quote(room)}/send/m.room.message/{self._txn()}"
        self._items[room] = str((await self._ask(maker, "PUT", path, shared))["event_id"])

    def begin(self) -> str:
        """The word by which `listen` knows a message that is sent from now on."""
        text = f"t{self._txn()}"
        self._begun[text] = time.monotonic()
        return text

    async def listen(self, client: Client, until: asyncio.Event) -> None:
        """A client that waits for news, as each does while it is open."""
        while not until.is_set():
            path = f"{V3}/sync?timeout={_LONG_POLL_MS}&since={client.since}&filter={_FILTER}"
            with contextlib.suppress(aiohttp.ClientError):
                status, news = await self._outside.ask(client.token, "GET", path)
                if status != 200:
                    self.seen.failed += 1
                    await asyncio.sleep(1)
                    continue
                client.since = news["next_batch"]
                now = time.monotonic()
                for room in news.get("rooms", {}).get("join", {}).values():
                    for event in room.get("timeline", {}).get("events", ()):
                        begun = self._begun.get(event.get("content", {}).get("body", "").rpartition(" ")[2])
                        if begun is not None and event["sender"] != f"@{client.name}:{self._several.name}":
                            self.seen.arrived.append(now - begun)

    async def act(self, client: Client, act: str) -> None:
        """One act of a member in one of their groups."""
        room = self._dice.choice(client.rooms)
        path = f"{V3}/rooms/{quote(room)}"
        item = self._items[room]
        text = f"t{self._txn()}"
        message: dict[str, Any] = {"msgtype": "m.text", "body": f"The tide is out, says {text}"}
        asks: dict[str, Callable[[], Awaitable[tuple[int, Any]]]] = {
            "read": lambda: self._outside.ask(client.token, "POST", f"{path}/receipt/m.read/{quote(item)}", {}),
            "posted": lambda: self._send(client, path, "m.room.message", message),
            "answered": lambda: self._send(
                client, path, "m.room.message", message | {"m.relates_to": {"m.in_reply_to": {"event_id": item}}}
            ),
            "reacted": lambda: self._send(
                client,
                path,
                "m.reaction",
                {"m.relates_to": {"rel_type": "m.annotation", "event_id": item, "key": text}},
            ),
            "downloaded": lambda: self._outside.ask(
                client.token, "GET", f"/_matrix/client/v1/media/download/{self._files[room]}"
            ),
        }
        begun = time.monotonic()
        if act in ("posted", "answered"):
            self._begun[text] = begun
            self.seen.sent += 1
        try:
            status, answer = await asks[act]()
        except aiohttp.ClientError:
            status, answer = 0, {}
        self.seen.took.setdefault(act, []).append(time.monotonic() - begun)
        if status != 200:
            self.seen.failed += 1
        elif act == "posted":
            self._items[room] = str(answer["event_id"])

    async def _send(self, client: Client, path: str, type_: str, content: dict[str, Any]) -> tuple[int, Any]:
        return await self._outside.ask(client.token, "PUT", f"{path}/send/{type_}/{self._txn()}", content)

    async def _get(self, client: Client, path: str) -> Any:
        return await self._ask(client, "GET", path, None)

    async def _ask(self, client: Client, method: str, path: str, body: Any) -> Any:
        for _ in range(30):  # a process may not know of the member yet, or of the invitation
            status, answer = await self._outside.ask(client.token, method, path, body)
            if status == 200:
                return answer
            await asyncio.sleep(0.3)
        raise BenchFailed(f"{method} {path}: {answer}")

    def _txn(self) -> int:
        self._number += 1
        return self._number


_FILTER: Final = quote('{"presence":{"types":[]},"room":{"timeline":{"limit":20},"state":{"lazy_load_members":true}}}')


async def _few_at_once(tasks: list[Callable[[], Awaitable[Any]]]) -> None:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(task: Callable[[], Awaitable[Any]]) -> None:
        async with places:
            await task()

    await asyncio.gather(*(one(task) for task in tasks))


def quantile(values: list[float], share: float) -> float:
    """The value that a share of them does not exceed; 0 where there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
