"""Restores a server: its folders, then its databases, then what had ended since; a run that was cut short goes on.

Everything is unpacked into one folder of root's and checked. From the moment on at which the configuration is in its
place, with the mark that says that the restore has not ended, the same command goes on where it stopped.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from belisha.backup import manifest as manifests
from belisha.backup.archive import sync_folder
from belisha.backup.manifest import Manifest
from belisha.cli import data_folder, render_host, restored
from belisha.cli.backup import postgresql, server, sources
from belisha.cli.backup.postgresql import Database
from belisha.cli.backup.server import CONFIGURATION, STATES
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.restore import closed_server, ending, moment, unpack
from belisha.cli.restore.moment import Moment
from belisha.cli.restore.unpack import Archives
from belisha.cli.restored import Closed
from belisha.host import Folders

#: In the folder of all services: what is being unpacked, and what is unpacked and checked.
_UNPACKING, _UNPACKED = ".restoring", ".restored"
#: There too: a PostgreSQL that is brought to a moment.
_RECOVERING: Final = ".recovering"
_MANIFEST: Final = "manifest.json"


def restore(args: argparse.Namespace, found: Archives, data: Path, closed: Closed | None, progress: Progress) -> int:
    """Restores, and says what was lost.

    Raises:
        CommandError: with what has changed and what has not.
    """
    folders = Folders(configuration=data)
    databases = [Database(part, folders.postgresql) for part in ("bots", "synapse")]
    stopped()
    for part in STATES:
        render_host.account(f"belisha-{part}")
    wanted = moment.wanted(args, found) if args.at is not None else None
    if wanted is not None:
        moment.base_of(wanted)
    if closed is None:
        closed = _unpack(args, found, folders, databases, wanted, progress)
    elif closed.archive != found.data.name:
        raise CommandError(f"{data} is being restored from {closed.archive}.", "Give that archive.")
    with data_folder.locked(data):
        closed = _of_moment(restored.read(data) or closed, folders, databases, wanted)
        if not closed.filled:
            closed = _fill(folders, databases, closed, wanted, progress)
        there = server.of_server(data)
        revocations = ending.of_community(data / restored.JOURNAL, there.settings.server_name) if closed.journal else []
        port = data_folder.port_of(data)
        render(folders, port, closed=True)
        devices = postgresql.devices(databases[1])
        alone = closed_server.running(folders, port, progress)
        ended = asyncio.run(ending.end_again(data, alone, devices, revocations, progress))
        render(folders, port, closed=False)
        restored.open_again(data)
    progress.ready(ending.said(closed, ended, data, "the playbook, which starts everything"))
    return 0


def _of_moment(closed: Closed, folders: Folders, databases: list[Database], wanted: Moment | None) -> Closed:
    """The restore that goes on, of that moment; while the databases are empty, one may still name another.

    Raises:
        CommandError: they have something of another moment.
    """
    at = wanted.at.isoformat() if wanted else None
    if closed.at == at:
        return closed
    if closed.filled or not all(postgresql.is_empty(one) for one in databases):
        raise CommandError(
            f"{folders.configuration} is being restored "
            + (f"to {closed.at}." if closed.at else "to the backup's own moment."),
            f"Add --at {closed.at}" if closed.at else "Leave --at out.",
        )
    made = int(wanted.at.timestamp()) if wanted else _manifest(folders).made
    other = replace(closed, at=at, made=made)
    restored.close(folders.configuration, other)  # first: a run that is cut short is of this moment, too
    return other


def stopped() -> None:
    """Sees that systemd runs nothing that would write.

    Raises:
        CommandError: it does.
    """
    units = ("belisha-bots.service", "belisha-bots@*.service", "belisha-synapse.service", "belisha-backup.service")
    asked = shutil.which("systemctl")
    if asked is None:
        return
    said = subprocess.run([asked, "is-active", *units], capture_output=True, text=True, check=False).stdout  # noqa: S603  ours
    if {"active", "activating", "reloading"} & set(said.split()):
        raise CommandError(
            "The services of this server run.",
            "Stop them first: systemctl stop nginx 'belisha-bots*' 'belisha-synapse*' belisha-backup.timer",
        )


def _unpack(
    args: argparse.Namespace,
    found: Archives,
    folders: Folders,
    databases: list[Database],
    wanted: Moment | None,
    progress: Progress,
) -> Closed:
    """Unpacks and checks everything, and puts the configuration into its place, marked as not open.

    Raises:
        CommandError: something is in the way, or an archive is broken; nothing is changed.
    """
    data = folders.configuration
    for folder in (data, *(folders.state / part for part in STATES)):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CommandError(f"{folder} is not empty.", f"A restore writes over nothing: mv {folder} {folder}.before")
    empty(databases)
    unpacked, draft = folders.state / _UNPACKED, folders.state / _UNPACKING
    with unpack.own(draft):
        progress.step("Unpacking and checking both archives")
        manifest = unpack.both(found, draft)
        settings = data_folder.read_settings(draft / CONFIGURATION / data_folder.SETTINGS)
        by_settings = settings.backup.revocations
        journal = ending.named(args, folders.state / "synapse" / by_settings if by_settings else None)
        if journal is not None:
            ending.of_community(journal, manifest.server_name)
        (draft / _MANIFEST).write_text(manifest.text(), encoding="utf-8")
        if unpacked.exists():  # of a run that ended before anything was in its place
            shutil.rmtree(unpacked)
        draft.rename(unpacked)
    draft = data.with_name(f".{data.name}.restoring")
    with unpack.own(draft):
        shutil.copytree(unpacked / CONFIGURATION, draft, dirs_exist_ok=True)
        if journal is not None:
            shutil.copyfile(journal, draft / restored.JOURNAL)
        made, at = (int(wanted.at.timestamp()), wanted.at.isoformat()) if wanted else (manifest.made, None)
        closed = Closed(found.data.name, made, journal is not None, filled=False, at=at)
        restored.close(draft, closed)
        draft.chmod(0o755)  # services look into it for folders of their own
        draft.rename(data)  # over an empty folder, or over nothing
        sync_folder(data.parent)
    return closed


def empty(databases: list[Database]) -> None:
    """Sees that databases have nothing in them.

    Raises:
        CommandError: one has.
    """
    for one in databases:
        if not postgresql.is_empty(one):
            raise CommandError(
                f"The database {one.name} has tables in it.",
                f"Nothing is written over: dropdb {one.name}; createdb --owner={one.role} --encoding=UTF8 "
                f"--locale=C --template=template0 {one.name}",
            )


def _fill(
    folders: Folders, databases: list[Database], closed: Closed, wanted: Moment | None, progress: Progress
) -> Closed:
    """Brings states and databases into their places.

    Raises:
        CommandError: PostgreSQL refuses, or has something else than the backup.
    """
    unpacked = folders.state / _UNPACKED
    manifest = _manifest(folders)
    progress.step("Bringing files into their places")
    for part in STATES:
        source = unpacked / part
        if source.exists():
            give(source, f"belisha-{part}")
            source.rename(folders.state / part)
    sync_folder(folders.state)
    if wanted is None:
        for one in databases:
            progress.step(f"Filling the database {one.name}")
            if postgresql.is_empty(one):
                with (unpacked / one.dump).open("rb") as dump:
                    postgresql.fill(one, dump)
                _same(one, manifest.tables.get(one.part, {}))
        pseudonyms: Sequence[tuple[str, str]] = unpack.pseudonyms(unpacked)
    else:
        pseudonyms = _fill_from_moment(folders, databases, wanted, progress)
    postgresql.put_pseudonyms(databases[1], pseudonyms)
    whole = replace(closed, filled=True)
    restored.close(folders.configuration, whole)
    shutil.rmtree(unpacked)
    return whole


def _manifest(folders: Folders) -> Manifest:
    """Of what is unpacked.

    Raises:
        CommandError: that is gone.
    """
    unpacked = folders.state / _UNPACKED
    try:
        return manifests.parse((unpacked / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, manifests.NoManifest):
        raise CommandError(
            f"{unpacked} is gone, so this restore cannot go on.",
            f"Begin anew: mv {folders.configuration} {folders.configuration}.before",
        ) from None


def _fill_from_moment(
    folders: Folders, databases: list[Database], wanted: Moment, progress: Progress
) -> Sequence[tuple[str, str]]:
    """Fills databases with what they had at a moment; gives the pseudonyms of then."""
    pseudonyms: Sequence[tuple[str, str]] = ()
    with moment.recovered(wanted, folders.state / _RECOVERING, progress) as socket:
        for one in databases:
            progress.step(f"Filling the database {one.name}")
            with postgresql.copied(Database(one.part, socket)) as then:
                if postgresql.is_empty(one):
                    with then.opened() as dump:
                        postgresql.fill(one, dump)
                    _same(one, then.counts)
                if one.part == "synapse":
                    pseudonyms = then.pseudonyms
                    _forget_unknown(folders.state / "synapse", then.media)
    return pseudonyms


def _forget_unknown(folder: Path, known: Collection[str]) -> None:
    """Deletes files of members that the databases do not know at that moment: nobody could erase them."""
    kept = {path for _, path in sources.media(folder, known)}
    for part in ("local_content", "local_thumbnails"):
        for path in (folder / "media" / part).rglob("*"):
            if path.is_file() and path not in kept:
                path.unlink()


def _same(database: Database, wanted: Mapping[str, int]) -> None:
    found = postgresql.counts(database)
    if found != wanted:
        tables = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        raise CommandError(
            f"The database {database.name} does not have in it what the backup had ({', '.join(tables[:5])}).",
            "Empty it and both folders, and take another backup.",
        )


def give(folder: Path, account: str) -> None:
    """Gives a folder and all in it to a service's account."""
    owner = render_host.account(account)
    for path in (folder, *_all(folder)):
        os.chown(path, owner, -1)


def _all(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.is_symlink())


def render(folders: Folders, port: int, *, closed: bool) -> None:
    """Writes the server's configuration."""
    for _ in render_host.write(folders, None, port, closed=closed):
        pass
