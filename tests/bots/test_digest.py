"""Digests by the bots alone: what is kept of messages, when whose digest comes, and what stands in it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bots.blog.tables import post
from bots.digest import choices, facts
from bots.digest.digest import PLAN, Digests
from bots.digest.tables import digest_member, digest_mention, digest_message
from bots.directory import profiles
from bots.directory.tables import directory_member, profile_field
from bots.kernel.bot import Context, Job
from bots.kernel.events import parse, receive
from bots.kernel.listed import Listed
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.polls.tables import poll
from bots.steward import Steward
from tests.bots.support import SERVER, Homeserver, Json, grounded, message, settled
from tests.bots.test_schedule import LONDON, Clock, at
from tests.bots.test_sending import QUICK
from tests.support.patience import until

pytestmark = pytest.mark.more

MIA, BEN, DINA = (f"@{name}:{SERVER}" for name in ("mia", "ben", "dina"))
BUOYS, PILOTS, OWN = f"!buoys:{SERVER}", f"!pilots:{SERVER}", f"!mia:{SERVER}"
#: A Wednesday.
BEGUN = at("2026-06-03 12:00")
MONDAY = at("2026-06-08 07:00")


def steward() -> Steward:
    digests = Digests(LONDON)
    return Steward(parts=[digests], watches=[digests], zone=LONDON, writes=digests)


def said(event_id: str, sender: str = BEN, when: float = BEGUN + 60, room: str = BUOYS, **more: Any) -> Json:
    return message(event_id, "words of the lighthouse", room=room, sender=sender, **more) | {
        "origin_server_ts": int(when * 1000)
    }


def naming(*users: str) -> Json:
    return {"m.mentions": {"user_ids": list(users)}}


def threaded(root: str) -> Json:
    return {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}


def reaction(event_id: str) -> Json:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": "+"}}


def told(name: str = "Ben (Harbour)", label: str = "TLP:GREEN", **more: Any) -> Json:
    return {"label": label, "name": name, "voted": False, **more}


def group(room: str = BUOYS, name: str = "Buoys", since: float = 0, read: Json | None = None) -> Json:
    return {"room_id": room, "name": name, "since": int(since * 1000), "read": read or {}}


@pytest.fixture
async def listed(store: Store) -> Store:
    """Three members are in the directory, since this moment."""
    row = {"name": "x", "organisation": "reef", "organisation_name": "Reef", "category": "charity"}
    for user, room in ((MIA, OWN), (BEN, f"!ben:{SERVER}"), (DINA, f"!dina:{SERVER}")):
        values = {**row, "user_id": user, "standing": "active", "service_room": room}
        await store.write(lambda one, values=values: one.execute(directory_member.insert().values(values)))
    await store.write(lambda one: steward().run(Job(PLAN, BEGUN, {}), Context("@steward", now=BEGUN, connection=one)))
    return store


async def arrived(store: Store, *events: Json) -> None:
    """Events as the steward's handler notes them."""

    def note(connection: sa.Connection) -> None:
        for event in events:
            facts.note(connection, parse(receive(event).json), BEGUN + 70)

    await store.write(note)


async def rows(store: Store, table: sa.Table) -> list[dict[str, Any]]:
    return await store.read(lambda one: [dict(row) for row in one.execute(sa.select(table)).mappings()])


async def come(store: Store, homeserver: Homeserver, clock: Clock, moment: float, *events: Json) -> list[str]:
    """The bots run at a moment, until nothing is due; what was said in Mia's room, the newest digest last."""
    clock.now = moment
    async with grounded(store, homeserver, steward(), now=clock, backoff=QUICK) as arrive:
        await arrive(*events)

        async def nothing_is_due() -> bool:
            due = sa.select(job.c.number).where(job.c.state == "pending", job.c.due <= clock.now)
            async with store.reading() as connection:
                return (await connection.execute(due)).first() is None

        await until(nothing_is_due)
        await settled(store)
    return [str(content["body"]) for room, content in homeserver.sent.values() if room == OWN]


# --- What is kept ------------------------------------------------------------------------------------------------


async def test_no_word_is_kept_and_nothing_of_a_members_own_room(listed: Store) -> None:
    await arrived(listed, said("$1", **naming(MIA)), said("$own", MIA, room=OWN))
    (kept,) = await rows(listed, digest_message)
    assert kept == {
        "event_id": "$1",
        "room_id": BUOYS,
        "sender": BEN,
        "at": int((BEGUN + 60) * 1000),
        "arrived": int((BEGUN + 70) * 1000),
        "thread": None,
        "is_file": False,
    }
    assert await rows(listed, digest_mention) == [{"user_id": MIA, "event_id": "$1"}]


@pytest.mark.parametrize(
    "answer",
    [
        said("$2", MIA, **{"m.relates_to": {"m.in_reply_to": {"event_id": "$1"}}}),
        said("$2", MIA, **threaded("$1")),
        said("$2", MIA) | {"type": "m.reaction", "content": reaction("$1")},
        said("$2", BEN) | {"type": "m.room.redaction", "content": {"redacts": "$1"}},
    ],
)
async def test_a_mention_asks_until_it_is_answered_or_taken_back(listed: Store, answer: Json) -> None:
    await arrived(listed, said("$1", **naming(MIA, DINA, BEN)))
    await arrived(listed, said("$x", MIA), {**answer, "sender": DINA} if answer["sender"] == MIA else said("$y"))
    left = [one["user_id"] for one in await rows(listed, digest_mention)]
    assert MIA in left and BEN not in left, "an answer of another, or a word elsewhere, is none of hers"
    await arrived(listed, answer)
    assert MIA not in [one["user_id"] for one in await rows(listed, digest_mention)]


async def test_what_is_taken_back_or_old_is_forgotten_and_an_edit_is_no_message(listed: Store) -> None:
    edit = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}}
    await arrived(listed, said("$1", **naming(MIA)), said("$2"), said("$3", **edit), said("$1"))
    assert [one["event_id"] for one in await rows(listed, digest_message)] == ["$1", "$2"]
    await arrived(listed, said("$4", BEN) | {"type": "m.room.redaction", "content": {"redacts": "$1"}})
    assert [one["event_id"] for one in await rows(listed, digest_message)] == ["$2"]
    assert await rows(listed, digest_mention) == []
    await listed.write(lambda one: facts.thin(one, BEGUN + 61 + facts.KEPT_S))
    assert await rows(listed, digest_message) == []


async def test_a_message_to_everybody_asks_for_nobody(listed: Store) -> None:
    await arrived(listed, said("$1", **naming(*(f"@{number}:x" for number in range(51)))))
    for number, odd in enumerate(({"user_ids": "all"}, {"room": True}, {"user_ids": [7]}, "me")):
        await arrived(listed, said(f"$odd{number}", **{"m.mentions": odd}))
    assert await rows(listed, digest_mention) == []


# --- When it comes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "hour", "now", "due"),
    [
        ("weekly", "08:00", "2026-06-03 12:00", "2026-06-08 07:00"),
        ("daily", "08:00", "2026-06-03 12:00", "2026-06-04 07:00"),
        ("daily", "23:30", "2026-06-03 12:00", "2026-06-03 22:30"),
        # London's clocks go forward at one in the night of 29 March, and back on 25 October.
        ("daily", "08:00", "2026-03-28 12:00", "2026-03-29 07:00"),
        ("daily", "01:30", "2026-03-28 12:00", "2026-03-29 01:30"),
        ("daily", "08:00", "2026-10-24 12:00", "2026-10-25 08:00"),
        ("daily", "01:30", "2026-10-24 12:00", "2026-10-25 00:30"),
    ],
)
def test_each_members_hour_is_one_on_the_wall(every: str, hour: str, now: str, due: str) -> None:
    found = choices.following(MIA, every, hour, at(now), LONDON)
    assert at(due) <= found < at(due) + choices.SPREAD_S
    assert choices.following(MIA, every, hour, found, LONDON) > found + 80_000, "each day has it once"


def test_those_of_many_are_spread() -> None:
    due = {choices.following(f"@{n}:x", "daily", "08:00", BEGUN, ZoneInfo("UTC")) for n in range(200)}
    assert len(due) == 200 and max(due) - min(due) > choices.SPREAD_S * 0.9


async def test_it_comes_weekly_and_once_with_what_is_new(listed: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-06-03 12:00")
    homeserver.digests[MIA] = {
        "groups": [group(), group(PILOTS, "Pilots", read={"": int((BEGUN + 5000) * 1000)})],
        "waiting": [{"sort": "group", "name": "Pilots", "count": 2}],
        "items": {"$1": told(), "$t1": told("Dina (Coastguard)", "TLP:AMBER"), "$poll": told()},
    }
    assert await come(listed, homeserver, clock, BEGUN) == []
    assert {one["every"] for one in await rows(listed, digest_member)} == {"weekly"}
    await listed.write(
        lambda one: one.execute(poll.insert().values(event_id="$poll", room_id=BUOYS, closes=MONDAY + 90_000))
    )
    events = (
        said("$1", **naming(MIA)),
        said("$root", MIA),
        said("$t1", DINA, BEGUN + 90, **threaded("$root")),
        said("$read", BEN, room=PILOTS, **naming(MIA)),
        said("$gone", BEN, BEGUN + 99, **naming(MIA)),
    )
    assert await come(listed, homeserver, clock, BEGUN + 100, *events) == []
    (body,) = await come(listed, homeserver, clock, MONDAY + choices.SPREAD_S)
    (content,) = [content for room, content in homeserver.sent.values() if room == OWN]
    assert content["org.belisha.tlp"] == {"label": "TLP:AMBER"}, "the strictest label of what it tells"
    lines = [line for line in body.splitlines() if line.startswith("•")]
    assert len(lines) == 4
    assert lines[0].startswith("• Ben (Harbour) named you in Buoys (https://matrix.to/#/")
    assert "/$1?via=" in lines[0] and "2026-06-03 13:01 (Europe/London), and you have not answered." in lines[0]
    assert "A poll in Buoys" in lines[1] and "you have not voted" in lines[1]
    assert lines[2] == "• 2 ask to be let into Pilots; you decide about it. See !queue."
    assert lines[3].startswith("• 1 new in a thread in Buoys") and "in which you wrote" in lines[3]
    assert "lighthouse" not in body and "$gone" not in body and "$read" not in body
    assert await come(listed, homeserver, clock, MONDAY + choices.SPREAD_S + 600) == [body], "once"


async def test_what_is_heard_of_late_is_told_and_what_comes_just_then_with_the_next_one(
    listed: Store, homeserver: Homeserver
) -> None:
    clock, due = Clock("2026-06-03 12:00"), choices.following(MIA, "weekly", "08:00", BEGUN, LONDON)
    items = {f"${one}": told() for one in ("before", "late", "just", "after")}
    homeserver.digests[MIA] = {"groups": [group()], "waiting": [], "items": items}
    assert await come(listed, homeserver, clock, BEGUN + 100, said("$before", **naming(MIA))) == []
    assert await come(listed, homeserver, clock, due - 30, said("$just", when=due - 40, **naming(MIA))) == []
    (first,) = await come(listed, homeserver, clock, due)
    assert "/$before?" in first and "/$just?" not in first, "its transaction may not have ended"
    late = said("$late", when=BEGUN + 90, **naming(MIA))
    assert await come(listed, homeserver, clock, due + 100, late, said("$after", when=due + 90)) == [first]
    (_, second) = await come(listed, homeserver, clock, due + 7 * 86_400)
    assert "/$late?" in second and "/$just?" in second and "/$before?" not in second


async def test_new_posts_of_others_are_told_one_by_one_without_their_titles(
    listed: Store, homeserver: Homeserver
) -> None:
    def written(event_id: str, author: str, hours: float, room: str = BUOYS) -> Json:
        moment = int((BEGUN + hours * 3600) * 1000)
        return {"event_id": event_id, "room_id": room, "author": author, "title": "Lighthouse", "sent_at": moment}

    rows = [
        written("$new", BEN, 2),
        written("$own", MIA, 2),
        written("$seen", BEN, 1),
        written("$elsewhere", BEN, 2, PILOTS),
        written("$gone", BEN, 2),
    ]
    await listed.write(lambda one: one.execute(post.insert(), rows))
    # A post is a message too; it is not told of twice, and five of them are no busy conversation.
    await arrived(listed, *(said(f"$p{n}", (BEN, DINA)[n % 2], BEGUN + 7200) for n in range(4)), said("$new", BEN))
    items = {name: told() for name in ("$new", "$own", "$seen", "$elsewhere", *(f"$p{n}" for n in range(4)))}
    read = {"": int((BEGUN + 3600) * 1000)}
    homeserver.digests[MIA] = {"groups": [group(read=read)], "waiting": [], "items": items}
    clock = Clock("2026-06-03 12:00")
    assert await come(listed, homeserver, clock, BEGUN) == []
    (digest,) = await come(listed, homeserver, clock, MONDAY + choices.SPREAD_S)
    assert digest.count("•") == 1 and "A new post by Ben (Harbour) in Buoys" in digest, digest
    assert "Lighthouse" not in digest and "much is said" not in digest


async def test_new_files_of_others_are_counted_for_each_group_without_their_names(
    listed: Store, homeserver: Homeserver
) -> None:
    def shared(event_id: str, sender: str = BEN, hours: float = 2, **more: Any) -> Json:
        file = {"msgtype": "m.file", "url": "mxc://x/y", "filename": "lighthouse.pdf"}
        return said(event_id, sender, BEGUN + hours * 3600, **file, **more)

    events = (shared("$f1"), shared("$f2", DINA), shared("$own", MIA), shared("$seen", hours=1), said("$m", BEN))
    await arrived(listed, *events, shared("$elsewhere", room=PILOTS), shared("$taken"))
    items = {name: told() for name in ("$f1", "$own", "$seen", "$elsewhere", "$m")} | {"$f2": told("Dina", "TLP:AMBER")}
    read = {"": int((BEGUN + 3600) * 1000)}
    homeserver.digests[MIA] = {"groups": [group(read=read)], "waiting": [], "items": items}
    clock = Clock("2026-06-03 12:00")
    assert await come(listed, homeserver, clock, BEGUN) == []
    (digest,) = await come(listed, homeserver, clock, MONDAY + choices.SPREAD_S)
    assert digest.count("•") == 1 and "New files in Buoys" in digest and ": 2, by Ben (Harbour), Dina." in digest, (
        digest
    )
    assert "lighthouse" not in digest


async def test_where_nothing_is_new_nothing_is_said(listed: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-06-03 12:00")
    homeserver.digests[MIA] = {"groups": [group()], "waiting": [], "items": {"$1": told()}}
    await come(listed, homeserver, clock, BEGUN + 1, said("$1", **naming(MIA)), said("$2", MIA, **threaded("$1")))
    assert await come(listed, homeserver, clock, MONDAY + choices.SPREAD_S) == []
    (row,) = [one for one in await rows(listed, digest_member) if one["user_id"] == MIA]
    assert row["since"] == MONDAY + choices.SPREAD_S - facts.SETTLES_S and row["due"] > row["since"] + 500_000


async def test_who_may_not_act_is_told_nothing_and_of_who_is_gone_nothing_is_kept(
    listed: Store, homeserver: Homeserver
) -> None:
    clock = Clock("2026-06-03 12:00")
    await come(listed, homeserver, clock, BEGUN, said("$1", **naming(MIA, DINA)))
    assert await come(listed, homeserver, clock, MONDAY + choices.SPREAD_S) == [], "the module says nothing of her"
    (row,) = [one for one in await rows(listed, digest_member) if one["user_id"] == MIA]
    assert row["since"] == BEGUN, "what was new stays new until she may"
    await listed.write(lambda one: one.execute(directory_member.delete().where(directory_member.c.user_id == MIA)))
    await come(listed, homeserver, clock, MONDAY + 9000)
    assert MIA not in {one["user_id"] for one in await rows(listed, digest_member)}
    assert await rows(listed, digest_mention) == [{"user_id": DINA, "event_id": "$1"}]


# --- What members choose -----------------------------------------------------------------------------------------


async def ask(store: Store, homeserver: Homeserver, clock: Clock, text: str, number: int) -> str:
    homeserver.policies[OWN] = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER+STRICT"}
    homeserver.askers[MIA] = {"belongs": True, "organisation": "reef", "roles": ["member"], "service_room": OWN}
    command = message(f"$ask{number}", text, room=OWN, sender=MIA)
    return (await come(store, homeserver, clock, clock.now, command))[-1]


async def test_a_member_chooses_how_often_and_when(listed: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-06-03 12:00")
    assert "On Mondays at about 08:00" in await ask(listed, homeserver, clock, "!digest", 1)
    daily = await ask(listed, homeserver, clock, "!digest daily --at 7:30", 2)
    assert "Every day at about 07:30" in daily and "on 2026-06-04 07:" in daily and "!digest off" in daily
    assert "a time of the day" in await ask(listed, homeserver, clock, "!digest --at noon", 3)
    assert "one of daily, weekly, off" in await ask(listed, homeserver, clock, "!digest hourly", 4)
    assert "Every day at about 07:30" in await ask(listed, homeserver, clock, "!digest", 5)
    assert "You get no digest" in await ask(listed, homeserver, clock, "!digest off", 6)
    homeserver.digests[MIA] = {"groups": [group()], "waiting": [], "items": {"$1": told(), "$2": told()}}
    before = await come(listed, homeserver, clock, clock.now + 60, said("$1", **naming(MIA)))
    assert await come(listed, homeserver, clock, MONDAY + 9000) == before, "who wants none gets none"
    await ask(listed, homeserver, clock, "!digest daily", 7)
    new = said("$2", DINA, clock.now + 60, **naming(MIA))
    await come(listed, homeserver, clock, clock.now + 120, new)
    body = (await come(listed, homeserver, clock, clock.now + 86_400))[-1]
    assert "named you" in body and "$2" in body and "$1" not in body, "what went by meanwhile was not wanted"


async def test_it_waits_for_the_end_of_quiet_hours(listed: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-06-03 12:00")
    homeserver.digests[MIA] = {"groups": [group()], "waiting": [], "items": {"$1": told()}}
    await ask(listed, homeserver, clock, "!digest daily --at 02:00", 1)
    await ask(listed, homeserver, clock, "!quiet 22:00-07:00", 2)
    before = await come(listed, homeserver, clock, clock.now + 60, said("$1", **naming(MIA)))
    night = at("2026-06-04 01:31")
    assert await come(listed, homeserver, clock, night) == before
    assert len(await come(listed, homeserver, clock, at("2026-06-04 06:01"))) == len(before) + 1


async def test_who_matches_a_challenge_is_told_once(listed: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-06-03 12:00")
    who = {"name": "x", "organisation": "reef", "organisation_name": "Reef", "category": "charity"}
    homeserver.sights[MIA] = {"asker": {"user_id": MIA, **who}, "shares": [], "absent": [], "about": []}
    homeserver.digests[MIA] = {"groups": [], "waiting": [], "items": {}}

    def write(connection: sa.Connection) -> None:
        ben = Listed(BEN, "Ben <img src=x>", "harbour", "Harbour", "government")
        profiles.change(connection, ben, BEGUN, {"expertise": ("image hashing",)})
        values = {"user_id": MIA, "field": "challenges", "value": '["image hashing"]'}
        connection.execute(profile_field.insert().values(values))

    await listed.write(write)
    await come(listed, homeserver, clock, BEGUN)
    (body,) = await come(listed, homeserver, clock, MONDAY + choices.SPREAD_S)
    assert f"{BEN}, knows about what you named as a challenge: “image hashing”." in body
    assert not [one for _, one in homeserver.sent.values() if "<img" in str(one.get("formatted_body"))]
    assert await come(listed, homeserver, clock, MONDAY + choices.SPREAD_S + 7 * 86_400) == [body]
