"""What `/metrics` shows: numbers without any id of a room, person or event."""

from __future__ import annotations

import shutil
import time
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from bots.kernel.inbox import Depth

#: What effects can be (`Pending.kind`), and the other labels' values. Each series is there from the start, since a
#: counter that begins with its first failure shows no growth by it.
KINDS: Final = tuple(
    "send picture edit react redact pin invite kick state publish contribute act turn mail hook".split()
)
_REASONS: Final = ("token", "instance", "malformed", "store")
_OF: Final = ("inbox", "outbox", "job")


class Metrics:
    """The process's counters."""

    def __init__(self, data: Path) -> None:
        """Starts at zero, in a registry of its own so that tests can have several.

        Args:
            data: The folder whose disk is looked at, which is that of the database on SQLite.
        """
        here = self._registry = CollectorRegistry()
        ProcessCollector(registry=here)
        self._pending = Gauge("belisha_bots_inbox_pending", "Events that wait.", registry=here)
        self._oldest = Gauge(
            "belisha_bots_inbox_oldest_seconds", "How long the oldest of them has waited.", registry=here
        )
        self._failed = Gauge("belisha_bots_inbox_failed", "Events that are dead letters now.", registry=here)
        self._unsent = Gauge("belisha_bots_outbox_pending", "Effects that wait.", registry=here)
        self._lag = Gauge("belisha_bots_outbox_lag_seconds", "How long the oldest of them has waited.", registry=here)
        self._unsendable = Gauge("belisha_bots_outbox_failed", "Effects that are dead letters now.", registry=here)
        self._marked = Gauge("belisha_bots_rooms_to_read", "Rooms that are still to be read.", registry=here)
        self.received = Counter(
            "belisha_bots_events_received", "Events that Synapse delivered, repeats included.", registry=here
        )
        self.rejected = Counter(
            "belisha_bots_transactions_rejected", "Transactions not stored, by reason.", ["reason"], registry=here
        )
        self.handled = Counter("belisha_bots_events_handled", "Events handled.", registry=here)
        self.jobs = Counter("belisha_bots_jobs_done", "Jobs done at their time.", registry=here)
        self.sent = Counter("belisha_bots_effects_sent", "Effects performed, by kind.", ["kind"], registry=here)
        self._put_off = Counter(
            "belisha_bots_effects_put_off", "Effects that could not be performed yet, by kind.", ["kind"], registry=here
        )
        self.retried = Counter("belisha_bots_retries", "What was put off after an error.", ["of"], registry=here)
        self.failed = Counter("belisha_bots_dead_letters", "What was given up.", ["of"], registry=here)
        self.breaks = Counter("belisha_bots_delivery_breaks", "Breaks in Synapse's deliveries.", registry=here)
        self.caught_up = Counter("belisha_bots_rooms_read", "Rooms read after a break or a start.", registry=here)
        self.missed = Counter(
            "belisha_bots_events_missed", "Events that Synapse never delivered, found in rooms.", registry=here
        )
        self.handling = Histogram(
            "belisha_bots_handling_seconds", "How long a bot took over one event or job.", registry=here
        )
        clock = Gauge("belisha_bots_clock_seconds", "This process's clock, in seconds since 1970.", registry=here)
        clock.set_function(time.time)
        free = Gauge("belisha_bots_disk_free_bytes", "Room on the disk, for who is not root.", registry=here)
        free.set_function(partial(_disk, data, "free"))
        size = Gauge("belisha_bots_disk_size_bytes", "Size of the disk.", registry=here)
        size.set_function(partial(_disk, data, "total"))
        for counter, values in (
            (self.rejected, _REASONS),
            (self.sent, KINDS),
            (self._put_off, KINDS),
            (self.retried, _OF),
            (self.failed, _OF),
        ):
            for value in values:
                counter.labels(value)

    def put_off(self, kind: str) -> None:
        """Counts an effect that is tried again later."""
        self.retried.labels("outbox").inc()
        self._put_off.labels(kind).inc()

    def page(self, inbox: Depth, outbox: Depth, marked: int) -> bytes:
        """The text that Prometheus reads."""
        self._pending.set(inbox.pending)
        self._oldest.set(inbox.oldest or 0.0)
        self._failed.set(inbox.failed)
        self._unsent.set(outbox.pending)
        self._lag.set(outbox.oldest or 0.0)
        self._unsendable.set(outbox.failed)
        self._marked.set(marked)
        return generate_latest(self._registry)


def _disk(folder: Path, what: str) -> float:
    try:
        return float(getattr(shutil.disk_usage(folder), what))
    except OSError:  # a folder that is gone is no reason to show nothing of anything
        return float("nan")
