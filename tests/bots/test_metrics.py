"""The metrics by the bots alone: what is counted of events and of what the module tells, once each, and what goes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.metrics.days import Period
from belisha.metrics.facts import Pseudonyms, fact_of
from belisha.metrics.journeys import JOURNEY, PATH
from belisha.metrics.rollups import GROUP, Rollups
from belisha.policy.people import Person
from belisha.polls.wire import RESPONSE
from bots.digest.digest import Digests
from bots.directory import profiles
from bots.directory.tables import directory_member
from bots.kernel.answers import plain
from bots.kernel.bot import Asker, Context, Job, Policy
from bots.kernel.calls import Call
from bots.kernel.config import load
from bots.kernel.done import Doing, Done
from bots.kernel.effects import Effect, Schedule
from bots.kernel.events import parse, receive
from bots.kernel.listed import Listed
from bots.kernel.store import Store
from bots.metrics import cli, rolling, words
from bots.metrics.book import KEPT_DAYS
from bots.metrics.book import Doing as Counted
from bots.metrics.metrics import ASK, FORGET, NIGHTLY, PAGE, Metrics, metrics_of
from bots.metrics.seen import Seen
from bots.metrics.tables import day, fact, member, opted_out, progress
from bots.steward import Steward
from tests.bots.support import SERVER, STEWARD, Json, message, write_config
from tests.bots.support import member as membership
from tests.bots.test_schedule import LONDON, at

MIA, BEN, DINA = (f"@{name}:{SERVER}" for name in ("mia", "ben", "dina"))
BUOYS, OWN = f"!buoys:{SERVER}", f"!mia:{SERVER}"
NOON = at("2026-06-03 12:00")
DAY = 86_400.0
GREEN = {"org.belisha.tlp": {"label": "TLP:GREEN"}}
OPEN = Policy("open")


def metrics() -> Metrics:
    return Metrics(Pseudonyms(b"k" * 32), LONDON)


@pytest.fixture
async def listed(store: Store) -> Store:
    """Mia and Dina are of the reef, Ben of the harbour."""
    row = {"name": "x", "organisation_name": "x", "category": "charity", "standing": "active"}
    for user, organisation in ((MIA, "reef"), (DINA, "reef"), (BEN, "harbour")):
        values = {**row, "user_id": user, "organisation": organisation, "service_room": f"!{user[1:]}"}
        await store.write(lambda one, values=values: one.execute(directory_member.insert().values(values)))
    return store


def said(event_id: str, sender: str = MIA, when: float = NOON, room: str = BUOYS, **more: Any) -> Json:
    return message(event_id, "words of the lighthouse", room=room, sender=sender, **{**GREEN, **more}) | {
        "origin_server_ts": int(when * 1000)
    }


def about(event_id: str, how: str = "m.annotation") -> Json:
    return {"m.relates_to": {"rel_type": how, "event_id": event_id}, **GREEN}


def of_type(kind: str, event_id: str, sender: str, content: Json) -> Json:
    return said(event_id, sender) | {"type": kind, "content": content}


async def heard(store: Store, *events: Json, policy: Policy = OPEN, now: float = NOON) -> None:
    """Events go through the steward, as the kernel hands them over."""
    counts, digests = metrics(), Digests(LONDON)
    steward = Steward(parts=[digests, counts], watches=[digests, counts], zone=LONDON)

    def handle(connection: sa.Connection) -> None:
        for raw in events:
            event = parse(receive(raw).json)
            if steward.needs(event, STEWARD) is not None:
                steward.handle(event, Context(STEWARD, policy=policy, now=now, connection=connection))

    await store.write(handle)


async def run(store: Store, name: str, now: float = NOON, done: Done | None = None, **arguments: Any) -> list[Effect]:
    def work(connection: sa.Connection) -> list[Effect]:
        known = {} if done is None else {"doings": done}
        context = Context(STEWARD, now=now, connection=connection, **known)  # type: ignore[arg-type]
        return list(metrics().run(Job(name, now, arguments), context) or ())

    return await store.write(work)


async def facts(store: Store) -> list[tuple[Any, ...]]:
    columns = (fact.c.action, fact.c.room_id, fact.c.label, fact.c.organisation, fact.c.counterpart)
    query = sa.select(*columns).order_by(fact.c.at, fact.c.action, fact.c.organisation)
    return await store.read(lambda one: [tuple(row) for row in one.execute(query)])


async def ask(store: Store, command: str, user_id: str = MIA, now: float = NOON) -> tuple[str, Sequence[Effect]]:
    """What the steward answers to `!metrics …`."""
    entry = next(one for one in metrics().entries if one.command.name == f"!metrics {command}")

    def work(connection: sa.Connection) -> tuple[str, Sequence[Effect]]:
        call = Call(None, "", Asker(Person(user_id, "reef")), OWN, Policy("service"), OWN)  # type: ignore[arg-type]
        assert entry.answer is not None
        answer = entry.answer(call, Context(STEWARD, now=now, connection=connection))
        return plain(answer.blocks), answer.effects

    return await store.write(work)


async def rollups(store: Store) -> Rollups:
    return await store.read(lambda one: rolling.load(one, date(2020, 1, 1)))


async def stored(store: Store) -> dict[int, bytes]:
    return await store.read(lambda one: {row.day: row.rollup for row in one.execute(sa.select(day))})


# --- What is counted -----------------------------------------------------------------------------------------------


async def test_messages_reactions_votes_and_joinings_in_groups_are_counted_once(listed: Store) -> None:
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$1"}}}
    events = (
        said("$1"),
        said("$2", BEN, **reply),
        said("$3", MIA, **reply),
        said("$4", DINA, **about("$1", "m.thread")),
        said("$5", MIA, **about("$1", "m.replace")),
        of_type("m.reaction", "$6", BEN, about("$1")),
        *(of_type(RESPONSE[0], f"$7{number}", DINA, about("$poll", "m.reference")) for number in "ab"),
        membership("$8", BEN, sender=BEN, room=BUOYS) | {"origin_server_ts": int(NOON * 1000)},
        membership("$9", BEN, sender=BEN, room=BUOYS, displayname="Ben") | {"origin_server_ts": int(NOON * 1000)},
    )
    await heard(listed, *events)
    await heard(listed, *events)
    assert await facts(listed) == [
        ("answered", BUOYS, "TLP:GREEN", "harbour", "reef"),
        ("answered", BUOYS, "TLP:GREEN", "reef", "reef"),
        ("joined", BUOYS, "", "harbour", ""),
        ("posted", BUOYS, "TLP:GREEN", "reef", ""),
        ("posted", BUOYS, "TLP:GREEN", "reef", ""),
        ("reacted", BUOYS, "TLP:GREEN", "harbour", "reef"),
        ("voted", BUOYS, "TLP:GREEN", "reef", ""),
    ], "an answer to oneself is none, an edit is nothing, a second vote or a change of one's name is nothing new"


async def test_nothing_else_is_counted(listed: Store) -> None:
    stranger = f"@new:{SERVER}"
    await heard(
        listed,
        said("$1", room=f"!{MIA[1:]}"),
        said("$2", STEWARD),
        said("$3", f"@belisha_other:{SERVER}"),
        said("$4", stranger),
        said("$5") | {"content": {}},
    )
    for policy in (Policy("service"), Policy("named"), Policy("space"), Policy("open", purpose="announcements")):
        await heard(listed, membership(f"${policy.kind}", BEN, sender=BEN, room=BUOYS), policy=policy)
    assert await facts(listed) == []


async def test_no_word_no_name_and_no_id_of_an_event_is_kept(listed: Store, tmp_path: Path) -> None:
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$secretevent"}}}
    await heard(listed, said("$secretevent"), said("$other", BEN, **reply))
    for table in (fact, member, day, progress, opted_out):
        rows = await listed.read(lambda one, table=table: [str(row) for row in one.execute(sa.select(table))])
        assert not any(word in row for row in rows for word in ("mia", "ben", "secretevent", "lighthouse"))
    at_times = await listed.read(lambda one: list(one.scalars(sa.select(fact.c.at))))
    assert all(one % 60_000 == 0 for one in at_times), "times are kept to the minute"


async def test_what_the_module_tells_counts_once_a_day_and_its_position_goes_with_it(listed: Store) -> None:
    (first,) = await run(listed, ASK)
    assert isinstance(first, Schedule) and (first.name, first.arguments) == (PAGE, {"after": ""})
    assert metrics().job_needs(Job(PAGE, NOON, {"after": "1.2.3.4"})).doings == "1.2.3.4"  # type: ignore[union-attr]
    ms = int(NOON * 1000)
    told = (
        Doing("invited", BEN, ms - 1000),
        Doing("signed_in", MIA, ms),
        Doing("signed_in", MIA, ms + 1000),
        Doing("read", MIA, ms, BUOYS),
        Doing("read", MIA, ms + 1000, BUOYS),
        Doing("read", MIA, ms, "!other"),
        Doing("downloaded", BEN, ms, BUOYS, "TLP:AMBER", "one"),
        Doing("downloaded", BEN, ms, BUOYS, "TLP:AMBER", "two"),
        Doing("something new", BEN, ms),
        Doing("read", STEWARD, ms, BUOYS),
    )
    (onward,) = await run(listed, PAGE, done=Done(told, "1.0.0.0", True), after="")
    assert isinstance(onward, Schedule) and onward.arguments == {"after": "1.0.0.0"}
    counted = await facts(listed)
    assert [one[0] for one in counted] == ["invited", "downloaded", "downloaded", "read", "read", "signed_in"]
    assert await run(listed, PAGE, done=Done(told, "2.0.0.0", False), after="") == [], "that was another's position"
    assert await listed.read(lambda one: one.execute(sa.select(progress.c.doings)).scalar_one()) == "1.0.0.0"
    assert await run(listed, PAGE, done=Done(told, "2.0.0.0", False), after="1.0.0.0") == []
    assert await facts(listed) == counted, "what is told twice is the same"
    later = tuple(Doing(one.action, one.user_id, one.at + int(DAY * 1000), one.room_id) for one in told[1:4])
    await run(listed, PAGE, now=NOON + DAY, done=Done(later, "3.0.0.0", False), after="2.0.0.0")
    assert len(await facts(listed)) == len(counted) + 2


async def test_the_portal_counts_a_visit_a_day_and_a_sign_in_as_the_module_would(listed: Store) -> None:
    clock = [NOON]
    seen = Seen(listed, metrics().book, lambda: clock[0])
    for _ in range(3):
        await seen.note("viewed", MIA)
        await seen.note("signed_in", MIA)
    told = Done((Doing("signed_in", MIA, int(NOON * 1000)),), "1.0.0.0", False)
    await run(listed, PAGE, done=told, after="")
    assert [one[0] for one in await facts(listed)] == ["signed_in", "viewed"]
    clock[0] += DAY
    await seen.note("viewed", MIA)
    assert len(await facts(listed)) == 3


async def test_a_profile_counts_once_it_says_what_somebody_does(listed: Store) -> None:
    mia = Listed(MIA, "Mia", "reef", "Reef", "charity")
    counted = metrics().completed_profile
    for values in ({"languages": ("English",)}, {"role": ()}, {"role": ("pilot",)}, {"expertise": ("tides",)}):
        await listed.write(lambda one, values=values: profiles.change(one, mia, NOON, values, completed=counted))
    assert await facts(listed) == [("completed_profile", "", "", "reef", "")]


async def test_who_is_listed_no_more_has_left_in_the_night(listed: Store) -> None:
    await heard(listed, said("$1"), said("$2", BEN))
    await listed.write(lambda one: one.execute(directory_member.delete().where(directory_member.c.user_id == MIA)))
    for _ in range(2):
        await run(listed, NIGHTLY, now=NOON + DAY)
    assert [one for one in await facts(listed) if one[0] == "left"] == [("left", "", "", "reef", "")]


# --- Days ----------------------------------------------------------------------------------------------------------


async def test_a_late_fact_is_of_its_own_day_by_the_communitys_clock(listed: Store) -> None:
    late = at("2026-06-02 23:30")  # half past midnight in London
    await heard(listed, said("$1", when=late), said("$2", BEN, when=late - 3600))
    await run(listed, NIGHTLY, now=NOON + DAY)
    first, second = date(2026, 6, 2), date(2026, 6, 3)
    made = await rollups(listed)
    assert (len(made.on("active", first)), len(made.on("active", second))) == (1, 1)
    await heard(listed, said("$3", DINA, when=late), now=NOON + 9 * DAY)
    await run(listed, NIGHTLY, now=NOON + 9 * DAY)
    assert len((await rollups(listed)).on("active", second)) == 2


async def test_today_is_not_rolled_up_and_rebuilding_gives_the_same_bytes(listed: Store) -> None:
    await heard(listed, said("$1"), said("$2", BEN), said("$3", BEN, when=NOON + DAY), now=NOON + DAY)
    await run(listed, NIGHTLY, now=NOON + DAY)
    before = await stored(listed)
    assert list(before) == [date(2026, 6, 3).toordinal()], "the other day is not over"
    assert await listed.write(lambda one: rolling.rebuild(one, NOON + DAY, LONDON)) == (1, [])
    assert await stored(listed) == before
    await listed.write(lambda one: one.execute(day.update().values(rollup=b"damaged")))
    assert await listed.write(lambda one: rolling.rebuild(one, NOON + DAY, LONDON)) == (1, [date(2026, 6, 3)])
    assert await stored(listed) == before


async def test_old_facts_go_and_their_day_stays(listed: Store) -> None:
    await heard(listed, said("$1"), said("$2", BEN))
    await run(listed, NIGHTLY, now=NOON + DAY)
    before = await stored(listed)
    much_later = NOON + (KEPT_DAYS + 1) * DAY
    await heard(listed, said("$3", DINA), now=much_later)
    await run(listed, NIGHTLY, now=much_later)
    assert await facts(listed) == [] and await stored(listed) == before, "what is that late is not counted any more"
    assert await listed.write(lambda one: rolling.rebuild(one, much_later, LONDON)) == (0, [])
    assert await stored(listed) == before
    number = await listed.read(lambda one: metrics().book.number(one, MIA))
    await listed.write(lambda one: rolling.forget(one, number or 0))
    assert len((await rollups(listed)).on("active", date(2026, 6, 3))) == 1, "nor do members stay in old days"


async def test_journeys_are_looked_at_from_the_day_on_which_that_is_chosen(listed: Store) -> None:
    """What was done before is not looked at afterwards: not for a late fact, and not when all is rebuilt."""

    async def nightly(now: float, *, journeys: bool) -> Sequence[date]:
        await listed.write(lambda one: rolling.roll_up(one, now, LONDON, journeys=journeys))
        await listed.write(lambda one: rolling.rebuild(one, now, LONDON))
        made, whole = await rollups(listed), Period(date(2026, 6, 1), date(2026, 6, 30))
        return [one for one in whole.days() if made.by(JOURNEY, PATH, Period(one, one))]

    await heard(listed, said("$1"))
    assert await nightly(NOON + DAY, journeys=False) == []
    await heard(listed, said("$2", when=NOON + DAY), said("$late", BEN), now=NOON + DAY)
    assert await nightly(NOON + 2 * DAY, journeys=True) == [date(2026, 6, 4)]
    await heard(listed, said("$3", when=NOON + 2 * DAY), said("$later", BEN, when=NOON + DAY), now=NOON + 2 * DAY)
    assert await nightly(NOON + 3 * DAY, journeys=False) == [date(2026, 6, 4)]
    (path,) = (await rollups(listed)).by(JOURNEY, PATH, Period(date(2026, 6, 4), date(2026, 6, 4))).values()
    assert len(path) == 2, "the late one is in it"
    assert "In which order" in told_of(journeys=True) and "In which order" not in told_of(journeys=False)


def told_of(*, journeys: bool) -> str:
    """What a member is told of being counted."""
    done = [fact_of("k", int(NOON * 1000), LONDON, 1, "read")]
    return plain(words.mine(done, opted_out=False, journeys=journeys))


# --- Who does not want to be counted (rule E1) -----------------------------------------------------------------------


async def test_who_opts_out_is_nowhere_any_more_and_not_counted_again(listed: Store) -> None:
    await heard(listed, said("$1"), said("$2", BEN))
    await run(listed, NIGHTLY, now=NOON + DAY)
    text, _ = await ask(listed, "mine")
    assert "You wrote in a group" in text and "2026-06-03" in text and "!metrics optout" in text
    text, effects = await ask(listed, "optout")
    assert "You are counted no more" in text
    (forget,) = effects
    assert isinstance(forget, Schedule) and forget.name == f"{FORGET}1" and MIA not in str(forget)
    assert [one[3] for one in await facts(listed)] == ["harbour"]
    await run(listed, forget.name, **forget.arguments)
    june = Period(date(2026, 6, 1), date(2026, 6, 30))
    made = await rollups(listed)
    assert list(made.members("known", june)) == [2] and list(made.members("posted", june, GROUP, BUOYS)) == [2]
    assert await listed.read(lambda one: one.execute(sa.select(member.c.number)).scalars().all()) == [2]
    await heard(listed, said("$3", MIA, when=NOON + 60))
    seen = Seen(listed, metrics().book, lambda: NOON)
    await seen.note("viewed", MIA)
    assert len(await facts(listed)) == 1
    assert "nothing is kept" in (await ask(listed, "mine"))[0]
    assert (await ask(listed, "optout"))[1] == (), "a second time there is nothing to forget"
    again = await stored(listed)
    await run(listed, NIGHTLY, now=NOON + DAY)
    assert await stored(listed) == again, "what is made of the facts that are left has the same bytes"
    assert "as somebody new" in (await ask(listed, "optin"))[0]
    await heard(listed, said("$4", MIA, when=NOON + 120))
    assert await listed.read(lambda one: metrics().book.number(one, MIA)) == 3, "no number is given twice"


async def test_forgetting_hides_no_late_fact(listed: Store) -> None:
    await heard(listed, said("$1"), said("$2", BEN))
    await run(listed, NIGHTLY, now=NOON + DAY)
    await heard(listed, said("$3", DINA), now=NOON + DAY)
    _, (forget,) = await ask(listed, "optout")
    assert isinstance(forget, Schedule)
    await run(listed, forget.name, **forget.arguments)
    await run(listed, NIGHTLY, now=NOON + DAY)
    assert len((await rollups(listed)).on("active", date(2026, 6, 3))) == 2


async def test_a_copy_of_ones_data_has_what_is_counted(listed: Store) -> None:
    assert await listed.read(lambda one: metrics().held(one, MIA)) == []
    await heard(listed, said("$1"), said("$2", BEN))
    told = {"day": "2026-06-03", "action": "posted", "group": BUOYS, "label": "TLP:GREEN", "organisation": "reef"}
    assert await listed.read(lambda one: metrics().held(one, MIA)) == [told]


async def test_nothing_is_said_of_who_did_nothing(listed: Store) -> None:
    assert "Nothing is counted about you so far" in (await ask(listed, "mine"))[0]


# --- The command line ----------------------------------------------------------------------------------------------


async def test_the_command_line_rebuilds_and_forgets(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rendered").mkdir()
    key = tmp_path / "rendered" / "key"
    key.write_text("k" * 40)
    key.chmod(0o600)
    changes = {"metrics_key_file": str(key), "database": f"sqlite:///{tmp_path}/bots.db"}
    config = load(write_config(tmp_path / "rendered", "http://127.0.0.1:1", 1, **changes))
    counts, now = metrics_of(config), time.time()
    assert counts is not None
    made = Counted("viewed", MIA, int((now - 3 * DAY) * 1000), ("once",))
    await store.write(lambda one: counts.book.add(one, made, now))

    async def command(*words: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        cli.register(parser.add_subparsers())
        code = await cli._run(parser.parse_args(["metrics", *words, "--data", str(tmp_path)]))
        told = capsys.readouterr()
        return code, told.out + told.err

    assert await command("rebuild") == (0, "1 days made anew, 0 of them with other bytes than before.\n")
    await store.write(lambda one: one.execute(day.update().values(rollup=b"x")))
    code, told_of = await command("rebuild")
    assert code == 1 and "was not what its facts give" in told_of
    assert await command("forget", MIA) == (0, f"{MIA} is forgotten, and taken out of 1 days.\n")
    assert (await command("forget", MIA))[0] == 1 and (await command("forget", "mia"))[0] == 1
    assert await facts(store) == []
