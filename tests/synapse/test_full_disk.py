"""The media store takes no more: nothing is half shared, nothing is left of what failed, and it goes on (F1, X1).

A limit of the media worker's own files stands in for the disk: the write fails amid the file, as on a full one.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.community import FAST, Community, assert_refused, started
from tests.support.files import ask, fetch, message, state_of, upload
from tests.support.workers import Workers

#: `make test` has a full disk in `test_files.py`.
pytestmark = [pytest.mark.full, pytest.mark.nightly]
#: Below what Twisted keeps in memory of a request, above what is left of the disk.
SIZE, LEFT = 90_000, 60_000
UPLOAD = "/_matrix/media/v3/upload?filename=tides.txt"
TEXT = {"Content-Type": "text/plain"}


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone, with a process for files and PostgreSQL: only files meet the limit."""
    server = Workers(tmp_path_factory.mktemp("full") / "data", overrides=FAST)
    async with started(server) as here:
        yield here


@contextlib.contextmanager
def no_space(community: Community) -> Iterator[None]:
    """Until it is left, no file of the media worker gets longer than `LEFT` bytes."""
    pid = community.server._running["media"].pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (LEFT, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def kept(community: Community) -> set[str]:
    """The files of the media store, by their paths."""
    store = community.server.data / "media"
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()}


async def test_an_upload_that_does_not_fit_leaves_nothing(community: Community) -> None:
    held = await upload(community, "ana", b"TLP:AMBER Tides")
    sent = await community.sent(message(community, held), "closed")
    before, rows = kept(community), community.server.query("SELECT media_id FROM belisha_file")
    with no_space(community):
        got = await ask(community, "ana", "POST", UPLOAD, b"x" * SIZE, TEXT)
        assert got.status >= 500, got
        assert kept(community) == before
        assert community.server.query("SELECT media_id FROM belisha_file") == rows
        assert (await fetch(community, "dina", held)).data == b"TLP:AMBER Tides", "what is there stays open"
    assert await upload(community, "ana", b"x" * SIZE) != held, "it goes on when there is room"
    assert sent


async def test_what_was_announced_comes_when_there_is_room(community: Community) -> None:
    """Create, send, upload: the file is nobody's before its bytes are whole."""
    created = await ask(community, "ana", "POST", "/_matrix/media/v1/create")
    media_id = created.data.decode().rpartition('"content_uri":"')[2].partition('"')[0].rpartition("/")[2]
    path = f"/_matrix/media/v3/upload/{{server}}/{media_id}?filename=tides.txt"
    before = kept(community)
    with no_space(community):
        assert (await ask(community, "ana", "PUT", path, b"x" * SIZE, TEXT)).status >= 500
        assert kept(community) == before and state_of(community, media_id) in (None, "pending")
        assert_refused(*await community.put("ana", "closed", message(community, media_id)), "FILE_NOT_READY", rule="F1")
    assert (await ask(community, "ana", "PUT", path, b"y" * SIZE, TEXT)).status == 200
    assert await community.sent(message(community, media_id), "closed")
    assert (await fetch(community, "dina", media_id)).data == b"y" * SIZE
