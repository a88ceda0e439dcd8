"""`belisha first-manager`: what `belisha up` does by itself, for a server whose systemd runs the community."""

import argparse
import asyncio
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

from belisha.cli import data_folder, first_run
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data
from belisha.cli.progress import Plain

if TYPE_CHECKING:
    from belisha.cli.supervisor import Running


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "first-manager",
        help="on a server: make the host organisation and the first manager, where there is none",
        description="Makes what `community` in belisha.yaml names, and writes how the manager signs in to "
        "DIR/first-manager.json, mode 0600. Prints its path where something was made, and nothing otherwise.",
    )
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Makes both, and prints where the credentials are."""
    community = _running(args)
    path = community.data / first_run.CREDENTIALS
    before = path.stat().st_mtime_ns if path.exists() else None
    with redirect_stdout(StringIO()):  # its steps: who asks here wants to know whether something was made
        asyncio.run(first_run.ensure(community, Plain()))
    if path.exists() and path.stat().st_mtime_ns != before:
        print(f"The first manager's user name and password are in {path}. Hand them over safely, then delete the file.")
    return 0


def _running(args: argparse.Namespace) -> "Running":
    from belisha.cli.supervisor import Running
    from belisha.render import Place

    data = args.data.expanduser().absolute()
    run, path = data_folder.read_run(data), data / data_folder.SETTINGS
    ports = run.get("ports")
    if "service_manager" not in run or not isinstance(ports, dict) or not path.exists():
        raise CommandError(
            f"{data} is no server's.", "`belisha up` makes the first manager by itself; see docs/deploy.md."
        )
    settings = data_folder.read_settings(path)
    place = Place(data, ports["homeserver"], ports["bots"], ports["metrics"])
    return Running(data, place, settings, (), [])
