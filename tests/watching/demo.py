"""A demo that runs with its own Prometheus and a hasty one beside it, and what tests do to it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.support.community import unique
from tests.support.patience import wait_until
from tests.watching.quick import Prometheus, belisha

#: What a busy machine may raise by itself.
OF_LOAD = {"BelishaDecisionsSlow", "BelishaBotsSlow"}
#: What is there for a while after its cause is gone.
OF_BEFORE = {"BelishaBudgetBurnsFast", "BelishaBudgetBurnsSlowly", "BelishaRestartsOften"}
MEDIA_BYTES = 32 << 20
_WAITS = "max(belisha_bots_inbox_pending) + max(belisha_bots_outbox_pending)"


@dataclass
class Demo:
    """A demo that runs with its own Prometheus, and a hasty one beside it."""

    data: Path
    quick: Prometheus
    has_own_disk: bool

    @property
    def run(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run.json").read_text()))

    @property
    def own(self) -> Prometheus:
        return Prometheus(self.run["prometheus"])

    def say(self, who: str, room: str, body: str) -> int:
        """Sends a message; the status of the answer."""
        return self.send(who, room, {"msgtype": "m.text", "body": body})[0]

    def send(self, who: str, room: str, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Sends what a message is made of; the status of the answer, and what it says."""
        told = json.loads((self.data / "demo.json").read_text())
        (token,) = (one["access_token"] for one in told["accounts"] if one["user_id"].startswith(f"@{who}:"))
        (room_id,) = (one["room_id"] for one in told["rooms"] if one["name"] == room)
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/send/m.room.message/{unique('m')}"
        return answer_of(told["homeserver"] + path, "PUT", token, content)

    def upload(self, who: str) -> int:
        """Uploads a small file; the status of the answer."""
        told = json.loads((self.data / "demo.json").read_text())
        (token,) = (one["access_token"] for one in told["accounts"] if one["user_id"].startswith(f"@{who}:"))
        return ask(f"{told['homeserver']}/_matrix/media/v3/upload?filename=a.txt", "POST", token, unique("text"))

    def deliver(self, event: dict[str, Any], token: str | None = None) -> int:
        """Hands an event to the bots as Synapse does; the status of the answer."""
        token = token or (self.data / "secrets" / "hs_token").read_text().strip()
        url = f"http://127.0.0.1:{self.run['ports']['bots']}/_matrix/app/v1/transactions/{unique('t')}"
        return ask(url, "PUT", token, {"events": [event]}, {"Org-Belisha-Instance": "a test"})

    @contextmanager
    def halted(self, name: str) -> Iterator[None]:
        """A process that lives and does nothing."""
        pid = self.run["pids"][name]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill(self, name: str) -> None:
        """Kills a process, and waits until Prometheus has seen the one that comes after it."""
        began = f'process_start_time_seconds{{job="{name}"}}'
        pid, (before,) = self.run["pids"][name], self.quick.query(began)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: before not in (self.quick.query(began) or [before]), why=lambda: (name, pid))

    @contextmanager
    def written_to(self, database: str) -> Iterator[None]:
        """Somebody writes in a database and does not come to an end, so that nobody else can."""
        with closing(sqlite3.connect(self.data / database, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")

    def change(self, database: str, statement: str, *values: object) -> None:
        """Changes a database by hand."""
        with closing(sqlite3.connect(self.data / database, timeout=30)) as connection, connection:
            connection.execute(statement, values)

    def raised(self, *alerts: str) -> None:
        """Waits until the alerts are there."""
        wait_until(lambda: set(alerts) <= self.quick.firing(), why=lambda: (alerts, self.quick.firing()))

    def over(self) -> None:
        """Waits until the bots have done everything, forgets what they have given up, and waits for no alert."""
        wait_until(lambda: self.quick.query(_WAITS) == [0.0], why=lambda: self.quick.query(_WAITS))
        belisha("bots", "dead-letters", "drop", "--all", "--data", str(self.data))
        wait_until(lambda: not self.quick.firing() - OF_LOAD - OF_BEFORE, why=lambda: self.quick.firing())


def ask(url: str, method: str, token: str, body: object, headers: dict[str, str] | None = None) -> int:
    """One request; the status of its answer."""
    return answer_of(url, method, token, body, headers)[0]


def answer_of(
    url: str, method: str, token: str, body: object, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """One request; the status of its answer, and what it says."""
    told = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})}
    try:
        with urlopen(Request(url, json.dumps(body).encode(), told, method=method), timeout=30) as answer:  # noqa: S310
            return int(answer.status), dict(json.load(answer))
    except HTTPError as error:
        return error.code, {}


def event(**more: Any) -> dict[str, Any]:
    """An event of a room that nobody knows."""
    about = {
        "event_id": f"${unique('e')}",
        "room_id": "!nowhere:belisha.localhost",
        "origin_server_ts": int(time.time() * 1000),
    }
    return {**about, "content": {"msgtype": "m.text", "body": "!help"}, **more}


@contextmanager
def disk_of_its_own(folder: Path) -> Iterator[bool]:
    """A small disk for the media store, where this account may mount one."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEDIA_BYTES}", "none", folder], check=False)
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=True)
