"""`belisha backup-key`: makes the pair of keys of backups, whose private half is kept off the machine."""

import argparse
import os
import sys
from pathlib import Path

from belisha.cli import data_folder
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("backup-key", help="make the key that backups are encrypted to")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    new = acts.add_parser(
        "new",
        help="make a new pair",
        description="Do this on another machine than the community's. The private half goes into FILE, mode 0600; "
        "whoever has it can read the backups, and without it nobody can. The public half is printed.",
    )
    new.add_argument("file", type=Path, metavar="FILE", help="the private half; - prints it, once, to be written down")


def run(args: argparse.Namespace) -> int:
    """Makes a pair, and prints the public half."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    text = f"# The private key of Belisha's backups; the public one is {public}\n{identity}\n"
    if str(args.file) == "-":
        sys.stderr.write("Write this down and keep it off the community's machine; it is shown once.\n")
        print(text, end="")
    else:
        _write(args.file.expanduser().absolute(), text)
    print(f"recipient: {public}" if str(args.file) != "-" else f"# recipient: {public}")
    return 0


def _write(path: Path, text: str) -> None:
    if (near := next((one for one in path.parents if (one / data_folder.SETTINGS).exists()), None)) is not None:
        raise CommandError(
            f"{near} is a community's data folder: whoever takes it would have backups and key.",
            "Name a file on another machine or disk.",
        )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"{path} is there already, and may open your backups.", "Name another file.") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}).") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
