"""The work of `belisha restore`: archives, then the journal, then the way is open."""

import argparse
import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

from belisha.cli import data_folder, restored
from belisha.cli import progress as shown
from belisha.cli.backup import sources
from belisha.cli.backup.sources import Sources
from belisha.cli.errors import CommandError, command
from belisha.cli.progress import Progress
from belisha.cli.restore import ending, unpack
from belisha.cli.restore.unpack import Archives
from belisha.cli.restored import Closed


def run(args: argparse.Namespace) -> int:
    """Restores, and says what was lost."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up
    progress = shown.make()
    try:
        found = unpack.archives(args.archive, args.keys, args.identity, args.keys_identity)
        if args.check:
            manifest = unpack.check(found, progress)
            whose = f"{len(manifest.entries)} files of {manifest.server_name}, {at(manifest.made)}"
            progress.ready(f"Both archives are whole: {whose}.")
            return 0
        return _restore(args, found, progress)
    except CommandError as error:
        progress.failed(str(error))
        return error.code


def at(seconds: int) -> str:
    """A moment as a person reads it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _restore(args: argparse.Namespace, found: Archives, progress: Progress) -> int:
    data = args.data.expanduser().absolute()
    data = data.parent.resolve() / data.name
    closed = restored.read(data)
    if closed is None:
        if data.exists() and (not data.is_dir() or any(data.iterdir())):
            raise CommandError(
                f"{data} is not empty.", "A restore writes over nothing: name a folder that is not there."
            )
        with unpack.unpacked(found, data, progress) as (draft, manifest):
            journal = _journal(args, sources.of(draft), data)
            if journal is not None:
                ending.of_community(journal, manifest.server_name)
                shutil.copyfile(journal, draft / restored.JOURNAL)
            closed = restored.Closed(found.data.name, manifest.made, journal is not None)
            unpack.put_in_place(draft, data, closed)
    elif closed.archive != found.data.name:
        raise CommandError(
            f"{data} is being restored from {closed.archive}.", "Give that archive, or name a folder that is not there."
        )
    there = sources.of(data)
    server_name = there.settings.server_name
    revocations = ending.of_community(data / restored.JOURNAL, server_name) if closed.journal else []
    ended = asyncio.run(ending.end_again(there, revocations, progress))
    (data / data_folder.RUN).unlink(missing_ok=True)
    restored.open_again(data)
    progress.ready(_said(closed, ended, data))
    return 0


def _journal(args: argparse.Namespace, draft: Sources, data: Path) -> Path | None:
    """The journal to replay; None where somebody does without.

    Raises:
        CommandError: there is none.
    """
    if args.without_journal:
        return None
    named = draft.settings.backup.revocations
    journal = args.journal or (data / named if named else None)
    if journal is None or not Path(journal).is_file():
        where = f" at {journal}" if journal else ""
        raise CommandError(
            f"There is no journal of revocations{where}: what was redacted, withdrawn, removed or raised since "
            "the backup would be back.",
            "Bring it and name it with --journal FILE; --without-journal does without, and tell your members then. "
            "Nothing was changed.",
        )
    return Path(journal).expanduser().absolute()


def _said(closed: Closed, ended: dict[str, int], data: Path) -> str:
    lines = [
        f"{data} is as the community was at {at(closed.made)}. What was written after that is lost.",
        *(f"{count:>7} {words}" for words, count in ended.items() if closed.journal),
    ]
    if closed.journal is None:
        lines.append("No journal was replayed: what was taken back since is back. Tell the stewards and the members.")
    lines += [
        "Members sign in anew, with the passwords of then. Invitations and codes for a new password hold no longer.",
        "Anonymous polls that were open are cancelled: their keys are in no backup.",
        f"Look at rules of rooms and organisations that were changed since, then: {command()} up --data {data}",
    ]
    return "\n".join(lines)
