"""Brings both archives of a backup into a new data folder, which is there only when all of it was checked."""

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from belisha.backup import archive
from belisha.backup.archive import BrokenArchive, Identity
from belisha.backup.manifest import Manifest
from belisha.backup.retention import keys_of
from belisha.cli import restored
from belisha.cli.backup import sqlite
from belisha.cli.backup.tables import PSEUDONYMS
from belisha.cli.backup.work import emptied
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.restored import Closed

_DATABASES = {"bots": "bots.db", "synapse": "homeserver.db"}
#: What a server's archive begins with.
SERVERS_FIRST: Final = "bots.dump"


@dataclass(frozen=True)
class Archives:
    """Both archives of a backup, and the files with the private keys to them."""

    data: Path
    keys: Path
    identity: Path
    keys_identity: Path


def archives(data: Path, keys: Path | None, identity: Path, keys_identity: Path | None) -> Archives:
    """Both archives; that of the keys lies beside the other where nobody says where it is.

    Raises:
        CommandError: one is not there.
    """
    found = Archives(data, keys or data.with_name(keys_of(data.name)), identity, keys_identity or identity)
    for path, remedy in (
        (found.data, "Name the archive whose name ends in Z.tar.age."),
        (found.keys, "Without the keys nobody could check the audit log; name their archive with --keys FILE."),
        (found.identity, "Bring the private key that `belisha backup-key new` made."),
        (found.keys_identity, "Bring the private key of the archive of keys."),
    ):
        if not path.is_file():
            raise CommandError(f"There is no file {path}.", remedy)
    return found


def check(found: Archives, progress: Progress) -> Manifest:
    """Reads both archives to their ends, and writes nothing.

    Raises:
        CommandError: one is broken, is for another key, or they are not of one backup.
    """
    progress.step("Checking both archives")
    with told():
        of_data = archive.read(found.data, identities(found.identity))
        of_keys = archive.read(found.keys, identities(found.keys_identity))
    _same_backup(found, of_data, of_keys)
    return of_data


def is_of_server(found: Archives) -> bool:
    """Whether a backup is a server's, with dumps of PostgreSQL's databases in it.

    Raises:
        CommandError: the archive is broken, or for another key.
    """
    with told():
        return archive.first(found.data, identities(found.identity)) == SERVERS_FIRST


def both(found: Archives, draft: Path) -> Manifest:
    """Unpacks both archives into a folder, and gives the manifest of the data.

    Raises:
        CommandError: as `check`.
    """
    with told():
        of_data = archive.read(found.data, identities(found.identity), _into(draft))
        of_keys = archive.read(found.keys, identities(found.keys_identity), _into(draft))
    _same_backup(found, of_data, of_keys)
    return of_data


@contextmanager
def unpacked(found: Archives, data: Path, progress: Progress) -> Iterator[tuple[Path, Manifest]]:
    """The folder beside `data` in which everything is, checked; `put_in_place` makes `data` of it.

    Raises:
        CommandError: as `check`; a database is broken, or the disk full. Nothing is left.
    """
    draft = data.with_name(f".{data.name}.restoring")
    with own(draft):
        progress.step("Unpacking and checking both archives")
        of_data = both(found, draft)
        progress.step("Checking the databases")
        _check_databases(draft, of_data)
        yield draft, of_data


def put_in_place(draft: Path, data: Path, closed: Closed) -> None:
    """Makes the unpacked folder the data folder, closed until what has ended since has ended again.

    Raises:
        CommandError: something has come into its place meanwhile.
    """
    for folder in ("logs", "media", "rendered"):
        (draft / folder).mkdir(mode=0o700, exist_ok=True)
    restored.close(draft, closed)
    try:
        draft.rename(data)  # over an empty folder, or over nothing
    except OSError as error:
        raise CommandError(f"{data} could not be made ({error.strerror}).", "Name another folder.") from None
    archive.sync_folder(data.parent)


def identities(path: Path) -> list[Identity]:
    """The private keys in a file.

    Raises:
        CommandError: it has none.
    """
    try:
        return archive.identities(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise CommandError(
            f"The key {path} cannot be used ({said}).", "Name the file that `belisha backup-key new` wrote."
        ) from None


def _same_backup(found: Archives, of_data: Manifest, of_keys: Manifest) -> None:
    if of_data.kind != "data" or of_keys.kind != "keys":
        raise CommandError(
            f"{found.data} has {of_data.kind} in it, and {found.keys} {of_keys.kind}.",
            "Name the archive of data, and with --keys that of keys.",
        )
    if of_data.backup != of_keys.backup:
        raise CommandError(f"{found.data} and {found.keys} are not of one backup.", "Name two that were made together.")


@contextmanager
def told() -> Iterator[None]:
    """Says as a person needs it what is wrong with an archive."""
    try:
        yield
    except BrokenArchive as error:
        raise CommandError(
            str(error), "Is it the right key? Otherwise take another backup. Nothing was changed."
        ) from None
    except OSError as error:
        raise CommandError(
            f"{error.filename or 'The disk'}: {error.strerror or error}.", "Nothing was left behind."
        ) from None


@contextmanager
def own(draft: Path) -> Iterator[None]:
    """The folder, empty and held for this process; gone afterwards unless it was renamed."""
    draft.parent.mkdir(parents=True, exist_ok=True)
    with emptied(draft, CommandError("This folder is being restored by another command.", "Wait for it to end.")):
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):  # it has become the data folder
                shutil.rmtree(draft)


def _into(folder: Path) -> archive.Sink:
    def sink(name: str) -> IO[bytes]:
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    return sink


def _check_databases(draft: Path, manifest: Manifest) -> None:
    """Compares every table with the manifest, and puts the pseudonyms back."""
    for name, file in _DATABASES.items():
        path = draft / file
        try:
            whole = path.exists() and sqlite.is_whole(path) and sqlite.counts(path) == manifest.tables.get(name)
        except sqlite3.Error:
            whole = False
        if not whole:
            raise CommandError(f"The database {file} of this backup is not what it was.", "Take another backup.")
    sqlite.put_pseudonyms(draft / _DATABASES["synapse"], pseudonyms(draft))
    (draft / PSEUDONYMS).unlink()


def pseudonyms(draft: Path) -> list[tuple[str, str]]:
    """The user ids and pseudonyms that the archive of keys had in it."""
    said = json.loads((draft / PSEUDONYMS).read_text(encoding="utf-8"))
    return [(str(user_id), str(pseudonym)) for user_id, pseudonym in said]
