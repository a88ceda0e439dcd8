"""No page of the portal has a browser ask anybody else, in a tab or inside Element: a proxy between them saw none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bots.portal.server import ROUTES
from tests.portal.chromium import chromium, context, element
from tests.portal.support import Here, Visitor, join, make_group
from tests.support.community import unique
from tests.support.recording import Recording, recording
from tests.support.server import free_ports, request

#: `make test` has the headers that forbid it in `test_guard.py`.
pytestmark = [pytest.mark.full, pytest.mark.nightly]

ELSEWHERE = "http://elsewhere.invalid"
#: Whatever a browser would load of itself, if a page let it.
BAIT = (
    f'<h1>Bait</h1><p>Text</p><img src="{ELSEWHERE}/a.png"><img src="//elsewhere.invalid/b.png">'
    f'<link rel="stylesheet" href="{ELSEWHERE}/c.css"><link rel="preconnect" href="{ELSEWHERE}">'
    f'<video src="{ELSEWHERE}/d.mp4"></video><iframe src="{ELSEWHERE}/e"></iframe>'
    f'<p style="background:url({ELSEWHERE}/f.png)">x</p><object data="{ELSEWHERE}/g"></object>'
    f'<a href="{ELSEWHERE}/h" ping="{ELSEWHERE}/i">a link</a>'
)


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Recording]:
    async with recording(free_ports(1)[0]) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def baited(here: Here) -> tuple[str, str]:
    """A blog of a steward of this file alone, with a post that would load what is elsewhere; room and event."""
    await join(here, "rex", "harbour", "steward")
    wish = {"kind": "open", "organisations": [], "purpose": "blog"}
    state = [{"type": "org.belisha.room", "state_key": "", "content": wish}]
    await make_group(here, "rex", "rex blog", "Bait", "public_chat", f"{ELSEWHERE}/topic", initial_state=state)
    room = here.groups["rex blog"]
    content = {"msgtype": "m.text", "body": "# Bait", "format": "org.matrix.custom.html", "formatted_body": BAIT}
    path = f"/_matrix/client/v3/rooms/{quote(room)}/send/m.room.message/{unique('bait')}"
    status, sent = await request(here.people["rex"], "PUT", path, content)
    assert status == 200, sent
    return room, str(sent["event_id"])


def addresses(room: str, event: str) -> list[str]:
    """Every page that somebody can open, with that group and that post where one is named."""
    found = []
    for route in ROUTES:
        path = route.path.replace("{room_id:[^/]+}", quote(room, safe="")).replace(
            "{event_id:[^/]+}", quote(event, safe="")
        )
        if route.method == "GET" and "{" not in path and "static" not in path:
            found.append(path)
    return [
        *found,
        *(f"{path}?{name}={quote(room, safe='')}" for path, name in (("/write", "room"), ("/blog", "group"))),
    ]


def through(proxy: Recording) -> dict[str, str]:
    """For Chromium, which otherwise asks this machine itself."""
    return {"server": f"http://127.0.0.1:{proxy.port}", "bypass": "<-loopback>"}


async def test_pages_in_a_tab_ask_the_portal_alone(
    here: Here, browser: Browser, proxy: Recording, baited: tuple[str, str]
) -> None:
    visitor: Visitor = await here.sign_in("rex")
    pages = addresses(*baited)
    assert len(pages) > 25 and f"/blog/{quote(baited[0], safe='')}/{quote(baited[1], safe='')}" in pages
    async with context(browser, visitor, proxy=through(proxy)) as profile:
        page = await profile.new_page()
        for path in pages:
            await page.goto(here.url + path)
            await page.wait_for_load_state("load")
        await page.goto(f"{here.url}/blog/{quote(baited[0], safe='')}/{quote(baited[1], safe='')}")
        await expect(page.get_by_role("heading", name="Bait")).to_be_visible()
    assert proxy.origins() == {here.url}, proxy.origins()
    seen = {one.removeprefix(here.url).partition("?")[0] for one in proxy.asked}
    assert {path.partition("?")[0] for path in pages} <= seen, "all of them went through it"


async def test_inside_element_nobody_else_is_asked_either(
    here: Here, browser: Browser, proxy: Recording, element_port: int, baited: tuple[str, str]
) -> None:
    async with context(browser, proxy=through(proxy)) as profile, element(here, element_port) as origin:
        page = await profile.new_page()
        await page.goto(f"{origin}/?name=rex")
        widget = f"{here.url}/widget?widgetId=a%20widget%2F1&room={quote(baited[0], safe='')}"
        await page.evaluate("url => show(url)", widget)
        portal = page.frame_locator("#portal")
        await portal.get_by_label("Text", exact=True).fill(f"![a picture]({ELSEWHERE}/j.png)", timeout=30_000)
        await portal.get_by_role("button", name="Look at it first").click()
        await expect(portal.get_by_role("heading", name="Your message as it will be")).to_be_visible()
        await portal.get_by_role("button", name="Send it as my message").click(timeout=30_000)
        await expect(portal.get_by_text("It was sent, as your own message.")).to_be_visible(timeout=30_000)
        assert proxy.origins() == {here.url, origin, here.server.url}, proxy.origins()
        await page.evaluate(f"fetch('{ELSEWHERE}/k', {{mode: 'no-cors'}}).catch(() => 0)")
        assert ELSEWHERE in proxy.origins(), "what is asked elsewhere would have been seen"
