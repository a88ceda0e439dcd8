"""Backups to a bucket and back: archives are made on this machine's disk, encrypted, and sent or brought whole."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from belisha.backup import retention
from belisha.backup.place import is_away, place
from belisha.cli.away.access import access
from belisha.cli.backup.work import emptied
from belisha.cli.errors import CommandError

if TYPE_CHECKING:  # the store's client is 40 MB of memory that other commands do without
    from belisha.cli.away.bucket import Bucket
    from belisha.cli.backup.make import Made
    from belisha.cli.backup.sources import Sources
    from belisha.cli.progress import Progress
    from belisha.settings import Settings

_STAGED = "away"


def bucket(address: str, credentials: Path) -> "Bucket":
    """The folder of a bucket; nothing is asked yet.

    Args:
        address: such as `s3://bucket/prefix`.
        credentials: the file by which the store knows us.

    Raises:
        CommandError: the address names no bucket, or the file cannot be used.
    """
    try:
        where = place(address)
    except ValueError as error:
        raise CommandError(f"{address} is no address of a bucket: {error}.", "Write s3://bucket/folder.") from None
    known = access(credentials)
    from belisha.cli.away.bucket import Bucket

    return Bucket(where, known)


def of_settings(settings: "Settings", data: Path, address: str | None = None) -> "Bucket":
    """That of the settings.

    Args:
        settings: of the community.
        data: the folder that a path which is not absolute begins in.
        address: another folder than `backup.folder`.

    Raises:
        CommandError: as `bucket`, or no file of credentials is named.
    """
    if settings.backup.s3_credentials_file is None:
        raise CommandError(
            "Backups go to a bucket, and nothing says by what it knows us.",
            "Write backup.s3_credentials_file; docs/backup.md says what stands in that file.",
        )
    return bucket(address or settings.backup.folder or "", data / settings.backup.s3_credentials_file)


@contextmanager
def staged(sources: "Sources") -> Iterator[Path]:
    """An empty folder for archives until they are sent, which is gone afterwards; what a killed backup left goes first.

    Raises:
        CommandError: another backup is being sent.
    """
    scratch = sources.scratch
    within = any(scratch.is_relative_to(one) for one in sources.inside)
    folder = scratch.with_name(f".{scratch.name}.{_STAGED}") if within else scratch / _STAGED
    with emptied(folder, CommandError("Another backup is being made and sent.", "Wait for it to end.")):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def send(made: "Made", to: "Bucket", settings: "Settings", progress: "Progress") -> list[str]:
    """Sends both archives, then deletes those that are kept no longer; what a person should know of that.

    The keys go first: what a crash leaves are keys without data, which is no backup, and is deleted one day.

    Raises:
        CommandError: one was not sent; the one that it belongs to is no backup by itself.
    """
    name = settings.server_name
    progress.step(f"Sending both archives to {to.place}")
    for path in (made.keys, made.data):
        to.put(path, path.name)
    progress.step("Deleting backups that are kept no longer")
    gone = retention.to_delete(to.names(), name, settings.backup.keep.keep())
    left = [one for one in gone if not to.delete(one)]
    deleted = [f"  deleted: {one}" for one in gone if one not in left]
    if left:
        deleted.append(f"  {len(left)} older ones are the store's to delete: these credentials may not")
    return deleted


def ready(to: "Bucket", server_name: str) -> None:
    """Sees that archives can go there and strangers see none, and gives up what killed uploads left.

    Raises:
        CommandError: they cannot, or strangers do.
    """
    to.look()
    to.sweep(lambda name: retention.is_archive(name, server_name))


@contextmanager
def fetched(args: argparse.Namespace) -> Iterator[None]:
    """For `belisha restore`: brings the archives that stand in a bucket, and names what has come in their place.

    Raises:
        CommandError: they cannot be brought.
    """
    if not is_away(args.archive):
        args.archive = Path(args.archive)
        yield
        return
    if args.s3_credentials is None:
        raise CommandError(
            f"{args.archive} is in a bucket, and nothing says by what it knows us.",
            "Add --s3-credentials FILE; docs/backup.md says what stands in it.",
        )
    address, _, name = args.archive.rpartition("/")
    if not name.endswith(".tar.age"):
        raise CommandError(f"{args.archive} is no archive.", "Name the one whose name ends in Z.tar.age.")
    source = bucket(address, args.s3_credentials)
    near = args.data.expanduser().absolute().parent
    with tempfile.TemporaryDirectory(prefix=".belisha-fetched.", dir=near if near.is_dir() else None) as folder:
        for one in (name, retention.keys_of(name)) if args.keys is None else (name,):
            source.get(one, Path(folder) / one)
        args.archive = Path(folder) / name
        yield
