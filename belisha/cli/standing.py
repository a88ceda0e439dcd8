"""The acts `freeze`, `thaw` and `remove`, which members and organisations have in common."""

import argparse

from belisha.cli import local_api
from belisha.cli.options import Subparsers, add_data

#: The act, what it makes of somebody, and what is said when it is done.
STANDINGS = {
    "freeze": ("frozen", "frozen: signed out, and out of every room but the one with the bot"),
    "thaw": ("active", "thawed, and may sign in again; closed groups invite it anew"),
    "remove": ("removed", "removed for good"),
}


def add_acts(acts: "Subparsers[argparse.ArgumentParser]", what: str, helps: dict[str, str]) -> None:
    """Adds the acts to a command's parser; `what` names the argument."""
    for act, words in helps.items():
        parser = acts.add_parser(act, help=words)
        parser.add_argument("id", metavar=what)
        add_data(parser)


async def carry_out(args: argparse.Namespace, kind: str) -> int:
    """Does one act with one of the `members` or `organisations`, and says what is still under way."""
    standing, words = STANDINGS[args.act]
    async with local_api.of(args.data) as api:
        change = await api.set_standing(kind, args.id, standing)
        pending = await api.pending()
    print(f"{args.id}: {words if change.changed else 'is so already'}")
    if pending:
        print(
            f"The rooms of {pending} member(s) are still being looked through; nothing of them can be read meanwhile."
        )
    return 0
