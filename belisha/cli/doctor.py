"""`belisha doctor`: asks a running community what does not work, and says what to do."""

import argparse
import asyncio

from belisha.cli import local_api
from belisha.cli.options import Subparsers, add_data

#: What is looked at, in the order in which it is told.
_CHECKS = {
    "start": "the community has started",
    "synapse": "Synapse has every part that the rules need",
    "files": "uploads are checked as the settings say",
    "audit": "every act in the audit log has its end",
}


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what does not work in a running community; ends with 1 where something does not",
        description="The homeserver looks at this moment, and asks whom it needs, such as the malware scanner.",
    )
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Looks and tells."""
    return asyncio.run(_look(args))


async def _look(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        found = await api.health()
    for check, words in _CHECKS.items():
        problems = found.get(check)
        if problems is None:
            print(f"?   {words}: the homeserver does not say; it runs another version of Belisha")
        elif problems:
            print(f"no  {words}")
            print("\n".join(f"      {problem}" for problem in problems))
        else:
            print(f"ok  {words}")
    return 0 if all(found.get(check) == [] for check in _CHECKS) else 1
