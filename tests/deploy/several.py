"""A server's Synapse on several processes, from what `belisha render --host` writes, behind the nginx that it writes.

PostgreSQL, Redis and nginx are Debian's; what systemd does, the tests do: they start each process, in the same order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psycopg2
import pyotp
from aiohttp.abc import AbstractResolver, ResolveResult

from belisha import secrets
from belisha.host import FILES, FURTHER, SECRETS, Folders, Web
from belisha.settings import Settings
from belisha.workers import workers
from tests.deploy import hosted
from tests.deploy.proxied import NAMES, OUTER, certificate, trusting
from tests.support import processes
from tests.support.community import FAST
from tests.support.databases import postgresql
from tests.support.server import PASSWORD, Server, free_ports


class Several(Server):
    """The processes of one server; `url` is the main process's own, clients go through nginx by `client_of`."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        folders = Folders(
            configuration=folder,
            state=folder / "state",
            logs=folder / "logs",
            postgresql=folder / "postgresql",
            redis=folder / "redis.sock",
            nginx_logs=folder / "logs",
        )
        there = workers(settings.workers, FURTHER)
        first, *_ = free_ports(1 + max([there.replication, *(worker.metrics for worker in there.all)]))
        http, https = free_ports(2)
        self.data = folder
        self.settings = settings
        self.name = settings.server_name
        self.url = f"http://127.0.0.1:{first}"
        self.https = https
        for part in FILES:
            (folders.state / part).mkdir(parents=True)
            (folders.logs / part).mkdir(parents=True)
        certificate(folder / "tls")
        hosted.written(folder, of=settings, port=first, folders=folders, web=Web("127.0.0.1", http, https))
        #: As the unit of each process is named, in the order in which the playbook starts them anew.
        self.units = (folder / "host" / "processes").read_text().split()
        secrets.ensure(folder)
        for name in SECRETS["synapse"]:
            (folder / "synapse" / "secrets" / name).write_text(secrets.read(folder, name))
        for config in (folder / "synapse").glob("**/*.yaml"):
            config.chmod(0o600)
        with (folder / "synapse" / "homeserver.yaml").open("a") as config:
            config.write(f"\n{FAST}")
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(OUTER.format(folder=folder, user=user))
        self._running: dict[str, processes.Process] = {}
        self._stack = contextlib.ExitStack()

    @property
    def _log(self) -> Path:
        return self.data / "logs" / "console.log"

    async def start(self) -> None:
        """Starts everything, and waits until the module has made the rooms of the start."""
        self._address = self._stack.enter_context(_databases(self.data / "postgresql"))
        if len(self.units) > 1:
            self.start_redis()
        self.start_nginx()
        self.start_unit(self.units[0])
        await self.answers(self.units[0])  # it has made the tables, and waits for who writes events
        for unit in self.units[1:]:
            self.start_unit(unit)
        for unit in self.units[1:]:
            await self.answers(unit)
        await self.ready()

    def start_redis(self) -> None:
        """Starts Redis."""
        self._run("redis", ["/usr/bin/redis-server", str(self.data / "host" / "redis.conf"), "--supervised", "no"])

    def start_nginx(self) -> None:
        """Starts the web server."""
        self._run("nginx", ["/usr/sbin/nginx", "-c", str(self.data / "nginx.conf"), "-p", str(self.data)])

    def kill_part(self, name: str) -> None:
        """kill -9 of a unit, `redis` or `nginx` with all its children, as systemd ends what a unit leaves behind."""
        pid = self._running[name].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._end(name, signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def signal(self, name: str, number: int) -> None:
        """Sends a signal to what a unit runs."""
        self._running[name].send_signal(number)

    async def restart_postgresql(self) -> None:
        """Has PostgreSQL end every connection and start anew, as after a crash of one of its processes."""
        with contextlib.closing(psycopg2.connect(self._address)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'")
            (pid,) = cursor.fetchone()
        os.kill(pid, signal.SIGKILL)

    def start_unit(self, unit: str) -> None:
        """Starts what a unit runs."""
        worker = _worker(unit)
        app = "synapse.app.generic_worker" if worker else "synapse.app.homeserver"
        configs = [self.data / "synapse" / "homeserver.yaml"]
        configs += [self.data / "synapse" / "workers" / f"{worker}.yaml"] if worker else []
        self.start_configured(unit, app, configs)

    def stop_unit(self, unit: str) -> None:
        """Ends it as systemd does, and waits for its end."""
        self._end(unit, signal.SIGTERM)

    async def answers(self, unit: str) -> None:
        """Waits until it answers, as its unit does before it counts as started."""
        port = self._port(unit)

        async def listens() -> bool:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return True
            return False

        await self._wait_for(listens, unit)

    def _port(self, unit: str) -> int:
        worker = _worker(unit)
        if worker is None:
            return urlsplit(self.url).port or 0
        own = hosted.yaml_of(self.data / "synapse" / "workers" / f"{worker}.yaml")
        return int(own["worker_listeners"][0]["port"])

    def metrics_of(self, unit: str) -> str:
        """Where a further process tells what it has counted."""
        own = hosted.yaml_of(self.data / "synapse" / "workers" / f"{_worker(unit)}.yaml")
        return f"http://127.0.0.1:{own['worker_listeners'][2]['port']}/metrics"

    async def register(self, localpart: str, name: str, organisation: str) -> str:
        """Makes a member; the key of the second factor."""
        key = pyotp.random_base32()
        body = {"name": name, "organisation": organisation, "roles": ["member"], "password": PASSWORD, "factor": key}
        status, answer = await self.local("PUT", f"members/{localpart}", body)
        assert status == 200, answer
        return key

    @contextlib.asynccontextmanager
    async def session(self, offices: int = 1) -> AsyncIterator[Outside]:
        """Requests by the names of the sites, over TLS, from so many addresses as from as many offices."""
        trusted = trusting(self.data / "tls" / "fullchain.pem")
        async with contextlib.AsyncExitStack() as stack:
            sessions = []
            for office in range(1, offices + 1):
                connector = aiohttp.TCPConnector(
                    resolver=_Here(), ssl=trusted, limit=0, force_close=False, local_addr=(f"127.0.0.{office}", 0)
                )
                sessions.append(await stack.enter_async_context(aiohttp.ClientSession(connector=connector)))
            yield Outside(sessions, f"https://{NAMES[0]}:{self.https}")

    def bodies(self, room: str) -> list[str]:
        """The texts of a room's messages as they stand in the database, each event's once."""
        with contextlib.closing(psycopg2.connect(self._address)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT json::json -> 'content' ->> 'body' FROM event_json JOIN events USING (event_id)"
                " WHERE events.room_id = %s AND type = 'm.room.message'",
                (room,),
            )
            return [body for (body,) in cursor.fetchall()]

    def close(self) -> None:
        """Ends everything, the database too."""
        super().close()
        self._stack.close()


class Outside:
    """A client that knows the homeserver by its public name."""

    def __init__(self, sessions: Sequence[aiohttp.ClientSession], url: str) -> None:
        self._sessions = sessions
        self._url = url

    async def ask(self, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request, of each member from one of the offices; bytes go as they are."""
        session = self._sessions[zlib.crc32(token.encode()) % len(self._sessions)]
        given = {"data": body} if isinstance(body, bytes) else {"json": body}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with session.request(method, self._url + path, headers=headers, **given) as answer:
            content = await answer.read()
            return answer.status, await answer.json() if answer.content_type == "application/json" else content

    async def sign_in(self, localpart: str, key: str) -> str:
        """The access token of a member, who types the code of an app behind the password."""
        who = {"type": "m.id.user", "user": localpart}
        login = {"type": "m.login.password", "identifier": who, "password": PASSWORD + pyotp.TOTP(key).now()}
        status, answer = await self.ask("", "POST", "/_matrix/client/v3/login", login)
        assert status == 200, answer
        return str(answer["access_token"])


class _Here(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        return [found]

    async def close(self) -> None:
        pass


def _worker(unit: str) -> str | None:
    return unit.partition("@")[2].removesuffix(".service") or None


@contextlib.contextmanager
def _databases(folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL with the role and the database that the playbook makes, its socket in `folder`."""
    with postgresql() as address:
        at = urlsplit(address)
        with contextlib.closing(psycopg2.connect(address)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute('CREATE ROLE "belisha-synapse" LOGIN')
                cursor.execute('CREATE DATABASE belisha_synapse OWNER "belisha-synapse" LOCALE "C" TEMPLATE template0')
                cursor.execute("SHOW unix_socket_directories")
                folder.symlink_to(cursor.fetchone()[0])
        # Debian's listens on the usual port, which the rendered file therefore does not name.
        before = os.environ.get("PGPORT")
        os.environ["PGPORT"] = str(at.port)
        try:
            yield address.rpartition("/")[0] + "/belisha_synapse"
        finally:
            os.environ.pop("PGPORT")
            if before is not None:
                os.environ["PGPORT"] = before
