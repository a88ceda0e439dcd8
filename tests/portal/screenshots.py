"""Takes the portal's pictures for the documentation: `python -m tests.portal.screenshots docs/screenshots`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from PIL import Image
from playwright.async_api import Browser, ViewportSize, expect

from bots.charts.bars import Bar, Bars
from bots.charts.drawing import png
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import Here, Visitor, form_of, join, make_group, running, settings_with, share
from tests.portal.test_pads import Pads
from tests.portal.test_polls import events, replies
from tests.support.patience import until
from tests.support.server import request

Scheme = Literal["light", "dark"]
_POLL = Bars(
    "When do we meet?",
    "“Thursday” has the most votes: 4 of 7.",
    (
        Bar("Tuesday", 1, "1 (14 %)", second=0, second_said="0 of 3"),
        Bar("Thursday", 4, "4 (57 %)", leads=True, second=2, second_said="2 of 3"),
        Bar("Friday, after the tide table is out", 2, "2 (29 %)", second=0, second_said="0 of 3"),
        Bar("(split: no single answer)", None, "", second=1, second_said="1 of 3"),
    ),
    7,
    3,
    ("Votes", "Organisations, each with one vote"),
)
_DESK = {"width": 900, "height": 900}


async def take(folder: Path) -> None:
    """Makes a small community, and a picture of each page: on a phone and on a desk, light and dark."""
    with tempfile.TemporaryDirectory() as data:
        settings = settings_with("https://element.belisha.localhost")
        async with running(Path(data) / "data", settings, _settle) as here, chromium() as browser:
            ana = await here.sign_in("ana", Visitor(here.url, "Mozilla/5.0 (Android 16; Mobile) Firefox/140.0"))
            async with context(browser, viewport=PHONE) as profile:
                page = await profile.new_page()
                await page.goto(f"{here.url}/sign-in")
                await page.screenshot(path=folder / "sign-in-phone.png", full_page=True)
                await page.get_by_label("Your address in Element").fill("@ben")
                await page.get_by_role("button", name="Ask me in my chat").click()
                await page.locator(".picture").scroll_into_view_if_needed()
                await page.screenshot(path=folder / "sign-in-picture-phone.png", full_page=True)
                await here.asked("ana", await page.locator(".code code").inner_text())
                await expect(page.get_by_role("heading", name="Home", exact=True)).to_be_visible(timeout=15_000)
            for name in ("ana", "ben", "cora"):
                await here.asked(name, "!profile expertise image hashing, tide tables")
                await here.asked(name, "!profile role Keeper of lights")
            group = f"/groups/{here.groups['closed']}"
            for path, name, size, scheme in (
                ("/", "home-phone-light", PHONE, "light"),
                ("/", "home-phone-dark", PHONE, "dark"),
                ("/", "home-desk-light", _DESK, "light"),
                (group, "group-phone-light", PHONE, "light"),
                ("/sessions", "sessions-desk-dark", _DESK, "dark"),
                ("/directory?q=image+hashing", "directory-phone-light", PHONE, "light"),
                ("/profile/edit", "profile-edit-phone-light", PHONE, "light"),
                ("/commands", "commands-phone-light", PHONE, "light"),
                ("/commands/group-policy", "command-desk-light", _DESK, "light"),
                ("/commands/group-policy", "command-phone-dark", PHONE, "dark"),
            ):
                await _picture(browser, ana, path, folder / f"{name}.png", size, scheme)
            cora, dina = await here.sign_in("cora"), await here.sign_in("dina")
            await _urgent_report(here, cora)
            policy = {"room": "Pilots", "its-kind": "closed", "its-organisations": "harbour, coastguard"}
            for visitor, path, filled, name, size, scheme in (
                (ana, "/commands/group-policy", policy, "sure-phone-light", PHONE, "light"),
                (cora, "/commands/offboard", {"its-member": "@eli"}, "sure-phone-dark", PHONE, "dark"),
                (cora, "/commands/mute", {}, "mute-phone-light", PHONE, "light"),
                (cora, "/commands/report", {}, "report-form-phone-light", PHONE, "light"),
                (cora, "/reports", {}, "reports-phone-dark", PHONE, "dark"),
                (cora, "/reports/1", {}, "report-phone-light", PHONE, "light"),
                (dina, "/commands/members-confirm", {"its-members": "@ana"}, "confirm-phone-light", PHONE, "light"),
                (cora, "/commands/announce", {}, "announce-desk-light", _DESK, "light"),
            ):
                await _picture(browser, visitor, path, folder / f"{name}.png", size, scheme, filled)
            await _ballots(here, browser, ana, folder)
            await _shared(here, browser, ana, folder)
            await _written(here, browser, ana, folder)
            await _pad(here, browser, ana, folder)


async def _pad(here: Here, browser: Browser, ana: Visitor, folder: Path) -> None:
    """A pad that two write in: a comment with an answer, and a suggestion."""
    room = here.groups["open"]
    status, body = await request(here.people["ben"], "POST", f"/_matrix/client/v3/rooms/{quote(room)}/join", {})
    assert status == 200, body
    begun = await here.say("ana", "!pad", room)
    await here.answer("ana", begun, room)
    address = f"{here.url}/pads/{quote(room, safe='')}/{quote(begun, safe='')}"
    ben = await here.sign_in("ben")
    async with context(browser, ana, viewport=_DESK) as hers, context(browser, ben, viewport=_DESK) as his:
        mine, theirs = await hers.new_page(), await his.new_page()
        for page in (mine, theirs):
            await page.goto(address)
            await expect(page.get_by_text("All is saved")).to_be_visible(timeout=30_000)
        await mine.locator(".cm-content").focus()
        await mine.keyboard.type(
            "# Tide tables\n\nThe gauge at the **north pier** stood still.\nHigh water is at seven"
        )
        await expect(theirs.locator(".cm-content")).to_contain_text("at seven", timeout=30_000)
        for _ in range(5):
            await mine.keyboard.press("Shift+ArrowLeft")
        await mine.keyboard.press("Control+Alt+m")
        await mine.keyboard.type("Is that winter time?")
        await mine.get_by_role("button", name="Write the comment").click()
        await theirs.get_by_role("button", name="Answer").click(timeout=30_000)
        await theirs.get_by_label("Your answer").fill("Yes, as in the printed tables.")
        await theirs.get_by_role("button", name="Send the answer").click()
        await theirs.get_by_role("button", name="Suggest").click()
        for key in ("Control+End", "ArrowUp", "End"):
            await theirs.keyboard.press(key)
        await theirs.keyboard.type(" It was mended in October.")
        await expect(mine.get_by_text("Insert:")).to_be_visible(timeout=30_000)
        assert await fits(mine)
        await assert_accessible(mine)
        await mine.screenshot(path=folder / "pad-desk-light.png", full_page=True)


async def _shared(here: Here, browser: Browser, ana: Visitor, folder: Path) -> None:
    """What is found: posts, documents, messages; who would like to meet ana, and a copy of her data."""
    wish = {"kind": "open", "organisations": [], "purpose": "blog"}
    state = [{"type": "org.belisha.room", "state_key": "", "content": wish}]
    await make_group(here, "ana", "blog", "Lights blog", "public_chat", initial_state=state)
    body = "# What the tide tables got wrong\n\nThree of our **gauges** stood still in October. #tides"
    await here.say("ana", body, here.groups["blog"])
    await here.say("ana", "The tide at the north pier is half an hour late.", here.groups["more"])
    await share(here, "Tide tables 2027.csv", b"TLP:GREEN\nday,high,low\n1,06:12,12:20\n", by="ana", group="more")
    await here.asked("ben", '!introduce @ana "Could you tell me how you read the tide tables?"')
    await here.asked("ana", "!mydata")
    await here.say("ana", "yes")

    async def is_there() -> bool:
        pages = [(await ana.get(path)).text for path in ("/blog", "/documents", "/introductions", "/mydata")]
        wanted = ("got wrong", "Tide tables 2027.csv", "how you read", "Take it")
        return all(words in page for words, page in zip(wanted, pages, strict=True))

    await until(is_there)
    for path, name in (
        ("/blog", "blog-phone-light"),
        ("/documents", "documents-phone-light"),
        ("/search?q=tide", "search-phone-light"),
        ("/introductions", "introductions-phone-light"),
        ("/mydata", "mydata-phone-light"),
    ):
        await _picture(browser, ana, path, folder / f"{name}.png", PHONE, "light")


async def _written(here: Here, browser: Browser, ana: Visitor, folder: Path) -> None:
    """A pad of two members, and who wrote what in a version of it."""
    await make_group(here, "ana", "drafts", "Drafts", "private_chat", invite=[here.people["ben"].user_id])
    await here.people["ben"].join(here.groups["drafts"])
    pads, ben = Pads(here, "drafts"), await here.sign_in("ben")
    at = pads.address(await pads.begin("ana", "!pad"))
    async with pads.open(ana, at) as hers, pads.open(ben, at) as his:
        await hers.write("# What the tide tables got wrong\n\nThe gauge at the north pier stood still in October.\n")
        await his.until(lambda: "October" in str(his.text))
        await his.write("We read it by hand until the 14th.\n")
        await hers.until(lambda: "14th" in str(hers.text))
        await _named(ana, at, "For the harbour master")
        await hers.write("Since then the new one is in.\n")
        await _named(ben, at, "With the new gauge")
    version = (await ana.get(f"{at}/history")).text.partition(f'href="{at}/history/')[2].partition('"')[0]
    await _picture(browser, ana, f"{at}/history/{version}", folder / "pad-version-phone-light.png", PHONE, "light")


async def _named(visitor: Visitor, at: str, name: str) -> None:
    form = form_of((await visitor.get(f"{at}/history")).text)
    assert (await visitor.post(f"{at}/history", {"form": form, "name": name})).status == 303


async def _picture(
    browser: Browser,
    visitor: Visitor,
    path: str,
    file: Path,
    size: ViewportSize,
    scheme: Scheme,
    filled: Mapping[str, str] | None = None,
) -> None:
    """A picture of a page, or of what comes when its form is handed in; of none that cannot be read or does not fit."""
    async with context(browser, visitor, viewport=size, color_scheme=scheme) as profile:
        page = await profile.new_page()
        await page.goto(visitor.url + path)
        for name, value in (filled or {}).items():
            field = page.locator(f'[name="{name}"]')
            is_choice = await field.evaluate("e => e.tagName") == "SELECT"
            await (field.select_option(value) if is_choice else field.fill(value))
        if filled:
            await page.locator("form.fields button").click()
            await page.wait_for_load_state()
        assert await fits(page), file
        await assert_accessible(page)
        await page.screenshot(path=file, full_page=True)


async def _ballots(here: Here, browser: Browser, ana: Visitor, folder: Path) -> None:
    """An anonymous poll: its ballot paper, the code, and the list."""
    others = ("ben", "eli", "cora", "dina")
    invited = [here.people[name].user_id for name in others]
    await make_group(here, "ana", "council", "Tide council", "private_chat", invite=invited)
    for name in others:
        await here.people[name].join(here.groups["council"])
    command = '!poll "Where do we meet next?" | Harbour office | University | On board --anonymous --closes 2d'
    room = here.groups["council"]
    await here.answer("ana", await here.say("ana", command, room), room)
    cards = (one for one in await events(here, room) if "anonymous" in one["content"].get("org.belisha.poll", {}))
    card = next(cards)
    path = f"/ballots/{card['content']['org.belisha.poll']['anonymous']['place']}"
    await _picture(browser, ana, path, folder / "ballot-phone-light.png", PHONE, "light")
    for place, visitor in enumerate([await here.sign_in(name) for name in others] + [ana]):
        async with context(browser, visitor, viewport=PHONE, color_scheme="dark") as profile:
            page = await profile.new_page()
            await page.goto(here.url + path)
            await page.locator('[name="choice"]').nth(place % 3).check()
            await page.locator("form.fields button").click()
            await expect(page.get_by_role("heading", name="Your vote is taken")).to_be_visible()
            if visitor is ana:
                assert await fits(page)
                await assert_accessible(page)
                await page.screenshot(path=folder / "ballot-cast-phone-dark.png", full_page=True)
    await replies(here, "ana", room, card["event_id"], "!poll close")

    async def is_listed() -> bool:
        return "Find your ballot" in (await ana.get(path)).text

    await until(is_listed)
    await _picture(browser, ana, path, folder / "ballots-phone-light.png", PHONE, "light")


async def _urgent_report(here: Here, steward: Visitor) -> None:
    """A message in a group, reported by a member, looked after by a steward who sees it."""
    item = await here.say("ana", "Whoever forgot the bow line again: learn it or leave.", here.groups["open"])
    await here.people["ben"].join(here.groups["open"])
    body = {"reason": "Urgent: this is bullying", "score": -100}
    path = f"/_matrix/client/v3/rooms/{quote(here.groups['open'])}/report/{quote(item)}"
    assert (await request(here.people["ben"], "POST", path, body))[0] == 200

    async def is_there() -> bool:
        return (await steward.get("/reports/1")).status == 200

    await until(is_there)
    page = await steward.get("/reports/1")
    await steward.post("/reports/1/look", {"form": form_of(page.text)})
    await here.asked("cora", "!report acknowledge --number 1")


async def _settle(here: Here) -> None:
    for organisation in ("harbour", "coastguard", "university"):
        await here.server.organisation(organisation)
    for name, organisation in (("ana", "harbour"), ("ben", "coastguard"), ("eli", "coastguard")):
        await join(here, name, organisation)
    for name, organisation, roles in (
        ("cora", "university", ("steward", "manager")),
        ("dina", "harbour", ("lead",)),
    ):
        await join(here, name, organisation, *roles)
    await make_group(
        here, "ana", "open", "Buoys and beacons", "public_chat", "Lights, buoys and beacons along the coast."
    )
    await make_group(here, "ana", "closed", "Pilots", "private_chat", "Who brings which ship in, and when.")
    await make_group(here, "ana", "more", "Tides", "public_chat", "Tables, gauges, and what they got wrong.")
    invited = [here.people["ana"].user_id]
    await make_group(here, "cora", "invited", "Sediment survey", "private_chat", invite=invited)
    status, body = await request(here.people["ben"], "POST", f"/_matrix/client/v3/knock/{here.groups['closed']}", {})
    assert status == 200, body


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(target))
    (target / "poll-result.png").write_bytes(png(_POLL))
    for picture in target.glob("*.png"):  # so few colours need no more
        Image.open(picture).quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
