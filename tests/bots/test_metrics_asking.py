"""What became of posts is kept of each month before its facts go, once, and without who is forgotten."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from pyroaring import BitMap

from belisha.metrics.asks import Kept
from belisha.metrics.days import Period, month_of
from belisha.metrics.facts import Fact, fact_of
from bots.kernel.store import Store
from bots.metrics import asking, rolling
from bots.metrics.book import KEPT_DAYS, row_of
from bots.metrics.tables import asked, fact
from tests.bots.test_metrics import DAY
from tests.bots.test_schedule import LONDON, at

JUNE = month_of(date(2026, 6, 1))
DUE = at("2026-07-11 03:40")


def did(key: str, when: str, member: int, action: str, about: str) -> Fact:
    return fact_of(key, int(at(when) * 1000), LONDON, member, action, ref=about)


async def told(store: Store, *facts: Fact) -> None:
    await store.write(lambda one: one.execute(fact.insert(), [row_of(each) for each in facts]))


async def kept(store: Store, now: float) -> dict[Period, Kept]:
    return await store.write(lambda one: asking.keep(one, [JUNE], now, LONDON))


POSTS = (
    did("1", "2026-06-30 20:00", 1, "posted", "a"),
    did("2", "2026-07-07 19:00", 2, "answered", "a"),
    did("3", "2026-06-12 09:00", 3, "posted", "b"),
    did("4", "2026-06-12 09:00", 3, "read", "b"),
)
FOUND = Kept(BitMap([1]), BitMap([3]), BitMap([2]), 7 * 24 * 60 - 60)


async def test_a_month_is_kept_once_its_answers_have_come_and_outlasts_its_facts(store: Store) -> None:
    await told(store, *POSTS)
    assert await kept(store, DUE - DAY) == {}, "who wrote last may still be answered, and be told of late"
    assert await kept(store, DUE) == {JUNE: FOUND}
    await told(store, did("5", "2026-06-12 09:05", 4, "answered", "b"))
    assert await kept(store, DUE) == {JUNE: FOUND}, "what was kept stays"
    await store.write(lambda one: one.execute(fact.delete()))
    assert await kept(store, DUE + 600 * DAY) == {JUNE: FOUND}


async def test_of_a_month_whose_facts_are_going_nothing_is_kept(store: Store) -> None:
    await told(store, *POSTS)
    assert await kept(store, at("2026-06-02 03:40") + KEPT_DAYS * DAY) == {}


async def test_who_is_forgotten_is_taken_out(store: Store) -> None:
    await told(store, *POSTS)
    await kept(store, DUE)
    await store.write(lambda one: rolling.forget(one, 3))
    assert await kept(store, DUE) == {JUNE: FOUND._replace(unheard=BitMap())}
    assert await store.read(lambda one: one.execute(sa.select(asked.c.minutes)).scalar_one()) == FOUND.minutes
