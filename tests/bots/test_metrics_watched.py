"""What Prometheus is shown of the community: what was decided to be shown of the newest week and month, and no more."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

from prometheus_client.parser import text_string_to_metric_families

from belisha.metrics.days import month_of, week_of
from bots.kernel.store import Store
from bots.metrics import watched
from tests.bots.test_metrics_report import decide, decided

WEEK, OLDER = week_of(date(2026, 10, 26)), week_of(date(2026, 10, 19))
MONTH = month_of(date(2026, 10, 1))
Samples = dict[tuple[str, ...], float]


async def samples(store: Store) -> Samples:
    """The value of each series, by its name and its labels' values."""
    families = text_string_to_metric_families((await store.read(watched.page)).decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


async def test_the_newest_week_and_month_are_shown_as_was_decided(store: Store) -> None:
    before = await samples(store)
    assert before and all(math.isnan(value) for value in before.values()), "each is there, and none has a number"
    stickiness = '{"stickiness": 0.25, "something else": 7}'
    await decide(
        store,
        decided(OLDER, "active", members=99),
        decided(WEEK, "active", members=20) | {"figures": stickiness},
        decided(WEEK, "growth", "came", None),
        decided(MONTH, "active", members=44),
        decided(MONTH, "reading", "contributed", 12),
        decided(MONTH, "top_decile", "", None) | {"figures": '{"share": 0.6}'},
        *(decided(MONTH, "group", f"!{n}:secret.example", members) for n, members in enumerate((9, 8, None))),
        decided(MONTH, "category", "charity", 17),
    )
    found = await samples(store)
    assert set(found) == set(before), "and no series is new"
    numbers = {key: value for key, value in found.items() if not math.isnan(value)}
    assert numbers == {
        ("belisha_community_members", "active", "week"): 20,
        ("belisha_community_members", "active", "month"): 44,
        ("belisha_community_members", "contributed", "month"): 12,
        ("belisha_community_groups", "week"): 0,
        ("belisha_community_groups", "month"): 2,
        ("belisha_community_share", "days_active", "week"): 0.25,
        ("belisha_community_period_end_seconds", "week"): datetime(2026, 11, 2, tzinfo=UTC).timestamp(),
        ("belisha_community_period_end_seconds", "month"): datetime(2026, 11, 1, tzinfo=UTC).timestamp(),
    }
    assert "secret.example" not in (await store.read(watched.page)).decode()
