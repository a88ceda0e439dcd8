"""What is held about members, as data: no table or column of the module's without its entry, and nobody else in it."""

from __future__ import annotations

import sqlite3

import pytest

from belisha.held import OTHER, Held, KnownAs, Own, masked, moment, unnamed
from synapse_modules.export_sections import SECTIONS
from synapse_modules.held import HELD
from synapse_modules.schema import MIGRATIONS

ANNA = Own("@anna:x", "!own:x")

#: Columns of tables whose rows are given that are not: each name says why in its table's `left`, or is plain.
LEFT = {
    "belisha_item": {"acts_until", "pending", "pending_by", "pending_since", "badge_due"},
    "belisha_moderation": {"pending", "place"},
    "belisha_report": {"native_id", "due", "number", "card", "carded_at"},
    "belisha_report_act": {"place"},
    "belisha_announcement": {"command_id"},
    "belisha_invitation": {"token_hash", "name"},
    "belisha_recovery": {"id", "code_hash", "sessions"},
    "belisha_factor": {"sealed", "last_step"},
    "belisha_waiting": {"id", "command_id", "pending"},
    "belisha_introducing": {"id", "proof", "opener"},
    "belisha_export": {"id", "step", "place", "position", "bots", "link_hash", "link_until"},
    "belisha_hold": {
        *("room_id", "member", "since", "until", "reason", "open_until", "opened_at", "reviewed_at", "journalled"),
    },
    "belisha_upgrade": {"policy", "done"},
}


def columns() -> dict[str, set[str]]:
    database = sqlite3.connect(":memory:")
    for statement in (one for migration in MIGRATIONS for one in migration):
        database.execute(statement)
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for name in names}


def test_every_table_of_the_module_is_in_the_list() -> None:
    there = columns()
    assert unnamed(there, HELD) == set(), "say of each new table whose its rows are, or why none are given"
    assert {held.table for held in HELD} <= there.keys(), "and of no other"
    assert unnamed([*there, "belisha_new"], HELD) == {"belisha_new"}


def test_every_column_of_what_is_given_is_given_masked_or_left() -> None:
    there = columns()
    for table in {held.table for held in HELD if held.section}:
        known = {name for held in HELD if held.table == table for name in (*held.give, *held.masked, *held.mine)}
        assert known <= there[table], (table, known - there[table])
        assert there[table] - known == LEFT.get(table, set()), table


def test_who_else_is_named_is_masked() -> None:
    held = Held(
        table="t", section="s", mine=("member",), give=("at", "content"), masked=("by_member", "member"), left="x."
    )
    values = {"at": 1_700_000_000, "content": '{"a": "@ben:x", "@cora:x": ["@anna:x"]}', "by_member": "ben"}
    row = held.row({**values, "member": "anna"}, ANNA)
    content = {"a": OTHER, OTHER: ["@anna:x"]}
    assert row == {"at": "2023-11-14T22:13:20Z", "content": content, "by_member": OTHER, "member": "anna"}
    assert held.row({**values, "by_member": None, "member": "@anna"}, ANNA)["by_member"] is None
    assert masked({"text": "ask @ben:x", "users": {"@ben:x": 1}}, ANNA) == {"text": "ask @ben:x", "users": {OTHER: 1}}
    assert held.row({**values, "content": {"a": ["@ben:x"]}, "member": "anna"}, ANNA)["content"] == {"a": [OTHER]}
    assert moment(1_700_000_000_000) == moment(1_700_000_000)


@pytest.mark.parametrize(
    ("more", "fine"),
    [
        ({}, False),
        ({"mine": ("a",), "section": "s"}, False),
        ({"left": "x."}, True),
        ({"mine": ("a",), "give": ("b",)}, False),
    ],
)
def test_an_entry_gives_rows_or_says_why_not(more: dict[str, object], fine: bool) -> None:
    if fine:
        Held(table="t", **more)  # type: ignore[arg-type]  # the cases' own
        return
    with pytest.raises(ValueError, match="says why"):
        Held(table="t", **more)  # type: ignore[arg-type]  # the same


def test_nothing_of_who_agrees_or_who_reported_is_given() -> None:
    """What would tell of others is in no section, whoever asks (article 15(4))."""
    theirs = [held for held in HELD if held.table == "belisha_introducing"]
    assert {
        column for held in theirs for column in held.give if column.endswith("agrees") and held.mine == ("asker",)
    } == set()
    assert all(held.mine == (held.give[1].removesuffix("_agrees"),) for held in theirs if held.mine != ("asker",))
    assert [held.mine for held in HELD if held.table == "belisha_report"] == [("reporter",)]
    assert not [held for held in HELD if held.table in ("belisha_alert", "belisha_act") and held.section]
    assert len({section.name for section in SECTIONS}) == len(SECTIONS) - 1, (
        "introductions to either of two are one section"
    )
    assert all(held.known_as is KnownAs.NAME for held in HELD)
