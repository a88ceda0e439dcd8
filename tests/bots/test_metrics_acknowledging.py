"""The time to acknowledgement of reports is decided about once, and stands beside its members."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from belisha.metrics.days import month_of
from belisha.metrics.facts import Fact, fact_of
from belisha.metrics.respect import Name, Shown
from bots.kernel.store import Store
from bots.metrics import publishing, rolling
from bots.metrics.book import row_of
from bots.metrics.tables import fact
from tests.bots.test_metrics import DAY
from tests.bots.test_schedule import LONDON, at

NAME = Name(month_of(date(2026, 4, 1)), "reports")
DUE = at("2026-07-11 03:40")


def did(member: int, when: str, action: str, about: str = "") -> Fact:
    organisation = "reef" if member % 2 else "harbour"
    key = f"{member} {action} {about}"
    return fact_of(key, int(at(when) * 1000), LONDON, member, action, organisation=organisation, ref=about)


async def tell(store: Store, *facts: Fact) -> None:
    await store.write(lambda one: one.execute(fact.insert(), [row_of(each) for each in facts]))


async def decided(store: Store, now: float) -> Shown | None:
    """What is known of it after a night."""

    def night(connection: sa.Connection) -> None:
        rolling.roll_up(connection, now, LONDON)
        publishing.publish(connection, now, LONDON)

    await store.write(night)
    return (await store.read(publishing.read)).get(NAME)


async def test_it_is_decided_about_once_when_a_week_has_passed(store: Store) -> None:
    members = range(1, 6)
    await tell(store, *(did(one, "2026-01-10 09:00", "read") for one in members))
    await tell(store, *(did(one, "2026-06-30 09:00", "reported", f"r{one}") for one in members))
    await tell(store, *(did(one, f"2026-06-30 09:{10 * one}", "acknowledged", f"r{one}") for one in members))
    assert await decided(store, DUE - DAY) is None
    assert await decided(store, DUE) == Shown(5, {"minutes": 30.0})
    await tell(store, did(6, "2026-06-30 09:00", "reported", "late"))
    assert await decided(store, DUE + DAY) == Shown(5, {"minutes": 30.0}), "what was decided stays"


async def test_of_four_who_reported_neither_they_nor_the_time_is_told(store: Store) -> None:
    members = range(1, 5)
    await tell(store, *(did(one, "2026-01-10 09:00", "read") for one in range(1, 9)))
    await tell(store, *(did(one, "2026-05-04 09:00", "reported", f"r{one}") for one in members))
    await tell(store, *(did(one, "2026-05-04 09:30", "acknowledged", f"r{one}") for one in members))
    assert await decided(store, DUE) == Shown(None)
