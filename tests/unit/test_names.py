"""Names and ids of the registry: real names of people pass, and what would be taken for another's does not."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.lookalikes import INVISIBLE, fold
from belisha.policy.likeness import Known, clash_of_member, clash_of_organisation, looks_like, skeletons
from belisha.policy.names import name_from, problem_of_member, problem_of_organisation
from belisha.policy.people import ROLES
from tests.support.community import assert_sentence

KNOWN = Known(
    {
        "anna": ("Anna Keller", "harbour"),
        "vladimir": ("Владимир", "harbour"),
        "jorg": ("J\u00f6rg Bell", "university"),
    },
    {"harbour": "Harbour Helpline", "university": "The University"},
    frozenset({"gone1"}),
)

PEOPLE = (
    *("Zo\u00eb", "Ng\u00f4 \u0110\u00ecnh", "Владимир Путько", "O'Brien", "O\u2019Brien", "Anne-Marie"),
    *("李小龙", "田中 さくら", "김철수", "محمد علي", "ישראל", "अनिल कुमार", "தமிழ்", "ชัยวัฒน์", "ქეთი", "Νίκος"),
    *("Ọlá", "Jo\u0308rg", "Bj\u00f6rn \u00de\u00f3rr", "Dr. Ada Lovelace-King", "Jan Bot", "Mary Steward", "Sam 2"),
    *("Gal·la", "Martin Luther King, Jr.", "Manager" + "s"),
)

#: What it is, and why nobody gets it.
REFUSED_NAMES = {
    "empty": "",
    "spaces": "   ",
    "space at the end": "Anna ",
    "digits": "1234",
    "zero width": "An\u200bna",
    "soft hyphen": "An\u00adna",
    "joiner": "An\u200dna",
    "bidi": "\u202eannA",
    "line": "An\nna",
    "tag": "Anna\U000e0041",
    "variation selector": "Anna\ufe0f",
    "filler": "An\u3164na",
    "non-breaking space": "An\u00a0na",
    "full width": "\uff21nna",
    "mathematical": "\U0001d400nna",
    "emoji": "Anna \U0001f600",
    "circled": "\u24b6nna",
    "half a pair": "Anna\ud800",
    "private": "Anna\ue000",
    "Cyrillic a in Latin": "\u0410nna",
    "Greek o in Latin": "Ann \u039fak",
    "brackets": "Anna (Harbour)",
    "label": "TLP:RED Anna",
    "stack of marks": "A\u0301\u0302\u0303\u0304\u0305\u0306nna",
    "the same mark twice": "A\u0301\u0301nna",
    "mark first": "\u0301Anna",
    "too long": "A" * 81,
    "bot": "Steward (bot)",
    "role": "Steward Anna",
    "role alone": "Moderator",
    "role with digits": "M0derat0r",
    "role by rn": "Adrnin",
    "Belisha": "Belisha Support",
    "Belisha by l": "Anna Beiisha",
    "Cyrillic admin": "\u0430dmin",
}


@pytest.mark.parametrize("name", PEOPLE)
def test_names_of_people_pass(name: str) -> None:
    assert problem_of_member("ada", name, ()) is None


@pytest.mark.parametrize("what", REFUSED_NAMES)
def test_what_is_no_name_is_refused_with_a_sentence(what: str) -> None:
    problem = problem_of_member("ada", REFUSED_NAMES[what], ())
    assert problem is not None
    assert_sentence(problem)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "member"])
def test_a_role_that_one_has_may_stand_in_the_name(role: str) -> None:
    for localpart, name in ((role, "Ada"), ("ada", f"{role.title()} Ada")):
        assert problem_of_member(localpart, name, (role,)) is None
        assert problem_of_member(localpart, name, ("member",)) is not None


@pytest.mark.parametrize(
    "name", ["Support Centre North", "Zoë & Partner (UK)", "Harbour/Quay", "AT&T!", "Lead Institute"]
)
def test_names_of_organisations_pass(name: str) -> None:
    assert problem_of_organisation("sea-rescue", name, "charity") is None


@pytest.mark.parametrize("name", ["Bot", "Steward", "Admin Team", "Belisha", "bot\u200b", "TLP Office"])
def test_an_organisation_does_not_speak_for_the_community(name: str) -> None:
    assert problem_of_organisation("sea-rescue", name, "charity") is not None


@pytest.mark.parametrize(
    "key", ["", "Sea", "sea rescue", "-sea", "sea-", "sea.rescue", "sea_rescue", "s" * 33, "bot", "séa"]
)
def test_ids_of_organisations_are_of_one_rule(key: str) -> None:
    problem = problem_of_organisation(key, "Sea Rescue", "charity")
    assert problem is not None
    assert_sentence(problem)


@pytest.mark.parametrize(
    "localpart", ["", "_x", ".x", "Anna", "a=b", "a/b", "x" * 65, "belisha_x", "be1isha_x", "admin", "r00t"]
)
def test_user_names_that_nobody_gets(localpart: str) -> None:
    problem = problem_of_member(localpart, "Ada", ())
    assert problem is not None
    assert_sentence(problem)


CLASHES = {
    "the same name": ("ada", "Anna Keller", "harbour", "middle initial"),
    "in capitals": ("ada", "ANNA KELLER", "harbour", "middle initial"),
    "two spaces": ("ada", "Anna  Keller", "harbour", "middle initial"),
    "an accent": ("ada", "Änna Keller", "harbour", "middle initial"),
    "small and large l": ("ada", "Anna KeIler", "harbour", "middle initial"),
    "digit": ("ada", "Anna Ke1ler", "harbour", "middle initial"),
    "decomposed": ("ada", "Jo\u0308rg Bell", "university", "middle initial"),
    "capitals of another script": ("ada", "ВЛАДИМИР", "harbour", "middle initial"),
    "an organisation": ("ada", "Harbour Helpline", "university", "organisation"),
    "an organisation's id": ("ada", "Harbour", "university", "organisation"),
    "a bot": ("ada", "Steward", "harbour", "bots"),
    "a user name": ("annà".replace("à", "a"), "Another", "harbour", None),
    "a look-alike user name": ("j0rg", "Another", "harbour", "looks like"),
    "one of a former member": ("gonel", "Another", "harbour", "looks like"),
}


@pytest.mark.parametrize("what", CLASHES)
def test_a_member_who_looks_like_another_is_refused(what: str) -> None:
    localpart, name, organisation, words = CLASHES[what]
    problem = clash_of_member(localpart, name, organisation, KNOWN)
    if words is None:
        assert problem is None, "a member never clashes with itself"
        return
    assert problem is not None and words in problem
    assert_sentence(problem)


def test_namesakes_of_two_organisations_are_told_apart_by_these() -> None:
    assert clash_of_member("ada", "Anna Keller", "university", KNOWN) is None
    assert clash_of_member("ada", "Anna B. Keller", "harbour", KNOWN) is None


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("harb0ur", "Quay"),
        ("quay", "HARBOUR HELPLINE"),
        ("quay", "Harbour He1pline"),
        ("quay", "Harbour"),
        ("quay", "Anna Keller"),
        ("theuniversity", "the  university"),
    ],
)
def test_an_organisation_that_looks_like_another_is_refused(key: str, name: str) -> None:
    problem = clash_of_organisation(key, name, KNOWN)
    assert problem is not None
    assert_sentence(problem)
    assert clash_of_organisation("harbour", "Harbour Helpline", KNOWN) is None
    assert clash_of_organisation("harbour", "Harbour Rescue", KNOWN) is None


@pytest.mark.parametrize(
    ("localpart", "name"), [("anna.keller", "Anna Keller"), ("jo-ann_b", "Jo Ann B"), ("x1", "X1")]
)
def test_a_name_out_of_a_user_name(localpart: str, name: str) -> None:
    assert name_from(localpart) == name


@given(st.text(max_size=30))
def test_what_passes_is_seen_and_no_check_fails(text: str) -> None:
    if problem_of_member("ada", text, ()) is None:
        assert text.isprintable() and text == text.strip()
        assert not any(unicodedata.category(char) in ("Cf", "Cc", "Cs", "Co", "Cn", "So") for char in text)
        assert any(fold(part) for part in text.split())
    assert looks_like(text, text) or not skeletons(text)
    clash_of_member("ada", text, "harbour", KNOWN)
    clash_of_organisation("quay", text, KNOWN)


@given(
    st.sampled_from(["Anna Keller", "Владимир", "J\u00f6rg Bell"]),
    st.lists(st.sampled_from(["upper", "lower", "nfd", "nfc", "spaces", "invisible", "mark"]), max_size=4),
)
def test_no_change_that_is_not_seen_makes_another_name(name: str, changes: list[str]) -> None:
    changed = name
    for change in changes:
        changed = {
            "upper": changed.upper(),
            "lower": changed.lower(),
            "nfd": unicodedata.normalize("NFD", changed),
            "nfc": unicodedata.normalize("NFC", changed),
            "spaces": changed.replace(" ", "   "),
            "invisible": changed[:2] + "\u200b" + changed[2:],
            "mark": changed[:1] + "\u0323" + changed[1:],
        }[change]
    assert looks_like(changed, name)


def test_format_characters_of_every_plane_count_as_unseen() -> None:
    unseen = re.compile(f"[{INVISIBLE}]")
    formats = (chr(point) for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point)) == "Cf")
    assert [char for char in formats if not unseen.fullmatch(char)] == []
