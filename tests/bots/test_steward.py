"""What the steward bot says, to whom and where: pure handlers, no server."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from belisha.commands.declaration import EVERYBODY
from belisha.markers import MarkerReader
from belisha.policy.people import Person
from belisha.tlp import Label
from bots.kernel.bot import Asker, Audience, Context, Needs, Organisation, Policy, Unknown
from bots.kernel.effects import Send
from bots.kernel.events import Event
from bots.kernel.on_portal import PAGES, Page
from bots.portal.server import ROUTES
from bots.roster import every_command
from bots.steward import Steward, group_care

ME, ADA = "@belisha_steward:x", "@ada:x"
SERVICE = Policy("service", "TLP:AMBER", "TLP:AMBER+STRICT")
OPEN = Policy("open", "TLP:GREEN", "TLP:GREEN")
CLOSED = Policy("closed", "TLP:AMBER", "TLP:AMBER")
STRICT = Policy("closed", "TLP:AMBER", "TLP:AMBER+STRICT", ("a", "b"))
PEOPLE = (Organisation("Harbour <b>Trust</b>", "charity", 1), Organisation("Coastguard", "government", 3))
STEWARD = Steward()
MEMBER = Asker(Person(ADA, "harbour", frozenset({"member"})))
NOT_ASKED = Unknown()
#: What every member may ask about items.
ASKED = {"may", "audience", "relabel", "report", "let-in", "turn-away"}
#: What those who look after reports may ask for, as the answer to a report or with its number.
REPORTED = {f"report {act}" for act in ("acknowledge", "warn", "mute 2h", "redact", "remove", "close")}
#: What those who moderate a group, its maintainers too, may ask for there.
MODERATED = {"mute", "unmute", "kick", "ban", "unban"}


def typed(body: str, **content: Any) -> Event:
    return Event("$1", "!r:x", "m.room.message", ADA, {"msgtype": "m.text", "body": body} | content)


def joined(who: str, name: str | None = None, by: str | None = None, membership: str = "join") -> Event:
    content = {"membership": membership, "displayname": name}
    return Event("$2", "!r:x", "m.room.member", by or who, content, state_key=who)


def answer(
    event: Event,
    policy: Policy | Unknown = OPEN,
    audience: Audience | Unknown = NOT_ASKED,
    asker: Asker | Unknown = MEMBER,
    steward: Steward | None = None,
    **people: str,
) -> str:
    effects = (steward or STEWARD).handle(event, Context(ME, policy, audience, asker=asker, people=people))
    assert len(effects) <= 1
    for effect in effects:
        assert isinstance(effect, Send)
        assert effect.content["msgtype"] == "m.notice"
        _is_fit_to_be_sent(effect.content)
        return str(effect.content["body"])
    return ""


def _is_fit_to_be_sent(content: Any) -> None:
    """No answer reads as labelled by itself, nor as a command, and its HTML says what its text says."""
    body, formatted = content["body"], content["formatted_body"]
    assert not body.startswith("!")
    assert MarkerReader({}).read(body).label is None
    led = re.sub(r'<a href="([^"]*)">([^<]*)</a>', r"\2 (\1)", formatted)
    bare = re.sub(r"<[^>]+>", "", led).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    assert bare.replace("&#x27;", "'").replace("&amp;", "&") == body.replace("\n", "").replace("• ", "")


def test_help_lists_what_can_be_asked() -> None:
    assert "!help [COMMAND]: shows" in answer(typed("!help"))
    assert "!tlp [LABEL]: explains" in answer(typed("!help"))
    assert "This is an open group" in answer(typed("!help"))
    assert "leave out the exclamation mark" in answer(typed("!help"), SERVICE)
    assert answer(typed("!help"), Unknown(), asker=Unknown())
    assert answer(typed("!help !tlp")).startswith("Write !tlp [LABEL]: it explains")


def asker(*roles: str, power: int = 0) -> Asker:
    return Asker(Person(ADA, "harbour", frozenset(roles)), power)


ANYBODY = {"help", "tlp"}
#: What every member may ask for anywhere.
MEMBERS = ANYBODY | {"group create", "group join", "group leave"}
ALONE = MEMBERS | {"direct-chats", "group list", "red", "devices", "devices end", "leave-community", "quiet", "queue"}
ALONE |= {"rules", "rules accept", "start", "introduce", "introductions agree", "mydata"}
IN_GROUPS = MEMBERS | {"group invite", "poll", "poll cancel", "poll close", "poll extend"}
IN_GROUPS |= {"docs describe", "docs withdraw"}
MAINTAINERS = IN_GROUPS | {"group policy", "group upgrade", "group rename", "group topic", "group archive"}
MAINTAINERS |= {"group unarchive", "group composer", "group pads", "docs pin"}


@pytest.mark.parametrize(
    ("who", "policy", "shown"),
    [
        (asker("member"), OPEN, IN_GROUPS | ASKED),
        (asker("member", power=95), OPEN, MAINTAINERS | ASKED | {"redact"} | MODERATED),
        (asker("member"), SERVICE, ALONE | ASKED),
        # Who maintains a group names it in their own room, and anywhere in what is always about a named one.
        (replace(asker("member"), maintains=True), SERVICE, ALONE | ASKED | {"group unarchive"} | MODERATED),
        (replace(asker("member"), maintains=True), OPEN, IN_GROUPS | ASKED | {"group unarchive"}),
        (
            asker("member", "lead"),
            SERVICE,
            ALONE
            | ASKED
            | {
                "freeze",
                "thaw",
                "warn",
                "mute",
                "unmute",
                "offboard",
                "members",
                "dormant",
                "invite",
                "invite list",
                "invite revoke",
                "members confirm",
                "members without-factor",
                "recover",
                "metrics organisation",
            },
        ),
        (
            asker("member", "steward"),
            CLOSED,
            MAINTAINERS
            | ASKED
            | {"group freeze", "group thaw", "freeze organisation", "thaw organisation", "freeze", "thaw"}
            | {"raise", "warn", "redact"}
            | REPORTED
            | MODERATED,
        ),
        (Asker(Person(ADA)), SERVICE, ANYBODY | {"ask-in"}),
        (Asker(Person(ADA)), OPEN, ANYBODY),
        (Unknown(), OPEN, ANYBODY),
    ],
)
def test_help_lists_what_this_person_may_do_here(who: Asker | Unknown, policy: Policy, shown: set[str]) -> None:
    lines = [line for line in answer(typed("!help"), policy, asker=who).splitlines() if line.startswith("• !")]
    assert {
        re.sub(r" [A-Z\[@#a-z]*[A-Z|@#\[].*", "", line.removeprefix("• !").partition(":")[0]) for line in lines
    } == shown


def test_only_in_its_own_chat_a_word_is_enough() -> None:
    assert answer(typed("help"), SERVICE) == answer(typed("!help"), SERVICE)
    assert answer(typed("Help!"), SERVICE)
    for policy in (OPEN, CLOSED, Unknown()):
        assert not answer(typed("help"), policy)
    assert not answer(typed("hello"), SERVICE)


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    assert "Did you mean !help?" in answer(typed("!hlep"), OPEN)
    assert "Did you mean !tlp?" in answer(typed("!tpl"), SERVICE)
    assert "For example: !tlp red" in answer(typed("!tpl"), SERVICE)
    assert answer(typed("!zzzz"), SERVICE) == "I do not know !zzzz. Write !help to see what you can ask me."
    for policy in (OPEN, CLOSED, Unknown()):
        assert not answer(typed("!zzzz"), policy)
        assert not answer(typed("!important"), policy)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_what_is_on_the_portal_alone_is_told_to_whom_it_is_for(page: Page) -> None:
    """Everybody else reads the same as of any word that is no command."""
    portal = Steward(portal="https://portal.x")
    for word in sorted(page.words):
        event = typed(f"!{word}")
        for role in sorted(EVERYBODY):
            asker = Asker(Person(ADA, "harbour", frozenset({role})))
            told = answer(event, SERVICE, asker=asker, steward=portal)
            if role in page.roles:
                assert told.endswith(f"(https://portal.x{page.path})."), told
                assert portal.needs(event, ME) == Needs(policy=True, asker=True)
            else:
                assert told == answer(event, SERVICE, asker=asker), "others learn of the page"
        stranger = Asker(Person(ADA, None, page.roles))
        frozen = Asker(Person(ADA, "harbour", page.roles, frozen=True))
        for one in (stranger, frozen, Unknown()):
            assert "portal" not in answer(event, SERVICE, asker=one, steward=portal)
        manager = Asker(Person(ADA, "harbour", page.roles))
        assert "portal" not in answer(event, OPEN, asker=manager, steward=portal)
        assert "portal" not in answer(event, SERVICE, asker=manager), "there is no portal here"


def test_pages_of_the_portal_are_there_and_no_words_of_theirs_are_commands() -> None:
    assert {page.path for page in PAGES} <= {
        re.sub(r"\{section:[^}]*\}", "overview", route.path) for route in ROUTES if route.method == "GET"
    }
    heads = {spelled[0] for command in every_command() for spelled in (command.words, *command.aliases)}
    assert not heads & {word for page in PAGES for word in page.words}


def test_the_labels_their_room_and_its_readers() -> None:
    text = answer(typed("!tlp"), CLOSED, Audience(4, PEOPLE, 1, could_join=False))
    assert [line.split(":")[1].split(" ")[0] for line in text.splitlines() if line.startswith("• TLP:")] == [
        str(label).removeprefix("TLP:") for label in sorted(Label)
    ]
    assert "A message without a label gets TLP:AMBER here, and nothing stricter can be shared in it." in text
    assert "Who can read it: 4 people from 2 organisations, and 1 bot." in text
    assert text.endswith("• Coastguard (government): 3 people\n• Harbour <b>Trust</b> (charity): 1 person")


def test_an_open_room_says_who_could_join() -> None:
    text = answer(typed("!tlp"), OPEN, Audience(1, PEOPLE[:1], 2, could_join=True))
    assert "Who could join and read it: 1 person from 1 organisation, and 2 bots." in text


def test_a_strict_room_says_how_many_organisations_it_is_for() -> None:
    text = answer(typed("!tlp"), STRICT, Audience(0, (), 1, could_join=False))
    assert "a closed group for members of 2 organisations" in text
    assert "the strictest label you can use is TLP:AMBER+STRICT." in text
    assert "No member can read it just now." in text


def test_a_long_list_of_organisations_is_cut() -> None:
    many = tuple(Organisation(f"Organisation {number}", "industry", 1) for number in range(25))
    text = answer(typed("!tlp"), CLOSED, Audience(25, many, 0, could_join=False))
    assert text.endswith("• and 5 more organisations")
    assert "25 people from 25 organisations." in text


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    assert "I could not ask the server about this room just now." in answer(typed("!tlp"), Unknown())
    assert "no rules for this room" in answer(typed("!tlp"), Unknown(no_such_room=True))
    assert "I could not count who can read it just now." in answer(typed("!tlp"), CLOSED)
    assert "I do not know this kind of room." in answer(typed("!tlp"), Policy("submarine"))


def test_of_named_people_nothing_is_counted() -> None:
    text = answer(typed("!tlp"), Policy("named", "TLP:AMBER", "TLP:RED"), Audience(2, PEOPLE, 0, could_join=False))
    assert "private conversation between named people" in text
    assert "Coastguard" not in text
    assert "Only you and I can read it." in answer(typed("!tlp"), SERVICE, Audience(1, PEOPLE[:1], 1, could_join=False))


@pytest.mark.parametrize("label", Label)
def test_one_label(label: Label) -> None:
    for written in (str(label), str(label).removeprefix("TLP:").lower()):
        assert answer(typed(f"!tlp {written}")).startswith(f"In this community {label} means: ")
    assert "The labels are TLP:CLEAR" in answer(typed("!tlp purple"))


def test_an_answer_stands_where_the_question_was_asked() -> None:
    effect = STEWARD.handle(typed("!help"), Context(ME, OPEN))[0]
    assert effect.content["m.relates_to"] == {"m.in_reply_to": {"event_id": "$1"}}
    assert effect.content["m.mentions"] == {"user_ids": [ADA]}
    thread = {"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$x"}, "is_falling_back": True}
    effect = STEWARD.handle(typed("!help", **{"m.relates_to": thread}), Context(ME, OPEN))[0]
    expected = {
        "rel_type": "m.thread",
        "event_id": "$root",
        "is_falling_back": False,
        "m.in_reply_to": {"event_id": "$1"},
    }
    assert effect.content["m.relates_to"] == expected


def test_members_are_welcomed_in_their_own_chat_and_by_name() -> None:
    assert answer(joined(ADA, "Ada  Lovelace (Harbour Trust)"), SERVICE).startswith("Hello Ada Lovelace, and welcome!")
    assert answer(joined(ADA), SERVICE).startswith("Hello, and welcome!")
    assert answer(joined(ME), SERVICE, **{ADA: "Ada (Harbour)"}).startswith("Hello Ada, and welcome!")
    assert not answer(joined(ME), SERVICE)
    for policy in (OPEN, CLOSED, Unknown()):
        assert not answer(joined(ADA, "Ada"), policy)
    keys = {
        STEWARD.handle(event, Context(ME, SERVICE, people={ADA: None}))[0].once for event in (joined(ADA), joined(ME))
    }
    assert keys == {"welcome !r:x"}


def test_a_room_is_welcomed_to_by_who_joins_it_and_by_nothing_else() -> None:
    """What is said before the member has joined they could not read, and it is said once."""
    policy = Event("$2", "!r:x", "org.belisha.room", ME, {"kind": "service"}, state_key="")
    assert STEWARD.handle(policy, Context(ME, SERVICE)) == ()
    assert STEWARD.handle(joined(ADA, membership="invite"), Context(ME, SERVICE)) == ()
    assert answer(joined(ADA, "Ada (Harbour)"), SERVICE).startswith("Hello Ada, and welcome!")


def test_what_it_needs_to_know() -> None:
    assert STEWARD.needs(typed("good morning"), ME) is None
    assert STEWARD.needs(typed("!help"), ME) == Needs(policy=True, asker=True)
    assert STEWARD.needs(typed("!tlp purple"), ME) == Needs(policy=True)
    assert STEWARD.needs(typed("!zzz"), ME) == Needs(policy=True)
    assert STEWARD.needs(typed("!tlp"), ME) == Needs(policy=True, asker=True, fresh=True, audience=True)
    assert STEWARD.needs(typed("tlp"), ME) == Needs(policy=True, asker=True, fresh=True, audience=True)
    assert STEWARD.needs(joined(ADA), ME) == Needs(policy=True, patient=True, asker=True)
    assert STEWARD.needs(joined(ME), ME) == Needs(policy=True, patient=True, people=True, asker=True)
    assert STEWARD.needs(joined(ADA, membership="leave"), ME) == Needs(policy=True, patient=True, maintainers=ADA)
    assert STEWARD.needs(joined(ADA, membership="invite"), ME) == Needs(), "it may be that of who knocked"
    assert STEWARD.needs(Event("$3", "!r:x", "m.room.topic", ADA, {"topic": "!help"}, state_key=""), ME) is None


@pytest.mark.parametrize("is_replaced", [True, False])
def test_in_a_group_that_was_replaced_nothing_is_looked_after(is_replaced: bool) -> None:
    """Though its last maintainer leaves."""
    policy = replace(CLOSED, replaced=is_replaced)
    context = Context(ME, policy=policy, maintainers=())
    told = group_care.handle(joined(ADA, membership="leave"), context, "steward")
    assert len(told) == (0 if is_replaced else 1)
