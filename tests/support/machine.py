"""A server's folders within this machine: /etc, /var/lib, /var/log and /run of its own, seen only by what runs in it.

What systemd does on a server, tests do: they start Synapse and the bots, from what `belisha render --host` writes.
Root alone can have one. The services' accounts are root's under other names, since this Python may be in root's home;
`tests/deploy/test_container.py` has real ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from tests.support import processes
from tests.support.databases import postgresql
from tests.support.patience import wait_until

PATIENCE_S = 600.0
_STATUS = "/_synapse/org.belisha/local/v1/status"
_OWN = ("etc", "var/lib", "var/log", "run")


class Machine:
    """A machine; `folder` has its folders, as seen from outside."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self._address = folder, address
        self._running: dict[str, processes.Process] = {}
        for one in _OWN[1:]:
            (folder / one).mkdir(parents=True)
        for one in (folder, *(folder / one for one in ("var", *_OWN[1:]))):
            one.chmod(0o755)  # as on every server, whatever the umask is
        shutil.copytree("/etc", folder / "etc", symlinks=True)
        for name in ("synapse", "bots", "element"):
            for file, line in (
                ("passwd", f"belisha-{name}:x:0:0::/:/bin/false\n"),
                ("group", f"belisha-{name}:x:0:\n"),
            ):
                with (folder / "etc" / file).open("a") as accounts:
                    accounts.write(line)
        (socket,) = self._one("SHOW unix_socket_directories")
        (folder / "run" / "postgresql").symlink_to(socket)
        for name in ("synapse", "bots"):
            self.make_database(name)
        mounts = " && ".join(f"mount --bind {folder / one} /{one}" for one in _OWN)
        command = ["unshare", "--mount", "sh", "-ec", f"{mounts} && exec sleep infinity"]
        self._run("machine", command, folder)
        self._enter = ["nsenter", f"--mount=/proc/{self._running['machine'].pid}/ns/mnt", "--"]
        deadline = time.monotonic() + PATIENCE_S
        while subprocess.run([*self._enter, "grep", "-q", "belisha-bots", "/etc/passwd"], check=False).returncode:
            assert time.monotonic() < deadline and self._running["machine"].poll() is None
            time.sleep(0.02)

    # --- What runs in it ---------------------------------------------------------------------------------------

    def belisha(self, *arguments: object, code: int = 0) -> str:
        """Runs a command there to its end."""
        done = subprocess.run(
            self._belisha(arguments), env=self._environment, capture_output=True, text=True, timeout=PATIENCE_S
        )
        assert done.returncode == code and "Traceback" not in done.stderr, done.stdout + done.stderr
        return done.stdout + done.stderr

    def killed(self, reached: Callable[[], bool], *arguments: object) -> None:
        """Runs a command there, and kills it and its children with SIGKILL once something is `reached`."""
        log = self.folder / "killed.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self._belisha(arguments), env=self._environment, start_new_session=True, stdout=out, stderr=out
            )
        end = time.monotonic() + PATIENCE_S
        while not reached():
            assert process.poll() is None and time.monotonic() < end, f"it ended before: {log.read_text()[-2000:]}"
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def start(self) -> None:
        """Starts Synapse and the bots as their units do, and waits until both are ready."""
        for part in ("synapse", "bots"):
            for kind in ("lib", "log"):
                (self.folder / "var" / kind / "belisha" / part).mkdir(mode=0o700, parents=True, exist_ok=True)
            module = "synapse.app.homeserver" if part == "synapse" else "bots"
            config = "homeserver" if part == "synapse" else "bots"
            program = [sys.executable, "-m", module, "--config", f"/etc/belisha/{part}/{config}.yaml"]
            if part == "synapse":
                program[3] = "--config-path"
            self._run(part, [*self._enter, *program], self.folder)
        wait_until(
            lambda: self._asked("bots", "/readyz") and self._asked("homeserver", _STATUS).get("ready"),
            why=lambda: (self.folder / "console.log").read_text()[-3000:],
        )

    def _asked(self, port: str, path: str) -> Any:
        secret = (self.folder / "etc" / "belisha" / "secrets" / "module_api").read_text().strip()
        address = f"http://127.0.0.1:{self.run['ports'][port]}{path}"
        asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {secret}"})
        with contextlib.suppress(OSError), urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
            return json.loads(answer.read() or b"{}") if path == _STATUS else {"ready": answer.status == 200}
        return {}

    def kill(self, part: str) -> None:
        """kill -9."""
        processes.end(self._running.pop(part), signal.SIGKILL)

    def destroy(self) -> None:
        """kill -9 of everything, and its folders are gone."""
        for part in list(self._running):
            self.kill(part)
        shutil.rmtree(self.folder)

    @property
    def run(self) -> dict[str, Any]:
        """The file run.json of the configuration."""
        found = json.loads((self.folder / "etc" / "belisha" / "run.json").read_text())
        assert isinstance(found, dict)
        return found

    def _belisha(self, arguments: tuple[object, ...]) -> list[str]:
        return [*self._enter, sys.executable, "-m", "belisha", *map(str, arguments)]

    @property
    def _environment(self) -> dict[str, str]:
        # Debian's PostgreSQL listens on the usual port, which therefore stands nowhere.
        return os.environ | {"PGPORT": str(urlsplit(self._address).port)}

    def _run(self, name: str, command: list[str], cwd: Path) -> None:
        self._running[name] = processes.start(command, self.folder / "console.log", cwd=cwd, env=self._environment)

    # --- Its databases -----------------------------------------------------------------------------------------

    def make_database(self, part: str) -> None:
        """Makes a database and the role that owns it as the playbook does."""
        with contextlib.closing(psycopg2.connect(self._address)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE ROLE "belisha-{part}" LOGIN')
                cursor.execute(f'CREATE DATABASE belisha_{part} OWNER "belisha-{part}" LOCALE "C" TEMPLATE template0')

    def rows(self, part: str, statement: str) -> list[tuple[Any, ...]]:
        """Reads one of its databases."""
        address = f"{self._address.rpartition('/')[0]}/belisha_{part}"
        with contextlib.closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def change(self, part: str, statement: str) -> None:
        """Changes one of its databases."""
        address = f"{self._address.rpartition('/')[0]}/belisha_{part}"
        with contextlib.closing(psycopg2.connect(address)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def _one(self, statement: str) -> tuple[Any, ...]:
        with contextlib.closing(psycopg2.connect(self._address)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            found: tuple[Any, ...] = cursor.fetchone()
            return found


@contextlib.contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A machine with PostgreSQL; nothing of it runs afterwards."""
    with postgresql() as address:
        found = Machine(folder, address)
        try:
            yield found
        finally:
            with contextlib.suppress(FileNotFoundError):
                found.destroy()
