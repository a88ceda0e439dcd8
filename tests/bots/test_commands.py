"""Commands are found in what members typed, and in nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.kernel.commands import Asked, Mistyped, bare_word, said, spoken
from bots.kernel.events import Event
from bots.steward.steward import COMMANDS, HELP, TLP

REPLY = {"m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}}
QUOTE = "> <@ada:x> !tlp\n> more\n\n"


def event(body: object, **content: Any) -> Event:
    return Event("$1", "!r:x", "m.room.message", "@ada:x", {"msgtype": "m.text", "body": body} | content)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("!help", Asked(HELP, "")),
        ("  !HELP \n", Asked(HELP, "")),
        ("!help tlp", Asked(HELP, "tlp")),
        ("!tlp  amber\nand more", Asked(TLP, "amber\nand more")),
        ("[TLP:AMBER] !help", Asked(HELP, "")),
        ("[TLP:AMBER+STRICT] !tlp", Asked(TLP, "")),
    ],
)
def test_commands(body: str, expected: Asked) -> None:
    assert said(event(body), COMMANDS) == expected


@pytest.mark.parametrize(
    "body",
    ["", "help", "! help", "!", "!!", "!1", "!?", "what !help", "[TLP:PURPLE] !help", "/help", 5, None, ["!help"]],
)
def test_no_commands(body: object) -> None:
    assert said(event(body), COMMANDS) is None


def test_the_quotation_of_a_reply_is_not_read() -> None:
    assert said(event(QUOTE + "!help", **REPLY), COMMANDS) == Asked(HELP, "")
    assert said(event("[TLP:AMBER] " + QUOTE + "[TLP:AMBER] !help", **REPLY), COMMANDS) == Asked(HELP, "")
    assert said(event(QUOTE + "thanks", **REPLY), COMMANDS) is None
    assert said(event(QUOTE + "!help"), COMMANDS) is None
    assert said(event("!help", **REPLY), COMMANDS) == Asked(HELP, "")


def test_edits_notices_and_other_events_are_not_read() -> None:
    new = {"m.new_content": {"msgtype": "m.text", "body": "!help"}}
    assert spoken(event("* !help", **new, **{"m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}})) is None
    assert spoken(event("!help", msgtype="m.notice")) is None
    assert spoken(event("!help", msgtype="m.emote")) is None
    assert spoken(Event("$1", "!r:x", "m.reaction", "@ada:x", {"msgtype": "m.text", "body": "!help"})) is None


@pytest.mark.parametrize(
    ("body", "nearest", "close"),
    [
        ("!hlep", HELP, True),
        ("!hepl me", HELP, True),
        ("!tpl", TLP, False),
        ("!important", None, False),
        ("!zzz", None, False),
    ],
)
def test_near_misses(body: str, nearest: object, close: bool) -> None:
    request = said(event(body), COMMANDS)
    assert isinstance(request, Mistyped)
    assert request.nearest == nearest
    assert request.close is close


def test_a_bare_word_is_the_name_alone() -> None:
    for body in ("help", "Help", "help!", " help? ", "[TLP:AMBER] help"):
        assert bare_word(event(body), COMMANDS) == Asked(HELP, "")
    for body in ("help me", "helping", "", "!help"):
        assert bare_word(event(body), COMMANDS) is None


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nothing_that_arrives_raises(content: Any) -> None:
    for made in (event(content), event("> !help", **{"m.relates_to": content}), event("!help", msgtype=content)):
        said(made, COMMANDS)
        bare_word(made, COMMANDS)
        assert made.thread is None or isinstance(made.thread, str)
