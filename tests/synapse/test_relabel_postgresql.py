"""The ledger on PostgreSQL: an act, a raising edit, a redaction, acts at the same moment, a restart, a rebuild."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.community import FAST, label_of, settle
from tests.support.databases import postgresql
from tests.support.ledger import relabel, related
from tests.support.patience import until
from tests.support.server import Server, ended
from tests.synapse.samples import edit, reply, text

ACT = "org.belisha.relabel"


@pytest.mark.full
@pytest.mark.nightly  # `make test-full` has relabels on workers, which stand on PostgreSQL
async def test_labels_over_an_items_life_on_postgresql(tmp_path: Path) -> None:
    with postgresql() as address:
        at = urlsplit(address)
        arguments = f"{{user: {at.username}, host: {at.hostname}, port: {at.port}, dbname: postgres}}"
        database = f"database: {{name: psycopg2, args: {arguments}}}\n"
        server = Server(tmp_path / "data", overrides=FAST + database)
        with ended(server):
            await server.start()
            community = await settle(server, samples=False)

            async def is_shown(item: str, label: str) -> bool:
                edits = await related(community, item, "strict", "m.replace")
                return bool(edits) and label_of(edits[-1]["content"]) == label

            async def answer(item: str) -> str:
                return label_of(await community.told(text("And?", **reply(item)), "strict"))

            raised = await community.sent(text("TLP:GREEN Tide"), "strict")
            await community.sent(edit(raised, text("TLP:AMBER Tide")), "strict")
            gone = await community.sent(text("TLP:AMBER+STRICT gone"), "strict")
            await community["ana"].room_redact(community.rooms["strict"], gone)
            item = await community.sent(text("TLP:AMBER Pump"), "strict")
            both = await asyncio.gather(
                community.put("ana", "strict", relabel(item, "TLP:GREEN"), event_type=ACT),
                community.put("cora", "strict", relabel(item, "TLP:AMBER+STRICT"), event_type=ACT),
            )
            assert 200 in [status for status, _ in both]
            label = "TLP:AMBER+STRICT" if both[1][0] == 200 else "TLP:GREEN"
            await until(lambda: is_shown(item, label))
            server.kill()
            await server.start()
            assert [await answer(each) for each in (item, raised, gone)] == [label, "TLP:AMBER", "TLP:AMBER+STRICT"]
            status, counts = await server.local("POST", "ledger/rebuild")
            assert status == 200 and counts["items"] >= 3
            assert (counts["corrected"], counts["without_events"]) == (0, 0)
            await community.close()
