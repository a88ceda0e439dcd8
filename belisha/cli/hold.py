"""`belisha hold`: which legal holds there are, and takes out what one keeps, once two people agreed to it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from belisha import secrets
from belisha.cli import local_api
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data
from belisha.policy.holds import day_of


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("hold", help="see legal holds, and take out what one keeps")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    listed = acts.add_parser("list", help="the legal holds, and what waits for a second person")
    add_data(listed)
    opened = acts.add_parser(
        "open",
        help="take out what a hold keeps",
        description="Two have to agree first, each by `!hold open ID`. It is in the audit log, and managers are told.",
    )
    opened.add_argument("hold", metavar="ID")
    opened.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder; only its owner can read it")
    add_data(opened)


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    return asyncio.run({"list": _list, "open": _open}[args.act](args))


async def _list(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        found = await api.holds()
    for hold in found:
        about = [f"{word} {hold[key]}" for word, key in (("room", "room_id"), ("member", "member")) if hold[key]]
        state = f"confirmed by {hold['confirmed_by']}" if hold["confirmed_by"] else "not confirmed"
        kept = f"{hold['events']} messages and {hold['files']} files"
        print(f"{hold['id']}  {', '.join(about) or 'a time'}; ends {day_of(int(str(hold['ends'])))}; {kept}")
        print(f"          asked for by {hold['asked_by']}, {state}; basis: {hold['reason']}")
    if not found:
        print("There is no legal hold.")
    return 0


async def _open(args: argparse.Namespace) -> int:
    try:
        secret = secrets.read(args.data, "hold")
    except OSError as error:
        raise CommandError(
            f"The secret that opens what holds keep cannot be read ({error.strerror}).",
            "Run this as who owns the community, with --data; on a restored machine, put back the archive of keys.",
        ) from None
    folder: Path = args.folder
    with _made(folder):
        events, files = await _take_out(args, secret, folder)
    print(f"{folder}: {events} messages (events.jsonl) and {files} files. It is TLP:RED; hand it over by a safe way,")
    print("then delete it. That it was taken stands in the audit log, and all managers are told.")
    return 0


async def _take_out(args: argparse.Namespace, secret: str, folder: Path) -> tuple[int, int]:
    from belisha.kept import EVENT, BrokenSeal, Place, opened  # its library would stay in memory on every run

    events, after = 0, None
    files: dict[str, int] = {}
    async with local_api.of(args.data) as api:
        while rows := await api.open_hold(args.hold, after):
            for row in rows:
                place = Place(args.hold, str(row[0]), str(row[1]), int(str(row[2])))
                after = (place.kind, place.id, place.part)
                try:
                    plain = opened(secret, place, str(row[3]))
                except BrokenSeal as error:
                    raise CommandError(f"{place.kind} {place.id} cannot be opened: {error}.") from None
                if place.kind == EVENT:
                    events += 1
                    _append(folder / "events.jsonl", _line(plain, None))
                elif place.part == 0:
                    files[place.id] = len(files) + 1
                    _append(folder / "files.jsonl", _line(plain, files[place.id]))
                elif place.id in files:  # or else it is being kept at this moment, and not whole yet
                    _append(folder / f"file-{files[place.id]}", plain)
    return events, len(files)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """A new folder that only its owner can read, and that does not stay where nothing came into it."""
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise CommandError(f"{folder} cannot be made: {error.strerror}.", "Name a folder that is not there.") from None
    try:
        yield
    except BaseException:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise


def _line(plain: bytes, number: int | None) -> bytes:
    """One line of JSON; of a file with the name that its bytes have in the folder."""
    about = json.loads(plain)
    if number is not None:
        about["saved_as"] = f"file-{number}"
    return json.dumps(about, ensure_ascii=False).encode() + b"\n"


def _append(path: Path, plain: bytes) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab") as out:
        out.write(plain)
