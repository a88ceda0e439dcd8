"""What is generated is as the code is now, and every sentence of the bots can be translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from belisha import translation
from belisha.acts import ACTS
from belisha.acts.documents import DOCUMENT_ACTS
from belisha.acts.exports import EXPORT_ACTS
from belisha.acts.introductions import INTRODUCTION_ACTS
from belisha.acts.polls import POLL_ACTS
from belisha.acts.reports import REPORT_ACTS
from belisha.acts.waiting import WAITING_ACTS
from belisha.commands.reading import Asked, Problem, read
from belisha.directory.fields import FIELDS, Visibility
from belisha.directory.values import Answer as DirectoryAnswer
from belisha.directory.values import Hit, Reason
from belisha.policy import introductions, waiting
from belisha.policy.people import Person
from belisha.policy.types import RELABEL
from belisha.tlp import Label
from belisha.translation import UnknownLanguage, speak
from bots.directory import introduction_words
from bots.directory import words as directory_words
from bots.directory.profiles import Kept, Shown
from bots.kernel.answers import in_html
from bots.kernel.bot import (
    Asker,
    Audience,
    Context,
    Extent,
    Group,
    Item,
    Job,
    Organisation,
    Policy,
    Unacknowledged,
    Unknown,
)
from bots.kernel.calls import Answer, Call, Outcome
from bots.kernel.config import Escalation as EscalationSettings
from bots.kernel.effects import Send
from bots.kernel.events import Event
from bots.kernel.listed import Listed
from bots.kernel.shelf import Opening, Paper, Shelf
from bots.kernel.tables import metadata
from bots.library import acts as library_acts
from bots.library import words as library_words
from bots.mydata.mydata import MyData
from bots.roster import every_command
from bots.steward import Steward, announcements, group_care, moderation, offboarding, report_words, waiting_words, words
from bots.steward.escalation import Escalation
from bots.steward.onboarding import Rules
from tests.written import commands_page, messages

ADA, OWN = "@ada:x", "!own:x"
SERVICE = Policy("service", "TLP:AMBER", "TLP:AMBER+STRICT")
GROUP = Policy("closed", "TLP:AMBER", "TLP:AMBER", ("a", "b"))
AUDIENCE = Audience(25, tuple(Organisation(f"O{n}", "charity", 1) for n in range(25)), 2, could_join=False)
GROUPS_FOUND = (
    Group("!a:x", "", "", "", "open", 3, 4, "invite"),
    Group("!b:x", "", "", "", "closed", 1, None, "knock"),
    Group("!c:x", "", "", "#c:x", "open", 1, 0, ""),
)
#: What the module tells of acts, where that is more than that they are done.
OUTCOMES: dict[str, tuple[dict[str, Any], ...]] = {
    "devices": ({}, {"devices": [{"device_id": "x", "name": "x", "seen": 1}]}),
    "announce": ({"room_id": "!a:x", "event_id": "$x"},),
    "announce_status": (
        {},
        {
            "announcements": [
                {"event_id": "$x", "room_id": "!a:x", "by": "x", "at": 1, "organisations": organisations}
                for organisations in ([], [{"name": "x", "acknowledged": 1, "of": 2}])
            ]
        },
    ),
    "group_create": ({"room_id": "!a:x"},),
    "member_recover": ({}, {"member": "@x", "expires": 1, "code": "X"}),
    "red": ({"room_id": "!a:x"},),
    "group_join": ({"membership": "join"}, {"membership": "knock"}),
    **dict.fromkeys(("member_offboard", "organisation_offboard"), ({"left": 0}, {"left": 2}, {})),
    **dict.fromkeys(
        ("members_list", "members_dormant", "members_unfactored"),
        (
            {"count": 0},
            {
                "count": 9,
                "frozen": True,
                "days": 7,
                "members": [
                    {
                        "name": "",
                        "member": "@x",
                        "organisation": "x",
                        "organisation_name": "x",
                        "roles": ["lead", "steward"],
                        "frozen": by,
                        "last": last,
                    }
                    for by, last in ((None, "1"), ("lead", None), ("recertification", "1"))
                ],
            },
        ),
    ),
    "invitation_make": (
        {"id": "x", "expires": 1, "uses": 2, "organisation": "", "homeserver": "x", "token": "x"},
        {"id": "x", "expires": 1},
    ),
    "invitation_list": (
        {},
        {"invitations": [{"id": "x", "left": 1, "expires": 1, "made_by": "x", "name": "1", "holds": False}]},
    ),
    **dict.fromkeys(("hold_member", "hold_room", "hold_time"), ({"hold": "x"},)),
    "hold_confirm": ({"hold": "x", "done": "begun"},),
    "hold_release": ({"hold": "x", "done": "ended"}, {"hold": "x", "done": "waits"}),
    "hold_open": ({"hold": "x", "done": "agreed"}, {"hold": "x", "done": "waits"}),
    "hold_list": (
        {},
        {
            "holds": [
                {
                    **dict.fromkeys(("id", "reason", "ends", "asked_by", "member", "room_id", "since", "until"), "1"),
                    **{"quiet": True, "confirmed_by": by, "release_by": by, "open_by": by, "kept": 1},
                }
                for by in (None, "1")
            ]
        },
    ),
    "group_invite": ({"invited": 2, "refused": [[0, ""]]}, {"invited": 1}, {}),
}
#: What stands in an answer besides words: commands, names, labels, numbers and punctuation.
KEPT = re.compile(r"⟦[^⟦⟧]*⟧")


def test_the_page_of_commands_is_as_the_code_is() -> None:
    assert commands_page.PAGE.read_text(encoding="utf-8") == commands_page.page(), "run `make tables`"
    for command in every_command():
        assert commands_page.page().count(f"### `{command.name}") >= 1, command.name


def test_the_messages_are_as_the_code_is() -> None:
    assert messages.PAGE.read_text(encoding="utf-8") == messages.page(), "run `make tables`"


@pytest.mark.parametrize("command", every_command(), ids=lambda command: command.slug)
def test_every_command_is_explained_and_its_example_is_read(command: object) -> None:
    found = read(command.example, every_command())  # type: ignore[attr-defined]  # of a test's parameter
    assert isinstance(found, Asked) and found.command is command
    assert re.match(r"[a-z]", command.help) and not command.help.endswith(".")  # type: ignore[attr-defined]  # the same


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[None]:
    """A language in which every text stands between brackets."""
    catalogue = messages.catalogue()
    for message in catalogue:
        if message.id:
            is_plural = isinstance(message.id, tuple)
            message.string = tuple(f"⟦{one}⟧" for one in message.id) if is_plural else f"⟦{message.id}⟧"
    folder = tmp_path / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "belisha.mo").open("wb") as file:
        write_mo(file, catalogue)
    speak("xx", tmp_path)
    yield
    speak("en", tmp_path)


def of_groups(steward: Steward, asker: Asker) -> Iterator[str]:
    """What is said of groups that can be joined."""
    for groups in (Unknown(), (), tuple(GROUPS_FOUND), tuple(GROUPS_FOUND) * 20):
        event = Event("$1", OWN, "m.room.message", ADA, {"msgtype": "m.text", "body": "!group list"})
        for effect in steward.handle(event, Context("@belisha_steward:x", SERVICE, asker=asker, groups=groups)):
            if isinstance(effect, Send):
                yield str(effect.content["formatted_body"])


def answers() -> Iterator[str]:
    """What the steward says in every case that it knows."""
    steward = Steward()
    asker = Asker(Person(ADA, "harbour", frozenset({"member", "manager"})), 95, OWN)
    texts = ["!help", "!help tlp", "!help group", "!tlp", "!tlp red", "!tlp purple", "!zzzz", "!hlep", "!freeze Ada"]
    texts += ["!may", "!audience", "!audience red", *(f"!may {label}" for label in Label)]
    texts += ["!group policy", "!group policy open --colour red", "!direct-chats anyone", "help"]
    for text in texts:
        reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}} if text == "!may" else {}
        event = Event("$1", OWN, "m.room.message", ADA, {"msgtype": "m.text", "body": text, **reply})
        for policy in (SERVICE, GROUP, Unknown(), Unknown(no_such_room=True)):
            for audience in (AUDIENCE, Unknown()):
                for who in (asker, Asker(Person(ADA)), Unknown()):
                    for effect in steward.handle(event, Context("@belisha_steward:x", policy, audience, asker=who)):
                        if isinstance(effect, Send):
                            yield str(effect.content["formatted_body"])
    relation = {"m.relates_to": {"rel_type": "m.reference", "event_id": "$x"}, "label": "TLP:AMBER", "by": "steward"}
    item = Item("TLP:AMBER", "@ben:x", "!ben:x")
    for effect in steward.handle(Event("$2", OWN, RELABEL, ADA, relation), Context("@belisha_steward:x", item=item)):
        if isinstance(effect, Send):
            yield re.sub(r"https://[^\s⟧<]+", "", str(effect.content["formatted_body"]))
    yield from of_groups(steward, asker)
    for policy in (GROUP, Policy("open", "TLP:GREEN", "TLP:GREEN", purpose="blog", archived=True)):
        yield in_html(group_care.how_it_works(policy))
    for name in ("Ada", None):
        yield in_html(words.welcome(name))
    yield from recertified(steward)
    yield from moderated(steward)
    yield from of_reports()
    yield from of_waiting()
    yield from of_directory()
    yield from of_introductions()
    yield from of_copies(asker)
    yield from of_documents(asker)
    yield from of_acts(steward, asker)


def of_acts(steward: Steward, asker: Asker) -> Iterator[str]:
    """What is said of every other act once it is done."""
    others = (*REPORT_ACTS, *POLL_ACTS, *WAITING_ACTS, *INTRODUCTION_ACTS, *EXPORT_ACTS, *DOCUMENT_ACTS)
    for act in (one for one in ACTS if str(one.act) not in moderation.TOLD and one not in others):
        arguments = {argument.name: ["x"] if argument.kind.many else "x" for argument in act.arguments}
        call = Call(Asked(act, arguments), "", asker, "!r:x", GROUP, OWN)
        told = steward.desk.entry(act).told  # type: ignore[union-attr]  # every act has an entry
        for outcome in OUTCOMES.get(str(act.act), ({},)):
            answer = told(call, Outcome(outcome), Context("@belisha_steward:x"))  # type: ignore[misc]  # and is told of
            yield in_html(answer.blocks).replace("UTC", "")
            yield from (str(effect.content["formatted_body"]) for effect in answer.effects if isinstance(effect, Send))


def of_documents(asker: Asker) -> Iterator[str]:
    """What is said of files; members' own words left out."""
    paper = Paper("!r:x", "$1", "⟦⟧", "⟦⟧", Label.AMBER, "⟦⟧", "⟦⟧", "", 10, 0, pinned=True)
    opened = tuple(Opening("⟦⟧", part, "⟦⟧", 0) for part in ("file", "copy", "preview", "excerpt"))
    whole = Shelf((paper,), more=True, versions=(paper,), others=(paper,), opened=opened, is_source=True)
    shelves = (whole, Shelf((paper,), versions=(paper,), is_source=True), Shelf((paper,), versions=(paper,)))
    for shelf in shelves:
        told = (library_words.info(shelf, ""), library_words.versions(shelf, ""), library_words.who(shelf))
        yield from map(in_html, (*told, library_words.found(shelf, "", "https://portal.x")))
    yield from (in_html(library_words.found(Shelf(()), words, "")) for words in ("", "x"))
    for act in DOCUMENT_ACTS:
        for outcome in ({"event_id": "$1"}, {"taken_back": True}):
            call = Call(Asked(act, {}), "", asker, "!r:x", GROUP, OWN)
            if act.act != "document_pin" or "event_id" in outcome:
                yield in_html(
                    library_acts.TOLD[str(act.act)].told(call, Outcome(outcome), Context("@belisha_steward:x")).blocks
                )


def of_directory() -> Iterator[str]:
    """What is said of profiles; members' own words left out."""
    listed = Listed("@x", "⟦⟧", "x", "⟦⟧", "x")
    full = Kept(dict.fromkeys(FIELDS, ("⟦⟧",)), {"about": Visibility.NOBODY})
    said = [directory_words.own(kept, listed, portal) for kept in (full, Kept()) for portal in ("", "https://portal.x")]
    said += [directory_words.own(Kept({key: ("⟦⟧",) for key in FIELDS if key != one}), listed, "") for one in FIELDS]
    said += [directory_words.card(Shown(listed, fields)) for fields in (full.fields, {})]
    said += [directory_words.preview(listed, Shown(listed, {}), Shown(listed, fields)) for fields in (full.fields, {})]
    said += [directory_words.changed("role", kept) for kept in (full, Kept())]
    said += [directory_words.seen_by("role", full), directory_words.nudge()]
    reasons = tuple(
        Reason(key, "⟦⟧", "⟦⟧", how) for key in ("name", "expertise") for how in ("exact", "synonym", "typo")
    )
    hit = Hit("@x", "x", 1.0, reasons)
    for answer in (
        DirectoryAnswer(),
        DirectoryAnswer((hit,), 99, corrected={"⟦⟧": "⟦⟧"}, full=2),
        DirectoryAnswer((hit,), 1),
    ):
        said.append(directory_words.found(answer, {"@x": listed}, 1, "https://portal.x"))
    for matches in ({}, {"⟦⟧": [hit]}, {"⟦⟧": []}):
        said.append(directory_words.challenges(matches, {"@x": listed}, ""))
    yield from (re.sub(r"https://[^\s⟧<]+", "", in_html(blocks)) for blocks in said)


def of_introductions() -> Iterator[str]:
    """What is said of introductions."""
    yield from (in_html(introduction_words.asks(1, myself=one)).replace("UTC", "") for one in (True, False))
    yield in_html(introduction_words.agreed())
    who, other = {"name": "⟦⟧", "member": "@x"}, {"name": "⟦⟧", "member": "@y"}
    for asker in (who, other):
        asked = {"asker": asker, "other": other, "why": "", "until": 1}
        yield in_html(introduction_words.question(asked, "!introductions agree x")).replace("UTC", "")
    for ended in (introductions.OPENED, introductions.OVER):
        for people, is_in_it in (([who, other], False), ([who], True), ([], True)):
            yield in_html(introduction_words.to_asker({"ended": ended, "people": people, "asker_is_in_it": is_in_it}))
        yield from (in_html(introduction_words.to_who_agreed({"ended": ended}, one)) for one in (who, None))


def of_copies(asker: Asker) -> Iterator[str]:
    """What is said of copies of members' data."""
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    done = {"export": "x", "member": ADA, "own_room": OWN}
    for act in EXPORT_ACTS:
        call = Call(Asked(act, {"member": "@x"}), "", asker, "!r:x", SERVICE, OWN)
        for portal in ("", "https://portal.x"):
            acting = MyData(portal).acts[str(act.act)]
            with engine.begin() as connection:
                context = Context("@belisha_steward:x", connection=connection)
                if (wrong := acting.check and acting.check(call, context)) is not None:
                    yield str(wrong)
                    continue
                answer = acting.told(call, Outcome(done), context)
            said = [in_html(answer.blocks)]
            said += [str(effect.content["formatted_body"]) for effect in answer.effects if isinstance(effect, Send)]
            yield from (re.sub(r"https://[^\s⟧<]+", "", one) for one in said)


def of_waiting() -> Iterator[str]:
    """What is said of who waits to be let in."""
    about = {"id": "x", "member": "@x", "at": 1, "until": 1, "room_id": "!a:x", "organisation": "x", "words": ""}
    yield in_html(waiting_words.asked(1)).replace("UTC", "")
    yield in_html(waiting_words.welcome())
    yield in_html(waiting_words.queue((), 0))
    for sort in (waiting.KNOCK, waiting.SIGN_UP):
        facts = {**about, "sort": sort}
        yield from (in_html(said(facts)).replace("UTC", "") for said in (waiting_words.card, waiting_words.late))
        for count in (1, 2, 3):
            yield in_html(waiting_words.queue((facts,), count)).replace("UTC", "")
        for how in (waiting.LET_IN, waiting.TURNED_AWAY, waiting.TAKEN_BACK, waiting.OVER, waiting.GONE):
            for by in (None, "x"):
                yield in_html(waiting_words.decided({**facts, "ended": how, "by": by}))
            yield in_html(waiting_words.to_who_waited({**facts, "ended": how}, "x"))
            yield in_html(waiting_words.done({**facts, "ended": how}))


def recertified(steward: Steward) -> Iterator[str]:
    """What is said of each step of recertification."""
    one = {"member": "@x", "name": "", "service_room": OWN}
    who = {"user_id": ADA, "service_room": OWN, "organisation": "x", "roles": ["lead"]}
    known = {"organisation": "x", "name": "", "asked": "1", "freezes": "2", "count": 99, "members": [one] * 50,
             "unconfirmed": [one], "frozen": [one], "answerers": [who]}  # fmt: skip
    rounds = [known | {"warned": warned, "ended": ended} for warned, ended in ((None, None), ("1", None), ("1", "2"))]
    arguments = {"then": {"turn": "recertification"}, "outcome": {"rounds": rounds}}
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        context = Context("@belisha_steward:x", occasion="x", connection=connection)
        for effect in steward.run(Job("outcome x", 0, arguments), context):
            if isinstance(effect, Send):
                yield str(effect.content["formatted_body"])
        new = Steward(rules=Rules("-"))
        for text in ("!start", "!rules", "!rules accept", "!rules accept 0123456789ab", "!start", "!rules"):
            event = Event("$1", OWN, "m.room.message", ADA, {"msgtype": "m.text", "body": text})
            asker = Asker(Person(ADA, "harbour", frozenset({"member"})), 0, OWN)
            here = Context(
                "@belisha_steward:x",
                SERVICE,
                asker=asker,
                groups=tuple(GROUPS_FOUND),
                occasion=text,
                connection=connection,
            )
            yield from (str(one.content["formatted_body"]) for one in new.handle(event, here) if isinstance(one, Send))
    yield from (in_html(answer.blocks) for answer in (_none("!rules"), _none("!rules accept")))
    engine.dispose()
    yield from (
        in_html(offboarding.before(Call(Asked(ACTS[0], {"x": "x"}), "", Asker(Person(ADA)), OWN, SERVICE, OWN), extent))
        for extent in (Extent(1, 1, 1), Extent(2, 2, 2))
    )


def of_reports() -> Iterator[str]:
    """What is said of reports; links left out."""
    about: dict[str, Any] = {"number": 1, "urgent": True, "at": 1, "words": "⟦⟧", "done": []}
    group = about | {"where": "group", "room_id": "!a:x", "item": "$x", "member": "x"}
    every = [[act, "x", 1] for act in report_words.DONE]
    cards = [group | {"about": "item", "kind": kind} for kind in report_words.KINDS]
    cards += [group | {"about": "room", "kind": "other", "urgent": False}]
    cards += [group | {"about": "item", "kind": "other", "done": done} for done in (every, every[:-1])]
    cards += [about | {"about": "item", "kind": "other", "where": "private"}]
    cards += [about | {"about": "member", "kind": "other", "where": "nowhere", "member": "x"}]
    said = [report_words.card(card, "https://portal.x") for card in cards]
    said += [report_words.passed_on(again=again) for again in (True, False)]
    said += [report_words.closed({"at": 1, "done": done}, "⟦⟧") for done in (every, [])]
    said += [report_words.looked_after(about), report_words.done(about)]
    yield from (re.sub(r"https://[^\s⟧<,;]+|UTC", "", in_html(blocks)) for blocks in said)
    job = Job("remind $x", 0.0, {"event_id": "$x", "after": ""})
    (reminder,) = announcements.remind(job, Context("@b:x", unacknowledged=Unacknowledged("!a:x", ("!o:x",))))
    yield str(reminder.content["formatted_body"])  # type: ignore[union-attr]  # a message
    waits = Escalation(EscalationSettings(), "https://portal.x")
    mail = waits._mail("x", 1, 1.0, "x")
    for text in (str(waits._in_room(1, 1.0)["formatted_body"]), mail.subject, mail.text):
        yield re.sub(r"https://[^\s⟧<,;)]+|UTC", "", text)


def _none(text: str) -> Answer:
    """What is said of rules where there are none."""
    steward, asked = Steward(), read(text, Steward().desk.commands)
    assert isinstance(asked, Asked)
    call = Call(asked, text, Asker(Person(ADA), 0, OWN), OWN, SERVICE, OWN)
    return steward.desk.answered(call, Context("@belisha_steward:x"))


def moderated(steward: Steward) -> Iterator[str]:
    """What is said when those who moderate have acted, to them and to the member; links left out."""
    entries = [
        {"act": act, "by": "x", "room_id": room, "at": 1, "until": 2, "undone_by": "x", "undone_at": 3}
        for act in moderation._ACTS
        for room in (None, "!x")
    ]
    outcomes = [{"member_room": "!x", "room_id": room, "until": 1} for room in (None, "!x")]
    outcomes += [{"entries": [], "count": 0}, {"entries": entries, "count": 99}]
    for act in (one for one in ACTS if str(one.act) in moderation.TOLD):
        asked = Asked(act, {"member": "@x", "reason": "⟦⟧"})
        call = Call(asked, act.example, Asker(Person(ADA)), OWN, SERVICE, OWN)
        for outcome in outcomes:
            if (act.act == "moderation_log") == ("entries" in outcome):
                told = moderation.TOLD[str(act.act)](call, Outcome(outcome), Context("@belisha_steward:x"))
                said = [in_html(told.blocks), *(str(one.content["formatted_body"]) for one in told.effects)]
                yield from (re.sub(r"https://[^\s⟧<,;]+|UTC", "", text) for text in said)


@pytest.mark.usefixtures("elsewhere")
def test_no_word_is_left_in_english() -> None:
    assert translation._("Done.") == "⟦Done.⟧"
    found = list(answers())
    assert len(found) > 100
    for answer in found:
        rest = re.sub(r"<code>.*?</code>|<strong>TLP:[^<]*</strong>|<[^>]+>", "", answer)
        while KEPT.search(rest):
            rest = KEPT.sub("", rest)
        assert not re.search(r"[A-Za-z]{3,}", rest.replace("(charity)", "")), (rest, answer)


def test_an_unknown_language_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownLanguage, match="no catalogue"):
        speak("qq", tmp_path)


def test_the_messages_can_be_read_back() -> None:
    with messages.PAGE.open("rb") as file:
        assert len(read_po(file)) > 80
    assert isinstance(read("!thaw", ACTS), Problem)
