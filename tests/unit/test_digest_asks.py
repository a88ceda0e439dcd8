"""What a digest says of all that waits for its reader."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from belisha.digest.choosing import ordered
from belisha.digest.values import Shown, Wait
from bots.digest.approvals import Approvals
from bots.digest.source import Asked
from bots.kernel.answers import Paragraph, plain
from bots.kernel.digested import DigestFacts, facts_of

NOWHERE: Any = None
SORTS = ("report", "members", "organisation", "group", "introduction", "announcement")


def lines(*waits: Wait) -> list[str]:
    source = Approvals()
    facts = DigestFacts(waits=waits)
    entries = ordered(source.new(NOWHERE, Asked("@me:x", 0, 1, 2, 1, facts)))
    return [plain([Paragraph(tuple(source.line(Shown(one), ZoneInfo("UTC"))))]) for one in entries]


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        (Wait("report", 1), "1 report waits for a steward, as you are: their cards are in the room of the stewards."),
        (Wait("members", 3, "Reef"), "3 members wait for your word that they still belong to Reef. See !members."),
        (
            Wait("organisation", 2, "Reef"),
            "2 ask to be let into your organisation Reef; you decide about it. See !queue.",
        ),
        (Wait("group", 1, "Buoys"), "1 ask to be let into Buoys; you decide about it. See !queue."),
        (Wait("introduction", 1), "1 introduction waits for your yes: the question is in your own chat with me."),
        (Wait("announcement", 2), "2 announcements wait for your ✅, which says that you have read it."),
    ],
)
def test_each_says_why_it_is_there_and_what_to_do(wait: Wait, said: str) -> None:
    assert lines(wait) == [said]


def test_what_can_be_looked_at_is_a_link() -> None:
    (report,) = lines(Wait("report", 1, "", "!stewards:x"))
    assert report.endswith("cards are in the room of the stewards (https://matrix.to/#/%21stewards%3Ax?via=x).")
    (unread,) = lines(Wait("announcement", 2, "", "!news:x", "$first"))
    assert unread.startswith("2 announcements wait (https://matrix.to/#/%21news%3Ax/$first?via=x) for your ✅")
    (above,) = lines(Wait("announcement", 1, "", "!news:x"))
    assert "(https://matrix.to/#/%21news%3Ax?via=x)" in above


def test_they_stand_in_one_order_and_what_is_not_known_or_nothing_is_left_out() -> None:
    told = lines(*(Wait(sort, 1, "X") for sort in reversed(SORTS)), Wait("odd", 1), Wait("report", 0), Wait("", 4))
    assert [one.split()[1] for one in told] == ["report", "member", "ask", "ask", "introduction", "announcement"]
    many = lines(Wait("group", 1, "A"), Wait("group", 9, "B"), Wait("report", 1))
    assert [one.split()[0] for one in many] == ["1", "9", "1"] and "report" in many[0], "the most first, of a sort"


def test_the_modules_answer_is_read_with_care() -> None:
    waiting = [
        {"sort": "report", "name": "", "count": 2, "room_id": "!x", "event_id": 7},
        {"sort": 7, "count": 1},
        {"sort": "group", "count": "2"},
        5,
    ]
    facts = facts_of({"groups": [], "waiting": waiting, "items": [], "domains": []}, ())
    assert facts is not None and facts.waits == (Wait("report", 2, "", "!x", "7"), Wait("7", 1))
