"""A PostgreSQL server for one test, where Debian's is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.server import free_ports


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database; it is gone afterwards."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert programs, "PostgreSQL is not installed: run tests/install-system-packages"
    # PostgreSQL refuses to run as root, and its files must be where its account may write.
    as_nobody = ("runuser", "-u", "nobody", "--") if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory() as folder:
        if as_nobody:
            shutil.chown(folder, "nobody")
        data, (port,) = f"{folder}/data", free_ports(1)

        def run(program: str, *arguments: str) -> None:
            command = [*as_nobody, str(programs[-1] / program), *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

        run("initdb", "-D", data, "-U", "belisha", "-A", "trust", "--locale=C", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://belisha@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
