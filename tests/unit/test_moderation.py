"""Who may moderate whom, and what is still open to who is muted or banned, case by case (M1)."""

from __future__ import annotations

import pytest

from belisha.acts import ACTS
from belisha.commands.declaration import Command
from belisha.policy.acts import Subject
from belisha.policy.moderation import decide_moderation, decide_undoing, moderates_as
from belisha.policy.muted import (
    Restriction,
    Said,
    decide_banned,
    decide_muted,
    decide_muted_act,
    muted_until,
    told,
)
from belisha.policy.people import Person
from belisha.policy.rooms import Kind
from belisha.policy.types import CONTENT, MODULE_STATE, PROTOCOL, RELABEL

BY_NAME = {str(act.act): act for act in ACTS}
HERE, THERE, NOW = "!here:x", "!there:x", 1_000_000.0
SOON = int(NOW) + 60


# --- What a mute leaves open -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("restriction", "room_id", "kind", "until"),
    [
        (Restriction("mute", HERE, SOON), HERE, Kind.OPEN, SOON),
        (Restriction("mute", HERE, SOON), HERE, Kind.CLOSED, SOON),
        (Restriction("mute", HERE, SOON), THERE, Kind.OPEN, None),
        (Restriction("mute", HERE, SOON), None, Kind.NAMED, None),
        (Restriction("mute", None, SOON), HERE, Kind.OPEN, SOON),
        (Restriction("mute", None, SOON), HERE, Kind.NAMED, SOON),
        (Restriction("mute", None, SOON), HERE, Kind.SPACE, SOON),
        (Restriction("mute", None, SOON), None, Kind.NAMED, SOON),
        (Restriction("mute", None, SOON), HERE, Kind.SERVICE, None),
        (Restriction("mute", HERE, int(NOW)), HERE, Kind.OPEN, None),
        (Restriction("mute", HERE, int(NOW) - 1), HERE, Kind.OPEN, None),
        (Restriction("mute", HERE, None), HERE, Kind.OPEN, None),
        (Restriction("ban", HERE, SOON), HERE, Kind.OPEN, None),
    ],
)
def test_where_and_until_when(restriction: Restriction, room_id: str | None, kind: Kind, until: int | None) -> None:
    assert muted_until([restriction], room_id, kind, NOW) == until


def test_the_longest_of_several_counts() -> None:
    several = [Restriction("mute", HERE, SOON), Restriction("mute", None, SOON + 60), Restriction("mute", THERE, SOON)]
    assert muted_until(several, HERE, Kind.OPEN, NOW) == SOON + 60
    assert muted_until((), HERE, Kind.OPEN, NOW) is None


@pytest.mark.parametrize("event_type", sorted((CONTENT | PROTOCOL | MODULE_STATE) - {"org.matrix.dummy_event"}))
def test_nothing_is_said_or_changed(event_type: str) -> None:
    """Every type there is; a membership of somebody else's among them, and a redaction of somebody else's words."""
    for says_more in (False, True):
        decision = decide_muted(SOON, Said(event_type, says_more=says_more))
        assert (decision.code, decision.rule) == ("MUTED", "M1")
        assert told(SOON) in decision.reason
    assert decide_muted(None, Said(event_type)).allowed


@pytest.mark.parametrize(
    "said",
    [
        Said("m.room.member", is_own_membership=True),
        Said("m.room.redaction", is_about_own=True),
        Said(RELABEL, is_about_own=True),
    ],
)
def test_what_is_ones_own_is_open_and_carries_no_word(said: Said) -> None:
    assert decide_muted(SOON, said).allowed
    refused = decide_muted(SOON, said._replace(says_more=True))
    assert refused.code == "MUTED" and "Without a reason, this can be done." in refused.reason


def test_what_is_about_ones_own_is_open_for_redacting_and_relabelling_alone() -> None:
    for event_type in ("m.room.message", "m.reaction", "m.poll.response", "m.room.topic"):
        assert not decide_muted(SOON, Said(event_type, is_about_own=True)).allowed
    assert decide_muted(SOON, Said("org.matrix.dummy_event")).allowed, "Synapse's own"
    assert decide_muted_act(None).allowed and decide_muted_act(SOON).code == "MUTED"


@pytest.mark.parametrize("membership", ["invite", "join", "knock", "leave", "ban", "other"])
def test_who_is_banned_above_does_not_come_in(membership: str) -> None:
    enters = membership in ("invite", "join", "knock")
    for role in ("steward", "manager"):
        ban = [Restriction("ban", HERE, None, role)]
        assert decide_banned(ban, HERE, membership, NOW).allowed != enters
        assert decide_banned(ban, THERE, membership, NOW).allowed
    for other in (Restriction("ban", HERE, None, "maintainer"), Restriction("mute", HERE, SOON, "manager")):
        assert decide_banned([other], HERE, membership, NOW).allowed


# --- Who may -----------------------------------------------------------------------------------------------------


def person(*roles: str, name: str = "asker", organisation: str = "alpha") -> Person:
    return Person(f"@{name}:x", organisation, frozenset(("member", *roles)))


_LEADS = {"member_warn", "member_mute", "member_unmute"}
_MAINTAINERS = {"member_mute", "member_unmute", "member_kick", "member_ban", "member_unban", "item_redact"}
_MODERATE = sorted(_LEADS | _MAINTAINERS)


@pytest.mark.parametrize("name", _MODERATE)
@pytest.mark.parametrize("role", ["member", "lead", "steward", "manager", "operator"])
@pytest.mark.parametrize("power", [0, 94, 95, 100])
@pytest.mark.parametrize("in_group", [False, True])
@pytest.mark.parametrize("organisation", ["alpha", "beta"])
def test_as_what_somebody_moderates(name: str, role: str, power: int, in_group: bool, organisation: str) -> None:
    found = moderates_as(BY_NAME[name], person(role), organisation, power, in_group=in_group)
    expected = None
    if name in _MAINTAINERS and power >= 95 and in_group:
        expected = "maintainer"
    if name in _LEADS and role == "lead" and organisation == "alpha":
        expected = "lead"
    if role in ("steward", "manager"):
        expected = role
    assert found == expected


def test_who_has_two_roles_acts_as_the_higher() -> None:
    act = BY_NAME["member_warn"]
    assert moderates_as(act, person("steward", "manager"), "beta", 0, in_group=False) == "manager"
    assert moderates_as(act, person("lead", "steward"), "alpha", 0, in_group=False) == "steward"
    assert moderates_as(act, Person("@asker:x"), None, 0, in_group=True) is None


@pytest.mark.parametrize("name", _MODERATE)
@pytest.mark.parametrize(
    ("role", "roles", "power", "code"),
    [
        (None, (), 0, "NOT_YOURS"),
        ("steward", (), 0, None),
        ("steward", (), 100, None),
        ("steward", ("steward",), 0, None),
        ("steward", ("manager",), 0, "MODERATES"),
        ("steward", ("steward", "manager"), 0, "MODERATES"),
        ("manager", ("manager",), 0, None),
        ("manager", ("steward",), 95, None),
        ("lead", (), 0, None),
        ("lead", (), 95, None),
        ("lead", ("steward",), 0, "MODERATES"),
        ("lead", ("manager",), 0, "MODERATES"),
        ("maintainer", (), 94, None),
        ("maintainer", ("lead",), 0, None),
        ("maintainer", (), 95, "MODERATES"),
        ("maintainer", ("steward",), 0, "MODERATES"),
        ("maintainer", ("manager",), 0, "MODERATES"),
    ],
)
def test_who_moderates_whom(name: str, role: str | None, roles: tuple[str, ...], power: int, code: str | None) -> None:
    act: Command = BY_NAME[name]
    subject = Subject("dina", "alpha", frozenset(("member", *roles)))
    decision = decide_moderation(act, person(), role, subject, power)
    assert decision.code == code
    if role is not None:
        own = decide_moderation(act, person(name="dina"), role, subject, power)
        assert own.code == "NOT_YOURSELF"


@pytest.mark.parametrize("role", ["maintainer", "lead", "steward", "manager"])
@pytest.mark.parametrize("by_role", ["maintainer", "lead", "steward", "manager"])
def test_what_is_undone_by_whom(role: str, by_role: str) -> None:
    allowed = role in ("steward", "manager") or role == by_role
    assert decide_undoing(role, by_role).code == (None if allowed else "DONE_ABOVE")
