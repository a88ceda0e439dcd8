"""Writing a post inside Element: sent by the real widget library as the member's own message, and by nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FrameLocator, Page, expect

from tests.portal.chromium import assert_accessible, chromium, context, element
from tests.portal.support import Here, join, make_group
from tests.support.server import request

NEEDED = "org.matrix.msc2762.send.event:m.room.message"


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def blog(here: Here) -> str:
    """A blog of a member of this file alone."""
    await join(here, "wyn", "harbour")
    wish = {"kind": "open", "organisations": [], "purpose": "blog"}
    state = [{"type": "org.belisha.room", "state_key": "", "content": wish}]
    await make_group(here, "wyn", "blog of wyn", "Logs", "public_chat", initial_state=state)
    return here.groups["blog of wyn"]


async def _preview(page: Page, here: Here, origin: str) -> FrameLocator:
    """A post that is written inside Element, as it will be."""
    await page.goto(f"{origin}/?name=wyn")
    await page.evaluate("url => show(url)", f"{here.url}/widget?widgetId=a%20widget%2F1")
    portal = page.frame_locator("#portal")
    await expect(portal.get_by_role("heading", name="Home")).to_be_visible(timeout=30_000)
    await portal.get_by_role("link", name="Blog", exact=True).click()
    await portal.get_by_role("link", name="Write one here").click()
    await portal.get_by_label("Title").fill("From inside")
    await portal.get_by_label("Text", exact=True).fill("A **log** of #beacons")
    assert await page.evaluate("requested") == [], "no page but the last asks for anything"
    await portal.get_by_role("button", name="Look at it").click()
    await expect(portal.get_by_role("heading", name="From inside")).to_be_visible()
    return portal


@pytest.mark.full
async def test_one_press_inside_element_sends_it_as_the_members_own(
    here: Here, browser: Browser, element_port: int, blog: str
) -> None:
    async with context(browser) as profile, element(here, element_port) as origin:
        page = await profile.new_page()
        portal = await _preview(page, here, origin)
        await portal.get_by_role("button", name="Publish it as my message").click()
        await expect(portal.get_by_role("heading", name="0 comments")).to_be_visible(timeout=30_000)
        assert await page.evaluate("requested") == []
        await expect(portal.locator("strong", has_text="log")).to_be_visible()
        await portal.get_by_role("link", name="Blog", exact=True).first.click()
        await portal.get_by_role("link", name="Write one here").click()
        await expect(portal.get_by_label("Title")).to_have_value("")  # what is sent is no draft any more
    _, body = await request(here.people["wyn"], "GET", f"/_matrix/client/v3/rooms/{quote(blog)}/messages?dir=b&limit=5")
    sent = [one for one in body["chunk"] if "From inside" in str(one["content"].get("body"))]
    assert [one["sender"] for one in sent] == [here.people["wyn"].user_id]
    assert "<h1>From inside</h1>" in sent[0]["content"]["formatted_body"]


@pytest.mark.full
async def test_where_element_does_not_allow_it_there_is_no_button(
    here: Here, browser: Browser, element_port: int, blog: str
) -> None:
    async with context(browser) as profile, element(here, element_port) as origin:
        page = await profile.new_page()
        await page.add_init_script("window.forbids = true")
        portal = await _preview(page, here, origin)
        await page.wait_for_function("window.requested?.length === 2")
        assert sorted(await page.evaluate("requested")) == sorted([NEEDED, f"org.matrix.msc2762.timeline:{blog}"])
        await expect(portal.get_by_role("button", name="Publish it as my message")).to_have_count(0)
        assert "# From inside" in await portal.get_by_label("Copy all of this").input_value()


@pytest.mark.full
async def test_the_pages_for_writing_are_accessible(here: Here, browser: Browser, blog: str) -> None:
    visitor = await here.sign_in("wyn")
    for scheme in ("light", "dark"):
        async with context(browser, visitor, color_scheme=scheme, viewport={"width": 320, "height": 740}) as profile:
            page = await profile.new_page()
            await page.goto(f"{here.url}/blog/write")
            await assert_accessible(page)
            await page.get_by_label("Title").fill("A long title " * 8)
            await page.get_by_label("Text", exact=True).fill("Text #tag")
            await page.get_by_role("button", name="Look at it").click()
            await expect(page.get_by_role("heading", name="Publish it")).to_be_visible()
            await assert_accessible(page)


@pytest.mark.full
async def test_a_draft_is_kept_in_its_members_tab_and_nowhere_else(here: Here, browser: Browser, blog: str) -> None:
    visitor = await here.sign_in("wyn")
    async with context(browser, visitor) as profile:
        page = await profile.new_page()
        title, text = page.get_by_label("Title"), page.get_by_label("Text", exact=True)
        await page.goto(f"{here.url}/blog/write")
        await title.fill("Half a log")
        await text.fill("Not done yet")
        await expect(page.get_by_text("Draft kept in this tab at ")).to_be_visible()
        await page.goto(f"{here.url}/blog")
        await page.goto(f"{here.url}/blog/write")
        await expect(title).to_have_value("Half a log")
        await expect(text).to_have_value("Not done yet")
        await expect(page.get_by_text("is here again")).to_be_visible()
        await assert_accessible(page)
        await page.get_by_role("button", name="Look at it").click()
        await page.get_by_role("button", name="Change it").click()
        await text.fill("Done")
        other = await profile.new_page()
        await other.goto(f"{here.url}/blog/write")
        await expect(other.get_by_label("Title")).to_have_value("")
        assert await other.evaluate("JSON.stringify(localStorage)") == "{}"
        await page.reload()
        await page.goto(f"{here.url}/blog/write")
        await expect(text).to_have_value("Done")
        await page.get_by_role("button", name="Discard the draft").click()
        await expect(title).to_have_value("")
        await page.reload()
        await expect(title).to_have_value("")
        await title.fill("Again")
        await page.evaluate("sessionStorage.setItem('draft @somebody:else post', 'x')")
        await page.reload()
        await expect(title).to_have_value("Again")
        assert await page.evaluate("Object.keys(sessionStorage).length") == 1, "of who was here before nothing is left"
        await page.get_by_role("button", name="Sign out").first.click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert await page.evaluate("JSON.stringify(sessionStorage)") == "{}"
