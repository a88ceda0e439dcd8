"""The module in Chromium, loaded by Element's own ModuleLoader under our server's policy, over recorded events.

With BELISHA_SCREENSHOTS=FOLDER it leaves pictures of what it saw.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from tests.element.standin import RECORDED, opened
from tests.portal.chromium import assert_accessible

pytestmark = pytest.mark.full


async def test_each_event_shows_its_label_once(browser: Browser, address: str) -> None:
    here = await opened(browser, address)
    for name, event in RECORDED.items():
        label = event["content"]["org.belisha.tlp"]["label"]
        await expect(here.badge(name)).to_have_text(label)
        seen = (await here.tile(name).inner_text()).replace("TLP:RED The", "").replace("TLP:CLEAR The", "")
        assert f"[{label}]" not in seen, f"{name}: the text's own badge is shown too: {seen}"
        if name not in ("red", "strict", "clear", "hostile"):
            assert seen.count("TLP:") == 1, f"{name}: {seen}"
        tree = await here.tile(name).aria_snapshot()
        assert tree.count(f"Label {label}") == 1 and f"[{label}]" not in tree, f"read out twice: {tree}"
    await expect(here.badge("unlabelled")).to_have_text("⚠ No label")
    sealed = RECORDED["encrypted"]["content"]["org.belisha.tlp"]["label"]
    await expect(here.badge("opened")).to_have_text(
        sealed
    )  # what stands beside the ciphertext, and not the sender's word
    await expect(here.tile("opened")).to_contain_text("Sealed")
    colours = await here.badge("red").evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
    assert colours == ["rgb(255, 43, 43)", "rgb(0, 0, 0)"], "FIRST's"
    assert {urlsplit(url).netloc for url in here.asked} == {urlsplit(address).netloc}, "nobody else is asked"
    assert not here.said, here.said


async def test_an_edit_and_a_new_label_are_drawn_anew(browser: Browser, address: str) -> None:
    here = await opened(browser, address)
    edited = """(changes) => {
        const events = structuredClone(window.recorded);
        for (const [name, content] of Object.entries(changes)) Object.assign(events[name].content, content);
        window.draw(events);
    }"""
    coloured = '<span data-mx-bg-color="#000000" data-mx-color="#33FF00">[TLP:GREEN]</span> Public now'
    green = {"org.belisha.tlp": {"label": "TLP:GREEN", "by": "relabel"}}
    plain = {"body": "[TLP:AMBER] horn-2.ogg"}
    changes = {"text": {"formatted_body": coloured, **green}, "audio": plain}
    await here.page.evaluate(edited, changes)
    await expect(here.badge("text")).to_have_text("TLP:GREEN")
    assert (await here.tile("text").inner_text()).split() == ["TLP:GREEN", "Public", "now"]
    assert (await here.tile("audio").inner_text()).split() == ["TLP:AMBER", "horn.ogg", "horn-2.ogg"]


async def test_what_a_label_allows_is_told_by_mouse_and_by_keyboard(browser: Browser, address: str) -> None:
    here = await opened(browser, address, viewport={"width": 360, "height": 640})
    tip = here.page.get_by_role("tooltip")
    await here.badge("strict").hover()
    await expect(tip).to_contain_text("TLP:AMBER+STRICT – your own organisation may see it")
    await expect(tip.locator("li")).to_have_count(5)
    await tip.hover()  # it can be pointed at without going away (WCAG 1.4.13)
    await expect(tip).to_be_visible()
    await here.page.mouse.move(0, 0)
    await expect(tip).to_have_count(0)
    await here.badge("text").focus()
    await expect(tip).to_contain_text("where they need to know")
    described = await here.badge("text").get_attribute("aria-describedby")
    assert described == await tip.get_attribute("id")
    box = await tip.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["y"] + box["height"] <= 640
    await here.page.keyboard.press("Escape")
    await expect(tip).to_have_count(0)
    await here.page.keyboard.press("Tab")
    await expect(here.badge("text with html")).to_be_focused()
    await expect(tip).to_have_count(1)
    assert not here.said, here.said


async def test_a_content_warning_folds_the_rest_away(browser: Browser, address: str) -> None:
    here = await opened(browser, address)
    report = here.tile("warning").get_by_text("The report of the accident")
    await expect(report).to_be_hidden()
    summary = here.tile("warning").get_by_text("Content warning: drowning")
    await summary.focus()
    await here.page.keyboard.press("Enter")
    await expect(report).to_be_visible()
    await expect(here.tile("hostile").locator("summary")).to_have_text("Content warning: <img src=x onerror=alert(1)>")
    assert not here.said, here.said


@pytest.mark.parametrize(
    ("query", "typed", "said"),
    [
        ("", "The buoy", "TLP:AMBER as this room gives it:"),
        ("?room=green", "The buoy", "TLP:GREEN as this room gives it:"),
        ("", "[TLP:GREEN] The buoy", "TLP:GREEN as you wrote:"),
        ("?room=red&answers=red", "TLP:GREEN The buoy", "TLP:RED as what you answer:"),
        ("?room=red", "The buoy", "The server gives this a label"),
        ("", "TLP:PURPLE x", "⚠ TLP:PURPLE is no label"),
    ],
)
async def test_above_the_composer_stands_the_label_that_it_would_be_given(
    browser: Browser, address: str, query: str, typed: str, said: str
) -> None:
    here = await opened(browser, address, query)
    preview = here.page.locator(".belisha_preview")
    await expect(preview).to_have_count(0)
    await here.page.get_by_label("Message").fill(typed)
    await expect(preview).to_contain_text(said)
    await expect(here.page.locator(".mx_original")).to_have_count(1)  # Element's own stays
    await here.page.get_by_label("Message").fill("")
    await expect(preview).to_have_count(0)
    assert not here.said, here.said


async def test_the_portal_is_in_the_space_panel_and_opens_apart(browser: Browser, address: str) -> None:
    here = await opened(browser, address)
    config = await (await here.page.request.get(f"{address}/config.json")).json()
    portal = config["branding"]["logo_link_url"]
    await here.page.context.route(lambda url: url.startswith(portal), lambda route: route.fulfill(body="The portal"))
    async with here.page.expect_popup() as popup:
        await here.page.get_by_role("button", name="Portal").click()
    page = await popup.value
    await expect(page.locator("body")).to_have_text("The portal")
    assert await page.evaluate("window.opener") is None, "it cannot reach back into Element"


@pytest.mark.parametrize(("query", "name"), [("?broken=words", "words"), ("?broken=react", "react")])
async def test_whatever_fails_the_events_are_shown_as_by_element_itself(
    browser: Browser, address: str, query: str, name: str
) -> None:
    here = await opened(browser, address, query)
    assert await here.page.locator(".belisha_badge").count() == 0
    assert (await here.tile("text").inner_text()) == "[TLP:AMBER] Buoy 7 is back in place", name
    assert (await here.tile("warning").inner_text()).startswith("[TLP:AMBER] CW: drowning")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_is_accessible_and_looks_right(browser: Browser, address: str, theme: str) -> None:
    here = await opened(browser, address, f"?theme={theme}", viewport={"width": 800, "height": 1100})
    await here.page.get_by_label("Message").fill("TLP:RED The pump")
    await expect(here.page.locator(".belisha_preview")).to_be_visible()
    await assert_accessible(here.page)
    await here.badge("text").focus()
    await expect(here.page.get_by_role("tooltip")).to_be_visible()
    await assert_accessible(here.page)
    if folder := os.environ.get("BELISHA_SCREENSHOTS"):
        await here.page.screenshot(path=f"{folder}/element-module-{theme}.png")
