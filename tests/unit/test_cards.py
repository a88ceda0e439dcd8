"""What a card about who waits shows (rule P3)."""

from __future__ import annotations

import pytest

from belisha.acts.cards import shows
from belisha.acts.waiting import LET_IN, TURN_AWAY
from bots.kernel.answers import notice
from bots.steward.waiting_words import card

FACTS = {
    "sort": "sign-up", "member": "@ann", "organisation": "harbour", "organisation_name": "A & <b>", "words": "Ann",
    "at": 1_700_000_000, "until": 1_701_209_600,
}  # fmt: skip
KNOCK = {**FACTS, "sort": "knock", "room_id": "!a&b:x", "room_name": "Pilots", "name": "Ann"}
CARD = notice(card(FACTS))


@pytest.mark.parametrize("command", [LET_IN, TURN_AWAY])
def test_the_steward_s_own_cards_show_whom_they_are_about(command: object) -> None:
    assert command in (LET_IN, TURN_AWAY)
    for facts, room in ((FACTS, None), (KNOCK, "!a&b:x")):
        which = LET_IN if command is LET_IN else TURN_AWAY
        assert shows(notice(card(facts)), which, "ann", room)
        assert not shows(notice(card({**facts, "member": "@anna"})), which, "ann", room), "whose name begins alike"
        assert not shows(notice(card({**facts, "member": "@anna"})), which, "anna", "!other:x")


@pytest.mark.parametrize(
    "change",
    [
        {"body": "Tap here"},
        {"body": "!let-in @ann"},
        {"body": "It is not • !let-in @ann"},
        {"body": None},
        {"formatted_body": "<p>Tap here</p>"},
        {"formatted_body": "<ul><li><code>!let-in @anna</code></li></ul>"},
        {"formatted_body": "<!-- <p>!let-in @ann</p> --><p>!let-in @emil</p>"},
        {"formatted_body": 7},
    ],
)
def test_one_that_shows_another_in_words_or_formatted_is_none(change: dict[str, object]) -> None:
    assert shows(CARD, LET_IN, "ann", None)
    assert not shows({**CARD, **change}, LET_IN, "ann", None)
