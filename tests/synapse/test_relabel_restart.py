"""Killed amid relabel acts and redactions: what was acknowledged holds, and what follows happens exactly once (L4)."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from synapse_modules.ledger import PENDING_HOLDS
from tests.support.community import Community, assert_badges, label_of, unique
from tests.support.ledger import change, query, quiet, relabel, related, rows, settled
from tests.support.patience import until
from tests.support.server import request
from tests.synapse.samples import MXC, edit, reply, text

ACT = "org.belisha.relabel"


async def put(community: Community, kind: str, event_type: str, content: Any, transaction: str) -> int | None:
    """A send by ana with a transaction id; the status, None where the server is gone."""
    path = f"/_matrix/client/v3/rooms/{quote(community.rooms[kind])}/send/{event_type}/{transaction}"
    try:
        return (await request(community["ana"], "PUT", path, content))[0]
    except (aiohttp.ClientError, OSError):
        return None


@pytest.mark.parametrize("seed", range(3))
async def test_killed_amid_acts_each_is_carried_out_once(community: Community, seed: int) -> None:
    """Acts are cut off anywhere between the ledger and the badge, then sent again as clients do."""
    chance = random.Random(seed)  # noqa: S311 - the moment of a kill
    items = [await community.sent(text(f"TLP:GREEN Tide {number}"), "closed") for number in range(6)]
    sticker = await community.sent({"body": "A seal", "url": MXC, "info": {}}, "closed", event_type="m.sticker")
    acts = {item: (relabel(item, "TLP:AMBER"), unique("act")) for item in items}
    acts[sticker] = (relabel(sticker, "TLP:GREEN"), unique("act"))
    sends = [asyncio.create_task(put(community, "closed", ACT, *acts[item])) for item in acts]
    await asyncio.sleep(chance.uniform(0.03, 0.35))
    community.server.kill()
    first = await asyncio.gather(*sends)
    await community.server.start()
    acknowledged = [item for item, status in zip(acts, first, strict=True) if status == 200]
    for item in acknowledged:
        assert (await settled(community, item))["label"] == acts[item][0]["label"]
    for item in acts:
        assert await put(community, "closed", ACT, *acts[item]) == 200
    for item in acts:
        row = await settled(community, item)
        assert row["label"] == acts[item][0]["label"]
        references = await related(community, item, "closed", "m.reference")
        assert len([event for event in references if event["type"] == ACT]) == 1
        if item == sticker:
            assert len([event for event in references if event["type"] == "m.room.message"]) == 1
        else:
            (edited,) = await related(community, item, "closed", "m.replace")
            assert label_of(edited["content"]) == "TLP:AMBER"
            assert_badges(edited["content"])


async def test_what_a_crash_left_over_is_caught_up_at_the_start(community: Community) -> None:
    """Each place where a crash can come, made by hand in the database while the server is down."""
    kept, raised, drawn, begun, strict, gone = [
        await community.sent(text(f"{label} {number}"), "closed")
        for number, label in enumerate(["TLP:GREEN"] * 4 + ["TLP:AMBER", "TLP:GREEN"])
    ]
    for item in (kept, drawn):
        assert await put(community, "closed", ACT, relabel(item, "TLP:AMBER"), unique("act")) == 200
    await community.sent(edit(raised, text("TLP:AMBER raised")), "closed")
    for item in (kept, drawn, raised):
        await settled(community, item)
    assert await put(community, "closed", ACT, relabel(begun, "TLP:AMBER"), unique("act")) == 200
    await settled(community, begun)
    assert await put(community, "closed", ACT, relabel(begun, "TLP:GREEN"), unique("act")) == 200
    await settled(community, begun)
    edited = await community.sent(edit(gone, text("Other")), "closed")
    await community["ana"].room_redact(community.rooms["closed"], gone)

    async def is_there() -> bool:
        return strict in rows(community) and rows(community)[gone]["redacted"] == 1

    await until(is_there)
    await quiet(community)
    before = rows(community)
    (act_of_drawn,) = [e for e in await related(community, drawn, "closed", "m.reference") if e["type"] == ACT]
    count = "SELECT COUNT(*) AS events FROM events"
    events = query(community, count)
    community.server.kill()
    # Stored, and not yet counted: an act, an edit's act, a redaction, an item at AMBER.
    reset = "UPDATE belisha_item SET label = given, acts_until = 0, redacted = 0 WHERE event_id IN (?, ?, ?)"
    change(community, reset, kept, raised, gone)
    change(community, "DELETE FROM belisha_item WHERE event_id = ?", strict)
    change(community, "UPDATE belisha_followed SET position = 0")
    # Counted, and its badge not noted as drawn.
    change(community, "UPDATE belisha_item SET badge_due = ? WHERE event_id = ?", act_of_drawn["event_id"], drawn)
    # Begun, and its act never stored.
    begin = "UPDATE belisha_item SET pending = 'TLP:AMBER', pending_by = ?, pending_since = 1 WHERE event_id = ?"
    change(community, begin, community.id("ana"), begun)
    await community.server.start()

    async def caught_up() -> bool:
        return rows(community) == before

    await until(caught_up)
    assert query(community, count) == events, "nothing was done twice"
    assert not (await community.read(edited, "closed")).get("body")


async def test_an_act_that_was_begun_counts_until_it_is_given_up(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    assert await put(community, "closed", ACT, relabel(item, "TLP:AMBER"), unique("act")) == 200
    await settled(community, item)
    assert await put(community, "closed", ACT, relabel(item, "TLP:GREEN"), unique("act")) == 200
    await settled(community, item)
    begin = (
        "UPDATE belisha_item SET pending = 'TLP:AMBER', pending_by = '@somebody:else', pending_since = ?"
        " WHERE event_id = ?"
    )
    change(community, begin, int(time.time()), item)
    assert label_of(await community.told(text("Well?", **reply(item)), "closed")) == "TLP:AMBER"
    path = f"/_matrix/client/v3/rooms/{quote(community.rooms['closed'])}/send/{ACT}/{unique('act')}"
    status, body = await request(community["ana"], "PUT", path, relabel(item, "TLP:CLEAR"))
    assert (status, body["errcode"]) == (403, "ORG.BELISHA.BEING_CHANGED")
    change(community, begin, int(time.time()) - PENDING_HOLDS - 1, item)
    assert await put(community, "closed", ACT, relabel(item, "TLP:CLEAR"), unique("act")) == 200
    assert (await settled(community, item))["label"] == "TLP:CLEAR"
