"""The work of `belisha migrate`: secrets, then databases, then files; until its end nothing starts the server."""

import argparse
import os
import shutil
import signal
from pathlib import Path
from typing import Final

from belisha.cli import data_folder, render_host, restored
from belisha.cli import progress as shown
from belisha.cli.backup import sources, sqlite
from belisha.cli.backup.postgresql import Database
from belisha.cli.backup.server import STATES
from belisha.cli.backup.sources import HEADS, Folder
from belisha.cli.errors import CommandError, command
from belisha.cli.first_run import CREDENTIALS
from belisha.cli.migrate import databases
from belisha.cli.progress import Progress
from belisha.cli.restore import server
from belisha.host import Folders
from belisha.secrets import FOLDER
from belisha.settings import Settings

_WORK: Final = ".migrating"


def run(args: argparse.Namespace) -> int:
    """Migrates, and says what was brought over."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up
    progress = shown.make()
    try:
        data = args.data.expanduser().absolute().resolve()
        folders = Folders(configuration=args.into.expanduser().absolute().resolve())
        source = _source(data)
        with data_folder.locked(data):
            progress.ready(_migrate(source, folders, progress))
        return 0
    except CommandError as error:
        progress.failed(str(error))
        return error.code


def _source(data: Path) -> Folder:
    if not (data / "homeserver.db").exists() or "service_manager" in data_folder.read_run(data):
        raise CommandError(f"{data} is no community of `belisha up`.", "Name its data folder: --data DIR.")
    restored.refuse(data)
    found = sources.of_folder(data)
    if unfinished := sqlite.unfinished(found.synapse):
        raise CommandError(
            f"Synapse has not finished {unfinished} changes of its tables, which it makes while it runs.",
            f"Start it, look again in a few minutes: {command()} up --data {data}",
        )
    return found


def _migrate(source: Folder, folders: Folders, progress: Progress) -> str:
    home = folders.configuration
    there = [Database(part, folders.postgresql) for part in ("bots", "synapse")]
    settings = _target(source, home)
    server.stopped()
    for part in STATES:
        render_host.account(f"belisha-{part}")
    began = restored.migrating(home)
    if began is None:
        server.empty(there)
        _no_media(folders)
        restored.begin_migrating(home, source.data)
    elif began != str(source.data):
        raise CommandError(f"The community of {began} is being brought here.", f"Name it: --data {began}")
    port = data_folder.port_of(home)
    work = folders.state / _WORK
    shutil.rmtree(work, ignore_errors=True)
    _bring_secrets(source.data, home)
    server.render(folders, port, closed=True)
    try:
        counted = [databases.bring(one, _copy(one, source, work, progress), folders, progress) for one in there]
        progress.step("Copying files")
        _bring_files(source, settings, folders)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    restored.end_migrating(home)
    server.render(folders, port, closed=False)
    return "\n".join(
        [
            f"{source.data} is on this server: {counted[1]} rows of Synapse's database, and {counted[0]} of the bots'.",
            "Now run the playbook, which starts everything. Members stay signed in; clients need the new address.",
            f"{source.data} is as it was. Do not start it again: who then wrote there would write into the past.",
        ]
    )


def _target(source: Folder, home: Path) -> Settings:
    path = home / data_folder.SETTINGS
    if not path.exists():
        raise CommandError(f"{path} is not there.", "Run the playbook first: docs/deploy.md")
    settings = data_folder.read_settings(path)
    if settings.server_name != source.settings.server_name:
        raise CommandError(
            f"{path} says server_name: {settings.server_name}, and {source.data} is {source.settings.server_name}.",
            f"It can never change: write server_name: {source.settings.server_name}.",
        )
    return settings


def _no_media(folders: Folders) -> None:
    media = folders.state / "synapse" / "media" / "local_content"
    if media.is_dir() and any(media.iterdir()):
        raise CommandError(
            f"{media} has files of members in it.",
            f"Another community was here: mv {media.parent} {media.parent}.before",
        )


def _copy(database: Database, source: Folder, work: Path, progress: Progress) -> Path:
    """A copy of the folder's database, for the account that reads it."""
    progress.step(f"Copying the {database.part} database")
    folder = work / database.part
    folder.mkdir(mode=0o700, parents=True)
    work.chmod(0o711)  # each account reaches its own
    copy = folder / "database.db"
    sqlite.snapshot(source.synapse if database.part == "synapse" else source.data / "bots.db", copy)
    server.give(folder, database.role)
    return copy


def _bring_secrets(data: Path, home: Path) -> None:
    """Each secret of the community in place of the server's own, which nobody has used."""
    for path in sorted((data / FOLDER).iterdir()):
        if path.is_file() and not path.is_symlink():
            _bring(path, home / FOLDER / path.name)


def _bring_files(source: Folder, settings: Settings, folders: Folders) -> None:
    data, synapse, bots = source.data, folders.state / "synapse", folders.state / "bots"
    for name in ("passwords", CREDENTIALS):
        _bring(data / name, folders.configuration / name)
    (synapse / HEADS).unlink(missing_ok=True)  # of the log of a community that nobody has used
    files = settings.files.known
    for named in (HEADS, "media", settings.backup.revocations, files.list, files.matcher_secret_file):
        _bring_named(data, synapse, named)
    secret = settings.escalation.webhook_secret_file
    for named in ("ballot-keys", settings.onboarding.rules, settings.mail.password_file, secret):
        _bring_named(data, bots, named)
    server.give(synapse, "belisha-synapse")
    server.give(bots, "belisha-bots")


def _bring_named(data: Path, folder: Path, named: str | None) -> None:
    """A file of the folder that the server's settings name beside the service; others are where they were."""
    if named is not None and not Path(named).is_absolute():
        _bring(data / named, folder / named)


def _bring(path: Path, to: Path) -> None:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to, dirs_exist_ok=True)
    elif path.is_file():
        shutil.copyfile(path, to)  # of mode 0600, whatever it was
        to.chmod(0o600)
