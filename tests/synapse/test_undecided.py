"""What cannot be decided is refused with a reason (X1); a plan for one room is no policy for another (R1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from synapse_modules.registry import REVISION_AGE
from tests.support.community import Community, assert_refused, wish
from tests.support.server import request
from tests.synapse.samples import text
from tests.synapse.test_metrics import grown, numbers


@contextmanager
def _without_a_registry(community: Community) -> Iterator[None]:
    """The revision number cannot be read, as when the database fails."""

    def rename(old: str, new: str) -> None:
        community.server.change(f"ALTER TABLE {old} RENAME TO {new}")

    rename("belisha_revision", "belisha_revision_away")
    try:
        yield
    finally:
        rename("belisha_revision_away", "belisha_revision")


async def test_without_the_registry_nothing_is_accepted_and_nothing_is_lost(community: Community) -> None:
    """Each refusal is counted, whether or not it came as far as an event: an alert looks at that."""
    before = await community.sent(text("before"))
    counted = await numbers(community)
    with _without_a_registry(community):
        await asyncio.sleep(2 * REVISION_AGE)
        status, body = await community.put("ana", "open", text("The word that no log may hold: xyzzy"))
        assert_refused(status, body, "CANNOT_DECIDE", rule="X1")
        status, body = await community.create("ana", {"preset": "private_chat"})
        assert_refused(status, body, "CANNOT_DECIDE", rule="X1")
        path = f"/_synapse/client/org.belisha/v1/audience?room_id={quote(community.rooms['open'])}"
        status, body = await request(community["ana"], "GET", path)
        assert_refused(status, body, "CANNOT_DECIDE", rule="X1")
    await asyncio.sleep(2 * REVISION_AGE)
    assert (await community.put("ana", "open", text("after")))[0] == 200
    assert grown(counted, await numbers(community), "belisha_decisions_total", rule="X1", verdict="refuse") >= 3
    assert (await community.read(before))["body"].endswith("before")
    logs = "".join(file.read_text() for file in (community.server.data / "logs").glob("*.log*"))
    assert "Could not decide" in logs
    assert "xyzzy" not in logs


async def test_a_plan_that_was_not_carried_out_is_no_policy_for_another_room(community: Community) -> None:
    alias = {"room_alias_name": "community"}
    status, body = await community.create("cora", {"initial_state": [wish("open")], **alias})
    assert (status, body["errcode"]) == (400, "M_ROOM_IN_USE"), "the plan is made, the room is not"
    policy = {"kind": "open", "default": "TLP:GREEN", "ceiling": "TLP:GREEN", "organisations": []}
    status, body = await community.state("cora", "strict", "org.belisha.room", policy | {"purpose": "discussion"})
    assert_refused(status, body, "POLICY_STATE", rule="R1")
    # The same request without the taken alias is carried out: the plan itself was good.
    assert (await community.create("cora", {"initial_state": [wish("open")]}))[0] == 200
