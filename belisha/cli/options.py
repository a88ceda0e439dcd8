"""Options that several commands have in common."""

import argparse
from pathlib import Path

from belisha.cli import ports

Subparsers = argparse._SubParsersAction  # argparse has no public name for it


def folder(text: str) -> Path:
    """A folder's path; an empty one, such as `make DATA=` gives, would mean the folder one stands in."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the folder has no name; write one, such as ./data")
    return Path(text)


def add_data(parser: argparse.ArgumentParser) -> None:
    """`--data DIR`."""
    parser.add_argument(
        "--data",
        type=folder,
        default=Path("data"),
        metavar="DIR",
        help="the community's data folder (default: ./data)",
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """The options of commands that run a community: `--data`, `--port`, `--detach`, `--with-prometheus`."""
    add_data(parser)
    parser.add_argument(
        "--port",
        type=ports.port_argument,
        default=ports.DEFAULT,
        metavar="N",
        help=f"the homeserver's port; the portal's is N+1 (default: {ports.DEFAULT})",
    )
    parser.add_argument("--detach", action="store_true", help="return when all is ready; stop it with `belisha down`")
    parser.add_argument(
        "--with-prometheus", action="store_true", help="run Debian's Prometheus too, on port N+5, with rules and alerts"
    )
    parser.add_argument("--report-fd", type=int, default=None, help=argparse.SUPPRESS)
