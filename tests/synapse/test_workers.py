"""Several processes are one community: what holds in one holds in all, with Redis gone and with each of them killed.

The rest of the suite runs on the same processes by `pytest --topology workers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import nio
import pytest
import pytest_asyncio

from belisha.policy.types import CONTENT
from belisha.tlp import Label
from tests.support.community import FAST, Community, assert_refused, label_of, started, unique, wish
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.sampling import sampled
from tests.support.workers import PROCESSES, Workers
from tests.synapse.samples import text

Json = dict[str, Any]
Answer = tuple[int, Json]

pytestmark = pytest.mark.full

V3: Final = "/_matrix/client/v3"
#: The processes that answer clients; the media worker answers for files only.
FOR_CLIENTS: Final = ("main", "client", "persister")
#: How long after a right ended nothing is answered any more, in seconds; each process looks twice as often (M1).
AT_ONCE: Final = 1.0
#: While Redis is gone, Synapse waits up to five seconds for news that does not come, at each step of a request.
SLOW: Final = 180.0


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    server = Workers(tmp_path_factory.mktemp("workers") / "data", overrides=FAST)
    async with started(server) as here:
        yield here


def processes_of(community: Community) -> Workers:
    assert isinstance(community.server, Workers)
    return community.server


async def ask(community: Community, process: str, by: str, method: str, path: str, body: Any = None) -> Answer:
    """One request to one process; status 0 where it did not answer."""
    url = processes_of(community).urls[process] + path
    headers = {"Authorization": f"Bearer {community[by].access_token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(SLOW)) as session,
            session.request(method, url, headers=headers, json=body) as answer,
        ):
            return answer.status, await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError):
        return 0, {}


async def send(community: Community, process: str, by: str, room: str, content: Json, **more: str) -> Answer:
    event_type = more.get("event_type", "m.room.message")
    transaction = more.get("transaction") or unique("w")
    path = f"{V3}/rooms/{quote(room)}/send/{event_type}/{transaction}"
    return await ask(community, process, by, "PUT", path, content)


async def a_group(community: Community, *others: str, kind: str = "closed") -> str:
    body = {"initial_state": [wish(kind)], "invite": [community.id(name) for name in others]}
    status, answer = await community.create("ana", body)
    assert status == 200, answer
    for name in others:
        assert isinstance(await community[name].join(answer["room_id"]), nio.JoinResponse)
    return str(answer["room_id"])


async def newcomer(community: Community) -> str:
    name = unique("nora")
    community.people[name] = await community.server.member(name, "harbour")
    return name


async def timeline(community: Community, process: str, room: str, by: str = "ana") -> list[Json]:
    """The whole timeline of a room, as a process gives it."""
    found: list[Json] = []
    start = ""
    while True:
        path = f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=100{start and f'&from={start}'}"
        status, body = await ask(community, process, by, "GET", path)
        assert status == 200, body
        found += body["chunk"]
        if "end" not in body:
            return found
        start = body["end"]


async def assert_agreed(community: Community, room: str, accepted: dict[str, str]) -> None:
    """Every process shows the same room, and in it each accepted event once."""

    async def shown(process: str) -> tuple[Any, ...]:
        events = [
            (event["event_id"], json.dumps(event["content"])) for event in await timeline(community, process, room)
        ]
        path = f"{V3}/rooms/{quote(room)}"
        _, policy = await ask(community, process, "ana", "GET", f"{path}/state/org.belisha.room/")
        _, joined = await ask(community, process, "ana", "GET", f"{path}/joined_members")
        return events, policy, sorted(joined["joined"])

    async def agree() -> bool:
        first, *others = [await shown(process) for process in FOR_CLIENTS]
        return all(each == first for each in others)

    await until(agree)
    ids = [event["event_id"] for event in await timeline(community, "client", room)]
    assert len(set(ids)) == len(ids)
    for event_id, what in accepted.items():
        assert ids.count(event_id) == 1, what


def assert_all_labelled(community: Community) -> None:
    """No content event in the database is without a label, or above what its room carries."""
    ceilings = {}
    for row in community.server.query(
        "SELECT e.room_id, json FROM current_state_events AS e JOIN event_json USING (event_id)"
        " WHERE type = 'org.belisha.room'"
    ):
        ceilings[row["room_id"]] = Label.parse(json.loads(row["json"])["content"]["ceiling"])
    marks = ", ".join("?" for _ in CONTENT)
    events = community.server.query(
        f"SELECT events.room_id, json FROM events JOIN event_json USING (event_id) WHERE type IN ({marks})"  # noqa: S608 - question marks only
        " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts = events.event_id)",
        *CONTENT,
    )
    assert len(events) > 10
    for event in events:
        label, ceiling = Label.parse(label_of(json.loads(event["json"])["content"])), ceilings[event["room_id"]]
        assert label is not None and ceiling is not None and label <= ceiling, event


async def asked(community: Community, process: str, name: str) -> int:
    """The status of something harmless that a member asks of a process."""
    path = "/_matrix/client/v1/media/config" if process == "media" else f"{V3}/joined_rooms"
    return (await ask(community, process, name, "GET", path))[0]


@contextlib.asynccontextmanager
async def frozen_a_second_ago(community: Community, name: str) -> AsyncIterator[None]:
    """Whatever the member asks within is to be refused, however long the answer takes."""

    async def is_written_down() -> bool:
        standing = "SELECT 1 FROM belisha_member WHERE localpart = ? AND standing = 'frozen'"
        return bool(community.server.query(standing, name))

    freezing = asyncio.create_task(community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"}))
    await until(is_written_down, SLOW)
    await asyncio.sleep(AT_ONCE)
    yield
    # It is answered later: sessions and memberships end meanwhile.
    assert (await freezing)[0] == 200


# --- With everything there ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", sampled(PROCESSES, ("client", "media")))
async def test_every_process_refuses(community: Community, process: str) -> None:
    """The admin API is closed, the local API is in the main process alone, and who is frozen is refused."""
    status, body = await ask(community, process, "cora", "GET", "/_synapse/admin/v2/users")
    assert_refused(status, body, "ADMIN_CLOSED", rule="M2")
    status, body = await ask(community, process, "cora", "GET", "/_synapse/org.belisha/local/v1/status")
    assert status == (403 if process == "main" else 404), body
    name = await newcomer(community)
    assert await asked(community, process, name) == 200
    async with frozen_a_second_ago(community, name):
        assert await asked(community, process, name) in (401, 403)


async def test_no_process_is_degraded(community: Community) -> None:
    logs = sorted((community.server.data / "logs").glob("synapse*.log"))
    assert len(logs) == len(PROCESSES)
    for log in logs:
        assert "DEGRADED" not in log.read_text()


# --- Without Redis -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def without_redis(community: Community, way: str) -> Iterator[None]:
    server = processes_of(community)
    if way == "killed":
        server.kill_redis()
    else:
        server.freeze_redis()
    try:
        yield
    finally:
        if way == "killed":
            server.start_redis()
        else:
            server.thaw_redis()


async def assert_forbidden(community: Community, closed: str, frozen: str) -> None:
    """What the rules forbid, tried on every process at once."""
    tries = {
        (process, what): send(community, process, by, where, content)
        for process in FOR_CLIENTS
        for what, by, where, content in (
            ("above the ceiling", "ana", community.rooms["open"], text("TLP:AMBER no")),
            ("by a stranger", "emil", closed, text("no")),
            ("by who is frozen", frozen, community.rooms["open"], text("no")),
        )
    }
    tries["client", "joined"] = ask(community, "client", "emil", "POST", f"{V3}/join/{quote(closed)}", {})
    answers = dict(zip(tries, await asyncio.gather(*tries.values()), strict=True))
    assert {status for status, _ in answers.values()} <= {401, 403}, answers


async def sent_on_several(community: Community, room: str) -> dict[str, str]:
    """What was accepted of messages that two members send by two processes at once."""
    acts = {
        f"{process} {by} {number}": send(community, process, by, room, text(f"TLP:AMBER {process} {by} {number}"))
        for process in ("main", "client")
        for by in ("ana", "ben")
        for number in range(2)
    }
    answers = dict(zip(acts, await asyncio.gather(*acts.values()), strict=True))
    assert {status for status, _ in answers.values()} <= {0, 200}, answers
    return {body["event_id"]: name for name, (status, body) in answers.items() if status == 200}


async def notified(community: Community, name: str) -> list[str]:
    """The ids of what the client worker says that a member was notified of."""
    status, body = await ask(community, "client", name, "GET", f"{V3}/notifications?limit=100")
    assert status == 200, body
    return [each["event"]["event_id"] for each in body["notifications"]]


@pytest.mark.parametrize("way", ["killed", pytest.param("frozen", marks=pytest.mark.nightly)])
async def test_without_redis_the_rules_hold_and_nothing_is_lost(community: Community, way: str) -> None:
    room, opened = await a_group(community, "ben", "dina"), await a_group(community, "ben")
    leaver, frozen = await newcomer(community), await newcomer(community)
    for name in (leaver, frozen):
        assert isinstance(await community[name].join(community.rooms["open"]), nio.JoinResponse)
    status, body = await send(community, "client", "ana", room, text("TLP:GREEN before"))
    assert status == 200
    item, open_room = body["event_id"], quote(community.rooms["open"])
    _, last = await send(community, "client", "ana", community.rooms["open"], text("the last that the leaver reads"))
    one_event = f"{V3}/rooms/{open_room}/event/{quote(last['event_id'])}"
    assert (await ask(community, "client", leaver, "GET", one_event))[0] == 200
    assert last["event_id"] in await notified(community, leaver)

    with without_redis(community, way):
        async with frozen_a_second_ago(community, frozen):
            for process in PROCESSES:
                assert await asked(community, process, frozen) in (401, 403), process
        accepted, relabelled, joined, left, widened, _ = await asyncio.gather(
            sent_on_several(community, room),
            send(community, "client", "ana", room, relabel(item, "TLP:AMBER"), event_type="org.belisha.relabel"),
            ask(community, "client", "emil", "POST", f"{V3}/join/{open_room}", {}),
            ask(community, "main", leaver, "POST", f"{V3}/rooms/{open_room}/leave", {}),
            asyncio.wait_for(community.server.local("PUT", f"rooms/{quote(opened)}/policy", {"kind": "open"}), SLOW),
            assert_forbidden(community, room, frozen),
        )
        assert {relabelled[0], joined[0], left[0]} <= {0, 200}, (relabelled, joined, left)
        assert widened[0] == 200, widened
        assert accepted, "members go on without Redis"
        # Who has left reads no more by an id they know, and what a new ceiling forbids is refused in each process.
        if left[0] == 200:
            assert (await ask(community, "client", leaver, "GET", one_event))[0] in (403, 404)
            assert last["event_id"] not in await notified(community, leaver)
        for process in FOR_CLIENTS:
            assert_refused(*await send(community, process, "ben", opened, text("TLP:AMBER no")), "ABOVE_CEILING")

    async def is_amber() -> bool:
        [row] = community.server.query("SELECT label, pending FROM belisha_item WHERE event_id = ?", item)
        return row == {"label": "TLP:AMBER", "pending": None}

    await until(is_amber, SLOW)
    await assert_agreed(community, room, accepted | {item: "before"})
    await assert_agreed(community, opened, {})
    assert_all_labelled(community)
    for process in FOR_CLIENTS:
        assert (await send(community, process, "ana", room, text("after")))[0] == 200


# --- With each process killed ------------------------------------------------------------------------------------


class Stream:
    """Members who write and relabel without end, and what became of it."""

    def __init__(self, community: Community, room: str, item: str) -> None:
        self._community = community
        self._room = room
        self.accepted = {item: "the item"}
        self._unsure: dict[str, tuple[str, str, Json]] = {}
        self._running = [asyncio.create_task(self._write(*by)) for by in (("client", "ana"), ("main", "ben"))]
        self._running.append(asyncio.create_task(self._relabel(item)))

    async def _write(self, process: str, by: str) -> None:
        for number in range(10_000):
            transaction, content = unique("k"), text(f"TLP:AMBER {process} {number}")
            self._unsure[transaction] = process, by, content
            await self._once(transaction)

    async def _once(self, transaction: str) -> None:
        process, by, content = self._unsure[transaction]
        status, body = await send(self._community, process, by, self._room, content, transaction=transaction)
        assert status != 403, body
        if status == 200:
            self.accepted[body["event_id"]] = content["body"]
            del self._unsure[transaction]
        else:
            await asyncio.sleep(0.1)

    async def _relabel(self, item: str) -> None:
        for number in range(10_000):
            act = relabel(item, ("TLP:AMBER", "TLP:GREEN")[number % 2])
            await send(self._community, "client", "ana", self._room, act, event_type="org.belisha.relabel")

    async def reach(self, count: int) -> None:
        """Waits until so many messages were accepted."""

        async def are_there() -> bool:
            return len(self.accepted) >= count

        await until(are_there, SLOW)

    async def end(self) -> None:
        """Stops; what was cut off is sent again with its transaction id, as clients do."""
        for task in self._running:
            task.cancel()
        for one in await asyncio.gather(*self._running, return_exceptions=True):
            assert isinstance(one, asyncio.CancelledError), one
        for transaction in list(self._unsure):
            await self._once(transaction)
        assert not self._unsure


@pytest.mark.parametrize("process", sampled(PROCESSES, ("main", "persister")))
async def test_each_process_killed_amid_sends_and_acts(community: Community, process: str) -> None:
    server, room = processes_of(community), await a_group(community, "ben", "dina")
    status, body = await send(community, "client", "ana", room, text("TLP:GREEN item"))
    assert status == 200
    item = body["event_id"]
    stream = Stream(community, room, item)
    await stream.reach(8)
    server.end_process(process)
    await asyncio.sleep(0.5)  # so that the others notice
    server.start_process(process)
    await server.ready()
    await stream.reach(len(stream.accepted) + 4)
    await stream.end()
    await assert_agreed(community, room, stream.accepted)
    events = await timeline(community, "client", room)
    sent = [event["content"]["body"] for event in events if event["type"] == "m.room.message"]
    for body_ in stream.accepted.values():
        assert sum(each.endswith(body_) for each in sent) == 1 or body_ == "the item", "nothing is there twice"
    assert_all_labelled(community)

    async def is_settled() -> bool:
        rows = community.server.query("SELECT pending, badge_due FROM belisha_item WHERE event_id = ?", item)
        return all(row == {"pending": None, "badge_due": None} for row in rows)

    await until(is_settled, SLOW)
