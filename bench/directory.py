"""How long a search of the directory takes among 100,000 profiles, a page, and an update, on SQLite and on PostgreSQL.

Each search is a whole one, as a page needs it: words looked up, 20 hits ranked with their reasons, facets counted, for
a member who shares groups with 200 others. What is typed is drawn from the tags that members have, so the more usual a
topic is the more often it is asked for. `cpu_p95_ms` is what of it the processor did in this process.

A page is the portal's own, by HTTP: who asks, whom they may find, the search, what the members of the page have
written, whether they may still be shown, and the HTML.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

import sqlalchemy as sa

from belisha.directory.fields import Visibility
from belisha.directory.values import Asker, Profile
from bench import directory_hidden, directory_page
from bench.community import Person, people
from bench.community_words import SYNONYMS
from bench.directory_queries import begun, misspelt, two_words
from bench.relevance import NOW, profile
from bench.report import Bar, BenchFailed, Result, say
from bench.send import folder
from bots.directory import search
from bots.kernel.store import Store
from tests.support.databases import postgresql

T = TypeVar("T")

_PROFILES, _QUICK_PROFILES = 100_000, 1_000
_SEARCHES, _QUICK_SEARCHES = 400, 20
_SHARES: Final = 200
_KINDS: Final = {"words": two_words, "prefix": begun, "typo": misspelt}
_BARS: Final = {"words": 5.0, "prefix": 10.0, "typo": 25.0, "update": 10.0, "page": 50.0}
#: How far apart a stranger's times may be, with hidden fields in the directory and without any.
_APART: Final = 1.1


def run(*, quick: bool) -> Result:
    """Fills both databases and asks them the same."""
    count = _QUICK_PROFILES if quick else _PROFILES
    searches = _QUICK_SEARCHES if quick else _SEARCHES
    community = list(people(count, names=True, tail=2))
    figures: dict[str, float] = {"profiles": float(count)}
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made, ExitStack() as running:
        addresses = {"sqlite": f"sqlite:///{Path(made) / 'bots.db'}", "postgres": running.enter_context(postgresql())}
        for name, address in addresses.items():
            say(f"{name}: {count:,} profiles …")
            found = asyncio.run(_measure(address, community, searches))
            figures |= {f"{name}_{figure}": value for figure, value in found.items()}
        say("what is hidden …")
        for name, pair in _pairs(addresses, Path(made)).items():
            found = asyncio.run(directory_hidden.ratios(*pair, community, searches))
            ratios |= {f"{name}_{ratio}": value for ratio, value in found.items()}
    figures["page_render_p95_ms"] = max(figures["sqlite_page_p95_ms"], figures["postgres_page_p95_ms"])
    figures["update_p95_ms"] = max(figures["sqlite_update_p95_ms"], figures["postgres_update_p95_ms"])
    bars = {f"{name}_hidden_vs_none": Bar(most=_APART) for name in addresses}
    bars |= {f"{name}_{kind}_p95_ms": Bar(most=most) for name in addresses for kind, most in _BARS.items()}
    return Result(
        bench="directory",
        figures=figures,
        ratios=ratios,
        bars=bars | {"update_p95_ms": Bar(most=_BARS["update"]), "page_render_p95_ms": Bar(most=_BARS["page"])},
        meaning="So many milliseconds has a member to wait for the directory's answer, 19 times in 20.",
    )


def _pairs(addresses: Mapping[str, str], made: Path) -> dict[str, tuple[str, str]]:
    """Two empty databases of each kind."""
    engine = sa.create_engine(sa.make_url(addresses["postgres"]).set(drivername="postgresql+psycopg2"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("bare", "hiding"):
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0"))
    engine.dispose()
    at = addresses["postgres"].removesuffix("/postgres")
    return {
        "sqlite": (f"sqlite:///{made / 'bare.db'}", f"sqlite:///{made / 'hiding.db'}"),
        "postgres": (f"{at}/bare", f"{at}/hiding"),
    }


async def _measure(address: str, community: Sequence[Person], searches: int) -> dict[str, float]:
    store = Store(address)
    await store.open()
    try:
        began = time.perf_counter()
        await store.write(lambda connection: _fill(connection, community))
        if not store.is_sqlite:
            async with store.writing() as connection:
                await connection.execute(sa.text("ANALYZE"))
        figures = {"rebuild_s": time.perf_counter() - began}
        draw = random.Random(5)
        members = [person.user_id for person in community]
        asker = Asker("@asker:belisha.localhost", "none", frozenset(draw.sample(members, _SHARES)))
        for kind, typed in _KINDS.items():
            texts = [typed(draw, community) for _ in range(searches)]
            say(f"{searches} searches: {kind} …")
            figures |= {
                f"{kind}_{name}": value for name, value in (await _timed(_searching(store, asker), texts)).items()
            }
        say("pages …")
        async with directory_page.visitor(store, community, asker.shares) as browser:
            opened = partial(directory_page.opened, browser)
            found = await _timed(opened, directory_page.addresses(draw, community, searches))
        figures |= {f"page_{name}": value for name, value in found.items()}
        say("updates …")
        some = [profile(person) for person in draw.sample(list(community), searches // 2)]
        changed = await _timed(_updating(store, draw), some)
        figures |= {f"update_{name}": value for name, value in changed.items()}
        steps, goes_on = list[float](), True
        while goes_on:
            began = time.perf_counter()
            goes_on = await store.write(search.sweep)
            steps.append(time.perf_counter() - began)
        return figures | {"sweep_s": sum(steps), "sweep_step_max_ms": max(steps) * 1000}
    finally:
        await store.close()


def _fill(connection: sa.Connection, community: Sequence[Person]) -> None:
    """The index, where one in ten shows the interests to groups alone."""
    for terms in SYNONYMS:
        search.add_synonyms(connection, terms)
    ordered = sorted(community, key=lambda person: (-person.age_days, person.number))
    directory_page.fill(connection, community)
    search.rebuild(connection, ((_profile(person), NOW - person.age_days * 86400) for person in ordered))


def _profile(person: Person) -> Profile:
    made = profile(person)
    return replace(made, visibility={"interests": Visibility.GROUPS}) if person.number % 10 == 0 else made


def _searching(store: Store, asker: Asker) -> Callable[[str], Awaitable[None]]:
    async def ask(text: str) -> None:
        answer = await store.read(lambda connection: search.search(connection, text, asker, NOW))
        if not answer.hits or not answer.counts["category"]:
            raise BenchFailed("A search for what members have in their profiles found nobody.")

    return ask


def _updating(store: Store, draw: random.Random) -> Callable[[Profile], Awaitable[None]]:
    """One tag more, and one less."""

    async def update(made: Profile) -> None:
        tags = (*made.fields["expertise"][1:], f"novelty {draw.randrange(10_000)}")
        changed = replace(made, fields={**made.fields, "expertise": tags})
        await store.write(lambda connection: search.index(connection, changed, NOW))

    return update


async def _timed(act: Callable[[T], Awaitable[None]], given: Sequence[T]) -> dict[str, float]:
    """Milliseconds for each, after a few that only warm up."""
    for one in given[: len(given) // 10]:
        await act(one)
    found, used = [], []
    for one in given:
        began, worked = time.perf_counter(), time.process_time()
        await act(one)
        found.append((time.perf_counter() - began) * 1000)
        used.append((time.process_time() - worked) * 1000)
    return {
        "p50_ms": median(found),
        "p95_ms": sorted(found)[int(len(found) * 0.95)],
        "cpu_p95_ms": sorted(used)[int(len(used) * 0.95)],
    }
