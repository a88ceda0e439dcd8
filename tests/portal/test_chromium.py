"""The portal in a real browser: both ways in, a phone, the keyboard alone, no scripts, every page read by axe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bots.portal.limits import Rates
from tests.portal.alone import module, portal, store_at
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, element, fits
from tests.portal.support import HOSTILE, Here, Visitor, make_group, share
from tests.portal.test_digest_mail import mail_off
from tests.support.patience import until
from tests.support.producers import drawn
from tests.support.sampling import sampled
from tests.support.server import free_ports


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def a_post(here: Here, ana: Visitor) -> str:
    """The address of a post of ana's with all that one can have."""
    wish = {"kind": "open", "organisations": [], "purpose": "blog"}
    state = [{"type": "org.belisha.room", "state_key": "", "content": wish}]
    await make_group(here, "ana", "blog of lights", "Lights", "public_chat", initial_state=state)
    room = here.groups["blog of lights"]
    body = "# A list of lights\n\nOne `two` **three** #lights\n\n## More\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> said"
    event = await here.say("ana", body, room)
    thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": event}, "msgtype": "m.text", "body": "*Yes*"}
    edited = {"msgtype": "m.text", "body": body.replace("One", "Two")}
    edit = {**edited, "m.new_content": edited, "m.relates_to": {"rel_type": "m.replace", "event_id": event}}
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": "👍"}}
    for kind, content in (("m.room.message", thread), ("m.room.message", edit), ("m.reaction", reaction)):
        await here.people["ana"].room_send(room, kind, content)

    async def is_listed() -> bool:
        await asyncio.sleep(0.5)
        return "A list of lights" in (await ana.get("/blog")).text

    await until(is_listed)
    return f"/blog/{quote(room, safe='')}/{quote(event, safe='')}"


@pytest_asyncio.fixture(scope="module")
async def a_document(here: Here, ana: Visitor) -> str:
    """The address of a file of ana's with versions, a caption and a file of another organisation of that name."""
    said = {"body": "Every light of the #coast"}
    first, _ = await share(here, "List of lights.txt", b"one", group="open", by="ana", **said)
    await share(here, "List of lights.txt", b"two", group="open", by="ana")
    await here.people["finn"].join(here.groups["open"])
    await share(here, "list of lights.txt", b"three", group="open", by="finn")
    return f"/documents/{quote(here.groups['open'], safe='')}/{quote(first, safe='')}"


async def test_sign_in_by_code(here: Here, browser: Browser) -> None:
    """The page goes on by itself, and asks for nothing from outside."""
    async with context(browser, viewport=PHONE) as profile:
        page = await profile.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{here.url}/sessions")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert await fits(page)
        await assert_accessible(page)
        code = await page.locator(".code code").inner_text()
        assert "You are signing in to the portal with Chrome on Linux" in await here.asked("ana", code)
        await expect(page.get_by_role("heading", name="My sessions")).to_be_visible(timeout=30_000)
        assert page.url == f"{here.url}/sessions"
        cookies = {cookie["name"]: cookie for cookie in await profile.cookies()}
        assert set(cookies) == {"belisha"}
        assert cookies["belisha"]["httpOnly"] and cookies["belisha"]["sameSite"] == "Strict"
        assert await page.evaluate("document.cookie") == ""
        assert all(url.startswith(here.url) for url in asked)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("You are signed out.")).to_be_visible()


async def test_inside_element_by_the_real_widget_api(here: Here, browser: Browser, element_port: int) -> None:
    async with context(browser) as profile, element(here, element_port) as origin:
        page = await profile.new_page()
        await page.goto(f"{origin}/?name=finn")
        address = f"{here.url}/widget?widgetId=$matrix_widget_id"
        await page.evaluate("url => show(url)", address.replace("$matrix_widget_id", "a%20widget%2F1"))
        portal = page.frame_locator("#portal")
        await expect(portal.get_by_role("heading", name="Home")).to_be_visible(timeout=30_000)
        await expect(portal.get_by_text("to look only")).to_be_visible()
        (cookie,) = await profile.cookies()
        assert (cookie["name"], cookie["secure"], cookie["sameSite"]) == ("belisha-widget", True, "None")
        assert cookie["partitionKey"].startswith("http://localhost")  # type: ignore[typeddict-item]
        assert await page.evaluate("asked") == 1
        await portal.get_by_role("link", name="Confirm this browser").click()
        code = await portal.locator(".code code").inner_text()
        assert "You are signing in" in await here.asked("finn", code)
        await expect(portal.get_by_role("heading", name="Home")).to_be_visible(timeout=30_000)
        await expect(portal.get_by_text("to look only")).to_have_count(0)
        await page.wait_for_function("events.filter(name => name === 'ready').length >= 2")
        assert "error:preparing" not in await page.evaluate("events")
        await page.reload()
        await page.evaluate("url => show(url)", address.replace("$matrix_widget_id", "a%20widget%2F1"))
        await expect(portal.get_by_role("heading", name="Home")).to_be_visible(timeout=30_000)
        await expect(portal.get_by_text("to look only")).to_have_count(0)


@pytest.mark.full
async def test_a_copy_of_ones_data_is_taken_inside_element(here: Here, browser: Browser, element_port: int) -> None:
    await here.asked("finn", "!mydata")
    await here.say("finn", "yes")
    async with context(browser) as profile, element(here, element_port) as origin:
        page = await profile.new_page()
        await page.goto(f"{origin}/?name=finn")
        await page.evaluate("url => show(url)", f"{here.url}/widget?widgetId=a%20widget%2F1")
        portal = page.frame_locator("#portal")
        await portal.get_by_role("link", name="Confirm this browser").click(timeout=30_000)
        assert "You are signing in" in await here.asked("finn", await portal.locator(".code code").inner_text())
        await expect(portal.get_by_text("to look only")).to_have_count(0, timeout=30_000)
        to = "url => { document.getElementById('portal').src = url }"

        async def is_there() -> bool:
            await page.evaluate(to, f"{here.url}/mydata")
            await expect(portal.get_by_role("heading", name="A copy of my data")).to_be_visible()
            return await portal.get_by_role("link", name="Take it").count() > 0

        await until(is_there)
        async with page.expect_download() as taken:
            await portal.get_by_role("link", name="Take it").click()
        assert (await taken.value).suggested_filename == "mydata.TLP-RED.zip"
        await page.evaluate(to, f"{here.url}/mydata/nothing/file")
        await expect(portal.get_by_role("heading")).to_be_visible()


@pytest.mark.parametrize("path", ["/widget", "/sign-in", "/"])
async def test_no_other_page_can_show_it(here: Here, browser: Browser, path: str) -> None:
    """Neither another site, nor Element where it is about a code for a whole browser."""
    async with context(browser) as profile, element(here, free_ports(1)[0]) as origin:
        page = await profile.new_page()
        await page.goto(origin)
        async with page.expect_event("requestfailed", lambda one: one.url.startswith(here.url)) as failed:
            await page.evaluate("url => show(url)", here.url + path)
        assert "ERR_BLOCKED_BY_RESPONSE" in ((await failed.value).failure or "")


async def test_without_javascript(here: Here, browser: Browser) -> None:
    async with context(browser, java_script_enabled=False, viewport=PHONE) as profile:
        page = await profile.new_page()
        await page.goto(here.url)
        code = await page.locator(".code code").inner_text()
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("has not arrived yet")).to_be_visible()
        assert await page.locator(".code code").inner_text() == code
        await here.asked("ana", code)
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("heading", name="Home", exact=True)).to_be_visible()
        await page.get_by_role("link", name="Buoys").click()
        await expect(page.get_by_role("heading", name="Buoys")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("You are signed out.")).to_be_visible()


async def test_names_and_topics_are_text(here: Here, browser: Browser, ana: Visitor) -> None:
    """Every field that members write is shown as they wrote it; markup in one would raise an alarm."""
    async with context(browser, ana) as profile:
        page = await profile.new_page()
        await page.goto(here.url)
        await expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
        await expect(page.locator(".topic").get_by_text(HOSTILE)).to_be_visible()
        await page.get_by_role("link", name=HOSTILE).click()
        await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
        assert await page.evaluate("document.images.length") == 1, "the portal's own"


async def test_whatever_the_module_tells_is_text(browser: Browser, tmp_path: Path) -> None:
    """Where another rule failed, and markup stood in every field that a page shows: names, ids, organisations, all."""
    person = {"user_id": f"@{HOSTILE}", "name": HOSTILE, "organisation": HOSTILE}
    room = {
        **{"room_id": f"!{HOSTILE}", "name": HOSTILE, "topic": HOSTILE, "members": 2, "could_join": False},
        **{"kind": "closed", "default": "TLP:AMBER", "ceiling": "TLP:AMBER", "organisations": [HOSTILE]},
    }
    waiting = {"invitations": [{**room, "by": person}], "knocks": [{**room, "from": person}]}
    home = {"groups": [room], **waiting, "new_members": [{**person, "since": 1}]}
    async with (
        store_at(f"sqlite:///{tmp_path}/bots.db") as alone,
        module(home) as homeserver,
        portal(alone, Rates(), homeserver) as visitor,
    ):
        visitor.cookies["belisha"] = await alone.opened(f"@{HOSTILE}:belisha.localhost", HOSTILE)
        async with context(browser, visitor) as profile:
            page = await profile.new_page()
            await page.goto(visitor.url)
            await expect(page.get_by_text(HOSTILE)).to_have_count(10)
            await page.get_by_role("link", name=HOSTILE).click()
            await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
            await page.get_by_role("link", name="My sessions").click()
            await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
            assert await page.evaluate("document.images.length") == 1, "the portal's own"


async def test_from_a_link_on_another_site(here: Here, browser: Browser, ana: Visitor, element_port: int) -> None:
    """The cookie is not sent along, and yet nobody has to sign in again."""
    async with context(browser, ana) as profile, element(here, element_port) as origin:
        page = await profile.new_page()
        await page.goto(origin)
        await page.evaluate("url => { location.href = url }", f"{here.url}/sessions")
        await expect(page.get_by_role("heading", name="My sessions")).to_be_visible()


async def test_with_the_keyboard_alone(here: Here, browser: Browser, ana: Visitor) -> None:
    async with context(browser, ana) as profile:
        page = await profile.new_page()
        await page.goto(here.url)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        seen: list[str] = []
        for _ in range(60):
            await page.keyboard.press("Tab")
            focused = await page.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();"
                " return [e.tagName, e.textContent.trim(), s.outlineStyle, r.height, e.matches('li a, p a')] })()"
            )
            if focused[0] == "BODY":
                break
            assert focused[2] != "none", focused
            seen.append(focused[1])
        assert "Buoys" in seen
        await page.get_by_role("link", name="My sessions").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="My sessions")).to_be_visible()


@pytest.mark.full
@pytest.mark.parametrize(("width", "scheme"), sampled(product((320, 360, 1280), ("light", "dark")), ((320, "dark"),)))
async def test_every_page_is_accessible(
    here: Here, browser: Browser, ana: Visitor, a_post: str, a_document: str, scheme: str, width: int
) -> None:
    """WCAG 2.2 AA as far as axe can tell; at 320 pixels it is reflow at 400 % (1.4.10)."""
    pages = {
        ana: [
            "/",
            "/sessions",
            "/commands",
            "/commands/group-policy",
            "/commands/direct-chats",
            "/polls/new",
            "/directory",
            "/blog",
            a_post,
            f"{a_post}/versions",
            "/blog/write",
            "/documents",
            a_document,
            "/search?q=lights",
            "/challenges",
            "/introductions",
            "/mydata",
            "/profile",
            "/profile/edit",
            "/profile/preview",
            f"/directory/members/{here.people['ana'].user_id}",
            f"/groups/{here.groups['open']}",
            f"/groups/{here.groups['closed']}",
            "/nothing",
        ],
        Visitor(here.url): ["/sign-in", "/sign-in?because=not-yet", "/widget", "/digest-mail/0", mail_off(here)],
    }
    for visitor, paths in pages.items():
        viewport = {"width": width, "height": 740}
        async with context(browser, visitor, color_scheme=scheme, viewport=viewport) as profile:
            page = await profile.new_page()
            for path in paths:
                await page.goto(here.url + path)
                assert await fits(page), path
                await assert_accessible(page)
                small = await page.evaluate(
                    "[...document.querySelectorAll('button, .button, nav a, select, textarea, input')]"
                    ".filter(e => !['checkbox', 'hidden'].includes(e.type))"
                    ".filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 44)"
                    ".map(e => e.outerHTML)"
                )
                assert not small, small


@pytest.mark.full
async def test_a_file_s_page_shows_how_it_begins_or_nothing(here: Here, browser: Browser, ana: Visitor) -> None:
    """Also on a phone and at 400 %; where nothing can be drawn, no empty frame and no error stands there."""
    room, kind = quote(here.groups["open"], safe=""), {"info": {"mimetype": "application/pdf"}}
    whole, _ = await share(here, "Chart of lights.pdf", drawn(), group="open", by="ana", **kind)
    broken, _ = await share(here, "Half a chart.pdf", drawn()[:600], group="open", by="ana", **kind)
    for width in (320, 1280):
        async with context(browser, ana, viewport={"width": width, "height": 740}) as profile:
            page = await profile.new_page()
            await page.goto(f"{here.url}/documents/{room}/{quote(whole, safe='')}")
            picture = page.get_by_alt_text("The first page of the file")
            await expect(picture).to_have_js_property("naturalWidth", 640)
            await expect(picture).to_be_visible()
            assert await fits(page)
            await assert_accessible(page)
            async with page.expect_response(lambda answer: "/documents/preview/" in answer.url) as answer:
                await page.goto(f"{here.url}/documents/{room}/{quote(broken, safe='')}")
            assert (await answer.value).status == 404
            await expect(page.locator(".preview")).to_be_hidden()
            await expect(page.get_by_role("link", name="Save a copy")).to_be_visible()


async def test_a_group_is_found_by_typing(here: Here, browser: Browser, ana: Visitor) -> None:
    async with context(browser, ana) as profile:
        page = await profile.new_page()
        await page.goto(here.url)
        every = await page.locator("#group-list > li").count()
        await page.get_by_label("Find a group").fill("coast LIGHTS")
        await expect(page.locator("#group-list > li:visible")).to_have_count(1)
        await expect(page.get_by_role("link", name="Buoys")).to_be_visible()
        await expect(page.get_by_text(f"1 of {every} groups")).to_be_visible()
