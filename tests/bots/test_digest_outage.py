"""Digests that wait for Synapse: what they tell is decided when they are sent, and it is told once."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from bots.digest import choices
from bots.digest.by_mail import LIFE_S
from bots.digest.digest import CHOOSE, TELL
from bots.digest.facts import SETTLES_S
from bots.digest.tables import digest_member
from bots.kernel import quiet
from bots.kernel.effects import EFFECT, MAILED
from bots.kernel.store import Store
from bots.kernel.tables import job, outbox
from tests.bots.mailing import Mailing
from tests.bots.support import STEWARD, Homeserver, Json
from tests.bots.test_digest import BEGUN, DINA, MIA, MONDAY, OWN, group, listed, naming, said, told

__all__ = ["listed"]
WEEK = MONDAY + choices.SPREAD_S
#: Until when that digest tells.
UNTIL = WEEK - SETTLES_S
PENDING = outbox.c.state == "pending"


@pytest.fixture
async def here(listed: Store, homeserver: Homeserver) -> Mailing:
    """Mia was named by two, and is due on Monday, when Synapse takes nothing."""
    here = Mailing(listed, homeserver, None)
    readable(here, {"$1": told(), "$2": told("Dina (Coastguard)")})
    await here.run(said("$1", **naming(MIA)), said("$2", DINA, **naming(MIA)), seconds=60)
    homeserver.errors = [(502, {})] * 99
    here.clock.now = WEEK
    assert await here.run() == []
    return here


def readable(here: Mailing, items: Json) -> None:
    here.homeserver.digests[MIA] = {"groups": [group()], "waiting": [], "items": items, "domains": []}


async def back(here: Mailing, seconds: float = 600.0) -> list[str]:
    """Synapse is back; what was said then."""
    here.homeserver.errors = []
    return await here.run(seconds=seconds)


async def since(here: Mailing) -> float:
    query = sa.select(digest_member.c.since).where(digest_member.c.user_id == MIA)
    return float(await here.store.read(lambda one: one.execute(query).scalar_one()))


async def kept(here: Mailing) -> str:
    """All that waits, as it stands in the tables."""
    texts = sa.union_all(sa.select(outbox.c.body), sa.select(job.c.arguments))
    return await here.store.read(lambda one: "\n".join(map(str, one.scalars(texts))))


async def due(here: Mailing, name: str, arguments: Json, seconds: float = 0.0) -> None:
    """A job of the steward's, so many seconds from now."""
    row = {"bot": "steward", "name": name, "due": here.clock.now + seconds, "arguments": json.dumps(arguments)}
    await here.store.write(lambda one: one.execute(job.insert().values(row)))


def following(until: float) -> Json:
    """What the choice of another digest is told, made before the last one was noted."""
    return {"user": MIA, "room": OWN, "since": BEGUN, "until": until, "following": WEEK + 604_800}


async def test_what_was_taken_back_meanwhile_is_not_told(here: Mailing) -> None:
    waiting = await kept(here)
    assert "$1" in waiting
    assert [word for word in ("Ben", "Dina", "Buoys", "TLP:") if word in waiting] == [], "ids alone"
    assert await since(here) == BEGUN, "nobody was told yet"
    readable(here, {"$2": told("Dina (Coastguard)", "TLP:AMBER")})
    (digest,) = await back(here)
    assert "Dina (Coastguard) named you" in digest and "Ben" not in digest and "$1" not in digest
    (content,) = [content for room, content in here.homeserver.sent.values() if room == OWN]
    assert content["org.belisha.tlp"] == {"label": "TLP:AMBER"}, "its label now"
    assert await since(here) == UNTIL
    assert await here.run(seconds=7 * 86_400) == [digest], "once"


async def _all_gone(here: Mailing) -> None:
    readable(here, {})


async def _off(here: Mailing) -> None:
    change = digest_member.update().where(digest_member.c.user_id == MIA).values(every="off")
    await here.store.write(lambda one: one.execute(change))


async def _frozen(here: Mailing) -> None:
    del here.homeserver.digests[MIA]


@pytest.mark.parametrize("change", [_all_gone, _off, _frozen])
async def test_where_nothing_may_be_told_any_more_nothing_is_said(here: Mailing, change: Any) -> None:
    await change(here)
    assert await back(here) == []
    assert "$1" not in await kept(here)


async def test_one_that_is_too_old_is_chosen_anew(here: Mailing) -> None:
    readable(here, {"$1": None, "$2": told("Dina (Coastguard)"), "$3": told("Dina (Coastguard)")})
    await here.run(said("$3", DINA, WEEK + 60, **naming(MIA)), seconds=100)
    (digest,) = await back(here, LIFE_S)
    assert "/$2?" in digest and "/$3?" in digest and "$1" not in digest, "with what came since"
    assert await here.run(seconds=7 * 86_400) == [digest]


async def test_the_next_one_waits_for_it_and_tells_nothing_twice(here: Mailing) -> None:
    here.clock.now += 60
    await due(here, f"{CHOOSE}{MIA}", following(WEEK + 60))
    await here.run()
    (digest,) = await back(here)
    assert "/$1?" in digest and "/$2?" in digest
    assert await here.run(seconds=600) == [digest]


async def test_the_next_one_waits_until_it_is_noted_that_the_last_one_was_sent(here: Mailing) -> None:
    letter = await here.store.read(lambda one: one.execute(sa.select(outbox).where(PENDING)).mappings().one())
    ended = {"then": json.loads(letter["body"])["tried"], "ended": "sent"}
    await here.store.write(lambda one: one.execute(outbox.update().where(PENDING).values(state="sent", body=None)))
    await due(here, f"{MAILED}{letter['effect_id']}", ended, 100)
    await due(here, f"{CHOOSE}{MIA}", following(WEEK + 60))
    assert await back(here, 0) == [] and await since(here) == BEGUN
    assert await here.run(seconds=100) == [] and await since(here) == UNTIL
    assert await here.run(seconds=600) == [] and await since(here) == WEEK + 60, "chosen, and nothing was left to tell"


async def test_what_stands_in_the_room_already_is_told_whatever_has_changed(here: Mailing) -> None:
    letter = await here.store.read(lambda one: one.execute(sa.select(outbox).where(PENDING)).mappings().one())
    stands = {"sender": STEWARD, "event_id": "$digest", "content": {EFFECT: letter["effect_id"]}}
    here.homeserver.timelines[OWN] = [stands | {"type": "m.room.message", "origin_server_ts": int(WEEK * 1000)}]
    await here.store.write(lambda one: quiet.set_hours(one, OWN, ("08:00", "11:00")))
    assert await back(here) == [] and await since(here) == UNTIL, "Synapse took it, and the bots were killed"
    assert await here.run(seconds=3 * 3600) == [], "nor at the end of the quiet hours"


async def test_quiet_hours_that_have_begun_meanwhile_are_kept(here: Mailing) -> None:
    await here.store.write(lambda one: quiet.set_hours(one, OWN, ("08:00", "11:00")))
    assert await back(here) == []
    assert len(await here.run(seconds=3 * 3600)) == 1


async def test_a_job_of_an_earlier_version_is_chosen_anew(listed: Store, homeserver: Homeserver) -> None:
    here = Mailing(listed, homeserver, None)
    readable(here, {"$1": told()})
    await here.run(said("$1", **naming(MIA)), seconds=60)
    here.clock.now = BEGUN + 90
    await due(here, f"{TELL}{MIA}", {**following(BEGUN + 90), "entries": []})
    (digest,) = await here.run()
    assert "/$1?" in digest
