"""What is lost and what is doubled when bots and Synapse are killed again and again, beside plain push.

A member writes into several rooms; a bot answers each message once with its number, edits the answer and reacts. Bots,
Synapse or both are killed (kill -9) at moments that are drawn, half of the time after both receivers have hung for up
to a second (SIGSTOP), as on a machine that swaps; then they are started again. In the end the rooms are compared
with what the bot was to do. In the same run a second application service only notes what it is sent, before it answers:
that is plain push. Half of the kills and events have the bots' tables in SQLite, half in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.report import Bar, Result, say
from tests.bots.crash import Found, crash
from tests.support.databases import postgresql

_NONE: Final = Bar(most=0)
_KILLS, _EVENTS = 200, 5_000
_QUICK_KILLS, _QUICK_EVENTS = 8, 120


def run(*, quick: bool, kills: int | None = None, events: int | None = None) -> Result:
    """Half on each database.

    Args:
        quick: So few that it takes a few minutes.
        kills: How many, where it is not to be the number above.
        events: How many messages, likewise.
    """
    logging.disable(logging.CRITICAL)
    kills = kills or (_QUICK_KILLS if quick else _KILLS)
    events = events or (_QUICK_EVENTS if quick else _EVENTS)
    began = time.monotonic()
    found = {"sqlite": _crash("sqlite", kills // 2, events // 2, None)}
    with postgresql() as address:
        found["postgres"] = _crash("postgres", kills - kills // 2, events - events // 2, address)
    both = list(found.values())
    figures: dict[str, float] = {
        "lost": sum(one.lost for one in both),
        "doubled": sum(one.doubled for one in both),
        "out_of_order": sum(one.disordered + len(one.wrong) for one in both),
        "lost_by_plain_push": sum(one.lost_by_plain_push for one in both),
        "events": sum(one.events for one in both),
        "kills": sum(one.kills[what] for one in both for what in ("bots", "Synapse", "both")),
    }
    for what in ("bots", "Synapse", "both"):
        figures[f"kills_of_{what.lower()}"] = sum(one.kills[what] for one in both)
    figures["kills_after_hanging"] = sum(one.kills["after hanging"] for one in both)
    for name, one in found.items():
        figures |= {
            f"lost_{name}": one.lost,
            f"doubled_{name}": one.doubled,
            f"lost_by_plain_push_{name}": one.lost_by_plain_push,
        }
    figures["minutes"] = (time.monotonic() - began) / 60
    return Result(
        bench="crash",
        figures=figures,
        bars={"lost": _NONE, "doubled": _NONE, "out_of_order": _NONE},
        meaning=f"Of {figures['events']} events over {figures['kills']} kills the bots lost {figures['lost']} and did "
        f"{figures['doubled']} things twice; plain push lost {figures['lost_by_plain_push']}.",
    )


def _crash(name: str, kills: int, events: int, database: str | None) -> Found:
    with tempfile.TemporaryDirectory(prefix="belisha-bench-") as folder:
        found = asyncio.run(
            crash(
                Path(folder) / "data",
                rounds=kills,
                events=events,
                seed=1 if database is None else 2,
                bots_database=database,
                say=lambda text: say(f"{name}: {text}"),
            )
        )
    for sentence in found.wrong:
        say(f"{name}: {sentence}")
    say(f"{name}: lost {found.lost}, doubled {found.doubled}, lost by plain push {found.lost_by_plain_push}")
    return found
