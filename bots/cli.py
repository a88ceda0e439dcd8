"""`belisha bots dead-letters`: lists what the bots gave up, tries it again, or drops it; `belisha bots migrate`."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from bots.kernel.config import ConfigError, load
from bots.kernel.dead_letters import DeadLetter, DeadLetters
from bots.kernel.errors import StoreError
from bots.kernel.migrations import HEAD
from bots.kernel.store import Store

_KEY = re.compile(r"(?:in|out|job)-\d{1,18}")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    about = "Look after the bots: what they gave up, and why; and their tables."
    commands = subparsers.add_parser("bots", help=about, description=about).add_subparsers(dest="of", required=True)
    letters = commands.add_parser("dead-letters", help="events, effects and jobs that were given up")
    acts = letters.add_subparsers(dest="act", metavar="list|retry|drop", required=True)
    for act, help_ in (
        ("list", "list them, without content"),
        ("retry", "have them tried again, within seconds where the bots run"),
        ("drop", "forget them and their content"),
    ):
        parser = acts.add_parser(act, help=help_)
        parser.add_argument("--data", type=Path, default=Path("data"), help="the community's data folder")
        if act != "list":
            parser.add_argument("keys", nargs="*", metavar="KEY", help="as `list` shows them, such as in-12")
            parser.add_argument("--all", action="store_true", help="all of them")
    migrate = commands.add_parser("migrate", help="bring the bots' tables to this version, as their start does")
    migrate.add_argument("--data", type=Path, default=Path("data"), help="the community's data folder")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    try:
        return asyncio.run(_run(args))
    except (ConfigError, StoreError) as error:
        return _wrong(str(error))


async def _run(args: argparse.Namespace) -> int:
    config = load(args.data / "rendered" / "bots.yaml")
    store = Store(config.database)
    await store.open()
    try:
        if args.of == "migrate":
            sys.stdout.write(f"The bots' tables are those of this version, {HEAD}.\n")
            return 0
        letters = DeadLetters(store)
        if args.act == "list":
            return _show(await letters.all())
        keys = [letter.key for letter in await letters.all()] if args.all else args.keys
        if wrong := [key for key in keys if not _KEY.fullmatch(key)]:
            return _wrong(f"{wrong[0]!r} names no dead letter. `belisha bots dead-letters list` shows their names.")
        if not keys and not args.all:
            return _wrong("Name some, as `belisha bots dead-letters list` shows them, or say --all.")
        done = await (letters.retry(keys) if args.act == "retry" else letters.drop(keys))
        sys.stdout.write(f"{done} {'will be tried again' if args.act == 'retry' else 'dropped'}.\n")
        return 0 if done == len(set(keys)) else 1
    finally:
        await store.close()


def _show(letters: list[DeadLetter]) -> int:
    for letter in letters:
        since = datetime.fromtimestamp(letter.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
        sys.stdout.write(f"{letter.key}  {since}  {letter.about}  {letter.error} (after {letter.attempts} attempts)\n")
    if not letters:
        sys.stdout.write("There are no dead letters.\n")
    return 0


def _wrong(sentence: str) -> int:
    sys.stderr.write(f"belisha: {sentence}\n")
    return 1
