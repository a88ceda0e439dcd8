"""Reports as the steward bot sees them: cards, taps, and who is told what, on a real store and without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.acts.reports import REPORT_KEY
from belisha.markers import MarkerReader
from belisha.policy.people import Person
from bots.kernel.bot import Asker, Context, Job, Needs, Policy
from bots.kernel.effects import Act, Edit, Effect, React, Redact, Send, Unschedule
from bots.kernel.events import Event, is_news
from bots.kernel.tables import metadata
from bots.steward import Steward
from bots.steward.tables import report

Json = dict[str, Any]
ME, CORA, ROOM, OWN = "@belisha_steward:x", "@cora:x", "!stewards:x", "!own:x"
STEWARD = Steward(portal="https://portal.x")
ITEM: Json = {
    "number": 12,
    "kind": "harassment",
    "urgent": True,
    "at": 1_700_000_000,
    "about": "item",
    "where": "group",
    "room_id": "!pilots:x",
    "room_name": "Pilots <b>",
    "item": "$item",
    "member": "ana",
    "words": "rude",
    "done": [],
}
NAMED: Json = {"number": 13, "kind": "other", "urgent": False, "at": 1, "about": "item", "where": "private", "done": []}


@pytest.fixture
def database() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection


def context(database: sa.Connection, **more: Any) -> Context:
    return Context(ME, now=1_700_000_100.0, occasion="$card", connection=database, **more)


def came(facts: Json, sender: str = ME) -> Event:
    content = {"msgtype": "m.text", "body": "Report 12 has come in.", REPORT_KEY: facts}
    return Event(f"$card{facts['number']}", ROOM, "m.room.message", sender, content, sent_at=1_700_000_000_000)


def card(database: sa.Connection, facts: Json) -> list[Effect]:
    event = came(facts)
    assert is_news(event, ME) and STEWARD.needs(event, ME) == Needs()
    return list(STEWARD.handle(event, context(database)))


def tap(key: str, on: str = "$card12", room: str = ROOM) -> Event:
    relation = {"rel_type": "m.annotation", "event_id": on, "key": key}
    return Event("$tap", room, "m.reaction", CORA, {"m.relates_to": relation})


def ended(database: sa.Connection, act: Act, **outcome: Any) -> list[Effect]:
    """What is done once the module has told how an act ended."""
    job = Job("outcome x", 0.0, {"then": json.loads(json.dumps(act.then)), **outcome})
    effects = STEWARD.run(job, context(database))
    return [one for one in effects if not isinstance(one, Unschedule)]


def bodies(effects: list[Effect]) -> list[str]:
    return [str(one.content["body"]) for one in effects if isinstance(one, Edit | Send)]


def test_a_report_becomes_a_card_with_its_buttons(database: sa.Connection) -> None:
    edit, *buttons = card(database, ITEM)
    assert isinstance(edit, Edit) and edit.target == "$card12"
    body, html = edit.content["body"], edit.content["formatted_body"]
    assert edit.content["msgtype"] == "m.text", "it rings"
    assert body.startswith("Report 12, urgent of 2023-11-14 22:13 UTC, about harassment.")
    assert "@ana" in body and "rude" in body and "https://portal.x/reports/12" in body
    assert "https://matrix.to/#/%21pilots%3Ax/$item?via=x" in html and "Pilots &lt;b&gt;" in html
    assert [one.key for one in buttons if isinstance(one, React)] == ["👀", "⚠️", "🔇", "🗑️", "🚪", "🏁"]
    assert MarkerReader({}).read(body).label is None


def test_of_named_people_the_card_names_nobody(database: sa.Connection) -> None:
    edit, *buttons = card(database, NAMED)
    assert isinstance(edit, Edit)
    assert "room of named people" in edit.content["body"] and "@" not in edit.content["body"]
    assert [one.key for one in buttons if isinstance(one, React)] == ["👀", "⚠️", "🔇", "🏁"]


def test_a_card_that_another_sends_is_none(database: sa.Connection) -> None:
    forged = came(ITEM, sender="@ana:x")
    assert STEWARD.needs(forged, ME) != Needs()
    STEWARD.handle(forged, context(database, policy=Policy("closed", "TLP:AMBER", "TLP:AMBER")))
    assert database.execute(sa.select(report)).all() == []
    assert not is_news(Event("$x", ROOM, "m.room.message", ME, {"body": "x"}), ME)


def test_a_tap_is_handed_over_and_the_card_tells_it(database: sa.Connection) -> None:
    card(database, ITEM)
    assert STEWARD.needs(tap("👀"), ME) == Needs()
    (act,) = STEWARD.handle(tap("👀"), context(database))
    assert isinstance(act, Act) and (act.act, act.arguments) == ("report_acknowledge", {})
    (mute,) = STEWARD.handle(tap("🔇"), context(database))
    assert isinstance(mute, Act) and mute.arguments == {"time": 86400}
    done = {"outcome": "done", "number": 12, "done": [["acknowledge", "cora", 1_700_000_060]], "reporter_room": OWN}
    edit, told = ended(database, act, outcome=done)
    assert isinstance(edit, Edit) and (edit.target, edit.room) == ("$card12", ROOM)
    assert "2023-11-14 22:14 UTC: @cora looks after it" in edit.content["body"]
    assert isinstance(told, Send) and told.room == OWN and "Somebody looks after your report" in told.content["body"]
    assert "cora" not in told.content["body"], "the reporter is not told who"


def test_who_is_too_late_is_told(database: sa.Connection) -> None:
    card(database, ITEM)
    (act,) = STEWARD.handle(tap("👀"), context(database))
    assert isinstance(act, Act)
    (told,) = ended(database, act, refused="Somebody was quicker: @mona has done this about the report.")
    assert isinstance(told, Send) and told.room == ROOM
    assert told.content["m.relates_to"]["m.in_reply_to"]["event_id"] == "$card12"
    assert told.content["m.mentions"]["user_ids"] == [CORA]


def test_news_in_another_order_takes_nothing_from_the_card(database: sa.Connection) -> None:
    card(database, ITEM)
    (first,), (second,) = (STEWARD.handle(tap(key), context(database)) for key in ("👀", "⚠"))
    assert isinstance(first, Act) and isinstance(second, Act)
    acts = [["acknowledge", "cora", 1], ["warn", "mona", 2]]
    warned = {"outcome": "done", "number": 12, "done": acts, "member_room": "!ana:x", "room_id": None}
    edit, told, *_ = ended(database, second, outcome=warned)
    assert isinstance(told, Send) and told.room == "!ana:x" and "warn you" in told.content["body"]
    edit, *_ = ended(database, first, outcome={"outcome": "done", "number": 12, "done": acts[:1]})
    assert isinstance(edit, Edit) and "warned by @mona" in edit.content["body"]


def test_closing_tells_who_reported_it(database: sa.Connection) -> None:
    card(database, ITEM)
    typed = Event(
        "$c", OWN, "m.room.message", CORA, {"msgtype": "m.text", "body": '!report close --number 12 "Thanks"'}
    )
    asker = Asker(Person(CORA, "a", frozenset({"steward"})), 0, OWN)
    service = Policy("service", "TLP:AMBER", "TLP:AMBER+STRICT")
    (act,) = STEWARD.handle(typed, context(database, policy=service, asker=asker))
    assert isinstance(act, Act) and act.arguments == {"number": 12, "answer": "Thanks"}
    acts = [["redact", "cora", 1], ["close", "cora", 2]]
    done = {"outcome": "done", "number": 12, "done": acts, "reporter_room": "!ben:x"}
    edit, told, answer = ended(database, act, outcome=done)
    assert "Tap:" not in bodies([edit])[0], "a closed card asks for nothing more"
    assert "rude" not in str(database.scalar(sa.select(report.c.facts))) + bodies([edit])[0]
    assert "have acted on it" in bodies([told])[0] and "“Thanks”" in bodies([told])[0]
    assert "Done: it stands on the card of report 12." in bodies([answer])[0]
    assert database.scalar(sa.select(report.c.looked_after)) is True


def test_taps_elsewhere_ask_for_nothing(database: sa.Connection) -> None:
    card(database, ITEM)
    for event in (tap("👀", on="$other"), tap("👀", room="!other:x"), tap("🎉")):
        assert not [one for one in STEWARD.handle(event, context(database)) if isinstance(one, Act)]


def test_who_reports_in_a_group_is_answered_alone(database: sa.Connection) -> None:
    content = {
        "msgtype": "m.text",
        "body": "!report harassment",
        "m.relates_to": {"m.in_reply_to": {"event_id": "$item"}},
    }
    typed = Event("$r", "!pilots:x", "m.room.message", "@ben:x", content)
    asker = Asker(Person("@ben:x", "a", frozenset({"member"})), 0, "!ben:x")
    policy = Policy("closed", "TLP:AMBER", "TLP:AMBER")
    (act,) = STEWARD.handle(typed, context(database, policy=policy, asker=asker))
    assert isinstance(act, Act) and act.act == "report"
    for outcome in ({"outcome": {"outcome": "done", "again": False}}, {"refused": "There is no such message."}):
        told, gone = ended(database, act, **outcome)
        assert isinstance(told, Send) and told.room == "!ben:x"
        assert isinstance(gone, Redact) and (gone.target, gone.room) == ("$r", "!pilots:x")
