"""What Synapse's metrics listener shows of the module, read as Prometheus reads it."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from belisha.policy.rooms import Kind
from belisha.tlp import Label
from synapse_modules.metrics import OUTCOMES, RULES
from tests.support.community import Community, unique
from tests.support.ledger import known_everywhere
from tests.support.patience import until
from tests.support.server import request
from tests.synapse.rights import newcomer
from tests.synapse.samples import text

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def shown(community: Community) -> str:
    """What every process shows."""
    return "".join([await page(url) for url in community.server.metrics_urls.values()])


async def page(url: str) -> str:
    """What one process shows; Synapse answers 500 once where a cache of a new kind comes while it counts."""

    async def answered() -> str:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text() if answer.status == 200 else ""

    return await until(answered)


async def numbers(community: Community) -> Numbers:
    """Every sample of the module's, the sum of all processes."""
    families = text_string_to_metric_families(await shown(community))
    samples = (sample for family in families for sample in family.samples if sample.name.startswith("belisha_"))
    found: Numbers = defaultdict(float)
    for sample in samples:
        found[sample.name, frozenset(sample.labels.items())] += sample.value
    return dict(found)


def grown(before: Numbers, after: Numbers, name: str, **labels: str) -> float:
    key = name, frozenset(labels.items())
    return after.get(key, 0.0) - before.get(key, 0.0)


async def quiet_numbers(community: Community) -> Numbers:
    """The samples as soon as nothing was decided or told for a second: nothing is under way any more."""
    found = [await numbers(community)]

    async def are_quiet() -> bool:
        await asyncio.sleep(1)
        found.append(await numbers(community))
        counted = [{key: one[key] for key in one if key[0].endswith("_total")} for one in found[-2:]]
        return counted[0] == counted[1]

    await until(are_quiet)
    return found[-1]


async def test_sends_and_refusals_are_counted(community: Community) -> None:
    # To whom nothing was told yet: of many refusals in an hour only the first are told.
    new = await newcomer(community)
    assert (await request(community[new], "POST", f"/_matrix/client/v3/join/{community.rooms['open']}", {}))[0] == 200
    await known_everywhere()
    before = await quiet_numbers(community)
    await community.sent(text("TLP:CLEAR x"), "open")
    await community.sent(text("x"), "closed")
    await community.sent(text("x"), "closed")
    await community.refused(text("TLP:RED x"), "open", by=new)
    status, _ = await request(
        community["ana"],
        "PUT",
        f"/_matrix/client/v3/sendToDevice/m.dummy/{unique('m')}",
        {"messages": {community.id("emil"): {"*": {}}}},
    )
    assert status == 403

    async def is_told() -> bool:
        return grown(before, await numbers(community), "belisha_notices_total") > 0

    await until(is_told)
    after = await numbers(community)
    assert grown(before, after, "belisha_labels_total", label="TLP:CLEAR", kind="open") == 1
    assert grown(before, after, "belisha_labels_total", label="TLP:AMBER", kind="closed") == 2
    assert grown(before, after, "belisha_decisions_total", rule="L3", verdict="allow") >= 3
    assert grown(before, after, "belisha_decisions_total", rule="L3", verdict="refuse") == 1
    assert grown(before, after, "belisha_decisions_total", rule="M1", verdict="refuse") == 1
    assert grown(before, after, "belisha_decision_seconds_count") >= 4
    assert grown(before, after, "belisha_notices_total") == 1
    assert after["belisha_degraded_hooks", frozenset()] == 0


async def test_they_name_nobody_and_stay_few(community: Community) -> None:
    await community.sent(text("The word that no metric may hold: xyzzy"), "named")
    lines = [line for line in (await shown(community)).splitlines() if re.match(r"(# \w+ )?belisha_", line)]
    assert lines and not [line for line in lines if re.search(r"[@!$#]\S*:|xyzzy|localhost", line.lstrip("# "))]
    for (name, labels), _ in (await numbers(community)).items():
        for label, value in labels:
            allowed = {
                "rule": {*RULES, "other"},
                "verdict": {"allow", "refuse"},
                "label": {str(one) for one in Label},
                "kind": {one.value for one in Kind},
                "outcome": OUTCOMES,
                "of": {"data", "media"},
            }.get(label)
            assert label == "le" or (allowed is not None and value in allowed), (name, label, value)


async def test_more_members_make_no_more_series(community: Community) -> None:
    """Nor does anything that Synapse itself counts name one of them, their rooms or what they say."""
    before = await numbers(community)
    sent = [await community.sent(text("TLP:AMBER xyzzy"), "closed"), await community.sent(text("xyzzy"), "named")]
    for name in ("opal", "otto", "ozzy"):
        client = await community.server.member(name, "harbour")
        try:
            assert await request(client, "POST", f"/_matrix/client/v3/join/{community.rooms['open']}", {})
            status, body = await request(
                client,
                "PUT",
                f"/_matrix/client/v3/rooms/{community.rooms['open']}/send/m.room.message/{unique('m')}",
                text("TLP:GREEN xyzzy"),
            )
            assert status == 200, body
            sent.append(body["event_id"])
            await community.refused(text("TLP:RED xyzzy"), "open")
        finally:
            await client.close()
    after = await numbers(community)
    assert set(after) == set(before), "each series was there before"
    assert grown(before, after, "belisha_decisions_total", rule="L3", verdict="refuse") == 3
    page = await shown(community)
    ids = [*sent, *community.rooms.values(), *(f"@{name}:" for name in ("ana", "opal", "otto", "ozzy"))]
    assert not [one for one in (*ids, "xyzzy") if one in page]
    assert not re.findall(r"[@!#][^\s\"]+:belisha\.localhost|\$[A-Za-z0-9_-]{43}", page)


async def test_clients_cannot_read_them(community: Community) -> None:
    for path in ("/metrics", "/_synapse/metrics"):
        async with aiohttp.ClientSession() as session, session.get(community.server.url + path) as answer:
            assert "belisha_" not in await answer.text()
            assert answer.status == 404
