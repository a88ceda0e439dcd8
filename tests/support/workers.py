"""The same community on several processes: main, client worker, event persister, media worker, as in production.

PostgreSQL, Redis and the router in front (nginx) are real ones of Debian, on loopback. What goes to which process is
what a server's nginx does (`belisha.workers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import psycopg2
import psycopg2.extras

from belisha.settings import Settings
from belisha.workers import CLIENT, MEDIA, STREAMS, SYNC, WRITING
from synapse_modules.registry import REVISION_AGE
from tests.support.databases import postgresql
from tests.support.server import Server, free_ports

#: The processes of Synapse besides the main one.
WORKERS: Final = ("client", "persister", "media")
PROCESSES: Final = ("main", *WORKERS)

#: What of the local API changes the registry, which each process reads anew after half a second.
_OF_THE_REGISTRY: Final = ("organisations/", "members/", "standing/")

_ROUTER: Final = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user {user};
events {{ worker_connections 4096; }}
http {{
  access_log off; client_max_body_size 0; proxy_read_timeout 300s; proxy_buffering off; proxy_http_version 1.1;
  proxy_request_buffering off; proxy_set_header Host $http_host; merge_slashes off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
{locations}
    location / {{ proxy_pass http://127.0.0.1:{main}; }}
  }}
}}
"""


class Workers(Server):
    """A community on several processes, with the interface of `Server`; `url` is the router's."""

    def __init__(
        self, data: Path, settings: Settings | None = None, overrides: str = "", module: str | None = None
    ) -> None:
        super().__init__(data, settings, overrides, module)
        self._stack = contextlib.ExitStack()
        self._database: str | None = None
        #: Where the files of PostgreSQL are copied from, and where they are left at the end; see `postgresql`.
        self.database_of: Path | None = None
        self.database_kept: Path | None = None
        ports = iter(free_ports(2 + 3 * len(PROCESSES)))
        self._redis_port = next(ports)
        self._ports = {name: next(ports) for name in PROCESSES}
        self._replication = {name: next(ports) for name in PROCESSES}
        metrics = {name: next(ports) for name in WORKERS} | {"main": self.place.metrics_port}
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}
        self.metrics_urls = {name: f"http://127.0.0.1:{port}/metrics" for name, port in metrics.items()}
        self._folder = data / "workers"
        self._folder.mkdir(exist_ok=True)
        for name in WORKERS:
            self._write(name, self._worker(name, metrics[name]))
        locations = "".join(
            f'    location ~ "{pattern}" {{ proxy_pass {self.urls[name]}; }}\n'
            for name, patterns in (("media", MEDIA), ("client", (*SYNC, *WRITING, *CLIENT)))
            for pattern in patterns
        )
        (self._folder / "nginx.conf").write_text(
            _ROUTER.format(
                folder=self._folder,
                user="root" if os.geteuid() == 0 else "nobody",
                port=self.place.homeserver_port,
                main=self._ports["main"],
                locations=locations,
            )
        )

    # --- Configuration -----------------------------------------------------------------------------------------

    def _write(self, name: str, content: dict[str, Any]) -> None:
        # JSON is YAML too.
        (self._folder / f"{name}.yaml").write_text(json.dumps(content))

    def _listeners(self, name: str, metrics: int) -> list[dict[str, Any]]:
        resource = "media" if name == "media" else "client"
        http = {"type": "http", "bind_addresses": ["127.0.0.1"], "tls": False, "x_forwarded": False}
        return [
            http | {"port": self._ports[name], "resources": [{"names": [resource], "compress": False}]},
            http | {"port": self._replication[name], "resources": [{"names": ["replication"]}]},
            {"type": "metrics", "bind_addresses": ["127.0.0.1"], "port": metrics},
        ]

    def _worker(self, name: str, metrics: int) -> dict[str, Any]:
        """What one worker has besides the shared homeserver.yaml: the same module, its own name, listeners and log."""
        log = self._folder / f"{name}.log.yaml"
        shared = (self.place.rendered / "log.yaml").read_text()
        log.write_text(shared.replace("/synapse.log", f"/synapse-{name}.log"))
        return {
            "worker_app": "synapse.app.generic_worker",
            "worker_name": name,
            "worker_listeners": self._listeners(name, metrics),
            "worker_log_config": str(log),
            "enable_media_repo": name == "media",
        }

    def _shared(self, address: str) -> dict[str, Any]:
        """What all processes share besides the rendered homeserver.yaml."""
        at = urlsplit(address)
        database = {"user": at.username, "host": at.hostname, "port": at.port, "dbname": at.path[1:], "cp_max": 10}
        return {
            "database": {"name": "psycopg2", "args": database},
            "redis": {"enabled": True, "host": "127.0.0.1", "port": self._redis_port},
            "listeners": self._listeners("main", self.place.metrics_port),
            "instance_map": {name: {"host": "127.0.0.1", "port": port} for name, port in self._replication.items()},
            "worker_replication_secret": "a-sample-replication-secret",
            "stream_writers": {"events": ["persister"]} | {stream: ["client"] for stream in STREAMS},
            "enable_media_repo": False,
            "media_instance_running_background_jobs": "media",
        }

    # --- Processes ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts everything and waits until every process answers and the module has made the rooms of the start."""
        is_new = self._database is None
        if self._database is None:
            self._database = self._stack.enter_context(postgresql(of=self.database_of, keep=self.database_kept))
            self._write("shared", self._shared(self._database))
        self.start_redis()
        self.start_process("router")
        self.start_process("main")
        if is_new:  # the main process makes the tables, and a worker does not start without them
            await self._wait_for(lambda: self._answers("main"), "the main process")
        for name in WORKERS:
            self.start_process(name)
        await self.ready()

    def start_process(self, name: str) -> None:
        """Starts one process: of `PROCESSES`, or the router."""
        if name == "router":
            self._run(name, ["/usr/sbin/nginx", "-c", str(self._folder / "nginx.conf"), "-p", str(self._folder)])
        elif name == "main":
            self.start_synapse(name, "synapse.app.homeserver", self._folder / "shared.yaml")
        else:
            own = self._folder / f"{name}.yaml"
            self.start_synapse(name, "synapse.app.generic_worker", self._folder / "shared.yaml", own)

    async def ready(self) -> None:
        """Waits until every process answers and the module has made the rooms of the start."""
        for name in PROCESSES:
            await self.answers(name)
        await super().ready()

    async def answers(self, name: str) -> None:
        """Waits until a process answers."""
        await self._wait_for(lambda: self._answers(name), name)

    async def _answers(self, name: str) -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{self.urls[name]}/health") as answer:
            return answer.status == 200

    def end_process(self, name: str, number: int = signal.SIGKILL) -> None:
        """Ends one process, by kill -9 unless another signal is given."""
        self._end(name, number)

    async def local(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """As with one process; a change of the registry is in force in each of them once this returns."""
        answer = await super().local(method, path, body)
        if method == "PUT" and path.startswith(_OF_THE_REGISTRY):
            await asyncio.sleep(REVISION_AGE)
        return answer

    # --- Redis -------------------------------------------------------------------------------------------------

    def start_redis(self) -> None:
        """Starts Redis, which keeps nothing on the disk."""
        options = f"--bind 127.0.0.1 --port {self._redis_port} --save  --appendonly no --daemonize no"
        self._run("redis", ["redis-server", *options.split(" "), "--dir", str(self._folder)])
        deadline = time.monotonic() + 120
        while not self._redis_listens():
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.02)

    def kill_redis(self) -> None:
        """kill -9 of Redis: every connection breaks."""
        self._end("redis", signal.SIGKILL)

    def freeze_redis(self) -> None:
        """Stops Redis without breaking a connection, as a network that swallows everything."""
        self._running["redis"].send_signal(signal.SIGSTOP)

    def thaw_redis(self) -> None:
        """Lets it go on."""
        self._running["redis"].send_signal(signal.SIGCONT)

    def _redis_listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._redis_port), 1):
            return True
        return False

    def close(self) -> None:
        """Ends everything for good, the database too."""
        super().close()
        self._stack.close()

    # --- The database ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        assert self._database is not None
        connection = psycopg2.connect(self._database, cursor_factory=psycopg2.extras.RealDictCursor)
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def query(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Reads Synapse's database; question marks stand for the values, as in SQLite."""
        with self._connected() as cursor:
            cursor.execute(_for_postgresql(statement), values)
            return [dict(row) for row in cursor.fetchall()]

    @property
    def database(self) -> str:
        """The address of Synapse's database, while it runs."""
        assert self._database is not None
        return self._database

    def tables(self) -> list[str]:
        """The names of all tables of Synapse's database."""
        return [
            row["name"] for row in self.query("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
        ]

    def change(self, statement: str, *values: object) -> None:
        """Changes Synapse's database behind its back."""
        with self._connected() as cursor:
            cursor.execute(_for_postgresql(statement), values)


def _for_postgresql(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")
