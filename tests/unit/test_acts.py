"""The commands that act: one grammar, and who may ask for what, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from belisha.acts import ACTS, read
from belisha.acts.documents import DOCUMENT_ACTS
from belisha.acts.holds import HOLD_ACTS
from belisha.acts.people import PEOPLE_ACTS
from belisha.commands.declaration import Command, usage
from belisha.commands.reading import Asked, Problem
from belisha.commands.spoken import spoken
from belisha.policy.acts import (
    Subject,
    decide_leaving,
    decide_member_act,
    decide_organisation_act,
    decide_room_act,
    freezes_as,
)
from belisha.policy.commands import decide_where
from belisha.policy.people import Person, Standing
from belisha.policy.rooms import Kind

BY_NAME = {str(act.act): act for act in ACTS}
FROZEN, ACTIVE = Standing.FROZEN, Standing.ACTIVE


# --- The grammar -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("!group policy open", "room_policy", {"kind": "open"}),
        (
            "!group policy closed --organisations a,b",
            "room_policy",
            {"kind": "closed", "organisations": ["a", "b"]},
        ),
        ("!Group POLICY closed \u2014organisations *", "room_policy", {"kind": "closed", "organisations": []}),
        (
            "!group policy closed --purpose blog --organisations a",
            "room_policy",
            {"kind": "closed", "purpose": "blog", "organisations": ["a"]},
        ),
        ("!group upgrade", "room_upgrade", {}),
        ("!metrics organisation hide", "organisation_figures", {"choice": "hide"}),
        ("!direct-chats my groups", "direct_chats", {"choice": "my-groups"}),
        ("!direct-chats Anyone", "direct_chats", {"choice": "anyone"}),
        ("!group freeze", "room_freeze", {}),
        ("  !group   thaw  #pilots:x \n", "room_thaw", {"room": "#pilots:x"}),
        ("!group thaw !abc:x", "room_thaw", {"room": "!abc:x"}),
        ("!freeze @dina", "member_freeze", {"member": "@dina"}),
        ("!thaw @dina:x", "member_thaw", {"member": "@dina:x"}),
        ("!freeze organisation sea-rescue", "organisation_freeze", {"organisation": "sea-rescue"}),
        ("!thaw organisation a", "organisation_thaw", {"organisation": "a"}),
        ("!members", "members_list", {}),
        ("!members sea-rescue --page 2", "members_list", {"organisation": "sea-rescue", "page": 2}),
        ("!members confirm", "members_confirm", {}),
        ("!members confirm @ana @ben:x", "members_confirm", {"members": ["@ana", "@ben:x"]}),
        ("!members confirm --organisation a", "members_confirm", {"organisation": "a"}),
        ("!invite", "invitation_make", {}),
        ("!invite --uses 3 --expires 2w", "invitation_make", {"uses": 3, "expires": 1_209_600}),
        ('!invite --name "Anna Keller"', "invitation_make", {"name": "Anna Keller"}),
        ("!invite list", "invitation_list", {}),
        ("!invite list --organisation a", "invitation_list", {"organisation": "a"}),
        ("!invite revoke 1f2e3d4c", "invitation_revoke", {"id": "1f2e3d4c"}),
        ("!dormant", "members_dormant", {}),
        ("!dormant 120", "members_dormant", {"days": 120}),
        ("!offboard @dina", "member_offboard", {"member": "@dina"}),
        ("!offboard organisation sea-rescue", "organisation_offboard", {"organisation": "sea-rescue"}),
        ("!relabel green", "item_relabel", {"label": "TLP:GREEN"}),
        ('!relabel TLP:AMBER "It is public"', "item_relabel", {"label": "TLP:AMBER", "reason": "It is public"}),
        ("!relabel amber it names a person", "item_relabel", {"label": "TLP:AMBER", "reason": "it names a person"}),
        ("!raise amber", "item_raise", {"label": "TLP:AMBER"}),
        ("!warn @dina --reason “Too loud”", "member_warn", {"member": "@dina", "reason": "Too loud"}),
        ("!mute @dina 2h", "member_mute", {"member": "@dina", "time": 7200}),
        ("!mute @dina 30m --everywhere", "member_mute", {"member": "@dina", "time": 1800, "everywhere": True}),
        ("!unmute @dina —everywhere", "member_unmute", {"member": "@dina", "everywhere": True}),
        ("!kick @dina --group #pilots:x", "member_kick", {"member": "@dina", "group": "#pilots:x"}),
        ('!ban @dina --reason "Spam"', "member_ban", {"member": "@dina", "reason": "Spam"}),
        ("!unban @dina:x", "member_unban", {"member": "@dina:x"}),
        ("!redact", "item_redact", {}),
        ('!redact --reason "A name"', "item_redact", {"reason": "A name"}),
        ("!mod log @dina", "moderation_log", {"member": "@dina"}),
    ],
)
def test_a_command_is_read(text: str, name: str, arguments: dict[str, Any]) -> None:
    assert read(text) == Asked(BY_NAME[name], arguments)


@pytest.mark.parametrize(
    "text",
    [
        "!group policy",
        "!group upgrade now",
        "!direct-chats",
        "!direct-chats friends",
        "!metrics organisation",
        "!group policy wide",
        "!group policy open now",
        "!group policy closed --organisations",
        "!group policy closed --purpose war",
        "!group policy closed --purpose blog --purpose documents",
        "!group policy closed --kind open",
        "!group freeze pilots",
        "!group freeze #a:x #b:x",
        "!freeze",
        "!freeze dina",
        "!freeze @dina @ana",
        "!freeze Dina (Coastguard)",
        "!freeze organisation",
        "!members @dina",
        "!members a b",
        "!invite 3",
        "!invite --uses 0",
        "!invite --uses 101",
        "!invite --expires soon",
        "!invite revoke",
        "!invite revoke token",
        "!dormant 6",
        "!dormant long",
        "!offboard",
        "!offboard dina",
        "!offboard organisation",
        "!freeze organisation a b",
        "!relabel",
        "!relabel purple",
        "!raise",
        "!warn @dina",
        "!warn @dina loud",
        "!mute @dina",
        "!mute @dina forever",
        "!mute @dina 0h",
        "!mute 2h",
        "!kick",
        "!kick @dina loud",
        "!redact now",
        "!mod log",
        "!mod log @dina @ana",
    ],
)
def test_what_says_too_little_or_too_much_gets_a_sentence(text: str) -> None:
    problem = read(text)
    assert isinstance(problem, Problem)
    assert problem.reason[0].isupper() and problem.reason.endswith(".")


@pytest.mark.parametrize("text", ["", "hello", "freeze @dina", "!help", "!groups policy open", "> !freeze @dina", "!"])
def test_the_rest_is_no_act(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.act)
def test_an_act_is_found_by_its_example(act: Command) -> None:
    assert usage(act).startswith("!" + " ".join(act.words))
    found = read(act.example)
    assert isinstance(found, Asked) and found.command is act


REPLY = {"m.in_reply_to": {"event_id": "$x"}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"msgtype": "m.text", "body": "!freeze @dina"}, "!freeze @dina"),
        ({"msgtype": "m.text", "body": "[TLP:AMBER] !freeze @dina"}, "!freeze @dina"),
        ({"msgtype": "m.text", "body": "> <@a:x> !freeze @dina\n\nno", "m.relates_to": REPLY}, "no"),
        ({"msgtype": "m.text", "body": "> [TLP:GREEN] a\n> b\n\n[TLP:GREEN] !help", "m.relates_to": REPLY}, "!help"),
        ({"msgtype": "m.text", "body": "> !freeze @dina"}, "> !freeze @dina"),
        ({"msgtype": "m.notice", "body": "!freeze @dina"}, None),
        ({"msgtype": "m.text", "body": "!freeze @dina", "m.relates_to": {"rel_type": "m.replace"}}, None),
        ({"msgtype": "m.text", "formatted_body": "!freeze @dina"}, None),
        ({"msgtype": "m.text", "body": ["!freeze @dina"]}, None),
        ({"msgtype": "m.text", "body": "hello", "formatted_body": "!freeze @dina", "m.relates_to": 1}, "hello"),
    ],
)
def test_only_what_a_member_typed_is_read(content: dict[str, Any], expected: str | None) -> None:
    assert spoken(content) == expected


# --- Who may -----------------------------------------------------------------------------------------------------


def person(*roles: str, name: str = "asker", organisation: str = "alpha") -> Person:
    return Person(f"@{name}:x", organisation, frozenset(roles or ("member",)))


def subject(*roles: str, organisation: str = "alpha", by: str | None = None, name: str = "dina") -> Subject:
    return Subject(name, organisation, frozenset(roles or ("member",)), FROZEN if by else ACTIVE, by)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.act)
@pytest.mark.parametrize("kind", list(Kind))
def test_commands_count_where_bots_are_and_rules_are_changed_in_the_group_itself(act: Command, kind: Kind) -> None:
    groups, own = {Kind.OPEN, Kind.CLOSED}, {Kind.SERVICE}
    in_the_group = (
        *("room_policy", "room_upgrade", "group_invite", "group_rename", "group_topic", "group_archive"),
        *("group_composer", "group_pads"),
    )
    where = {
        **dict.fromkeys((*in_the_group, "item_redact"), groups),
        **dict.fromkeys(("poll_open", "poll_close", "poll_extend", "poll_cancel"), groups),
        **dict.fromkeys((str(act.act) for act in DOCUMENT_ACTS), groups),
        **dict.fromkeys(("introduce", "introduction_agree", "export", "export_for"), own),
        **dict.fromkeys((str(act.act) for act in PEOPLE_ACTS), own),
        **dict.fromkeys((str(act.act) for act in HOLD_ACTS), own),
        **dict.fromkeys(("organisation_figures", "direct_chats"), own),
        **dict.fromkeys(("moderation_log", "red", "announce", "announce_status"), own),
        **dict.fromkeys(("devices", "device_end", "leave_community", "ask_in", "queue", "member_recover"), own),
    }.get(str(act.act), groups | own)
    assert decide_where(act, kind).allowed == (kind in where)


@pytest.mark.parametrize(
    ("roles", "power", "act", "allowed"),
    [
        (("member",), 95, "room_policy", True),
        (("member",), 94, "room_policy", False),
        (("lead",), 50, "room_policy", False),
        (("operator",), 0, "room_policy", False),
        (("steward",), 0, "room_policy", True),
        (("manager",), 0, "room_policy", True),
        (("member",), 95, "room_freeze", False),
        (("lead",), 100, "room_freeze", False),
        (("operator",), 0, "room_thaw", False),
        (("steward",), 0, "room_freeze", True),
        (("manager",), 0, "room_thaw", True),
    ],
)
def test_who_changes_a_group(roles: tuple[str, ...], power: int, act: str, allowed: bool) -> None:
    decision = decide_room_act(BY_NAME[act], person(*roles), power)
    assert (decision.allowed, decision.code) == (allowed, None if allowed else "NOT_YOURS")


@pytest.mark.parametrize(
    ("roles", "old", "organisations", "allowed"),
    [
        ((), (), ("alpha",), True),
        ((), (), ("alpha", "beta"), False),
        ((), (), ("beta",), False),
        ((), ("alpha", "beta"), ("alpha", "beta"), True),
        ((), ("alpha", "beta"), ("alpha",), True),
        ((), ("alpha", "beta"), ("beta",), False),
        ((), ("alpha", "beta"), (), True),
        (("lead",), (), ("beta",), False),
        (("steward",), (), ("beta",), True),
        (("manager",), (), ("alpha", "beta"), True),
    ],
)
def test_who_lists_organisations(
    roles: tuple[str, ...], old: tuple[str, ...], organisations: tuple[str, ...], allowed: bool
) -> None:
    decision = decide_room_act(BY_NAME["room_policy"], person(*roles), 95, old, organisations)
    assert (decision.allowed, decision.code) == (allowed, None if allowed else "ORGANISATIONS")


@pytest.mark.parametrize(
    ("asker", "about", "code"),
    [
        (person("lead"), subject(), None),
        (person("lead"), subject("lead"), None),
        (person("lead"), subject("steward"), "MODERATES"),
        (person("lead"), subject("member", "manager"), "MODERATES"),
        (person("lead"), subject(organisation="beta"), "NOT_YOURS"),
        (person("member"), subject(), "NOT_YOURS"),
        (person("operator"), subject(), "NOT_YOURS"),
        (person("steward"), subject(organisation="beta"), None),
        (person("steward"), subject("manager"), "MODERATES"),
        (person("steward"), subject("steward"), None),
        (person("manager"), subject("manager"), None),
        (person("steward", "manager"), subject("manager"), None),
        (person("manager"), subject("steward", organisation="beta"), None),
        (person("lead", "steward"), subject("steward"), None),
        (person("lead", name="dina"), subject(), "NOT_YOURSELF"),
        (person("manager", name="dina"), subject("manager"), "NOT_YOURSELF"),
    ],
)
def test_who_freezes_whom(asker: Person, about: Subject, code: str | None) -> None:
    decision = decide_member_act(BY_NAME["member_freeze"], asker, about, FROZEN, is_last_manager=False)
    assert decision.code == code


@pytest.mark.parametrize(
    ("asker", "about", "code"),
    [
        (person("lead"), subject(by="lead"), None),
        (person("lead"), subject(by="recertification"), None),
        (person("lead"), subject(by="recertification", organisation="beta"), "NOT_YOURS"),
        (person("lead"), subject(by="steward"), "FROZEN_ABOVE"),
        (person("lead"), subject(by="manager"), "FROZEN_ABOVE"),
        (person("lead"), subject(by="operator"), "FROZEN_ABOVE"),
        (person("lead"), subject(by="lead", organisation="beta"), "NOT_YOURS"),
        (person("lead"), subject("steward", by="lead"), "MODERATES"),
        (person("member"), subject(by="lead"), "NOT_YOURS"),
        (person("steward"), subject(by="manager"), None),
        (person("steward"), subject("manager", by="manager"), "MODERATES"),
        (person("manager"), subject("manager", by="operator"), None),
        (person("manager"), subject(by="operator"), None),
        (person("steward"), subject(by="lead", organisation="beta"), None),
        (person("lead", name="dina"), subject(by="lead"), "NOT_YOURSELF"),
    ],
)
def test_who_thaws_whom(asker: Person, about: Subject, code: str | None) -> None:
    decision = decide_member_act(BY_NAME["member_thaw"], asker, about, ACTIVE, is_last_manager=False)
    assert decision.code == code


def test_what_an_operator_of_old_froze_is_thawed_by_those_above() -> None:
    about = Subject("dina", "alpha", frozenset({"member"}), FROZEN, None)
    act = BY_NAME["member_thaw"]
    assert decide_member_act(act, person("lead"), about, ACTIVE, is_last_manager=False).code == "FROZEN_ABOVE"
    assert decide_member_act(act, person("steward"), about, ACTIVE, is_last_manager=False).allowed


@pytest.mark.parametrize(
    ("asker", "organisation", "code"),
    [
        (person("manager"), "beta", None),
        (person("steward"), "beta", None),
        (person("manager"), "alpha", "NOT_YOURSELF"),
        (person("lead"), "alpha", "NOT_YOURS"),
        (person("lead"), "beta", "NOT_YOURS"),
        (person("member"), "beta", "NOT_YOURS"),
    ],
)
def test_who_freezes_an_organisation(asker: Person, organisation: str, code: str | None) -> None:
    for name in ("organisation_freeze", "organisation_thaw"):
        act = BY_NAME[name]
        decision = decide_organisation_act(act, asker, organisation, has_managers=False, is_last_manager=False)
        assert decision.code == code


def test_a_steward_freezes_no_organisation_that_has_a_manager() -> None:
    for name in ("organisation_freeze", "organisation_thaw"):
        for asker, code in ((person("steward"), "MODERATES"), (person("manager"), None)):
            found = decide_organisation_act(BY_NAME[name], asker, "beta", has_managers=True, is_last_manager=False)
            assert found.code == code


def test_the_last_manager_stays() -> None:
    manager = person("manager")
    freeze = BY_NAME["member_freeze"]
    assert decide_member_act(freeze, manager, subject("manager"), FROZEN, is_last_manager=True).code == "LAST_MANAGER"
    act = BY_NAME["organisation_freeze"]
    found = decide_organisation_act(act, manager, "beta", has_managers=True, is_last_manager=True)
    assert found.code == "LAST_MANAGER"


@pytest.mark.parametrize(
    ("asker", "organisation", "role"),
    [
        (person("lead"), "alpha", "lead"),
        (person("lead"), "beta", None),
        (person("lead", "steward"), "alpha", "steward"),
        (person("steward", "manager"), "beta", "manager"),
        (person("member"), "alpha", None),
    ],
)
def test_as_what_somebody_freezes(asker: Person, organisation: str, role: str | None) -> None:
    assert freezes_as(BY_NAME["member_freeze"], asker, organisation) == role


def test_who_leaves_writes_their_own_address() -> None:
    ada = Person("@ada:x", "alpha", frozenset({"member"}))
    for address in ("@ada", "@ada:x"):
        assert decide_leaving(ada, address, is_last_manager=False).allowed
        assert decide_leaving(ada, address, is_last_manager=True).code == "LAST_MANAGER"
    for address in ("@adam", "@ad", "@ada:y", "@ADA"):
        assert decide_leaving(ada, address, is_last_manager=False).code == "NOT_YOU"
    assert decide_leaving(Person("@belisha_x:x", is_bot=True), "@belisha_x", is_last_manager=False).code == "NOT_YOURS"
