"""`belisha wal`: keeps PostgreSQL's log and base copies of it, so that any moment of the last days can be restored."""

import argparse
import os
import signal
import sys
from pathlib import Path

from belisha.cli.options import Subparsers, add_data

_ACTS = {
    "take": "takes a piece of the log that PostgreSQL hands over on standard input; systemd starts it",
    "base": "makes a base copy, and deletes what no moment of the last days needs",
    "watch": "tells Prometheus whether PostgreSQL gets rid of its log, and how old the newest base copy is",
}


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "wal",
        help="what a server's units keep of PostgreSQL, so that any moment can be restored (backup.continuous_days)",
        description="What systemd starts on a server where backup.continuous_days is set. By hand: base, before and "
        "after something large.",
    )
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    for act, what in _ACTS.items():
        one = acts.add_parser(act, help=what)
        add_data(one)
        if act == "watch":
            one.add_argument("--textfile", type=Path, required=True, metavar="FILE", help="for the node exporter")


def run(args: argparse.Namespace) -> int:
    """Does what is asked for; PostgreSQL reads why it could not be done."""
    from belisha.cli.errors import CommandError
    from belisha.cli.wal import keeping

    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up
    kept = keeping.of_server(args.data)
    if args.act == "take":
        from belisha.cli.wal import take

        try:
            take.take(sys.stdin.buffer, kept)
        except CommandError as error:
            print(error)
            return error.code
        print(take.KEPT)
    elif args.act == "base":
        from belisha.cli import progress as shown
        from belisha.cli.wal import base

        progress = shown.make()
        try:
            made = base.make(kept, progress)
        except CommandError as error:
            progress.failed(str(error))
            return error.code
        size = made.path.stat().st_size // 1024
        progress.ready(f"A base copy: {made.path}, {size} KiB; {made.deleted} files that nothing needs are deleted.")
    else:
        from belisha.cli.wal import watch

        watch.write(args.textfile, watch.look(kept))
    return 0
