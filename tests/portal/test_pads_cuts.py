"""Pads in several real browsers at once, through a network that breaks and a server that is killed: all is there."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from urllib.parse import quote, urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.portal.chromium import chromium, context
from tests.portal.cutting import Cutting, cutting
from tests.portal.support import Here, join, make_group
from tests.support.patience import until
from tests.support.server import request

#: `make test` has the same with pages of a model in `test_pads_breaks.py`.
pytestmark = [pytest.mark.full, pytest.mark.nightly]

PATIENCE = 60_000
#: What stands in an editor, without the names beside cursors.
SHOWN = """element => {
  const copy = element.cloneNode(true);
  for (const caret of copy.querySelectorAll('[class*="pad-caret"]')) caret.remove();
  const words = (line) => line.textContent.replace(/[\\u2060\\u200b]/g, '');
  return [...copy.querySelectorAll('.cm-line')].map(words).join('\\n');
}"""


async def shown(page: Page) -> str:
    return str(await page.locator(".cm-content").evaluate(SHOWN))


async def write(page: Page, name: str, dice: random.Random, words: int) -> str:
    """Writes so many words, here and there, and takes a letter back now and then; the letters that stay."""
    await page.locator(".cm-content").focus()
    stays = ""
    for number in range(words):
        if dice.random() < 0.3:
            await page.keyboard.press(dice.choice(["Control+Home", "Control+End"]))
        await page.keyboard.type(f" {name}{number}")
        stays += f"{name}{number}"
        if dice.random() < 0.3:
            await page.keyboard.type("#")
            await page.keyboard.press("Backspace")
        await asyncio.sleep(dice.random() / 5)
    return stays


async def breaks(here: Here, network: Cutting, dice: random.Random) -> None:
    """Cuts at random, and kills the server once."""
    for number in range(5):
        await asyncio.sleep(0.3 + dice.random() / 2)
        if number == 2:
            here.bots.end()  # kill -9
            await here.bots.start()
        else:
            await network.cut(dice.random() / 2)


@pytest.mark.parametrize("count", [2, 5])
async def test_pages_come_to_show_the_same_whatever_breaks(here: Here, count: int) -> None:
    dice = random.Random(count)  # noqa: S311 - to find it again
    names = [f"cut{count}{letter}" for letter in "abcde"[:count]]
    for number, name in enumerate(names):
        await join(here, name, ("harbour", "chandlers")[number % 2])
    invited = [here.people[name].user_id for name in names[1:]]
    await make_group(here, names[0], names[0], "Drafts", "private_chat", invite=invited)
    room = here.groups[names[0]]
    for name in names[1:]:
        path = f"/_matrix/client/v3/rooms/{quote(room)}/join"
        assert (await request(here.people[name], "POST", path, {}))[0] == 200
    begun = await here.say(names[0], "!pad", room)
    assert "write together" in await here.answer(names[0], begun, room)
    address = f"{here.url}/pads/{quote(room, safe='')}/{quote(begun, safe='')}"
    portal = urlsplit(here.url)
    async with AsyncExitStack() as stack:
        network, port = await stack.enter_async_context(cutting(portal.port or 80, dice))
        browser = await stack.enter_async_context(
            chromium(f"--host-resolver-rules=MAP {portal.netloc} 127.0.0.1:{port}")
        )
        pages: list[Page] = []
        for name in names:
            visitor = await here.sign_in(name)
            pages.append(await (await stack.enter_async_context(context(browser, visitor))).new_page())
            await pages[-1].goto(address)
            await expect(pages[-1].get_by_text("All is saved")).to_be_visible(timeout=PATIENCE)
        writing = [write(page, name, dice, 10) for page, name in zip(pages, names, strict=True)]
        *stays, _ = await asyncio.gather(*writing, breaks(here, network, dice))
        assert network.cuts, "connections were cut"

        async def is_one() -> bool:
            await asyncio.sleep(0.2)
            return len({await shown(page) for page in pages}) == 1

        for page in pages:
            await expect(page.get_by_text("All is saved")).to_be_visible(timeout=PATIENCE)
        assert await until(is_one), [await shown(page) for page in pages]
        # Words of two at one place may stand in one another; not a letter is missing, and none is there twice.
        text = await shown(pages[0])
        assert sorted("".join(text.split())) == sorted("".join(stays)), (text, stays)
        fresh = await pages[0].context.new_page()
        await fresh.goto(address)
        await expect(fresh.get_by_text("All is saved")).to_be_visible(timeout=PATIENCE)
        assert await shown(fresh) == text
