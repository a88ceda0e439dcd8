"""The directory and the editor in a real browser: a phone, the keyboard alone, as one types, without scripts; axe.

The portal's own pages over a store, and as much of the module as they ask: no Synapse is needed for this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect

from belisha.directory.fields import FIELDS
from belisha.directory.written import read
from bots.directory import profiles, search
from bots.kernel.listed import Listed
from bots.portal.limits import Rate, Rates
from tests.portal.alone import ANA, portal, store_at
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import HOSTILE, Visitor

PEOPLE: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "ana": (
        "Ana Beacon",
        "Harbour Office",
        "government",
        {
            "role": "Trust and safety lead",
            "expertise": "image hashing, grooming detection, appeals",
            "challenges": "image hashing at scale, age assurance",
            "languages": "English, Welsh",
        },
    ),
    "ben": (
        "Ben Lantern",
        "Reef Trust",
        "charity",
        {"role": "Helpline analyst", "expertise": "age assurance, image hashing", "availability": "limited"},
    ),
    "cy": (
        "Cy Foghorn",
        "University of the Sound",
        "academia",
        {"expertise": "image hashing, perceptual hashes", "interests": "age assurance", "availability": "not now"},
    ),
    "dee": (
        HOSTILE[:40],
        HOSTILE[:40],
        "industry",
        {"role": HOSTILE[:70], "expertise": f"{HOSTILE[:38]}, image hashing"},
    ),
}

#: One by somebody else, one by who would like to meet; each with words that are no markup.
INTRODUCTIONS = [
    {
        "id": f"{HOSTILE}{number}",
        "other": {"member": "@dee:belisha.localhost", "name": HOSTILE},
        "asker": asker,
        "why": f"{HOSTILE}\u202e",
        "until": 2e9,
    }
    for number, asker in enumerate(
        [
            {"member": "@dee:belisha.localhost", "name": HOSTILE},
            {"member": "@ben:belisha.localhost", "name": "Ben Lantern"},
        ]
    )
]
#: A copy of each state.
EXPORTS = [
    {"id": f"copy{at}", "at": 1.7e9 + at, "done": 3, "of": 9, **more}
    for at, more in enumerate(
        [
            {"state": "collecting", "until": None, "taken_at": None, "by_manager": True},
            {"state": "ready", "until": 2e9, "taken_at": 1.8e9, "by_manager": False},
            {"state": "outdated", "until": None, "taken_at": None, "by_manager": False},
            {"state": "over", "until": None, "taken_at": None, "by_manager": False},
        ]
    )
]


def listed(name: str) -> Listed:
    shown, organisation, category, _ = PEOPLE[name]
    return Listed(f"@{name}:belisha.localhost", shown, name, organisation, category)


def _as_json(one: Listed) -> dict[str, str]:
    return {key: getattr(one, key) for key in Listed.__slots__}


def _module() -> web.Application:
    by_id = {listed(name).user_id: listed(name) for name in PEOPLE}

    async def decide(_request: web.Request) -> web.Response:
        member = {"belongs": True, "organisation": "harbour", "roles": ["member", "manager"]}
        return web.json_response({"member": member, "items": [], "rooms": [], "label": None})

    async def directory(request: web.Request) -> web.Response:
        asked = (await request.json())["about"]
        about = [_as_json(by_id[one]) if one in by_id else None for one in asked]
        return web.json_response({"asker": _as_json(listed("ana")), "shares": [], "absent": [], "about": about})

    async def introductions(_request: web.Request) -> web.Response:
        return web.json_response({"introductions": INTRODUCTIONS})

    async def exports(_request: web.Request) -> web.Response:
        return web.json_response({"exports": EXPORTS})

    app = web.Application()
    api = "/_synapse/client/org.belisha/v1"
    answers = {"decide_batch": decide, "directory": directory, "introductions": introductions, "exports": exports}
    app.add_routes([web.post(f"{api}/{path}", answer) for path, answer in answers.items()])
    return app


def _fill(connection: sa.Connection) -> None:
    for number, (name, (_, _, _, fields)) in enumerate(PEOPLE.items()):
        written = {key: read(FIELDS[key], text) for key, text in fields.items()}
        profiles.change(connection, listed(name), 1000.0 + number, written)
    search.add_synonyms(connection, ["OSINT", "open-source intelligence"])


@pytest_asyncio.fixture
async def ana(tmp_path: Path) -> AsyncIterator[Visitor]:
    """A browser of Ana's, a manager, who is signed in."""
    generous = Rates(pages=Rate(1000, 1000), member=Rate(1000, 1000))
    async with store_at(f"sqlite:///{tmp_path}/bots.db") as here, TestServer(_module()) as module:
        await here.store.write(_fill)
        async with portal(here, generous, str(module.make_url("")).rstrip("/")) as visitor:
            visitor.cookies["belisha"] = await here.opened(ANA)
            yield visitor


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


async def test_directory_and_editor_on_a_phone_and_by_the_keyboard(
    ana: Visitor, browser: Browser, tmp_path: Path
) -> None:
    async with context(browser, ana, viewport=PHONE) as profile:
        page = await profile.new_page()
        for path in ("/directory?q=image+hashing", "/profile", "/profile/preview", "/profile/edit", "/challenges"):
            await page.goto(ana.url + path)
            assert await fits(page), path
            await assert_accessible(page)
            name = path.strip("/").partition("?")[0].replace("/", "-")
            await page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        member = "/directory/members/%40dee%3Abelisha.localhost"
        for path in ("/directory/synonyms", member, "/introductions", "/mydata"):
            await page.goto(ana.url + path)
            assert await fits(page), path
            await assert_accessible(page)

        # As one types, without the button; what was typed stays in the address.
        await page.goto(f"{ana.url}/directory")
        await page.get_by_label("What or whom do you look for?").focus()
        await page.keyboard.type("perceptual")
        await expect(page.locator("#hits h2")).to_have_text(["Cy Foghorn"])
        await expect(page.locator("#count")).to_have_text("1 member")
        await expect(page.locator("#hits .tag")).to_have_text(["image hashing", "perceptual hashes"])
        await assert_accessible(page)
        assert page.url.endswith("/directory?q=perceptual")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Matched expertise: perceptual hashes")).to_be_visible()
        await page.get_by_role("link", name="Cy Foghorn").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Cy Foghorn")).to_be_visible()

        # A suggested tag is added by a key, and stands in the field.
        await page.goto(f"{ana.url}/profile/edit")
        area = page.locator("#interests")
        await area.focus()
        await page.keyboard.type("maps, age")
        suggestion = page.locator('[data-suggest="interests"] button', has_text="age assurance")
        await suggestion.focus()
        await page.keyboard.press("Enter")
        await expect(area).to_have_value("maps, age assurance, ")


async def test_it_works_without_scripts(ana: Visitor, browser: Browser) -> None:
    async with context(browser, ana, java_script_enabled=False, viewport=PHONE) as profile:
        page = await profile.new_page()
        await page.goto(f"{ana.url}/directory")
        await page.get_by_label("What or whom do you look for?").fill("age assurance")
        await page.get_by_role("button", name="Find").click()
        await expect(page.locator("#hits h2").first).to_have_text("Ben Lantern")
        await page.get_by_role("link", name="Limited").click()
        await expect(page.locator("#hits h2")).to_have_text(["Ben Lantern"])
        await page.get_by_role("link", name="Availability: limited").click()
        assert "availability" not in page.url
        await page.goto(f"{ana.url}/profile/edit")
        await expect(page.locator("#expertise")).to_have_value("image hashing, grooming detection, appeals")
