"""Debian's Chromium by Playwright, a stand-in for Element that runs the real library, and axe."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.portal.support import Here, Visitor
from tests.support.npm import bundle, install

JS = Path(__file__).parent / "js"
PHONE = {"width": 360, "height": 740}

# Its own five seconds are short where other tests run beside.
expect.set_options(timeout=30_000)


@asynccontextmanager
async def chromium(*more: str) -> AsyncIterator[Browser]:
    """The browser, without a window; `more` are arguments of its own."""
    await install(JS)
    path = shutil.which("chromium")
    assert path, "the portal's tests need Chromium (Debian: chromium)"
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*sandbox, "--disable-dev-shm-usage", *more]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def _sdk() -> bytes:
    """matrix-js-sdk in one file, which each process of the tests writes anew, and none while another reads it."""
    with (JS / "sdk.js").open() as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        return (await bundle(JS, "sdk")).read_bytes()


@asynccontextmanager
async def element(here: Here, port: int) -> AsyncIterator[str]:
    """A page on another site that shows the portal as Element does; its address."""

    async def session(request: web.Request) -> web.Response:
        """What matrix-js-sdk needs of the member who looks."""
        client = here.people[request.query["name"]]
        told = {"baseUrl": here.server.url, "userId": client.user_id, "accessToken": client.access_token}
        return web.json_response(told)

    async def page(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(JS / "element.html")

    async def library(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(JS / "node_modules" / "matrix-widget-api" / "dist" / "api.js")

    async def sdk(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=await _sdk(), content_type="text/javascript")

    async def module(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(here.server.place.rendered / "element" / "belisha" / "tlp.js")

    app = web.Application()
    app.add_routes(
        [
            web.get("/", page),
            web.get("/api.js", library),
            web.get("/sdk.js", sdk),
            web.get("/tlp.js", module),
            web.get("/session", session),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://localhost:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def context(browser: Browser, visitor: Visitor | None = None, **options: Any) -> AsyncIterator[BrowserContext]:
    """A browser's profile of its own, signed in where a visitor is; an alarm (a dialog) in it fails the test."""
    found = await browser.new_context(**options)
    if visitor is not None:
        cookies = [
            {"name": name, "value": value, "url": visitor.url, "httpOnly": True, "sameSite": "Strict"}
            for name, value in visitor.cookies.items()
        ]
        await found.add_cookies(cookies)  # type: ignore[arg-type]
    alarms: list[str] = []
    found.on("dialog", lambda dialog: alarms.append(dialog.message))
    found.on("weberror", lambda error: alarms.append(str(error.error)))
    found.on("console", lambda said: alarms.append(said.text) if _is_alarm(said) else None)
    try:
        yield found
        assert not alarms, alarms
    finally:
        await found.close()


def _is_alarm(said: ConsoleMessage) -> bool:
    """Whether the browser complains about a page itself; not about one that is not there, or not to be framed."""
    # What matrix-js-sdk says of refusals; of Element's own frame, which the stand-in has as Element does; and of a
    # connection to a portal that was killed.
    expected = (
        "Failed to load resource",
        "WebSocket connection to",
        "frame-ancestors",
        "rror sending event",
        "can escape its sandboxing",
    )
    return said.type in ("error", "warning") and not any(words in said.text for words in expected)


async def assert_accessible(page: Page) -> None:
    """Axe finds nothing on the page, by the rules of WCAG 2.2 AA and its best practices."""
    await page.wait_for_load_state()
    source = (JS / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    # In a world of its own: the page's policy lets no foreign script run, which is as it should be.
    session = await page.context.new_cdp_session(page)
    tree = (await session.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
    world = await session.send("Page.createIsolatedWorld", {"frameId": tree, "worldName": "axe"})
    where = {"contextId": world["executionContextId"], "awaitPromise": True, "returnByValue": True}
    await session.send("Runtime.evaluate", {"expression": source, **where, "returnByValue": False})
    tags = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']"
    run = f"axe.run({{runOnly: {tags}}}).then(r => JSON.stringify([r.violations, r.passes.length]))"
    answer = await session.send("Runtime.evaluate", {"expression": run, **where})
    await session.detach()
    assert "exceptionDetails" not in answer, answer
    violations, passes = json.loads(answer["result"]["value"])
    told = [(one["id"], one["help"], [node["html"][:200] for node in one["nodes"]]) for one in violations]
    assert not told, told
    assert passes > 10, "axe has looked"


async def fits(page: Page) -> bool:
    """Whether a page needs no scrolling sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
