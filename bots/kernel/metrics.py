"""What `/metrics` shows: numbers without any id of a room, person or event."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from bots.kernel.inbox import Depth


class Metrics:
    """The process's counters."""

    def __init__(self) -> None:
        """Starts at zero, in a registry of its own so that tests can have several."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._pending = Gauge("belisha_bots_inbox_pending", "Events that wait.", registry=self._registry)
        self._oldest = Gauge(
            "belisha_bots_inbox_oldest_seconds", "How long the oldest of them has waited.", registry=self._registry
        )
        self._failed = Gauge(
            "belisha_bots_inbox_failed", "Events given up and not looked into yet.", registry=self._registry
        )
        self.received = Counter(
            "belisha_bots_events_received", "Events that Synapse delivered, repeats included.", registry=self._registry
        )
        self.rejected = Counter(
            "belisha_bots_transactions_rejected",
            "Transactions not stored, by reason.",
            ["reason"],
            registry=self._registry,
        )
        self.handled = Counter("belisha_bots_events_handled", "Events handled.", registry=self._registry)
        self.retried = Counter("belisha_bots_events_retried", "Events put off after an error.", registry=self._registry)
        self.failed = Counter("belisha_bots_events_failed", "Events given up.", registry=self._registry)
        self.handling = Histogram(
            "belisha_bots_handling_seconds", "From taking an event up to its last effect.", registry=self._registry
        )

    def page(self, depth: Depth) -> bytes:
        """The text that Prometheus reads."""
        self._pending.set(depth.pending)
        self._oldest.set(depth.oldest or 0.0)
        self._failed.set(depth.failed)
        return generate_latest(self._registry)
