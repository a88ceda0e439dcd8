"""`belisha down`: stops the community that runs in a data folder."""

import argparse
import os
import signal
import time

from belisha.cli import data_folder, leftovers
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data

PATIENCE = 45.0  # longer than the supervisor gives its children


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("down", help="stop the community that runs in a data folder")
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Asks the run to stop and waits until it has; that nothing runs is fine too."""
    data = args.data.expanduser().absolute().resolve()
    if not data_folder.is_locked(data):
        left = leftovers.stop(data) if data.is_dir() else 0
        (data / data_folder.RUN).unlink(missing_ok=True)
        print(f"Stopped what a killed run had left behind in {data}." if left else f"Nothing runs in {data}.")
        return 0
    pid = data_folder.holder(data)
    if pid is None:
        raise CommandError(f"{data} is in use, but by whom is not written down.", "Try again in a second.")
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it has just gone
    except PermissionError:
        raise CommandError(
            f"Process {pid}, which runs in {data}, belongs to another user.", "Stop it as that user."
        ) from None
    end = time.monotonic() + PATIENCE
    while data_folder.is_locked(data):
        if time.monotonic() > end:
            raise CommandError(
                f"Process {pid} has not stopped within {PATIENCE:.0f} seconds.",
                f"See {data / 'logs'}; at worst: kill -9 {pid}, then this command again.",
            )
        time.sleep(0.1)
    print(f"Stopped what ran in {data}.")
    return 0
