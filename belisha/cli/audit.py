"""`belisha audit`: reads the audit log of a running community, and says whether it is as it was written."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from belisha import secrets
from belisha.audit import Head, Record, open_acts, verify
from belisha.audit_export import FORMATS
from belisha.cli import data_folder, local_api
from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers, add_data


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser("audit", help="read the audit log, and check that nobody has changed it")
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    check = acts.add_parser(
        "verify",
        help="check every record; ends with 1 where one was altered, moved or taken out",
        description="Compares the log with its seals, its heads, and the heads that are kept by the hour.",
    )
    check.add_argument(
        "--heads", type=Path, metavar="FILE", help="heads kept elsewhere, such as those posted to the stewards"
    )
    add_data(check)
    tail = acts.add_parser("tail", help="show the newest records")
    tail.add_argument("--lines", type=_count, default=20, metavar="N", help="how many; 20 where nothing is said")
    tail.add_argument("--names", action="store_true", help="name people where the log still knows who they are")
    add_data(tail)
    export = acts.add_parser("export", help="write all records to standard output")
    export.add_argument("--format", choices=sorted(FORMATS), default="jsonl")
    add_data(export)
    forget = acts.add_parser("forget", help="erase who is behind somebody's pseudonym, for good")
    forget.add_argument("member", metavar="@NAME:SERVER")
    add_data(forget)


def run(args: argparse.Namespace) -> int:
    """Does the act."""
    act = {"verify": _verify, "tail": _tail, "export": _export, "forget": _forget}[args.act]
    return asyncio.run(act(args))


async def _read(data: Path) -> tuple[list[Record], list[Head], dict[str, str]]:
    """The log as it was when this was asked: what is written meanwhile is left out."""
    async with local_api.of(data) as api:
        log = await api.audit_log()
        ends = {head.writer: head.number for head in log.heads}
        records = [
            record
            for writer in log.writers
            for record in await api.audit_records(writer)
            if record.number <= ends.get(writer, record.number)
        ]
    return records, log.heads, log.names


async def _verify(args: argparse.Namespace) -> int:
    data = args.data.expanduser().absolute()
    # What is wrong with the command is said before the log is read, which can take a while.
    known = [*_kept(data_folder.audit_heads(data)), *(() if args.heads is None else _saved(args.heads))]
    records, heads, _ = await _read(data)
    problems = verify(_key(data), records, heads, known)
    for problem in problems:
        print(f"{problem.writer}: {problem.what}")
    for record in open_acts(records):
        said = record.said
        print(f"open: {said.get('what')} of {_time(record.at)} ({said.get('room') or said.get('item') or 'no room'})")
    print(f"{len(records)} records in {len(heads)} chains; {len(problems) or 'nothing'} wrong.")
    return 1 if problems else 0


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines; write 1 or more")
    return int(text)


def _key(data: Path) -> bytes:
    try:
        return secrets.read(data, "audit").encode()
    except OSError as error:
        raise CommandError(
            f"The key of the audit log, {error.filename}, cannot be read ({error.strerror}).",
            "Without it nobody can check the log; put it back from a backup of the data folder.",
        ) from None


def _saved(path: Path) -> list[Head]:
    """Heads that somebody saved: a file that they named, with one at least."""
    if not path.exists():
        raise CommandError(f"There is no file {path}.")
    found = _kept(path)
    if not found:
        raise CommandError(
            f"There is no head of an audit log in {path}.",
            "Copy the bot's message “The audit log, as it is now: …” into it, whole lines.",
        )
    return found


def _kept(path: Path) -> list[Head]:
    """Heads that are kept elsewhere, one JSON object a line; other lines of a message around them are left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The file of heads {path} cannot be read ({error}).") from None
    found = []
    for line in lines:
        try:
            said = json.loads(line)
            found.append(Head(str(said["writer"]), int(said["number"]), str(said["mac"]), str(said["seal"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


async def _tail(args: argparse.Namespace) -> int:
    records, _, names = await _read(args.data)
    records.sort(key=lambda one: (one.at, one.writer, one.number))
    for record in records[-args.lines :]:
        print(_line(record, names if args.names else {}))
    return 0


def _line(record: Record, names: Mapping[str, str]) -> str:
    said = {key: value for key, value in record.said.items() if key != "act"}
    if isinstance(who := said.get("who"), str):
        said["who"] = names.get(who, who)
    rest = " ".join(f"{key}={value}" for key, value in said.items() if key not in ("kind", "what", "phase"))
    return f"{_time(record.at)} {said.get('kind')} {said.get('what', '')} {said.get('phase', '')} {rest}".replace(
        "  ", " "
    )


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


async def _export(args: argparse.Namespace) -> int:
    records, _, _ = await _read(args.data)
    sys.stdout.write(FORMATS[args.format](sorted(records, key=lambda one: (one.at, one.writer, one.number))))
    return 0


async def _forget(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        done = await api.audit_forget(args.member)
    print(f"{args.member}: {'forgotten; their pseudonym stays and names nobody' if done else 'is not in the log'}")
    return 0
