"""Legal holds: who may, and what is sealed is opened in its own place by the other half of the key alone (E1, M2)."""

from __future__ import annotations

import itertools

import pytest

from belisha.kept import BrokenSeal, Place, opened, public_of, seal
from belisha.policy.holds import (
    MOST_DAYS,
    are_alike,
    day_of,
    decide_asking,
    decide_second,
    end_of,
    is_quiet_about,
    start_of,
)
from belisha.policy.people import ROLES, Person

DAY = 86_400


def person(name: str, *roles: str, frozen: bool = False) -> Person:
    return Person(f"@{name}:x", "alpha", frozenset(("member", *roles)), frozen=frozen)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(ROLES, ROLES)))
def test_two_of_which_one_is_a_manager(first: str, second: str) -> None:
    decision = decide_second(person("ben", second), person("ana", first), None, alike=False)
    assert decision.allowed == ({first, second} <= {"manager", "operator"} and "manager" in (first, second))


@pytest.mark.parametrize(
    ("first", "second", "member", "alike", "code"),
    [
        (person("ana", "manager"), person("ana", "manager"), None, False, "TAKES_TWO"),
        (person("ana", "manager"), person("ben", "manager"), None, True, "TAKES_TWO"),
        (person("ana", "manager"), person("ben", "manager"), "@ben:x", False, "ABOUT_YOU"),
        (person("ana", "manager", frozen=True), person("ben", "manager"), None, False, "NOT_THEIRS"),
        (Person("@ana:x"), person("ben", "manager"), None, False, "NOT_THEIRS"),
        (person("ana", "manager"), person("ben", "manager"), "@ana:x", False, None),
    ],
)
def test_nobody_is_two(first: Person, second: Person, member: str | None, alike: bool, code: str | None) -> None:
    assert decide_second(second, first, member, alike=alike).code == code


def test_how_long_and_of_when() -> None:
    asker = person("ana", "manager")
    for ends, since, until, code in (
        (1, None, None, None),
        (0, None, None, "IS_OVER"),
        (MOST_DAYS * DAY, None, None, None),
        (MOST_DAYS * DAY + 1, None, None, "TOO_LONG"),
        (1, 5, 5, "MALFORMED"),
        (1, 5, 6, None),
    ):
        assert decide_asking(asker, now=0, ends=ends, since=since, until=until).code == code
    assert (start_of("1970-01-02"), end_of("1970-01-02"), day_of(2 * DAY)) == (DAY, 2 * DAY, "1970-01-02")
    assert start_of("2027-02-30") is end_of("") is None


def test_who_is_told_nothing_and_who_looks_the_same() -> None:
    assert is_quiet_about(person("ana"), "@ana:x", quiet=True)
    assert not is_quiet_about(person("ana"), "@ana:x", quiet=False)
    assert not is_quiet_about(person("ana"), None, quiet=True)
    assert are_alike("Anna Berg", "Аnna  Berg") and not are_alike("Anna Berg", "Ben Berg")


def test_the_seal_is_of_one_place_and_one_key() -> None:
    place = Place("h1", "event", "$e", 0)
    sealed = seal(public_of("secret"), place, b"words")
    assert opened("secret", place, sealed) == b"words"
    assert b"words" not in sealed.encode() and sealed != seal(public_of("secret"), place, b"words")
    others = [place._replace(hold="h2"), place._replace(kind="file"), place._replace(id="$f"), place._replace(part=1)]
    for key, where, what in (("other", place, sealed), ("secret", place, sealed[4:]), ("secret", place, "?")):
        with pytest.raises(BrokenSeal):
            opened(key, where, what)
    for other in others:
        with pytest.raises(BrokenSeal):
            opened("secret", other, sealed)
