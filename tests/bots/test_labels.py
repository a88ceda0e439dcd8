"""What the steward bot says of labels: what one may do with an item, who would see one, and who has relabelled it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from belisha.markers import MarkerReader
from belisha.policy.people import Person
from belisha.tlp import Label
from bots.kernel.bot import Asker, Audience, Context, Item, Needs, Organisation, Policy, Unknown
from bots.kernel.effects import Send
from bots.kernel.events import Event
from bots.steward import Steward

ME, ADA = "@belisha_steward:x", "@ada:x"
OPEN = Policy("open", "TLP:GREEN", "TLP:GREEN")
STRICT = Policy("closed", "TLP:AMBER", "TLP:AMBER+STRICT", ("a", "b"))
AUDIENCE = Audience(4, (Organisation("Harbour", "charity", 1), Organisation("Coastguard", "government", 3)), 1, False)
REPLY = {"m.relates_to": {"m.in_reply_to": {"event_id": "$item"}}}
STEWARD = Steward()
NOTHING = Unknown(no_such_room=True)


def typed(body: str, **content: Any) -> Event:
    return Event("$1", "!r:x", "m.room.message", ADA, {"msgtype": "m.text", "body": body} | content)


def answer(event: Event, policy: Policy = STRICT, item: Item | Unknown = NOTHING, audience: Any = AUDIENCE) -> str:
    asker = Asker(Person(ADA, "harbour", frozenset({"member"})))
    (effect,) = STEWARD.handle(event, Context(ME, policy, audience, asker, item))
    assert isinstance(effect, Send)
    body = str(effect.content["body"])
    assert MarkerReader({}).read(body).label is None, "no answer reads as labelled by itself"
    return body


@pytest.mark.parametrize("label", Label)
def test_a_sentence_for_each_act_and_where_the_platform_is_stricter(label: Label) -> None:
    of_a_message = answer(typed("!may", **REPLY), item=Item(str(label), "@ben:x"))
    assert of_a_message.startswith(f"That message is {label}. You may:")
    acts = re.findall(r"^• (.+?): (.+)$", of_a_message, re.MULTILINE)
    assert [act for act, _ in acts] == [
        "Tell my team",
        "Forward it",
        "Print it",
        "Store it in a case system",
        "Quote it in a report",
    ]
    assert all(re.fullmatch(r"(?:yes|no|not here|better not)\b.*\.", said) for _, said in acts)
    assert ("Where this platform is stricter than FIRST" in of_a_message) == (label > Label.CLEAR)
    assert ("That ends at the platform's door" in of_a_message) == (label > Label.CLEAR)
    of_a_label = answer(typed(f"!may {label}"))
    assert of_a_label.startswith(f"With what is {label} you may:")
    assert of_a_label.partition("may:")[2] == of_a_message.partition("may:")[2]


def test_only_what_the_label_permits() -> None:
    """Clients of the organisation at AMBER and no further; beyond RED's recipients nobody."""
    amber, strict, red = (answer(typed(f"!may {label}")) for label in ("amber", "amber+strict", "red"))
    assert "its clients who need to know" in amber and "clients neither" in strict
    assert "• Tell my team: no" in red and "• Forward it: no" in red and "• Quote it in a report: no" in red


def test_a_message_that_cannot_be_read_is_none() -> None:
    assert "no such message here that you can read" in answer(typed("!may", **REPLY))
    assert "I could not ask the server" in answer(typed("!may", **REPLY), item=Unknown())
    assert "Please answer the message that you mean" in answer(typed("!may"))
    assert "The labels are TLP:CLEAR" in answer(typed("!may purple"))
    assert STEWARD.needs(typed("!may", **REPLY), ME) == Needs(policy=True, asker=True, item=True)


def test_who_would_see_it_here() -> None:
    said = answer(typed("!audience"))
    assert said.startswith("A message that is TLP:AMBER would be seen here by these")
    assert "4 people from 2 organisations, and 1 bot." in said and "• Coastguard (government): 3 people" in said
    assert answer(typed("!audience amber+strict")).startswith("A message that is TLP:AMBER+STRICT")
    refused = "Nobody: TLP:AMBER cannot be shared here, where the strictest label is TLP:GREEN."
    assert answer(typed("!audience amber"), OPEN) == refused
    assert "I could not count who can read it" in answer(typed("!audience"), audience=Unknown())
    assert "Only you and I can read it." in answer(typed("!audience"), Policy("service", "TLP:AMBER", "TLP:AMBER"))
    assert answer(typed("!audience"), Policy("space", "TLP:GREEN", "TLP:GREEN")).startswith(
        "Please write this in the group"
    )


def act(by: str = "steward", **more: Any) -> Event:
    content = {"m.relates_to": {"rel_type": "m.reference", "event_id": "$item"}, "label": "TLP:AMBER", "by": by}
    return Event("$2", "!r:x", "org.belisha.relabel", "@cora:x", content | more)


def test_the_source_is_told_of_a_stewards_act_in_their_own_room_and_not_quoted() -> None:
    assert STEWARD.needs(act(), ME) == Needs(item=True, patient=True)
    item = Item("TLP:AMBER", ADA, "!own:x")
    (effect,) = STEWARD.handle(act(reason="It names a person"), Context(ME, item=item))
    assert isinstance(effect, Send) and effect.room == "!own:x"
    body = str(effect.content["body"])
    assert "It is TLP:AMBER now: only the members of the group" in body and "https://matrix.to/#/!r:x/$item" in body
    assert "It names a person" not in body


@pytest.mark.parametrize(
    ("event", "item"),
    [
        (act(), NOTHING),
        (act(), Item("TLP:AMBER", ADA)),
        (act(label="TLP:PURPLE"), Item("TLP:AMBER", ADA, "!own:x")),
        (act(label=["TLP:AMBER"]), Item("TLP:AMBER", ADA, "!own:x")),
    ],
)
def test_nobody_is_told_where_there_is_nobody_or_nothing_to_tell(event: Event, item: Any) -> None:
    assert STEWARD.handle(event, Context(ME, item=item)) == ()


def test_who_relabels_their_own_is_told_nothing() -> None:
    assert STEWARD.needs(act("source"), ME) is None
    for relation in (None, [], {"event_id": ["$x"]}):
        assert act(**{"m.relates_to": relation}).about is None
