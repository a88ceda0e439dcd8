"""`belisha metrics`: makes the roll-ups anew and compares them, forgets a member for good, or fills a demo."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bots.kernel.config import ConfigError, load
from bots.kernel.errors import StoreError
from bots.kernel.store import Store
from bots.metrics import rolling
from bots.metrics.metrics import metrics_of
from bots.metrics.sample import NotEmpty, fill


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    about = "Look after what is counted: roll-ups, and members who are to be forgotten."
    acts = subparsers.add_parser("metrics", help=about, description=about).add_subparsers(dest="act", required=True)
    rebuild = acts.add_parser("rebuild", help="make the roll-ups of all days whose facts are kept anew, and compare")
    forget = acts.add_parser("forget", help="delete all that is counted about a member")
    forget.add_argument("member", metavar="@USER:SERVER")
    sample = acts.add_parser("sample", help="fill the figures of a demo with those of a made-up community")
    for parser in (rebuild, forget, sample):
        parser.add_argument("--data", type=Path, default=Path("data"), help="the community's data folder")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    try:
        return asyncio.run(_run(args))
    except (ConfigError, StoreError) as error:
        return _wrong(str(error))


async def _run(args: argparse.Namespace) -> int:
    config = load(args.data / "rendered" / "bots.yaml")
    metrics, zone = metrics_of(config), ZoneInfo(config.time_zone)
    if metrics is None:
        return _wrong("Nothing is counted here: bots.yaml has no metrics_key_file. Run `belisha render`.")
    store = Store(config.database)
    await store.open()
    try:
        if args.act == "forget":
            return await _forget(args.member, store, metrics.book.forget)
        if args.act == "sample":
            return await _sample(args.data, store, zone)
        count, different = await store.write(lambda connection: rolling.rebuild(connection, time.time(), zone))
        sys.stdout.write(f"{count} days made anew, {len(different)} of them with other bytes than before.\n")
        for day in different:
            sys.stdout.write(f"{day.isoformat()} was not what its facts give, and is now.\n")
        return 1 if different else 0
    finally:
        await store.close()


async def _sample(data: Path, store: Store, zone: ZoneInfo) -> int:
    if not (data / "demo.json").exists():
        return _wrong(f"{data} is no demo: made-up figures do not belong beside counted ones.")
    try:
        count = await store.write(lambda connection: fill(connection, time.time(), zone))
    except NotEmpty:
        return _wrong("There are figures already.")
    sys.stdout.write(f"{count} facts of a made-up community; its figures are marked as a sample.\n")
    return 0


Forget = Callable[[sa.Connection, str], int | None]


async def _forget(user_id: str, store: Store, forget: Forget) -> int:
    if not user_id.startswith("@") or ":" not in user_id:
        return _wrong(f"{user_id} names no account. Write it as @ana:example.org.")

    def work(connection: sa.Connection) -> int | None:
        number = forget(connection, user_id)
        return None if number is None else rolling.forget(connection, number)

    days = await store.write(work)
    if days is None:
        return _wrong(f"Nothing is counted about {user_id}.")
    sys.stdout.write(f"{user_id} is forgotten, and taken out of {days} days.\n")
    return 0


def _wrong(sentence: str) -> int:
    sys.stderr.write(f"belisha: {sentence}\n")
    return 1
