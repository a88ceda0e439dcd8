"""What members write into profiles becomes plain and short, whatever it is; who sees what of it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.directory.fields import AVAILABILITY, FIELDS, Field, Visibility
from belisha.directory.written import NotSo, is_so, plain, read, without
from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.directory.profiles import Kept, seen
from bots.kernel.listed import Listed, Sight, listed_of, page_of, sight_of

EXPERTISE, ABOUT, AVAILABLE = FIELDS["expertise"], FIELDS["about"], FIELDS["availability"]
ANA, BEN = (Listed(f"@{name}:x", name, "harbour", "Harbour Office", "charity") for name in ("ana", "ben"))


def test_tags_are_read_from_commas_and_lines_each_once() -> None:
    assert read(EXPERTISE, "image hashing, OSINT;\n osint ,, Ünïcode ") == ("image hashing", "OSINT", "Ünïcode")
    assert read(EXPERTISE, " , ;\n") == () and read(ABOUT, "  ") == ()
    assert read(ABOUT, "two\nlines") == ("two lines",)
    assert without(("OSINT", "maps"), ["osint", "ships"]) == ("maps",)


def test_availability_is_one_of_a_few_words() -> None:
    for one in AVAILABILITY:
        assert read(AVAILABLE, one.title()) == (one,) == read(AVAILABLE, one.replace(" ", "-"))
    with pytest.raises(NotSo, match="It is one of open to requests, limited, not now"):
        read(AVAILABLE, "always")


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (EXPERTISE, "x" * 41, "below 40 characters"),
        (ABOUT, "x" * 1001, "below 1000 characters"),
        (EXPERTISE, ",".join(map(str, range(31))), "room for 30 entries"),
        (EXPERTISE, ",".join(map(str, range(10_000))), "too long"),
        (ABOUT, "[TLP:RED] the raid is on Monday", "cannot be TLP:RED"),
        (EXPERTISE, "maps, TLP:AMBER", "cannot be TLP:AMBER"),
        (ABOUT, "TLP:PURPLE talk", "cannot carry this"),
    ],
)
def test_what_cannot_stand_in_a_profile_is_told(field: Field, text: str, words: str) -> None:
    with pytest.raises(NotSo, match=words):
        read(field, text)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("a\u200bb\ufeffc\U000e0041", "abc"),
        ("nul\0 bell\a", "nul bell"),
        ("half \ud800 pair", "half pair"),
        ("z" + "\u0335" * 50, "z" + "\u0335" * 4),
        ("a\u2028b\x85c\td", "a b c d"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("<b>=1+1", "<b>=1+1"),
    ],
)
def test_nothing_unseen_is_left(written: str, left: str) -> None:
    assert plain(written) == left


@given(st.text(max_size=300))
def test_what_was_read_reads_the_same_again(text: str) -> None:
    for field in (EXPERTISE, ABOUT):
        try:
            said = read(field, text)
        except NotSo as wrong:
            assert str(wrong)
            continue
        assert all(one == plain(one) and len(one) <= field.length for one in said)
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for one in said for char in one)
        assert not said or is_so(field.id, list(said))


def test_the_server_takes_only_what_a_member_could_have_written() -> None:
    assert is_so("expertise", ["maps", "OSINT"]) and is_so("availability", ["limited"])
    for field, value in (
        ("expertise", ["a\u202eb"]),
        ("expertise", ["x" * 41]),
        ("expertise", ["x"] * 31),
        ("expertise", []),
        ("expertise", "maps"),
        ("expertise", [1]),
        ("expertise", [""]),
        ("about", ["TLP:RED x"]),
        ("about", ["one", "two"]),
        ("availability", ["always"]),
        ("name", ["Admiral"]),
    ):
        assert not is_so(field, value), (field, value)
    markers = MarkerReader({"SECRET": None, "OFFICIAL-SENSITIVE": Label.AMBER})
    assert is_so("about", ["OFFICIAL-SENSITIVE notes"]) and not is_so("about", ["OFFICIAL-SENSITIVE notes"], markers)


def test_who_sees_what_follows_from_the_groups_that_are_shared_now() -> None:
    kept = Kept(
        {"role": ("Pilot",), "challenges": ("ice",), "contact": ("by radio",), "about": ("mine",)},
        {"challenges": Visibility.GROUPS, "about": Visibility.NOBODY},
    )
    assert set(seen(kept, BEN, Sight(ANA, frozenset(), frozenset())).fields) == {"role"}
    assert set(seen(kept, BEN, Sight(ANA, frozenset({BEN.user_id}), frozenset())).fields) == {
        "role",
        "challenges",
        "contact",
    }
    assert set(seen(kept, BEN, Sight(BEN, frozenset(), frozenset())).fields) == set(kept.fields)


def test_answers_of_the_module_are_read_or_are_none() -> None:
    raw = {"user_id": "@a:x", "name": "A", "organisation": "o", "organisation_name": "O", "category": "charity"}
    assert listed_of(raw) == Listed("@a:x", "A", "o", "O", "charity")
    assert listed_of({**raw, "name": 1}) is None and listed_of([]) is None
    assert sight_of({"asker": None, "shares": ["@b:x"]}) is None
    sight = sight_of({"asker": raw, "shares": ["@b:x", 1], "absent": "x", "about": [raw, None]})
    assert sight is not None and (sight.shares, sight.absent) == ({"@b:x"}, frozenset())
    assert sight.about == (listed_of(raw), None)
    page = page_of({"revision": "7", "members": [{**raw, "standing": "active", "service_room": None}], "next": "a"})
    assert page is not None and (page.revision, page.onward, page.members[0].standing) == ("7", "a", "active")
    assert page_of({"revision": 7, "members": []}) is None and page_of({"revision": "7", "members": [1]}) is None
