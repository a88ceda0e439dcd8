"""`belisha preflight`: says before anything is changed whether a machine can be the server that is wanted."""

import argparse
from pathlib import Path

from belisha.cli.options import Subparsers

#: What is looked at, in the order in which it is told.
CHECKS = {
    "settings": "belisha.yaml is a server's",
    "versions": "Debian, PostgreSQL and Python are those that are tested",
    "dns": "the names of the sites lead here",
    "ports": "the ports are free, or this community's already",
    "smtp": "the mail server takes mail over TLS",
    "disk": "there is room",
    "clock": "the clock is set by others",
}

#: What has to be free, in bytes: the database and the files of a small community.
ROOM = 5_000_000_000


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "preflight",
        help="say whether this machine can run the server that belisha.yaml describes",
        description="Looks at names, ports, mail, disk, clock and versions, and changes nothing. Ends with 1 where "
        "something is in the way, each with what to do; then says how one goes back afterwards.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("/etc/belisha/belisha.yaml"),
        metavar="FILE",
        help="the settings; - reads them (default: /etc/belisha/belisha.yaml)",
    )
    parser.add_argument("--port", type=int, default=8008, metavar="N", help="the homeserver's port (default: 8008)")
    parser.add_argument(
        "--room",
        type=int,
        default=ROOM,
        metavar="BYTES",
        help=f"what has to be free for the community (default: {ROOM})",
    )
    parser.add_argument(
        "--but", choices=tuple(CHECKS), action="append", default=[], metavar="CHECK", help="do not look at this one"
    )


def run(args: argparse.Namespace) -> int:
    """Looks and tells."""
    from belisha.cli.readiness import command

    return command.run(args)
