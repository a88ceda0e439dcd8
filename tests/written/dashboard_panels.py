"""What the two dashboards show, as data: a question for each panel, and what is asked of Prometheus.

Everything is a count of events, but for the figures of the community, which are those that the portal shows
(`bots.metrics.watched`): how many people did something may be shown only where `belisha.metrics.respect` lets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_A_MINUTE: Final = "60 * "


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows.
        about: what that means, and what to do about it.
        queries: PromQL by the name of its curves, in which `{{label}}` stands for a label's value.
        unit: Grafana's name of the unit.
        limit: from which value on it is bad, for a panel of one number; None for curves.
        low_is_bad: whether it is bad below the limit.
        stacked: whether the curves are parts of a whole.
    """

    title: str
    about: str
    queries: Mapping[str, str]
    unit: str = "short"
    limit: float | None = None
    low_is_bad: bool = False
    stacked: bool = False


@dataclass(frozen=True)
class Board:
    """One dashboard: its panels by the heading that they stand under."""

    uid: str
    title: str
    about: str
    rows: Mapping[str, tuple[Panel, ...]]


def _by(label: str, counter: str) -> dict[str, str]:
    """How often something is counted in a minute, by one of its labels."""
    return {f"{{{{{label}}}}}": f"{_A_MINUTE}sum by ({label}) (rate({counter}[$__rate_interval]))"}


def _quantiles(histogram: str, only: str = "") -> dict[str, str]:
    """Within how many seconds half of something is done, and nineteen of twenty; of some series `only`."""
    buckets = f"sum by (le) (rate({histogram}_bucket{only}[$__rate_interval]))"
    return {name: f"histogram_quantile({of}, {buckets})" for name, of in (("half within", 0.5), ("95 % within", 0.95))}


COMMUNITY: Final = Board(
    "belisha-community",
    "Belisha: community and enforcement",
    "What is shared and refused: counts of events; and the community's figures, as far as they may be shown.",
    {
        "Now": (
            Panel(
                "Refused, of all decisions",
                "Of the last five minutes. A few in a hundred are people who learn the rules.",
                {"": "belisha:refusals:ratio5m"},
                "percentunit",
                0.2,
            ),
            Panel(
                "Not decided, within a day",
                "Refused because the server could not decide (X1). Anything above 0 is to be mended: see the runbook.",
                {"": 'sum(increase(belisha_decisions_total{rule="X1", verdict="refuse"}[1d]))'},
                limit=1,
            ),
            Panel(
                "Parts that are missing",
                "Parts of Synapse that Belisha checks with. Above 0 their addresses are closed.",
                {"": "max(belisha_degraded_hooks)"},
                limit=1,
            ),
            Panel(
                "Checkers that are missing",
                "Of scanner, list and matcher, those that are set and do not answer.",
                {"": "belisha:checkers_missing:count"},
                limit=1,
            ),
            Panel(
                "Files without a scan",
                "Taken while the scanner was away, and still to be scanned.",
                {"": "max(belisha_files_unscanned)"},
                limit=1,
            ),
            Panel(
                "Given up by the bots",
                "Dead letters: somebody waits for an answer that does not come.",
                {"": "belisha:dead_letters:count"},
                limit=1,
            ),
        ),
        "The community, of the newest whole week and month": (
            Panel(
                "Active members, by week",
                "Decided about four days after the week. A gap is a number that may not be shown.",
                {"active": 'max(belisha_community_members{did="active", period="week"})'},
            ),
            Panel(
                "What members did, by month",
                "As on the portal, under Figures. Days are shown to nobody.",
                {"{{did}}": 'max by (did) (belisha_community_members{period="month"})'},
            ),
            Panel(
                "Active groups, by month",
                "Groups with so many active members that their number may be shown.",
                {"groups": 'max(belisha_community_groups{period="month"})'},
            ),
            Panel(
                "Shares, by month",
                "On how many of its days the active members came, and what the busiest tenth wrote of everything.",
                {"{{of}}": 'max by (of) (belisha_community_share{period="month"})'},
                "percentunit",
            ),
            Panel(
                "Age of the newest week",
                "Since it ended. More than twelve days means that nothing is decided any more by night.",
                {"": 'time() - max(belisha_community_period_end_seconds{period="week"})'},
                "s",
                1_036_800,
            ),
        ),
        "What is shared": (
            Panel(
                "Items by label, a minute",
                "Messages, files, polls and posts that were accepted, with the label they got.",
                _by("label", "belisha_labels_total"),
                stacked=True,
            ),
            Panel(
                "Items by kind of room, a minute",
                "Where they were accepted. Of rooms of named people nothing but this number is known.",
                _by("kind", "belisha_labels_total"),
                stacked=True,
            ),
        ),
        "What is refused": (
            Panel(
                "Refusals by rule, a minute",
                "The rules are in docs/threat-model.md: L labels, R rooms, M membership, F files, P bots, X undecided.",
                {"{{rule}}": f"{_A_MINUTE}rule:belisha_refusals:rate5m"},
                stacked=True,
            ),
            Panel(
                "Decisions, a minute",
                "All of them, allowed and refused.",
                {"{{verdict}}": f"{_A_MINUTE}belisha:decisions:rate5m"},
                stacked=True,
            ),
            Panel(
                "Refusals against the day before",
                "How many times as much as on average within a day; an alert comes from 5 on.",
                {
                    "times as much": 'sum(rate(belisha_decisions_total{verdict="refuse"}[10m]))'
                    ' / clamp_min(sum(rate(belisha_decisions_total{verdict="refuse"}[1d])), 0.02)'
                },
            ),
            Panel(
                "Told why, a minute",
                "Messages of the bot to members about what was refused, repetitions included.",
                {"messages": f"{_A_MINUTE}sum(rate(belisha_notices_total[$__rate_interval]))"},
            ),
        ),
        "Uploads, and what bots do": (
            Panel(
                "Uploads by what came of them, a minute",
                "“not_checked” was refused since somebody could not be asked, “not_scanned” was taken all the same.",
                _by("outcome", "belisha_files_screened_total"),
                stacked=True,
            ),
            Panel(
                "What bots did, a minute",
                "Messages, reactions, invitations, acts that members asked for, mails.",
                _by("kind", "belisha_bots_effects_sent_total"),
                stacked=True,
            ),
        ),
    },
)

MACHINES: Final = Board(
    "belisha-machines",
    "Belisha: machines and bots",
    "Whether everything runs, how fast, and what waits.",
    {
        "Now": (
            Panel("Synapse answers", "1 or 0.", {"": 'min(up{job="synapse"})'}, limit=1, low_is_bad=True),
            Panel("The bots answer", "1 or 0.", {"": 'min(up{job="bots"})'}, limit=1, low_is_bad=True),
            Panel(
                "Left of what may go wrong",
                "Of the objective that is worst off, within thirty days (docs/slo.md). Below 0 a promise is broken.",
                {"": "min(slo:belisha_budget_left:ratio30d)"},
                "percentunit",
                0.1,
                low_is_bad=True,
            ),
            Panel(
                "Room on the disk",
                "Of the disk with the least of it, of those of data, media and bots.",
                {"": "min(of:belisha_disk_free:ratio)"},
                "percentunit",
                0.1,
                low_is_bad=True,
            ),
            Panel(
                "Oldest event that waits",
                "For a bot. Above five minutes an alert comes.",
                {"": "max(belisha_bots_inbox_oldest_seconds)"},
                "s",
                300,
            ),
            Panel(
                "Oldest effect that waits",
                "What a bot wants done. Above fifteen minutes an alert comes.",
                {"": "max(belisha_bots_outbox_lag_seconds)"},
                "s",
                900,
            ),
            Panel(
                "Clocks apart",
                "Of the processes and Prometheus. On one machine it is next to nothing.",
                {"": "max(job:belisha_clock_offset:seconds)"},
                "s",
                5,
            ),
        ),
        "What is promised": (
            Panel(
                "Left of what may go wrong, by objective",
                "Within thirty days. What each promises stands in docs/slo.md.",
                {"{{slo}}": "slo:belisha_budget_left:ratio30d"},
                "percentunit",
            ),
            Panel(
                "How fast it is used up",
                "1 is just as fast as it may be; within an hour from 14.4 on an alert wakes somebody.",
                {"{{slo}}": "max by (slo) (slo:belisha_burn:fast)"},
            ),
        ),
        "Machines": (
            Panel(
                "Computing",
                "Processors in use, of each process; 1 is one processor.",
                {"{{job}}": "sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))"},
            ),
            Panel(
                "Memory",
                "Resident, of each process.",
                {"{{job}}": "sum by (job) (process_resident_memory_bytes)"},
                "bytes",
            ),
            Panel(
                "Room on the disks",
                "By what lies there. Alerts come below 10 and below 3 in a hundred.",
                {"{{of}}": "of:belisha_disk_free:ratio"},
                "percentunit",
            ),
            Panel(
                "Open files, of those allowed",
                "At 1 nobody can connect any more.",
                {"{{job}}": "max by (job) (process_open_fds / process_max_fds)"},
                "percentunit",
            ),
            Panel(
                "The audit log's collector is behind",
                "How long the oldest record has waited for it; above an hour an alert comes. 0 without a collector.",
                {"": "max(belisha_syslog_behind_seconds)"},
                "s",
            ),
            Panel(
                "Records that wait for the collector",
                "Of the audit log. They wait in the database, and none is lost.",
                {"": "max(belisha_syslog_behind_rows)"},
            ),
            Panel(
                "Starts within an hour",
                "Of each process; more than three are an alert.",
                {"{{job}}": 'max by (job) (changes(process_start_time_seconds{job=~"synapse|bots"}[1h]))'},
            ),
        ),
        "Synapse": (
            Panel(
                "Answers by code, a minute",
                "403 are refusals; 5xx are errors to be looked at.",
                _by("code", "synapse_http_server_responses_total"),
                stacked=True,
            ),
            Panel(
                "Time of answers",
                "Without those that wait for news on purpose (sync).",
                _quantiles("synapse_http_server_response_time_seconds", '{servlet!~".*Sync.*"}'),
                "s",
            ),
            Panel(
                "Time of decisions",
                "Deciding about one event or one new room, which is part of each send.",
                _quantiles("belisha_decision_seconds"),
                "s",
            ),
            Panel(
                "Time of the event loop's turns",
                "While it turns nobody else is served: half a second is felt by everybody.",
                _quantiles("python_twisted_reactor_tick_time"),
                "s",
            ),
            Panel(
                "Computing in the database, by Synapse's transactions",
                "Seconds of database time in a second; the five that take most.",
                {
                    "{{desc}}": "topk(5, sum by (desc) ("
                    "rate(synapse_storage_transaction_time_sum_total[$__rate_interval])))"
                },
                "s",
            ),
        ),
        "Bots": (
            Panel(
                "What waits",
                "Events for a bot, effects that are to be performed, rooms to be read after a break.",
                {
                    "events": "max(belisha_bots_inbox_pending)",
                    "effects": "max(belisha_bots_outbox_pending)",
                    "rooms": "max(belisha_bots_rooms_to_read)",
                },
            ),
            Panel(
                "Time over one event or job",
                "Within a bot, without what Synapse takes.",
                _quantiles("belisha_bots_handling_seconds"),
                "s",
            ),
            Panel(
                "Events and jobs, a minute",
                "Delivered by Synapse (repeats included), handled, and jobs that fell due.",
                {
                    "delivered": f"{_A_MINUTE}sum(rate(belisha_bots_events_received_total[$__rate_interval]))",
                    "handled": f"{_A_MINUTE}sum(rate(belisha_bots_events_handled_total[$__rate_interval]))",
                    "jobs": f"{_A_MINUTE}sum(rate(belisha_bots_jobs_done_total[$__rate_interval]))",
                },
            ),
            Panel(
                "Put off, a minute",
                "Effects that could not be performed yet, by kind: `mail` and `hook` are servers of others.",
                _by("kind", "belisha_bots_effects_put_off_total"),
                stacked=True,
            ),
            Panel(
                "Deliveries that were refused, a minute",
                "By reason; see the runbook.",
                _by("reason", "belisha_bots_transactions_rejected_total"),
                stacked=True,
            ),
            Panel(
                "Breaks, and what they cost, within an hour",
                "Breaks in Synapse's deliveries, events that only the bots' reading found, and what was given up.",
                {
                    "breaks": "sum(increase(belisha_bots_delivery_breaks_total[1h]))",
                    "found": "sum(increase(belisha_bots_events_missed_total[1h]))",
                    "given up": "sum(increase(belisha_bots_dead_letters_total[1h]))",
                },
            ),
        ),
        "Backups": (
            Panel(
                "Age of the newest backup",
                "Of the newest that is whole; 0 where none was made or none is told of.",
                {"": "belisha:backup_age:seconds"},
                "s",
                176_400,
            ),
            Panel(
                "How long the newest backup took",
                "While it is made, members go on.",
                {"": "max(belisha_backup_took_seconds) or vector(0)"},
                "s",
            ),
            Panel(
                "Size of the newest backup",
                "Both archives; what it is written to needs room for all that are kept.",
                {"": "max(belisha_backup_size_bytes) or vector(0)"},
                "bytes",
            ),
            Panel(
                "Log that waits to be kept",
                "Pieces of PostgreSQL's log that are not handed over yet; they fill its disk.",
                {"pieces": "max(belisha_wal_waiting) or vector(0)"},
            ),
            Panel(
                "Since the log was last kept",
                "When PostgreSQL last handed over a piece: what was written since is here alone.",
                {"": "(time() - max(belisha_wal_handed_over_seconds)) or vector(0)"},
                "s",
            ),
            Panel(
                "Age of the newest base copy",
                "Restoring a moment begins with it.",
                {"": "belisha:base_age:seconds"},
                "s",
                limit=176_400,
            ),
        ),
    },
)

DASHBOARDS: Final = (COMMUNITY, MACHINES)
