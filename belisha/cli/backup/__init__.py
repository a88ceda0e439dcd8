"""`belisha backup`: writes everything that a community cannot lose into two encrypted archives."""

import argparse
import os
import signal
import time
from pathlib import Path

from belisha.cli.options import Subparsers, add_data, folder


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "backup",
        help="write an encrypted backup, while the community runs",
        description="Writes two archives, one of the data and one of the keys of the audit log, each encrypted to a "
        "public key; then deletes those that are kept no longer.",
    )
    parser.add_argument(
        "--to", type=folder, metavar="FOLDER", help="where it goes (default: backup.folder in belisha.yaml)"
    )
    parser.add_argument(
        "--textfile",
        type=Path,
        metavar="FILE",
        help="tell Prometheus of it, by a file in the node exporter's folder for such files",
    )
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Makes a backup, and says where it is."""
    from belisha.cli import progress as shown
    from belisha.cli import restored
    from belisha.cli.backup import make, sources, told
    from belisha.cli.errors import CommandError

    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up
    found = sources.of(args.data)
    restored.refuse(found.data)
    named = args.to or found.settings.backup.folder
    if named is None:
        raise CommandError("Nothing says where the backup goes.", "Write backup.folder, or add --to FOLDER.")
    progress = shown.make()
    try:
        begun = time.monotonic()
        made = make.make(found, found.data / Path(named) if args.to is None else Path(named), progress)
        if args.textfile is not None:
            told.write(args.textfile, made, time.monotonic() - begun)
    except CommandError as error:
        progress.failed(str(error))
        return error.code
    entries = made.manifest.entries
    size = sum(one.size for one in entries) // 1024
    rows = sum(sum(counts.values()) for counts in made.manifest.tables.values())
    progress.ready(
        "\n".join(
            [
                f"A backup of {len(entries)} files and {rows} rows, {size} KiB before encryption:",
                *(
                    f"  {path}  {path.stat().st_size // 1024} KiB  sha256 {digest}"
                    for path, digest in zip((made.data, made.keys), made.sha256, strict=True)
                ),
                *(f"  deleted: {name}" for name in made.deleted),
            ]
        )
    )
    return 0
