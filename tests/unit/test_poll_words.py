"""What is said of polls: the result in one sentence in every case, and all of it in the community's language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.acts.polls import POLL_ACTS
from belisha.commands.reading import Asked
from belisha.policy.people import Person
from belisha.polls.tally import tally
from belisha.polls.wire import Option, Response, Start
from bots.kernel.answers import Block, Link, in_html, notice, plain
from bots.kernel.bot import Asker, Context, Job, Policy, PollFacts
from bots.kernel.calls import Call, Outcome
from bots.kernel.effects import Send
from bots.kernel.tables import metadata
from bots.polls import Polls, words
from bots.polls.commands import EXPORT
from bots.polls.reminders import REMINDERS
from bots.polls.tables import poll
from bots.steward import Steward
from tests.unit.test_written import KEPT, elsewhere

__all__ = ["elsewhere"]

UTC = ZoneInfo("UTC")
GROUP = Policy("closed", "TLP:AMBER", "TLP:AMBER")


def result(votes: str, most: int = 1, quorum: int | None = None, **more: float) -> Sequence[Block]:
    """What is said of the result of these votes."""
    return words.result(counted(votes, most, quorum, **more), UTC)


def counted(votes: str, most: int = 1, quorum: int | None = None, **more: float) -> words.Result:
    """The result of these votes, each by another; those of the first two are of one organisation."""
    start = Start("$p", "@1:x", 0, "1?", (Option("a", "<b>1</b>"), Option("b", "2")), most)
    responses = [Response(f"@{place}:x", 1, tuple(vote)) for place, vote in enumerate(votes.split())]
    responses += [Response("@late:x", 9, ("a",)), Response("@out:x", 1, ("a",)), Response("@9:x", 1, None)]
    of = {f"@{place}:x": "1" if place < 2 else str(place) for place in range(10)}
    return words.Result(start, tally(start, responses, 5, of, of), {"1": "1"}, quorum, **more)


@pytest.mark.parametrize(
    ("votes", "quorum", "sentence"),
    [
        ("", None, "Nobody has voted."),
        ("a a b", None, "“<b>1</b>” has the most votes: 2 of 3."),
        ("a b", None, "“<b>1</b>”, “2” have the same number of votes: 1 of 2 each."),
        ("a a b", 3, "has the most votes: 2 of 3."),
        ("a a b", 4, "It does not count: 3 of the 4 who are needed have voted."),
    ],
)
def test_the_result_in_one_sentence(votes: str, quorum: int | None, sentence: str) -> None:
    assert sentence in plain(result(votes, quorum=quorum))


def test_what_members_wrote_is_escaped() -> None:
    told = in_html(result("a a b"))
    assert "<td>&lt;b&gt;1&lt;/b&gt;</td><td>2</td><td>67 %</td><td>1</td>" in told and "<b>" not in told


def test_that_a_quorum_is_met_is_said_and_shown() -> None:
    sentence = "It counts: 3 have voted, of whom 3 were needed."
    assert sentence in plain(result("a a b", quorum=3))
    assert words.chart(counted("a a b", quorum=3)).notes == [sentence]
    assert sentence in plain(words.in_words(words.chart(counted("a a b", quorum=3))))
    for missed in (counted("a a b", quorum=4), counted("a a b"), counted("", quorum=0)):
        assert not words.chart(missed).notes


def test_what_does_not_count_is_said() -> None:
    told = plain(result("a b", due=0.0, edited_late=True))
    assert "It was edited after the first vote." in told and "edited" not in plain(result("a b"))
    assert "It was due at 1970-01-01 00:00 (UTC); later votes do not count." in told
    assert "1 vote came too late." in told and "1 vote was taken back or spoiled." in told
    assert "1 vote is of somebody who is not among the voters" in told and "1 (2 votes): split" in told


@pytest.mark.parametrize("sign", ["x", "&", "漢"])
def test_of_the_longest_poll_the_result_still_fits_into_an_event(sign: str) -> None:
    options = tuple(Option(str(place), sign * 3_000) for place in range(20))
    start = Start("$p", "@1:x", 0, sign * 3_000, options, 20)
    of = {f"@{place}:x": str(place) for place in range(300)}
    every = [Response(voter, 1, tuple(option.id for option in options)) for voter in of]
    names = dict.fromkeys(of.values(), sign * 30)
    found = words.Result(start, tally(start, every, 5, of, of), names)
    told = notice(words.result(found, UTC))
    shown = notice(words.in_words(words.chart(found)))
    for content in (told, shown):
        assert len(json.dumps(content, ensure_ascii=False).encode()) < 60_000, "of 65,536 bytes"
    assert "… and 290 more." in told["body"]


def answers() -> Iterator[str]:
    for votes in ("", "a", "a b", "a a b"):
        for quorum in (None, 1, 9):
            yield in_html(
                result(votes, 2 if quorum else 1, quorum, **({"due": 1.0, "edited_late": True} if quorum else {}))
            )
            drawn = words.chart(counted(votes, quorum=quorum))
            yield in_html(words.in_words(drawn))
            yield " ".join(
                (drawn.told, *(drawn.key or ()), *drawn.notes, *(f"{bar.name} {bar.second_said}" for bar in drawn.bars))
            )
    link = Link("1", "https://2")
    yield from (re.sub(r"https://\S+?2", "", in_html((one(link),))) for one in (words.moved, words.moved_for_maker))
    options = {"closes": "2d", "by": "organisation", "quorum": 2, "voters": "opening"}
    outcomes = [Outcome({"event_id": "$p", "room_id": "!r:x", "at": 1}), Outcome(None, "")]
    for arguments in (options, {"closes": "1970-01-01 00:00"}):
        for first in POLL_ACTS:
            polls, engine = Polls(UTC), sa.create_engine("sqlite://")
            with engine.begin() as connection:
                metadata.create_all(connection)
                for act in (first, *POLL_ACTS[1:]):
                    call = Call(Asked(act, arguments), "", Asker(Person("@ada:x")), "!r:x", GROUP, "!o:x")
                    for outcome in outcomes:
                        told = polls.acts[str(act.act)].told
                        here = Context("@b:x", occasion="x", now=9.0, connection=connection)
                        yield in_html(told(call, outcome, here).blocks)
            engine.dispose()


def reminded() -> Iterator[str]:
    """What is said in a reminder, links left out, and upon the choice."""
    polls, engine = Polls(UTC), sa.create_engine("sqlite://")
    (entry,) = [one for one in polls.entries if one.command is REMINDERS]
    start = Start("$p", "@1:x", 0, "1?", (Option("a", "1"),))
    facts = PollFacts(start, "TLP:AMBER", (), (), {}, {"@9:x": "1"}, {}, {"@9:x": "!9:x"})
    kept = {"event_id": "$p", "room_id": "!r:x", "closes": 9.0}
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(poll.insert().values(kept))
        here = Context("@b:x", occasion="x", poll=facts, connection=connection)
        job = Job("poll remind $p", 0.0, {"event_id": "$p", "room_id": "!r:x", "after": ""})
        for effect in polls.run(job, here) or ():
            assert isinstance(effect, Send)
            yield re.sub(r"https://[^\s⟧<]+", "", str(effect.content["formatted_body"]))
        for chosen in ("on", "off"):
            call = Call(Asked(REMINDERS, {"choice": chosen}), "", Asker(Person("@ada:x")), "!o:x", GROUP, "!o:x")
            assert entry.answer is not None
            yield in_html(entry.answer(call, here).blocks)
    engine.dispose()


def test_no_word_of_it_is_left_in_english(elsewhere: None) -> None:
    found = [*answers(), *reminded()]
    assert len(found) > 40
    for answer in found:
        rest = re.sub(r"<code>.*?</code>|<[^>]+>|\(UTC\)|Friday [^⟦⟧]*1w", "", answer)
        while KEPT.search(rest):
            rest = KEPT.sub("", rest)
        assert not re.search(r"[A-Za-z]{3,}", rest), (rest, answer)


@pytest.mark.parametrize(("portal", "words"), [("https://portal.x", "votes.csv"), ("", "There is no portal here")])
def test_an_export_is_had_from_the_portal(portal: str, words: str) -> None:
    call = Call(Asked(EXPORT, {}), "", Asker(Person("@ada:x")), "!a/b:x", GROUP, "!a/b:x", target="$p")
    (entry,) = [one for one in Polls(UTC, portal).entries if one.command is EXPORT]
    assert entry.answer is not None
    told = plain(entry.answer(call, Context("@b:x")).blocks)
    assert words in told and ("/polls/%21a%2Fb%3Ax/%24p/votes.json" in told) == bool(portal)


def test_the_steward_has_them_all() -> None:
    desk = Steward(parts=[Polls(UTC)]).desk
    for act in POLL_ACTS:
        entry = desk.entry(act)
        assert entry is not None and entry.told is not None
        assert (entry.check is not None) == ("closes" in {one.name for one in act.arguments})
