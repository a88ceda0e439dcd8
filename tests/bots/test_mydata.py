"""What the bots hold about a member: every table and column in the list, theirs given, and others masked; no server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.held import OTHER, Own, unnamed
from belisha.policy.people import Person
from bots.kernel.bot import Asker, Context, Job, Policy
from bots.kernel.effects import Act, Contribute, Effect, Send, lane_of
from bots.kernel.events import Event
from bots.kernel.tables import metadata
from bots.mydata.held import HELD
from bots.mydata.mydata import gathered
from bots.portal.command import PortalCommand
from bots.portal.keys import Keys
from bots.roster import roster

Json = dict[str, Any]
ME, ANA, OWN, PORTAL = "@belisha_steward:x", "@ana:x", "!ana:x", "https://portal.x"
#: Columns of tables whose rows are given that are not.
LEFT = {
    "blog_post": {"number", "event_id", "room_id"},
    "digest_address": {"code", "handle"},
    "digest_code_mail": {"address"},
    "digest_member": {"letter"},
    "digest_message": {"arrived", "room_id", "thread", "is_file"},
    "directory_introduction": {"effect_id", "about"},
    "pad_client": {"client"},
    "pad_version": {"number", "at", "label", "restored", "text", "passages"},
    "pad_version_author": {"number", "place"},
    "pad_note": {"note", "thread", "begins", "ends", "quoted", "label", "changed"},
    "portal_session": {
        "number", "token_hash", "code_hash", "code_since", "command_room", "command_event", "asked_of", "asked_by",
        "picture",
    },
    "metrics_annotation": {"number", "day"},
    "portal_browser": {"token_hash"},
    "question": {"effect_id", "bot", "room_id", "call"},
    "steward_waiting": {"effect_id", "room_id", "group_id"},
}  # fmt: skip


@pytest.fixture
def database() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection


def steward(portal: str = PORTAL) -> Any:
    return roster(PortalCommand(Keys("x" * 32), portal, ZoneInfo("UTC")) if portal else None)[0]


def test_every_table_of_the_bots_is_in_the_list() -> None:
    steward()  # imports every bot
    assert unnamed(metadata.tables, HELD) == set(), "say of each new table whose its rows are, or why none are given"
    assert {held.table for held in HELD} <= metadata.tables.keys(), "and of no other"


def test_every_column_of_what_is_given_is_given_masked_or_left() -> None:
    for table in {held.table for held in HELD if held.section}:
        known = {name for held in HELD if held.table == table for name in (*held.give, *held.masked, *held.mine)}
        there = {column.name for column in metadata.tables[table].columns}
        assert known <= there and there - known == LEFT.get(table, set()), table


def filled(database: sa.Connection, column: sa.Column[Any], user_id: str, room: str) -> Any:
    """A value that is this member's, or anything."""
    name = column.name
    if name in ("room_id", "service_room"):
        return room
    if name == "occasion":
        return f"form {user_id} once"
    if isinstance(column.type, sa.Float | sa.Integer | sa.BigInteger):
        return 1_700_000_000
    if isinstance(column.type, sa.Boolean):
        return False
    if isinstance(column.type, sa.LargeBinary):
        return b"x"
    if name in ("every", "way", "state"):
        return {"every": "weekly", "way": "mail", "state": "asked"}[name]
    names = ("user_id", "member", "asked_of", "author", "sender", "named_by")
    return user_id if name in names else json.dumps(f"{name} of {user_id}")


def test_everything_of_a_member_is_given_and_nothing_of_anybody_else(database: sa.Connection) -> None:
    for number, (user_id, room) in enumerate(((ANA, OWN), ("@anabel:x", "!anabel:x"))):
        for table in {held.table: metadata.tables[held.table] for held in HELD if held.section}.values():
            row = {column.name: filled(database, column, user_id, room) for column in table.columns}
            if "number" in row:
                row["number"] = number
            database.execute(table.insert().values(row))
    found = gathered(database, Own(ANA, OWN))
    sections = {held.section for held in HELD if held.section}
    assert sections <= found.keys() and all(len(found[section]) == 1 for section in sections), found
    assert "@anabel" not in str(found) and "!anabel" not in str(found)
    assert "token_hash of" not in str(found) and "code_hash of" not in str(found)
    assert found["suggested members"] == [{"user_id": ANA, "other": OTHER}]
    assert found["forms"] == [{"at": "2023-11-14T22:13:20Z"}]
    assert {one["table"] for one in found["not given by the bots"]} >= {"poll_ballot", "inbox", "steward_report"}
    json.dumps(found)
    assert gathered(database, Own("@nobody:x")).keys() == {"not given by the bots"}


def says(bot: Any, database: sa.Connection, text: str, *roles: str) -> list[Effect]:
    event = Event("$c", OWN, "m.room.message", ANA, {"msgtype": "m.text", "body": text})
    asker = Asker(Person(ANA, "harbour", frozenset(roles or ("member",))), 0, OWN)
    context = Context(ME, Policy("service"), asker=asker, now=0.0, occasion="$c", connection=database)
    return list(bot.handle(event, context))


def ends(bot: Any, database: sa.Connection, then: Any, **outcome: Any) -> list[Effect]:
    job = Job("outcome x", 0.0, {"then": json.loads(json.dumps(then)), **outcome})
    return list(bot.run(job, Context(ME, now=0.0, occasion="job", connection=database)))


def test_the_bots_part_goes_to_the_module_and_the_member_is_told_where(database: sa.Connection) -> None:
    bot = steward()
    (act,) = says(bot, database, "!mydata")
    assert isinstance(act, Act) and act.act == "export"
    done = {"outcome": "done", "act": "export", "export": "e1", "member": ANA, "own_room": OWN}
    part, said = ends(bot, database, act.then, outcome=done)
    assert isinstance(part, Contribute) and (part.user, part.export) == (ANA, "e1") and part.sections
    assert lane_of(part, None) == f"mydata {ANA}"
    assert isinstance(said, Send) and f"{PORTAL}/mydata" in str(said.content["body"])
    (told,) = ends(bot, database, act.then, refused="A copy is being made already.")
    assert isinstance(told, Send) and "being made already" in str(told.content["body"])


def test_of_a_copy_for_somebody_else_they_are_told(database: sa.Connection) -> None:
    bot = steward()
    assert "Shall I?" in str(next(iter(says(bot, database, "!mydata for @ben", "manager"))))
    question = next(iter(database.execute(sa.text("SELECT call FROM question")).scalars()))
    done = {"outcome": "done", "act": "export_for", "export": "e2", "member": "@ben:x", "own_room": "!ben:x"}
    part, told, said = ends(bot, database, json.loads(question), outcome=done)
    assert isinstance(part, Contribute) and part.user == "@ben:x"
    assert isinstance(told, Send) and told.room == "!ben:x" and "as you asked" in str(told.content["body"])
    assert isinstance(said, Send) and said.room == OWN and f"{PORTAL}/mydata" not in str(said.content["body"])


def test_of_a_copy_for_who_cannot_take_it_an_operator_is_named(database: sa.Connection) -> None:
    bot = steward()
    says(bot, database, "!mydata for @ben", "manager")
    question = json.loads(next(iter(database.execute(sa.text("SELECT call FROM question")).scalars())))
    for own_room in (None, "!ben:x"):
        done = {"outcome": "done", "act": "export_for", "export": "e2", "member": "@ben:x"}
        part, *told, said = ends(bot, database, question, outcome=done | {"own_room": own_room, "belongs": False})
        assert isinstance(part, Contribute) and part.user == "@ben:x"
        assert isinstance(said, Send) and "belisha member export" in str(said.content["body"])
        assert [isinstance(one, Send) and one.room for one in told] == [own_room] * bool(own_room)
        assert not any("/mydata" in str(one) for one in told), "a page that is closed to them"


def test_without_a_portal_there_is_no_copy(database: sa.Connection) -> None:
    (said,) = says(steward(""), database, "!mydata")
    assert isinstance(said, Send) and "no portal" in str(said.content["body"])
