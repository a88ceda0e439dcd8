"""Pictures of members and rooms: drawn anew before others see them, so silent of where they were taken (F1)."""

from __future__ import annotations

import asyncio
import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.support.community import Community, assert_refused
from tests.support.files import THUMBNAIL, fetch, message, mxc, png, state_of, upload
from tests.support.patience import until
from tests.support.pictures import SECRETS, photo
from tests.synapse.test_files import avatar

SIZES = [THUMBNAIL, *(THUMBNAIL.replace("=32", f"={size}").replace("crop", "scale") for size in (96, 640))]


def row(community: Community, media_id: str) -> tuple[str, int, str]:
    (found,) = community.server.query(
        "SELECT media_type, media_length, sha256 FROM local_media_repository WHERE media_id = ?", media_id
    )
    return found["media_type"], found["media_length"], found["sha256"]


def portrait_of(community: Community, media_id: str) -> int:
    (found,) = community.server.query("SELECT portrait FROM belisha_file WHERE media_id = ?", media_id)
    return int(found["portrait"])


def on_disk(community: Community, media_id: str) -> list[Path]:
    """A file and its thumbnails."""
    store = community.server.data / "media"
    parts = Path(media_id[:2], media_id[2:4], media_id[4:])
    thumbnails = (store / "local_thumbnails" / parts).rglob("*")
    return [store / "local_content" / parts, *(path for path in thumbnails if path.is_file())]


async def assert_bare(community: Community, media_id: str, *names: str) -> None:
    """Whoever opens it, and whatever lies on the disk, says nothing but what is seen."""
    first = await fetch(community, names[0], media_id)
    picture = Image.open(io.BytesIO(first.data))
    assert first.status == 200 and max(picture.size) == 512 and not picture.getexif()
    kind, length, digest = row(community, media_id)
    assert (first.headers["content-type"], len(first.data)) == (kind, length)
    assert hashlib.sha256(first.data).hexdigest() == digest
    for who in names:
        assert (await fetch(community, who, media_id)).data == first.data
        for address in SIZES:
            got = await fetch(community, who, media_id, address)
            assert got.status == 200 and not [one for one in SECRETS if one in got.data], address
            assert max(Image.open(io.BytesIO(got.data)).size) <= 512, address
    lying = on_disk(community, media_id)
    assert len(lying) > 3 and not [path for path in lying for one in SECRETS if one in path.read_bytes()]
    assert "portrait" not in {path.name for path in lying}


async def test_a_photo_as_ones_picture_says_nothing_of_where_it_was_taken(community: Community) -> None:
    data = photo()
    media_id = await upload(community, "dina", data, "me.jpg", "image/jpeg")
    assert (await fetch(community, "dina", media_id)).data == data, "until then it is the uploader's, as it was"
    assert (await avatar(community, "dina", media_id))[0] == 200
    assert state_of(community, media_id) == "avatar"
    await assert_bare(community, media_id, "emil", "dina")
    assert (await avatar(community, "dina", media_id))[0] == 200, "shown again it is not drawn again"


async def test_so_does_that_of_a_room_and_what_is_shared_stays_as_it_is(community: Community) -> None:
    data = photo()
    media_id = await upload(community, "ana", data, "x.jpg", "image/jpeg")
    assert (await community.state("ana", "closed", "m.room.avatar", {"url": mxc(community, media_id)}))[0] == 200
    await assert_bare(community, media_id, "emil")
    shared = await upload(community, "ana", data, "x.jpg", "image/jpeg")
    await community.sent(message(community, shared, msgtype="m.image"), "closed")
    assert (await fetch(community, "dina", shared)).data == data, "evidence is nobody's to change"
    assert row(community, shared)[2] == hashlib.sha256(data).hexdigest()


async def test_what_cannot_be_drawn_is_refused_and_stays_its_uploaders(community: Community) -> None:
    broken = png(9)[:60] + bytes(400)
    media_id = await upload(community, "dina", broken, "me.png", "image/png")
    for _ in range(2):
        assert_refused(*await avatar(community, "dina", media_id), "NOT_CHECKED", rule="R3")
    assert state_of(community, media_id) == "pending"
    assert (await fetch(community, "dina", media_id)).data == broken
    assert (await fetch(community, "emil", media_id)).status == 404
    good = await upload(community, "dina", png(10), "me.png", "image/png")
    assert (await avatar(community, "dina", good))[0] == 200, "the next one is drawn"


@pytest.mark.parametrize("state", ["pending", "avatar"])
async def test_what_a_kill_cut_short_and_what_was_shown_before_are_drawn_by_themselves(
    community: Community, state: str
) -> None:
    """As they are after kill -9 behind the wish for it, and after an upgrade: closed until they are drawn."""
    data = photo()
    media_id = await upload(community, "dina", data, "me.jpg", "image/jpeg")
    community.server.change("UPDATE belisha_file SET state = ?, portrait = 0 WHERE media_id = ?", state, media_id)
    assert (await fetch(community, "emil", media_id)).status == 404
    community.server.change("UPDATE belisha_file SET portrait = 1 WHERE media_id = ?", media_id)

    async def is_drawn() -> bool:
        return portrait_of(community, media_id) == 2

    await until(is_drawn)
    assert (await fetch(community, "emil", media_id)).status == (404 if state == "pending" else 200)
    await assert_bare(community, media_id, "dina")


async def test_two_who_show_a_picture_at_once_have_it_drawn_once(community: Community) -> None:
    media_id = await upload(community, "dina", photo(), "me.jpg", "image/jpeg")
    for _ in range(3):
        answers = await asyncio.gather(*(avatar(community, "dina", media_id) for _ in range(6)))
        assert [status for status, _ in answers] == [200] * 6
    await assert_bare(community, media_id, "emil")
