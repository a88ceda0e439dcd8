"""How the directory reads words and queries, and how it ranks: pure, without a database."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.directory.documents import documents, expertise_of
from belisha.directory.fields import FIELDS, REGISTRY, Visibility
from belisha.directory.query import (
    MOST_WORDS,
    Alternative,
    Known,
    Unit,
    corrections,
    parse,
    spell_out,
    to_look_up,
)
from belisha.directory.ranking import Ranking
from belisha.directory.text import deletions, edits, one_edit_apart, words
from belisha.directory.values import Profile


def _keys(text: str) -> list[str]:
    return [word.key for word in words(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Image-Hashing", "image hash"),
        ("hashes", "hash"),
        ("detection", "detecting"),
        ("moderators", "moderation"),
        ("databases", "database"),
        ("policies", "policy"),
        ("Überwachung", "uberwachung"),
        ("ＯＳＩＮＴ", "osint"),
        ("im\u200bage", "image"),
        ("\u202egnihsah", "gnihsah"),
    ],
)
def test_what_reads_the_same_has_one_key(one: str, other: str) -> None:
    assert _keys(one) == _keys(other)


@pytest.mark.parametrize(("one", "other"), [("policy", "police"), ("AML", "ML"), ("news", "new york"), ("SS", "s")])
def test_other_words_have_other_keys(one: str, other: str) -> None:
    assert _keys(one) != _keys(other)


def test_every_script_is_read() -> None:
    assert len(_keys("画像検索")) == 4
    assert _keys("Кибербезопасность") == [f"_{'кибербезопасность'.encode().hex()}"]
    assert _keys("!!! -- 🙂 \0") == []


@given(st.from_regex(r"[A-Za-z0-9]{1,45}", fullmatch=True))
def test_in_ascii_a_word_begins_as_its_key_does(word: str) -> None:
    """By that sentences are passed over unread; endings are changed in the last letter alone."""
    assert word.lower().startswith(words(word)[0].key[:-1])


@given(st.text(max_size=300))
def test_keys_are_never_syntax(text: str) -> None:
    """Not of FTS5, of tsquery, or of the documents' own form."""
    assert all(re.fullmatch("[a-z0-9_]+", key) and key != "_" for key in _keys(text))


@given(st.text("abcd", min_size=1, max_size=7), st.text("abcd", min_size=1, max_size=7))
def test_one_edit_is_found_by_deletions(one: str, other: str) -> None:
    """The distance by its definition (Damerau, restricted), against which the quick way is held."""
    letters = "abcd"
    edits = {one[:at] + one[at + 1 :] for at in range(len(one))}
    edits |= {one[:at] + letter + one[at:] for at in range(len(one) + 1) for letter in letters}
    edits |= {one[:at] + letter + one[at + 1 :] for at in range(len(one)) for letter in letters}
    edits |= {one[:at] + one[at + 1] + one[at] + one[at + 2 :] for at in range(len(one) - 1)}
    apart = other in edits - {one}
    assert one_edit_apart(one, other) is apart
    if apart:
        assert deletions(one) & deletions(other)


@given(st.text(max_size=400))
def test_any_query_can_be_read(text: str) -> None:
    parsed = parse(text)
    units = spell_out(parsed, Known())
    assert sum(len(run) for _, run in parsed.pieces) <= MOST_WORDS
    assert bool(units) is bool(parsed.pieces)


def _typed(text: str, known: Known | None = None) -> list[tuple[str, list[tuple[str, ...]]]]:
    units = spell_out(parse(text), known or Known())
    return [(unit.typed, [one.keys for one in unit.alternatives]) for unit in units]


def test_words_that_ask_are_left_out_unless_nothing_else_is_there() -> None:
    assert [typed for typed, _ in _typed("who knows about phishing")] == ["phishing"]
    assert [typed for typed, _ in _typed("who knows")] == ["who", "knows"]
    assert [typed for typed, _ in _typed('"who knows"')] == ["who knows"]


def test_the_longest_synonym_counts() -> None:
    known = Known(synonyms={"open sourc intelligenc": ["OSINT", "open-source intelligence"], "open": ["ajar"]})
    assert _typed("open source intelligence swahili", known) == [
        ("open source intelligence", [("open", "sourc", "intelligenc"), ("osint",)]),
        ("swahili", [("swahili",)]),
    ]


def test_a_misspelt_word_is_read_as_the_most_usual_near_it() -> None:
    near = {"groming": [("grooming", 50), ("groaning", 90), ("roaming", 70), ("gloming", 60)]}
    known = Known(near=near)
    assert to_look_up(parse("groming x"), {}, frozenset()) == ([], ["groming"])
    assert _typed("groming x", known)[0] == ("groming", [("grom",), ("glom",), ("groom",)])
    assert corrections(parse("groming x"), known) == {"groming": "gloming"}


def test_a_word_that_others_have_is_corrected_only_where_it_is_rare() -> None:
    near = {"groming": [("grooming", 50)]}
    rare, usual = (
        Known({}, {"groming": 2}, frozenset({"grom"}), {}, near),
        Known({}, {"groming": 9}, frozenset(), {}, near),
    )
    assert next(one for _, one in _typed("groming x", rare)) == [("grom",), ("groom",)]
    assert next(one for _, one in _typed("groming x", usual)) == [("grom",)]
    assert corrections(parse("groming x"), rare) == {}, "it was not read in its place, but beside it"


def test_a_beginning_is_looked_up_where_it_is_no_word() -> None:
    assert to_look_up(parse("image has"), {}, frozenset()) == (["has"], ["image"])
    assert to_look_up(parse("image has"), {"has": 3, "image": 90}, frozenset({"has"})) == ([], [])
    assert to_look_up(parse("has* image"), {"image": 90}, frozenset()) == (["has"], [])
    known = Known(begun={"hashin": [("hashing", 4)]})
    assert next(one for _, one in _typed("hashin", known)) == [("hashin",), ("hash",), ("hashin",)]


def _flat(**fields: tuple[str, ...]) -> str:
    return documents(Profile("@a:x", "Ada", "x", "X", "industry", fields))[0].flat


def _score(query: str, flat: str, updated: float = 1e9, known: Known | None = None) -> float:
    return Ranking(spell_out(parse(query), known or Known()), 1e9).hold(flat, updated).score


def test_what_ranks_before_what() -> None:
    """Each line: the query, and two profiles of which the first is the better answer."""
    pairs = [
        ("image hashing", {"expertise": ("image hashing",)}, {"interests": ("image hashing",)}),
        ("image hashing", {"interests": ("image hashing",)}, {"about": ("I know image hashing.",)}),
        ("image hashing", {"expertise": ("image hashing",)}, {"expertise": ("image search", "password hashing")}),
        ("hashing", {"expertise": ("hashing",)}, {"expertise": ("hashing of very long files",)}),
        ("hashing", {"expertise": ("hashing",), "role": ("Hashing engineer",)}, {"expertise": ("hashing",)}),
        (
            "hashing swahili",
            {"expertise": ("hashing",), "languages": ("Swahili",)},
            {"expertise": ("hashing", "osint")},
        ),
    ]
    for query, better, worse in pairs:
        assert _score(query, _flat(**better)) > _score(query, _flat(**worse)) > 0, (query, better, worse)


def test_the_fresher_of_two_equals_comes_first_and_a_better_match_before_a_fresher() -> None:
    same, less = _flat(expertise=("hashing",)), _flat(interests=("hashing",))
    year = 365 * 86400
    assert _score("hashing", same) > _score("hashing", same, 1e9 - year)
    assert _score("hashing", same, 1e9 - 10 * year) > _score("hashing", less)


def test_no_phrase_goes_on_in_the_next_tag() -> None:
    flat = _flat(expertise=("image hashing", "grooming detection"))
    assert _score('"image hashing"', flat) > 0
    assert _score('"hashing grooming"', flat) == 0


def test_reasons_name_the_tag_and_the_sentence() -> None:
    profile = Profile(
        "@a:x",
        "Ada",
        "x",
        "X",
        "industry",
        {"expertise": ("OSINT",), "about": ("I like tea. " * 10 + "For years I did image hashing. The end.",)},
    )
    document, _ = documents(profile)
    known = Known(synonyms={"open sourc": ["OSINT", "open source"]})
    ranking = Ranking(spell_out(parse("open source image"), known), 1e9)
    reasons = ranking.reasons(ranking.hold(document.flat, 1e9), document.flat, document.texts)
    assert [str(reason) for reason in reasons] == [
        "expertise: OSINT (means the same as open source)",
        "about: For years I did image hashing.",
    ]


def test_everything_of_a_field_is_in_its_document_or_in_none() -> None:
    fields = {name: (f"word{field.code}",) for name, field in FIELDS.items()}
    for seen in Visibility:
        profile = Profile("@a:x", "Ada", "x", "X", "industry", fields, dict.fromkeys(FIELDS, seen))
        everybody, groups = documents(profile)
        shown = {code for code, _ in everybody.segments} - REGISTRY.keys()
        searched = {field.code for field in FIELDS.values() if field.weight}
        assert shown == (searched if seen is Visibility.COMMUNITY else set())
        if seen is Visibility.GROUPS:
            assert groups is not None and {code for code, _ in groups.segments} - REGISTRY.keys() == searched
            assert groups.availability == "wordv" and everybody.availability == ""
        else:
            assert groups is None
        assert not any("wordt" in text for document in (everybody, groups) if document for _, text in document.texts)


def test_the_expertise_of_a_document_is_its_tags_alone() -> None:
    assert expertise_of("|n ada |o x |r osint |e image hash |e tea |i osint |") == "|e image hash |e tea |"
    assert expertise_of("|n e |i tea |") == expertise_of("||") == "||"
    some = Profile("@a:x", "Eve", "e", "E", "industry", dict.fromkeys(FIELDS, ("e tea", "osint")))
    document, _ = documents(some)
    tags = "".join(f"{code} {' '.join(keys)} |" for code, keys in document.segments if code == "e")
    assert tags and expertise_of(document.flat) == f"|{tags}"


def test_a_field_holds_no_more_than_it_may() -> None:
    many = Profile(
        "@a:x", "Ada", "x", "X", "industry", {"expertise": tuple(f"tag{n} " + "x" * 99 for n in range(10_000))}
    )
    tags = [text for code, text in documents(many)[0].texts if code == "e"]
    assert len(tags) == 30
    assert all(len(text) <= 40 for text in tags)


def test_begins_is_held_to_in_documents_too() -> None:
    unit = Unit("has", (Alternative(("has",), how="prefix", begins=True),))
    assert Ranking([unit], 1e9).hold("|e hashtag |", 1e9).units == 1
    assert Ranking([unit], 1e9).hold("|e gnashas |", 1e9).units == 0


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_every_word_of_one_edit_is_made_where_there_is_no_vocabulary(one: str, other: str) -> None:
    assert (other in edits(one)) == (bool(other) and one_edit_apart(one, other))
