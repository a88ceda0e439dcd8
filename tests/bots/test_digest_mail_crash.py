"""Bots that are killed around a mail send it again at one moment alone, and then under the same Message-ID."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bots.digest.tables import digest_address, digest_member
from bots.kernel.store import Store
from bots.kernel.tables import outbox
from tests.bots.killed import LEFT, until_killed
from tests.bots.killed_mailing import MOMENTS
from tests.bots.support import SERVER, BotsProcess, Homeserver, write_config
from tests.bots.test_digest_crash import COUNT, _prepared
from tests.support.patience import until
from tests.support.server import free_ports
from tests.support.smtp import Mailserver, mailserver


@pytest.mark.full
@pytest.mark.nightly  # `make test-full` has kills amid all else in `test_crash_postgresql.py`
async def test_kill_9_around_a_mail_loses_none_and_doubles_it_where_smtp_cannot_tell(tmp_path: Path) -> None:
    done: dict[str, int] = {}
    with mailserver() as server:
        async with Homeserver() as homeserver:
            config = write_config(tmp_path, homeserver.url, free_ports(1)[0], mail=server.settings)
            process = BotsProcess(config, "tests.bots.killed_mailing")
            (tmp_path / LEFT).write_text("")
            await process.start()
            process.end()
            store = Store(f"sqlite:///{tmp_path}/bots.db")
            await store.open()
            await _prepared(store, homeserver)
            for facts in homeserver.digests.values():
                facts["domains"] = ["reef.test"]
            await _by_mail(store)
            (tmp_path / LEFT).write_text("\n".join(MOMENTS))
            try:
                for _ in MOMENTS:
                    await until_killed(config, "tests.bots.killed_mailing")
                    done |= {one: _copies(server, one) for one in await _committed(store)}
                await process.start()
                await until(lambda: _all_sent(store))
            finally:
                process.end()
            await store.close()
        assert {one["To"] for one in server.taken} == {f"m{n}@reef.test" for n in range(COUNT)}, "none is lost"
        assert len({one["Message-ID"] for one in server.taken}) == COUNT, (
            "each member's has one id, whatever its copies"
        )
        assert done and {one: _copies(server, one) for one in done} == done, "what was committed is never sent again"
        # Each kill can repeat what the server had taken and we had not committed: "behind the mail" does, by its name.
        assert len(server.taken) > COUNT and max(map(server.ids.count, server.ids)) <= len(MOMENTS) + 1


async def _by_mail(store: Store) -> None:
    async with store.writing() as connection:
        for number in range(COUNT):
            mine = {"user_id": f"@m{number}:{SERVER}", "address": f"m{number}@reef.test", "handle": f"h{number}"}
            values = {**mine, "state": "confirmed", "way": "mail", "asked_at": 1.0}
            await connection.execute(digest_address.insert().values(values))


async def _all_sent(store: Store) -> bool:
    letters = sa.select(sa.func.count()).where(outbox.c.kind == "letter", outbox.c.state == "sent")
    told = sa.select(sa.func.count()).where(digest_member.c.since > 1.0)
    return await store.read(lambda one: one.scalar(letters) == one.scalar(told) == COUNT)


async def _committed(store: Store) -> list[str]:
    query = sa.select(outbox.c.effect_id).where(outbox.c.kind == "letter", outbox.c.state == "sent")
    return await store.read(lambda one: [str(found) for found in one.scalars(query)])


def _copies(server: Mailserver, effect_id: str) -> int:
    return server.ids.count(f"<{effect_id}@{SERVER}>")
