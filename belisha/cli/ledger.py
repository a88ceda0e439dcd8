"""`belisha ledger`: the ledger of labels of a running community."""

import argparse
import asyncio

from belisha.cli import local_api
from belisha.cli.options import Subparsers, add_data


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("ledger", help="rebuild the ledger of labels of a running community")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    add_data(acts.add_parser("rebuild", help="make it anew out of the events and relabel acts"))


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    return asyncio.run(_rebuild(args))


async def _rebuild(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        counts = await api.rebuild_ledger()
    print(
        f"{counts.get('items', 0)} items: {counts.get('added', 0)} were missing, "
        f"{counts.get('corrected', 0)} were wrong, "
        f"{counts.get('without_events', 0)} have no event any more and were kept."
    )
    return 0
