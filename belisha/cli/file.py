"""`belisha file`: withdraws a file of a running community."""

import argparse
import asyncio
import re

from belisha.cli import local_api
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data
from belisha.files import address_of

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("file", help="withdraw a file: it is closed to everybody, and erased")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    withdraw = acts.add_parser(
        "withdraw",
        help="close a file to everybody at once, for good",
        description="Its bytes and thumbnails are erased within a minute. The messages that share it stay.",
    )
    withdraw.add_argument("file", metavar="FILE", help="its address (mxc://…) or the id at the end of it")
    add_data(withdraw)


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    return asyncio.run(_withdraw(args))


async def _withdraw(args: argparse.Namespace) -> int:
    address = address_of(args.file)
    if address is None and not _ID.fullmatch(args.file):
        raise CommandError(
            f"{args.file!r} is no file's address.",
            "Write mxc://SERVER/ID, or the id alone, as `belisha audit` shows it.",
        )
    media_id = args.file if address is None else address.media_id
    async with local_api.of(args.data) as api:
        server = await api.server_name()
        if address is not None and address.server != server:
            raise CommandError(f"This is a file of {address.server}, and here is {server}.", "Nothing was withdrawn.")
        change = await api.withdraw(media_id)
    print(f"{media_id}: {'withdrawn; it is being erased' if change.changed else 'is withdrawn already'}")
    return 0
