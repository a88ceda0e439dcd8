"""Who may take whom out of the community, case by case."""

from __future__ import annotations

import pytest

from belisha.acts import ACTS
from belisha.policy.acts import Subject
from belisha.policy.offboarding import decide_offboarding, decide_organisation_offboarding
from belisha.policy.people import Person, Standing

BY_NAME = {str(act.act): act for act in ACTS}
MEMBER, ORGANISATION = BY_NAME["member_offboard"], BY_NAME["organisation_offboard"]


def person(*roles: str, name: str = "asker", organisation: str = "alpha") -> Person:
    return Person(f"@{name}:x", organisation, frozenset(roles or ("member",)))


def subject(*roles: str, organisation: str = "alpha", by: str | None = None) -> Subject:
    standing = Standing.FROZEN if by else Standing.ACTIVE
    return Subject("dina", organisation, frozenset(roles or ("member",)), standing, by)


@pytest.mark.parametrize(
    ("asker", "about", "code"),
    [
        (person("lead"), subject(), None),
        (person("lead"), subject("lead"), None),
        (person("lead"), subject(by="lead"), None),
        (person("lead"), subject(by="manager"), None),
        (person("lead"), subject("steward"), "MODERATES"),
        (person("lead"), subject("member", "manager"), "MODERATES"),
        (person("lead"), subject(organisation="beta"), "NOT_YOURS"),
        (person("member"), subject(), "NOT_YOURS"),
        (person("operator"), subject(), "NOT_YOURS"),
        (person("steward"), subject(organisation="beta"), None),
        (person("steward"), subject("lead", organisation="beta"), None),
        (person("steward"), subject("steward", organisation="beta"), "MODERATES"),
        (person("steward"), subject("manager"), "MODERATES"),
        (person("manager"), subject("steward", organisation="beta"), None),
        (person("manager"), subject("manager"), None),
        (person("lead", name="dina"), subject("lead"), "NOT_YOURSELF"),
        (person("manager", name="dina"), subject("manager"), "NOT_YOURSELF"),
    ],
)
def test_who_takes_out_whom(asker: Person, about: Subject, code: str | None) -> None:
    assert decide_offboarding(MEMBER, asker, about, is_last_manager=False).code == code


@pytest.mark.parametrize(
    ("asker", "organisation", "roles", "code"),
    [
        (person("manager"), "beta", ("member",), None),
        (person("manager"), "beta", ("steward",), None),
        (person("manager"), "beta", ("manager",), None),
        (person("steward"), "beta", ("lead",), None),
        (person("steward"), "beta", ("steward",), "MODERATES"),
        (person("steward"), "beta", ("member", "manager"), "MODERATES"),
        (person("manager"), "alpha", ("member",), "NOT_YOURSELF"),
        (person("lead"), "alpha", ("member",), "NOT_YOURS"),
        (person("lead"), "beta", ("member",), "NOT_YOURS"),
        (person("member"), "beta", ("member",), "NOT_YOURS"),
    ],
)
def test_who_takes_out_an_organisation(
    asker: Person, organisation: str, roles: tuple[str, ...], code: str | None
) -> None:
    members = [subject(organisation=organisation), subject(*roles, organisation=organisation)]
    decision = decide_organisation_offboarding(ORGANISATION, asker, organisation, members, is_last_manager=False)
    assert decision.code == code


def test_the_last_manager_stays() -> None:
    manager = person("manager")
    assert decide_offboarding(MEMBER, manager, subject("manager"), is_last_manager=True).code == "LAST_MANAGER"
    last = decide_organisation_offboarding(ORGANISATION, manager, "beta", (), is_last_manager=True)
    assert last.code == "LAST_MANAGER"
