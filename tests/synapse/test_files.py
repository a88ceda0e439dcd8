"""Who opens a file: its uploader, and the members of the rooms in which somebody entitled shared it (rule F1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, label_of, unique, wish
from tests.support.files import (
    ADDRESSES,
    DOWNLOAD,
    FORMER,
    THUMBNAIL,
    ask,
    fetch,
    message,
    mxc,
    png,
    state_of,
    upload,
)
from tests.support.ledger import relabel, settled
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import edit, html, text

Json = dict[str, Any]
V3 = "/_matrix/client/v3"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone."""
    here = await make_community(tmp_path_factory.mktemp("files") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def assert_closed(community: Community, media_id: str, *names: str | None) -> None:
    """Each of them gets the one 404 at every address, however they ask: that of a file which does not exist."""
    for who in names:
        for address in (*ADDRESSES, *FORMER):
            for headers in ({}, {"If-None-Match": "1"}, {"Range": "bytes=0-3"}):
                found = await fetch(community, who, media_id, address, **headers)
                none = await fetch(community, who, "n" * len(media_id), address, **headers)
                assert (found.status, found.data.replace(media_id.encode(), b"n" * len(media_id))) == (
                    none.status,
                    none.data,
                ), (who, address)
                assert found.status in (400, 401, 404), (who, address, found)


async def assert_open(community: Community, media_id: str, data: bytes, *names: str) -> None:
    """Each of them gets the bytes at the present addresses, and nothing at the former ones."""
    for who in names:
        assert (await fetch(community, who, media_id)).data == data, who
        for address in FORMER:
            assert (await fetch(community, who, media_id, address)).status == 404, (who, address)


async def test_a_file_is_its_uploaders_until_it_is_shared(community: Community) -> None:
    data = png(1)
    media_id = await upload(community, "ana", data, "chart.png", "image/png")
    await assert_open(community, media_id, data, "ana")
    await assert_closed(community, media_id, "ben", "dina", "emil", "mona", "steward", None)
    await community.sent(message(community, media_id, msgtype="m.image"), "closed")
    await assert_open(community, media_id, data, "ana", "ben", "dina", "steward")
    assert (await fetch(community, "dina", media_id, THUMBNAIL)).status == 200
    await assert_closed(community, media_id, "emil", "finn", "mona", None)


async def test_it_closes_with_the_membership(community: Community) -> None:
    data = b"Tide tables"
    media_id = await upload(community, "ana", data)
    body = {"preset": "private_chat", "invite": [community.id("ben"), community.id("dina")]}
    _, room = await community.create("ana", body)
    for name in ("ben", "dina"):
        await community[name].join(room["room_id"])
    community.rooms["dock"] = room["room_id"]
    await community.sent(message(community, media_id), "dock")
    await assert_open(community, media_id, data, "ben", "dina")
    await community["ben"].room_leave(room["room_id"])
    status, answer = await request(
        community["ana"], "POST", f"{V3}/rooms/{quote(room['room_id'])}/kick", {"user_id": community.id("dina")}
    )
    assert status == 200, answer
    await assert_closed(community, media_id, "ben", "dina")


WAYS: dict[str, Any] = {
    "url": lambda address: {"msgtype": "m.file", "body": "x", "url": address},
    "image": lambda address: {"msgtype": "m.image", "body": "x", "url": address, "info": {"w": 1}},
    "sticker": lambda address: {"body": "x", "url": address, "info": {}},
    "thumbnail": lambda address: text("x", info={"thumbnail_url": address}),
    "html": lambda address: html("x", f'<p>x <img src="{address}" alt="x"></p>'),
    "html in parts": lambda address: text(
        "x", **{"m.text": [{"mimetype": "text/html", "body": f"<img src='{address}'>"}]}
    ),
    "link": lambda address: html("x", f'<a href="{address}">x</a>'),
    "extensible": lambda address: text("x", **{"org.matrix.msc1767.file": {"url": address}}),
    "preview": lambda address: text("x", **{"com.beeper.linkpreviews": [{"og:image": address}]}),
    "unknown key": lambda address: text("x", **{"com.example": {"deep": [[{"picture": address}]]}}),
    "new content": lambda address: {**text("x"), "m.new_content": text("y", url=address)},
}


@pytest.mark.parametrize("way", WAYS)
async def test_naming_it_opens_nothing_to_who_may_not_open_it(community: Community, way: str) -> None:
    """A foreign file in one's own room, under every key by which a client would load it."""
    media_id = await upload(community, "ana", b"Only for ana")
    event_type = "m.sticker" if way == "sticker" else "m.room.message"
    content = WAYS[way](mxc(community, media_id))
    status, body = await community.put("dina", "closed", content, event_type=event_type)
    assert_refused(status, body, "FILE_NOT_YOURS", rule="F1")
    nowhere = WAYS[way](mxc(community, "n" * 24))
    status, same = await community.put("dina", "closed", nowhere, event_type=event_type)
    assert (status, same) == (403, body), "nobody learns whether it exists"
    await assert_closed(community, media_id, "dina")
    await community.sent(content, "closed", event_type=event_type)
    await assert_open(community, media_id, b"Only for ana", "dina")


async def test_an_address_in_a_text_shares_nothing(community: Community) -> None:
    media_id = await upload(community, "ana", b"Not this")
    await community.sent(text(f"It is at {mxc(community, media_id)}"), "closed")
    await community.sent(text(mxc(community, media_id)), "closed")
    await assert_closed(community, media_id, "dina")


@pytest.mark.parametrize(
    "address",
    [
        "mxc://{server}/{id}?x",
        "MXC://{server}/{id}",
        " mxc://{server}/{id}",
        "mxc://{server}/../{id}",
        "mxc:{id}",
        "mxc://",
    ],
)
async def test_what_is_no_address_is_refused(community: Community, address: str) -> None:
    media_id = await upload(community, "ana", b"x")
    written = address.format(server=community.server.name, id=media_id)
    status, body = await community.put("ana", "closed", WAYS["url"](written))
    assert (status, body["errcode"]) == (400, "ORG.BELISHA.MALFORMED")


async def test_other_servers_have_no_files_here(community: Community) -> None:
    status, body = await community.put("ana", "closed", WAYS["url"]("mxc://matrix.org/abc"))
    assert_refused(status, body, "FILE_NOT_YOURS", rule="F1")


async def test_a_reader_shares_what_they_may_open(community: Community) -> None:
    data = b"The rota"
    media_id = await upload(community, "ana", data)
    await community.sent(message(community, media_id, "TLP:GREEN The rota"), "closed")
    await community.sent(message(community, media_id, "The rota"), "open", by="dina")
    await assert_open(community, media_id, data, "finn")


async def test_it_keeps_the_label_that_it_was_shared_with(community: Community) -> None:
    media_id = await upload(community, "ana", b"Names")
    item = await community.sent(message(community, media_id, "TLP:AMBER Names"), "closed")
    status, body = await community.put("dina", "open", message(community, media_id, "Names"))
    assert_refused(status, body, "ABOVE_CEILING", rule="L3", label="TLP:AMBER")
    status, body = await community.put("ana", "closed", relabel(item, "TLP:GREEN"), event_type="org.belisha.relabel")
    assert status == 200, body
    await settled(community, item)
    content = await community.told(message(community, media_id, "Names"), "open", by="dina")
    assert label_of(content) == "TLP:GREEN"


async def test_the_order_create_send_upload(community: Community) -> None:
    """An event whose file has not arrived is refused; after the upload the same event is accepted."""
    got = await ask(community, "ana", "POST", "/_matrix/media/v1/create")
    media_id = json.loads(got.data)["content_uri"].rpartition("/")[2]
    status, body = await community.put("ana", "closed", message(community, media_id))
    assert_refused(status, body, "FILE_NOT_READY", rule="F1")
    status, body = await community.put("dina", "closed", message(community, media_id))
    assert_refused(status, body, "FILE_NOT_YOURS", rule="F1")
    await assert_closed(community, media_id, "dina", None)
    waiting = asyncio.create_task(fetch(community, "ana", media_id, DOWNLOAD + "?timeout_ms=20000"))
    await asyncio.sleep(0.1)
    path = f"/_matrix/media/v3/upload/{community.server.name}/{media_id}?filename=a.txt"
    assert (await ask(community, "dina", "PUT", path, b"Mine", {"Content-Type": "text/plain"})).status == 403
    assert (await ask(community, "ana", "PUT", path, b"Late", {"Content-Type": "text/plain"})).status == 200
    assert (await waiting).data == b"Late"
    await assert_closed(community, media_id, "dina")
    await community.sent(message(community, media_id), "closed")
    await assert_open(community, media_id, b"Late", "dina")


async def avatar(community: Community, who: str, media_id: str, of: str | None = None) -> tuple[int, Json]:
    path = f"{V3}/profile/{quote(community.id(of or who))}/avatar_url"
    return await request(community[who], "PUT", path, {"avatar_url": mxc(community, media_id)})


async def test_a_foreign_file_is_nobodys_picture(community: Community) -> None:
    media_id = await upload(community, "ana", png(2), "x.png", "image/png")
    status, body = await avatar(community, "ben", media_id)
    assert_refused(status, body, "FILE_NOT_YOURS", rule="F1")
    path = f"{V3}/rooms/{quote(community.rooms['closed'])}/state/m.room.member/{quote(community.id('ben'))}"
    content = {"membership": "join", "avatar_url": mxc(community, media_id)}
    assert (await request(community["ben"], "PUT", path, content))[0] == 200, "a membership waits for no picture"
    _, made = await community.create("ben", {"preset": "private_chat"})
    community.rooms["bens"] = made["room_id"]
    status, body = await community.state("ben", "bens", "m.room.avatar", {"url": mxc(community, media_id)})
    assert_refused(status, body, "FILE_NOT_YOURS", rule="F1")
    picture = {"type": "m.room.avatar", "state_key": "", "content": {"url": mxc(community, media_id)}}
    status, body = await community.create("ben", {"preset": "private_chat", "initial_state": [picture]})
    assert_refused(status, body, "FILE_NOT_YOURS", rule="F1")
    await assert_closed(community, media_id, "ben")
    # The same by its uploader, last: then everyone may see it.
    assert (await avatar(community, "ana", media_id))[0] == 200


async def test_a_picture_is_for_every_member_and_nothing_else(community: Community) -> None:
    media_id = await upload(community, "dina", png(3), "me.png", "image/png")
    assert (await avatar(community, "dina", media_id))[0] == 200
    assert state_of(community, media_id) == "avatar"
    shown = (await fetch(community, "dina", media_id)).data
    await assert_open(community, media_id, shown, "emil", "finn", "mona")
    await assert_closed(community, media_id, None)
    status, body = await community.put("dina", "closed", message(community, media_id))
    assert_refused(status, body, "FILE_IS_AVATAR", rule="F1")
    shared = await upload(community, "dina", png(4), "x.png", "image/png")
    await community.sent(message(community, shared), "closed", by="dina")
    status, body = await avatar(community, "dina", shared)
    assert_refused(status, body, "FILE_IS_SHARED", rule="F1")
    await assert_closed(community, shared, "emil")
    words = await upload(community, "dina", b"no picture at all")
    status, body = await avatar(community, "dina", words)
    assert_refused(status, body, "NOT_A_PICTURE", rule="F1")


async def test_a_room_has_a_picture(community: Community) -> None:
    media_id = await upload(community, "ana", png(5), "x.png", "image/png")
    content = {"url": mxc(community, media_id)}
    assert (await community.state("ana", "closed", "m.room.avatar", content))[0] == 200
    shown = (await fetch(community, "ana", media_id)).data
    assert shown.startswith(b"\x89PNG")
    await assert_open(community, media_id, shown, "emil")


async def test_caches_keep_nothing_above_green(community: Community) -> None:
    media_id = await upload(community, "ana", png(6), "x.png", "image/png")
    assert (await fetch(community, "ana", media_id)).headers["cache-control"] == "private, no-store"
    await community.sent(message(community, media_id, "TLP:GREEN x"), "closed")
    assert "no-store" not in (await fetch(community, "dina", media_id)).headers["cache-control"]
    await community.sent(message(community, media_id, "TLP:AMBER x"), "closed")
    for address in (DOWNLOAD, THUMBNAIL):
        for headers in ({}, {"If-None-Match": "1"}):
            got = await fetch(community, "dina", media_id, address, **headers)
            assert got.headers["cache-control"] == "private, no-store", (address, headers)
            assert got.status == (304 if headers else 200)


async def test_what_is_opened_above_green_is_written_down(community: Community) -> None:
    media_id = await upload(community, "ana", png(7), "x.png", "image/png")
    await community.sent(message(community, media_id, "TLP:GREEN x"), "closed")
    await fetch(community, "dina", media_id)
    await community.sent(message(community, media_id, "TLP:AMBER x"), "closed")
    for address in (DOWNLOAD, THUMBNAIL):
        await fetch(community, "dina", media_id, address)
    await fetch(community, "emil", media_id)

    async def written() -> list[Json]:
        return community.server.query(
            "SELECT user_id, part, label FROM belisha_download WHERE media_id = ? ORDER BY part", media_id
        )

    await until(lambda: _has(written, 2))
    assert [tuple(row.values()) for row in await written()] == [
        (community.id("dina"), "file", "TLP:AMBER"),
        (community.id("dina"), "thumbnail", "TLP:AMBER"),
    ]


async def _has(read: Any, count: int) -> bool:
    return len(await read()) >= count


async def test_a_redaction_closes_what_nothing_else_shares(community: Community) -> None:
    data = b"Sent by mistake"
    media_id = await upload(community, "ana", data)
    events = [
        await community.sent(message(community, media_id), "closed"),
        await community.sent(message(community, media_id), "strict"),
    ]
    await assert_open(community, media_id, data, "ben", "cora")
    await redact(community, events[0], "closed")
    await assert_closed(community, media_id, "ben")
    await assert_open(community, media_id, data, "ana", "cora")
    await redact(community, events[1], "strict")
    await assert_closed(community, media_id, "ana", "ben", "cora")
    await until(lambda: _is(community, media_id, "withdrawn"))
    await assert_closed(community, media_id, "ana", "ben", "cora")
    status, body = await community.put("ana", "closed", message(community, media_id))
    # Until its bytes are erased its uploader is told that it was withdrawn; then there is no such file.
    code = "FILE_WITHDRAWN" if body["errcode"].endswith("WITHDRAWN") else "FILE_NOT_YOURS"
    assert_refused(status, body, code, rule="F1")


async def test_an_edit_goes_with_what_it_edits(community: Community) -> None:
    media_id = await upload(community, "ana", b"In an edit")
    first = await community.sent(text("See below"), "closed")
    await community.sent(edit(first, message(community, media_id)), "closed")
    await assert_open(community, media_id, b"In an edit", "ben")
    await redact(community, first, "closed")
    await assert_closed(community, media_id, "ben", "ana")


async def redact(community: Community, event_id: str, kind: str) -> None:
    path = f"{V3}/rooms/{quote(community.rooms[kind])}/redact/{quote(event_id)}/{unique('r')}"
    status, body = await request(community["ana"], "PUT", path, {})
    assert status == 200, body


async def _is(community: Community, media_id: str, state: str) -> bool:
    return state_of(community, media_id) == state


KINDS = {
    "text": (b"Buoy 7", "documents"),
    "picture": (png(8), "documents"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "documents"),
    "text that says it is a video": (b"Not a video", "documents"),
    "page": (b"<!DOCTYPE html><script>1</script>", "any"),
    "drawing": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "any"),
    "program": (b"MZ\x90\x00\x03\x00\x00\x00", "any"),
    "sound": (b"OggS\x00\x02\x00\x00\x00", "any"),
    "archive": (b"PK\x03\x04" + bytes(26) + b"x.txt", "any"),
}


async def test_a_group_carries_what_its_policy_says(community: Community) -> None:
    """By what a file is, whatever its name and its sender's client say."""
    _, made = await community.create("ana", {"preset": "private_chat", "invite": [community.id("dina")]})
    community.rooms["dock"] = made["room_id"]
    path = f"rooms/{quote(made['room_id'])}/policy"
    for media in ("none", "documents", "any"):
        status, body = await community.server.local("PUT", path, {"media": media})
        assert (status, body.get("media", "documents")) == (200, media) or media == "documents", body
        for name, (data, needs) in KINDS.items():
            media_id = await upload(community, "ana", data, "tides.pdf", "application/pdf")
            status, body = await community.put("ana", "dock", message(community, media_id, "tides.pdf"))
            if media == "none":
                assert_refused(status, body, "NO_FILES_HERE", rule="F1")
            elif media == "documents" and needs == "any":
                assert_refused(status, body, "NOT_A_DOCUMENT", rule="F1")
            else:
                assert status == 200, (name, body)
    media_id = await upload(community, "ana", KINDS["program"][0])
    await community.sent(message(community, media_id), "named")


async def test_originals_are_their_sources(community: Community) -> None:
    data = b"The original"
    _, made = await community.create("ana", {"preset": "private_chat", "invite": [community.id("dina")]})
    community.rooms["dock"] = made["room_id"]
    await community["dina"].join(made["room_id"])
    media_id = await upload(community, "ana", data)
    await community.sent(message(community, media_id), "dock")
    await assert_open(community, media_id, data, "dina")
    path = f"rooms/{quote(made['room_id'])}/policy"
    assert (await community.server.local("PUT", path, {"originals": "source"}))[0] == 200
    await assert_closed(community, media_id, "finn")
    told = await fetch(community, "dina", media_id)
    assert told.status == 403 and b"ORG.BELISHA.COPIES_ONLY" in told.data, "whoever is in the room is told why"
    await assert_open(community, media_id, data, "ana")
    status, body = await community.put("dina", "closed", message(community, media_id))
    assert_refused(status, body, "FILE_NOT_YOURS", rule="F1")
    status, body = await community.server.local("PUT", path, {"originals": "nobody"})
    assert (status, body["errcode"]) == (400, "ORG.BELISHA.MALFORMED")


async def test_frozen_members_open_nothing(community: Community) -> None:
    data = png(9)
    media_id = await upload(community, "ana", data, "x.png", "image/png")
    name = unique("nora")
    community.people[name] = await community.server.member(name, "harbour")
    _, made = await community.create("ana", {"preset": "private_chat", "invite": [community.id(name)]})
    await community[name].join(made["room_id"])
    community.rooms["dock"] = made["room_id"]
    await community.sent(message(community, media_id), "dock")
    await assert_open(community, media_id, data, name)
    assert (await community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"}))[0] == 200
    got = await fetch(community, name, media_id)
    assert got.status in (401, 403, 404) and data not in got.data


async def as_portal(community: Community, media_id: str, who: str, secret: str | None = None) -> tuple[int, bytes]:
    secret = secret or (community.server.data / "secrets" / "portal_api").read_text().strip()
    path = f"/_synapse/client/org.belisha/v1/media/{quote(media_id, safe='')}?user_id={quote(who)}"
    got = await ask(community, None, "GET", path, headers={"Authorization": f"Bearer {secret}"})
    return got.status, got.data


async def test_the_portal_gives_a_member_what_they_may_open(community: Community) -> None:
    data = b"On the portal"
    media_id = await upload(community, "ana", data)
    await community.sent(message(community, media_id, "TLP:AMBER x"), "closed")
    assert await as_portal(community, media_id, community.id("dina")) == (200, data)
    nothing = await as_portal(community, "n" * 24, community.id("emil"))
    assert nothing[0] == 404 and json.loads(nothing[1])["errcode"] == "ORG.BELISHA.NOT_FOUND"
    assert await as_portal(community, media_id, community.id("emil")) == nothing
    assert await as_portal(community, media_id, "@nobody:" + community.server.name) == nothing
    assert (await as_portal(community, "\0", community.id("dina")))[0] in (400, 404)
    assert (await as_portal(community, media_id, community.id("steward")))[0] == 400
    assert (await as_portal(community, media_id, community.id("dina"), "wrong"))[0] == 403
    assert (await as_portal(community, media_id, community.id("dina"), str(community["dina"].access_token)))[0] == 403

    async def noted() -> bool:
        return bool(
            community.server.query(
                "SELECT 1 FROM belisha_download WHERE media_id = ? AND user_id = ?", media_id, community.id("dina")
            )
        )

    await until(noted)


async def test_sending_it_again_after_a_lost_event(community: Community) -> None:
    """A share whose event was never stored opens nothing, and keeps its uploader from nothing."""
    media_id = await upload(community, "ana", b"Lost")
    community.server.change(
        "INSERT INTO belisha_share (media_id, event_id, item_id, room_id, label, sealed, since)"
        " VALUES (?, '$lost', '$lost', ?, 'TLP:GREEN', 0, 1)",
        media_id,
        community.rooms["closed"],
    )
    community.server.change("UPDATE belisha_file SET state = 'shared' WHERE media_id = ?", media_id)
    await assert_closed(community, media_id, "dina")
    await assert_open(community, media_id, b"Lost", "ana")
    await until(lambda: _is(community, media_id, "pending"))
    await community.sent(message(community, media_id), "closed")
    await assert_open(community, media_id, b"Lost", "dina")


async def test_a_room_of_organisations_is_no_way_around(community: Community) -> None:
    """Somebody outside makes a room of their own and names the file there."""
    media_id = await upload(community, "cora", b"For the watch")
    await community.sent(message(community, media_id), "strict", by="cora")
    body = {"initial_state": [wish("closed")]}
    _, made = await community.create("emil", body)
    community.rooms["emils"] = made["room_id"]
    status, answer = await community.put("emil", "emils", message(community, media_id))
    assert_refused(status, answer, "FILE_NOT_YOURS", rule="F1")
    await assert_closed(community, media_id, "emil")


async def test_a_full_disk_leaves_nothing_half_shared(community: Community) -> None:
    """The place of the file is a device that is full: the upload fails, and what is not there cannot be shared."""
    got = await ask(community, "ana", "POST", "/_matrix/media/v1/create")
    media_id = json.loads(got.data)["content_uri"].rpartition("/")[2]
    place = community.server.data / "media" / "local_content" / media_id[:2] / media_id[2:4] / media_id[4:]
    place.parent.mkdir(parents=True)
    place.symlink_to("/dev/full")
    path, kind = f"/_matrix/media/v3/upload/{community.server.name}/{media_id}", {"Content-Type": "text/plain"}
    assert (await ask(community, "ana", "PUT", path, b"Tides" * 100_000, kind)).status == 500
    status, body = await community.put("ana", "closed", message(community, media_id))
    assert_refused(status, body, "FILE_NOT_READY", rule="F1")
    await assert_closed(community, media_id, "dina")
    assert not place.is_symlink(), "nothing is left of what failed"
    assert (await ask(community, "ana", "PUT", path, b"Tides", kind)).status == 200
    await community.sent(message(community, media_id), "closed")
    await assert_open(community, media_id, b"Tides", "dina")
