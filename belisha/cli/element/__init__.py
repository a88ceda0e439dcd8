"""`belisha element`: brings an Element Web release that `belisha up` serves."""

import argparse
import re

from belisha.cli.options import Subparsers, add_data


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("element", help="bring an Element Web that `belisha up` serves")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    install = acts.add_parser(
        "install",
        help="check a release archive of Element Web and install it",
        description="The archive is a .tar.gz of Element Web's releases. It is installed under DATA/element, in place "
        "of an older one, only if its SHA-256 is the one that you name: take that from elsewhere than the archive.",
    )
    install.add_argument("archive", metavar="PATH-or-URL", help="a file of this machine, or an https address")
    install.add_argument("--sha256", required=True, type=_sha256, metavar="HEX", help="the archive's SHA-256")
    add_data(install)


def run(args: argparse.Namespace) -> int:
    """Installs, and says what to do next."""
    from belisha.cli import data_folder
    from belisha.cli.element.install import install
    from belisha.cli.errors import command

    data = data_folder.create(args.data)
    found = install(data, args.archive, args.sha256)
    served = data_folder.is_locked(data) and "element" in data_folder.read_run(data)
    print(f"Element Web {found.version} is installed in {found.folder}.")
    if served:
        print("It is served from now on; members get it when they load the page again.")
    else:
        print(f"It is served from the next start on: {command()} up --data {args.data}")
    return 0


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("this is no SHA-256; write its 64 digits 0-9 and a-f")
    return text.lower()
