"""Redactions in a real Synapse: they take the edits along, and lower nothing (L4)."""

from __future__ import annotations

import nio

from tests.support.community import Community, assert_refused, label_of
from tests.support.ledger import relabel, related, rows, settled
from tests.support.patience import until
from tests.synapse.samples import edit, reply, text, thread


async def redact(community: Community, kind: str, event_id: str, by: str = "ana") -> str:
    answer = await community[by].room_redact(community.rooms[kind], event_id, reason="no longer needed")
    assert isinstance(answer, nio.RoomRedactResponse), answer
    return answer.event_id


async def gone(community: Community, kind: str, *event_ids: str) -> None:
    """Waits until every one of them has lost its text."""

    async def all_gone() -> bool:
        return all([not (await community.read(event_id, kind)).get("body") for event_id in event_ids])

    await until(all_gone)


async def test_a_redaction_lowers_nothing(community: Community) -> None:
    """What answers a redacted item is as strict as that was: not the ceiling, and not the default."""
    for label in ("TLP:CLEAR", "TLP:AMBER", "TLP:AMBER+STRICT"):
        item = await community.sent(text(f"{label} soon gone"), "strict")
        await redact(community, "strict", item)
        for relation in (reply(item), thread(item)):
            assert label_of(await community.told(text("Well?", **relation), "strict", by="dina")) == label
    item = await community.sent(text("TLP:GREEN soon gone"), "strict")
    status, body = await community.put("cora", "strict", relabel(item, "TLP:AMBER"), event_type="org.belisha.relabel")
    assert status == 200, body
    await redact(community, "strict", item)
    assert label_of(await community.told(text("Well?", **reply(item)), "strict")) == "TLP:AMBER"


async def test_the_edits_go_with_it(community: Community) -> None:
    item = await community.sent(text("First"), "closed")
    edits = [await community.sent(edit(item, text(f"Version {number}")), "closed") for number in range(3)]
    await redact(community, "closed", item)
    await gone(community, "closed", item, *edits)
    assert await related(community, item, "closed", "m.replace") == []


async def test_a_moderator_takes_the_edits_along_too(community: Community) -> None:
    item = await community.sent(text("First"), "closed", by="ben")
    edits = [await community.sent(edit(item, text("Second")), "closed", by="ben")]
    await redact(community, "closed", item, by="ana")  # its maker, with power 95
    await gone(community, "closed", item, *edits)
    assert rows(community)[item]["redacted"] == 1


async def test_who_may_not_redact_leaves_no_trace(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN First"), "closed")
    second = await community.sent(edit(item, text("Second")), "closed")
    refused = await community["ben"].room_redact(community.rooms["closed"], item)
    assert isinstance(refused, nio.RoomRedactError)
    assert item not in rows(community)
    assert (await community.read(second, "closed"))["body"]
    await redact(community, "closed", item)
    await gone(community, "closed", second)


async def test_a_redacted_item_cannot_be_edited(community: Community) -> None:
    item = await community.sent(text("First"), "closed")
    await redact(community, "closed", item)
    status, body = await community.put("ana", "closed", edit(item, text("Second")))
    assert_refused(status, body, "REDACTED", "L4")


async def test_acts_and_redactions_are_kept(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN First"), "closed")
    content = relabel(item, "TLP:AMBER")
    _, body = await community.put("ana", "closed", content, event_type="org.belisha.relabel")
    await settled(community, item)
    redaction = await redact(community, "closed", item)
    for kept in (body["event_id"], redaction):
        refused = await community["ana"].room_redact(community.rooms["closed"], kept)
        assert isinstance(refused, nio.RoomRedactError)
        assert refused.status_code == "ORG.BELISHA.KEPT"


async def test_what_a_client_says_of_the_first_label_is_not_read(community: Community) -> None:
    item = await community.sent(text("TLP:AMBER First"), "closed")
    forged = {"redacts": item, "org.belisha.given": "TLP:CLEAR"}
    status, body = await community.put("ana", "closed", forged, event_type="m.room.redaction")
    assert status == 200, body
    assert (await community.read(body["event_id"], "closed"))["org.belisha.given"] == "TLP:AMBER"
