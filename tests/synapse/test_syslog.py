"""The audit log on a real collector: every record, in order, with sign-ins and ends of sessions, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from belisha.audit import Record, verify
from belisha.resources import shipped
from belisha.settings import Settings, parse
from tests.support.collector import Collector, Message
from tests.support.community import Community, unique
from tests.support.patience import until
from tests.support.server import PASSWORD, ended, free_ports, request
from tests.support.settled import make_community
from tests.synapse.samples import text
from tests.synapse.test_audit import chained, heads, records
from tests.synapse.test_metrics import page

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
#: What somebody types for a user name by mistake.
TYPED = "quenchwinkle-my-password"


def settings(collector: Collector) -> Settings:
    """The example's, with a collector."""
    written = shipped("config", "belisha.example.yaml").read_text(encoding="utf-8")
    for before, after in (
        ("    server: null\n", "    server: localhost\n"),
        ("    port: 6514\n", f"    port: {collector.port}\n"),
        ("    ca: null\n", f"    ca: {collector.ca}\n"),
    ):
        assert written.count(before) == 1, before
        written = written.replace(before, after)
    return parse(written)


@pytest_asyncio.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Community, Collector]]:
    """A community whose collector is not there yet."""
    collector = Collector(*free_ports(1))
    try:
        community = await make_community(tmp_path_factory.mktemp("syslog") / "data", settings(collector))
        with ended(community.server):
            try:
                yield community, collector
            finally:
                await community.close()
    finally:
        collector.close()


async def health(community: Community) -> list[str]:
    """What `belisha doctor` tells of the collector; where all is well the sender tries again at once."""
    status, body = await community.server.local("GET", "health")
    assert status == 200, body
    found: list[str] = body["checks"]["syslog"]
    return found


async def behind(community: Community) -> dict[str, float]:
    """What the metrics say of it."""
    lines = (await page(community.server.metrics_urls["main"])).splitlines()
    return {
        name: float(value)
        for name, _, value in (line.partition(" ") for line in lines)
        if name.startswith("belisha_syslog")
    }


def came(collector: Collector) -> list[Record]:
    """The records that have come, each once: what came twice is the same in all that it says."""
    return list(dict.fromkeys(message.record for message in collector.messages()))


async def all_came(community: Community, collector: Collector) -> list[Record]:
    """Waits until the collector has every record there is; they are as they stand in the table, in their order."""

    async def are_there() -> bool:
        await chained(community)
        return set(came(collector)) >= set(records(community))

    await until(are_there)
    found = came(collector)
    for writer in {record.writer for record in found}:
        numbers = [record.number for record in found if record.writer == writer]
        assert numbers == list(range(len(numbers)))
    return found


async def login(community: Community, name: str, password: str) -> tuple[int, Json]:
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": password}
    client = community.server.client(name)
    try:
        return await request(client, "POST", f"{V3}/login", body)
    finally:
        await client.close()


def sessions(collector: Collector, **about: str) -> list[Message]:
    """What came of sessions."""
    found = [message for message in collector.messages() if message.kind == "session"]
    return [message for message in found if about.items() <= message.data.items()]


async def test_who_is_no_collector_gets_nothing_and_the_community_goes_on(here: tuple[Community, Collector]) -> None:
    """Away, or with another certificate: it is said what to do, and all waits for the right one."""
    community, collector = here
    assert (await community.put("ana", "open", text("TLP:RED Shoal")))[0] == 403
    assert "cannot be reached (Connection refused). Start it" in (await health(community))[0]
    collector.start("wrong")
    try:
        assert "is not accepted (self-signed certificate), so nothing is sent" in (await health(community))[0]
        await community.sent(text("Tide"), "open")
        await chained(community)

        async def is_behind() -> bool:
            return (await behind(community))["belisha_syslog_behind_rows"] > 0

        await until(is_behind)
        assert collector.messages() == []
    finally:
        collector.kill()
    collector.start()
    assert await health(community) == []
    found = await all_came(community, collector)
    key = (community.server.data / "secrets" / "audit").read_text().strip().encode()
    assert verify(key, found, heads(community)) == []
    assert verify(key, found[1:], heads(community)) != []

    async def is_not_behind() -> bool:
        return set((await behind(community)).values()) == {0.0}

    await until(is_not_behind)


async def test_sessions_come_too_without_passwords_or_names(here: tuple[Community, Collector]) -> None:
    """Begun, ended, and what was not let in: by which way, and who, where that is somebody."""
    community, collector = here
    if not collector.messages():
        collector.start()
        assert await health(community) == []
    status, body = await login(community, "ana", PASSWORD)
    assert status == 200, body
    client = community.server.client("ana")
    client.access_token = body["access_token"]
    assert (await request(client, "POST", f"{V3}/logout", {}))[0] == 200
    bot = {"type": "m.login.application_service", "identifier": {"type": "m.id.user", "user": "belisha_steward"}}
    assert (await request(community["steward"], "POST", f"{V3}/login", bot))[0] == 200
    for name in ("ben", TYPED, "nul\0"):
        assert (await login(community, name, f"wrong {TYPED}"))[0] in (400, 403)
    await community.server.local("PUT", "standing/members/emil", {"standing": "frozen"})
    assert (await login(community, "emil", PASSWORD))[0] == 403
    await all_came(community, collector)
    log = {row["user_id"]: row["pseudonym"] for row in community.server.query("SELECT * FROM belisha_pseudonym")}
    ana, ben, emil = (log[community.id(name)] for name in ("ana", "ben", "emil"))
    assert [one.severity for one in sessions(collector, what="begun", who=ana, method="password")][-1:] == [6]
    assert len(sessions(collector, what="ended", who=ana)) == 1
    assert [one.severity for one in sessions(collector, what="refused", who=ben, method="password")] == [5]
    (unknown,) = sessions(collector, what="refused", account="unknown")
    assert "who" not in unknown.data
    assert len(sessions(collector, what="begun", method="application service")) == 1

    async def is_emil_refused() -> bool:
        return any(one.data.get("who") == emil and one.kind == "refusal" for one in collector.messages())

    await until(is_emil_refused)
    everything = str(collector.messages())
    assert not any(word in everything for word in (TYPED, PASSWORD, body["access_token"], body["device_id"], "@ana:"))


async def test_without_a_collector_no_session_is_written_down(community: Community) -> None:
    assert (await login(community, "ana", PASSWORD))[0] == 200
    assert (await login(community, "ana", unique("wrong")))[0] == 403
    await chained(community)
    assert not [record for record in records(community) if record.said.get("kind") == "session"]
    assert await health(community) == []


@pytest.mark.full
@pytest.mark.nightly
async def test_nothing_is_lost_by_kills(here: tuple[Community, Collector]) -> None:
    """Of the collector, of Synapse, and of both: what comes twice is the same, and every record came, in order."""
    community, collector = here
    collector.kill()
    collector.start()
    for turn in range(3):
        for _ in range(4):
            assert (await login(community, "ben", PASSWORD))[0] == 200
            assert (await community.put("ana", "open", text(f"TLP:RED {unique('shoal')}")))[0] == 403
            await asyncio.sleep(0.7)
        if turn != 1:
            collector.kill()
        if turn != 0:
            community.server.kill()
            await community.server.start()
        if turn != 1:
            collector.start()
        assert await health(community) == []
    await all_came(community, collector)
