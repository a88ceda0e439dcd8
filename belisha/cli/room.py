"""`belisha room`: the sharing rules of a room of a running community, freezing and upgrading it."""

import argparse
import asyncio

from belisha.cli import local_api, progress
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data
from belisha.policy.rooms import ANYBODY, SOURCE, Media, Purpose

#: Seconds between two looks at how far an upgrade is.
_LOOK_AGAIN_AFTER = 0.5
_CHANGED = ("kind", "purpose", "media", "originals")


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("room", help="show and change the sharing rules of a group, freeze and thaw it")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    policy = acts.add_parser(
        "policy",
        help="show or change kind, organisations, purpose and files of a group",
        description="Without an option, shows the rules. A group is never made wider than the strictest item in it.",
    )
    policy.add_argument("room", metavar="ROOM", help="the room's id (!…) or address (#…)")
    policy.add_argument("--kind", choices=("open", "closed"))
    policy.add_argument("--organisations", metavar="A,B", help="whose members may be in it; '' for everybody")
    policy.add_argument("--purpose", choices=[purpose.value for purpose in Purpose])
    policy.add_argument(
        "--media", choices=[media.value for media in Media], help="which files it carries, by what they really are"
    )
    policy.add_argument(
        "--originals", choices=(ANYBODY, SOURCE), help="whether files are given to everybody in it, or to their source"
    )
    add_data(policy)
    for act, words in (
        ("freeze", "let a group be read and left, and nothing else, until it is thawed"),
        ("thaw", "let members write in a frozen group again"),
    ):
        standing = acts.add_parser(act, help=words)
        standing.add_argument("room", metavar="ROOM", help="the room's id (!…) or address (#…)")
        add_data(standing)
    upgrade = acts.add_parser(
        "upgrade",
        help="replace a group by a new room with the same rules and members",
        description="The old room stays as it is, to read; everything else goes over to the new one.",
    )
    upgrade.add_argument("room", metavar="ROOM", help="the room's id (!…) or address (#…)")
    add_data(upgrade)


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    act = {"policy": _policy, "upgrade": _upgrade}.get(args.act, _standing)
    return asyncio.run(act(args))


async def _policy(args: argparse.Namespace) -> int:
    wish: dict[str, object] = {key: getattr(args, key) for key in _CHANGED if getattr(args, key)}
    if args.organisations is not None:
        wish["organisations"] = [name for name in args.organisations.split(",") if name]
    async with local_api.of(args.data) as api:
        policy = await api.room_policy(args.room, wish)
    shown = {"media": Media.DOCUMENTS.value, "originals": ANYBODY} | policy
    for key in ("kind", "default", "ceiling", "purpose", "media", "originals"):
        print(f"{key:<14}{shown[key]}")
    listed = policy["organisations"]
    print(f"{'organisations':<14}{', '.join(map(str, listed)) if isinstance(listed, list) and listed else 'any'}")
    if policy.get("frozen"):
        print(f"{'frozen':<14}yes: it can be read and left, and nothing else")
    return 0


async def _standing(args: argparse.Namespace) -> int:
    standing, words = {"freeze": ("frozen", "frozen"), "thaw": ("active", "thawed")}[args.act]
    async with local_api.of(args.data) as api:
        change = await api.set_standing("rooms", args.room, standing)
    print(f"{args.room}: {words if change.changed else 'is so already'}")
    return 0


async def _upgrade(args: argparse.Namespace) -> int:
    told = progress.make()
    async with local_api.of(args.data) as api:
        told.step("Making the new room")
        try:
            state = await api.upgrade_room(args.room)
            told.step(f"Bringing {state.waiting} members over")
            while not state.done:
                await asyncio.sleep(_LOOK_AGAIN_AFTER)
                state = await api.room_upgrade(state.room)
        except CommandError:
            told.end()
            raise
    told.ready(f"The new room is {state.new_room}, with {state.members} members and bots.")
    return 0
