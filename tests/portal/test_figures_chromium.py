"""The managers' figures in a real browser, over the pilot's numbers: a phone and a desk, light and dark, axe."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from bots.metrics.contents import SECTIONS
from bots.metrics.sample import fill
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.test_figures import LONDON, NOW, opened

pytestmark = pytest.mark.full


async def test_figures_on_a_phone_and_on_a_desk(tmp_path: Path) -> None:
    async with opened(tmp_path / "bots.db", "manager") as (here, visitor), chromium() as browser:
        await here.store.write(lambda connection: fill(connection, NOW, LONDON))
        async with context(browser, visitor, viewport=PHONE, color_scheme="dark") as profile:
            page = await profile.new_page()
            for section in (*SECTIONS, "report"):
                await page.goto(f"{visitor.url}/metrics/{section}?month=2026-09")
                assert await fits(page), section
                await assert_accessible(page)
                await page.screenshot(path=tmp_path / f"{section}-phone.png", full_page=True)
        async with context(browser, visitor, viewport={"width": 900, "height": 900}) as profile:
            page = await profile.new_page()
            await page.goto(f"{visitor.url}/metrics/overview")
            await page.get_by_label("Day", exact=True).fill("2026-10-06")
            await page.get_by_label("What happened", exact=True).fill("Workshop")
            await page.get_by_role("button", name="Write it down").click()
            await expect(page.get_by_role("status")).to_have_text("Done.")
            await expect(page.locator(".plot-mark")).to_have_text("1")
            for section in (*SECTIONS, "report"):
                await page.goto(f"{visitor.url}/metrics/{section}?month=2026-09")
                await assert_accessible(page)
                await page.screenshot(path=tmp_path / f"{section}-desk.png", full_page=True)
            await page.get_by_role("button", name="Make a link").click()
            link = await page.locator("#link").inner_text()
            await page.screenshot(path=tmp_path / "link-desk.png", full_page=True)
        async with context(browser, viewport=PHONE) as profile:
            page = await profile.new_page()
            await page.goto(link)
            assert await fits(page)
            await assert_accessible(page)
            await page.screenshot(path=tmp_path / "sponsors-phone.png", full_page=True)
