"""`belisha revocations`: ends again, after a restore, what had ended since the backup."""

import argparse
import asyncio
from collections import Counter
from pathlib import Path

from belisha.cli import local_api
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data
from belisha.revocations import BrokenJournal, Revocation, read

_AT_ONCE = 100
#: What is said of each sort that was ended again, by `What`.
WORDS = {
    "file": "files withdrawn",
    "item": "items redacted",
    "label": "labels raised",
    "membership": "memberships ended",
    "standing": "members and organisations frozen or removed",
    "pseudonym": "people forgotten behind their pseudonyms",
    "roles": "members' roles taken away",
    "session": "sessions ended",
    "hold": "legal holds ended",
}


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("revocations", help="end again, after a restore, what was taken back")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    replay = acts.add_parser(
        "replay",
        help="replay the journal of revocations",
        description="May be repeated. What was redacted, withdrawn, removed, raised or signed out stays so.",
    )
    replay.add_argument("journal", metavar="FILE", type=Path, help="the file that backup.revocations names")
    add_data(replay)


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    return asyncio.run(_replay(args))


async def _replay(args: argparse.Namespace) -> int:
    revocations = read_journal(args.journal)
    ended: Counter[str] = Counter()
    async with local_api.of(args.data) as api:
        for start in range(0, len(revocations), _AT_ONCE):
            ended.update(await api.replay(revocations[start : start + _AT_ONCE]))
    for what, words in WORDS.items():
        print(f"{ended[what]:>7} {words}")
    return 0


def read_journal(path: Path) -> list[Revocation]:
    """What stands in a journal, the newest of each thing.

    Raises:
        CommandError: it cannot be read, or is none.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            return read(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The journal {path} cannot be read ({error}).") from None
    except BrokenJournal as error:
        raise CommandError(str(error), "Is this the journal? Nothing was changed.") from None
