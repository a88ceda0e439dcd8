"""Direct chats and invitations, decided without a server: every combination has one answer."""

from __future__ import annotations

import itertools

import pytest

from belisha.policy.contact import DirectChats, decide_direct_chat
from belisha.policy.invitations import Invitation, decide_invitation
from belisha.policy.people import Person, Standing

WELCOME = {
    (DirectChats.ANYONE, False, False),
    (DirectChats.ANYONE, False, True),
    (DirectChats.ANYONE, True, False),
    (DirectChats.ANYONE, True, True),
    (DirectChats.MY_GROUPS, False, True),
    (DirectChats.MY_GROUPS, True, False),
    (DirectChats.MY_GROUPS, True, True),
    (DirectChats.INTRODUCTIONS, False, True),
    (DirectChats.INTRODUCTIONS, True, True),
}


@pytest.mark.parametrize(
    ("choice", "shares", "introduced"), list(itertools.product(DirectChats, (False, True), (False, True)))
)
def test_who_may_open_a_direct_chat(choice: DirectChats, shares: bool, introduced: bool) -> None:
    decision = decide_direct_chat(choice, shares_group=shares, introduced=introduced)
    assert decision.allowed == ((choice, shares, introduced) in WELCOME)
    assert decision.rule == "M1"


def test_every_refusal_reads_the_same() -> None:
    reasons = {
        decide_direct_chat(choice, shares_group=shares, introduced=False).reason
        for choice, shares in ((DirectChats.MY_GROUPS, False), (DirectChats.INTRODUCTIONS, True))
    }
    assert len(reasons) == 1


INVITATION = Invitation("i1", "harbour", None, uses=3, used=1, expires=1000)


@pytest.mark.parametrize(
    ("invitation", "standing", "now", "under_way", "words"),
    [
        (INVITATION, Standing.ACTIVE, 999, 1, None),
        (INVITATION, Standing.ACTIVE, 999, 2, "used as often"),
        (INVITATION._replace(used=3), Standing.ACTIVE, 999, 0, "used as often"),
        (INVITATION, Standing.ACTIVE, 1000, 0, "expired"),
        (INVITATION, Standing.FROZEN, 999, 0, "frozen"),
        (INVITATION, Standing.REMOVED, 999, 0, "withdrawn"),
        (INVITATION, None, 999, 0, "withdrawn"),
        (None, Standing.ACTIVE, 999, 0, "withdrawn"),
    ],
)
def test_an_invitation_holds_or_says_why_not(
    invitation: Invitation | None, standing: Standing | None, now: int, under_way: int, words: str | None
) -> None:
    decision = decide_invitation(invitation, standing, now, under_way)
    assert decision.allowed == (words is None)
    assert words is None or words in decision.reason


LEAD = Person("@ben:x", "harbour", frozenset({"member", "lead"}))


@pytest.mark.parametrize(
    ("maker", "allowed"),
    [
        (LEAD, True),
        (LEAD._replace(roles=frozenset({"manager"}), organisation="police"), True),
        (LEAD._replace(roles=frozenset({"member"})), False),
        (LEAD._replace(roles=frozenset({"steward"})), False),
        (LEAD._replace(organisation="police"), False),
        (LEAD._replace(frozen=True), False),
        (Person("@ben:x"), False),
        (None, False),
    ],
)
def test_an_invitation_of_a_member_holds_as_long_as_they_may_invite(maker: Person | None, allowed: bool) -> None:
    invitation = INVITATION._replace(made_by="ben")
    assert decide_invitation(invitation, Standing.ACTIVE, 999, maker=maker).allowed == allowed
