"""A lost password by the portal, with the real bots: from the lead's command to a new session; in Chromium, by hand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import nio
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import CODE as PORTAL_CODE
from tests.portal.support import OWN, Here, Visitor, form_of
from tests.portal.test_commands import last_of_steward
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

NEW = "a lighthouse keeper's new password"
CODE = re.compile(r"\b(?:[A-Z2-9]{4}-){3}[A-Z2-9]{4}\b")


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


async def member(here: Here, *roles: str) -> str:
    name = unique("rita")
    here.people[name] = await here.server.member(name, "chandlers", *roles)
    _, listed = await here.server.local("GET", "members")
    here.services[name] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith(f"@{name}:"))
    return name


async def code_for(here: Here, lead: str, name: str) -> str:
    assert "Make sure first who asks you. Shall I?" in await here.asked(lead, f"!recover @{name}")
    await here.say(lead, "yes")
    await last_of_steward(here, lead, "Give this code to")

    async def found() -> str | None:
        path = f"/_matrix/client/v3/rooms/{here.services[lead]}/messages?dir=b&limit=20"
        _, page = await request(here.people[lead], "GET", path)
        said = [str(one["content"].get("body", "")) for one in page["chunk"]]
        told = next((one for one in said if f"Give this code to @{name}" in one), "")
        match = CODE.search(told)
        assert match is None or f"{here.url}/recover" in told
        return match[0] if match else None

    return await until(found) or ""


async def test_from_the_command_to_a_new_session(here: Here, browser: Browser) -> None:
    """By the keyboard, on a phone, without scripts; sessions of before are over, on the portal too."""
    lead, name = await member(here, "member", "lead"), await member(here)
    old = await here.sign_in(name)
    prepared, token = Visitor(here.url), await here.openid(name)
    shown = (await prepared.get("/sign-in")).text
    assert "You are signing in" in await here.asked(name, f"!portal {(PORTAL_CODE.search(shown) or '')[1]}")
    code = await code_for(here, lead, name)
    async with context(browser, viewport=PHONE, java_script_enabled=False) as profile:
        page = await profile.new_page()
        await page.goto(f"{here.url}/recover")
        assert await fits(page)
        fields = {"account": f"@{name}", "code": code.lower(), "password": NEW, "again": NEW + "!"}
        for _attempt in range(2):
            for field, value in fields.items():
                await page.locator(f'[name="{field}"]').fill(value)
            await page.locator('[name="again"]').press("Enter")
            if fields["again"] != NEW:
                await expect(page.get_by_role("alert")).to_contain_text("The two passwords are not the same.")
                await expect(page.locator('[name="account"]')).to_have_value(f"@{name}")
                for hidden in ("password", "again", "code"):
                    await expect(page.locator(f'[name="{hidden}"]')).to_have_value("")
                assert await fits(page)
                fields["again"] = NEW
        await expect(page.get_by_role("heading", name="Your new password is set")).to_be_visible()
        assert page.url == f"{here.url}/recover", "nothing of it stands in an address"
    assert (await old.get("/")).location.startswith("/sign-in"), "a session of before"
    taken = await prepared.post("/sign-in", {"form": form_of(shown), "next": "/"})
    assert taken.location.startswith("/sign-in?because="), "one that was confirmed before, and not taken yet"
    fields = {"token": token["access_token"], "server": token["matrix_server_name"]}
    assert (await Visitor(here.url).post("/widget/sign-in", fields)).status == 403, "what Element got before"
    client = here.server.client(name)
    assert isinstance(await client.login(NEW), nio.LoginResponse)
    here.people[name] = client
    await last_of_steward(here, name, "your account got a new password")
    assert (await (await here.sign_in(name)).get("/")).status == 200, "a session of after"
    logged = "".join(path.read_text(errors="replace") for path in (here.server.data / "logs").iterdir())
    assert NEW not in logged and code not in logged and code.lower() not in logged


async def test_the_page_is_for_everybody_to_use(here: Here, browser: Browser) -> None:
    async with context(browser, viewport=PHONE) as profile:
        page = await profile.new_page()
        await page.goto(f"{here.url}/sign-in")
        await page.get_by_role("link", name="set a new one").click()
        await expect(page.get_by_role("heading", name="Set a new password")).to_be_visible()
        await assert_accessible(page)
        await page.locator("form.fields").evaluate("form => { form.noValidate = true }")
        await page.get_by_role("button", name="Set the new password").press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Please fill in all four fields.")
        await assert_accessible(page)


async def test_wrong_codes_are_all_one_and_are_not_tried_for_ever(here: Here) -> None:
    visitor, name = Visitor(here.url), await member(here)
    visitor.patient = False
    fields = {"account": f"@{name}", "code": "AAAA-AAAA-AAAA-AAAA", "password": NEW, "again": NEW}
    first = await visitor.post("/recover", fields)
    assert first.status == 400 and "There is no such code for that account" in first.text
    short = await visitor.post("/recover", {**fields, "password": "short", "again": "short"})
    assert short.status == 400 and "There is no such code" not in short.text
    for hostile in ("\0", "'\"><script>alert(1)</script>", "@" * 300):
        answer = await visitor.post("/recover", {**fields, "account": hostile})
        assert answer.status == 400 and "<script>alert" not in answer.text
    assert (await visitor.ask("POST", "/recover", {"Sec-Fetch-Site": "cross-site"}, fields)).status == 403
    statuses = [(await visitor.post("/recover", fields, OWN)).status for _ in range(12)]
    assert statuses[-1] == 429 and set(statuses) == {400, 429}
