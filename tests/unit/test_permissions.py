"""Role by command by kind of room, every one of them, beside a table written by hand (`permissions`).

First the way in, which a message and a form share (the bot's desk); then what the module decides whatever the bot said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.acts import ACTS
from belisha.commands.declaration import Command, usage
from belisha.metrics.facts import Pseudonyms
from belisha.policy.acts import Subject, decide_member_act, decide_organisation_act, decide_room_act
from belisha.policy.commands import decide_where
from belisha.policy.documents import decide_pinning
from belisha.policy.exports import MOST_A_DAY, decide_export
from belisha.policy.figures import decide_showing
from belisha.policy.holds import decide_asking, decide_second
from belisha.policy.invitations import decide_inviting
from belisha.policy.members import decide_members, decide_unfactored
from belisha.policy.membership import decide_standing
from belisha.policy.moderation import decide_moderation, moderates_as
from belisha.policy.muted import Restriction, decide_muted_act, muted_until
from belisha.policy.offboarding import decide_offboarding, decide_organisation_offboarding
from belisha.policy.people import Person, Standing
from belisha.policy.recovery import decide_recovery
from belisha.policy.relabel import decide_only_raises
from belisha.policy.reports import decide_handling
from belisha.policy.rooms import Kind
from belisha.policy.waiting import KNOCK, SIGN_UP, Wait, decide_asking_in, decide_waiting
from belisha.tlp import Label
from bots.kernel.bot import Asker, Context, Policy, Unknown
from bots.kernel.calls import Call
from bots.kernel.desk import Desk
from bots.kernel.effects import Effect, Send
from bots.kernel.events import Event
from bots.kernel.tables import metadata
from bots.metrics.metrics import Metrics
from bots.portal.command import PortalCommand
from bots.portal.keys import Keys
from bots.roster import every_command, roster
from bots.steward import Steward
from tests.unit.permissions import (
    ABOUT,
    NAMES_GROUP,
    ON_FILES,
    ON_GROUPS,
    ON_KNOCKS,
    ORGANISATIONS,
    OWN,
    ROWS,
    WHO,
    WHOM,
)

ME, ADA = "@belisha_steward:x", "@ada:x"
COMMANDS = {" ".join(one.words): one for one in every_command()}
UTC: Final = ZoneInfo("UTC")
BOTS = roster(PortalCommand(Keys("x" * 32), "https://p", UTC), metrics=Metrics(Pseudonyms(bytes(32)), UTC))
STEWARD = next(bot for bot in BOTS if isinstance(bot, Steward))
#: What parts keep of events has its place; nothing is asked about it here.
CONNECTION = sa.create_engine("sqlite://").connect()
metadata.create_all(CONNECTION)


def person(*roles: str, organisation: str | None = "alpha", frozen: bool = False) -> Person:
    return Person(ADA, organisation, frozenset(roles), frozen=frozen)


#: Roles, and power in the room; a maintainer has none anywhere else.
PEOPLE: Final = {
    "account": (person(organisation=None), 0),
    "frozen": (person("member", "lead", "steward", "manager", frozen=True), 100),
    "member": (person("member"), 94),
    "muted": (person("member"), 0),
    "maintainer": (person("member"), 95),
    "lead": (person("member", "lead"), 0),
    "steward": (person("member", "steward"), 0),
    "manager": (person("member", "manager"), 0),
    "operator": (person("member", "operator"), 0),
    "all": (person("member", "lead", "steward", "manager", "operator"), 100),
}
ROOMS: Final[Mapping[str, Policy | Unknown]] = {
    "open": Policy("open", "TLP:GREEN", "TLP:GREEN"),
    "announcements": Policy("open", "TLP:GREEN", "TLP:GREEN", purpose="announcements"),
    "closed": Policy("closed", "TLP:AMBER", "TLP:AMBER"),
    "stewards": Policy("closed", "TLP:AMBER", "TLP:AMBER"),
    "strict": Policy("closed", "TLP:AMBER", "TLP:AMBER+STRICT", ("alpha", "beta")),
    "archived": Policy("closed", "TLP:AMBER", "TLP:AMBER", archived=True),
    "service": Policy("service", "TLP:AMBER", "TLP:AMBER+STRICT"),
    "named": Policy("named", "TLP:AMBER", "TLP:RED"),
    "space": Policy("space", "TLP:GREEN", "TLP:GREEN"),
    "none of ours": Policy("submarine"),
    "unknown": Unknown(),
}


def expected(name: str, who: str, where: str) -> str:
    """What the table says: `may`, `not here` or `not yours`."""
    row, room = ROWS[name], ROOMS[where]
    if row.who == "anybody":
        return "may"
    kind = room.kind if isinstance(room, Policy) else ""
    here = {"open": "group", "closed": "group", "service": OWN}.get(kind, "")
    if not here or here not in row.where.split():
        return "not here"
    # In one's own room nobody is a maintainer of it, but may name the group that they maintain.
    maintains_nothing = here == OWN and who == "maintainer" and OWN not in NAMES_GROUP.get(name, "").split()
    return "may" if ("member" if maintains_nothing else who) in WHO[row.who] else "not yours"


def asker(who: str, where: str) -> Asker:
    found, power = PEOPLE[who]
    return Asker(found, 0 if where == "service" else power, "!own:x", maintains=power >= 95)


def said(effects: Sequence[Effect]) -> str:
    [effect] = effects
    assert isinstance(effect, Send)
    return str(effect.content["body"])


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """The commands that were let in, which are not carried out."""
    found: list[Command] = []

    def begin(_desk: Desk, call: Call, _context: Context) -> Sequence[Effect]:
        found.append(call.command)
        return ()

    monkeypatch.setattr(Desk, "begin", begin)
    return found


# --- The table ---------------------------------------------------------------------------------------------------


def test_every_command_has_a_row_and_every_row_a_command() -> None:
    assert set(ROWS) == set(COMMANDS)
    assert {" ".join(one.words): str(one.act) for one in ACTS} == {
        name: row.act for name, row in ROWS.items() if row.act
    }
    assert set(ROOMS) >= {kind.value for kind in Kind}
    assert {who for row in WHO.values() for who in row} == set(PEOPLE)


def test_the_module_decides_about_everything_that_not_everybody_may() -> None:
    """A bot that lets somebody in gives them nothing by it (rule P3)."""
    decided = {*WHOM, *ORGANISATIONS, *ON_GROUPS, *ON_FILES, *BY_ROLE}
    restricted = {name for name, row in ROWS.items() if row.act and row.who != "members"}
    # Who waits for a group is let in for everybody, and the module looks whose it is.
    assert decided - ON_KNOCKS.keys() == restricted


# --- The way in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_who_is_let_in_where(name: str, begun: list[Command]) -> None:
    command = COMMANDS[name]
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$item"}}}
    body = command.example.replace("@anna", ADA) if name == "leave-community" else command.example
    event = Event("$1", "!r:x", "m.room.message", ADA, {"msgtype": "m.text", "body": body} | reply)
    for where, policy in ROOMS.items():
        for who in PEOPLE:
            begun.clear()
            effects = STEWARD.handle(event, Context(ME, policy, asker=asker(who, where), connection=CONNECTION))
            what = f"{who} in {where}"
            if expected(name, who, where) == "may":
                assert (begun, effects) == ([command], ()), what
                continue
            assert not begun, what
            sentence = said(effects)
            told_where = sentence.startswith(("Please write this in", "Commands count only", "I could not ask"))
            assert told_where == (expected(name, who, where) == "not here"), (what, sentence)
            assert told_where or "can do this" in sentence or "belongs to no organisation" in sentence, what


def test_of_whom_nothing_is_known_nothing_is_taken_but_what_anybody_may(begun: list[Command]) -> None:
    for name, command in COMMANDS.items():
        event = Event("$1", "!r:x", "m.room.message", ADA, {"msgtype": "m.text", "body": command.example})
        for policy in ROOMS.values():
            begun.clear()
            STEWARD.handle(event, Context(ME, policy, connection=CONNECTION))
            assert bool(begun) == (ROWS[name].who == "anybody"), name


@pytest.mark.parametrize("where", sorted(ROOMS))
@pytest.mark.parametrize("who", sorted(PEOPLE))
def test_help_lists_exactly_what_is_allowed(who: str, where: str) -> None:
    event = Event("$1", "!r:x", "m.room.message", ADA, {"msgtype": "m.text", "body": "!help"})
    lines = said(
        STEWARD.handle(event, Context(ME, ROOMS[where], asker=asker(who, where), connection=CONNECTION))
    ).splitlines()
    listed = {name for name, one in COMMANDS.items() if any(line.startswith(f"• {usage(one)}: ") for line in lines)}
    assert len(listed) == sum(line.startswith("• !") for line in lines)
    # In rooms where no bot is, nothing is listed: nobody is answered there (rule P1).
    here = where not in ("named", "space")
    assert listed == {name for name in COMMANDS if here and expected(name, who, where) == "may"}


# --- The module --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if row.act))
def test_the_module_takes_it_where_it_counts(name: str) -> None:
    for kind in Kind:
        here = {Kind.OPEN: "group", Kind.CLOSED: "group", Kind.SERVICE: OWN}.get(kind, "nowhere")
        assert decide_where(COMMANDS[name], kind).allowed == (here in ROWS[name].where.split()), kind


def test_the_module_takes_nothing_from_who_may_not_act() -> None:
    """Asked before any of the decisions below, of every act alike."""
    allowed = {who for who, (found, _power) in PEOPLE.items() if decide_standing(found).allowed}
    assert allowed == WHO["members"]


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("room_id", ["!here:x", None])
def test_who_is_muted_asks_for_nothing_where_they_are(kind: Kind, room_id: str | None) -> None:
    for there in ("!here:x", "!there:x"):
        until = muted_until([Restriction("mute", room_id, 100)], there, kind, 50)
        holds = kind is not Kind.SERVICE and room_id in (None, there)
        assert decide_muted_act(until).allowed == (not holds)


SUBJECTS: Final = {
    name: Subject(
        "ada" if name == "self" else "dina",
        "beta" if name.startswith("other ") else "alpha",
        frozenset({"member", name.removeprefix("other ")} & {"member", "lead", "steward", "manager"}),
    )
    for name in ABOUT
}
ASKERS: Final = ("member", "maintainer", "lead", "steward", "manager", "operator")


def may_be_about(name: str, who: Person, power: int, subject: Subject, subject_power: int) -> bool:
    """As the module's acts compose it (`acts_people`, `acts_offboarding`, `acts_moderation`, `acts_reports`)."""
    act = COMMANDS[name]
    if name == "offboard":
        return decide_offboarding(act, who, subject, is_last_manager=False).allowed
    if name == "recover":
        return decide_recovery(who, subject, has_lead=False).allowed
    if name in ("freeze", "thaw"):
        after = Standing.FROZEN if name == "freeze" else Standing.ACTIVE
        return decide_member_act(act, who, subject, after, is_last_manager=False).allowed
    if name.startswith("report "):
        handled = name.removeprefix("report ")
        done: dict[str, Any] = {"has_item": True, "in_group": True, "done": {}}
        if not decide_handling(handled, who, subject.localpart, **done).allowed:
            return False
    role = moderates_as(act, who, subject.organisation, power, in_group=True)
    return decide_moderation(act, who, role, subject, subject_power).allowed


@pytest.mark.parametrize("name", sorted(WHOM))
def test_whom_it_may_be_about(name: str) -> None:
    for who in ASKERS:
        found, power = PEOPLE[who]
        allowed = {
            about
            for about, subject in SUBJECTS.items()
            if may_be_about(name, found, power, subject, 95 if about.endswith("maintainer") else 0)
        }
        assert allowed == set(WHOM[name].get(who, ())), who


@pytest.mark.parametrize("who", ASKERS)
def test_where_there_is_a_lead_it_is_theirs_to_give_an_ordinary_account_back(who: str) -> None:
    found = PEOPLE[who][0]
    allowed = {name for name, one in SUBJECTS.items() if decide_recovery(found, one, has_lead=True).allowed}
    above = {name for name in ABOUT if name.split()[-1] in ("lead", "steward", "manager")}
    assert allowed == {"lead": {"member", "maintainer"}, "manager": above}.get(who, set())
    frozen = {one._replace(standing=Standing.FROZEN) for one in SUBJECTS.values()}
    assert not any(decide_recovery(found, one, has_lead=has).allowed for one in frozen for has in (True, False))


@pytest.mark.parametrize("name", sorted(set(WHOM) - {"recover"}))
def test_a_maintainer_is_one_of_that_group_alone(name: str) -> None:
    found, power = PEOPLE["maintainer"]
    assert moderates_as(COMMANDS[name], found, "alpha", power, in_group=False) is None
    assert moderates_as(COMMANDS[name], found, "alpha", power - 1, in_group=True) is None


def may_be_about_organisation(name: str, who: Person, organisation: str) -> bool:
    """As the module's acts compose it (`acts_people`, `acts_offboarding`, `acts_members`, `acts_invitations`)."""
    act = COMMANDS[name]
    if name.startswith("offboard"):
        return decide_organisation_offboarding(act, who, organisation, [], is_last_manager=False).allowed
    if name.endswith("organisation"):
        return decide_organisation_act(act, who, organisation, has_managers=False, is_last_manager=False).allowed
    if name in ON_KNOCKS:
        return decide_waiting(who, Wait(SIGN_UP, "dina", organisation), 100).allowed
    if name.startswith("invite"):
        return decide_inviting(who, organisation).allowed
    if name == "members without-factor":
        return decide_unfactored(who, organisation).allowed
    return decide_members(who, organisation).allowed


@pytest.mark.parametrize("name", sorted(ORGANISATIONS))
def test_which_organisation_it_may_be_about(name: str) -> None:
    for who in ASKERS:
        found, _power = PEOPLE[who]
        allowed = {
            about for about, key in (("own", "alpha"), ("other", "beta")) if may_be_about_organisation(name, found, key)
        }
        assert allowed == set(ORGANISATIONS[name].get(who, ())), who


@pytest.mark.parametrize("name", sorted(ON_GROUPS))
def test_whose_group_it_may_be_about(name: str) -> None:
    allowed = {who for who in ASKERS if decide_room_act(COMMANDS[name], *PEOPLE[who]).allowed}
    assert allowed == set(ON_GROUPS[name])


@pytest.mark.parametrize("name", sorted(ON_FILES))
def test_whose_group_a_file_may_be_in(name: str) -> None:
    assert {who for who in ASKERS if decide_pinning(*PEOPLE[who]).allowed} == set(ON_FILES[name])


@pytest.mark.parametrize("name", sorted(ON_KNOCKS))
def test_whose_knocks_it_may_be_about(name: str) -> None:
    allowed = {who for who in ASKERS if decide_waiting(PEOPLE[who][0], Wait(KNOCK, "dina"), PEOPLE[who][1]).allowed}
    assert allowed == set(ON_KNOCKS[name])
    assert not any(decide_waiting(PEOPLE[who][0], Wait(KNOCK, "ada"), 100).allowed for who in ASKERS), (
        "nobody themselves"
    )


def _handles(who: Person) -> bool:
    return decide_handling("acknowledge", who, "dina", has_item=True, in_group=True, done={}).allowed


def _has_role_for(name: str) -> Callable[[Person], bool]:
    """The module compares the asker's roles with the declaration's."""
    return lambda who: bool(who.roles & COMMANDS[name].roles)


DINA: Final = Person("@dina:x", "beta", frozenset({"member"}))


def _may_have_copied(who: Person, about: Person) -> bool:
    return decide_export(who, about, is_there=True, under_way=False, today=0).allowed


def test_everybody_may_have_their_own_data_copied_and_that_is_limited() -> None:
    assert all(_may_have_copied(PEOPLE[who][0], PEOPLE[who][0]) for who in ASKERS)
    for more in ({"is_there": False}, {"under_way": True}, {"today": MOST_A_DAY}):
        refused = decide_export(DINA, DINA, **{"is_there": True, "under_way": False, "today": 0} | more)  # type: ignore[arg-type]  # as the cases say
        assert not refused.allowed


def _may_ask_to_hold(who: Person) -> bool:
    return decide_asking(who, now=0, ends=1, since=None, until=None).allowed


def _may_be_second(who: Person) -> bool:
    first = Person("@mira:x", "beta", frozenset({"member", "manager"}))
    return decide_second(who, first, None, alike=False).allowed


#: What the module decides by the asker's roles alone, whomever it is about.
BY_ROLE: Final[Mapping[str, Callable[[Person], bool]]] = {
    "ask-in": lambda who: decide_asking_in(who, is_waiting=False, asked=0).allowed,
    "raise": lambda who: decide_only_raises(Label.GREEN, Label.AMBER, who).allowed,
    "report acknowledge": _handles,
    "report close": _handles,
    "metrics organisation": lambda who: decide_showing(who).allowed,
    "mydata for": lambda who: _may_have_copied(who, DINA),
    **{f"hold {what}": _may_ask_to_hold for what in ("member", "room", "time")},
    **{f"hold {what}": _may_be_second for what in ("confirm", "release", "open")},
    **{name: _has_role_for(name) for name in ("mod log", "announce", "announce status", "hold list")},
}


@pytest.mark.parametrize("name", sorted(BY_ROLE))
def test_as_what_it_may_be_asked_for(name: str) -> None:
    allowed = {who for who in ASKERS if BY_ROLE[name](PEOPLE[who][0])}
    assert allowed == WHO[ROWS[name].who] & set(ASKERS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_who_maintains_a_group_asks_from_elsewhere_what_names_it(name: str, begun: list[Command]) -> None:
    """In a group that they do not maintain: what names another one, and nothing about that group itself."""
    command = COMMANDS[name]
    for flag in ("", " --group #mine"):
        if flag and ("group" not in command.flags or "--group" in command.example):
            continue
        begun.clear()
        content = {
            "msgtype": "m.text",
            "body": command.example + flag,
            "m.relates_to": {"m.in_reply_to": {"event_id": "$i"}},
        }
        event = Event("$1", "!r:x", "m.room.message", ADA, content)
        who = Asker(person("member"), 0, "!own:x", maintains=True)
        STEWARD.handle(event, Context(ME, ROOMS["closed"], asker=who, connection=CONNECTION))
        names = bool(flag) or "group" in NAMES_GROUP.get(name, "").split()
        everybodys = "member" in WHO[ROWS[name].who]
        assert bool(begun) == ("group" in ROWS[name].where.split() and (everybodys or names)), flag
