"""Whether organisations were active is decided by night, once, whoever of them is forgotten or comes late."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from belisha.metrics.days import month_of
from belisha.metrics.facts import Fact, fact_of
from bots.kernel.store import Store
from bots.metrics import named, publishing, rolling
from bots.metrics.book import row_of
from bots.metrics.tables import fact
from tests.bots.test_metrics import DAY
from tests.bots.test_schedule import LONDON, at

JUNE = month_of(date(2026, 6, 1))
DUE = at("2026-07-04 03:40")


def did(member: int, when: str, action: str = "read", organisation: str = "reef") -> Fact:
    key = f"{member} {when} {action}"
    return fact_of(key, int(at(when) * 1000), LONDON, member, action, organisation=organisation)


async def tell(store: Store, *facts: Fact) -> None:
    await store.write(lambda one: one.execute(fact.insert(), [row_of(each) for each in facts]))


async def decided(store: Store, now: float) -> dict[str, bool | None]:
    """What is known of June after a night."""

    def night(connection: sa.Connection) -> None:
        rolling.roll_up(connection, now, LONDON)
        publishing.publish(connection, now, LONDON)

    await store.write(night)
    found = await store.read(named.read)
    return {organisation: active for (month, organisation), active in found.items() if month == JUNE}


async def test_a_month_is_decided_about_once(store: Store) -> None:
    reef, harbour = range(1, 6), range(6, 10)
    await tell(store, *(did(one, "2026-04-10 09:00") for one in reef))
    await tell(store, *(did(one, "2026-04-10 09:00", organisation="harbour") for one in harbour))
    assert await decided(store, DUE - DAY) == {}
    assert await decided(store, DUE) == {"harbour": None, "reef": False}
    await tell(store, did(1, "2026-06-10 09:00"), did(11, "2026-04-10 09:00", organisation="harbour"))
    await store.write(lambda one: rolling.forget(one, 2))
    assert await decided(store, DUE + DAY) == {"harbour": None, "reef": False}
