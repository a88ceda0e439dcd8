"""Signing in by a tap on the picture that the browser shows: one try, the right person, and nothing told to others."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bots.portal.approval import PICTURES
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import STEWARD, Answer, Here, Visitor, form_of, join
from tests.portal.test_commands import last_of_steward, tap
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more

ASKED = "to be signed in to the portal as you"


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture
async def dora(here: Here) -> str:
    """A member of this test alone, whom nobody has worn out yet."""
    name = unique("dora")
    await join(here, name, "harbour")
    return name


async def ask(visitor: Visitor, member: str) -> Answer:
    """Names a member on the sign-in page; the page that comes then."""
    form = form_of((await visitor.get("/sign-in")).text)
    sent = await visitor.post("/sign-in/ask", {"form": form, "member": member, "next": "/sessions"})
    assert (sent.status, sent.location) == (303, "/sign-in?next=/sessions"), sent
    return await visitor.get("/sign-in")


def shown(page: Answer) -> str:
    return next(one for one in PICTURES if one in page.text)


async def offered(here: Here, name: str, event: str) -> set[str]:
    """The pictures under the steward's message."""
    path = f"/_matrix/client/v1/rooms/{here.services[name]}/relations/{event}/m.annotation?limit=20"

    async def all_there() -> set[str]:
        _, body = await request(here.people[name], "GET", path)
        keys = {e["content"]["m.relates_to"]["key"] for e in body["chunk"] if e["sender"] == STEWARD}
        return keys if len(keys) == 6 else set()

    return await until(all_there)


async def state(visitor: Visitor) -> str:
    return (await visitor.get("/sign-in/state")).text


async def test_the_right_picture_lets_this_browser_in(here: Here, dora: str) -> None:
    visitor, other = Visitor(here.url), Visitor(here.url)
    await other.get("/sign-in")
    page = await ask(visitor, f"@{dora}")
    event = await last_of_steward(here, dora, ASKED)
    keys = await offered(here, dora, event)
    assert shown(page) in keys and "❌" in keys and keys <= {*PICTURES, "❌"}
    await tap(here, dora, event, shown(page))
    assert await last_of_steward(here, dora, "You are signing in to the portal")
    assert "confirmed" in await state(visitor) and "waiting" in await state(other)
    taken = await visitor.post("/sign-in", {"form": form_of(page.text), "next": "/sessions"})
    assert (taken.status, taken.location) == (303, "/sessions")
    assert f"@{dora}:" in (await visitor.get("/sessions")).text


@pytest.mark.parametrize("key", ["wrong", "❌"])
async def test_another_picture_ends_it(here: Here, dora: str, key: str) -> None:
    visitor = Visitor(here.url)
    page = await ask(visitor, dora)
    event = await last_of_steward(here, dora, ASKED)
    keys = await offered(here, dora, event)
    wrong = key if key == "❌" else next(one for one in keys if one not in (shown(page), "❌"))
    await tap(here, dora, event, wrong)
    assert await last_of_steward(here, dora, "signed in")
    await until(lambda: over(visitor), 20)
    await tap(here, dora, event, shown(page))
    taken = await visitor.post("/sign-in", {"form": form_of(page.text), "next": "/"})
    assert taken.location.startswith("/sign-in?because=")


async def over(visitor: Visitor) -> bool:
    return "over" in await state(visitor)


async def test_nobody_else_lets_it_in(here: Here, dora: str) -> None:
    visitor = Visitor(here.url)
    page = await ask(visitor, dora)
    event = await last_of_steward(here, dora, ASKED)
    relation = {"rel_type": "m.annotation", "event_id": event, "key": shown(page)}
    for room in (here.services["finn"], here.groups["open"]):
        sent = await here.people["ana" if room == here.groups["open"] else "finn"].room_send(
            room, "m.reaction", {"m.relates_to": relation}
        )
        assert sent
    assert "waiting" in await state(visitor)
    again = await ask(visitor, dora)
    newer = await last_of_steward(here, dora, ASKED)
    assert newer != event or shown(again)
    await tap(here, dora, event, shown(page))
    if shown(again) != shown(page):
        assert "waiting" in await state(visitor), "a picture that is not shown any more lets nobody in"


async def test_a_name_that_is_nobodys_gives_the_same_page(here: Here, dora: str) -> None:
    hidden = re.compile(
        r'value="[^"]+"|!portal [A-Z0-9-]+|until .*?</time>|<p class="picture".*?</p>|It is the \w+\.', re.S
    )
    pages = [await ask(Visitor(here.url), name) for name in (dora, "nobody.here", "belisha_steward")]
    assert len({hidden.sub("", page.text) for page in pages}) == 1
    visitor = Visitor(here.url)
    form = form_of((await visitor.get("/sign-in")).text)
    for name in ("", "two words", "@x:elsewhere.org", "a" * 300):
        answer = await visitor.post("/sign-in/ask", {"form": form, "member": name})
        assert answer.location == "/sign-in?because=no-address"
    assert (await visitor.post("/sign-in/ask", {"form": "x", "member": dora})).location == "/sign-in?because=ended"


async def test_nobody_is_worn_out_by_asking(here: Here, dora: str) -> None:
    for _ in range(6):
        assert shown(await ask(Visitor(here.url), dora))
    await last_of_steward(here, dora, ASKED)

    async def settled_down() -> int:
        path = f"/_matrix/client/v3/rooms/{here.services[dora]}/messages?dir=b&limit=100"
        _, body = await request(here.people[dora], "GET", path)
        return sum(ASKED in str(event["content"].get("body")) for event in body["chunk"])

    await until(lambda: at_least(settled_down, 3))
    await here.asked(dora, "!help")  # its lane is in order: whatever was asked before has been said
    assert await settled_down() == 3


async def at_least(count: Callable[[], Awaitable[int]], least: int) -> bool:
    return await count() >= least


async def test_by_hand_on_a_phone(here: Here, browser: Browser, dora: str) -> None:
    async with context(browser, viewport=PHONE) as profile:
        page = await profile.new_page()
        await page.goto(f"{here.url}/sessions")
        await page.get_by_label("Your address in Element").fill(f"@{dora}:{here.server.name}")
        await page.get_by_role("button", name="Ask me in my chat").click()
        picture = await page.locator(".picture span").inner_text()
        assert await fits(page)
        await assert_accessible(page)
        await tap(here, dora, await last_of_steward(here, dora, ASKED), picture)
        await expect(page.get_by_role("heading", name="My sessions")).to_be_visible(timeout=30_000)
