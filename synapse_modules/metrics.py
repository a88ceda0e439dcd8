"""What the module counts for Prometheus, in the registry that Synapse's metrics listener shows.

No id of a person, room or event, and no text: each label has a few values that are known beforehand (rule P1).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from synapse.module_api.errors import SynapseError

from belisha.policy.decision import Decision, Verdict
from belisha.policy.rooms import Kind
from belisha.policy.types import CONTENT, MODULE_STATE
from belisha.tlp import Label

RULES: Final = frozenset("L1 L2 L3 L4 R1 R2 R3 R4 R5 M1 M2 M3 F1 P1 P2 P3 X1".split())
OUTCOMES: Final = frozenset("clean malware known not_checked not_scanned".split())
_OTHER: Final = "other"

#: The error of what could not be decided.
CANNOT_DECIDE: Final = "ORG.BELISHA.CANNOT_DECIDE"
_decisions: Final = Counter("belisha_decisions", "Decisions, by rule and verdict.", ["rule", "verdict"])
_labels: Final = Counter("belisha_labels", "Items accepted, by label and kind of room.", ["label", "kind"])
_seconds: Final = Histogram(
    "belisha_decision_seconds",
    "How long deciding about one event or one new room took.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
_degraded: Final = Gauge("belisha_degraded_hooks", "Parts of Synapse that are missing; their addresses are closed.")
_notices: Final = Counter("belisha_notices", "Messages to members about what was refused, repetitions included.")
_screened: Final = Counter("belisha_files_screened", "Uploads looked at, by what came of it.", ["outcome"])
_unscanned: Final = Gauge("belisha_files_unscanned", "Files taken without the malware scanner, still to be scanned.")
_checkers: Final = Gauge("belisha_files_checker_up", "Whether what checks files is there, 1 or 0.", ["checker"])
_syslog_rows: Final = Gauge("belisha_syslog_behind_rows", "Records of the audit log that wait for the collector.")
_syslog_seconds: Final = Gauge("belisha_syslog_behind_seconds", "How long the oldest of them has waited.")
_free: Final = Gauge("belisha_disk_free_bytes", "Room on the disk of a folder, for who is not root.", ["of"])
_size: Final = Gauge("belisha_disk_size_bytes", "Size of the disk of a folder.", ["of"])
_clock: Final = Gauge("belisha_clock_seconds", "This process's clock, in seconds since 1970.")

# Each series is there from the start: a counter that begins with its first refusal shows no growth by it, and what is
# not there cannot be told from what does not happen.
_clock.set_function(time.time)
for _outcome in OUTCOMES:
    _screened.labels(_outcome)
for _verdict in Verdict:
    for _rule in (*RULES, _OTHER):
        _decisions.labels(_rule, _verdict.value)
for _label in Label:
    for _kind in Kind:
        _labels.labels(str(_label), _kind.value)


@contextmanager
def deciding(event_type: str | None) -> Iterator[None]:
    """Times and counts one decision of the block within; its refusal is the SynapseError that leaves the block.

    Args:
        event_type: what is decided about; None for the making of a room.
    """
    started = time.perf_counter()
    try:
        yield
    except SynapseError as error:
        rule = error.error_dict(None).get("org.belisha.rule", "L1")  # what cannot be read is on no list
        if error.errcode != CANNOT_DECIDE:  # which was counted where it was made, as those of no event are
            _count(str(rule), Verdict.REFUSE)
        raise
    else:
        _count(_allowing(event_type), Verdict.ALLOW)
    finally:
        _seconds.observe(time.perf_counter() - started)


def undecided() -> None:
    """Counts what could not be decided, at whichever entrance."""
    _count("X1", Verdict.REFUSE)


def decided(decision: Decision) -> None:
    """Counts a decision about what is no event: a message to a device, a device, a push gateway."""
    _count(decision.rule, decision.verdict)


def labelled(label: Label, kind: Kind) -> None:
    """Counts an item that was accepted with its label."""
    _labels.labels(str(label), kind.value).inc()


def degraded(count: int) -> None:
    """Says how many parts of Synapse are missing."""
    _degraded.set(count)


def noticed() -> None:
    """Counts a message to a member about a refusal."""
    _notices.inc()


def screened(outcome: str) -> None:
    """Counts an upload that was looked at."""
    _screened.labels(outcome).inc()


def unscanned(count: int) -> None:
    """Says how many files are still to be scanned."""
    _unscanned.set(count)


def checker(name: str, *, is_there: bool) -> None:
    """Says whether scanner, list or matcher is there and works."""
    _checkers.labels(name).set(int(is_there))


def syslog_behind(rows: int, seconds: int) -> None:
    """Says how much of the audit log waits for the collector, and for how long."""
    _syslog_rows.set(rows)
    _syslog_seconds.set(seconds)


def disks(data: Path, media: Path | None) -> None:
    """Has the disks of both folders looked at whenever somebody reads the metrics; `media` where files are served."""
    for of, folder in (("data", data), ("media", media)):
        if folder is not None:
            _free.labels(of).set_function(partial(_disk, folder, "free"))
            _size.labels(of).set_function(partial(_disk, folder, "total"))


def _disk(folder: Path, what: str) -> float:
    try:
        return float(getattr(shutil.disk_usage(folder), what))
    except OSError:  # a folder that is gone is no reason to show nothing of anything
        return float("nan")


def _count(rule: str, verdict: Verdict) -> None:
    _decisions.labels(rule if rule in RULES else _OTHER, verdict.value).inc()


def _allowing(event_type: str | None) -> str:
    """The rule that lets a type pass where nothing refuses it."""
    if event_type is None or event_type in MODULE_STATE:
        return "R1"
    if event_type == "m.room.member":
        return "M1"
    return "L3" if event_type in CONTENT else "L1"
