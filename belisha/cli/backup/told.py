"""Tells Prometheus of a backup, by a file that the machine's node exporter reads: when, how long, how much."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from belisha.cli.backup.make import Made
from belisha.cli.errors import CommandError

if TYPE_CHECKING:
    from prometheus_client import Gauge


def write(path: Path, made: Made, seconds: float) -> None:
    """Writes the file whole or not at all; everybody of the machine may read it.

    Args:
        path: ends in `.prom`, in the exporter's folder; without such a folder nothing is written.
        made: the backup.
        seconds: how long it took.

    Raises:
        CommandError: it cannot be written.
    """
    from prometheus_client import Gauge

    size = made.data.stat().st_size + made.keys.stat().st_size
    told = (
        (
            Gauge("belisha_backup_begun_seconds", "When the newest whole backup was begun.", registry=None),
            made.manifest.made,
        ),
        (Gauge("belisha_backup_took_seconds", "How long it took.", registry=None), round(seconds, 3)),
        (Gauge("belisha_backup_size_bytes", "The size of both archives.", registry=None), size),
    )
    try:
        gauges(path, told)
    except CommandError as error:
        raise CommandError(f"The backup is whole, but {error.what}", error.remedy) from None


def gauges(path: Path, told: Iterable[tuple[Gauge, float]]) -> None:
    """Writes such a file: gauges that are in no registry yet, and the value of each.

    Raises:
        CommandError: it cannot be written.
    """
    from prometheus_client import CollectorRegistry, generate_latest

    if not path.parent.is_dir():
        return
    registry = CollectorRegistry()
    for gauge, value in told:
        gauge.set(value)
        registry.register(gauge)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(generate_latest(registry))
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CommandError(
            f"{path} cannot be written ({error.strerror}).", "Run this as who owns its folder."
        ) from None
