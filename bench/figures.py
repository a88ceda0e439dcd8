"""How long managers wait for a page of figures: the portal's own, by HTTP, over 20,000 numbers that were decided.

The numbers are those of the made-up pilot, with forty times its groups; the module's answers are given at once.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bench.report import Bar, BenchFailed, Result, say
from bots.metrics.contents import SECTIONS
from bots.metrics.sample import fill
from bots.metrics.tables import shown
from bots.portal.limits import Rate, Rates
from tests.portal.alone import ANA, module, portal, store_at

_HOME: Final[dict[str, Any]] = {"groups": [], "invitations": [], "knocks": [], "new_members": []}
_GENEROUS: Final = Rates(pages=Rate(1000, 1000), member=Rate(1000, 1000))
_OF_GROUPS: Final = ("group", "wrote_in", "voted_in", "opened_in")
_NOW: Final = 1_796_022_000.0  # 30 November 2026, so that a run measures what the one before did
_TIMES_AS_MANY, _VIEWS = 40, 20


def run(*, quick: bool) -> Result:
    """Measures it; fewer views, and the pilot's own groups, where that is to be `quick`."""
    times_as_many, views = (1, 5) if quick else (_TIMES_AS_MANY, _VIEWS)
    numbers, first, later = asyncio.run(_measured(times_as_many, views))
    cuts = quantiles(later, n=20)
    return Result(
        "figures",
        {
            "numbers": numbers,
            "first_page_ms": 1000 * first,
            "page_p50_ms": 1000 * cuts[9],
            "page_p95_ms": 1000 * cuts[18],
        },
        bars={"page_p95_ms": Bar(most=200)},
        meaning="`first_page_ms` is the slowest of all pages when each is asked for the first time after a start.",
    )


async def _measured(times_as_many: int, views: int) -> tuple[int, float, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            store_at(f"sqlite:///{Path(folder) / 'bots.db'}") as here,
            module(_HOME, "manager") as homeserver,
            portal(here, _GENEROUS, homeserver) as visitor,
        ):
            visitor.cookies["belisha"] = await here.opened(ANA)
            say("filling it with the pilot's eight months")
            await here.store.write(lambda connection: fill(connection, _NOW, ZoneInfo("Europe/London")))
            numbers = await here.store.write(lambda connection: _grown(connection, times_as_many))
            say(f"asking for {len(SECTIONS)} pages, {views} times each")
            took = []
            for _ in range(views):
                for section in SECTIONS:
                    begun = time.perf_counter()
                    answer = await visitor.get(f"/metrics/{section}")
                    took.append(time.perf_counter() - begun)
                    if answer.status != 200:
                        raise BenchFailed(f"/metrics/{section} answers {answer.status}.")
            return numbers, max(took[: len(SECTIONS)]), took[len(SECTIONS) :]


def _grown(connection: sa.Connection, times_as_many: int) -> int:
    rows = connection.execute(sa.select(shown).where(shown.c.measure.in_(_OF_GROUPS))).all()
    for number in range(1, times_as_many):
        connection.execute(shown.insert(), [{**row._mapping, "part": f"{row.part} {number}"} for row in rows])
    return int(connection.execute(sa.select(sa.func.count()).select_from(shown)).scalar_one())
