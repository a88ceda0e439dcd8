"""`belisha migrate`: brings the community of a data folder onto a server, from SQLite to PostgreSQL."""

import argparse
from pathlib import Path

from belisha.cli.options import Subparsers, add_data, folder


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "migrate",
        help="bring the community of a data folder onto a server with PostgreSQL",
        description="Both have to be stopped. Copies databases, files, secrets and the keys of open ballots onto a "
        "server that the playbook has made and that has no community yet; members stay signed in. The data folder is "
        "only read. A command that was cut short is given again, and begins anew.",
    )
    parser.add_argument(
        "--into",
        type=folder,
        default=Path("/etc/belisha"),
        metavar="FOLDER",
        help="the server's configuration, with its belisha.yaml (default: /etc/belisha)",
    )
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Migrates, and says what was brought over."""
    from belisha.cli.migrate import command

    return command.run(args)
