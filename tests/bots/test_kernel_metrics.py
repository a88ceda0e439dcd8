"""What the bots' `/metrics` holds before anything has happened, and where something of it cannot be had."""

from __future__ import annotations

import time
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bots.charts.artist import Artist
from bots.kernel.inbox import Depth
from bots.kernel.mail import Mailer
from bots.kernel.metrics import KINDS, Metrics
from bots.kernel.outbox import Outbox
from bots.kernel.sending import Sending
from bots.kernel.store import Store

NOTHING = Depth(0, 0, None)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(metrics: Metrics) -> Samples:
    page = metrics.page(NOTHING, NOTHING, 0).decode()
    families = text_string_to_metric_families(page)
    return {(one.name, tuple(one.labels.items())): one.value for family in families for one in family.samples}


def test_a_counter_is_there_before_it_has_counted(tmp_path: Path) -> None:
    """One that began with its first failure would show no growth by it, and no alert would see it."""
    metrics = Metrics(tmp_path)
    before = samples(metrics)
    assert before["belisha_bots_effects_put_off_total", (("kind", "mail"),)] == 0
    assert before["belisha_bots_dead_letters_total", (("of", "outbox"),)] == 0
    metrics.put_off("mail")
    metrics.failed.labels("outbox").inc()
    after = samples(metrics)
    assert set(after) == set(before)
    assert after["belisha_bots_effects_put_off_total", (("kind", "mail"),)] == 1
    assert after["belisha_bots_retries_total", (("of", "outbox"),)] == 1


def test_every_kind_of_effect_has_its_series(store: Store) -> None:
    sending = Sending(Outbox(store), {}, Mailer(None, "x"), Metrics(Path("/gone")), draw=Artist().draw)
    assert set(KINDS) == {*sending._perform, "act", "turn", "mail", "hook"}


def test_disk_and_clock_are_shown_as_they_are_now(tmp_path: Path) -> None:
    found = samples(Metrics(tmp_path))
    assert 0 < found["belisha_bots_disk_free_bytes", ()] < found["belisha_bots_disk_size_bytes", ()]
    assert abs(found["belisha_bots_clock_seconds", ()] - time.time()) < 60


def test_a_folder_that_is_gone_hides_nothing_else() -> None:
    found = samples(Metrics(Path("/gone/folder")))
    assert str(found["belisha_bots_disk_free_bytes", ()]) == "nan"
    assert found["belisha_bots_inbox_pending", ()] == 0
