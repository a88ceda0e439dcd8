"""`belisha upgrade --check`: tries this version of Belisha on a copy of a community that still runs with another.

It is run by the version that one wants to change to, installed beside the one that runs (its own .venv). The community
goes on meanwhile and is only read: its databases are copied as they are at one moment, without sessions and pushers;
this version brings the copy's tables to its own, and starts Synapse on it, closed to clients. The copy is gone then.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

import yaml

from belisha import __version__
from belisha.cli import data_folder, ports, preflight
from belisha.cli.backup import sqlite
from belisha.cli.backup.sources import HEADS, Folder, of_folder
from belisha.cli.backup.work import need_room, working
from belisha.cli.errors import CommandError, command
from belisha.cli.options import Subparsers, add_data
from belisha.cli.progress import Progress, make
from belisha.cli.supervisor import running
from belisha.secrets import FOLDER

#: What of belisha.yaml a copy goes without: journal, gateways and collector are the running community's.
_NOT_ITS_OWN: Final = ("backup", "push_gateways", "audit")
#: Tables from which no row may be gone after a start; of others Synapse clears away what is old.
_LASTING: Final = {
    "events": "messages and other events",
    "users": "accounts",
    "belisha_organisation": "organisations",
    "belisha_member": "members",
    "belisha_item": "labels",
    "belisha_room": "rooms with their policies",
    "belisha_audit": "lines of the audit log",
}
_PATIENCE_S: Final = 600.0


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "upgrade",
        help="try this version on a copy of a running community; ends with 1 where it does not work",
        description=f"Tries Belisha {__version__} on a copy of the community's databases. It goes on, and is only "
        "read. Nothing is upgraded by it: it says how to.",
    )
    add_data(parser)
    parser.add_argument("--check", action="store_true", required=True, help="try it on a copy")


def run(args: argparse.Namespace) -> int:
    """Tries, and tells."""
    progress = make()
    try:
        preflight.packages()
        data = args.data.expanduser().absolute().resolve()
        os.umask(0o077)
        if "service_manager" in data_folder.read_run(data):
            from belisha.cli import upgrade_server  # PostgreSQL's client would stay in memory otherwise

            _packages(progress)
            told = _compared(data, *upgrade_server.tried(data, _NOT_ITS_OWN, progress), progress)
            progress.ready("\n".join((*told, "", *_how_on_a_server(data))))
            return 0
        found = of_folder(data)
        with working(found.data) as work:
            _packages(progress)
            told = asyncio.run(_tried(found, work / "copy", progress))
        progress.ready("\n".join((*told, "", *_how(found.data))))
        return 0
    except CommandError as error:
        progress.failed(str(error))
        return error.code


def wrong_packages() -> list[str]:
    """What is installed in another version than this Belisha was tested with, or is not, a sentence each."""
    from packaging.requirements import Requirement

    wrong = []
    for line in metadata.requires("belisha") or ():
        needed = Requirement(line)
        if needed.marker and not any(needed.marker.evaluate({"extra": extra}) for extra in ("", "homeserver", "bots")):
            continue
        try:
            there = metadata.version(needed.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{needed.name} is not installed")
            continue
        if there not in needed.specifier:
            wrong.append(f"{needed.name} is {there}, and has to be {needed.specifier}")
    return wrong


def _packages(progress: Progress) -> None:
    progress.step("Comparing the packages with those this version was tested with")
    if wrong := wrong_packages():
        raise CommandError(
            f"The packages beside this Belisha are not its own: {'; '.join(wrong)}.",
            "Install them as they are pinned: make venv, or pip install --require-hashes -r requirements/run.txt.",
        )


async def _tried(folder: Folder, copy: Path, progress: Progress) -> list[str]:
    """Brings a copy to this version and starts it; what was seen, a line each.

    Raises:
        CommandError: it does not work.
    """
    before = _copied(folder, copy, progress)
    progress.step("Starting Synapse on the copy, closed to clients")
    async with running(copy, ports.free_row(), progress, closed=True) as community:
        if community.degraded:
            raise CommandError(
                f"With this version something would not work: {' '.join(community.degraded)}",
                "Stay with the version that runs, and say so to whoever made this one. Nothing was changed.",
            )
    progress.step("Bringing the copy of the bots' tables to this version")
    migrated = await asyncio.to_thread(_migrate, copy)
    progress.step("Comparing what is in the copy with what was")
    after = {name: sqlite.counts(copy / name) for name in before}
    return _compared(folder.data, before, after, migrated, progress)


def _compared(
    data: Path,
    before: Mapping[str, Mapping[str, int]],
    after: Mapping[str, Mapping[str, int]],
    migrated: str,
    progress: Progress,
) -> list[str]:
    """What was seen, a line each.

    Raises:
        CommandError: something is gone.
    """
    if lost := list(missing(before, after)):
        raise CommandError(
            f"After the change this would be missing: {'; '.join(lost)}.",
            "Stay with the version that runs, and say so to whoever made this one. Nothing was changed.",
        )
    progress.end()
    kept = ((after["homeserver.db"].get(table, 0), words) for table, words in _LASTING.items())
    return [
        f"Belisha {__version__} works with a copy of {data}. Nothing was changed.",
        f"  Synapse      {metadata.version('matrix-synapse')} started, with every part that the rules need",
        f"  The bots     {migrated}",
        f"  Kept         {', '.join(f'{count} {words}' for count, words in kept if count)}",
    ]


def _migrate(copy: Path) -> str:
    """Has the bots of this version bring their tables to their own; what they say of it.

    Raises:
        CommandError: they do not.
    """
    done = subprocess.run(  # noqa: S603  ourselves
        [sys.executable, "-m", "belisha", "bots", "migrate", "--data", str(copy)],
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    if done.returncode:
        raise CommandError(done.stderr.strip().removeprefix("belisha: "), "Nothing was changed.")
    return done.stdout.strip()


def _copied(folder: Folder, copy: Path, progress: Progress) -> dict[str, dict[str, int]]:
    """Makes a data folder of what is there now; the rows of each table of each database."""
    progress.step("Copying the databases as they are at this moment")
    copy.mkdir(mode=0o700)
    before = {}
    for database, name in ((folder.data / "bots.db", "bots"), (folder.synapse, "synapse")):
        need_room(database, copy)
        sqlite.copy(database, copy / database.name, name)
        before[database.name] = sqlite.counts(copy / database.name)
    shutil.copytree(folder.data / FOLDER, copy / FOLDER)
    if (folder.data / HEADS).exists():
        shutil.copyfile(folder.data / HEADS, copy / HEADS)
    settings = yaml.safe_load((folder.data / data_folder.SETTINGS).read_text(encoding="utf-8"))
    written = {key: value for key, value in settings.items() if key not in _NOT_ITS_OWN}
    (copy / data_folder.SETTINGS).write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    return before


def missing(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """What is no longer there, by the rows of each table of each database before and after."""
    for table, words in _LASTING.items():
        was, now = before["homeserver.db"].get(table, 0), after["homeserver.db"].get(table, 0)
        if now < was:
            yield f"{was - now} of {was} {words}"
    for table, was in before["bots.db"].items():
        if was > (now := after["bots.db"].get(table, was)):
            yield f"{was - now} of {was} rows of the bots' {table}"


def _how(data: Path) -> list[str]:
    ours = command()
    return [
        "To change to it, and the way back:",
        f"  1. {ours} backup --data {data}",
        f"  2. belisha down --data {data}   (by the version that runs)",
        f"  3. {ours} up --data {data}",
        "  Back: a version does not take tables that a later one has changed. Install the one of before, and",
        "  `belisha restore` what step 1 wrote; what was taken back meanwhile is taken back again by the journal.",
    ]


def _how_on_a_server(data: Path) -> list[str]:
    return [
        "To change to it, and the way back:",
        f"  1. {command()} backup --data {data}",
        "  2. the playbook of the new version, as for any other change: docs/deploy.md",
        "  Back: a version does not take tables that a later one has changed. Run the playbook of the one before with",
        "  empty folders and databases, and `belisha restore` what step 1 wrote.",
    ]
