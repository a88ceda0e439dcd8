"""What a vote in an open poll costs the bots when it comes, and how long 100,000 votes take to be counted.

A vote is handled as the kernel has it handled: read from its stored JSON, and given to the bot in a transaction of 200
on an SQLite file. Counting begins with what the module answers: each vote's JSON is read, then all are counted, with
one vote for each of 100 organisations besides.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.polls.tally import tally
from belisha.polls.wire import RESPONSE, START, start_content
from bench.report import Bar, BenchFailed, Result, say
from bench.send import folder
from bots.kernel.bot import Context, PollFacts
from bots.kernel.events import parse
from bots.kernel.rooms import poll_facts
from bots.kernel.tables import metadata
from bots.polls import Polls
from bots.polls.tables import poll

_VOTES: Final = 100_000
_VOTERS: Final = 80_000  # some vote twice
_AT_ONCE: Final = 200
_HANDLED: Final = 20_000
_TIMES, _QUICK_TIMES = 5, 2
_ROOM, _POLL = "!tides:belisha.localhost", "$poll"


def run(*, quick: bool) -> Result:
    """Handles votes, then counts them several times and takes the median."""
    votes = _votes(random.Random(7))
    say("votes as they come …")
    ballot_ms = _handle(votes[: _HANDLED // 4 if quick else _HANDLED])
    say(f"{_VOTES} votes counted …")
    seconds = [_count(votes) for _ in range(_QUICK_TIMES if quick else _TIMES)]
    return Result(
        bench="polls",
        figures={"ballot_ms": ballot_ms, "tally_s": median(seconds), "ballots": float(len(votes))},
        bars={"ballot_ms": Bar(most=1.0), "tally_s": Bar(most=1.0), "ballots": Bar(least=100_000)},
        meaning="A vote costs the bots so many milliseconds when it comes, and a poll of this size so many seconds.",
    )


def _votes(dice: random.Random) -> list[dict[str, Any]]:
    """Votes as Synapse stores them: of known answers mostly, some twice by one voter, some spoiled."""
    return [
        {
            "event_id": f"$vote{number}",
            "room_id": _ROOM,
            "type": RESPONSE[number % 2],
            "sender": f"@voter{dice.randrange(_VOTERS)}:belisha.localhost",
            "origin_server_ts": number,
            "content": {
                "m.relates_to": {"rel_type": "m.reference", "event_id": _POLL},
                RESPONSE[number % 2]: {"answers": [str(dice.randrange(21))]},
            },
        }
        for number in range(_VOTES)
    ]


def _handle(votes: list[dict[str, Any]]) -> float:
    """Milliseconds for one vote, the median over transactions."""
    stored = [json.dumps(vote) for vote in votes]
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made:
        engine = sa.create_engine(f"sqlite:///{Path(made) / 'bots.db'}")
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(poll.insert().values(event_id=_POLL, room_id=_ROOM, closes=1e12))
        polls, found = Polls(ZoneInfo("UTC")), []
        for first in range(0, len(stored), _AT_ONCE):
            began = time.perf_counter()
            with engine.begin() as connection:
                for text in stored[first : first + _AT_ONCE]:
                    event = parse(text)
                    effects = polls.handle(event, Context("@b:x", occasion=event.event_id, connection=connection))
                    if effects != ():
                        raise BenchFailed("A vote in an open poll was not taken for one.")
            found.append((time.perf_counter() - began) / _AT_ONCE * 1000)
        engine.dispose()
    return median(found)


def _count(votes: list[dict[str, Any]]) -> float:
    """Seconds from the module's answer to the result."""
    of = {f"@voter{number}:belisha.localhost": f"org{number % 100}" for number in range(_VOTERS)}
    start = {"event_id": _POLL, "type": START[0], "sender": "@a:x", "origin_server_ts": 0}
    content = start_content("Which?", [str(number) for number in range(1, 21)])
    answer = {
        "poll": start | {"content": content},
        "responses": votes,
        "ends": [_VOTES],
        "voters": {"opening": {}, "closing": of},
    }
    began = time.perf_counter()
    facts = poll_facts(answer)
    if not isinstance(facts, PollFacts):
        raise BenchFailed("The poll could not be read.")
    result = tally(facts.start, facts.responses, _VOTES, facts.closing, facts.closing)
    seconds = time.perf_counter() - began
    if not 0 < result.voters < _VOTERS or result.voters + result.spoiled != len({vote["sender"] for vote in votes}):
        raise BenchFailed("Not every voter was counted once.")
    return seconds
