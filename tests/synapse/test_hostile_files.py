"""Files that are made never to end: they are read within limits, and Synapse answers meanwhile (L2, X1)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from belisha.inside import Reason
from bench.scan import HOSTILE
from synapse_modules.scan.box import Bounds
from tests.support.community import Community, label_of
from tests.support.documents import docxs
from tests.support.files import message, png, scan_of, upload
from tests.support.patience import until
from tests.support.server import ended
from tests.support.settled import make_community
from tests.synapse.samples import text
from tests.unit.test_inside import encrypted_pdf

#: The most that Synapse itself may grow by while others' files are read beside it, in KiB.
GROWS_BY = 150 * 1024
QUICK = {
    "zip_bomb": Reason.TOO_LARGE,
    "billion_laughs": Reason.BROKEN,
    "pages10000": Reason.TOO_LARGE,
    "pdf_bomb": None,
}
SLOW = {"slow_page": None, "endless_pdf": None}


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone."""
    here = await make_community(tmp_path_factory.mktemp("hostile") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


def processes() -> Iterator[tuple[int, int, str]]:
    """Every process: its id, its parent's, its command line."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status, line = (folder / "status").read_text(), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        parent = re.search(r"PPid:\s+(\d+)", status)
        yield int(folder.name), int(parent[1]) if parent else 0, line.replace(b"\0", b" ").decode(errors="replace")


def readers_of(community: Community) -> list[int]:
    """The processes that read a file at this moment for this server."""
    known = list(processes())
    ours = {each.pid for each in community.server._running.values()}
    serving = {pid for pid, parent, line in known if parent in ours and "synapse_modules.scan --serve" in line}
    return [pid for pid, parent, _ in known if parent in serving]


def kib(pid: int, what: str) -> int:
    """A figure of a process's memory; 0 where it has ended."""
    try:
        found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


async def survived(community: Community, files: dict[str, bytes]) -> dict[str, str]:
    """Uploads all at once, by two members, while a third writes; the files' ids, each of which has been read."""
    before = {each.pid: kib(each.pid, "VmRSS") for each in community.server._running.values()}
    uploads = [
        asyncio.create_task(upload(community, "ana" if number % 2 else "dina", data))
        for number, data in enumerate(files.values())
    ]
    largest = answered = 0
    async with aiohttp.ClientSession() as session:
        while not all(each.done() for each in uploads):
            async with session.get(f"{community.server.url}/_matrix/client/versions") as answer:
                assert answer.status == 200
            await community.sent(text("Meanwhile"), "closed", by="ben")
            answered += 1
            for pid in readers_of(community):
                largest = max(largest, kib(pid, "VmPeak"))
            await asyncio.sleep(0.1)
    found = dict(zip(files, await asyncio.gather(*uploads), strict=True))
    assert answered > 0
    assert largest <= Bounds().memory / 1024
    for pid, used in before.items():
        assert kib(pid, "VmRSS") < used + GROWS_BY, "it was read in Synapse"

    async def is_none_left() -> bool:
        return not readers_of(community)

    await until(is_none_left)
    return found


@pytest.mark.full
async def test_they_are_survived(community: Community) -> None:
    made = {name: HOSTILE[name]() for name in QUICK}
    made |= {"encrypted": encrypted_pdf("secret"), "polyglot": png() + docxs("TLP:RED")["header"]}
    found = await survived(community, made)
    expected = {**QUICK, "encrypted": Reason.ENCRYPTED, "polyglot": Reason.TWO_KINDS}
    for number, (name, media_id) in enumerate(found.items()):
        reason = scan_of(community, media_id)["not_checked"]
        assert reason is not None and reason == (expected[name] or reason), name
        by = "ana" if number % 2 else "dina"
        content = await community.told(message(community, media_id, "Tides", filename="x"), "closed", by=by)
        assert label_of(content) == "TLP:AMBER"
        assert "This file was not checked" in content["body"], name
    # And the next one is read as ever.
    media_id = await upload(community, "ana", docxs("TLP:GREEN")["header"])
    assert label_of(await community.told(message(community, media_id), "closed")) == "TLP:GREEN"


@pytest.mark.full
async def test_what_no_limit_ends_is_killed(community: Community) -> None:
    """Nothing is looked at within such a page: the process ends by its own limits, and a member's next file waits."""
    found = await survived(community, {name: HOSTILE[name]() for name in SLOW})
    for media_id in found.values():
        reason = scan_of(community, media_id)["not_checked"]
        assert reason in (Reason.TOO_SLOW, Reason.BROKEN, Reason.TOO_LARGE, Reason.PICTURES_ONLY)
