"""A file that has not been read yet is nobody's to share, and is read later, whatever is killed meanwhile (F1, L2)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, label_of
from tests.support.documents import docxs
from tests.support.files import ask, fetch, message, mxc, png, scan_of, state_of, upload
from tests.support.patience import until
from tests.support.server import ended
from tests.support.settled import make_community
from tests.synapse.samples import text
from tests.synapse.test_files import avatar
from tests.synapse.unread import NO_READER, SLOW_READER

pytestmark = pytest.mark.more

LATER_S = 240.0


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community whose reader of files can be made to fail, or to take long."""
    folder = tmp_path_factory.mktemp("unread") / "data"
    here = await make_community(folder, module="tests.synapse.unread.Unread")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


@contextlib.contextmanager
def while_there(community: Community, name: Path, content: str = "") -> Iterator[Path]:
    """Puts one of the files into the data folder, and takes it away."""
    path = community.server.data / name
    path.write_text(content)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


async def assert_not_ready(community: Community, media_id: str) -> None:
    """It is in no message, in no form, and opens to nobody but its uploader."""
    for content in (message(community, media_id), text("x", info={"thumbnail_url": mxc(community, media_id)})):
        status, body = await community.put("ana", "closed", content)
        assert_refused(status, body, "FILE_NOT_READY", rule="F1")
        assert "send it again" in body["error"]
    assert state_of(community, media_id) == "pending"
    assert (await fetch(community, "dina", media_id)).status == 404


async def assert_read_later(community: Community, media_id: str, label: str = "TLP:GREEN") -> None:
    """It becomes ready by itself, and the same message is accepted."""

    async def is_read() -> bool:
        return bool(scan_of(community, media_id)["done"])

    await until(is_read, LATER_S)
    assert label_of(await community.told(message(community, media_id), "closed")) == label
    assert (await fetch(community, "dina", media_id)).status == 200


@pytest.mark.full
async def test_without_a_reader_an_upload_waits(community: Community) -> None:
    data = docxs("TLP:GREEN")["header"]
    with while_there(community, NO_READER):
        media_id = await upload(community, "ana", data, read=False)
        status, made = 200, json.loads((await ask(community, "ana", "POST", "/_matrix/media/v1/create")).data)
        later = made["content_uri"].rpartition("/")[2]
        path = f"/_matrix/media/v3/upload/{community.server.name}/{later}"
        assert (await ask(community, "ana", "PUT", path, data)).status == status
        picture = await upload(community, "ana", png(), "x.png", "image/png", read=False)
        status, body = await avatar(community, "ana", picture)
        assert_refused(status, body, "FILE_NOT_READY", rule="F1")
        for one in (media_id, later):
            await assert_not_ready(community, one)
    for one in (media_id, later):
        await assert_read_later(community, one)


async def test_files_from_before_are_read_later(community: Community) -> None:
    """What is shared stays open; shared anew it waits, and whoever asks for it has it read first."""
    media_id = await upload(community, "ana", docxs("TLP:GREEN")["header"])
    await community.sent(message(community, media_id), "closed")
    others = [await upload(community, "ana", f"Tides {n}".encode()) for n in range(3)]
    with while_there(community, NO_READER):
        community.server.change(
            "UPDATE belisha_file SET arrival = 0, scanned = NULL, inside = NULL, arrived = arrived - 1000"
            " WHERE media_id = ?",
            media_id,
        )
        for other in others:
            community.server.change("UPDATE belisha_file SET scanned = NULL WHERE media_id = ?", other)
        assert (await fetch(community, "dina", media_id)).status == 200
        status, body = await community.put("dina", "open", message(community, media_id))
        assert_refused(status, body, "FILE_NOT_READY", rule="F1")
        (first, *_) = community.server.query(
            "SELECT media_id FROM belisha_file WHERE scanned IS NULL ORDER BY wanted DESC, arrived DESC"
        )
        assert first["media_id"] == media_id
    await assert_read_later(community, media_id)


async def test_a_withdrawn_file_is_not_read(community: Community) -> None:
    with while_there(community, NO_READER):
        media_id = await upload(community, "ana", b"TLP:GREEN", read=False)
        assert (await community.server.local("POST", f"files/{media_id}/withdraw"))[0] == 200
    next_one = await upload(community, "ana", b"TLP:GREEN")
    await assert_read_later(community, next_one)
    assert not scan_of(community, media_id)["done"]
    status, body = await community.put("ana", "closed", message(community, media_id))
    assert status == 403, body


async def test_an_upload_waits_for_slow_reading_for_a_while(community: Community) -> None:
    """Synapse answers meanwhile; one member's slow files leave a turn for others."""
    with while_there(community, SLOW_READER, "0.5"):
        mine = await asyncio.gather(*(upload(community, "ana", b"TLP:GREEN %d" % n, read=False) for n in range(3)))
        for media_id in mine:
            await assert_not_ready(community, media_id)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{community.server.url}/_matrix/client/versions") as answer,
        ):
            assert answer.status == 200
        await community.sent(text("Meanwhile"), "closed")
    for media_id in mine:
        await assert_read_later(community, media_id)


async def test_a_file_that_is_gone_keeps_no_other_waiting(community: Community) -> None:
    """Its bytes were lost behind Synapse's back: it counts as not checked, and the next ones are read."""
    with while_there(community, NO_READER):
        lost = await upload(community, "ana", b"TLP:GREEN", read=False)
        (community.server.data / "media" / "local_content" / lost[:2] / lost[2:4] / lost[4:]).unlink()
        other = await upload(community, "ana", b"TLP:GREEN", read=False)
    await assert_read_later(community, other)

    async def is_known() -> bool:
        return scan_of(community, lost)["not_checked"] == "broken"

    await until(is_known, LATER_S)


@pytest.mark.parametrize("wait", ["0.3", "600"])
async def test_killed_while_a_file_is_read(community: Community, wait: str) -> None:
    """kill -9 behind the answer to an upload, or before it: nothing is half shared, and what was taken in is read."""
    with while_there(community, SLOW_READER, wait):
        before = unread(community)
        uploading = asyncio.create_task(upload(community, "ana", docxs("TLP:GREEN")["header"], "x.docx", read=False))
        taken_in = (await until(lambda: _new(community, before), LATER_S)).pop()
        media_id = await uploading if wait == "0.3" else ""
        if media_id:
            await assert_not_ready(community, media_id)
        community.server.kill()
        if not media_id:
            with pytest.raises((aiohttp.ClientError, AssertionError)):
                await uploading
    await community.server.start()
    if media_id:
        await assert_read_later(community, media_id)
        return
    # Synapse never came to know of the file, so it is nobody's, and what is left over is not read.
    for who in ("ana", "dina"):
        status, body = await community.put(who, "closed", message(community, taken_in))
        assert_refused(status, body, "FILE_NOT_YOURS", rule="F1")
        assert (await fetch(community, who, taken_in)).status == 404
    await assert_read_later(community, await upload(community, "ana", docxs("TLP:GREEN")["header"]))
    assert taken_in in unread(community)


def unread(community: Community) -> set[str]:
    """What has arrived and was not read."""
    found = community.server.query("SELECT media_id FROM belisha_file WHERE scanned IS NULL AND state = 'pending'")
    return {row["media_id"] for row in found}


async def _new(community: Community, before: set[str]) -> set[str]:
    return unread(community) - before


async def test_killed_while_a_late_file_is_read(community: Community) -> None:
    """The same of an upload to an address that was given before."""
    made = json.loads((await ask(community, "ana", "POST", "/_matrix/media/v1/create")).data)
    media_id = made["content_uri"].rpartition("/")[2]
    path = f"/_matrix/media/v3/upload/{community.server.name}/{media_id}"
    with while_there(community, SLOW_READER, "600"):
        uploading = asyncio.create_task(ask(community, "ana", "PUT", path, docxs("TLP:RED")["header"]))
        await until(lambda: _has_arrived(community, media_id), LATER_S)
        community.server.kill()
        with pytest.raises(aiohttp.ClientError):
            await uploading
    await community.server.start()
    await assert_not_ready(community, media_id)


async def _has_arrived(community: Community, media_id: str) -> bool:
    return media_id in unread(community)
