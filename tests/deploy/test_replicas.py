"""Several processes of the bots behind the nginx that `belisha render --host` writes: one can go at any moment.

Real are the bots, PostgreSQL and nginx; of the homeserver there is as much as bots need.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest
import yaml

from belisha.host import FURTHER_BOTS, Folders, Web
from belisha.secrets import MAKERS
from tests.bots.support import HS_TOKEN, SERVER, BotsProcess, Homeserver, message, push
from tests.deploy import hosted
from tests.deploy.proxied import NAMES, OUTER, certificate, trusting
from tests.support.databases import postgresql
from tests.support.patience import until
from tests.support.server import free_ports

pytestmark = pytest.mark.full

BATCHES, IN_A_BATCH = 24, 5


def _started(folder: Path, homeserver: Homeserver, database: str) -> tuple[Web, str, list[BotsProcess]]:
    """Writes what a server has; where nginx listens, where Synapse delivers, and the bots, not yet started."""
    first, *_ = free_ports(FURTHER_BOTS + 6)
    web = Web("127.0.0.1", *free_ports(2))
    folders = Folders(configuration=folder, state=folder / "state", logs=folder / "logs", nginx_logs=folder / "logs")
    (folder / "logs" / "bots").mkdir(parents=True)
    (folder / "state" / "bots").mkdir(parents=True)
    certificate(folder / "tls")
    hosted.written(
        folder, of=hosted.settings(("  replicas: 1\n", "  replicas: 2\n")), port=first, folders=folders, web=web
    )
    for name in MAKERS:
        secret = folder / "bots" / "secrets" / name
        if secret.exists():
            secret.write_text(HS_TOKEN if name == "hs_token" else f"the {name} of this test, which is long enough")
            secret.chmod(0o600)
    delivery = str(yaml.safe_load((folder / "synapse" / "registration.yaml").read_text())["url"])
    replicas = []
    for path in ("bots.yaml", "replicas/2.yaml"):
        config = folder / "bots" / path
        read = yaml.safe_load(config.read_text())
        # Whom they ask is the test's; where they listen, and what nginx asks, is as it was rendered.
        config.write_text(
            yaml.safe_dump(read | {"homeserver": homeserver.url, "server_name": SERVER, "database": database})
        )
        config.chmod(0o600)
        replicas.append(BotsProcess(config))
    (folder / "nginx.conf").write_text(OUTER.format(folder=folder, user="user root;" if os.geteuid() == 0 else ""))
    return web, delivery, replicas


async def test_what_synapse_delivers_is_answered_once_and_the_portal_stays_while_each_is_killed_and_started_anew() -> (
    None
):
    with TemporaryDirectory() as name, postgresql() as database:
        folder = Path(name)
        async with Homeserver() as homeserver:
            homeserver.instance = "first"
            web, delivery, replicas = _started(folder, homeserver, database)
            nginx = await asyncio.create_subprocess_exec(
                "/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)
            )
            try:
                for replica in replicas:
                    await replica.start()
                await until(lambda: _answers(f"{delivery}/readyz"))
                over, seen = asyncio.Event(), list[int]()
                visits = asyncio.create_task(_visit(folder, web, over, seen))
                for batch in range(BATCHES):
                    events = [message(f"${batch}.{n}", room=f"!{n}:x") for n in range(IN_A_BATCH)]
                    status, said = await push(delivery, str(batch), {"events": events}, instance="first")
                    assert status == 200, said
                    if batch % 8 == 3:  # the first, the second, and the first again
                        gone = replicas[(batch // 8) % 2]
                        gone.end(signal.SIGKILL if batch < 16 else signal.SIGTERM)
                        # One visit may have been under way; the second is asked for with one process less.
                        await until(partial(_longer, seen, len(seen) + 2))
                    if batch % 8 == 7:
                        await gone.start()
                over.set()
                await visits
                await homeserver.until_sent(BATCHES * IN_A_BATCH, 60)
                for path in ("/readyz", "/metrics", "/healthz", "/_matrix/app/../../metrics"):
                    assert await _status(delivery + path) == 404, "nginx brings deliveries there and nothing else"
                assert (await push(delivery, "x", {"events": []}, "another token", instance="first"))[0] == 403
            finally:
                nginx.terminate()
                await nginx.wait()
                for replica in replicas:
                    replica.end()
        replied = Counter(
            content["m.relates_to"]["m.in_reply_to"]["event_id"] for _, content in homeserver.sent.values()
        )
        assert len(replied) == BATCHES * IN_A_BATCH and set(replied.values()) == {1}
        assert set(seen) == {200}
        assert {path.name for path in (folder / "logs" / "bots").iterdir()} == {"bots.log", "bots-2.log"}


async def _answers(url: str) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        return await _status(url) > 0
    return False


async def _longer(seen: list[int], wanted: int) -> bool:
    return len(seen) >= wanted


async def _status(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def _visit(folder: Path, web: Web, over: asyncio.Event, seen: list[int]) -> None:
    """Asks for the portal's front page until it is over, as a browser asks nginx; `seen` takes the statuses."""
    context = trusting(folder / "tls" / "fullchain.pem")
    async with aiohttp.ClientSession() as session:
        while not over.is_set():
            async with session.get(
                f"https://127.0.0.1:{web.https_port}/",
                ssl=context,
                server_hostname=NAMES[1],
                headers={"Host": NAMES[1]},
            ) as answer:
                seen.append(answer.status)
            await asyncio.sleep(0.05)
