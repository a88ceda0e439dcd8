"""Who waits to be let in as the steward sees it: cards, taps, and who is told what; a real store, and no server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.acts.waiting import BUTTONS, LET_IN, TURN_AWAY, WAITING_KEY, written
from belisha.markers import MarkerReader
from belisha.policy.people import Person
from bots.kernel.bot import Asker, Context, Job, Needs, Policy
from bots.kernel.effects import Act, Edit, Effect, React, Redact, Send, Turn
from bots.kernel.events import Event
from bots.kernel.questions import NotSentYet
from bots.kernel.tables import metadata, outbox
from bots.steward import Steward
from bots.steward.tables import waiting

Json = dict[str, Any]
ME, ANA, LEVI = "@belisha_steward:x", "@ana:x", "@levi:x"
OWN, FINNS, ROOM, STEWARDS = "!ana:x", "!finn:x", "!pilots:x", "!stewards:x"
STEWARD = Steward()
ABOUT: Json = {
    "id": "$knock", "member": "@finn", "name": "Finn <b> (Chandlers)", "at": 1_700_000_000, "until": 1_701_209_600,
    "late": False, "ended": None, "by": None, "by_command": False, "own_room": FINNS,
}  # fmt: skip
KNOCK: Json = {**ABOUT, "sort": "knock", "room_id": ROOM, "room_name": "Pilots"}
SIGN_UP: Json = {
    **ABOUT, "sort": "sign-up", "id": "$asked", "organisation": "harbour", "organisation_name": "Harbour",
    "words": "Finn of the night watch",
}  # fmt: skip


@pytest.fixture
def database() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection


def context(database: sa.Connection, **more: Any) -> Context:
    return Context(ME, now=1_700_000_100.0, occasion="job", connection=database, **more)


def turned(database: sa.Connection, *waits: Json, ended: tuple[Json, ...] = ()) -> list[Effect]:
    """What is done once the module has told what waits; what was said is remembered as the kernel does."""
    arguments = {"then": {"turn": "waiting"}, "outcome": {"waiting": list(waits), "ended": list(ended)}}
    effects = list(STEWARD.run(Job("outcome x", 0.0, arguments), context(database)))
    for number, one in enumerate(effects):
        if isinstance(one, Send) and one.once is not None:
            row = {"effect_id": f"{one.once} {number}", "once": f"steward {one.once}", "bot": "steward", "lane": "x"}
            found = sa.select(outbox.c.number).where(outbox.c.once == row["once"])
            if database.scalar(found) is None:
                database.execute(outbox.insert().values(row | {"kind": "send", "body": "{}", "created_at": 0}))
    return effects


def sent(database: sa.Connection, room: str, state: str = "sent") -> str:
    """The event of the card in a room, once the kernel has sent it."""
    effect = database.scalar(sa.select(waiting.c.effect_id).where(waiting.c.room_id == room))
    row = {"effect_id": effect, "bot": "steward", "lane": room, "kind": "send", "created_at": 0, "state": state}
    database.execute(outbox.insert().values(row | {"body": None, "result": "$card" if state == "sent" else None}))
    return "$card"


def ends(database: sa.Connection, act: Act, **outcome: Any) -> list[Effect]:
    job = Job("outcome x", 0.0, {"then": json.loads(json.dumps(act.then)), **outcome})
    return list(STEWARD.run(job, context(database)))


def tap(key: str, on: str = "$card", room: str = OWN) -> Event:
    relation = {"rel_type": "m.annotation", "event_id": on, "key": key}
    return Event("$tap", room, "m.reaction", ANA, {"m.relates_to": relation})


def bodies(effects: list[Effect]) -> list[tuple[str | None, str]]:
    return [(one.room, str(one.content["body"])) for one in effects if isinstance(one, Edit | Send)]


def test_a_knock_becomes_a_card_for_each_who_decides_once(database: sa.Connection) -> None:
    told = {**KNOCK, "tell": [OWN, STEWARDS]}
    effects = turned(database, told)
    assert [one.room for one in effects if isinstance(one, Send)] == [OWN, STEWARDS]
    assert [one.key for one in effects if isinstance(one, React)] == [*BUTTONS] * 2
    (card, *_) = [one for one in effects if isinstance(one, Send)]
    body, html = str(card.content["body"]), str(card.content["formatted_body"])
    assert body.startswith("Finn <b> (Chandlers) (@finn) would like to come into the group Pilots")
    assert "Finn &lt;b&gt;" in html and "2023-11-14 22:13 UTC" in body and card.content["msgtype"] == "m.text"
    # The module takes a tap only where the card shows what it stands for.
    assert card.content[WAITING_KEY] == {"id": "$knock"}
    assert all(written(act, "finn", ROOM) in body for act in (LET_IN, TURN_AWAY))
    assert MarkerReader({}).read(body).label is None
    assert turned(database, told) == [], "asked again, nothing more is said"
    late = turned(database, {**told, "late": True})
    assert [one.room for one in late if isinstance(one, Send)] == [OWN, STEWARDS]
    assert all(isinstance(one, Send) and one.waits for one in late), "a reminder can wait for the morning"


def test_what_an_account_writes_stands_on_its_card_until_that_is_decided(database: sa.Connection) -> None:
    (card, *_) = turned(database, {**SIGN_UP, "tell": [OWN]})
    assert isinstance(card, Send)
    body = str(card.content["body"])
    assert "They write: “Finn of the night watch”" in body and "Nobody has checked who that is." in body
    assert written(LET_IN, "finn", None) in body and "--group" not in body
    over = {**SIGN_UP, "ended": "over", "words": None}
    redacts, said, told = turned(database, ended=(over,))
    assert isinstance(redacts, Redact) and redacts.room == OWN
    assert isinstance(said, Send) and "night watch" not in str(said.content)
    assert isinstance(told, Send) and told.room == FINNS and "Nobody has answered within 14 days." in str(told.content)
    assert database.scalar(sa.select(sa.func.count()).select_from(waiting)) == 0


@pytest.mark.parametrize(
    ("ended", "by", "on_card", "to_finn"),
    [
        ("let in", "ana", "let in, by @ana", "take the invitation"),
        ("turned away", "ana", "turned away, by @ana", "were not let into"),
        ("taken back", None, "taken back by themselves", None),
        ("gone", None, "cannot be any more", None),
        ("over", None, "nobody answered", "You can ask again"),
    ],
)
def test_what_came_of_a_knock_in_a_client(
    database: sa.Connection, ended: str, by: str | None, on_card: str, to_finn: str | None
) -> None:
    turned(database, {**KNOCK, "tell": [OWN, STEWARDS]})
    said = bodies(turned(database, ended=({**KNOCK, "ended": ended, "by": by},)))
    assert [room for room, _ in said[:2]] == [OWN, STEWARDS] and all(on_card in text for _, text in said[:2])
    assert [(room, to_finn in text) for room, text in said[2:]] == ([(FINNS, True)] if to_finn else [])


def test_a_tap_is_handed_over_and_who_waited_reads_the_reason(database: sa.Connection) -> None:
    turned(database, {**KNOCK, "tell": [OWN]})
    sent(database, OWN)
    assert STEWARD.needs(tap("🤝"), ME) is not None
    (act,) = STEWARD.handle(tap("🤝"), context(database))
    assert isinstance(act, Act) and (act.act, act.arguments) == ("let_in", {})
    done = {**KNOCK, "ended": "let in", "by": "ana", "by_command": True}
    said = bodies(ends(database, act, outcome=done))
    assert [room for room, _ in said] == [OWN, FINNS, OWN]
    assert "let in, by @ana" in said[0][1] and said[2][1].startswith("Done: @finn is invited to the group Pilots (")
    assert bodies(turned(database, ended=(done,))) == [], "the module's news of it says nothing more"
    late = bodies(ends(database, act, refused="Somebody was quicker: @cora has let them in.", errcode="X"))
    assert late == [(OWN, "Somebody was quicker: @cora has let them in.")]


def test_in_words_a_reason_goes_to_who_waited(database: sa.Connection) -> None:
    asker = Asker(Person(ANA, "harbour", frozenset({"member"})), 0, OWN)
    content = {"msgtype": "m.text", "body": '!turn-away @finn --reason "Not this one"'}
    event = Event("$1", OWN, "m.room.message", ANA, content)
    (act,) = STEWARD.handle(event, context(database, policy=Policy("service"), asker=asker))
    assert isinstance(act, Act) and act.arguments == {"member": "@finn", "reason": "Not this one"}
    done = {**KNOCK, "ended": "turned away", "by": "ana", "by_command": True}
    said = bodies(ends(database, act, outcome=done))
    assert said[0][0] == FINNS and "They say: “Not this one”" in said[0][1]
    assert said[1] == (OWN, "Done: @finn is turned away, and told so.")


def test_other_taps_and_taps_elsewhere_are_none(database: sa.Connection) -> None:
    turned(database, {**KNOCK, "tell": [OWN]})
    with pytest.raises(NotSentYet):  # it may be this card, whose sending is not stored yet
        sent(database, OWN, "pending")
        STEWARD.handle(tap("🤝"), context(database))
    database.execute(outbox.delete().where(outbox.c.lane == OWN))
    sent(database, OWN)
    for event in (tap("🤝", "$other"), tap("🤝", room=ROOM), tap("🎉")):
        assert STEWARD.handle(event, context(database, policy=Policy("closed"))) == ()


def test_a_knock_and_what_becomes_of_it_has_the_module_asked(database: sa.Connection) -> None:
    def member(membership: str, who: str = "@finn:x", room: str = ROOM) -> list[Effect]:
        event = Event("$m", room, "m.room.member", ANA, {"membership": membership}, state_key=who)
        assert STEWARD.needs(event, ME) is not None
        return [one for one in STEWARD.handle(event, context(database)) if isinstance(one, Turn)]

    assert member("knock") == [Turn("waiting", {"turn": "waiting"})]
    assert member("invite") == [], "of whom no card tells"
    turned(database, {**KNOCK, "tell": [OWN]})
    assert len(member("invite")) == len(member("leave")) == 1
    assert member("invite", LEVI) == member("invite", room="!other:x") == []
    assert [type(one) for one in STEWARD.run(Job("waiting", 0.0, {}), context(database))] == [Turn]


def test_who_redacts_in_their_own_room_may_have_asked_there(database: sa.Connection) -> None:
    """The words may stand on cards, or on cards that are still to come (rule E1)."""
    event = Event("$r", OWN, "m.room.redaction", LEVI, {"redacts": "$asked"})
    assert STEWARD.needs(event, ME) == Needs(policy=True)
    asked = STEWARD.handle(event, context(database, policy=Policy("service")))
    assert list(asked) == [Turn(what, {"turn": what}) for what in ("waiting", "introducing")]
    assert list(STEWARD.handle(event, context(database, policy=Policy("closed")))) == []


def test_an_account_without_an_organisation_is_welcomed_with_the_way_in(database: sa.Connection) -> None:
    event = Event("$m", OWN, "m.room.member", LEVI, {"membership": "join"}, state_key=LEVI)
    here = context(database, policy=Policy("service"))
    (send,) = STEWARD.handle(event, context(database, policy=Policy("service"), asker=Asker(Person(LEVI))))
    assert isinstance(send, Send) and '!ask-in ID "…"' in send.content["body"] and "!start" not in send.content["body"]
    member = Asker(Person(LEVI, "harbour", frozenset({"member"})))
    for asker in (here, context(database, policy=Policy("service"), asker=member)):
        (send, *_) = STEWARD.handle(event, asker)
        assert isinstance(send, Send) and "start" in send.content["body"]
