"""Who may be given a copy of what is held about a member, without a database: every case (P2)."""

from __future__ import annotations

import pytest

from belisha.policy.exports import MOST_A_DAY, decide_export, decide_hand_over
from belisha.policy.people import Person

ACTIVE = Person("@anna:x", "harbour", frozenset({"member"}))
FROZEN = ACTIVE._replace(frozen=True)
#: What the registry says of who has left, and of whose organisation has.
REMOVED, WITHOUT = Person("@anna:x", frozen=True), Person("@anna:x")
BOT = Person("@belisha_steward:x", is_bot=True)
MANAGER = Person("@cora:x", "harbour", frozenset({"member", "manager"}))


@pytest.mark.parametrize("subject", [FROZEN, WITHOUT, REMOVED], ids=["frozen", "no organisation", "removed"])
def test_an_operator_hands_over_what_a_manager_had_made_for_who_cannot_sign_in(subject: Person) -> None:
    given = decide_hand_over(subject, is_ready=True)
    assert given.allowed and given.rule == "P2"
    missing = decide_hand_over(subject, is_ready=False)
    assert (missing.allowed, missing.code) == (False, "NOT_MADE")
    assert "A manager has one made first, by !mydata" in missing.reason


@pytest.mark.parametrize("is_ready", [True, False])
@pytest.mark.parametrize("subject", [ACTIVE, MANAGER, BOT], ids=["member", "manager", "bot"])
def test_nobody_is_handed_what_its_member_can_take(subject: Person, is_ready: bool) -> None:
    """Whether there is one makes no difference: an operator learns nothing of what a member had made."""
    refused = decide_hand_over(subject, is_ready=is_ready)
    assert (refused.allowed, refused.code) == (False, "NOT_YOURS")
    assert refused == decide_hand_over(subject, is_ready=not is_ready)


def _export(asker: Person, subject: Person, *, is_there: bool = True, under_way: bool = False, today: int = 0) -> str:
    """The code of the refusal, or nothing."""
    decided = decide_export(asker, subject, is_there=is_there, under_way=under_way, today=today)
    return "" if decided.allowed else decided.code


@pytest.mark.parametrize("subject", [ACTIVE, FROZEN, WITHOUT], ids=["member", "frozen", "no organisation"])
def test_a_manager_has_one_made_of_every_account_that_there_is(subject: Person) -> None:
    assert _export(MANAGER, subject) == ""
    assert _export(MANAGER, subject, is_there=False) == "NO_SUCH_MEMBER"
    assert _export(ACTIVE._replace(user_id="@ben:x"), subject, is_there=False) == "NOT_YOURS", "and tells nobody else"
    assert _export(MANAGER, subject, under_way=True) == "UNDER_WAY"
    assert [_export(MANAGER, subject, today=made) for made in (MOST_A_DAY - 1, MOST_A_DAY)] == ["", "TOO_OFTEN"]
    assert _export(MANAGER, BOT) == "NO_SUCH_MEMBER"
