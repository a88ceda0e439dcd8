"""The grammar of commands: what is read, what is not, and that a form writes what a member would."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.acts import ACTS
from belisha.commands import values
from belisha.commands.declaration import Argument, Command, usage
from belisha.commands.reading import Asked, Mistyped, Problem, bare, named, read
from belisha.commands.spoken import address_of, answered, spoken
from belisha.commands.values import Field
from belisha.commands.writing import write

MAKE = Command(
    ("group", "create"),
    "makes a group",
    '!group create open "Tides"',
    (
        Argument("kind", values.choice("open", "closed"), "open or closed"),
        Argument("topic", values.LINE, "what it is about"),
        Argument("label", values.LABEL, "its label", required=False, flag=True),
        Argument("organisations", values.ORGANISATIONS, "for whom", required=False, flag=True),
        Argument("quiet", values.YES, "whether quietly", required=False, flag=True),
    ),
)
SAY = Command(
    ("say",),
    "says it",
    "!say hello",
    (
        Argument("whom", values.MEMBERS, "to whom", required=False, flag=True),
        Argument("text", values.TEXT, "what to say"),
        Argument("for", values.DURATION, "for how long", required=False, flag=True),
    ),
)
POLL = Command(("poll",), "asks", "!poll A | B", (Argument("parts", values.PARTS, "question and answers"),))
CALL = Command(("call",), "calls", "!call @a @b", (Argument("whom", values.MEMBERS, "whom"),))
HELP = Command(("help",), "helps", "!help", (Argument("about", values.TEXT, "about what", required=False),))
TIDES, GREEN = {"kind": "open", "topic": "Tides"}, {"label": "TLP:GREEN"}
TELL = Command(
    ("tell",),
    "tells them",
    "!tell @ana hello",
    (Argument("members", values.MEMBERS, "whom"), Argument("words", values.TEXT, "what", required=False)),
)
COMMANDS = (TELL, MAKE, SAY, POLL, CALL, HELP, *ACTS)


@pytest.mark.parametrize(
    ("text", "command", "arguments"),
    [
        ("!tell @ana @ben:x the @gauge is back", TELL, {"members": ["@ana", "@ben:x"], "words": "the @gauge is back"}),
        ('!tell @ana "@ben is away"', TELL, {"members": ["@ana"], "words": "@ben is away"}),
        ("!tell @ana", TELL, {"members": ["@ana"]}),
        ('!group create open "Tides and winds"', MAKE, {"kind": "open", "topic": "Tides and winds"}),
        ("!GROUP Create Open Tides", MAKE, {"kind": "open", "topic": "Tides"}),
        ("!group create open „Tides and winds“", MAKE, {"kind": "open", "topic": "Tides and winds"}),
        ("!group create open “Tides” —label amber strict", None, None),
        ("!group create open “Tides” —label amber-strict", MAKE, TIDES | {"label": "TLP:AMBER+STRICT"}),
        ('!group create --quiet open --label=GREEN "A\'s 5"', MAKE, TIDES | {"topic": "A's 5", **GREEN, "quiet": True}),
        (
            "!group create open Tides --organisations Harbour,police",
            MAKE,
            TIDES | {"organisations": ["harbour", "police"]},
        ),
        ("!say hello  there,\nall of you", SAY, {"text": "hello  there,\nall of you"}),
        ("!say --for 2h hello there", SAY, {"for": 7200, "text": "hello there"}),
        ("!say hello there --for 2h", SAY, {"for": 7200, "text": "hello there"}),
        ('!say "hello --for ever"', SAY, {"text": "hello --for ever"}),
        ('!say he said "yes" twice', SAY, {"text": 'he said "yes" twice'}),
        ("!poll Which day? | Monday |Tuesday", POLL, {"parts": ["Which day?", "Monday", "Tuesday"]}),
        ("!poll Which day?\nMonday\nTuesday\n", POLL, {"parts": ["Which day?", "Monday", "Tuesday"]}),
        ("!call @ana @ben:x.org", CALL, {"whom": ["@ana", "@ben:x.org"]}),
        ("!help", HELP, {}),
        ("!help group create", HELP, {"about": "group create"}),
    ],
)
def test_a_command_is_read(text: str, command: Command | None, arguments: dict[str, Any] | None) -> None:
    found = read(text, COMMANDS)
    assert found == Asked(command, arguments) if command else isinstance(found, Problem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("!group create", "Please say open or closed: open, closed."),
        ("!group create open", "Please say what it is about."),
        ("!group create wide Tides", "It is one of open, closed."),
        ("!group create open Tides and winds", "quotation marks"),
        ('!group create open "Tides', "quotation mark"),
        ("!group create open Tides --label purple", "The labels are TLP:CLEAR"),
        ("!group create open Tides --colour red", "The options here are --label, --organisations, --quiet."),
        ("!group create open Tides --label", "behind --label"),
        ("!group create open Tides --label --quiet", "behind --label"),
        ("!group create open Tides --label red --label green", "once"),
        ("!say --for ever hello", "such as 30m, 2h"),
        ("!say", "Please say what to say."),
        ("!say " + "x" * 4001, "4000"),
        ("!call ana", "by their addresses"),
        ("!help --please", "two dashes"),
        ("!thaw @ana now", "quotation marks"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text: str, said: str) -> None:
    problem = read(text, COMMANDS)
    assert isinstance(problem, Problem)
    assert said in problem.reason and problem.reason[0].isupper() and problem.reason.endswith(".")


@pytest.mark.parametrize(
    ("text", "name", "nearest", "close"),
    [
        ("!hlep", "hlep", HELP, True),
        ("!group crate open", "group crate", "group create", True),
        ("!group", "group", "group", True),
        ("!group xyzzy", "group xyzzy", "group", True),
        ("!important: mind the tide", "important:", None, False),
        ("!freez @ana", "freez", "freeze", True),
    ],
)
def test_a_mistyped_command_finds_the_nearest(text: str, name: str, nearest: Command | str | None, close: bool) -> None:
    found = read(text, COMMANDS)
    assert isinstance(found, Mistyped) and (found.name, found.close) == (name, close)
    if isinstance(nearest, str):
        assert found.nearest is not None and " ".join(found.nearest.words).startswith(nearest)
    elif nearest is not None:
        assert found.nearest == nearest


@pytest.mark.parametrize("text", ["", "!", "! help", "!!", "hello !help", "!1", "help"])
def test_the_rest_is_no_command(text: str) -> None:
    assert read(text, COMMANDS) is None


def test_words_alone_count_where_a_bot_is_spoken_to() -> None:
    assert bare("Help.", COMMANDS) == Asked(HELP, {})
    assert bare("group upgrade", COMMANDS) is not None
    assert bare("group create", COMMANDS) is None, "something is missing"
    assert bare("help me", COMMANDS) is None
    assert (
        named("group create", COMMANDS) is MAKE
        and named("!say", COMMANDS) is SAY
        and named("nothing", COMMANDS) is None
    )


def test_usage_shows_each_place() -> None:
    assert usage(MAKE) == "!group create open|closed TOPIC [--label LABEL] [--organisations a,b] [--quiet]"
    assert usage(CALL) == "!call @user …"


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from('\n"“”—-| '), max_size=60
)


FIELDS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["open", "closed"]),
        "topic": TEXTS,
        "label": st.sampled_from(["", "TLP:RED", "TLP:AMBER+STRICT"]),
        "quiet": st.sampled_from(["", "on"]),
    }
)


@given(FIELDS)
def test_what_a_form_writes_is_read_as_it_was_meant(fields: dict[str, str]) -> None:
    found = read(write(MAKE, fields), COMMANDS)
    if not fields["topic"].strip():
        assert isinstance(found, Problem)
    elif isinstance(found, Asked):
        expected = {"kind": fields["kind"], "topic": fields["topic"].strip()}
        expected |= {"label": fields["label"]} if fields["label"] else {}
        assert found.arguments == expected | ({"quiet": True} if fields["quiet"] else {})
    else:
        assert sum(mark in fields["topic"] for mark in '"“»') >= 2, "only what no quotation marks can hold"


@given(TEXTS, st.sampled_from(["", "2h"]))
def test_a_long_text_is_read_as_it_was_written(text: str, duration: str) -> None:
    found = read(write(SAY, {"text": text, "for": duration}), COMMANDS)
    if not text.strip():
        assert isinstance(found, Problem)
    elif isinstance(found, Asked):
        assert found.arguments == {"text": text.strip()} | ({"for": 7200} if duration else {})
    else:
        assert "—" in text or "--" in text


@given(st.text(max_size=80))
def test_nothing_makes_the_reader_raise(text: str) -> None:
    for prefix in ("!", "!say ", "!group create ", "!poll ", "!call ", ""):
        found = read(prefix + text, COMMANDS)
        assert found is None or isinstance(found, Asked | Problem | Mistyped)


def test_every_field_of_a_form_is_a_place_of_the_command() -> None:
    assert {one.kind.field for one in MAKE.arguments} == {Field.CHOICE, Field.LINE, Field.ORGANISATIONS, Field.YES}
    assert write(MAKE, {"kind": "open", "topic": "x", "stranger": "y"}) == "!group create open x"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("https://matrix.to/#/@ana:x.org", "@ana:x.org"),
        ("https://matrix.to/#/%40ana%3Ax.org", "@ana:x.org"),
        ("https://matrix.to/#/!room:x.org/$event?via=x.org", "!room:x.org/$event"),
        ("https://element.x.org/#/user/@ana:x.org", "@ana:x.org"),
        ("https://element.x.org/#/room/#tides:x.org", "#tides:x.org"),
        ("matrix:u/ana:x.org", "@ana:x.org"),
        ("matrix:r/tides:x.org?action=join", "#tides:x.org"),
        ("matrix:roomid/abc:x.org/e/event", "!abc:x.org/$event"),
        ("https://x.org/", None),
        ("ana", None),
    ],
)
def test_links_lead_to_addresses(link: str, address: str | None) -> None:
    assert address_of(link) == address


MENTION = '<a href="https://matrix.to/#/@ana:x.org">Ana Pilot (Harbour)</a>'


@pytest.mark.parametrize(
    ("body", "formatted", "expected"),
    [
        ("!freeze Ana Pilot (Harbour)", f"!freeze {MENTION}", "!freeze @ana:x.org"),
        ("[TLP:GREEN] !freeze Ana", f"<span>[TLP:GREEN]</span> !freeze {MENTION}", "!freeze @ana:x.org"),
        ("!say Ana: hi &\nyou", f"!say {MENTION}: hi &amp;<br>you", "!say @ana:x.org: hi &\nyou"),
        ("!say *hi*", "!say <em>hi</em>", "!say *hi*"),
        ("hello Ana", f"!freeze {MENTION}", "hello Ana"),
        ("!freeze Ana", f"hello {MENTION}", "!freeze Ana"),
        ("!freeze @ben", '!freeze <a href="https://x.org">@ana</a>', "!freeze @ben"),
    ],
)
def test_a_mention_is_read_as_the_address_behind_it(body: str, formatted: str, expected: str) -> None:
    assert spoken({"msgtype": "m.text", "body": body, "formatted_body": formatted}) == expected


IN_THREAD = {"rel_type": "m.thread", "event_id": "$r", "m.in_reply_to": {"event_id": "$a"}}


@pytest.mark.parametrize(
    ("relates", "expected"),
    [
        ({"m.in_reply_to": {"event_id": "$a"}}, "$a"),
        ({**IN_THREAD, "is_falling_back": True}, None),
        ({**IN_THREAD, "is_falling_back": False}, "$a"),
        ({"m.in_reply_to": 1}, None),
        (None, None),
    ],
)
def test_which_message_is_answered(relates: object, expected: str | None) -> None:
    assert answered({"m.relates_to": relates}) == expected
