"""`belisha room`: the sharing rules of a room of a running community."""

import argparse
import asyncio

from belisha.cli import local_api
from belisha.cli.options import Subparsers, add_data
from belisha.policy.rooms import Purpose


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("room", help="show and change the sharing rules of a group")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    policy = acts.add_parser(
        "policy",
        help="show or change kind, organisations and purpose of a group",
        description="Without an option, shows the rules. A group is never made wider than the strictest item in it.",
    )
    policy.add_argument("room", metavar="ROOM", help="the room's id (!…) or address (#…)")
    policy.add_argument("--kind", choices=("open", "closed"))
    policy.add_argument("--organisations", metavar="A,B", help="whose members may be in it; '' for everybody")
    policy.add_argument("--purpose", choices=[purpose.value for purpose in Purpose])
    add_data(policy)


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    return asyncio.run(_policy(args))


async def _policy(args: argparse.Namespace) -> int:
    wish: dict[str, object] = {key: getattr(args, key) for key in ("kind", "purpose") if getattr(args, key)}
    if args.organisations is not None:
        wish["organisations"] = [name for name in args.organisations.split(",") if name]
    async with local_api.of(args.data) as api:
        policy = await api.room_policy(args.room, wish)
    for key in ("kind", "default", "ceiling", "purpose"):
        print(f"{key:<14}{policy[key]}")
    listed = policy["organisations"]
    print(f"{'organisations':<14}{', '.join(map(str, listed)) if isinstance(listed, list) and listed else 'any'}")
    return 0
