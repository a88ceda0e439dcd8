"""Relabel acts in a real Synapse: who may, how far, what is shown, what is kept (L2, L3, L4)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.community import (
    LABEL_KEY,
    Community,
    assert_badges,
    assert_refused,
    assert_sentence,
    label_of,
    origin_of,
)
from tests.support.ledger import change, query, relabel, related, rows, settled
from tests.support.patience import until
from tests.synapse.samples import MXC, edit, html, poll, reply, text

Json = dict[str, Any]
ACT = "org.belisha.relabel"


async def act(community: Community, kind: str, by: str, item: str, label: str, **more: Any) -> str:
    """A relabel act that must be accepted; its event id, when all that follows is done."""
    status, body = await community.put(by, kind, relabel(item, label, **more), event_type=ACT)
    assert status == 200, body
    assert (await settled(community, item))["label"] == label
    return str(body["event_id"])


async def refused(community: Community, kind: str, by: str, item: str, label: str, code: str, rule: str = "L4") -> str:
    """A relabel act that must be refused; the reason."""
    status, body = await community.put(by, kind, relabel(item, label), event_type=ACT)
    assert_refused(status, body, code, rule)
    return str(body["error"])


async def shown(community: Community, item: str, kind: str) -> Json:
    """What clients show of an item: the new content of its newest edit."""
    edits = await related(community, item, kind, "m.replace")
    content: Json = edits[-1]["content"]["m.new_content"]
    return content


async def answer_label(community: Community, item: str, kind: str, by: str = "ana") -> str:
    return label_of(await community.told(text("And?", **reply(item)), kind, by=by))


# --- Who may ----------------------------------------------------------------------------------------------------


async def test_the_source_raises_and_lowers(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "named")
    for label in ("TLP:RED", "TLP:AMBER", "TLP:CLEAR"):
        await act(community, "named", "ana", item, label)
        assert await answer_label(community, item, "named") == label
        content = await shown(community, item, "named")
        assert label_of(content) == label
        assert origin_of(content) == "relabel"
        assert content["body"].startswith(f"[{label}] TLP:GREEN The pump")
    assert "already" in await refused(community, "named", "ana", item, "TLP:CLEAR", "SAME_LABEL")


async def test_a_steward_raises_and_takes_it_back(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "strict")
    assert "source" in await refused(community, "strict", "cora", item, "TLP:CLEAR", "NOT_YOURS")
    await act(community, "strict", "cora", item, "TLP:AMBER+STRICT", reason="Names a person")
    assert "steward" in await refused(community, "strict", "ana", item, "TLP:GREEN", "RAISED_BY_STEWARD")
    await refused(community, "strict", "cora", item, "TLP:CLEAR", "NOT_YOURS")
    await act(community, "strict", "cora", item, "TLP:AMBER")
    await refused(community, "strict", "ana", item, "TLP:GREEN", "RAISED_BY_STEWARD")
    await act(community, "strict", "cora", item, "TLP:GREEN")
    await act(community, "strict", "ana", item, "TLP:CLEAR")
    assert label_of(await shown(community, item, "strict")) == "TLP:CLEAR"


async def test_nobody_else_may(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "closed")
    for by in ("ben", "dina"):
        for label in ("TLP:AMBER", "TLP:CLEAR"):
            await refused(community, "closed", by, item, label, "NOT_YOURS")
    status, body = await community.put("finn", "closed", relabel(item, "TLP:AMBER"), event_type=ACT)
    assert status == 403, body  # not in the room, nor is a steward who is not
    status, body = await community.put("cora", "closed", relabel(item, "TLP:AMBER"), event_type=ACT)
    assert status == 403, body
    assert item not in rows(community), "what was refused has left nothing behind"
    await act(community, "closed", "ana", item, "TLP:AMBER")


async def test_nothing_goes_above_the_ceiling(community: Community) -> None:
    for kind, by, label in (("open", "ana", "TLP:AMBER"), ("closed", "ana", "TLP:RED"), ("strict", "cora", "TLP:RED")):
        item = await community.sent(text("TLP:GREEN The pump"), kind)
        said = await refused(community, kind, by, item, label, "ABOVE_CEILING", "L3")
        assert "redact it here" in said and "direct chat" in said
    await act(community, "strict", "cora", item, "TLP:AMBER+STRICT")


# --- What it names ----------------------------------------------------------------------------------------------


async def test_what_is_no_item_here_is_refused(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "closed")
    edited = await community.sent(edit(item, text("The pump 2")), "closed")
    elsewhere = await community.sent(text("Elsewhere"), "open")
    gone = await community.sent(text("TLP:GREEN soon gone"), "closed")
    await community["ana"].room_redact(community.rooms["closed"], gone)
    thumb = {"m.relates_to": {"rel_type": "m.annotation", "event_id": item, "key": "👍"}}
    reaction = await community.sent(thumb, "closed", event_type="m.reaction")
    said = {
        await refused(community, "closed", "ana", target, "TLP:AMBER", "NO_ITEM")
        for target in ("$unknown", elsewhere, gone, reaction)
    }
    assert len(said) == 1, "an item of another room is as one that is not"
    assert "edit" in await refused(community, "closed", "ana", edited, "TLP:AMBER", "NO_ITEM")


async def test_an_outsider_learns_nothing_of_an_item(community: Community) -> None:
    """Whoever is not in the room gets the same answer for what is there and what is not."""
    item = await community.sent(text("TLP:AMBER+STRICT The pump"), "strict")
    gone = await community.sent(text("gone"), "strict")
    await community["ana"].room_redact(community.rooms["strict"], gone)
    for make in (lambda target: edit(target, text("TLP:CLEAR x")), lambda target: text("x", **reply(target))):
        answers = [await community.put("finn", "strict", make(target)) for target in (item, gone)]
        assert answers[0] == answers[1]
        assert answers[0][0] == 403 and "AMBER" not in str(answers)
    acts = [await community.put("finn", "strict", relabel(each, "TLP:RED"), event_type=ACT) for each in (item, gone)]
    assert acts[0] == acts[1] and acts[0][0] == 403


async def test_malformed_acts_get_a_sentence(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "closed")
    for content in (
        {},
        {"label": "TLP:AMBER"},
        {"m.relates_to": "x", "label": "TLP:AMBER"},
        {**relabel(item, "TLP:AMBER"), "m.relates_to": {"rel_type": "m.thread", "event_id": item}},
        relabel(item, "TLP:AMBER", reason=7),
        {"m.relates_to": {"rel_type": "m.reference", "event_id": item}, "label": None},
    ):
        status, body = await community.put("ana", "closed", content, event_type=ACT)
        assert status == 400, body
        assert_sentence(body["error"])
    assert_refused(*await community.put("ana", "closed", relabel(item, "TLP:PURPLE"), event_type=ACT), "UNKNOWN_LABEL")
    secret = relabel(item, "TLP:AMBER", reason="TLP:RED the pump is theirs")
    assert_refused(*await community.put("ana", "closed", secret, event_type=ACT), "NOT_PUBLIC", "R3")
    status, body = await community.state("ana", "closed", ACT, relabel(item, "TLP:AMBER"))
    assert_refused(status, body, "WRONG_PLACE", "L1")


async def test_the_server_writes_who_acted(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "strict")
    forged = {"by": "source", "edit": "$x", "text": "anything", LABEL_KEY: {"label": "TLP:CLEAR"}}
    status, body = await community.put("cora", "strict", relabel(item, "TLP:AMBER", **forged), event_type=ACT)
    assert status == 200, body
    event_id = body["event_id"]
    assert await community.read(event_id, "strict") == relabel(item, "TLP:AMBER", by="steward")


# --- What is shown ----------------------------------------------------------------------------------------------


async def test_the_badge_is_drawn_once_in_the_sources_name(community: Community) -> None:
    formatted = html("**Buoy** 7", "<p><strong>Buoy</strong> 7</p>", **{"m.mentions": {"user_ids": ["@finn:x"]}})
    item = await community.sent(formatted, "strict")
    await community.sent(edit(item, html("**Buoy** 8", "<p><strong>Buoy</strong> 8</p>")), "strict")
    await act(community, "strict", "cora", item, "TLP:AMBER+STRICT")
    edits = await related(community, item, "strict", "m.replace")
    assert [event["sender"] for event in edits] == [community.id("ana")] * 2
    content = edits[-1]["content"]
    assert_badges(content)
    assert "Buoy** 8" in content["m.new_content"]["body"], "the newest text"
    assert content["m.mentions"] == {}, "nobody is called again"
    assert content[LABEL_KEY] == {"label": "TLP:AMBER+STRICT", "by": "relabel"}
    # History keeps the old one.
    assert label_of(await community.read(item, "strict")) == "TLP:AMBER"


async def test_a_file_keeps_its_name_and_address(community: Community) -> None:
    image = {"msgtype": "m.image", "body": "buoy.png", "url": MXC, "info": {"w": 4}}
    item = await community.sent(image, "closed")
    await act(community, "closed", "ana", item, "TLP:GREEN")
    content = await shown(community, item, "closed")
    assert (content["filename"], content["url"], content["body"]) == ("buoy.png", MXC, "[TLP:GREEN] buoy.png")


async def test_a_long_text_is_shown_too(community: Community) -> None:
    long = await community.sent(text("TLP:GREEN " + "tide " * 7000), "closed")
    await act(community, "closed", "ana", long, "TLP:AMBER")
    content = await shown(community, long, "closed")
    assert content["body"].startswith("[TLP:AMBER] ") and content["body"].count("tide") == 7000


@pytest.mark.parametrize("kind", ["closed", "named"])
@pytest.mark.parametrize("what", ["sticker", "poll", "location"])
async def test_where_a_type_cannot_be_edited_an_answer_says_it(community: Community, kind: str, what: str) -> None:
    event_type, content = {
        "sticker": ("m.sticker", {"body": "A seal", "url": MXC, "info": {}}),
        "poll": ("org.matrix.msc3381.poll.start", poll("When?", "Now", "Later")),
        "location": ("m.room.message", {"msgtype": "m.location", "body": "The pier", "geo_uri": "geo:50,-5"}),
    }[what]
    if what == "poll":
        event_type = "m.poll.start"
    item = await community.sent(content, kind, event_type=event_type)
    await act(community, kind, "ana", item, "TLP:GREEN")
    assert await related(community, item, kind, "m.replace") == []
    notices = [e for e in await related(community, item, kind, "m.reference") if e["type"] == "m.room.message"]
    assert len(notices) == 1
    # No bot is in a room of named people: there the source says it.
    assert notices[0]["sender"] == community.id("steward" if kind == "closed" else "ana")
    assert label_of(notices[0]["content"]) == "TLP:GREEN"
    assert notices[0]["content"]["m.relates_to"]["m.in_reply_to"] == {"event_id": item}
    assert_badges(notices[0]["content"])


async def test_where_the_source_has_left_the_bot_says_it(community: Community) -> None:
    _, made = await community.create("cora", {"preset": "private_chat", "invite": [community.id("ana")]})
    community.rooms["left"] = room = made["room_id"]
    try:
        await community["ana"].join(room)
        item = await community.sent(text("TLP:GREEN The pump"), "left")
        await community["ana"].room_leave(room)
        await act(community, "left", "cora", item, "TLP:AMBER")
        assert await related(community, item, "left", "m.replace", by="cora") == []
        references = await related(community, item, "left", "m.reference", by="cora")
        assert [e["sender"] for e in references if e["type"] == "m.room.message"] == [community.id("steward")]
        answered = await community.sent(text("And?", **reply(item)), "left", by="cora")
        event = await community["cora"].room_get_event(room, answered)
        assert label_of(event.event.source["content"]) == "TLP:AMBER"
    finally:
        del community.rooms["left"]


async def test_a_typo_fix_after_a_relabel_changes_nothing(community: Community) -> None:
    """The marker in the text is older than the act, so it claims nothing; one that is new does."""
    item = await community.sent(text("TLP:AMBER The pmup"), "closed")
    await act(community, "closed", "ana", item, "TLP:GREEN")
    box = (await shown(community, item, "closed"))["body"]
    assert box == "[TLP:GREEN] TLP:AMBER The pmup"
    told = await community.told(edit(item, text(box.replace("pmup", "pump"))), "closed")
    assert (label_of(told), origin_of(told)) == ("TLP:GREEN", "parent")
    told = await community.told(edit(item, text("The pump 2")), "closed")
    assert label_of(told) == "TLP:GREEN"
    told = await community.told(edit(item, text("TLP:AMBER The pump 3")), "closed")
    assert (label_of(told), origin_of(told)) == ("TLP:AMBER", "text")


# --- Edits that raise -------------------------------------------------------------------------------------------


async def test_an_edit_that_raises_is_an_act(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "closed")
    raising = await community.sent(edit(item, text("TLP:AMBER The pump")), "closed")
    assert rows(community)[item]["pending"] == "TLP:AMBER" or rows(community)[item]["label"] == "TLP:AMBER"
    row = await settled(community, item)
    assert (row["given"], row["label"], row["raised_from"]) == ("TLP:GREEN", "TLP:AMBER", None)
    (posted,) = [e for e in await related(community, item, "closed", "m.reference") if e["type"] == ACT]
    assert (posted["sender"], posted["content"]["edit"]) == (community.id("ana"), raising)
    assert len(await related(community, item, "closed", "m.replace")) == 1, "the edit has its badge itself"
    assert await answer_label(community, item, "closed", by="ben") == "TLP:AMBER"
    # Taking the edit back lowers nothing, and its badge is drawn anew.
    await community["ana"].room_redact(community.rooms["closed"], raising)

    async def shown_again() -> bool:
        return len(await related(community, item, "closed", "m.replace")) == 1

    await until(shown_again)
    assert (await shown(community, item, "closed"))["body"] == "[TLP:AMBER] TLP:GREEN The pump"
    assert await answer_label(community, item, "closed", by="ben") == "TLP:AMBER"
    # The source lowers it by an act.
    refusal = await community.refused(edit(item, text("TLP:CLEAR The pump")), "closed")
    assert "Changing a label" in refusal.message
    await act(community, "closed", "ana", item, "TLP:GREEN")
    assert await answer_label(community, item, "closed", by="ben") == "TLP:GREEN"


async def test_an_edit_above_the_ceiling_leaves_no_trace(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "closed")
    above = await community.refused(edit(item, text("TLP:RED The pump")), "closed")
    assert above.status_code == "ORG.BELISHA.ABOVE_CEILING"
    assert item not in rows(community)
    assert await answer_label(community, item, "closed") == "TLP:GREEN"


# --- The ledger -------------------------------------------------------------------------------------------------


async def test_green_costs_no_row_and_amber_gets_one(community: Community) -> None:
    green = await community.sent(text("TLP:GREEN x"), "closed")
    amber = await community.sent(text("TLP:AMBER x"), "closed")

    async def there() -> bool:
        return amber in rows(community)

    await until(there)
    assert green not in rows(community)
    row = rows(community)[amber]
    assert (row["room_id"], row["source"], row["given"]) == (
        community.rooms["closed"],
        community.id("ana"),
        "TLP:AMBER",
    )


async def test_no_content_is_in_the_ledger(community: Community) -> None:
    item = await community.sent(text("TLP:AMBER the word xyzzy"), "closed")
    await act(community, "closed", "ana", item, "TLP:GREEN", reason="plugh")
    assert not [row for row in rows(community).values() if "xyzzy" in str(row) or "plugh" in str(row)]


async def test_acts_at_the_same_moment_never_contradict(community: Community) -> None:
    """The source lowers while a steward raises: whatever is accepted holds one after the other."""
    for _ in range(8):
        item = await community.sent(text("TLP:AMBER The pump"), "strict")
        both = await asyncio.gather(
            community.put("ana", "strict", relabel(item, "TLP:GREEN"), event_type=ACT),
            community.put("cora", "strict", relabel(item, "TLP:AMBER+STRICT"), event_type=ACT),
        )
        assert 200 in [status for status, _ in both]
        for status, body in both:
            if status != 200:
                assert body["errcode"] in ("ORG.BELISHA.BEING_CHANGED", "ORG.BELISHA.RAISED_BY_STEWARD"), body
        row = await settled(community, item)
        if both[1][0] == 200:
            assert row["label"] == "TLP:AMBER+STRICT"
        else:
            assert row["label"] == "TLP:GREEN"
        assert await answer_label(community, item, "strict") == row["label"]


async def test_rebuilding_gives_the_same_rows(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN The pump"), "strict")
    await act(community, "strict", "cora", item, "TLP:AMBER")
    raised = await community.sent(text("TLP:GREEN The tide"), "strict")
    await community.sent(edit(raised, text("TLP:AMBER The tide")), "strict")
    await settled(community, raised)
    gone = await community.sent(text("TLP:AMBER gone"), "strict")
    relabelled = await community.sent(text("TLP:AMBER gone too"), "strict")
    await act(community, "strict", "ana", relabelled, "TLP:GREEN")
    for target in (gone, relabelled, raised):
        await community["ana"].room_redact(community.rooms["strict"], target)

    async def done() -> bool:
        return all(rows(community)[each]["redacted"] for each in (gone, relabelled, raised))

    await until(done)
    before = rows(community)
    assert (await community.server.local("POST", "ledger/rebuild"))[1] == {
        "items": len(before),
        "added": 0,
        "corrected": 0,
        "without_events": 0,
    }
    change(
        community,
        "DELETE FROM belisha_item WHERE event_id IN"
        " (SELECT event_id FROM belisha_item ORDER BY event_id LIMIT (SELECT count(*) / 2 FROM belisha_item))",
    )
    change(community, "UPDATE belisha_item SET label = 'TLP:CLEAR', raised_from = NULL, redacted = 0")
    status, counts = await community.server.local("POST", "ledger/rebuild")
    assert status == 200 and counts["added"] > 0 and counts["corrected"] > 0
    assert rows(community) == before
    assert query(community, "SELECT * FROM belisha_item WHERE pending IS NOT NULL") == []
