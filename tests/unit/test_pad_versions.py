"""Whose each passage of a pad is, which versions are kept, and how a text is put back; no store."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Assoc, Doc, Text

from belisha.tlp import Label
from bots.pads.restoring import pieces
from bots.pads.updates import read_update, rewritten
from bots.pads.versions import MOST_UNNAMED, Version, thinned
from bots.pads.whose import passages

WORDS = st.text("abc é😀\n", max_size=6)
WRITING = st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1), st.integers(0, 4), WORDS), max_size=25)
PEOPLE = {11: "@ana:x", 22: "@ben:x", 33: "@ana:x"}


def written(script: list[tuple[int, float, int, str]]) -> Doc[Text]:
    """Three pages write in turn, each now and then without the others' newest words."""
    docs: list[Doc[Text]] = [Doc(client_id=client) for client in PEOPLE]
    for at, (page, share, gone, words) in enumerate(script):
        doc = docs[page]
        if at % 3:
            for other in docs:
                doc.apply_update(other.get_update(doc.get_state()))
        text = doc.get("text", type=Text)
        before = str(text)
        begin = round(share * len(before))
        start = len(before[:begin].encode())
        del text[start : start + len(before[begin : begin + gone].encode())]
        if words:
            text.insert(start, words)
    for _ in range(2):
        for doc in docs:
            for other in docs:
                doc.apply_update(other.get_update(doc.get_state()))
    return docs[0]


def letter_by_letter(doc: Doc[Text]) -> list[tuple[int, str]]:
    """The same, by asking the library about each letter."""
    text, found, at = doc.get("text", type=Text), list[str](), 0
    for letter in str(text):
        place = text.sticky_index(at, Assoc.AFTER).to_json()
        found.append(PEOPLE[place["item"]["client"]])
        at += len(letter.encode())
    return [(sum(1 for _ in same), by) for by, same in groupby(found)]


@settings(max_examples=60, deadline=None)
@given(WRITING)
def test_passages_are_whose_the_library_says_letter_by_letter(script: list[tuple[int, float, int, str]]) -> None:
    doc = written(script)
    assert [tuple(one) for one in passages(doc.get_update(), PEOPLE)] == letter_by_letter(doc)


def test_as_many_letters_in_the_place_of_anothers_are_not_theirs() -> None:
    ana, ben = Doc(client_id=11), Doc(client_id=22)
    ana.get("text", type=Text).insert(0, "We pay 100 pounds")
    ben.apply_update(ana.get_update())
    theirs = ben.get("text", type=Text)
    del theirs[7:10]
    theirs.insert(7, "999")
    assert passages(ben.get_update(), PEOPLE) == ((7, "@ana:x"), (3, "@ben:x"), (7, "@ana:x"))
    assert passages(ben.get_update(), {11: "", 22: "@ben:x"})[0] == (7, ""), "who has left"
    assert passages(ben.get_update(), {22: "@ben:x"})[0] == (7, ""), "whom nobody knows"
    assert passages(b"\0\0", {}) == ()


def test_rewriting_changes_letters_and_no_number() -> None:
    doc = written([(0, 0.0, 0, "é😀a"), (1, 0.5, 1, "b"), (2, 1.0, 0, "c\n")])
    state = doc.get_update()
    marked = rewritten(state, lambda client: chr(0x1000 + client))
    assert read_update(marked) == read_update(state)
    assert set(marked.decode("utf-8", "ignore")) >= {chr(0x1000 + 11)}


def version(number: int, at: float, name: str = "") -> Version:
    return Version(number, at, Label.GREEN, name, "", None, None)


def test_the_older_the_fewer_and_what_has_a_name_stays() -> None:
    now = 400 * 86_400.0
    every_half_hour = [version(number, now - (400 * 48 - number) * 1800.0) for number in range(400 * 48)]
    named = [version(10, every_half_hour[10].at, "Draft for the board"), *every_half_hour[:10], *every_half_hour[11:]]
    gone = set(thinned(named, now))
    left = [one for one in named if one.number not in gone]
    assert 10 not in gone and len(left) == MOST_UNNAMED + 1
    days = [(now - one.at) / 86_400 for one in left]
    assert sum(day < 1 for day in days) >= 47, "all of a day"
    assert max(one.number for one in left) == 400 * 48 - 1, "the newest is never thinned out"


def test_thinning_what_was_thinned_takes_nothing_more() -> None:
    now = 100 * 86_400.0
    versions = [version(number, now - 3_600 * (300 - number)) for number in range(300)]
    gone = set(thinned(versions, now))
    assert gone and thinned([one for one in versions if one.number not in gone], now) == []


def test_few_stay_of_an_old_text_over_years() -> None:
    kept: list[Version] = []
    for day in range(3 * 365):
        now = day * 86_400.0
        kept.append(version(day, now))
        gone = set(thinned(kept, now))
        kept = [one for one in kept if one.number not in gone]
        assert len(kept) <= MOST_UNNAMED
    assert kept[-1].number == 3 * 365 - 1 and len(kept) > 60


@given(st.text("ab\n\r😀", max_size=60), st.text("ab\n\r😀", max_size=60))
def test_pieces_make_one_text_of_the_other(before: str, after: str) -> None:
    found = list(pieces(before, after))
    assert "".join(old for old, _ in found) == before
    assert "".join(new for _, new in found) == after


def test_what_is_alike_is_not_written_anew() -> None:
    many = "".join(f"line {number}\n" for number in range(40))
    changed = many.replace("line 7\n", "line seven\n").replace("line 30\n", "")
    assert sum(len(new) for old, new in pieces(many, changed) if old != new) == len("seven")
    long = "x\n" * 5_000
    assert [pair for pair in pieces(long + "end", long + "and") if pair[0] != pair[1]] == [("e", "a")]
