"""Tells Prometheus of a backup, by a file that the machine's node exporter reads: when, how long, how much."""

import os
from pathlib import Path

from belisha.cli.backup.make import Made
from belisha.cli.errors import CommandError


def write(path: Path, made: Made, seconds: float) -> None:
    """Writes the file whole or not at all; everybody of the machine may read it.

    Args:
        path: ends in `.prom`, in the exporter's folder; without such a folder nothing is written.
        made: the backup.
        seconds: how long it took.

    Raises:
        CommandError: it cannot be written.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    if not path.parent.is_dir():
        return
    registry = CollectorRegistry()
    begun = Gauge("belisha_backup_begun_seconds", "When the newest whole backup was begun.", registry=registry)
    took = Gauge("belisha_backup_took_seconds", "How long it took.", registry=registry)
    size = Gauge("belisha_backup_size_bytes", "The size of both archives.", registry=registry)
    begun.set(made.manifest.made)
    took.set(round(seconds, 3))
    size.set(made.data.stat().st_size + made.keys.stat().st_size)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(generate_latest(registry))
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CommandError(
            f"The backup is whole, but {path} cannot be written ({error.strerror}).", "Run this as who owns its folder."
        ) from None
