"""Any moment of the last days: a real PostgreSQL hands over its log, is copied, and is brought to moments (E1).

PostgreSQL runs as the account that Debian gives it, so root alone can run this; `tests/deploy/test_container.py` has
the units and the whole restore.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pyrage
import pytest

from belisha.backup import segments
from belisha.backup.archive import BrokenArchive
from belisha.backup.layers import stream
from belisha.cli import progress as shown
from belisha.cli import restored
from belisha.cli.backup import postgresql
from belisha.cli.backup.postgresql import Database
from belisha.cli.errors import CommandError
from belisha.cli.restore import moment
from belisha.cli.restore import server as restore_server
from belisha.cli.restore.moment import Moment
from belisha.cli.restored import Closed
from belisha.cli.wal import base, copying, send, take, watch
from belisha.cli.wal.keeping import Administration, Keeping
from belisha.host import Folders
from tests.support.patience import wait_until

pytestmark = [
    pytest.mark.more,
    pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL's own account is become, which only root may"),
]
PATIENCE = 150.0
OURS, KEYS = (pyrage.x25519.Identity.generate() for _ in range(2))
LAYERS = ([OURS], [KEYS])


def _runs_for_postgres(python: str) -> bool:
    """Whether PostgreSQL's account may start that Python: root's own may lie where nobody else looks."""
    try:
        return subprocess.run([python, "-c", ""], user="postgres", cwd="/", check=False).returncode == 0
    except PermissionError:
        return False


class Server:
    """A PostgreSQL that hands over its log, and who takes it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run = folder, folder / "run"
        publics = (str(KEYS.to_public()), str(OURS.to_public()))
        self.kept = Keeping(folder / "backups" / "continuous", publics, 7, Administration(socket=self.run))
        for name in ("data", "run"):
            (folder / name).mkdir(mode=0o755)
            shutil.chown(folder / name, "postgres", "postgres")
        (folder / "backups").mkdir(mode=0o700)
        shutil.copyfile(send.__file__, folder / "send.py")
        (folder / "send.py").chmod(0o644)
        self.programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        initdb = [
            self.programs / "initdb",
            "-D",
            folder / "data",
            "-A",
            "trust",
            "--locale=C",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(initdb, user="postgres", cwd="/", check=True, capture_output=True)
        address = folder / "taken.sock"
        python = next(
            filter(_runs_for_postgres, (getattr(sys, "_base_executable", sys.executable), "/usr/bin/python3"))
        )
        (folder / "data" / "postgresql.conf").write_text(
            f"listen_addresses = ''\nunix_socket_directories = '{self.run}'\nfsync = off\narchive_mode = on\n"
            f'archive_command = \'{python} -I {folder / "send.py"} "%p" "%f" {address}\'\n'
        )
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        shutil.chown(address, "postgres")
        self._listener.listen()
        # A process of its own, as on a server: who asks PostgreSQL is its account for a moment, in all of its threads,
        # and what is kept is not for that one.
        self._taker = multiprocessing.get_context("fork").Process(target=self._serve, daemon=True)
        self._taker.start()
        self._process = subprocess.Popen(
            [self.programs / "postgres", "-D", folder / "data"],
            user="postgres",
            cwd="/",
            stderr=(folder / "log").open("wb"),
        )
        self.until(self._answers)

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with contextlib.suppress(OSError), connection, connection.makefile("rb") as source:
                try:
                    take.take(source, self.kept)
                    answer = "not now" if (self.folder / "refuses").exists() else take.KEPT
                except CommandError as error:
                    answer = str(error)
                connection.sendall(f"{answer}\n".encode())

    def _answers(self) -> bool:
        try:
            self.ask("postgres", "SELECT 1")
        except psycopg2.OperationalError:
            assert self._process.poll() is None, (self.folder / "log").read_text()
            return False
        return True

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._taker.kill()
        self._taker.join()
        self._listener.close()

    def until(self, reached: Callable[[], bool]) -> None:
        wait_until(reached, why=lambda: (self.folder / "log").read_text()[-2000:])

    def until_handed_over(self, reached: Callable[[], bool]) -> None:
        """As above; after three failures, PostgreSQL tries again after a minute, or when it reads its settings."""

        def tries_and_reached() -> bool:
            self.ask("postgres", "SELECT pg_reload_conf()")
            return reached()

        self.until(tries_and_reached)

    def ask(self, database: str, statement: str) -> Any:
        with contextlib.closing(psycopg2.connect(host=str(self.run), user="postgres", dbname=database)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else None

    def add(self, number: int) -> datetime:
        """Adds a row to both databases, has the log handed over, and gives a moment after it."""
        for name in ("belisha_bots", "belisha_synapse"):
            self.ask(name, f"INSERT INTO said VALUES ({number})")  # noqa: S608
        ((at,),) = self.ask("postgres", "SELECT clock_timestamp()")
        time.sleep(0.01)
        ((segment,),) = self.ask("postgres", "SELECT pg_walfile_name(pg_current_wal_lsn())")
        self.ask("postgres", "SELECT txid_current()")  # something that ends after that moment
        self.ask("postgres", "SELECT pg_switch_wal()")
        self.until_handed_over(lambda: bool(list(self.kept.folder.glob(f"*/{segment}.*.age"))))
        self.until(lambda: watch.look(self.kept).waiting == 0)  # it is kept before PostgreSQL has been told so
        assert isinstance(at, datetime)
        return at

    def at(self, moment_: datetime, *layers: list[pyrage.x25519.Identity]) -> set[int]:
        """What was said until then, in both databases, as they are dumped."""
        wanted = Moment(moment_, self.kept.folder, layers or LAYERS)
        with moment.recovered(wanted, self.folder / "scratch", shown.make()) as there:
            found = []
            for part in ("bots", "synapse"):
                with postgresql.copied(Database(part, there)) as then:
                    with then.opened() as dump:
                        text = subprocess.run(
                            [self.programs / "pg_restore", "--file=-"], stdin=dump, capture_output=True, check=True
                        ).stdout.decode()
                    assert "a-session" not in text, "rights come back by no restore"
                    rows = text.partition("COPY public.said (n) FROM stdin;\n")[2].partition("\n\\.")[0]
                    found.append({int(row) for row in rows.split()})
        assert found[0] == found[1] and not (self.folder / "scratch").exists()
        return found[0]


@pytest.fixture
def server() -> Iterator[Server]:
    # Where PostgreSQL's account may look into it; /tmp of pytest is root's alone.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        found = Server(Path(name))
        try:
            for part, secret in (("bots", "portal_session"), ("synapse", "access_tokens")):
                found.ask("postgres", f'CREATE ROLE "belisha-{part}" LOGIN')
                found.ask("postgres", f'CREATE DATABASE belisha_{part} OWNER "belisha-{part}"')
                for table, kind in (("said", "n integer"), (secret, "token text")):
                    found.ask(
                        f"belisha_{part}",
                        f'CREATE TABLE {table} ({kind}); ALTER TABLE {table} OWNER TO "belisha-{part}"',
                    )
                found.ask(f"belisha_{part}", f"INSERT INTO {secret} VALUES ('a-session')")  # noqa: S608
            yield found
        finally:
            found.end()


def refused(server: Server, at: datetime) -> str:
    with pytest.raises(CommandError) as error:
        server.at(at)
    return str(error.value)


def test_rows_are_there_up_to_a_moment_and_what_is_missing_or_broken_is_named(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = datetime.now(UTC)
    first = server.add(1)
    made = base.make(server.kept, shown.make(), PATIENCE)
    assert "No base copy is from before" in refused(server, started)
    time.sleep(1.1)  # a copy's name has whole seconds
    moments = [server.add(number) for number in (2, 3, 4, 5)]
    assert server.at(datetime.now(UTC)) == {1, 2, 3, 4, 5}, "nothing was written since"
    assert first < moments[0]

    # It takes both keys; and what lies there has nothing that could be read.
    for layers in ([[OURS]], [[KEYS]], [[OURS], [OURS]]):
        with pytest.raises((BrokenArchive, AssertionError)), stream(made.path, layers) as source:
            assert source.read(2) == b"\x1f\x8b"
    (folder,) = server.kept.folder.iterdir()
    assert all(segments.of_kept(one.name) or one == made.path for one in folder.iterdir())

    # The third row's piece is gone, then there but changed: what came before it can be restored, and it is named.
    pieces = segments.chain((one.name for one in folder.iterdir()), segments.bases([made.path.name])[0]).names
    third = folder / pieces[-3]
    whole = third.read_bytes()
    third.unlink()
    for said in ("is missing", "is broken"):
        assert moment.check(Moment(moments[2], server.kept.folder, LAYERS)) is not None
        told = refused(server, moments[2])
        assert third.name[:24] in told and said in told and "What can be restored ends at" in told, told
        third.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert server.at(moments[0]) == {1, 2}
    third.write_bytes(whole)
    assert moment.check(Moment(moments[2], server.kept.folder, LAYERS)) is None
    assert server.at(moments[2]) == {1, 2, 3, 4}

    # PostgreSQL takes a piece that it cannot read for the end of its log: that is no moment that anybody asked for.
    def short(*asked: Any) -> Any:
        found = whole_log(*asked)
        (server.folder / "scratch" / "log" / f"{found[0]}.gz").unlink()
        return found

    whole_log = moment._bring_log
    monkeypatch.setattr(moment, "_bring_log", short)
    assert "did not read its log up to the piece" in refused(server, datetime.now(UTC))


def test_a_base_copy_that_waits_for_its_log_ends_in_time_and_on_the_side_of_postgresql_too(server: Server) -> None:
    server.add(1)
    (server.folder / "refuses").touch()
    assert not watch.look(server.kept).failing, "it begins"
    began = time.monotonic()
    with pytest.raises(CommandError, match="does not hand over its log"):
        base.make(server.kept, shown.make(), patience=1)
    assert time.monotonic() - began < PATIENCE
    copying_ = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{copying.NAME}'"  # noqa: S608
    server.until(lambda: server.ask("postgres", copying_) == [(0,)])
    assert not list(server.kept.folder.glob("*/*base*"))
    server.until(lambda: watch.look(server.kept).failing)
    (server.folder / "refuses").unlink()  # that it failed before is no reason
    base.make(server.kept, shown.make(), PATIENCE)
    assert list(server.kept.folder.glob("*/base-*"))


def test_a_full_disk_of_backups_is_seen_and_what_waits_is_handed_over_afterwards(server: Server) -> None:
    backups = server.folder / "backups"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", backups], check=True)
    try:
        with contextlib.suppress(OSError), (backups / "full").open("wb") as full:
            full.write(b"\0" * 100_000)
        server.ask("belisha_bots", "INSERT INTO said SELECT generate_series(1, 5000)")
        server.ask("postgres", "SELECT pg_switch_wal()")
        server.until(lambda: watch.look(server.kept).failing)
        seen = watch.look(server.kept)
        assert seen.waiting >= 1 and seen.base == 0
        server.until(lambda: "No space left on device" in (server.folder / "log").read_text())
        server.ask("belisha_bots", "INSERT INTO said VALUES (1)")  # members can write meanwhile
        with pytest.raises(CommandError, match="Make room in"):
            base.make(server.kept, shown.make(), patience=1)
        assert not list(server.kept.folder.glob("*/.base*"))
        subprocess.run(["mount", "-o", "remount,size=200m", backups], check=True)
        server.ask("belisha_bots", "INSERT INTO said VALUES (2)")
        server.ask("postgres", "SELECT pg_switch_wal()")
        server.until_handed_over(lambda: not watch.look(server.kept).failing)
        base.make(server.kept, shown.make(), PATIENCE)
        seen = watch.look(server.kept)
        assert -1 <= seen.at - seen.base < PATIENCE and seen.handed_over > 0, "a name has whole seconds, rounded up"
        textfile = server.folder / "wal.prom"
        watch.write(textfile, seen)
        assert "belisha_wal_failing 0.0\n" in textfile.read_text()
    finally:
        server.end()
        subprocess.run(["umount", backups], check=True)


def test_a_kept_piece_is_not_replaced_and_what_is_no_piece_is_not_taken(server: Server, tmp_path: Path) -> None:
    server.add(1)
    (folder,) = server.kept.folder.iterdir()
    name = min(one.name for one in folder.iterdir())[:24]
    data = (server.folder / "data" / "pg_wal" / name).read_bytes()
    kept = {one.name: one.read_bytes() for one in folder.iterdir()}

    def said(name: str, system: str, data: bytes) -> str:
        ours, theirs = socket.socketpair()
        with ours, theirs, theirs.makefile("rb") as source:
            thread = threading.Thread(target=lambda: (ours.sendall(f"{name} {system}\n".encode() + data), ours.close()))
            thread.start()
            try:
                take.take(source, server.kept)
            except CommandError as error:
                return str(error)
            finally:
                source.read()
                thread.join()
        return take.KEPT

    system = folder.name
    assert said(name, system, data) == take.KEPT, "the same once more"
    assert "is kept already, with something else in it" in said(name, system, data[:-1] + b"x")
    assert "of another server" in said(name, "7", data)
    assert "instead of" in said(name, system, data[:-10])
    assert "is no piece" in said("passwd", system, data)
    assert "does not say what it is" in said("../passwd", system, data)
    assert "does not say what it is" in said(name, "../7", data)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == kept


def test_what_no_moment_of_the_last_days_needs_is_deleted() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    copies = [
        segments.base_name(now - timedelta(days=days), f"0000000100000000000000{20 - days:02X}")
        for days in (1, 6, 8, 9)
    ]
    names = [f"00000001000000000000{number:04X}" for number in (0, 1, 5, 6, 7, 8, 9, 255)]
    pieces = [segments.kept_as(name, "0" * 64) for name in (*names, f"{names[3]}.00000028.backup", "00000002.history")]
    gone = segments.to_delete([*copies, *pieces, "else"], now, 7)
    # The copies of the last week and the one before, which the days after it need.
    assert copies[3] in gone and not {*copies[:3]} & {*gone}
    assert segments.to_delete(pieces, now, 7) == [], "without a copy nobody knows what is needed"
    assert not {"else", pieces[-1]} & {*gone}
    oldest = min(one.start for one in segments.bases(copies[:3]))
    assert {one for one in gone if one in pieces} == {one for one in pieces[:-1] if one[:24] < oldest}


@pytest.mark.parametrize(("size", "last"), [(16 * 2**20, "000000FF"), (64 * 2**20, "0000003F")])
def test_the_piece_after_the_last_of_a_log_is_the_first_of_the_next(size: int, last: str) -> None:
    assert segments.after(f"0000000100000000{last}", size) == "000000010000000100000000"
    assert segments.after("000000010000000000000000", size) == "000000010000000000000001"


@pytest.mark.parametrize(
    ("text", "said"),
    [("yesterday", "is no moment"), ("2026-11-30T12:00:00", "in which zone"), ("2999-01-01T00:00:00Z", "not been yet")],
)
def test_a_moment_is_written_with_its_zone(text: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        moment.parse(text)
    assert moment.parse("2026-01-02T04:04:05+01:00") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_another_moment_can_be_named_while_the_databases_are_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, databases = Folders(configuration=tmp_path, state=tmp_path), [Database("bots", tmp_path)]
    closed = Closed("archive", 1, True, filled=False, at="2026-11-30T12:00:00+00:00")
    wanted = Moment(datetime(2026, 11, 30, 11, tzinfo=UTC), tmp_path, LAYERS)
    for empty, filled in ((False, False), (True, True)):
        monkeypatch.setattr(postgresql, "is_empty", lambda _, empty=empty: empty)
        with pytest.raises(CommandError, match="Add --at 2026-11-30T12"):
            restore_server._of_moment(replace(closed, filled=filled), folders, databases, wanted)
    other = restore_server._of_moment(closed, folders, databases, wanted)
    assert other.at == wanted.at.isoformat() and other.made == wanted.at.timestamp()
    assert restored.read(tmp_path) == other, "a run that is cut short goes on with this one"
    assert restore_server._of_moment(other, folders, databases, wanted) == other
