"""The bots process as a subprocess, and a small homeserver that remembers transaction ids as Synapse does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import sqlalchemy as sa
import yaml
from aiohttp import web

from bots.kernel.batches import Actor
from bots.kernel.bot import Bot
from bots.kernel.config import load
from bots.kernel.events import receive
from bots.kernel.ground import Ground
from bots.kernel.leases import Leases
from bots.kernel.matrix import BotClient
from bots.kernel.rooms import Rooms
from bots.kernel.store import Store
from bots.kernel.tables import inbox, outbox
from tests.support import forking, processes
from tests.support.patience import until
from tests.support.server import ROOT, free_ports

SERVER = "belisha.localhost"
STEWARD = f"@belisha_steward:{SERVER}"
ADA = f"@ada:{SERVER}"
ROOM = f"!pilots:{SERVER}"
HS_TOKEN = "the homeserver's token"
INSTANCE = "first"
#: Begins as a picture does, with its width and height.
DRAWN = b"\x89PNG\r\n\x1a\n" + bytes(8) + (960).to_bytes(4, "big") + (320).to_bytes(4, "big")

Json = dict[str, Any]
T = TypeVar("T")


def message(event_id: str, body: str = "!help", *, room: str = ROOM, sender: str = ADA, **content: Any) -> Json:
    """A message as Synapse delivers it, written now: one older than what is kept is not taken."""
    return {
        "event_id": event_id,
        "room_id": room,
        "type": "m.room.message",
        "sender": sender,
        "origin_server_ts": int(time.time() * 1000),
        "content": {"msgtype": "m.text", "body": body, **content},
    }


def member(
    event_id: str, who: str, membership: str = "join", *, sender: str = ADA, room: str = ROOM, **more: Any
) -> Json:
    """A membership event."""
    content = {"membership": membership, **more}
    base = {"event_id": event_id, "room_id": room, "type": "m.room.member", "sender": sender, "state_key": who}
    return base | {"content": content}


def write_config(folder: Path, homeserver: str, port: int, /, **changes: Any) -> Path:
    """`bots.yaml` and its tokens in a folder."""
    for name, token in (("as_token", "the bots' token"), ("hs_token", HS_TOKEN)):
        (folder / name).write_text(token)
        (folder / name).chmod(0o600)
    settings = {
        "homeserver": homeserver,
        "server_name": SERVER,
        "as_token_file": str(folder / "as_token"),
        "hs_token_file": str(folder / "hs_token"),
        "listen": {"host": "127.0.0.1", "port": port},
        "database": f"sqlite:///{folder}/bots.db",
        "log": {"file": str(folder / "bots.log"), "level": "INFO"},
        "bots": {"steward": "belisha_steward"},
    }
    path = folder / "bots.yaml"
    path.write_text(yaml.safe_dump(settings | changes))
    return path


@asynccontextmanager
async def grounded(
    store: Store, homeserver: Homeserver, *bots: Bot, settings: Json | None = None, **options: Any
) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """The kernel's loops over a store; gives the function that delivers events."""
    with tempfile.TemporaryDirectory() as folder:
        config = load(write_config(Path(folder), homeserver.url, 1, **(settings or {})))
    async with aiohttp.ClientSession() as session:
        clients = [BotClient(homeserver.url, f"@belisha_{bot.name}:{SERVER}", "token", session) for bot in bots]
        leases = Leases(store)
        actors = [Actor(bot, client, Rooms(client)) for bot, client in zip(bots, clients, strict=True)]
        ground = Ground(config, store, leases, actors, is_ours=lambda user: user.startswith("@belisha_"), **options)
        await ground.begin()

        async def arrive(*events: Json, instance: str | None = None) -> None:
            ground.stored(await ground.inbox.add([receive(event) for event in events], instance))

        tasks = [asyncio.create_task(work) for work in ground.work()]
        try:
            yield arrive
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await leases.close()


async def rows(store: Store) -> dict[str, tuple[str, int, str | None, str | None]]:
    """Each event's state, attempts, last error and content."""
    columns = (inbox.c.event_id, inbox.c.state, inbox.c.attempts, inbox.c.last_error, inbox.c.json)
    async with store.reading() as connection:
        return {row[0]: (row[1], row[2], row[3], row[4]) for row in await connection.execute(sa.select(*columns))}


def _stands() -> None:
    """Leaves the clock to others."""


async def settled(
    store: Store, tick: Callable[[], None] = _stands
) -> dict[str, tuple[str, int, str | None, str | None]]:
    """The same, once nothing waits in the inbox or the outbox.

    `tick` moves a clock that stands otherwise: an effect that was tried before the one it follows waits for a while
    of that clock, and would for ever.
    """

    async def nothing_waits() -> bool:
        tick()
        if any(row[0] == "pending" for row in (await rows(store)).values()):
            return False
        pending = sa.select(outbox.c.number).where(outbox.c.state == "pending")
        async with store.reading() as connection:
            return (await connection.execute(pending)).first() is None

    await until(nothing_waits)
    return await rows(store)


def images(homeserver: Homeserver) -> list[Json]:
    """The images that were sent."""
    return [one for _, one in homeserver.sent.values() if one.get("msgtype") == "m.image"]


class BotsProcess:
    """`python -m bots`, to be started and killed as often as wanted over the same data."""

    def __init__(self, config: Path, module: str = "bots", *, forked: bool = True) -> None:
        """Starts nothing yet.

        Args:
            config: bots.yaml.
            module: What is run instead of the bots.
            forked: Whether it comes out of a process that has everything imported, or is started as `belisha up` does.
        """
        self.config = config
        self._module = module
        self._forked = forked
        self.url = f"http://127.0.0.1:{yaml.safe_load(config.read_text())['listen']['port']}"
        self._process: processes.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, *, until: str = "/readyz") -> float:
        """Starts it and waits for an address to answer 200; the seconds that took."""
        began = time.monotonic()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
        arguments = ["--config", str(self.config)]
        if self._forked:
            self._process = forking.start_bots(self._module, arguments, cwd=self.config.parent, env=environment)
        else:
            command = [sys.executable, "-m", self._module, *arguments]
            self._process = subprocess.Popen(command, env=environment, cwd=self.config.parent)
        while time.monotonic() < began + 60:
            assert self._process.poll() is None, "the bots ended"
            try:
                if (await self.get(until))[0] == 200:
                    return time.monotonic() - began
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
        raise AssertionError(f"the bots did not answer {until}")

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Ends it; its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        code, self._process = self._process.wait(60), None
        return code

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            return response.status, await response.text()

    async def push(self, transaction: str, *events: Json, instance: str = INSTANCE) -> tuple[int, str]:
        return await push(self.url, transaction, {"events": list(events)}, instance=instance)


async def push(
    url: str, transaction: str, body: object, token: str | None = HS_TOKEN, instance: str | None = INSTANCE
) -> tuple[int, str]:
    """Delivers a transaction as Synapse does; bytes are sent as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    if instance is not None:
        headers["Org-Belisha-Instance"] = instance
    address = f"{url}/_matrix/app/v1/transactions/{transaction}"
    async with aiohttp.ClientSession() as session, session.put(address, data=data, headers=headers) as response:
        return response.status, await response.text()


class Homeserver:
    """As much of Synapse as bots need. `sent` holds each event once, under its transaction id."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.sent: dict[str, tuple[str, Json]] = {}
        self.done: list[tuple[str, str]] = []
        """What kind each of them is, and the type or target in its address."""
        self.requests: list[tuple[str, str]] = []
        self.joined: list[str] = []
        self.members: dict[str, Json] = {}
        self.policies: dict[str, Json] = {}
        self.audience: Json | None = None
        self.askers: dict[str, Json] = {}
        """What the module tells of who asks, by user id."""
        self.items: dict[str, Json] = {}
        """What the module tells of items, by event id."""
        self.extents: dict[str, tuple[int, Json]] = {}
        """What the module tells of how much an act would concern, by whom it is about."""
        self.groups: list[Json] = []
        """What the module tells of groups that somebody may join."""
        self.rounds: Callable[[], list[Json]] = list
        """What the module tells of recertification."""
        self.begins: list[Json] = []
        self.waits: Json = {"waiting": [], "ended": []}
        """What the module tells of who waits to be let in."""
        self.acts: list[tuple[int, Json]] = []
        """How the module answers acts, in this order; done, where nothing is left here."""
        self.unacknowledged: list[tuple[int, Json]] = []
        """How the module answers who has not acknowledged something, in this order."""
        self.polls: dict[str, Json] = {}
        """What the module tells of polls, by event id."""
        self.posts: dict[str, Json] = {}
        """What the module tells of posts, by event id."""
        self.files: dict[str, list[bytes]] = {}
        """Addresses of files, each with what was uploaded for it."""
        self.sights: dict[str, Json] = {}
        """What the module tells of whom somebody may find, by user id."""
        self.doings: list[Json] = []
        """What the module tells the metrics at the first question."""
        self.managers: list[str] = []
        """What the module tells of where managers are told things."""
        self.digests: dict[str, Json] = {}
        """What the module tells of a member's groups and items for a digest, by user id; items by event id."""
        self.published: list[Json] = []
        """What it was told that members show."""
        self.devices: set[str] = set()
        self.holding = asyncio.Event()
        self.holding.set()
        self.errors: list[tuple[int, Json]] = []
        """Answers to the next sends, before they succeed."""
        self.instance: str | None = None
        self.timelines: dict[str, list[Json]] = {}
        """What `/messages` reads in the rooms that the bots are in, oldest first; an event's place is its position."""
        self.memberships: dict[str, str] = {}
        self.pages: list[str] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.waiting = 0
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Homeserver:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, shutdown_timeout=0.1).start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.holding.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def until_sent(self, count: int, seconds: float = 60) -> list[Json]:
        """Waits for so many events, then a moment longer for one too many."""
        async with asyncio.timeout(seconds):
            async with self._changed:
                await self._changed.wait_for(lambda: len(self.sent) >= count)
        await asyncio.sleep(0.4)
        return [content for _, content in self.sent.values()]

    async def _answer(self, request: web.Request) -> web.Response:
        path, device = request.path, request.query.get("device_id")
        self.requests.append((request.method, path))
        if device is not None and device not in self.devices:
            return web.json_response({"errcode": "M_UNKNOWN_DEVICE", "error": "no such device"}, status=400)
        kind = next((one for one in ("send", "redact", "kick", "invite", "acts", "state") if f"/{one}" in path), "")
        if request.method in ("PUT", "POST") and kind:
            return await self._send(path, kind, await request.json(), device)
        if path.endswith("/messages"):
            self.waiting += 1
            status, body = await self._other(path, request)
            await self.reading.wait()
        else:
            status, body = await self._other(path, request)
        return web.json_response(body, status=status)

    async def _send(self, path: str, kind: str, content: Json, device: str | None) -> web.Response:
        await self.holding.wait()
        if self.errors:
            status, body = self.errors.pop(0)
            return web.json_response(body, status=status)
        assert device is not None, "a send without a device would be doubled by a restart of Synapse"
        room, _, rest = path.partition(f"/{kind}/")
        transaction = rest.rpartition("/")[2] if kind != "acts" else f"act {content['act']}"
        async with self._changed:
            if transaction not in self.sent:
                self.done.append((kind, rest.rpartition("/")[0]))
            self.sent.setdefault(transaction, (room.rpartition("/")[2], content))
            self._changed.notify_all()
        if kind == "acts":
            status, body = self.acts.pop(0) if self.acts else (200, {"outcome": "done", "act": content["act"]})
            return web.json_response(body, status=status)
        return web.json_response({"event_id": f"$answer-{transaction}"})

    async def _of_files(self, path: str, request: web.Request) -> tuple[int, Json]:
        if path.endswith("/create"):
            address = f"mxc://{SERVER}/file{len(self.files)}"
            self.files[address] = []
            return 200, {"content_uri": address}
        known = self.files.get(f"mxc://{'/'.join(path.split('/')[-2:])}")
        if known is None:
            return 404, {"errcode": "M_NOT_FOUND", "error": "no such file"}
        if known:
            return 409, {"errcode": "M_CANNOT_OVERWRITE_MEDIA", "error": "it is there"}
        known.append(await request.read())
        return 200, {}

    async def _other(self, path: str, request: web.Request) -> tuple[int, Json]:
        if path.startswith("/_matrix/media/"):
            return await self._of_files(path, request)
        if path.endswith("/register"):
            return 400, {"errcode": "M_USER_IN_USE", "error": "taken"}
        if "/devices/" in path:
            known = path.rpartition("/")[2] in self.devices
            return (200, {}) if known else (404, {"errcode": "M_NOT_FOUND", "error": "no device"})
        if path.endswith("/login"):
            self.devices.add((await request.json())["device_id"])
            return 200, {"access_token": "never used"}
        if path.endswith("/ping"):
            return 200, {"duration_ms": 1}
        if path.endswith("/join"):
            self.joined.append(path.split("/")[-2])
            return 200, {}
        if path.endswith(("/profile", "/directory")):
            return await self._of_directory(path, request)
        if path.endswith("/digest"):
            return self._of_digest(await request.json())
        told = self._of_facts(path, request) or self._of_rules(path) or self._catch_up(path, request)
        return told or self._about_rooms(path)

    def _of_facts(self, path: str, request: web.Request) -> tuple[int, Json] | None:
        if path.endswith("/asker"):
            found = self.askers.get(request.query["member"])
            return (200, found) if found else (404, {"errcode": "ORG.BELISHA.NOT_FOUND", "error": "nothing here"})
        if path.endswith("/unacknowledged"):
            return self.unacknowledged.pop(0)
        if path.endswith(("/item", "/poll", "/post")):
            found = {"item": self.items, "poll": self.polls, "post": self.posts}[path.rpartition("/")[2]].get(
                request.query["event_id"]
            )
            return (200, found) if found else (404, {"errcode": "ORG.BELISHA.NOT_FOUND", "error": "nothing here"})
        if path.endswith("/groups"):
            return 200, {"groups": self.groups}
        if path.endswith("/doings"):
            found = [] if request.query["after"] else self.doings
            return 200, {"doings": found, "next": "1.0.0.0", "more": False}
        if path.endswith("/managers"):
            return 200, {"rooms": self.managers}
        if path.endswith("/extent"):
            return self.extents.get(request.query["about"], (404, {"errcode": "ORG.BELISHA.NOT_FOUND"}))
        return None

    async def _of_directory(self, path: str, request: web.Request) -> tuple[int, Json]:
        if path.endswith("/directory"):
            return 200, self.sights.get(request.query["member"], {})
        self.published.append(await request.json())
        return 200, {"fields": []}

    def _of_digest(self, asked: Json) -> tuple[int, Json]:
        found = self.digests.get(asked["member"])
        if found is None:
            return 404, {"errcode": "ORG.BELISHA.NOT_FOUND", "error": "nothing here"}
        return 200, {**found, "items": [found["items"].get(one["event_id"]) for one in asked["items"]]}

    def _of_rules(self, path: str) -> tuple[int, Json] | None:
        if path.endswith("/recertification"):
            return 200, {"rounds": self.rounds(), "begins": self.begins}
        return (200, self.waits) if path.endswith("/waiting") else None

    def _catch_up(self, path: str, request: web.Request) -> tuple[int, Json] | None:
        if path.endswith("/instance"):
            return 200, {"instance": self.instance}
        if path.endswith("/joined_rooms"):
            return 200, {"joined_rooms": list(self.timelines)}
        if "/position/" in path:
            return self._position(path.rpartition("/")[2])
        if path.endswith("/messages"):
            return 200, self._page(self.timelines.get(path.split("/")[-2], []), request)
        if "/state/m.room.member/" in path:
            found = self.memberships.get(path.rpartition("/")[2])
            return (200, {"membership": found}) if found else (404, {"errcode": "M_NOT_FOUND", "error": "nobody"})
        if "/event/" in path:
            redacted = ("redact", path.rpartition("/")[2]) in self.done
            return 200, {"unsigned": {"redacted_because": {}} if redacted else {}}
        return None

    def _about_rooms(self, path: str) -> tuple[int, Json]:
        room = path.split("/")[-2] if path.endswith("/joined_members") else path.rpartition("/")[2]
        if path.endswith("/joined_members"):
            return 200, {"joined": self.members.get(room, {})}
        if "/policy/" in path and room in self.policies:
            return 200, self.policies[room]
        if "/policy/" in path:
            return 404, {"errcode": "ORG.BELISHA.NOT_FOUND", "error": "nothing here"}
        if path.endswith("/audience") and self.audience:
            return 200, self.audience
        return 404, {"errcode": "M_UNRECOGNIZED", "error": "unknown"}

    def _position(self, event_id: str) -> tuple[int, Json]:
        for events in self.timelines.values():
            for place, event in enumerate(events):
                if event["event_id"] == event_id:
                    return 200, {"token": f"s{place}"}
        return 404, {"errcode": "ORG.BELISHA.NOT_FOUND", "error": "nothing here"}

    def _page(self, events: list[Json], request: web.Request) -> Json:
        self.pages.append(request.query_string)
        until = int(request.query.get("to", "s-1")[1:])
        start = int(request.query.get("from", f"t{len(events)}")[1:])
        chunk = [events[place] for place in range(start - 1, until, -1)][:3]
        return {"chunk": chunk} | ({"end": f"t{start - len(chunk)}"} if chunk else {})
