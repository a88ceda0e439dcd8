"""PostgreSQL as it was at a moment, made of a base copy and the log after it, beside the one that runs.

It runs in a folder of its own, answers at a socket of its own, and is gone afterwards: what is restored is dumped from
it as a backup is, so that rights that are in no backup are in no restore either.
"""

import argparse
import gzip
import os
import re
import shutil
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, cast

from belisha.backup import layers, segments
from belisha.backup.archive import BrokenArchive, Identity
from belisha.backup.segments import Base, NotOurs
from belisha.cli.backup import postgresql
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.restore import unpack
from belisha.cli.restore.closed_server import end_with_us
from belisha.cli.restore.unpack import Archives, own, told
from belisha.cli.wal.keeping import Administration

_PROGRAMS: Final = Path("/usr/lib/postgresql")
_BLOCK: Final = 1024 * 1024
_SETTINGS: Final = """\
listen_addresses = ''
unix_socket_directories = '{run}'
hba_file = '{run}/hba'
ident_file = '{run}/ident'
hot_standby = off
archive_mode = off
fsync = off
lc_messages = 'C'
restore_command = 'gzip --decompress --stdout "{log}/%f.gz" > "%p"'
recovery_target_timeline = 'current'
recovery_target_action = 'promote'
"""
#: What it writes when it takes writes.
_ANSWERS: Final = re.compile(r"LOG: +database system is ready to accept connections")
#: PostgreSQL asks the system who connects: each account is its own role, and root may be any.
_IDENT: Final = "own /^(.*)$ \\1\nown root postgres\nown root belisha-synapse\nown root belisha-bots\n"


@dataclass(frozen=True)
class Moment:
    """What is to be restored.

    Attributes:
        at: the moment.
        folder: where base copies and log are.
        keys: the private keys of the layers, the outermost first.
    """

    at: datetime
    folder: Path
    keys: tuple[Sequence[Identity], ...]


def wanted(args: argparse.Namespace, found: Archives) -> Moment:
    """What the command line asks for.

    Raises:
        CommandError: the moment is none, or a key is.
    """
    keys: tuple[Sequence[Identity], ...] = (unpack.identities(found.identity),)
    if found.keys_identity != found.identity:
        keys += (unpack.identities(found.keys_identity),)
    return Moment(parse(args.at), args.continuous or found.data.parent / segments.FOLDER, keys)


def parse(text: str) -> datetime:
    """A moment as a person writes it, ISO 8601 with its offset from UTC.

    Raises:
        CommandError: it is none, says no offset, or has not been yet.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is no moment.", "Write one such as 2026-11-30T12:05:00Z.") from None
    if found.tzinfo is None:
        raise CommandError(f"{text} does not say in which zone.", f"Write {text}Z for UTC, or its offset: {text}+01:00")
    if found.timestamp() > time.time():
        raise CommandError(f"{text} has not been yet.", "Write a moment of the past.")
    return found.astimezone(UTC)


def base_of(moment: Moment) -> tuple[Path, Base]:
    """The newest base copy from before a moment, and the folder that it is in.

    Raises:
        CommandError: there is none.
    """
    if not moment.folder.is_dir():
        raise CommandError(
            f"There is no folder {moment.folder}.",
            "Name with --continuous the one that base copies and PostgreSQL's log are in. Nothing was changed.",
        )
    found = sorted(
        (base, folder)
        for folder in moment.folder.iterdir()
        if folder.is_dir()
        for base in segments.bases(one.name for one in folder.iterdir())
    )
    before = [(folder, base) for base, folder in found if base.ended <= moment.at]
    if not before:
        earliest = (
            f"The earliest moment there is: {found[0][0].ended:%Y-%m-%dT%H:%M:%SZ}." if found else "There is none."
        )
        raise CommandError(
            f"No base copy is from before {moment.at:%Y-%m-%dT%H:%M:%SZ}. {earliest} Nothing was changed."
        )
    return before[-1]


@contextmanager
def recovered(moment: Moment, scratch: Path, progress: Progress) -> Iterator[Path]:
    """The folder of the socket of a PostgreSQL that is as it was then.

    Args:
        moment: what is wanted.
        scratch: a folder that is made for it, and gone afterwards.
        progress: is told.

    Raises:
        CommandError: something is missing or broken, which it names.
    """
    folder, base = base_of(moment)
    with own(scratch):
        scratch.chmod(0o711)
        for name in ("data", "log", "run"):
            (scratch / name).mkdir(mode=0o700)
            _give(scratch / name)
        (scratch / "run").chmod(0o711)
        progress.step(f"Unpacking the base copy of {base.ended:%Y-%m-%d %H:%M:%S} UTC")
        with told():
            _unpack(folder / base.name, moment, scratch / "data")
        progress.step("Checking the log after it")
        with told():
            last, problem = _bring_log(folder, base, moment, scratch / "log")
        programs = _programs(scratch / "data")
        _configure(scratch)
        progress.step(f"Bringing PostgreSQL to {moment.at:%Y-%m-%d %H:%M:%S} UTC")
        with _running(programs, scratch, moment.at, last, problem, progress):
            yield scratch / "run"


def check(moment: Moment) -> str | None:
    """Reads everything that a moment needs to its end; says which piece of the log ends what can be restored.

    Raises:
        CommandError: there is no base copy, or it is broken.
    """
    folder, base = base_of(moment)
    with told(), layers.stream(folder / base.name, moment.keys) as source:
        while source.read(_BLOCK):
            pass
    with told():
        return _bring_log(folder, base, moment, None)[1]


def _unpack(path: Path, moment: Moment, into: Path) -> None:
    """Unpacks a base copy, as the account that PostgreSQL runs as."""
    process = _as_postgres(["tar", "--extract", "--gzip", "--directory", str(into)], stdin=subprocess.PIPE)
    to = cast(IO[bytes], process.stdin)
    try:
        with layers.stream(path, moment.keys) as source:
            shutil.copyfileobj(source, to, _BLOCK)
        to.close()
    except BrokenPipeError:
        pass
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.wait() != 0:
        raise CommandError(
            "The base copy could not be unpacked.", f"Is there room in {into.parent}? No database was changed."
        )
    # What somebody has set by ALTER SYSTEM is for the other one.
    (into / "postgresql.auto.conf").unlink(missing_ok=True)


def _bring_log(folder: Path, base: Base, moment: Moment, into: Path | None) -> tuple[str | None, str | None]:
    """Decrypts and checks the log, piece by piece; gives the last one, and a sentence about the one that ends it."""
    found = segments.chain((one.name for one in folder.iterdir()), base)
    last = None
    for name in found.names:
        segment = name[:24]
        try:
            packed = layers.open_sealed(folder / name, moment.keys)
            segments.check(segment, folder.name.partition(".")[0], gzip.decompress(packed))
        except (BrokenArchive, NotOurs, EOFError, OSError, zlib.error) as error:
            return last, f"The piece {segment} of PostgreSQL's log is broken ({folder / name}: {error})."
        last = segment
        if into is not None:
            path = into / f"{segment}.gz"
            path.write_bytes(packed)
            path.chmod(0o644)
    if found.missing is not None:
        return last, f"The piece {found.missing} of PostgreSQL's log is missing in {folder}."
    return last, None


def _programs(data: Path) -> Path:
    version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    programs = _PROGRAMS / version / "bin"
    if not (programs / "postgres").exists():
        raise CommandError(
            f"The base copy is of PostgreSQL {version}, which is not installed here.",
            f"Install postgresql-{version}, or restore without --at what the nightly archive has. "
            "No database was changed.",
        )
    return programs


def _configure(scratch: Path) -> None:
    run = scratch / "run"
    text = _SETTINGS.format(run=run, log=scratch / "log")
    for path, content in (
        (scratch / "data" / "postgresql.conf", text),
        (scratch / "data" / "recovery.signal", ""),
        (run / "hba", "local all all peer map=own\n"),
        (run / "ident", _IDENT),
    ):
        path.write_text(content, encoding="utf-8")
        path.chmod(0o644)
        _give(path)


def _give(path: Path) -> None:
    who = postgresql.account("postgres")
    if who is not None:
        os.chown(path, who.pw_uid, who.pw_gid)


@contextmanager
def _running(
    programs: Path, scratch: Path, at: datetime, last: str | None, problem: str | None, progress: Progress
) -> Iterator[None]:
    """Runs it once it has come to the moment, until the end of the block.

    Raises:
        CommandError: it does not come there.
    """
    target = ["-c", f"recovery_target_time={at:%Y-%m-%d %H:%M:%S.%f}+00"]
    process = _started(programs, scratch, target)
    said = _said(scratch)
    if process.poll() is not None and "recovery ended before configured recovery target" in said:
        ends = re.findall(r"last completed transaction was at log time (\S+ \S+)", said)
        if problem is not None:
            until = f"What can be restored ends at {ends[-1]} UTC. " if ends else ""
            raise CommandError(f"{problem} {until}Bring it, or name an earlier moment. No database was changed.")
        if f'restored log file "{last}"' not in said:  # a full disk is to PostgreSQL as if there were no more
            raise CommandError(
                f"PostgreSQL did not read its log up to the piece {last}.",
                f"Is there room in {scratch.parent}? No database was changed.",
            )
        since = f"{ends[-1]} UTC" if ends else "the base copy"
        progress.warn(f"The log ends before that moment; what was written last in it is of {since}.")
        process = _started(programs, scratch, [])
        said = _said(scratch)
    if process.poll() is not None:
        reason = re.findall(r"(?:FATAL|PANIC): +(.*)", said)
        raise CommandError(
            f"PostgreSQL did not come to that moment ({reason[-1] if reason else process.returncode}).",
            problem or f"Is there room in {scratch.parent}? No database was changed.",
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _said(scratch: Path) -> str:
    return (scratch / "log" / "said").read_text(encoding="utf-8", errors="replace")


def _started(programs: Path, scratch: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts it, and waits until it takes writes or has ended."""
    command = [str(programs / "postgres"), "-D", str(scratch / "data"), "-c", "timezone=UTC", "-c", "log_timezone=UTC"]
    with (scratch / "log" / "said").open("wb") as said:
        process = _as_postgres([*command, *options], out=said)
    there = Administration(socket=scratch / "run")
    try:
        # However long its log takes.
        while process.poll() is None and not _ANSWERS.search(_said(scratch)):
            time.sleep(0.2)
        if process.poll() is None:
            postgresql.connect(there).close()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def _as_postgres(
    command: Sequence[str], stdin: int = subprocess.DEVNULL, out: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    who = postgresql.account("postgres")
    become: dict[str, Any] = {} if who is None else {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": ()}
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PGPORT")}
    return subprocess.Popen(  # noqa: S603  the commands stand above
        command,
        cwd="/",
        env=kept | {"LC_ALL": "C.UTF-8"},
        stdin=stdin,
        stdout=out,
        stderr=out,
        preexec_fn=end_with_us,  # after this has become the account, which would undo it
        **become,
    )
