"""What is inside a file counts like what stands in its message: the stricter wins, what cannot be read says so (L2)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from belisha.inside import SENTENCES, Reason
from tests.support.community import Community, assert_badges, assert_refused, label_of, origin_of
from tests.support.documents import archive, docxs, pdfs, texts
from tests.support.files import ask, message, mxc, png, scan_of, upload
from tests.support.ledger import relabel, rows, settled
from tests.support.sampling import sampled
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import edit, html, reply, text
from tests.synapse.test_files import WAYS, avatar
from tests.unit.test_inside import encrypted_pdf

pytestmark = pytest.mark.more

Json = dict[str, Any]
ENCRYPTED = f"(This file was not checked: {SENTENCES[Reason.ENCRYPTED]}.)"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone."""
    here = await make_community(tmp_path_factory.mktemp("inside") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def report(community: Community, label: str, who: str = "ana") -> str:
    """Uploads an office document with that label in its header."""
    return await upload(community, who, docxs(label)["header"], "report.docx")


#: The marker inside, the words beside it, where, the label, and what it comes from.
_STRICTER = (
    ("TLP:GREEN", "Tides", "closed", "TLP:GREEN", "file"),
    ("TLP:AMBER", "TLP:GREEN Tides", "closed", "TLP:AMBER", "file"),
    ("TLP:GREEN", "TLP:AMBER Tides", "closed", "TLP:AMBER", "text"),
    ("TLP:CLEAR", "Tides", "open", "TLP:CLEAR", "file"),
    ("TLP:AMBER+STRICT", "Tides", "strict", "TLP:AMBER+STRICT", "file"),
    ("TLP:RED", "Tides", "named", "TLP:RED", "file"),
    ("OFFICIAL-SENSITIVE", "Tides", "closed", "TLP:AMBER", "file"),
    ("Low water", "Tides", "closed", "TLP:AMBER", "room"),
    ("Low water", "TLP:GREEN Tides", "closed", "TLP:GREEN", "text"),
)


@pytest.mark.parametrize(("inside", "caption", "kind", "label", "by"), sampled(_STRICTER, _STRICTER[1::3]))
async def test_the_stricter_of_file_and_message_wins(
    community: Community, inside: str, caption: str, kind: str, label: str, by: str
) -> None:
    media_id = await report(community, inside)
    content = await community.told(message(community, media_id, caption, filename="report.docx"), kind)
    assert (label_of(content), origin_of(content)) == (label, by)
    assert_badges(content)
    assert "not checked" not in json.dumps(content)
    assert content["filename"] == "report.docx"


@pytest.mark.parametrize(
    ("inside", "kind"), [("TLP:AMBER", "open"), ("TLP:AMBER+STRICT", "closed"), ("TLP:RED", "strict")]
)
async def test_above_the_ceiling_it_is_refused(community: Community, inside: str, kind: str) -> None:
    """Whatever the message says, and in each format."""
    for data in (docxs(inside)["footer"], pdfs(inside)["header"], texts(inside)["first line"]):
        media_id = await upload(community, "ana", data)
        for caption in ("Tides", "TLP:CLEAR Tides"):
            status, body = await community.put("ana", kind, message(community, media_id, caption))
            assert_refused(status, body, "ABOVE_CEILING", rule="L3", label=inside)
            assert body["error"].startswith(f"The file is marked {inside}, and ")


@pytest.mark.parametrize("way", sampled(WAYS, tuple(WAYS)[::3]))
async def test_wherever_it_is_named(community: Community, way: str) -> None:
    media_id = await report(community, "TLP:RED")
    event_type = "m.sticker" if way == "sticker" else "m.room.message"
    status, body = await community.put("ana", "closed", WAYS[way](mxc(community, media_id)), event_type=event_type)
    assert_refused(status, body, "ABOVE_CEILING", rule="L3", label="TLP:RED")


async def test_forbidden_markings_stay_off_the_platform(community: Community) -> None:
    media_id = await report(community, "TOP SECRET")
    for kind in ("open", "closed", "named"):
        status, body = await community.put("ana", kind, message(community, media_id))
        assert_refused(status, body, "FORBIDDEN_MARKING", rule="L2")
    assert scan_of(community, media_id)["forbidden"] == "TOP SECRET"


@pytest.mark.parametrize(
    ("kind", "label"), [("open", "TLP:GREEN"), ("closed", "TLP:AMBER"), ("named", "TLP:RED"), ("service", None)]
)
async def test_what_cannot_be_read_takes_the_ceiling_and_says_so(
    community: Community, kind: str, label: str | None
) -> None:
    media_id = await upload(community, "ana", encrypted_pdf("secret"), "report.pdf")
    content = await community.told(message(community, media_id, "TLP:CLEAR Tides", filename="report.pdf"), kind)
    assert (label_of(content), origin_of(content)) == (label or "TLP:AMBER+STRICT", "file")
    assert content["body"].endswith(f"Tides\n{ENCRYPTED}")
    assert content["filename"] == "report.pdf"
    assert_badges(content)


async def test_the_note_is_the_servers_alone(community: Community) -> None:
    """It stands there once, in each text that clients show, whatever a client sends or brings back in an edit."""
    media_id = await upload(community, "ana", encrypted_pdf("secret"), "report.pdf")
    caption = {**html("Tides", "<b>Tides</b>"), **message(community, media_id, "Tides"), "filename": "report.pdf"}
    item = await community.sent(caption, "closed")
    shown = await community.read(item, "closed")
    assert shown["formatted_body"].endswith(f"<b>Tides</b><br>{ENCRYPTED}")
    brought_back = {key: value for key, value in shown.items() if key != "org.belisha.tlp"}
    edited = await community.told(edit(item, brought_back), "closed")
    for part in (edited, edited["m.new_content"]):
        assert part["body"].count(ENCRYPTED) == part["formatted_body"].count(ENCRYPTED) == 1
        assert part["body"].endswith(f"\n{ENCRYPTED}")
    imitated = await community.told(text(f"Tides\n{ENCRYPTED}\n{ENCRYPTED}"), "closed")
    assert imitated["body"] == "[TLP:AMBER] Tides"
    # It hides no marker on the last line before it.
    marked = {**caption, "body": f"Tides\nTLP:RED\n{ENCRYPTED}"}
    status, body = await community.put("ana", "closed", marked)
    assert_refused(status, body, "ABOVE_CEILING", rule="L3", label="TLP:RED")
    bare = await community.told(message(community, media_id, "report.pdf"), "closed")
    assert (bare["filename"], bare["body"]) == ("report.pdf", f"[TLP:AMBER] report.pdf\n{ENCRYPTED}")


async def test_a_long_caption_loses_its_badge_before_the_note(community: Community) -> None:
    media_id = await upload(community, "ana", encrypted_pdf("secret"), "report.pdf")

    async def shown(length: int) -> str:
        content = await community.told(message(community, media_id, "x" * length, filename="r.pdf"), "closed")
        assert label_of(content) == "TLP:AMBER"
        return str(content["body"])

    noted, bare = 20_000, 64_300
    assert (await shown(noted)).startswith("[TLP:AMBER]")
    assert await shown(bare) == "x" * bare
    while bare - noted > 1:
        length = (noted + bare) // 2
        noted, bare = (length, bare) if (await shown(length)).endswith(ENCRYPTED) else (noted, length)
    assert (await shown(noted)).startswith("xxx"), "the longest that has the note has no badge"


async def test_pictures_take_the_label_of_their_message(community: Community) -> None:
    for caption, label in (("TLP:GREEN Quay", "TLP:GREEN"), ("Quay", "TLP:AMBER")):
        media_id = await upload(community, "ana", png(1), "quay.png", "image/png")
        content = await community.told(message(community, media_id, caption, msgtype="m.image"), "closed")
        assert label_of(content) == label
        assert "not checked" not in content["body"]
    both = await upload(community, "ana", png(1) + archive({"a.txt": b"TLP:RED"}), "quay.png", "image/png")
    content = await community.told(message(community, both, "TLP:GREEN Quay", msgtype="m.image"), "closed")
    assert label_of(content) == "TLP:AMBER"
    assert content["body"].endswith(f"({'This file was not checked'}: {SENTENCES[Reason.TWO_KINDS]}.)")


async def test_it_keeps_its_label_wherever_it_is_named_again(community: Community) -> None:
    media_id = await report(community, "TLP:AMBER")
    item = await community.sent(message(community, media_id), "closed")
    for name in ("ana", "dina"):
        content = await community.told(message(community, media_id, "TLP:CLEAR Tides"), "closed", by=name)
        assert label_of(content) == "TLP:AMBER"
        status, body = await community.put(name, "closed", text("x", info={"thumbnail_url": mxc(community, media_id)}))
        assert status == 200, body
    status, body = await community.put("ana", "open", message(community, media_id))
    assert_refused(status, body, "ABOVE_CEILING", label="TLP:AMBER")
    answer = await community.told({**message(community, media_id, "TLP:GREEN x"), **reply(item)}, "closed")
    assert label_of(answer) == "TLP:AMBER"


async def test_what_others_shared_says_so(community: Community) -> None:
    media_id = await report(community, "Low water")
    await community.sent(message(community, media_id, "TLP:AMBER x"), "closed")
    status, body = await community.put("dina", "open", message(community, media_id, "x"))
    assert_refused(status, body, "ABOVE_CEILING", rule="L3", label="TLP:AMBER")
    assert body["error"].startswith("The file was shared as TLP:AMBER, and ")


async def test_a_stricter_file_in_an_edit_raises_the_item(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tides"), "closed")
    new = message(community, await report(community, "TLP:AMBER"), "Tides")
    await community.sent(edit(item, new), "closed")
    await settled(community, item)
    assert rows(community)[item]["label"] == "TLP:AMBER"
    red = message(community, await report(community, "TLP:RED"), "Tides")
    status, body = await community.put("ana", "closed", edit(item, red))
    assert_refused(status, body, "ABOVE_CEILING", rule="L3", label="TLP:RED")


async def test_what_was_lowered_is_not_raised_by_an_edit(community: Community) -> None:
    """The source has decided about the marker that the file has (L4); another file is another matter."""
    for data in (docxs("TLP:AMBER")["header"], encrypted_pdf("secret")):
        media_id = await upload(community, "ana", data)
        content = message(community, media_id, "Tides", filename="report")
        item = await community.sent(content, "closed")
        act = relabel(item, "TLP:GREEN")
        assert (await community.put("ana", "closed", act, event_type="org.belisha.relabel"))[0] == 200
        await settled(community, item)
        edited = await community.told(edit(item, {**content, "body": "Low tides"}), "closed")
        assert label_of(edited) == "TLP:GREEN"
        assert ("not checked" in edited["body"]) == (data[:4] == b"%PDF")
        other = await report(community, "TLP:AMBER")
        await community.sent(edit(item, message(community, other, "Tides")), "closed")
        await settled(community, item)
        assert rows(community)[item]["label"] == "TLP:AMBER"


async def test_pictures_of_members_and_rooms_are_nothing_else_besides(community: Community) -> None:
    tiff = b"II*\0" + bytes(200)
    for data in (png(2) + docxs("TLP:RED")["header"], b"GIF89a" + pdfs("TLP:RED")["header"], tiff):
        media_id = await upload(community, "dina", data, "me.png", "image/png")
        status, body = await avatar(community, "dina", media_id)
        assert_refused(status, body, "NOT_CHECKED", rule="R3")
        status, body = await community.state("ana", "closed", "m.room.avatar", {"url": mxc(community, media_id)})
        assert status == 403, body
    media_id = await upload(community, "dina", png(3), "me.png", "image/png")
    assert (await avatar(community, "dina", media_id))[0] == 200


async def test_a_file_that_comes_after_its_address(community: Community) -> None:
    status, made = await request(community["ana"], "POST", "/_matrix/media/v1/create")
    assert status == 200
    media_id = made["content_uri"].rpartition("/")[2]
    status, body = await community.put("ana", "closed", message(community, media_id))
    assert_refused(status, body, "FILE_NOT_READY", rule="F1")
    path = f"/_matrix/media/v3/upload/{community.server.name}/{media_id}"
    assert (await ask(community, "ana", "PUT", path, docxs("TLP:RED")["title"])).status == 200
    status, body = await community.put("ana", "closed", message(community, media_id))
    assert_refused(status, body, "ABOVE_CEILING", rule="L3", label="TLP:RED")


async def test_what_would_be_decided_says_it(community: Community) -> None:
    media_id = await report(community, "TLP:RED")
    asked = {"room_id": community.rooms["closed"], "content": message(community, media_id)}
    path = "/_synapse/client/org.belisha/v1/explain"
    status, body = await request(community["ana"], "POST", path, {**asked, "type": "m.room.message"})
    assert (status, body["allowed"], body["org.belisha.label"]) == (200, False, "TLP:RED"), body
    assert body["error"].startswith("The file is marked TLP:RED")
