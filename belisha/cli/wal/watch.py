"""Tells Prometheus whether PostgreSQL gets rid of its log.

What it cannot hand over stays where it is, until that disk is full and PostgreSQL stops.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from belisha.backup import segments
from belisha.cli.backup import postgresql, told
from belisha.cli.wal.keeping import Keeping

_ASKED = """
SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)::int
    || ' ' || coalesce(extract(epoch FROM last_archived_time), 0)
    || ' ' || (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')
FROM pg_stat_archiver
"""


@dataclass(frozen=True)
class Seen:
    """What was seen.

    Attributes:
        failing: whether the newest attempt to hand over a piece failed.
        handed_over: when one was handed over last, in seconds since 1970; 0 for never.
        waiting: pieces that wait.
        base: when the newest base copy was whole, in seconds since 1970; 0 where there is none.
        at: when this was seen.
    """

    failing: bool
    handed_over: float
    waiting: int
    base: float
    at: float


def look(kept: Keeping) -> Seen:
    """Asks PostgreSQL, and looks into the folder.

    Raises:
        CommandError: PostgreSQL cannot be asked.
    """
    failing, handed_over, waiting = postgresql.one(kept.postgresql, _ASKED).split()
    folders = kept.folder.iterdir() if kept.folder.is_dir() else ()
    found = [
        base.ended.timestamp() for folder in folders for base in segments.bases(one.name for one in folder.iterdir())
    ]
    return Seen(failing == "1", float(handed_over), int(waiting), max(found, default=0.0), time.time())


def write(path: Path, seen: Seen) -> None:
    """Writes the file whole or not at all; without the exporter's folder, none.

    Raises:
        CommandError: it cannot be written.
    """
    from prometheus_client import Gauge

    failing = "Whether PostgreSQL could not hand over a piece of its log, 1 or 0."
    found = (
        (Gauge("belisha_wal_failing", failing, registry=None), seen.failing),
        (Gauge("belisha_wal_handed_over_seconds", "When it last handed one over.", registry=None), seen.handed_over),
        (Gauge("belisha_wal_waiting", "Pieces of its log that wait to be handed over.", registry=None), seen.waiting),
        (Gauge("belisha_wal_base_seconds", "When the newest base copy was whole.", registry=None), seen.base),
        (Gauge("belisha_wal_looked_seconds", "When this was looked at.", registry=None), seen.at),
    )
    told.gauges(path, found)
