"""Makes a backup of a community, while it is used or while it is not.

The order is a part of it: the bots' database first and Synapse's then, so that the bots never know of an event that
Synapse has forgotten; what they have not seen they read after a restore, as after any break. The heads of the audit log
before the log, or it would seem cut short. Files after the database that knows of them; then keys and settings.
"""

import json
import os
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from belisha import __version__
from belisha.backup import archive, retention
from belisha.backup.archive import NotWritten, Writer
from belisha.backup.manifest import Kind, Manifest
from belisha.cli.backup.copied import Copied
from belisha.cli.backup.sources import Sources
from belisha.cli.backup.tables import PSEUDONYMS
from belisha.cli.backup.work import working
from belisha.cli.errors import CommandError, command
from belisha.cli.progress import Progress


@dataclass(frozen=True)
class Made:
    """A backup that is whole: its two archives, their hashes, and what was deleted for it."""

    data: Path
    keys: Path
    sha256: tuple[str, str]
    manifest: Manifest
    deleted: list[str]


def make(sources: Sources, folder: Path, progress: Progress, now: int | None = None) -> Made:
    """Writes both archives into `folder`, and deletes those that are kept no longer.

    Raises:
        CommandError: it cannot be made, with the reason and the remedy; nothing that looks whole is left.
    """
    kept = sources.settings.backup
    if kept.recipient is None:
        raise CommandError(
            "backup.recipient is missing: backups are encrypted to a public key, whose private half is elsewhere.",
            f"Make one with `{command()} backup-key new FILE`, and write its public half into belisha.yaml.",
        )
    folder = _usable(folder, sources.inside)
    try:
        with working(sources.scratch) as work:
            _sweep(folder, sources.settings.server_name)
            made = int(time.time() if now is None else now)
            found = _write(
                sources, folder, work, made, (kept.recipient, kept.keys_recipient or kept.recipient), progress
            )
            progress.step("Deleting backups that are kept no longer")
            gone = retention.to_delete(
                (one.name for one in folder.iterdir()), sources.settings.server_name, kept.keep.keep()
            )
            for name in gone:
                (folder / name).unlink()
            return Made(*found, gone)
    except NotWritten as error:
        raise CommandError(str(error), f"Make room in {folder}; no archive was left there.") from None
    except sqlite3.Error as error:
        raise CommandError(
            f"A database could not be copied ({error}).", "Is there room in the data folder? Nothing was left behind."
        ) from None
    except OSError as error:
        raise CommandError(f"{error.filename or folder}: {error.strerror or error}.", "No archive was left.") from None


def _usable(folder: Path, inside: Sequence[Path]) -> Path:
    folder = folder.expanduser().absolute().resolve()
    if not folder.is_dir():
        raise CommandError(
            f"The folder for backups, {folder}, is not there.",
            "Make it, or mount what it is on: a backup on the disk that is lost would be lost too.",
        )
    if any(folder.is_relative_to(one) for one in inside):
        raise CommandError(
            f"The folder for backups, {folder}, is inside the data folder, and would be lost with it.",
            "Name one on another disk or machine.",
        )
    return folder


def _sweep(folder: Path, server_name: str) -> None:
    for left in folder.iterdir():
        if retention.is_part_of(left.name, server_name):
            left.unlink(missing_ok=True)


def _write(
    sources: Sources, folder: Path, work: Path, made: int, recipients: tuple[str, str], progress: Progress
) -> tuple[Path, Path, tuple[str, str], Manifest]:
    of_data, of_keys = (folder / name for name in retention.names(sources.settings.server_name, made))
    if of_data.exists() or of_keys.exists():
        raise CommandError(f"{of_data} is there already.", "Try again in a second.")
    backup = secrets.token_hex(16)

    def manifest(kind: Kind, tables: Mapping[str, Mapping[str, int]]) -> Manifest:
        return Manifest(kind, backup, made, sources.settings.server_name, __version__, tables)

    with archive.writing(of_data, recipients[0]) as data, archive.writing(of_keys, recipients[1]) as keys:
        tables: dict[str, Mapping[str, int]] = {}
        progress.step("Copying the bots' database")
        tables["bots"] = _add_database(data, sources.copied("bots", work)).counts
        for name, path in sources.heads():
            _add(data, name, path, may_be_gone=True)
        progress.step("Copying Synapse's database")
        synapse = _add_database(data, sources.copied("synapse", work))
        tables["synapse"] = synapse.counts
        progress.step(f"Adding {len(synapse.media)} files of members")
        for name, path in sources.media(synapse.media):
            _add(data, name, path, may_be_gone=True)
        progress.step("Adding settings and keys")
        for name, path in sources.files():
            _add(data, name, path, may_be_gone=True)
        for name, path in sources.apart():
            _add(keys, name, path)
        pairs = work / PSEUDONYMS
        _write_private(pairs, json.dumps(synapse.pseudonyms))
        _add(keys, PSEUDONYMS, pairs)
        keys.finish(manifest("keys", {}))
        whole = data.finish(manifest("data", tables))
    return of_data, of_keys, (data.sha256, keys.sha256), whole


def _add_database(writer: Writer, database: AbstractContextManager[Copied]) -> Copied:
    with database as copied:
        with copied.opened() as source:
            writer.add(copied.name, source)
        return copied


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _add(writer: Writer, name: str, path: Path, *, may_be_gone: bool = False) -> None:
    try:
        with path.open("rb") as source:
            writer.add(name, source)
    except FileNotFoundError:
        if not may_be_gone:  # what was withdrawn meanwhile is
            raise
