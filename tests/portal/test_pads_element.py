"""Pads inside Element: matrix-widget-api's ClientWidgetApi shows one, it is written in, and others see that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.portal.chromium import PHONE, chromium, context, element
from tests.portal.pad_pages import Pads
from tests.portal.support import Here, join, make_group
from tests.support.server import free_ports, request

pytestmark = pytest.mark.full

PATIENT = 30_000


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def pads(here: Here) -> Pads:
    for name, organisation in (("ella", "harbour"), ("emil", "chandlers")):
        await join(here, name, organisation)
    await make_group(here, "ella", "pads framed", "Quay", "private_chat", invite=[here.people["emil"].user_id])
    await here.people["emil"].join(here.groups["pads framed"])
    return Pads(here, "pads framed")


async def test_a_pad_is_written_in_inside_element(pads: Pads, here: Here, browser: Browser, element_port: int) -> None:
    at = pads.address(await pads.begin("ella", "!pad"))
    assert "Done." in await here.answer("ella", await here.say("ella", "!group pads on", pads.room), pads.room)
    path = f"/_matrix/client/v3/rooms/{quote(pads.room)}/state/im.vector.modular.widgets/belisha-pads"
    _, widget = await request(here.people["emil"], "GET", path)
    # As Element fills it in.
    url = widget["url"].replace("$matrix_widget_id", "a%20widget%2F1").replace("$matrix_room_id", quote(pads.room))
    ella = await here.sign_in("ella")
    async with (
        context(browser, viewport=PHONE) as profile,
        element(here, element_port) as origin,
        pads.open(ella, at) as hers,
    ):
        await hers.write("Tide tables")
        page = await profile.new_page()
        await page.goto(f"{origin}/?name=emil")
        await page.evaluate("url => show(url)", url)
        portal = page.frame_locator("#portal")
        await expect(portal.get_by_role("heading", name="Pads")).to_be_visible(timeout=PATIENT)
        assert await page.evaluate("requested") == [], "it asks Element for nothing"
        await portal.get_by_role("link", name="Tide tables").click()
        # Until this browser is confirmed it is looked at.
        await expect(portal.get_by_text("To write here, confirm this browser first.")).to_be_visible(timeout=PATIENT)
        await expect(portal.locator(".cm-content")).to_contain_text("Tide tables", timeout=PATIENT)
        await portal.get_by_role("link", name="Confirm this browser").click()
        assert "You are signing in" in await here.asked("emil", await portal.locator(".code code").inner_text())
        await expect(portal.get_by_role("heading", name="Home", exact=True)).to_be_visible(timeout=PATIENT)
        await portal.get_by_role("link", name="Pads", exact=True).click()
        await portal.get_by_role("link", name="Tide tables").click()
        await expect(portal.get_by_text("All is saved")).to_be_visible(timeout=PATIENT)
        await portal.locator(".cm-content").focus()
        await page.keyboard.press("Control+End")
        await page.keyboard.type(" at seven")
        await hers.until(lambda: str(hers.text) == "Tide tables at seven")
        await expect(portal.get_by_text("All is saved")).to_be_visible(timeout=PATIENT)
        await hers.write("!")
        await expect(portal.locator(".cm-content")).to_contain_text("at seven!", timeout=PATIENT)
        assert "error:preparing" not in await page.evaluate("events")


async def test_no_other_site_shows_a_pad(pads: Pads, here: Here, browser: Browser, element_port: int) -> None:
    at = pads.address(await pads.begin("ella"))
    ella = await here.sign_in("ella")
    policy = (await ella.get(at)).headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors http://localhost:{element_port}"), policy
    for path in (at, "/pads", "/widget/pads"):
        async with context(browser, ella) as profile, element(here, free_ports(1)[0]) as origin:
            page = await profile.new_page()
            await page.goto(origin)
            async with page.expect_event("requestfailed", lambda one: one.url.startswith(here.url)) as failed:
                await page.evaluate("url => show(url)", here.url + path)
            assert "ERR_BLOCKED_BY_RESPONSE" in ((await failed.value).failure or "")
