"""`belisha backup`: writes everything that a community cannot lose into two encrypted archives."""

import argparse
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from belisha.backup.place import is_away
from belisha.cli.options import Subparsers, add_data, folder

if TYPE_CHECKING:
    from belisha.cli.backup.make import Made
    from belisha.cli.progress import Progress


def _destination(text: str) -> str:
    return text if is_away(text) else str(folder(text))


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "backup",
        help="write an encrypted backup, while the community runs",
        description="Writes two archives, one of the data and one of the keys of the audit log, each encrypted to a "
        "public key; then deletes those that are kept no longer.",
    )
    parser.add_argument(
        "--to",
        type=_destination,
        metavar="FOLDER",
        help="where it goes, a folder or s3://BUCKET/FOLDER (default: backup.folder in belisha.yaml)",
    )
    parser.add_argument(
        "--textfile",
        type=Path,
        metavar="FILE",
        help="tell Prometheus of it, by a file in the node exporter's folder for such files",
    )
    parser.add_argument(
        "--newest",
        action="store_true",
        help="make none: say of when the newest is; ends with 1 where it is older than two days, or there is none",
    )
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Makes a backup, and says where it is."""
    from belisha.cli import progress as shown
    from belisha.cli import restored
    from belisha.cli.away import sending
    from belisha.cli.backup import make, sources
    from belisha.cli.errors import CommandError

    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up
    found = sources.of(args.data)
    restored.refuse(found.data)
    named = args.to or found.settings.backup.folder
    if named is None:
        raise CommandError("Nothing says where the backup goes.", "Write backup.folder, or add --to FOLDER.")
    into = found.data / named if args.to is None else Path(named)
    if args.newest:
        names = sending.of_settings(found.settings, found.data, named).names() if is_away(named) else _names_in(into)
        return _newest(names, found.settings.server_name)
    progress = shown.make()
    begun = time.monotonic()
    try:
        if is_away(named):
            to = sending.of_settings(found.settings, found.data, named)
            sending.ready(to, found.settings.server_name)
            with sending.staged(found) as staged:
                made = make.make(found, staged, progress)
                deleted = sending.send(made, to, found.settings, progress)
                return _done(args, made, begun, str(to.place), deleted, progress)
        made = make.make(found, into, progress)
        deleted = [f"  deleted: {name}" for name in made.deleted]
        return _done(args, made, begun, f"{made.data.parent}/", deleted, progress)
    except CommandError as error:
        progress.failed(str(error))
        return error.code


def _done(
    args: argparse.Namespace, made: "Made", begun: float, where: str, deleted: list[str], progress: "Progress"
) -> int:
    """Says what was made, while both archives are on this machine's disk."""
    from belisha.cli.backup import told

    if args.textfile is not None:
        told.write(args.textfile, made, time.monotonic() - begun)
    entries = made.manifest.entries
    size = sum(one.size for one in entries) // 1024
    rows = sum(sum(counts.values()) for counts in made.manifest.tables.values())
    progress.ready(
        "\n".join(
            [
                f"A backup of {len(entries)} files and {rows} rows, {size} KiB before encryption:",
                *(
                    f"  {where}{path.name}  {path.stat().st_size // 1024} KiB  sha256 {digest}"
                    for path, digest in zip((made.data, made.keys), made.sha256, strict=True)
                ),
                *deleted,
            ]
        )
    )
    return 0


def _names_in(where: Path) -> list[str]:
    from belisha.cli.errors import CommandError

    try:
        return [one.name for one in where.iterdir()]
    except OSError as error:
        raise CommandError(f"{where} cannot be read ({error.strerror}).", "Mount or make it.") from None


def _newest(names: "Iterable[str]", server_name: str) -> int:
    """Says of when the newest whole backup is; 1 where it is older than two days, or there is none."""
    from datetime import UTC, datetime

    from belisha.backup.retention import newest
    from belisha.cli.doctor_backups import OLDEST

    found = newest(names, server_name)
    print("none" if found is None else f"{found:%Y-%m-%d %H:%M} UTC")
    return 0 if found is not None and datetime.now(UTC) - found <= OLDEST else 1
