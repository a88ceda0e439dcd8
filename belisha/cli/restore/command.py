"""The work of `belisha restore`: archives, then the journal, then the way is open."""

import argparse
import asyncio
import shutil

from belisha.cli import data_folder, ports, restored
from belisha.cli.backup import sources, sqlite
from belisha.cli.errors import CommandError, command
from belisha.cli.progress import Progress
from belisha.cli.restore import ending, unpack
from belisha.cli.restore.unpack import Archives
from belisha.cli.supervisor import running


def run(args: argparse.Namespace, progress: Progress) -> int:
    """Restores, and says what was lost.

    Raises:
        CommandError: it cannot be done, with what has changed.
    """
    found = unpack.archives(args.archive, args.keys, args.identity, args.keys_identity)
    if args.check:
        manifest = unpack.check(found, progress)
        whose = f"{len(manifest.entries)} files of {manifest.server_name}, {ending.at(manifest.made)}"
        further = _checked_moment(args, found, progress)
        progress.ready(f"Both archives are whole: {whose}.{further}")
        return 0
    return _restore(args, found, progress)


def _checked_moment(args: argparse.Namespace, found: Archives, progress: Progress) -> str:
    """What `--check` says of a moment.

    Raises:
        CommandError: it cannot be restored.
    """
    if args.at is None:
        return ""
    from belisha.cli.restore import moment

    wanted = moment.wanted(args, found)
    progress.step("Checking base copy and log")
    problem = moment.check(wanted)
    if problem is not None:
        raise CommandError(f"{problem} What came before it can be restored.")
    return f" So are base copy and log: {ending.at(int(wanted.at.timestamp()))} can be restored."


def _restore(args: argparse.Namespace, found: Archives, progress: Progress) -> int:
    data = args.data.expanduser().absolute()
    data = data.parent.resolve() / data.name
    closed = restored.read(data)
    if unpack.is_of_server(found):
        from belisha.cli.restore import server  # PostgreSQL's client would stay in memory otherwise

        return server.restore(args, found, data, closed, progress)
    if args.at is not None:
        raise CommandError(
            "This backup is of a data folder, of which there are archives alone.", "Restore it without --at."
        )
    if closed is None:
        if data.exists() and (not data.is_dir() or any(data.iterdir())):
            raise CommandError(
                f"{data} is not empty.", "A restore writes over nothing: name a folder that is not there."
            )
        with unpack.unpacked(found, data, progress) as (draft, manifest):
            of_draft = sources.of_folder(draft)
            named = of_draft.settings.backup.revocations
            journal = ending.named(args, data / named if named else None)
            if journal is not None:
                ending.of_community(journal, manifest.server_name)
                shutil.copyfile(journal, draft / restored.JOURNAL)
            closed = restored.Closed(found.data.name, manifest.made, journal is not None)
            unpack.put_in_place(draft, data, closed)
    elif closed.archive != found.data.name:
        raise CommandError(
            f"{data} is being restored from {closed.archive}.", "Give that archive, or name a folder that is not there."
        )
    there = sources.of_folder(data)
    server_name = there.settings.server_name
    revocations = ending.of_community(data / restored.JOURNAL, server_name) if closed.journal else []
    alone = running(data, ports.free_row(), progress, closed=True)
    ended = asyncio.run(ending.end_again(data, alone, sqlite.devices(there.synapse), revocations, progress))
    (data / data_folder.RUN).unlink(missing_ok=True)
    restored.open_again(data)
    progress.ready(ending.said(closed, ended, data, f"{command()} up --data {data}"))
    return 0
