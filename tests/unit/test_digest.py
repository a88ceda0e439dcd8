"""What a digest holds, decided without a server: what is new, what is busy, what may be told, and how much of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from belisha.digest.choosing import (
    BUSY,
    COUNTED,
    MOST,
    arranged,
    carried,
    conversations,
    decided,
    ordered,
    shortened,
    within,
)
from belisha.digest.values import MAIN, Entry, Group, Message, Reading, Shown, Told, Why
from belisha.tlp import Label

ME, BEN, DINA = "@me:x", "@ben:x", "@dina:x"
ROOM = "!buoys:x"
GROUP = Group(ROOM, "Buoys", since=100)
WHOLE = Reading(ME, 0, 10_000)


def said(at: int, sender: str = BEN, thread: str | None = None, room: str = ROOM) -> Message:
    return Message(f"${at}", room, sender, at, at, thread)


def many(count: int, thread: str | None = None, start: int = 200) -> list[Message]:
    return [said(start + number, (BEN, DINA)[number % 2], thread) for number in range(count)]


def talks(messages: list[Message], group: Group = GROUP, took_part: set[str] | None = None) -> list[Entry]:
    return conversations(arranged(by_time(messages)), WHOLE, {ROOM: group}, took_part or set())


def by_time(messages: list[Message]) -> list[Message]:
    return sorted(messages, key=lambda one: one.at)


@pytest.mark.parametrize(
    ("thread", "read", "until"),
    [
        (None, {}, 100),
        (None, {"": 300}, 300),
        (None, {MAIN: 300}, 300),
        (None, {"$root": 300}, 100),
        ("$root", {"$root": 300}, 300),
        ("$root", {MAIN: 300}, 100),
        ("$root", {"": 50}, 100),
    ],
)
def test_receipts_count_for_what_they_are_about(thread: str | None, read: dict[str, int], until: int) -> None:
    group = replace(GROUP, read=read)
    assert group.seen_until(thread) == until
    assert not group.is_new(said(until, thread=thread)) and group.is_new(said(until + 1, thread=thread))


def test_a_conversation_is_told_when_it_is_busy() -> None:
    assert talks(many(BUSY - 1)) == []
    (busy,) = talks(many(BUSY))
    assert (busy.why, busy.room_id, len(busy.items), dict(busy.facts)) == (Why.BUSY, ROOM, BUSY, {})
    assert talks([said(200 + number) for number in range(50)]) == [], "one who talks alone is not busy"
    (thread,) = talks(many(BUSY, "$root"))
    assert thread.facts["thread"]
    (much,) = talks(many(COUNTED + 1))
    assert len(much.items) == COUNTED and much.facts["more"]


def test_a_thread_with_the_readers_own_words_is_told_from_its_first_answer_on() -> None:
    (one,) = talks([said(200, thread="$root")], took_part={"$root"})
    assert (one.why, one.items) == (Why.TALK, ("$200",))
    assert talks([said(200, thread="$other")], took_part={"$root"}) == []


def test_what_the_reader_has_seen_takes_no_part() -> None:
    assert talks(many(BUSY), replace(GROUP, read={MAIN: 200})) == [], "one of them is read"
    assert talks(many(BUSY), replace(GROUP, since=200)) == [], "one of them was written before they came"
    assert talks([*many(BUSY), said(201, ME)]) == [], "who has written there knows what stood before"
    assert talks([said(200 + number, room="!else:x") for number in range(9)]) == [], "a group that they are not in"
    apart = conversations(arranged(many(BUSY)), WHOLE, {ROOM: GROUP}, set(), {"$200"})
    assert apart == [], "what is told already is not counted twice"
    posts = conversations(arranged(many(BUSY), {"$200"}), WHOLE, {ROOM: GROUP}, set())
    assert posts == [], "nor is a post"
    wrote = [said(201, ME), *(said(202 + number, (BEN, DINA)[number % 2]) for number in range(BUSY))]
    assert conversations(arranged(wrote, {"$201"}), WHOLE, {ROOM: GROUP}, set())[0].items[0] == "$202"


def test_of_each_reader_the_same_conversations_are_cut_by_their_own_time() -> None:
    there = arranged([said(200 + number, (BEN, DINA)[number % 2]) for number in range(2 * BUSY)])
    for since, until, first in ((0, 10_000, 200), (200 + BUSY - 1, 10_000, 200 + BUSY), (0, 200 + BUSY - 1, 200)):
        (told,) = conversations(there, Reading(ME, since, until), {ROOM: GROUP}, set())
        assert told.items[0] == f"${first}" and len(told.items) == (2 * BUSY if (since, until) == (0, 10_000) else BUSY)
    for since, until in ((200 + BUSY, 10_000), (0, 200 + BUSY - 2)):
        assert conversations(there, Reading(ME, since, until), {ROOM: GROUP}, set()) == []


def entry(why: Why, *items: str, at: float = 0.0, room: str = ROOM) -> Entry:
    return Entry(why, room, items, at)


def test_what_asks_for_the_reader_comes_first() -> None:
    entries = [entry(Why.BUSY, "$1"), entry(Why.POLL, "$2"), entry(Why.MENTION, "$3", at=9), entry(Why.MENTION, "$4")]
    assert [one.items for one in ordered(entries)] == [("$4",), ("$3",), ("$2",), ("$1",)]
    assert [one.items for one in within(entries, 3)] == [("$4",), ("$3",), ("$2",)]
    wide = [entry(Why.MENTION, "$3"), entry(Why.TALK, "$5", "$6", "$7"), entry(Why.BUSY, "$1")]
    assert [one.why for one in within(wide, 2)] == [Why.MENTION, Why.BUSY]


def test_only_what_is_told_now_is_shown() -> None:
    told = {"$1": Told(Label.AMBER, "Ben (Harbour)"), "$2": Told(Label.CLEAR, "Ben (Harbour)"), "$3": Told(Label.GREEN)}
    (one,) = decided([entry(Why.TALK, "$1", "$2", "$gone")], told, {ROOM: GROUP})
    assert (one.entry.items, one.label, one.place, one.names) == (
        ("$1", "$2"),
        Label.AMBER,
        "Buoys",
        ("Ben (Harbour)",),
    )
    (clear,) = decided([entry(Why.MENTION, "$2")], told, {ROOM: GROUP})
    assert clear.label is Label.GREEN, "who, where and when is for the community at most"
    assert decided([entry(Why.MENTION, "$gone")], told, {ROOM: GROUP}) == []
    assert decided([entry(Why.MENTION, "$1")], told, {}) == [], "they are not in that group any more"
    assert decided([entry(Why.BUSY, "$1", "$2", "$3")], told, {ROOM: GROUP}) == [], "it is not busy without the rest"
    assert decided([entry(Why.POLL, "$1")], {"$1": Told(Label.AMBER, voted=True)}, {ROOM: GROUP}) == []
    assert len(decided([entry(Why.POLL, "$1"), Entry(Why.APPROVAL)], told, {ROOM: GROUP})) == 2


def test_a_digest_is_short_and_says_how_much_there_is_besides() -> None:
    shown = [Shown(entry(Why.MENTION, f"${number}"), place="Buoys") for number in range(MOST + 1)]
    assert shortened(shown).rest == {} and len(shortened(shown).shown) == MOST + 1
    strict = Shown(entry(Why.BUSY, "$x"), Label.AMBER_STRICT, "Pilots")
    told = shortened([*shown, strict])
    assert len(told.shown) == MOST and told.rest == {"Buoys": 1, "Pilots": 1}
    assert told.label is Label.AMBER_STRICT, "the rest counts for the label too"
    assert shortened([]).label is Label.GREEN


def test_what_is_above_a_ceiling_is_a_number_of_groups_and_takes_no_other_part() -> None:
    other = "!pilots:x"
    groups = {ROOM: GROUP, other: Group(other, "Pilots", since=100)}
    busy = Entry(Why.BUSY, ROOM, tuple(f"$b{number}" for number in range(BUSY)))
    talk = Entry(Why.TALK, ROOM, ("$t1", "$t2"))
    entries = [busy, talk, Entry(Why.MENTION, other, ("$m",)), Entry(Why.MENTION, "!left:x", ("$l",))]
    told = {item: Told(Label.GREEN, "Ben") for one in entries for item in one.items}
    assert carried(entries, told, groups, Label.GREEN) == (decided(entries, told, groups), 0)
    told |= {"$b0": Told(Label.AMBER, "Dina"), "$t1": Told(Label.AMBER_STRICT, "Dina"), "$m": Told(Label.AMBER, "Dina")}
    shown, above = carried(entries, told, groups, Label.GREEN)
    assert [(one.entry.why, one.entry.items, one.names) for one in shown] == [(Why.TALK, ("$t2",), ("Ben",))]
    assert above == 2 and {one.label for one in shown} == {Label.GREEN}
    shown, above = carried(entries, told, groups, Label.AMBER)
    assert above == 1 and len(shown) == 3 and max(one.label for one in shown) == Label.AMBER
    assert carried(entries, {}, groups, Label.GREEN) == ([], 0)
