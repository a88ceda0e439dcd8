"""Introductions as the steward tells of them: each question and each end once, to whom they concern; no server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.acts.questions import question_of
from belisha.markers import MarkerReader
from bots.directory import introductions
from bots.directory.introductions import MOST_A_DAY, NAME
from bots.directory.tables import introduction_asked
from bots.kernel.bot import Context, Job
from bots.kernel.effects import Effect, React, Redact, Send, Turn
from bots.kernel.tables import metadata, outbox
from bots.roster import roster

Json = dict[str, Any]
ME, ANAS, BENS, CORAS = "@belisha_steward:x", "!ana:x", "!ben:x", "!cora:x"
STEWARD: Any = roster()[0]
COMMON: Json = {
    "id": "4f1c09a27be3", "organisation": "harbour", "roles": ["member"], "why": "Both <b>watch</b> tides\nTLP:RED",
    "asker": {"name": "Cora (Harbour)", "member": "@cora"}, "until": 1_700_600_000,
}  # fmt: skip
ANA: Json = {**COMMON, "user_id": "@ana:x", "room": ANAS, "other": {"name": "Ben <i> (Police)", "member": "@ben"}}
BEN: Json = {**COMMON, "user_id": "@ben:x", "room": BENS, "other": {"name": "Ana (Harbour)", "member": "@ana"}}
ENDED: Json = {
    "id": COMMON["id"], "ended": "over", "asker_room": CORAS, "asker_is_in_it": False,
    "people": [ANA["other"], BEN["other"]], "agreed": [{"room": ANAS, "other": ANA["other"]}],
}  # fmt: skip


@pytest.fixture
def database() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection


def turned(database: sa.Connection, *asks: Json, ended: tuple[Json, ...] = (), later: float = 0.0) -> list[Effect]:
    """What is done once the module has told what waits; what was said is remembered as the kernel does."""
    arguments = {"then": {"turn": "introducing"}, "outcome": {"asks": list(asks), "ended": list(ended)}}
    context = Context(ME, now=1_700_000_000.0 + later, occasion="job", connection=database)
    effects = list(STEWARD.run(Job("outcome x", 0.0, arguments), context))
    for one in effects:
        known = isinstance(one, Send) and database.scalar(
            sa.select(outbox.c.number).where(outbox.c.once == f"steward {one.once}")
        )
        if isinstance(one, Send) and not known:
            row = {"effect_id": str(one.once), "once": f"steward {one.once}", "bot": "steward", "lane": "x"}
            database.execute(outbox.insert().values(row | {"kind": "send", "body": "{}", "created_at": 0}))
    return effects


def test_both_are_asked_once_and_shown_what_they_agree_to(database: sa.Connection) -> None:
    effects = turned(database, ANA, BEN)
    sends = [one for one in effects if isinstance(one, Send)]
    assert [one.room for one in sends] == [ANAS, BENS]
    assert [(one.room, one.key) for one in effects if isinstance(one, React)] == [
        (room, key) for room in (ANAS, BENS) for key in ("✅", "❌")
    ]
    body, html = str(sends[0].content["body"]), str(sends[0].content["formatted_body"])
    assert "Cora (Harbour) (@cora) would like to introduce you to Ben <i> (Police) (@ben)." in body
    assert "“Both <b>watch</b> tides TLP:RED”" in body and "&lt;b&gt;" in html and "Ben &lt;i&gt;" in html
    assert "these words stand there first" in body and "nobody is told that it was you" in body
    assert "!direct-chats nobody" in body and MarkerReader({}).read(body).label is None
    found = question_of(sends[0].content)
    assert found is not None and found.text == "!introductions agree 4f1c09a27be3"
    assert turned(database, ANA, BEN) == [], "asked again, nothing more is said"
    myself = {**COMMON, "id": "aaaaaaaaaaaa", "user_id": "@ben:x", "room": BENS, "other": COMMON["asker"]}
    (send, *_) = turned(database, myself)
    assert isinstance(send, Send) and "Cora (Harbour) (@cora) would like to meet you." in str(send.content["body"])


def test_nobody_is_asked_too_much_in_a_day(database: sa.Connection) -> None:
    many = [{**ANA, "id": f"{number:012x}"} for number in range(MOST_A_DAY + 2)]
    assert sum(isinstance(one, Send) for one in turned(database, *many)) == MOST_A_DAY
    gone = {**ENDED, "id": many[0]["id"], "asker_room": None, "agreed": []}
    assert sum(isinstance(one, Send) for one in turned(database, *many, ended=(gone,))) == 0, "taken back, it counts on"
    assert sum(isinstance(one, Send) for one in turned(database, *many, later=86_401.0)) == 2, "the others wait a day"


@pytest.mark.parametrize(
    ("changed", "to_cora", "to_ana"),
    [
        ({"ended": "opened"}, "have both agreed: a room is open", "You and Ben <i> (Police) have both agreed"),
        ({}, "No room was opened for Ben <i> (Police) and Ana", "No room was opened for you and Ben"),
        ({"ended": "gone", "people": [ANA["other"]], "agreed": [{"room": ANAS, "other": None}]},
         "An introduction that you asked for came to nothing", "to which you had agreed came to nothing"),
        ({"ended": "taken back", "asker_room": None}, None, "No room was opened for you and Ben"),
    ],
)  # fmt: skip
def test_an_end_takes_back_the_questions_and_is_told(
    database: sa.Connection, changed: Json, to_cora: str | None, to_ana: str
) -> None:
    turned(database, ANA, BEN)
    effects = turned(database, ended=({**ENDED, **changed},))
    assert [one.room for one in effects if isinstance(one, Redact)] == [ANAS, BENS], "names and words are gone (E1)"
    said = {one.room: str(one.content["body"]) for one in effects if isinstance(one, Send)}
    assert BENS not in said, "who was silent is told nothing, and nobody is told of them"
    assert (said.get(CORAS) is None) if to_cora is None else (to_cora in said[CORAS])
    assert to_ana in said[ANAS]
    assert not any(isinstance(one, Redact) for one in turned(database, ended=({**ENDED, **changed},)))


@pytest.mark.parametrize("opened", [True, False])
def test_who_asked_about_oneself_is_told(database: sa.Connection, opened: bool) -> None:
    end = {
        **ENDED,
        "ended": "opened" if opened else "over",
        "asker_is_in_it": True,
        "people": [ANA["other"]],
        "agreed": [],
    }
    (said,) = turned(database, ended=(end,))
    wanted = "agreed to meet you: the room is there" if opened else "No room was opened for you and Ben <i> (Police)."
    assert isinstance(said, Send) and said.room == CORAS and wanted in str(said.content["body"])


def test_it_is_looked_for_every_hour(database: sa.Connection) -> None:
    context = Context(ME, now=0.0, occasion="job", connection=database)
    assert STEWARD.rules[NAME].every == 3600
    assert introductions.run(Job(NAME, 0.0, {}), context) == (Turn("introducing", {"turn": "introducing"}),)
    assert database.scalar(sa.select(sa.func.count()).select_from(introduction_asked)) == 0
