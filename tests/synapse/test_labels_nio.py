"""With matrix-nio against a real Synapse: every item comes out with exactly one label and one badge (L1, L2)."""

from __future__ import annotations

from typing import Any

import nio
import pytest

from belisha.tlp import Label, badge, html_badge
from tests.support.community import (
    CEILINGS,
    DEFAULTS,
    KINDS,
    LABEL_KEY,
    Community,
    assert_badges,
    label_of,
    origin_of,
    unique,
)
from tests.synapse.samples import MXC, POLL_ENDS, SAMPLES, html, poll, text

Json = dict[str, Any]


# --- Every type in every kind of room ---------------------------------------------------------------------------


class Told:
    """Everything that was said in one room, and how another member sees it three ways."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.by_event: dict[str, Json] = {}
        self.by_messages: dict[str, Json] = {}
        self.by_sync: dict[str, Json] = {}


_told: dict[str, Told] = {}


async def everything_told(community: Community, kind: str) -> Told:
    if kind not in _told:
        told = _told[kind] = Told()
        reader = community.reader(kind)
        syncing = community["ana"] if kind == "service" else reader  # Synapse has no sync for the bot
        since = (await syncing.sync(0)).next_batch
        for name, (event_type, content) in SAMPLES.items():
            told.ids[name] = await community.sent(content, kind, event_type=event_type)
        for name, (event_type, content) in POLL_ENDS.items():
            start = told.ids["poll start" if "msc" in event_type else "poll start, final name"]
            relates = {"rel_type": "m.reference", "event_id": start}
            told.ids[name] = await community.sent({**content, "m.relates_to": relates}, kind, event_type=event_type)
        room = community.rooms[kind]
        for name, event_id in told.ids.items():
            told.by_event[name] = await community.read(event_id, kind)
        names = {event_id: name for name, event_id in told.ids.items()}
        messages = await reader.room_messages(room, limit=50)
        assert isinstance(messages, nio.RoomMessagesResponse), messages
        synced = await syncing.sync(0, since=since, sync_filter={"room": {"timeline": {"limit": 50}}})
        assert isinstance(synced, nio.SyncResponse), synced
        for view, events in (
            (told.by_messages, messages.chunk),
            (told.by_sync, synced.rooms.join[room].timeline.events),
        ):
            for event in events:
                if event.event_id in names:
                    view[names[event.event_id]] = event.source["content"]
    return _told[kind]


@pytest.mark.parametrize("name", [*SAMPLES, *POLL_ENDS])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_type_has_one_label_and_one_badge(community: Community, kind: str, name: str) -> None:
    told = await everything_told(community, kind)
    content = told.by_event[name]
    assert label_of(content) == DEFAULTS[kind]
    assert origin_of(content) == ("parent" if name in POLL_ENDS else "room")
    assert_badges(content)
    assert told.by_messages[name] == told.by_sync[name] == content


async def test_what_clients_need_stays_as_it_was(community: Community) -> None:
    told = await everything_told(community, "closed")
    image = told.by_event["image"]
    assert (image["filename"], image["body"]) == ("buoy.png", "[TLP:AMBER] buoy.png")
    captioned = told.by_event["image with caption"]
    assert (captioned["filename"], captioned["body"]) == ("buoy.png", "[TLP:AMBER] Buoy 7, from the north")
    assert captioned["url"] == MXC
    formatted = told.by_event["text with html"]
    assert formatted["formatted_body"] == html_badge(Label.AMBER) + "Buoy <strong>7</strong> is back"
    assert told.by_event["paragraphs"]["formatted_body"] == f"<p>{html_badge(Label.AMBER)}One</p>\n<p>Two</p>\n"
    answers = told.by_event["poll start"]["org.matrix.msc3381.poll.start"]["answers"]
    assert [answer["org.matrix.msc1767.text"] for answer in answers] == ["Monday", "Tuesday"]


@pytest.mark.parametrize("event_type", ["m.beacon_info", "org.matrix.msc3672.beacon_info"])
@pytest.mark.parametrize("kind", ["open", "closed", "named"])
async def test_beacon_info_has_one_label(community: Community, kind: str, event_type: str) -> None:
    beacon = {"description": "The pilot boat", "timeout": 60000, "live": True, "m.asset": {"type": "m.self"}}
    status, answer = await community.state("ana", kind, event_type, beacon, community.id("ana"))
    assert status == 200, answer
    content = await community.read(answer["event_id"], kind)
    assert (label_of(content), origin_of(content)) == (DEFAULTS[kind], "room")
    stricter = {**beacon, "description": "TLP:RED The pilot boat"}
    status, answer = await community.state("ana", kind, event_type, stricter, community.id("ana"))
    assert status == (200 if CEILINGS[kind] is Label.RED else 403), answer


@pytest.mark.parametrize("kind", KINDS)
async def test_encrypted_messages_and_files_are_refused_where_nothing_is_encrypted(
    community: Community, kind: str
) -> None:
    cipher = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "s"}
    assert (await community.refused(cipher, kind, event_type="m.room.encrypted")).status_code.endswith("ENCRYPTED_HERE")
    key = {"url": MXC, "key": {"k": "x"}, "iv": "x", "hashes": {}, "v": "v2"}
    refused = await community.refused({"msgtype": "m.file", "body": "a.bin", "file": key}, kind)
    assert refused.status_code.endswith("ENCRYPTED_HERE")


async def test_commands_in_service_rooms_carry_a_label_and_no_badge(community: Community) -> None:
    content = await community.told(text("!help"), "service")
    assert content["body"] == "!help" and "formatted_body" not in content
    assert_badges(content, drawn=False)
    in_group = await community.told(text("!help"), "closed")
    assert in_group["body"] == "[TLP:AMBER] !help"


# --- Where the label comes from ---------------------------------------------------------------------------------

MARKERS = [
    ("TLP:{} The pump is broken", "the start"),
    ("  (TLP:{}) The pump is broken", "behind a bracket"),
    ("\N{ANCHOR} TLP:{} The pump is broken", "behind an emoji"),
    ("The pump is broken\nTLP:{}", "the last line"),
    ("The pump is broken\n\n[TLP:{}]\n", "the last line in brackets"),
]


@pytest.mark.parametrize(("pattern", "_where"), MARKERS)
@pytest.mark.parametrize(
    ("kind", "label"),
    [("open", "CLEAR"), ("closed", "GREEN"), ("strict", "AMBER+STRICT"), ("named", "RED"), ("service", "AMBER+STRICT")],
)
async def test_marker_in_the_text(community: Community, kind: str, label: str, pattern: str, _where: str) -> None:
    content = await community.told(text(pattern.replace("{}", label)), kind)
    assert (label_of(content), origin_of(content)) == (f"TLP:{label}", "text")
    assert content["body"].startswith(f"[TLP:{label}] ")


@pytest.mark.parametrize("label", ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"])
async def test_explicit_key(community: Community, label: str) -> None:
    content = await community.told(text("The pump", **{LABEL_KEY: {"label": label}}), "named")
    assert (label_of(content), origin_of(content)) == (label, "sender")
    assert_badges(content)


async def test_explicit_key_is_tidied_whatever_else_the_client_put_there(community: Community) -> None:
    forged = {"label": "tlp:green", "by": "relabel", "source": "@ben:belisha.localhost", "item": "$x"}
    content = await community.told(text("The pump", **{LABEL_KEY: forged}), "closed")
    assert content[LABEL_KEY] == {"label": "TLP:GREEN", "by": "sender"}


@pytest.mark.parametrize(
    ("content", "event_type", "kind"),
    [
        (html("The pump", "<p>TLP:RED</p><p>The pump</p>"), "m.room.message", "named"),
        (html("The pump", "<b>TLP</b>:<i>RED</i> The pump"), "m.room.message", "named"),
        (html("The pump", "The pump<br>TLP:RED"), "m.room.message", "named"),
        ({"msgtype": "m.image", "body": "TLP:RED pump", "filename": "p.png", "url": MXC}, "m.room.message", "named"),
        ({"msgtype": "m.file", "body": "TLP-RED report.pdf", "url": MXC}, "m.room.message", "named"),
        ({"msgtype": "m.file", "body": "A", "filename": "TLP-RED report.pdf", "url": MXC}, "m.room.message", "named"),
        (poll("TLP:RED Who goes?", "Ana", "Finn"), "org.matrix.msc3381.poll.start", "named"),
        (poll("Who goes?", "Ana", "TLP:RED Finn"), "org.matrix.msc3381.poll.start", "named"),
        ({"body": "TLP:RED a seal", "url": MXC}, "m.sticker", "named"),
        (text("The pump", **{"org.matrix.msc1767.text": "TLP:RED The pump"}), "m.room.message", "named"),
        (
            {
                "msgtype": "m.location",
                "body": "The pier",
                "geo_uri": "geo:1,1",
                "org.matrix.msc3488.location": {"uri": "geo:1,1", "description": "TLP:RED The pier"},
            },
            "m.room.message",
            "named",
        ),
    ],
    ids=[
        "html", "html in pieces", "html, last line", "caption", "file name in body", "file name", "question", "answer",
        "sticker", "extensible text", "description of a place",
    ],
)  # fmt: skip
async def test_marker_in_any_readable_part(community: Community, content: Json, event_type: str, kind: str) -> None:
    told = await community.told(content, kind, event_type=event_type)
    assert (label_of(told), origin_of(told)) == ("TLP:RED", "text")
    refused = await community.refused(content, "open", event_type=event_type)
    assert refused.status_code == "ORG.BELISHA.ABOVE_CEILING"


@pytest.mark.parametrize("body", ["the TLP:RED rules say no", "We said TLP:AMBER yesterday\nand TLP:RED today, sadly"])
async def test_mention_in_running_text_is_no_marker(community: Community, body: str) -> None:
    content = await community.told(text(body), "open")
    assert (label_of(content), origin_of(content)) == ("TLP:GREEN", "room")


@pytest.mark.parametrize(
    ("content", "label", "by"),
    [
        (text("TLP:GREEN x", **{LABEL_KEY: {"label": "TLP:AMBER"}}), "TLP:AMBER", "sender"),
        (text("TLP:RED x", **{LABEL_KEY: {"label": "TLP:AMBER"}}), "TLP:RED", "text"),
        (html("TLP:GREEN x", "TLP:AMBER x"), "TLP:AMBER", "text"),
        (text("TLP:GREEN x\nTLP:AMBER+STRICT"), "TLP:AMBER+STRICT", "text"),
        (text("TLP:WHITE x"), "TLP:CLEAR", "text"),
        (text("tlp amber strict x"), "TLP:AMBER+STRICT", "text"),
    ],
)
async def test_the_strictest_claim_wins(community: Community, content: Json, label: str, by: str) -> None:
    told = await community.told(content, "named")
    assert (label_of(told), origin_of(told)) == (label, by)


# --- Badges that members imitate --------------------------------------------------------------------------------


@pytest.mark.parametrize("label", list(Label))
async def test_imitated_badge_is_read_as_a_marker_and_drawn_once(community: Community, label: Label) -> None:
    """A badge in front of a new message is a marker in brackets like any other: the label it names, drawn once."""
    content = html(badge(label) * 2 + "Tides", html_badge(label) * 2 + "Tides")
    told = await community.told(content, "named")
    assert (label_of(told), origin_of(told)) == (str(label), "text")
    assert told["body"] == badge(label) + "Tides"
    assert told["formatted_body"] == html_badge(label) + "Tides"


async def test_same_transaction_id_gives_the_same_event(community: Community) -> None:
    transaction = unique("again")
    room = community.rooms["open"]
    first = await community["ana"].room_send(room, "m.room.message", text("Once"), tx_id=transaction)
    again = await community["ana"].room_send(room, "m.room.message", text("Once"), tx_id=transaction)
    assert isinstance(first, nio.RoomSendResponse) and isinstance(again, nio.RoomSendResponse)
    assert first.event_id == again.event_id
