"""Daily active members are those whom Synapse itself counts (`user_daily_visits`), where nobody only idles.

Each member does one thing in a group, another one each: so a kind of activity that was not counted would be missed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.metrics.actions import ACTIONS
from belisha.metrics.facts import Pseudonyms
from belisha.metrics.rollups import Rollups
from belisha.polls.wire import RESPONSE
from bots.directory.tables import directory_member
from bots.kernel.bot import Context, Job, Policy
from bots.kernel.done import Doing, Done
from bots.kernel.events import parse, receive
from bots.kernel.store import Store
from bots.metrics.book import fact_from
from bots.metrics.metrics import PAGE, Metrics
from bots.metrics.tables import fact, member
from tests.support.community import Community
from tests.support.files import fetch, message, upload
from tests.support.patience import same_day, until
from tests.support.server import request
from tests.support.settled import own_community
from tests.synapse.samples import text
from tests.synapse.test_doings import V3, told
from tests.synapse.test_room_freezing import group
from tests.synapse.visiting import NOW

STEWARD = "@belisha_steward:x"


async def counted(store: Store, here: Community, rooms: list[str], since: int) -> dict[str, set[str]]:
    """Which actions of whom the metrics count, since a moment: by the bots' own code, of what they would be given."""
    names = {here.id(name): name for name in here.people}
    metrics = Metrics(Pseudonyms(b"k" * 32), ZoneInfo("UTC"))
    doings, _ = await told(here)
    events: list[Any] = []
    for room in rooms:
        path = f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=500"
        status, body = await request(here["steward"], "GET", path)
        assert status == 200, body
        events += [one | {"room_id": room} for one in body["chunk"]]

    def work(connection: sa.Connection) -> dict[str, set[str]]:
        for table in (fact, member, directory_member):
            connection.execute(table.delete())
        row = {"name": "x", "organisation": "x", "organisation_name": "x", "category": "charity", "standing": "active"}
        connection.execute(directory_member.insert(), [{**row, "user_id": user, "service_room": ""} for user in names])
        context = Context(STEWARD, policy=Policy("open"), now=time.time(), connection=connection)
        for one in events:
            event = parse(receive(one).json)
            if metrics.watches(event):
                metrics.note(event, context)
        known = Done(tuple(Doing(**one) for one in doings), "", False)
        metrics.run(
            Job(PAGE, 0.0, {"after": ""}), Context(STEWARD, now=time.time(), connection=connection, doings=known)
        )
        numbers = {row.number: row.pseudonym for row in connection.execute(sa.select(member))}
        people = {metrics.book._pseudonyms.member(user): name for user, name in names.items()}
        found: dict[str, set[str]] = {}
        for one in map(fact_from, connection.execute(sa.select(fact).where(fact.c.at >= since - since % 60_000))):
            if ACTIONS[one.action].active:
                found.setdefault(people[numbers[one.member]], set()).add(one.action)
        rollups = Rollups()
        rollups.add(map(fact_from, connection.execute(sa.select(fact))))
        today = datetime.now(UTC).date()
        assert {people[numbers[one]] for one in rollups.on("active", today)} >= set(found)
        return found

    return await store.write(work)


def named(here: Community, table: str) -> set[str]:
    """Which members stand in a table of Synapse."""
    names = {here.id(name): name for name in here.people if name != "steward"}
    rows = here.server.query(f"SELECT DISTINCT user_id FROM {table}")  # noqa: S608 - a constant of this file
    return {names[row["user_id"]] for row in rows if row["user_id"] in names}


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    store = Store(f"sqlite:///{tmp_path}/metrics.db")
    await store.open()
    yield store
    await store.close()


@pytest.mark.full
async def test_daily_active_members_are_those_whom_synapse_counts(tmp_path: Path, store: Store) -> None:
    await same_day(240)
    async with own_community(tmp_path / "data", "tests.synapse.visiting.Visiting") as here:
        people = sorted(name for name in here.people if name not in ("steward", "ana"))
        room = await group(here, "open", *people[1:])
        since = int(time.time() * 1000)
        first = await here["ana"].room_send(room, "m.room.message", text("A tide"))
        file = await upload(here, "ana", b"tides")
        await here["ana"].room_send(here.rooms["closed"], "m.room.message", message(here, file))

        async def send(name: str, content: dict[str, Any], kind: str = "m.room.message") -> None:
            await here[name].room_send(room, kind, content)

        about = {"rel_type": "m.annotation", "event_id": first.event_id, "key": "+"}
        vote = {"m.relates_to": {"rel_type": "m.reference", "event_id": first.event_id}}
        acts: dict[str, Callable[[str], Awaitable[Any]]] = {
            "joined": lambda name: request(here[name], "POST", f"{V3}/join/{quote(room)}", {}),
            "read": lambda name: request(
                here[name], "POST", f"{V3}/rooms/{quote(room)}/receipt/m.read/{quote(first.event_id)}", {}
            ),
            "answered": lambda name: send(
                name, text("Yes") | {"m.relates_to": {"m.in_reply_to": {"event_id": first.event_id}}}
            ),
            "reacted": lambda name: send(name, {"m.relates_to": about}, "m.reaction"),
            "voted": lambda name: send(name, vote | {RESPONSE[0]: {"answers": ["a"]}}, RESPONSE[0]),
            "downloaded": lambda name: fetch(here, name, file),
        }
        reads_files = "dina"
        assert here.readers["closed"] == reads_files
        rest = [action for action in acts if action not in ("joined", "downloaded")]
        others = [name for name in people[1:] if name != reads_files]
        assert len(others) == len(rest), "each does one thing"
        order = {people[0]: "joined", reads_files: "downloaded", **dict(zip(others, rest, strict=True))}
        for name, action in order.items():
            await acts[action](name)
        did = {"ana": {"posted"}, **{name: {action} for name, action in order.items()}}
        rooms = [room, here.rooms["closed"]]

        async def as_it_was_done() -> bool:
            found = await counted(store, here, rooms, since)
            # Everybody signed in, and all but one came into the group before it began, or within the same minute.
            own = {name: actions - ({"joined", "signed_in"} - did.get(name, set())) for name, actions in found.items()}
            return own == did

        async def are_seen() -> bool:
            return set(did) <= named(here, "user_ips")

        await until(as_it_was_done)
        await until(are_seen)
        (here.server.data / NOW).touch()

        async def are_written() -> bool:
            return bool(named(here, "user_daily_visits"))

        await until(are_written)
        assert named(here, "user_daily_visits") == set(await counted(store, here, rooms, since))
