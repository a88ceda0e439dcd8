"""`belisha restore`: makes a new data folder out of a backup, and ends again what had ended since."""

import argparse
import os
import signal
from pathlib import Path

from belisha.cli.options import Subparsers, add_data


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "restore",
        help="make a data folder out of a backup",
        description="Checks both archives, unpacks them into a folder that is empty or not there, and replays the "
        "journal of revocations before anybody is let in. A command that was cut short is given again.",
    )
    parser.add_argument("archive", metavar="ARCHIVE", help="the archive of data; in a bucket: s3://BUCKET/FOLDER/NAME")
    parser.add_argument(
        "--s3-credentials", type=Path, metavar="FILE", help="by what a bucket knows us, where the archive is in one"
    )
    parser.add_argument("--identity", type=Path, required=True, metavar="FILE", help="the private key of the backups")
    parser.add_argument("--keys", type=Path, metavar="ARCHIVE", help="the archive of keys (default: the one beside it)")
    parser.add_argument("--keys-identity", type=Path, metavar="FILE", help="its private key (default: the same)")
    parser.add_argument(
        "--journal", type=Path, metavar="FILE", help="the journal of revocations (default: what belisha.yaml names)"
    )
    parser.add_argument(
        "--without-journal",
        action="store_true",
        help="do without it: what was redacted, withdrawn, removed or raised since the backup is back as it was",
    )
    parser.add_argument(
        "--at",
        metavar="TIME",
        help="of a server: its databases as they were then, such as at 2026-11-30T12:05:00Z, in place of the archive's",
    )
    parser.add_argument(
        "--continuous",
        type=Path,
        metavar="FOLDER",
        help="with --at: where base copies and PostgreSQL's log are (default: `continuous` beside the archive)",
    )
    parser.add_argument(
        "--check", action="store_true", help="only read both archives to their ends; nothing is written"
    )
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Restores, and says what was lost."""
    from belisha.cli import progress as shown
    from belisha.cli.away import sending
    from belisha.cli.errors import CommandError
    from belisha.cli.restore import command

    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up
    progress = shown.make()
    try:
        with sending.fetched(args, progress):
            return command.run(args, progress)
    except CommandError as error:
        progress.failed(str(error))
        return error.code
