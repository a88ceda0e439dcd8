"""Versions of pads, and files of them in the group's documents, in a real browser and inside Element."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Frame, Page, expect

from tests.portal.chromium import PHONE, assert_accessible, chromium, context, element, fits
from tests.portal.support import CODE, Here, join, make_group
from tests.portal.test_pads import Pads
from tests.support.patience import until
from tests.support.server import request

#: `make test` has the same without a browser in `test_pad_history.py`.
pytestmark = [pytest.mark.full, pytest.mark.nightly]

PATIENT = 30_000
#: A folder for pictures of the pages, for whoever wants to look at them.
PICTURES = os.environ.get("BELISHA_PICTURES")


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def pads(here: Here) -> Pads:
    """A closed group of members of this file alone."""
    for name, organisation in (("wren", "harbour"), ("wolf", "chandlers")):
        await join(here, name, organisation)
    await make_group(here, "wren", "wrens", "Drafts", "private_chat", invite=[here.people["wolf"].user_id])
    await here.people["wolf"].join(here.groups["wrens"])
    return Pads(here, "wrens")


async def looked_at(page: Page, name: str) -> None:
    await assert_accessible(page)
    assert await fits(page)
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def test_versions_are_named_compared_and_put_back_by_keyboard(here: Here, pads: Pads, browser: Browser) -> None:
    at = pads.address(await pads.begin("wren", "!pad"))
    wren, wolf = await here.sign_in("wren"), await here.sign_in("wolf")
    async with pads.open(wren, at) as hers, pads.open(wolf, at) as his:
        await hers.write("# Tide tables\n\nThe gauge at the north pier stood still in October.\n")
        await his.until(lambda: "October" in str(his.text))
        await his.write("We read it by hand until the 14th.\n")
        async with context(browser, wren, viewport=PHONE) as profile:
            page = await profile.new_page()
            await page.goto(f"{here.url}{at}")
            await page.get_by_role("link", name="Versions, and who wrote what").click()
            await page.get_by_label("Name the text as it is now").fill("For the harbour master")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("link", name="For the harbour master")).to_be_visible()
            await his.write("Since then the new one is in.\n")
            await page.get_by_label("Name the text as it is now").fill("With the new gauge")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("link", name="With the new gauge")).to_be_visible()
            await looked_at(page, "pad-history-phone-light")
            await page.get_by_role("link", name="With the new gauge").click()
            await expect(page.locator(".difference .line-new")).to_contain_text("Since then the new one is in.")
            await looked_at(page, "pad-version-phone-light")
        async with context(browser, wolf, color_scheme="dark") as profile:
            page = await profile.new_page()
            await page.goto(f"{here.url}{at}/history")
            await page.get_by_role("link", name="For the harbour master").click()
            await looked_at(page, "pad-version-desk-dark")
            await page.get_by_role("button", name="Put this text back").press("Enter")
            await expect(page.locator(".cm-content")).to_contain_text("by hand until", timeout=PATIENT)
            await hers.until(lambda: "new one" not in str(hers.text))
            await page.goto(f"{here.url}{at}/read")
            await looked_at(page, "pad-read-desk-dark")
            async with page.expect_download() as saving:
                await page.get_by_role("link", name="PDF").click()
            assert (await saving.value).suggested_filename == "Tide-tables.TLP-AMBER.pdf"
            await page.goto(f"{here.url}{at}/post")
            await looked_at(page, "pad-post-desk-dark")


async def test_a_file_of_a_pad_comes_into_the_documents_as_the_members_own(
    here: Here, pads: Pads, browser: Browser, element_port: int
) -> None:
    at = pads.address(await pads.begin("wren", "!pad"))
    wren = await here.sign_in("wren")
    async with pads.open(wren, at) as hers:
        await hers.write("# Gauges\n\nAll of them *read* well.\n")
    async with context(browser) as profile, element(here, element_port) as origin:
        page = await profile.new_page()
        await page.goto(f"{origin}/?name=wren")
        room = quote(pads.room, safe="")
        await page.evaluate("url => show(url)", f"{here.url}/widget?widgetId=a%20widget%2F1&room={room}")
        portal = page.frame_locator("#portal")
        await expect(portal.get_by_role("group", name="Label")).to_be_visible(timeout=PATIENT)
        frame = next(one for one in page.frames if one.url.startswith(here.url))
        await _confirmed(here, frame)
        await frame.goto(f"{here.url}{at}/share")
        await portal.get_by_role("radio", name="a Word document").check()
        await portal.get_by_role("button", name="Add it as my message").click(timeout=PATIENT)
        await expect(portal.get_by_text("It was added, by a message of your own.")).to_be_visible(timeout=PATIENT)
        if PICTURES:
            await page.screenshot(path=Path(PICTURES) / "pad-share.png", full_page=True)
    path = f"/_matrix/client/v3/rooms/{quote(pads.room)}/messages?dir=b&limit=5"

    async def sent() -> bool:
        _, body = await request(here.people["wolf"], "GET", path)
        found = [one for one in body["chunk"] if one["content"].get("msgtype") == "m.file"]
        return bool(found) and (
            (found[0]["sender"], found[0]["content"]["filename"], found[0]["content"]["org.belisha.tlp"]["label"])
            == (here.people["wren"].user_id, "Gauges.TLP-AMBER.docx", "TLP:AMBER")
        )

    assert await until(sent)
    assert "Gauges.TLP-AMBER.docx" in (await wren.get("/documents")).text


async def _confirmed(here: Here, frame: Frame) -> None:
    """Confirms the browser that Element shows the portal in."""
    await frame.goto(f"{here.url}/confirm")
    code = CODE.search(await frame.content())
    assert code is not None
    await here.asked("wren", f"!portal {code[1]}")
    await frame.wait_for_url(f"{here.url}/", timeout=PATIENT)  # it goes on by itself
