"""Pads in a real browser: two people write through cuts and a kill -9, by keyboard, and axe finds nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import Here, join, make_group
from tests.support.server import request

PATIENCE = 30_000


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


async def _shows(page: Page, *words: str) -> None:
    for one in words:
        await expect(page.locator(".cm-content")).to_contain_text(one, timeout=PATIENCE)


async def _saved(page: Page) -> None:
    await expect(page.get_by_text("All is saved")).to_be_visible(timeout=PATIENCE)


@pytest.mark.full
async def test_two_people_write_through_cuts_and_a_kill(here: Here, browser: Browser) -> None:
    await join(here, "wilma", "harbour")
    await join(here, "walt", "chandlers")
    await make_group(here, "wilma", "wilma's", "Drafts", "private_chat", invite=[here.people["walt"].user_id])
    room = here.groups["wilma's"]
    assert (await request(here.people["walt"], "POST", f"/_matrix/client/v3/rooms/{quote(room)}/join", {}))[0] == 200
    begun = await here.say("wilma", "!pad", room)
    assert "write together" in await here.answer("wilma", begun, room)
    address = f"{here.url}/pads/{quote(room, safe='')}/{quote(begun, safe='')}"
    wilma, walt = await here.sign_in("wilma"), await here.sign_in("walt")
    async with (
        context(browser, wilma) as hers,
        context(browser, walt, viewport=PHONE, color_scheme="dark") as his,
    ):
        one, two = await hers.new_page(), await his.new_page()
        await one.goto(address)
        await two.goto(address)
        await _saved(one)
        await one.locator(".cm-content").focus()
        await one.keyboard.type("# Tide tables\n\nAbout **high** water\n")
        await _shows(two, "# Tide tables", "high")
        await expect(two.get_by_role("heading", name="Tide tables")).to_be_visible()
        await expect(two.get_by_role("list", name="Who is here")).to_contain_text("Wilma (Harbour)")
        await expect(two.locator(".pad-caret-name")).to_have_text("Wilma")
        for page in (one, two):
            await assert_accessible(page)
            assert await fits(page)
        # With the keyboard alone: out of the text, and on to the next link.
        await one.keyboard.press("Escape")
        await one.keyboard.press("Tab")
        await expect(one.get_by_role("link", name="Read it as a document")).to_be_focused()
        # Both write while one has no connection.
        await his.set_offline(True)
        await two.locator(".cm-content").focus()
        await two.keyboard.press("Control+End")
        await two.keyboard.type("written without a connection")
        await one.locator(".cm-content").focus()
        await one.keyboard.press("Control+Home")
        await one.keyboard.type("TLP:GREEN ")
        await his.set_offline(False)
        await _shows(one, "written without a connection")
        await _shows(two, "TLP:GREEN")
        # The server is killed while both write, and comes back.
        await one.keyboard.type("before ")
        await two.keyboard.type(" before")
        here.bots.end()
        await one.keyboard.type("meanwhile ")
        await two.keyboard.type(" meanwhile")
        await expect(one.get_by_text("Not connected.")).to_be_visible(timeout=PATIENCE)
        await here.bots.start()
        await _shows(one, "connection before meanwhile", "TLP:GREEN before meanwhile")
        await _shows(two, "connection before meanwhile", "TLP:GREEN before meanwhile")
        await _saved(one)
        await _saved(two)
        shown = [await page.locator(".cm-content .cm-line").all_inner_texts() for page in (one, two)]
        await one.goto(f"{address}/read")
        await expect(one.locator("strong", has_text="high")).to_be_visible()
        await expect(one.get_by_text("written without a connection before meanwhile")).to_be_visible()
        await assert_accessible(one)
        await one.goto(f"{here.url}/pads")
        await expect(one.get_by_role("link", name="TLP:GREEN before meanwhile")).to_be_visible()
        await assert_accessible(one)
        # Names beside cursors stand among the text there; the rest is the same.
        told = [" ".join(lines).replace("Wilma", "").replace("Walt", "").split() for lines in shown]
        assert told[0] == told[1]
