"""The managers' figures in a real browser, and the quarter's questions: a phone and a desk, light and dark, axe."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from playwright.async_api import expect

from belisha.metrics.pulse import QUESTIONS
from bots.metrics.contents import SECTIONS
from bots.metrics.pulse_box import PulseBox
from bots.metrics.sample import fill
from bots.metrics.tables import pulse
from bots.polls.key_files import KeyFiles
from tests.portal.alone import ANA, module, portal, store_at
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.test_figures import GENEROUS, HOME, LONDON, NOW, opened

#: `make test-full` has the same pages without a browser in `test_figures.py`.
pytestmark = [pytest.mark.full, pytest.mark.nightly]


async def test_figures_on_a_phone_and_on_a_desk(tmp_path: Path) -> None:
    names = ["org01", "org12"]
    async with (
        opened(tmp_path / "bots.db", "manager", named=names) as (here, visitor),
        chromium() as browser,
    ):
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


async def test_the_quarters_questions_on_a_phone_and_by_the_keyboard(tmp_path: Path) -> None:
    async with store_at(f"sqlite:///{tmp_path}/bots.db") as here, module(HOME) as homeserver, chromium() as browser:
        box = PulseBox(here.store, KeyFiles(tmp_path / "ballot-keys"), lambda: here.now)
        row = {"quarter": date(2026, 4, 1).toordinal(), "closes": here.now + 600}
        await here.store.write(lambda connection: connection.execute(pulse.insert().values(row)))
        async with portal(here, GENEROUS, homeserver, pulses=box) as visitor:
            visitor.cookies["belisha"] = await here.opened(ANA)
            async with context(browser, visitor, viewport=PHONE, color_scheme="dark") as profile:
                page = await profile.new_page()
                await page.goto(f"{visitor.url}/pulse")
                assert await fits(page)
                await assert_accessible(page)
                await page.screenshot(path=tmp_path / "pulse-phone.png", full_page=True)
                for question in QUESTIONS:
                    first = page.locator(f'input[name="{question}"]').first
                    await first.focus()
                    await page.keyboard.press("Space")
                    await page.keyboard.press("ArrowDown")
                    await expect(page.locator(f'input[name="{question}"]').nth(1)).to_be_checked()
                await page.keyboard.press("Enter")
                await expect(page.get_by_text("Your answer is taken")).to_be_visible()
                await assert_accessible(page)
                await page.screenshot(path=tmp_path / "pulse-taken-phone.png", full_page=True)
