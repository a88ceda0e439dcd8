"""A PostgreSQL server for tests, where Debian's is installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from tests.support import processes
from tests.support.server import free_ports


@contextmanager
def postgresql(*, fsync: bool = False, of: Path | None = None, keep: Path | None = None) -> Iterator[str]:
    """The address of a database, which is gone afterwards.

    Args:
        fsync: whether it waits for the disk.
        of: a copy of what `keep` left, instead of an empty database.
        keep: where its files are left at the end.
    """
    programs = _programs()
    # PostgreSQL refuses to run as root, and its files must be where its account may write.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory() as name:
        folder, (port,) = Path(name), free_ports(1)
        if user:
            shutil.chown(folder, user)
        log, data = folder / "log", folder / "data"
        if of is None:
            initdb = [programs / "initdb", "-D", data, "-U", "belisha"]
            options = "-A trust --locale=C -E UTF8 --no-sync".split()
            made = processes.start([*initdb, *options], folder / "initdb.log", cwd=folder, user=user)
            assert made.wait() == 0, (folder / "initdb.log").read_text()
        else:
            _copy(of, data)
        given = {"listen_addresses": "127.0.0.1", "unix_socket_directories": name, "fsync": "on" if fsync else "off"}
        settings = [part for key, value in given.items() for part in ("-c", f"{key}={value}")]
        server = processes.start(
            [programs / "postgres", "-D", data, "-p", str(port), *settings], log, cwd=folder, user=user
        )
        address = f"postgresql://belisha@127.0.0.1:{port}/postgres"
        try:
            _wait_for(address, server, log)
            yield address
        finally:
            # "Fast shutdown" leaves whole files, "immediate shutdown" is quicker.
            processes.end(server, signal.SIGQUIT if keep is None else signal.SIGINT)
        if keep is not None:
            _copy(data, keep)


def dump(address: str) -> bytes:
    """Everything in a database as text, as a backup has it."""
    return subprocess.run([_programs() / "pg_dump", address], check=True, capture_output=True).stdout


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert found, "PostgreSQL is not installed: run tests/install-system-packages"
    return found[-1]


def _copy(source: Path, target: Path) -> None:
    """Copies with owners, as PostgreSQL wants them."""
    subprocess.run(["cp", "--archive", source, target], check=True)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 240
    while True:
        try:
            psycopg2.connect(address).close()
        except psycopg2.OperationalError:
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
