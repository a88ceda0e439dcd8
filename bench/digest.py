"""How long the digests of 10,000 members take to be made, over 20,000 messages of a week.

1,000 of these are posts, which begin the threads. Each digest is made as the kernel has it made: chosen in a
transaction on an SQLite file, written when it is sent, noted in another transaction; between them are the entries as
JSON, and the module's answers are read from JSON. Synapse's part, which answers both questions, is not in it.
Every member is in ten of 200 groups, has read a third of them, and is named now and then.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bench.report import Bar, BenchFailed, Result, say
from bench.send import folder
from bots.blog.tables import post
from bots.digest.digest import CHOOSE, Digests
from bots.digest.facts import SETTLES_S
from bots.digest.tables import digest_member, digest_mention, digest_message
from bots.kernel.bot import Context, Job
from bots.kernel.digested import facts_of
from bots.kernel.effects import MAILED, Letter
from bots.kernel.letters import Said
from bots.kernel.tables import metadata
from bots.polls.tables import poll

_MEMBERS, _GROUPS, _IN_GROUPS = 10_000, 200, 10
_MESSAGES, _THREADS, _POLLS = 20_000, 1_000, 50
_WEEK_MS: Final = 7 * 86_400_000
_NOW: Final = 1_800_000_000.0
_UNTIL: Final = _NOW - SETTLES_S


@dataclass(frozen=True, slots=True)
class _Community:
    members: list[str]
    groups: dict[str, list[str]]
    """The groups of each member."""
    messages: list[dict[str, Any]]
    mentions: list[dict[str, Any]]
    polls: list[dict[str, Any]]
    posts: list[dict[str, Any]]


def run(*, quick: bool) -> Result:
    """Makes all digests, and those of a quarter of the members for comparison."""
    here = _made(random.Random(9))
    whole = len(here.members) // 4 if quick else len(here.members)
    say(f"digests of {whole // 4} members …")
    _, few_cpu_s, _ = _compose(here, whole // 4)
    say(f"digests of {whole} members …")
    all_s, cpu_s, told = _compose(here, whole)
    seconds = all_s * len(here.members) / whole
    return Result(
        bench="digest",
        figures={"compose_10k_s": seconds, "one_cpu_ms": cpu_s / whole * 1000, "told_share": told / whole},
        ratios={"growth": (cpu_s / whole) / (few_cpu_s / (whole // 4))},
        bars={"compose_10k_s": Bar(most=60.0), "growth": Bar(most=1.5), "told_share": Bar(least=0.5)},
        meaning="So long do the digests of 10,000 members take; `growth` is what one costs among four times as many.",
    )


def _made(dice: random.Random) -> _Community:
    members = [f"@member{number}:belisha.localhost" for number in range(_MEMBERS)]
    rooms = [f"!group{number}:belisha.localhost" for number in range(_GROUPS)]
    groups = {member: dice.sample(rooms, _IN_GROUPS) for member in members}
    there: dict[str, list[str]] = {room: [] for room in rooms}
    for member, mine in groups.items():
        for room in mine:
            there[room].append(member)
    messages: list[dict[str, Any]] = []
    mentions: list[dict[str, Any]] = []
    roots: dict[str, list[str]] = {room: [] for room in rooms}
    begun = int(_NOW * 1000) - _WEEK_MS
    for number in range(_MESSAGES):
        room, event_id = dice.choice(rooms), f"$message{number}"
        is_root = number % (_MESSAGES // _THREADS) == 0
        thread = dice.choice(roots[room]) if roots[room] and not is_root and dice.random() < 0.5 else None
        if is_root:
            roots[room].append(event_id)
        at = begun + number * (_WEEK_MS // _MESSAGES)
        row = {"event_id": event_id, "room_id": room, "sender": dice.choice(there[room]), "thread": thread}
        messages.append({**row, "at": at, "arrived": at})
        if dice.random() < 0.1:
            mentions.append({"user_id": dice.choice(there[room]), "event_id": event_id})
    polls = [
        {"event_id": f"$poll{number}", "room_id": dice.choice(rooms), "closes": _NOW + 86_400}
        for number in range(_POLLS)
    ]
    written = {message["event_id"]: message for message in messages}
    posts = [
        {"event_id": root, "room_id": room, "author": written[root]["sender"], "title": "A post", "sent_at": at}
        for room, begun_there in roots.items()
        for root in begun_there
        for at in [written[root]["at"]]
    ]
    return _Community(members, groups, messages, mentions, polls, posts)


def _compose(here: _Community, count: int) -> tuple[float, float, int]:
    """Seconds for the digests of so many members, those of the processor, and how many of them were told something."""
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made:
        engine = sa.create_engine(f"sqlite:///{Path(made) / 'bots.db'}")
        metadata.create_all(engine)
        since, some = _NOW - _WEEK_MS / 1000, here.members[:count]
        with engine.begin() as connection:
            connection.execute(digest_message.insert(), here.messages)
            connection.execute(digest_mention.insert(), here.mentions)
            connection.execute(poll.insert(), here.polls)
            connection.execute(post.insert(), here.posts)
            rows = [{"user_id": user, "since": since, "due": _NOW} for user in some]
            connection.execute(digest_member.insert(), rows)
        digests, told, began = Digests(ZoneInfo("Europe/London")), 0, (time.perf_counter(), time.process_time())
        for user in some:
            told += _one(engine, digests, here, user, since)
        seconds, of_processor = time.perf_counter() - began[0], time.process_time() - began[1]
        engine.dispose()
    return seconds, of_processor, told


def _one(engine: sa.Engine, digests: Digests, here: _Community, user: str, since: float) -> bool:
    about = {"user": user, "room": f"!own-{user[1:]}", "since": since, "until": _UNTIL, "following": _NOW + 604_800}
    with engine.begin() as connection:
        context = _context(connection, _answer(here, user), ())
        effects = digests.run(Job(f"{CHOOSE}{user}", _NOW, about), context)
    if effects is None or len(effects) != 1 or not isinstance(effects[0], Letter):
        raise BenchFailed("A member's digest was not begun.")
    letter = Job(effects[0].name, _NOW, json.loads(json.dumps(dict(effects[0].arguments))))
    asked = digests.letter_needs(letter).digest
    if asked is None:
        raise BenchFailed("Nothing was asked of the module before a digest was told.")
    items = asked[2]
    with engine.connect() as connection:
        context = _context(connection, {**_answer(here, user), "items": [_TOLD for _ in items]}, items)
        written = digests.letter(letter, context)
    about = json.loads(
        json.dumps({"then": written.then, "ended": "sent" if isinstance(written, Said) else "unwritten"})
    )
    with engine.begin() as connection:
        digests.run(Job(f"{MAILED}of {user}", _NOW, about), _context(connection, {}, ()))
    return isinstance(written, Said)


_TOLD: Final = {"label": "TLP:GREEN", "name": "Somebody (An organisation)", "voted": False}


def _answer(here: _Community, user: str) -> dict[str, Any]:
    """What the module tells: a third of the groups are read until now."""
    read = {"": int(_NOW * 1000)}
    return {
        "groups": [
            {"room_id": room, "name": f"Group {place}", "since": 0, "read": read if place % 3 == 0 else {}}
            for place, room in enumerate(here.groups[user])
        ],
        "waiting": [],
        "items": [],
    }


def _context(connection: sa.Connection, answer: Mapping[str, Any], items: tuple[tuple[str, str], ...]) -> Context:
    if not answer:
        return Context("@steward:belisha.localhost", now=_NOW, connection=connection)
    facts = facts_of(json.loads(json.dumps(answer)), items)
    if facts is None:
        raise BenchFailed("The module's answer could not be read.")
    return Context("@steward:belisha.localhost", digest=facts, now=_NOW, connection=connection)
