"""Comments, suggestions and the toolbar of pads in a real browser: two people, by keyboard alone, axe finds nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Locator, Page, expect

from bots.pads import book
from tests.portal.alone import ANA, module, portal, store_at
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import Visitor
from tests.portal.test_figures import GENEROUS, HOME
from tests.support.patience import until

pytestmark = pytest.mark.full

ROOM, PAD, BEN = "!group:belisha.localhost", "$pad", "@ben:belisha.localhost"
PATIENCE = 30_000
_TEXT = """() => {
    const shown = document.querySelector('[data-pad-editor]').shadowRoot.querySelector('.cm-content');
    return [...shown.querySelectorAll('.cm-line')].map((line) => {
        const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
        let words = '';
        while (walk.nextNode()) {
            if (!walk.currentNode.parentElement.closest('.pad-caret, .cm-placeholder')) words += walk.currentNode.data;
        }
        return words;
    }).join('\\n');
}"""
#: Where pictures of the pages are kept, to be looked at.
PICTURES = os.environ.get("BELISHA_SCREENSHOTS")


@asynccontextmanager
async def two(folder: Path) -> AsyncIterator[tuple[Page, Page]]:
    """Two members who have a pad open: one on a desk in the light, one on a phone in the dark."""
    async with store_at(f"sqlite:///{folder}/bots.db") as here, module(HOME) as homeserver, chromium() as browser:
        await here.store.write(lambda connection: book.make(connection, PAD, ROOM, here.now))
        async with portal(here, GENEROUS, homeserver) as visitor:
            other = Visitor(visitor.url)
            visitor.cookies["belisha"], other.cookies["belisha"] = await here.opened(ANA), await here.opened(BEN)
            address = f"{visitor.url}/pads/{quote(ROOM, safe='')}/{quote(PAD, safe='')}"
            desk = {"width": 900, "height": 900}
            async with (
                context(browser, visitor, viewport=desk) as hers,
                context(browser, other, viewport=PHONE, color_scheme="dark") as his,
            ):
                one, another = await hers.new_page(), await his.new_page()
                for page in (one, another):
                    await page.goto(address)
                    await saved(page)
                yield one, another


async def saved(page: Page) -> None:
    await expect(page.get_by_text("All is saved")).to_be_visible(timeout=PATIENCE)


async def shows(page: Page, words: str) -> None:
    """What stands in the editor, without the names beside cursors."""

    async def is_so() -> bool:
        found.append(str(await page.evaluate(_TEXT)))
        return found[-1] == words

    found: list[str] = []
    await until(is_so, PATIENCE / 1000, lambda: found[-1:])


async def write(page: Page, words: str) -> None:
    await page.locator(".cm-content").focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(words)


async def select_back(page: Page, count: int) -> None:
    for _ in range(count):
        await page.keyboard.press("Shift+ArrowLeft")


async def tab_to(page: Page, target: Locator, most: int = 40) -> None:
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await target.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError("nothing leads there by the keyboard")


async def looked_at(page: Page, name: str) -> None:
    assert await fits(page), name
    await assert_accessible(page)
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def entry(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


async def test_two_people_comment_and_suggest_by_the_keyboard(tmp_path: Path) -> None:
    async with two(tmp_path) as (one, another):
        await write(one, "# Tide tables\n\nHigh water is at seven")
        await shows(another, "# Tide tables\n\nHigh water is at seven")
        # A comment on the last word, and an answer to it.
        await select_back(one, 5)
        await one.keyboard.press("Control+Alt+m")
        await expect(one.get_by_label("Your comment on these words:")).to_be_focused()
        await one.keyboard.type("Winter time?")
        await tab_to(one, one.get_by_role("button", name="Write the comment"))
        await one.keyboard.press("Enter")
        await expect(one.locator(".cm-content mark")).to_have_text("seven")
        theirs = entry(another, "Comment by Ana (Harbour)")
        await expect(theirs).to_contain_text("Winter time?", timeout=PATIENCE)
        await expect(another.locator(".cm-content mark")).to_have_text("seven")
        answer = theirs.get_by_role("button", name="Answer")
        await another.locator(".cm-content").focus()
        await another.keyboard.press("Escape")
        await tab_to(another, answer)
        await another.keyboard.press("Enter")
        await expect(theirs.get_by_label("Your answer")).to_be_focused()
        await another.keyboard.type("Yes, of course")
        await tab_to(another, theirs.get_by_role("button", name="Send the answer"))
        await another.keyboard.press("Enter")
        await expect(entry(one, "Comment by you")).to_contain_text("Yes, of course", timeout=PATIENCE)
        await looked_at(one, "pad-comment-desk")
        await looked_at(another, "pad-comment-phone-dark")
        # A suggestion: what is typed and deleted is not in the text.
        await another.get_by_role("button", name="Suggest").focus()
        await another.keyboard.press("Enter")
        await expect(another.get_by_role("button", name="Suggest")).to_have_attribute("aria-pressed", "true")
        await expect(another.locator(".cm-content")).to_be_focused()
        await another.keyboard.press("Control+End")
        for _ in range(5):
            await another.keyboard.press("Backspace")
        await another.keyboard.type("eigth")
        await another.keyboard.press("Backspace")
        await another.keyboard.press("Backspace")
        await another.keyboard.type("ht")
        await expect(one.locator(".cm-content ins")).to_have_text("eight", timeout=PATIENCE)
        await expect(one.locator(".cm-content del")).to_have_text("seven")
        await expect(another.locator(".cm-content ins")).to_have_text("eight")
        suggestion = entry(one, "Suggestion by Ben (Harbour)")
        await expect(suggestion.locator("del")).to_have_text("seven")
        await looked_at(one, "pad-suggestion-desk")
        await looked_at(another, "pad-suggestion-phone-dark")
        await saved(another)
        await another.get_by_role("button", name="Suggest").click()
        await one.locator(".cm-content").focus()
        await one.keyboard.press("Escape")
        await tab_to(one, suggestion.get_by_role("button", name="Accept"))
        await one.keyboard.press("Enter")
        for page in (one, another):
            await shows(page, "# Tide tables\n\nHigh water is at eight")
            await expect(page.locator(".cm-content ins, .cm-content del")).to_have_count(0)
        await expect(suggestion).to_have_count(0)
        # What the comment was about is deleted by now, and it says so.
        await expect(entry(one, "Comment by you")).to_contain_text("On words that were deleted:seven")
        await expect(one.get_by_role("heading", name="Comments and suggestions")).to_be_focused()
        await entry(another, "Comment by Ana (Harbour)").get_by_role("button", name="Resolve").click()
        await expect(entry(one, "Comment by you")).to_contain_text("Resolved", timeout=PATIENCE)
        await entry(one, "Comment by you").get_by_role("button", name="Take back").first.click()
        for page in (one, another):
            await expect(page.get_by_text("There are none.")).to_be_visible(timeout=PATIENCE)
        await saved(one)


async def test_suggestions_through_a_cut_and_a_refusal(tmp_path: Path) -> None:
    async with two(tmp_path) as (one, another):
        await write(one, "High water is at seven")
        await shows(another, "High water is at seven")
        await another.get_by_role("button", name="Suggest").click()
        await another.context.set_offline(True)
        await another.keyboard.press("Control+Home")
        await another.keyboard.type("Today: ")
        await another.context.set_offline(False)
        await expect(one.locator(".cm-content ins")).to_have_text("Today: ", timeout=PATIENCE)
        await shows(one, "Today: High water is at seven")
        # All of it is deleted again, at the very beginning of the text: nothing is left of it.
        for _ in range(7):
            await another.keyboard.press("Backspace")
        await expect(one.locator(".cm-content ins")).to_have_count(0, timeout=PATIENCE)
        # What a group may not carry is refused, and given back.
        await another.keyboard.type("TLP:RED ")
        refused = another.get_by_role("alert")
        await expect(refused).to_contain_text("this group carries TLP:AMBER at most", timeout=PATIENCE)
        await expect(refused).to_contain_text("You wrote: TLP:RED")
        await shows(another, "High water is at seven")
        await looked_at(another, "pad-refused-phone-dark")


async def test_the_toolbar_is_one_stop_and_writes_markdown(tmp_path: Path) -> None:
    async with two(tmp_path) as (one, another):
        await write(one, "tide")
        await select_back(one, 4)
        await one.keyboard.press("Control+b")
        await shows(another, "**tide**")
        bold = one.get_by_role("button", name="Bold")
        await expect(bold).to_have_attribute("aria-pressed", "true")
        await one.keyboard.press("Control+b")
        await shows(another, "tide")
        await expect(bold).to_have_attribute("aria-pressed", "false")
        await one.keyboard.press("Control+i")
        await shows(another, "*tide*")
        await one.keyboard.press("Control+i")
        await one.keyboard.press("Control+k")
        await one.keyboard.type("https://tides.example")
        await shows(another, "[tide](https://tides.example)")
        # By the keyboard: one stop, then the arrows.
        await one.keyboard.press("Escape")
        await one.keyboard.press("Shift+Tab")
        await expect(bold).to_be_focused()
        for _ in range(2):
            await one.keyboard.press("ArrowRight")
        heading = one.get_by_role("button", name="Heading")
        await expect(heading).to_be_focused()
        await one.keyboard.press("Enter")
        await shows(another, "## [tide](https://tides.example)")
        await expect(heading).to_have_attribute("aria-pressed", "true")
        for name, words in (
            ("List", "- [tide](https://tides.example)"),
            ("Numbered list: 1.", "1. [tide](https://tides.example)"),
            ("Quotation", "> 1. [tide](https://tides.example)"),
        ):
            await one.get_by_role("button", name=name, exact=True).click()
            await shows(another, words)
        await one.get_by_role("button", name="Quotation").click()
        await one.get_by_role("button", name="Numbered list: 1.").click()
        await one.keyboard.press("Control+a")
        await one.keyboard.press("Delete")  # typing over it has Chromium try styles of its own, which are refused
        await one.keyboard.type("x = 1")
        await select_back(one, 5)
        await one.get_by_role("button", name="Code").click()
        await shows(another, "`x = 1`")
        stops = one.get_by_role("toolbar").locator("[tabindex='0']")
        await expect(stops).to_have_count(1)
        await one.get_by_role("button", name="Comment").click()
        await looked_at(one, "pad-toolbar-desk")
        await looked_at(another, "pad-toolbar-phone-dark")
