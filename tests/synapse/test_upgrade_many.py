"""Upgrades on PostgreSQL, and of a room with many members."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.support.community import FAST, assert_refused, settle, unique
from tests.support.databases import postgresql
from tests.support.patience import until
from tests.support.server import PASSWORD, Server, ended, request
from tests.support.settled import make_community
from tests.support.upgrade import done, joined, path_of, state_of, upgrade
from tests.synapse.samples import text

#: `make test-full` cuts upgrades short at every step, of a group with few members.
pytestmark = [pytest.mark.full, pytest.mark.nightly]

_MEMBERS = 60


async def test_an_upgrade_on_postgresql(tmp_path: Path) -> None:
    with postgresql() as address:
        at = urlsplit(address)
        arguments = f"{{user: {at.username}, host: {at.hostname}, port: {at.port}, dbname: postgres}}"
        server = Server(tmp_path / "data", overrides=f"{FAST}database: {{name: psycopg2, args: {arguments}}}\n")
        with ended(server):
            await server.start()
            here = await settle(server, samples=False)
            room = here.rooms["strict"]
            path = path_of(room, f"send/m.room.message/{unique('pg')}")
            assert (await request(here["ana"], "PUT", path, text("TLP:AMBER+STRICT x")))[0] == 200
            policy = (await state_of(here, room, "cora"))["org.belisha.room", ""]
            statuses = [
                status
                for status, _ in await asyncio.gather(
                    *(server.local("POST", f"rooms/{quote(room)}/upgrade") for _ in range(3)),
                    server.local("PUT", f"rooms/{quote(room)}/policy", {"purpose": "blog"}),
                )
            ]
            # One upgrade at most; the change came before it, or was refused.
            assert statuses[:3].count(200) <= 1 and 200 in statuses
            if statuses[3] == 200:
                policy["purpose"] = "blog"
            if 200 in statuses[:3]:
                await done(here, room)
            else:
                await upgrade(here, room)
            new = (await state_of(here, room, "cora"))["m.room.tombstone", ""]["replacement_room"]
            server.kill()
            await server.start()
            assert (await state_of(here, new, "cora"))["org.belisha.room", ""] == policy
            assert await joined(here, new, "cora") == {"cora", "ana", "dina", "belisha_steward"}
            path = path_of(room, f"send/m.room.message/{unique('pg')}")
            assert_refused(*await request(here["ana"], "PUT", path, text("x")), "REPLACED", "R1")
            status, body = await server.local("PUT", f"rooms/{quote(new)}/policy", {"organisations": ["coastguard"]})
            assert status == 200, body

            async def is_out() -> bool:
                return await joined(here, room, "cora") == {"cora", "dina", "belisha_steward"}

            await until(is_out)
            await here.close()


async def test_many_members_go_over(tmp_path: Path) -> None:
    here = await make_community(tmp_path / "data")
    server = here.server
    with ended(server):
        body = {"preset": "public_chat", "name": "Everybody"}
        room = str((await here.create("ana", body))[1]["room_id"])
        at_once = asyncio.Semaphore(8)

        async def come(name: str) -> None:
            about = {"name": name.title(), "organisation": "harbour", "roles": ["member"], "password": PASSWORD}
            async with at_once:
                assert (await server.local("PUT", f"members/{name}", about))[0] == 200
                client = await server.sign_in(name)
                assert (await request(client, "POST", f"/_matrix/client/v3/join/{quote(room)}", {}))[0] == 200
                await client.close()

        names = {f"member{number}" for number in range(_MEMBERS)}
        await asyncio.gather(*(come(name) for name in names))
        status, answer = await server.local("POST", f"rooms/{quote(room)}/upgrade")
        assert status == 200, answer

        async def is_done() -> bool:
            return bool((await server.local("GET", f"rooms/{quote(room)}/upgrade"))[1]["done"])

        await until(is_done, seconds=300)
        assert await joined(here, answer["new_room_id"], "ana") == names | {"ana", "belisha_steward"}
        await here.close()
