"""The page for writing inside Element: matrix-widget-api and matrix-js-sdk send to a real Synapse as the member."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FrameLocator, Page, expect

from tests.portal.chromium import PHONE, assert_accessible, chromium, context, element, fits
from tests.portal.support import Here, join, make_group
from tests.support.files import png
from tests.support.server import request

pytestmark = pytest.mark.full

SEND = "org.matrix.msc2762.send.event:m.room.message"
PATIENT = 30_000


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def room(here: Here) -> str:
    """A closed group of members of this file alone."""
    for name, organisation in (("wes", "harbour"), ("wim", "chandlers")):
        await join(here, name, organisation)
    await make_group(here, "wes", "wes closed", "Quay", "private_chat", invite=[here.people["wim"].user_id])
    await here.people["wim"].join(here.groups["wes closed"])
    return here.groups["wes closed"]


@asynccontextmanager
async def opened(
    here: Here, browser: Browser, port: int, room: str, name: str = "wes", **options: Any
) -> AsyncIterator[tuple[Page, FrameLocator]]:
    """The page inside Element, as the widget of that group."""
    async with context(browser, **options) as profile, element(here, port) as origin:
        page = await profile.new_page()
        await page.goto(f"{origin}/?name={name}")
        yield page, await shown(page, here, room)


async def shown(page: Page, here: Here, room: str) -> FrameLocator:
    await page.evaluate("url => show(url)", f"{here.url}/widget?widgetId=a%20widget%2F1&room={quote(room, safe='')}")
    portal = page.frame_locator("#portal")
    await expect(portal.get_by_role("group", name="Label")).to_be_visible(timeout=PATIENT)
    return portal


async def newest(here: Here, room: str, name: str = "wim") -> dict[str, Any]:
    path = f"/_matrix/client/v3/rooms/{quote(room)}/messages?dir=b&limit=5"
    _, body = await request(here.people[name], "GET", path)
    return next(one for one in body["chunk"] if one["type"] == "m.room.message")


async def test_a_label_is_picked_and_the_member_sends(
    here: Here, browser: Browser, element_port: int, room: str
) -> None:
    async with opened(here, browser, element_port, room) as (page, portal):
        assert await page.evaluate("requested.toSorted()") == sorted(
            [SEND, f"org.matrix.msc2762.timeline:{room}", "org.matrix.msc4039.upload_file"]
        ), "nothing more is asked for"
        labels = portal.get_by_role("group", name="Label").get_by_role("radio")
        assert [await one.get_attribute("value") for one in await labels.all()] == [
            "TLP:CLEAR",
            "TLP:GREEN",
            "TLP:AMBER",
        ]
        await expect(portal.get_by_role("radio", name="TLP:AMBER")).to_be_checked()
        await labels.nth(2).focus()
        await page.keyboard.press("ArrowUp")
        readers = portal.locator("[data-readers]")
        await expect(readers).to_have_text("TLP:GREEN: 2 people of 2 organisations and 1 bot.")
        await page.keyboard.press("ArrowDown")
        await expect(readers).to_have_text("TLP:AMBER: 2 people of 2 organisations and 1 bot.")
        await portal.get_by_label("Text", exact=True).fill("Crane *seven* is out")
        await portal.get_by_role("button", name="Send it as my message").press("Enter")
        await expect(portal.get_by_text("It was sent, as your own message.")).to_be_visible(timeout=PATIENT)
        assert await portal.get_by_label("Text", exact=True).input_value() == ""
        event = await newest(here, room)
        assert (event["sender"], event["content"]["org.belisha.tlp"]["label"]) == (
            here.people["wes"].user_id,
            "TLP:AMBER",
        )
        assert "<em>seven</em>" in event["content"]["formatted_body"]
        await portal.get_by_label("File", exact=True).set_input_files(
            {"name": "quay.png", "mimeType": "image/png", "buffer": png()}
        )
        await expect(portal.get_by_role("button", name="Look at it first")).to_be_disabled()
        await portal.get_by_role("radio", name="TLP:GREEN").check()
        await portal.get_by_role("button", name="Send it as my message").click()
        await expect(portal.get_by_text("It was sent, as your own message.")).to_be_visible(timeout=PATIENT)
        content = (await newest(here, room))["content"]
        assert (content["msgtype"], content["filename"]) == ("m.image", "quay.png")
        assert content["org.belisha.tlp"]["label"] == "TLP:GREEN"


async def test_the_module_answers_for_the_page_that_the_steward_puts_into_a_group(
    here: Here, browser: Browser, element_port: int, room: str
) -> None:
    asked = await here.say("wes", "!group composer on", room)
    assert "Done." in await here.answer("wes", asked, room)
    at = f"/_matrix/client/v3/rooms/{quote(room)}/state"
    _, page = await request(here.people["wes"], "GET", f"{at}/im.vector.modular.widgets/belisha-composer")
    _, policy = await request(here.people["wes"], "GET", f"{at}/org.belisha.room/")
    given = {"portal": here.url, "room": room, "policy": policy, "template": page["url"]}
    async with context(browser) as profile, element(here, element_port) as origin:
        tab = await profile.new_page()
        await tab.goto(f"{origin}/?name=wes")
        await tab.evaluate("given => withModule(given)", given)
        portal = await shown(tab, here, room)
        await portal.get_by_label("Text", exact=True).fill("Winch two is back")
        await portal.get_by_role("button", name="Send it as my message").click()
        await expect(portal.get_by_text("It was sent, as your own message.")).to_be_visible(timeout=PATIENT)
        assert "Winch two" in (await newest(here, room))["content"]["body"]
        # Of a room of named people it answers nothing, so that Element asks.
        await tab.evaluate("given => withModule(given)", given | {"policy": {**policy, "kind": "named"}})
        assert await tab.evaluate("approver(new Set(requested))") is None


async def test_a_forced_label_is_refused_in_words_and_nothing_is_lost(
    here: Here, browser: Browser, element_port: int, room: str
) -> None:
    async with opened(here, browser, element_port, room) as (page, portal):
        await expect(portal.get_by_role("radio", name="TLP:RED")).to_have_count(0)
        text = portal.get_by_label("Text", exact=True)
        await text.fill("Who knew")
        await page.evaluate("window.forced = { 'org.belisha.tlp': { label: 'TLP:RED' } }")
        await portal.get_by_role("button", name="Send it as my message").click()
        alert = portal.get_by_role("alert")
        await expect(alert).to_contain_text("TLP:RED", timeout=PATIENT)
        await expect(alert).to_contain_text("start a direct chat with exactly those people")
        assert await text.input_value() == "Who knew"
        portal = await shown(page, here, room)
        await expect(portal.get_by_label("Text", exact=True)).to_have_value("Who knew")
        await page.evaluate("window.forced = {}")
        await portal.get_by_role("button", name="Look at it first").click()
        await expect(portal.get_by_role("heading", name="Your message as it will be")).to_be_visible()
        await portal.get_by_role("button", name="Send it as my message").click(timeout=PATIENT)
        await expect(portal.get_by_text("It was sent, as your own message.")).to_be_visible(timeout=PATIENT)
        assert "Who knew" in (await newest(here, room))["content"]["body"]
        await portal.get_by_label("Text", exact=True).fill("Of wes alone")
        assert "Of wes alone" in await page.frames[1].evaluate("window.name")
        other = await (await page.request.get(f"{page.url.split('?')[0]}session?name=wim")).json()
        await page.evaluate("session => { window.client = Promise.resolve(sdk.createClient(session)); }", other)
        await page.evaluate(
            "url => show(url)", f"{here.url}/widget?widgetId=a%20widget%2F1&room={quote(room, safe='')}"
        )
        await expect(portal.get_by_text(f"Signed in as {other['userId']}")).to_be_visible(timeout=PATIENT)
        assert await portal.get_by_label("Text", exact=True).input_value() == "", "who comes after reads none of it"
        assert "Of wes alone" not in await page.frames[1].evaluate("window.name")


async def test_where_element_allows_nothing_it_is_looked_at_and_copied(
    here: Here, browser: Browser, element_port: int, room: str
) -> None:
    async with context(browser) as profile, element(here, element_port) as origin:
        page = await profile.new_page()
        await page.add_init_script("window.forbids = true")
        await page.goto(f"{origin}/?name=wes")
        portal = await shown(page, here, room)
        await page.wait_for_function("window.requested?.length === 3")
        await expect(portal.get_by_role("button", name="Send it as my message")).to_have_count(0)
        await portal.get_by_label("Text", exact=True).fill("By hand")
        await portal.get_by_role("button", name="Look at it first").click()
        assert await portal.get_by_label("Copy all of this").input_value() == "TLP:AMBER\n\nBy hand"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_are_accessible(here: Here, browser: Browser, room: str, scheme: str) -> None:
    visitor = await here.sign_in("wes")
    async with context(browser, visitor, color_scheme=scheme, viewport=PHONE) as profile:
        page = await profile.new_page()
        await page.goto(f"{here.url}/write?room={quote(room, safe='')}")
        await page.get_by_text("Answer a message").click()
        await assert_accessible(page)
        assert await fits(page)
        await page.get_by_label("Text", exact=True).fill("A *long* word " * 40)
        await page.get_by_role("button", name="Look at it first").click()
        await expect(page.get_by_role("heading", name="Send it")).to_be_visible()
        await assert_accessible(page)
        assert await fits(page)
