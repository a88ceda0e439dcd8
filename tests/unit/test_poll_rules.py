"""Who may end a poll and export it, as the issue says it: maker, maintainers and stewards; maker and stewards."""

from __future__ import annotations

import pytest

from belisha.policy.people import Person
from belisha.policy.polls import decide_ending, decide_export

MAKER = "@ana:x"


def person(name: str, *roles: str) -> Person:
    return Person(f"@{name}:x", "harbour", frozenset(roles or ("member",)))


@pytest.mark.parametrize(
    ("asker", "power", "ends", "exports"),
    [
        (person("ana"), 0, True, True),
        (person("ben"), 0, False, False),
        (person("ben"), 95, True, False),
        (person("ben"), 94, False, False),
        (person("cora", "member", "steward"), 0, True, True),
        (person("mona", "manager"), 0, False, False),
        (person("lea", "lead", "operator"), 50, False, False),
    ],
)
def test_who_may(asker: Person, power: int, ends: bool, exports: bool) -> None:
    assert decide_ending(asker, MAKER, power, ended=False).allowed is ends
    assert decide_export(asker, MAKER, disclosed=True, ended=False).allowed is exports


def test_what_is_over_is_not_ended_again_and_nobody_else_learns_that_it_is() -> None:
    assert decide_ending(person("ana"), MAKER, 0, ended=True).code == "POLL_ENDED"
    assert decide_ending(person("ben"), MAKER, 0, ended=True).code == "NOT_YOURS"


def test_how_an_undisclosed_poll_stands_is_nobodys_before_its_end() -> None:
    steward = person("cora", "steward")
    assert decide_export(steward, MAKER, disclosed=False, ended=False).code == "POLL_RUNS"
    assert decide_export(steward, MAKER, disclosed=False, ended=True).allowed
    assert decide_export(person("ben"), MAKER, disclosed=False, ended=False).code == "NOT_YOURS"
