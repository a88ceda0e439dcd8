"""Pictures of bots: uploaded once and sent once, whatever Synapse answers meanwhile; nothing else waits for them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bots.charts.artist import Artist, NotDrawn, clear, size_of
from bots.charts.bars import Bar, Bars
from bots.kernel.effects import EFFECT, Effect, Picture, Redact, Send, Sent
from bots.kernel.store import Store
from tests.bots.support import ROOM, Homeserver, Json, images
from tests.bots.test_sending import done
from tests.support.patience import wait_until
from tests.support.server import ROOT

pytestmark = pytest.mark.more

CHART = Bars("When?", "“Monday” has the most votes: 2 of 3.", (Bar("Monday", 2, "2", leads=True), Bar("-", 1, "1")), 3)
CONTENT = {"body": "Monday: 2", "filename": "poll.png"}


@pytest.fixture
def failing(drawings: list[Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The first drawing fails."""
    draw = Artist.draw

    async def fail(artist: Artist, chart: Any) -> bytes:
        drawn = await draw(artist, chart)
        if len(drawings) == 1:
            raise NotDrawn("a chart took too long to draw")
        return drawn

    monkeypatch.setattr(Artist, "draw", fail)
    return drawings


def picture(**more: Any) -> Picture:
    return Picture(CHART.as_json(), CONTENT, **more)


def not_ready(homeserver: Homeserver, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Refuses so many images, as Synapse does while their files are looked at."""
    send, left = homeserver._send, times

    async def refuse(path: str, kind: str, content: Json, device: str | None) -> web.Response:
        nonlocal left
        if content.get("msgtype") == "m.image" and left:
            left -= 1
            return web.json_response({"errcode": "ORG.BELISHA.FILE_NOT_READY", "error": "Not yet."}, status=403)
        return await send(path, kind, content, device)

    monkeypatch.setattr(homeserver, "_send", refuse)


async def test_it_is_drawn_by_a_process_and_sent_as_an_image(store: Store, homeserver: Homeserver) -> None:
    assert await done(store, homeserver, picture()) == [("sent", None)]
    ((address, (png,)),) = homeserver.files.items()
    (image,) = images(homeserver)
    width, height = size_of(png)
    assert image == {
        "msgtype": "m.image",
        "body": "Monday: 2",
        "filename": "poll.png",
        "url": address,
        "info": {"mimetype": "image/png", "size": len(png), "w": width, "h": height},
        EFFECT: next(iter(homeserver.sent)),
    }
    assert next(iter(homeserver.sent.values()))[0] == ROOM


async def test_until_its_file_is_looked_at_only_the_picture_waits(
    store: Store, homeserver: Homeserver, drawings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    not_ready(homeserver, monkeypatch, 5)  # more often than what fails by its own fault is tried
    first: list[Effect] = [picture(), Send({"body": "not held up"})]
    assert await done(store, homeserver, *first) == [("sent", None)] * 2
    assert len(images(homeserver)) == 1 and len(drawings) == 1
    assert [len(brought) for brought in homeserver.files.values()] == [1], "and it is not uploaded again"


@pytest.mark.parametrize("brought", [True, False])
async def test_what_a_kill_cut_short_goes_on_with_the_same_file(
    store: Store, homeserver: Homeserver, drawings: list[Any], monkeypatch: pytest.MonkeyPatch, brought: bool
) -> None:
    """Cut short behind the upload and before it is written down, or before the upload."""
    real, asked = homeserver._of_files, 0

    async def cut(path: str, request: Any) -> tuple[int, Json]:
        nonlocal asked
        asked += not path.endswith("/create")
        if not path.endswith("/create") and asked == 1:
            if brought:
                await real(path, request)
            return 502, {}
        return await real(path, request)

    monkeypatch.setattr(homeserver, "_of_files", cut)
    assert await done(store, homeserver, picture()) == [("sent", None)]
    assert [len(brought) for brought in homeserver.files.values()] == [1]
    assert len(images(homeserver)) == 1


async def test_an_address_that_synapse_has_given_up_is_asked_for_anew(
    store: Store, homeserver: Homeserver, drawings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = homeserver._of_files, []

    async def forget(path: str, request: Any) -> tuple[int, Json]:
        if path.endswith("/file0"):
            refused.append(path)
            return 404, {"errcode": "M_NOT_FOUND", "error": "given up"}
        return await real(path, request)

    monkeypatch.setattr(homeserver, "_of_files", forget)
    assert await done(store, homeserver, picture()) == [("sent", None)]
    assert len(refused) == 1 and images(homeserver)[0]["url"].endswith("/file1")


async def test_behind_what_was_never_said_there_is_none(
    store: Store, homeserver: Homeserver, drawings: list[Any]
) -> None:
    homeserver.errors = [(403, {"errcode": "M_FORBIDDEN", "error": "no"})]
    ended = await done(store, homeserver, Send({"body": "refused"}), picture(after=Sent(0)))
    assert ended == [("failed", "403 M_FORBIDDEN"), ("failed", "What it refers to was never sent.")]
    assert not homeserver.files and not drawings


async def test_it_is_taken_back_behind_itself(
    store: Store, homeserver: Homeserver, drawings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    not_ready(homeserver, monkeypatch, 2)
    effects = (picture(once="p"), Redact(Sent(0), of_picture=True))
    assert await done(store, homeserver, *effects) == [("sent", None)] * 2
    kinds = [kind for kind, _ in homeserver.done]
    assert kinds == ["send", "redact"]


async def test_what_cannot_be_drawn_at_first_is_drawn_again(
    store: Store, homeserver: Homeserver, failing: list[Any]
) -> None:
    assert await done(store, homeserver, picture()) == [("sent", None)]
    assert len(failing) == 2


async def test_what_hangs_or_is_no_chart_is_ended() -> None:
    with pytest.raises(NotDrawn, match="too long"):
        await Artist(longest=0.0).draw(CHART.as_json())
    with pytest.raises(NotDrawn, match="ended with 1"):
        await Artist().draw({"title": "no bars"})


def test_what_a_kill_leaves_is_taken_away_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    draws = "import asyncio, json, sys; from bots.charts.artist import Artist;"
    draws += "asyncio.run(Artist().draw(json.loads(sys.argv[1])))"
    killed = subprocess.Popen([sys.executable, "-c", draws, json.dumps(CHART.as_json())], cwd=ROOT)
    children = Path(f"/proc/{killed.pid}/task/{killed.pid}/children")
    wait_until(lambda: any(tmp_path.iterdir()) and children.read_text() != "")
    child = Path(f"/proc/{children.read_text().split()[0]}/stat")
    killed.kill()
    killed.wait()
    assert [one.name.split("-")[2] for one in tmp_path.iterdir()] == [str(killed.pid)]
    wait_until(lambda: _has_ended(child))  # nobody waits for what it draws

    others = {f"belisha-chart-{os.getppid()}-abc", "belisha-chart-1-abc", "belisha-charts", "belisha-chart-x-y"}
    for name in (*others, f"belisha-chart-{os.getpid()}-mine"):
        (tmp_path / name).mkdir()
    (tmp_path / f"belisha-chart-{killed.pid}-link").symlink_to(tmp_path / "belisha-charts")
    clear()
    assert {one.name for one in tmp_path.iterdir()} == others | {f"belisha-chart-{killed.pid}-link"}


def _has_ended(stat: Path) -> bool:
    try:
        return ") Z " in stat.read_text()
    except OSError:  # it may go at any moment
        return True


async def test_the_loop_goes_on_while_it_is_drawn() -> None:
    drawing = asyncio.create_task(Artist().draw(CHART.as_json()))
    turns = 0
    while not drawing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100 and size_of(drawing.result())[0] == 960
