"""Stamped copies: who gets one, what stands on it, and what becomes of originals that are their sources'."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from PIL import Image, ImageChops, ImageStat
from pypdf import PdfReader

from belisha.stamping import Order
from belisha.stamping.order import DOWNLOADED, SHOWN
from belisha.stamping.picture import framed
from belisha.tlp import Label
from synapse_modules.documents import PAGE
from tests.support.community import Community, assert_refused
from tests.support.files import DOWNLOAD, THUMBNAIL, ask, fetch, message, png, state_of, upload
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.producers import drawn
from tests.support.server import ended, request
from tests.support.settled import make_community

pytestmark = pytest.mark.more


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: Any) -> AsyncIterator[Community]:
    """A community of this file alone."""
    here = await make_community(tmp_path_factory.mktemp("copies") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


ACT = "org.belisha.relabel"


async def copy_for(
    community: Community, name: str, media_id: str, secret: str = "", made: str = "stamped"
) -> tuple[int, bytes, Mapping[str, str]]:
    """What the module gives the portal for a member."""
    secret = secret or (community.server.data / "secrets" / "portal_api").read_text().strip()
    user_id = name if name.startswith("@") else community.id(name)
    path = f"/_synapse/client/org.belisha/v1/media/{quote(media_id, safe='')}?{made}=1&user_id={quote(user_id)}"
    got = await ask(community, None, "GET", path, headers={"Authorization": f"Bearer {secret}"})
    return got.status, got.data, got.headers


def likest(picture: Image.Image, by: str, user_id: str) -> str:
    """What a preview for that member most looks like it says of what was done: the words of a copy, or its own."""
    strip = (0, 0, picture.width, 24)

    def differs(done: str) -> float:
        at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        order = Order.of(Label.AMBER, "a.pdf", by, user_id, at, done)
        drawn_here = framed(Image.new("RGB", (picture.width, picture.height - 48)), order)
        both = ImageChops.difference(picture.convert("L").crop(strip), drawn_here.convert("L").crop(strip))
        return ImageStat.Stat(both).mean[0]

    return min((DOWNLOADED, SHOWN), key=differs)


async def kept_to_sources(community: Community, *members: str) -> str:
    """A closed group of Ana's whose originals are their sources'."""
    invited = [community.id(name) for name in members]
    _, made = await community.create("ana", {"preset": "private_chat", "invite": invited})
    for name in members:
        await community[name].join(made["room_id"])
    path = f"rooms/{quote(made['room_id'])}/policy"
    assert (await community.server.local("PUT", path, {"originals": "source"}))[0] == 200
    return str(made["room_id"])


async def test_a_copy_says_its_label_and_who_has_it(community: Community) -> None:
    data = drawn()
    media_id = await upload(community, "ana", data, "tides.pdf", "application/pdf")
    item = await community.sent(message(community, media_id, "TLP:GREEN Tides"), "closed")
    status, copy, headers = await copy_for(community, "dina", media_id)
    assert status == 200 and copy.startswith(data)
    text = PdfReader(io.BytesIO(copy)).pages[1].extract_text()
    assert text.count("TLP:GREEN") == 2 and "Downloaded by" not in text
    assert headers["cache-control"] == "private, no-store"
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"].startswith('attachment; filename="TLP-GREEN-tides.pdf"')
    assert headers["x-content-type-options"] == "nosniff"
    assert (await community.put("ana", "closed", relabel(item, "TLP:AMBER"), event_type=ACT))[0] == 200
    text = ""
    for _ in range(240):  # the act is followed a moment later
        _, copy, _ = await copy_for(community, "dina", media_id)
        text = PdfReader(io.BytesIO(copy)).pages[0].extract_text()
        if "TLP:AMBER" in text:
            break
        await asyncio.sleep(0.5)
    assert text.count("TLP:AMBER") == text.count("Downloaded by Dina (") == text.count(community.id("dina")) == 2
    question = "SELECT user_id, label FROM belisha_download WHERE media_id = ? AND part = 'copy'"

    async def noted() -> bool:
        found = community.server.query(question, media_id)
        return found == [{"user_id": community.id("dina"), "label": "TLP:AMBER"}]

    await until(noted)  # and those below AMBER are not written down


async def test_copies_are_for_who_could_open_the_file(community: Community) -> None:
    media_id = await upload(community, "ana", drawn(pages=1), "tides.pdf")
    nothing = await copy_for(community, "emil", "n" * 24)
    assert nothing[0] == 404
    assert (await copy_for(community, "ana", media_id))[0] == 404, "shared nowhere, it has no label yet"
    item = await community.sent(message(community, media_id), "closed")
    assert (await copy_for(community, "ana", media_id))[0] == 200
    for name in ("emil", "finn", "@nobody:" + community.server.name):
        refused = await copy_for(community, name, media_id)
        assert refused[:2] == nothing[:2], name
    assert (await copy_for(community, "dina", media_id, "wrong"))[0] == 403
    assert (await copy_for(community, "dina", media_id, str(community["dina"].access_token)))[0] == 403
    assert (await copy_for(community, "steward", media_id))[0] == 400
    picture = await upload(community, "ana", png(3), "me.png", "image/png")
    await community["ana"].set_avatar(f"mxc://{community.server.name}/{picture}")
    assert (await copy_for(community, "dina", picture))[0] == 404
    await community["ana"].room_redact(community.rooms["closed"], item)
    assert (await copy_for(community, "dina", media_id))[:2] == nothing[:2]


async def test_what_cannot_be_stamped_comes_with_a_cover(community: Community) -> None:
    media_id = await upload(community, "ana", b"a,b\n1,2\n", "t\xe4bles.csv", "text/csv")
    await community.sent(message(community, media_id), "closed")
    status, copy, headers = await copy_for(community, "dina", media_id)
    assert (status, headers["content-type"]) == (200, "application/zip")
    assert headers["content-disposition"].endswith("filename*=UTF-8''TLP-AMBER%20t%C3%A4bles.csv.zip")
    with zipfile.ZipFile(io.BytesIO(copy)) as archive:
        assert archive.testzip() is None
        assert archive.read("t\xe4bles.csv") == b"a,b\n1,2\n"
        assert "Downloaded by Dina (" in archive.read("TLP-AMBER.txt").decode()


async def test_originals_stay_their_sources_and_copies_go_round(community: Community) -> None:
    """In a client's own viewer stands a sentence; who is not in the group sees what they see of any file."""
    community.rooms["library"] = await kept_to_sources(community, "dina")
    data = drawn(pages=1)
    media_id = await upload(community, "ana", data, "tides.pdf", "application/pdf")
    await community.sent(message(community, media_id), "library")
    assert (await fetch(community, "ana", media_id)).data == data
    for address in (DOWNLOAD, DOWNLOAD + "/tides.pdf", THUMBNAIL):
        for headers in ({}, {"If-None-Match": "1"}, {"Range": "bytes=0-9"}):
            got = await fetch(community, "dina", media_id, address, **headers)
            assert_refused(got.status, json.loads(got.data), "COPIES_ONLY", rule="F1")
            assert b"portal" in got.data and got.data.count(b"%PDF") == 0
            other = await fetch(community, "emil", media_id, address, **headers)
            none = await fetch(community, "emil", "n" * len(media_id), address, **headers)
            assert other.status == none.status == 404
            assert other.data.replace(media_id.encode(), b"n" * len(media_id)) == none.data
    status, copy, _ = await copy_for(community, "dina", media_id)
    assert status == 200 and copy.startswith(data)
    assert (await copy_for(community, "emil", media_id))[0] == 404
    # Shared in a group that keeps nothing back, it is open there, as it was shared by its source.
    await community.sent(message(community, media_id), "closed")
    assert (await fetch(community, "dina", media_id)).data == data
    assert (await copy_for(community, "emil", media_id))[0] == 404


async def test_nobody_gets_what_is_withdrawn_meanwhile(community: Community) -> None:
    """The decision is made anew when the copy is ready."""
    media_id = await upload(community, "ana", drawn(pages=900), "long.pdf")
    await community.sent(message(community, media_id), "closed")
    asking = asyncio.create_task(copy_for(community, "dina", media_id))
    await asyncio.sleep(0.3)
    assert (await community.server.local("POST", f"files/{media_id}/withdraw"))[0] == 200
    status, copy, _ = await asking
    assert (status, copy[:5]) in ((404, copy[:5]), (200, b"%PDF-")), "in time, or gone"
    assert (await copy_for(community, "dina", media_id))[0] == 404
    assert state_of(community, media_id) == "withdrawn"


async def test_how_a_file_begins_is_shown_to_who_may_have_a_copy(community: Community) -> None:
    """Small, with its label, kept nowhere; written down as what it is; gone with the message, and where files are."""
    community.rooms["shelf"] = room = await kept_to_sources(community, "dina")
    media_id = await upload(community, "ana", drawn(), "tides.pdf", "application/pdf")
    item = await community.sent(message(community, media_id), "shelf")

    async def seen(name: str, of: str = media_id, secret: str = "") -> tuple[int, bytes, Mapping[str, str]]:
        return await copy_for(community, name, of, secret, "preview")

    status, jpeg, headers = await seen("dina")
    assert status == 200
    picture = Image.open(io.BytesIO(jpeg))
    assert picture.format == "JPEG" and picture.width == 640 and picture.height > 900
    strip = picture.crop((picture.width // 2, 0, picture.width, 24)).getcolors(10**6) or ()
    assert any(red > 180 and 130 < green < 220 and blue < 60 for _, (red, green, blue) in strip), "TLP:AMBER"
    assert likest(picture, "Dina (Coastguard)", community.id("dina")) == SHOWN, "nobody has downloaded it"
    assert headers["content-type"] == "image/jpeg" and headers["content-disposition"] == "inline"
    assert headers["cache-control"] == "private, no-store" and headers["x-content-type-options"] == "nosniff"
    nothing = await seen("dina", "n" * 24)
    assert nothing[0] == 404
    for name in ("emil", "finn", "@nobody:" + community.server.name):
        assert (await seen(name))[:2] == nothing[:2], name
    assert (await seen("dina", secret="wrong"))[0] == 403
    question = "SELECT user_id, part, label FROM belisha_download WHERE media_id = ?"

    async def noted() -> bool:
        found = community.server.query(question, media_id)
        return found == [{"user_id": community.id("dina"), "part": "preview", "label": "TLP:AMBER"}]

    await until(noted)
    asked = {"user_id": community.id("ana"), "room_id": room, "event_id": item}
    told = await asked_of_portal(community, "document", asked)
    assert [(one["user_id"], one["part"]) for one in told["opened"]] == [(community.id("dina"), "preview")]
    assert told["document"]["previews"] is True
    # What is no picture has none, and whoever asks for that is no intruder.
    words = await upload(community, "ana", b"a,b\n1,2\n", "tables.pdf", "application/pdf")
    green = await upload(community, "ana", png(4), "quay.png", "image/png")
    broken = await upload(community, "ana", drawn()[:600], "half.pdf", "application/pdf")
    for other in (words, green, broken):
        await community.sent(message(community, other, "TLP:GREEN Tables"), "shelf")
    assert (await seen("dina", words))[:2] == (await seen("dina", broken))[:2] == nothing[:2]
    status, jpeg, _ = await seen("dina", green)
    assert (status, jpeg[:2]) == (200, b"\xff\xd8")
    assert (await copy_for(community, "dina", green))[0] == 200, "what comes later is written down later"
    assert community.server.query(question, green) == [], "below AMBER it is not written down"
    # A group that carries no files any more shows none; copies of those that are there can still be had.
    policy = f"rooms/{quote(room)}/policy"
    assert (await community.server.local("PUT", policy, {"media": "none"}))[0] == 200
    assert (await seen("dina"))[:2] == nothing[:2] and (await copy_for(community, "dina", media_id))[0] == 200
    assert (await asked_of_portal(community, "document", asked))["document"]["previews"] is False
    assert (await community.server.local("PUT", policy, {"media": "documents"}))[0] == 200
    assert (await seen("dina"))[0] == 200
    await community["ana"].room_redact(room, item)
    assert (await seen("dina"))[:2] == nothing[:2], "it goes with the message"


async def test_a_preview_that_takes_long_holds_up_no_copy(community: Community) -> None:
    """Not even of the same member: a page asks for it by itself."""
    out = io.BytesIO()
    Image.new("RGB", (8000, 8000)).save(out, "PNG", compress_level=1)
    large = await upload(community, "ana", out.getvalue(), "large.png", "image/png")
    small = await upload(community, "ana", b"a,b\n", "small.csv", "text/csv")
    for media_id in (large, small):
        await community.sent(message(community, media_id), "closed")
    # One after the other, as they take turns: the first alone might be there before the copy.
    asking = asyncio.gather(*(copy_for(community, "dina", large, made="preview") for _ in range(4)))
    await asyncio.sleep(0.3)
    assert (await copy_for(community, "dina", small))[0] == 200
    assert not asking.done()
    assert [status for status, *_ in await asking] == [200] * 4


async def listed(community: Community, name: str, words: str = "", **more: Any) -> dict[str, Any]:
    """What the library shows a member."""
    return await asked_of_portal(community, "documents", {"user_id": community.id(name), "words": words, **more})


async def asked_of_portal(community: Community, question: str, body: dict[str, Any]) -> dict[str, Any]:
    secret = (community.server.data / "secrets" / "portal_api").read_text().strip()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    path = f"/_synapse/client/org.belisha/v1/{question}"
    return json.loads((await ask(community, None, "POST", path, json.dumps(body).encode(), headers)).data)


async def test_the_library_shows_what_can_be_read_and_counts_nothing_else(community: Community) -> None:
    """What was shared before one came, where history begins with the invitation, is neither there nor counted."""
    history = {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "invited"}}
    _, made = await community.create("ana", {"preset": "private_chat", "initial_state": [history]})
    room = community.rooms["late"] = made["room_id"]
    for number in range(PAGE + 2):
        media_id = await upload(community, "ana", b"x%d" % number)
        content = message(community, media_id, f"early {number}.txt", filename=f"early {number}.txt")
        early = await community.sent(content, "late")
    path = f"/_matrix/client/v3/rooms/{quote(room)}/invite"
    assert (await request(community["ana"], "POST", path, {"user_id": community.id("dina")}))[0] == 200
    await community["dina"].join(room)
    media_id = await upload(community, "ana", b"late")
    late = await community.sent(message(community, media_id, "late.txt", filename="late.txt"), "late")
    found = await listed(community, "dina", room_id=room)
    assert [one["event_id"] for one in found["documents"]] == [late] and found["more"] is False
    assert (await listed(community, "dina", "early"))["documents"] == []
    gone = {"user_id": community.id("dina"), "room_id": room, "event_id": early}
    assert (await asked_of_portal(community, "document", gone))["errcode"] == "ORG.BELISHA.NOT_FOUND"
    own = await listed(community, "ana", room_id=room)
    assert len(own["documents"]) == PAGE and own["more"] is True
    rest = await listed(community, "ana", room_id=room, page=2)
    assert len(rest["documents"]) == 3 and rest["more"] is False
    # An edit that brings another file shows that one, and what an operator withdraws is gone.
    other = await upload(community, "ana", b"later")
    content = message(community, other, "later.txt", filename="later.txt")
    relates = {"rel_type": "m.replace", "event_id": late}
    await community.sent({**content, "m.new_content": content, "m.relates_to": relates}, "late")
    (one,) = (await listed(community, "dina", room_id=room))["documents"]
    assert (one["event_id"], one["media_id"], one["name"]) == (late, other, "later.txt")
    for file in (other, media_id):
        assert (await community.server.local("POST", f"files/{file}/withdraw"))[0] == 200
    assert (await listed(community, "dina", room_id=room)) == {"documents": [], "more": False, "label": None}
