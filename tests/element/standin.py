"""The stand-in for Element in Chromium, with the module in it and what it is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp.test_utils
from playwright.async_api import Browser, Locator, Page, expect

from belisha import secrets
from belisha.cli.element.install import install
from belisha.cli.element.server import Config, application
from belisha.render import Place, render, write
from belisha.resources import shipped
from belisha.settings import load
from tests.element import record
from tests.element.node import run
from tests.element.releases import archive, saved, sha256
from tests.support.server import free_ports

RECORDED: dict[str, Any] = json.loads(record.FILE.read_text(encoding="utf-8"))
_OF_BOTS = Path(__file__).with_name("recorded_bots.json").read_text(encoding="utf-8")
BOTS: dict[str, Any] = json.loads(_OF_BOTS)["events"]
#: Name of a recorded room -> its id.
ROOMS: dict[str, str] = {state["key"]: room_id for room_id, state in json.loads(_OF_BOTS)["rooms"].items()}


@asynccontextmanager
async def served(module: Path, folder: Path) -> AsyncIterator[str]:
    """The stand-in, installed and served as a release is; its address."""
    built = folder / "built"
    code, said = await run("vite", "build", "--config", "harness/vite.config.ts", "--outDir", str(built), folder=module)
    assert code == 0, said
    files = {path.relative_to(built).as_posix(): path.read_bytes() for path in built.rglob("*") if path.is_file()}
    data = folder / "data"
    await asyncio.to_thread(data.mkdir)
    port = free_ports(5)[0]
    place = Place(data, port, port + 2, port + 3, serves_element=True)
    unlabelled = {**RECORDED["text"], "event_id": "$unlabelled", "content": {"msgtype": "m.text", "body": "Nothing"}}
    # What a sender writes inside of what is encrypted, no server has seen.
    inside = {"msgtype": "m.text", "body": "Sealed", "org.belisha.tlp": {"label": "TLP:CLEAR", "by": "sender"}}
    opened_here = {**RECORDED["encrypted"], "event_id": "$opened"}
    opened_here["clear"] = {"type": "m.room.message", "content": inside}
    shown = {**RECORDED, "unlabelled": unlabelled, "opened": opened_here, **BOTS}
    files["recorded.json"] = json.dumps(shown).encode()
    # The widget that was recorded is the page of the portal that there was then.
    rooms = json.loads(_OF_BOTS.replace(json.loads(_OF_BOTS)["portal"], place.portal))["rooms"]
    files["rooms.json"] = json.dumps(rooms).encode()
    settings = load(shipped("config", "belisha.example.yaml"))
    write(render(settings, place, secrets.ensure(data)), place.rendered)
    content = archive(files)
    release = await asyncio.to_thread(install, data, str(saved(data, content)), sha256(content))
    assert release.version == "1.12.3"
    app = application(Config.load(place.rendered / "element.yaml"))
    async with aiohttp.test_utils.TestServer(app, host="127.0.0.1", port=place.element_port):
        yield place.element


class Opened:
    """A page of the stand-in, with what it asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda said: self.said.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(dialog.message))

    def tile(self, name: str) -> Locator:
        return self.page.locator(f'[data-name="{name}"]')

    def badge(self, name: str) -> Locator:
        return self.tile(name).locator(".belisha_badge")


async def opened(browser: Browser, address: str, query: str = "", **options: Any) -> Opened:
    found = Opened(await (await browser.new_context(**options)).new_page())
    await found.page.goto(f"{address}/{query}")
    await expect(found.page.locator("html[data-ready]")).to_be_attached(timeout=30_000)
    return found
