"""Backups to a bucket and back: archives are made on this machine's disk, encrypted, and sent or brought whole."""

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from belisha.backup import retention
from belisha.backup.place import is_away, place
from belisha.cli.away.access import access
from belisha.cli.backup.work import emptied
from belisha.cli.errors import CommandError
from belisha.host import FOLDERS

if TYPE_CHECKING:  # the store's client is 40 MB of memory that other commands do without
    from belisha.cli.away.bucket import Bucket
    from belisha.cli.backup.make import Made
    from belisha.cli.backup.sources import Sources
    from belisha.cli.progress import Progress
    from belisha.settings import Settings

_STAGED: Final = "away"
_SUFFIX: Final = ".tar.age"


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
def fetched(args: argparse.Namespace, progress: "Progress") -> Iterator[None]:
    """For `belisha restore`: brings the archives that stand in a bucket, and names what has come in their place.

    They lie beside the new folder, or on a server where its databases will, and are gone afterwards; what a killed
    restore has left goes first.

    Raises:
        CommandError: they cannot be brought; nothing was changed.
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
    if not name.endswith(_SUFFIX):
        raise CommandError(f"{args.archive} is no archive.", f"Name the one whose name ends in Z{_SUFFIX}.")
    data = args.data.expanduser().absolute()
    near = FOLDERS.state.parent if data == FOLDERS.configuration else data.parent
    near.mkdir(parents=True, exist_ok=True)
    folder = near / f".{data.name}.fetched"
    source = bucket(address, args.s3_credentials)
    with emptied(folder, CommandError("Another restore brings its archives there.", "Wait for it to end.")):
        try:
            progress.step(f"Bringing the archives from {source.place}")
            for one in _there(source, name, with_keys=args.keys is None, free=shutil.disk_usage(near).free):
                source.get(one, folder / one)
            progress.end()
            args.archive = folder / name
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _there(source: "Bucket", name: str, *, with_keys: bool, free: int) -> tuple[str, ...]:
    """What is to be brought of a backup, once all of it is there and has room in so many bytes.

    Asking for the list first also tells what is wrong with credentials or bucket: of a single object, stores say
    only that they do not give it.

    Raises:
        CommandError: it is not.
    """
    keys = retention.keys_of(name)
    sizes = source.sizes()
    if name not in sizes:
        archives = sorted(one for one in sizes if one.endswith(_SUFFIX) and retention.keys_of(one) in sizes)
        newest = f"The last by name is {archives[-1]}." if archives else "No whole backup is there: is it the folder?"
        raise CommandError(f"There is no {name} in {source.place}.", newest)
    if with_keys and keys not in sizes:
        raise CommandError(
            f"There is no {keys} in {source.place}.",
            "Without the keys nobody could check the audit log; name their archive with --keys FILE.",
        )
    wanted = (name, keys) if with_keys else (name,)
    needed = sum(sizes[one] for one in wanted)
    if needed > free:
        raise CommandError(
            f"The archives have {needed // 2**20} MiB, and {free // 2**20} MiB are free where they would be brought.",
            "Make room there, for them and for as much again; nothing was brought.",
        )
    return wanted
