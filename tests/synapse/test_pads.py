"""What the portal is told of a pad: who reads and writes it now, by the message it belongs to (rules P1 and P2)."""

from __future__ import annotations

from typing import Any

from tests.support.community import Community, Json
from tests.support.ledger import relabel
from tests.support.portal import ask_as_portal
from tests.support.server import request
from tests.synapse.samples import text


async def pad(community: Community, kind: str, item: str, *people: str, **more: Any) -> tuple[int, Json]:
    body = {"room_id": community.rooms[kind], "event_id": item, "user_ids": [community.id(one) for one in people]}
    return await ask_as_portal(community, {**body, **more}, name="pad")


async def test_who_reads_the_message_reads_the_pad_at_its_label(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN !pad Tide tables"), "closed")
    status, told = await pad(community, "closed", item, "ana", "finn", "ben", "steward")
    assert (status, told["label"], told["ceiling"]) == (200, "TLP:GREEN", "TLP:AMBER")
    assert told["source"] == community.id("ana")
    ana, finn, ben, steward = told["members"]
    assert (ana["closed"], ana["organisation"]) == (None, "harbour")
    assert (ana["redacts"], ben["redacts"]) == (True, False), "its maker moderates the group"
    assert ben["name"] and ben["closed"] is None
    assert finn is None and steward is None, "who is not in the group, and a bot, read nothing of it"
    act = relabel(item, "TLP:AMBER")
    assert (await community.put("ana", "closed", act, event_type="org.belisha.relabel"))[0] == 200
    assert (await pad(community, "closed", item, "ben"))[1]["label"] == "TLP:AMBER"
    path = f"/_matrix/client/v3/rooms/{community.rooms['closed']}/redact/{item}/pads-redaction"
    assert (await request(community["ana"], "PUT", path, {}))[0] == 200
    status, told = await pad(community, "closed", item, "ana", "ben")
    assert (status, told) == (200, {"label": None, "ceiling": None, "source": None, "members": [None, None]})


async def test_other_rooms_have_none(community: Community) -> None:
    """Neither rooms of named people, nor another room's name for a message, nor what is no message (rule P1)."""
    named = await community.sent(text("!pad Tide tables"), "named")
    closed = await community.sent(text("TLP:GREEN !pad Tide tables"), "closed")
    for kind, item in (("named", named), ("open", closed), ("closed", "$nothing"), ("closed", "\0"), ("closed", "")):
        assert (await pad(community, kind, item, "ana"))[1]["members"] == [None], (kind, item)
    for wrong in (
        {"room_id": 1},
        {"event_id": None},
        {"user_ids": []},
        {"user_ids": "@ana"},
        {"user_ids": ["@a"] * 201},
    ):
        assert (await pad(community, "closed", closed, "ana", **wrong))[0] == 400, wrong
    body = {"room_id": community.rooms["closed"], "event_id": closed, "user_ids": [community.id("ana")]}
    assert (await ask_as_portal(community, body, "made-up", "pad"))[0] == 403


async def test_who_may_not_send_messages_reads_alone(community: Community) -> None:
    group = (await community.create("ana", {"preset": "private_chat", "invite": [community.id("ben")]}))[1]["room_id"]
    assert (await request(community["ben"], "POST", f"/_matrix/client/v3/rooms/{group}/join", {}))[0] == 200
    community.rooms["pads"] = group
    item = await community.sent(text("!pad Tide tables"), "pads")
    path = f"/_matrix/client/v3/rooms/{group}/state/m.room.power_levels/"
    levels = (await request(community["ana"], "GET", path))[1]
    assert (await request(community["ana"], "PUT", path, {**levels, "events_default": 50}))[0] == 200
    ana, ben = (await pad(community, "pads", item, "ana", "ben"))[1]["members"]
    assert (ana["closed"], ben["closed"]) == (None, "You may read in this group, and not write in it.")
