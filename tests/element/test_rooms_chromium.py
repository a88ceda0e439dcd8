"""What the module draws in Chromium of recorded rooms and of what bots say: headers, posts, results, cards."""

from __future__ import annotations

import os
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, expect

from tests.element.standin import ROOMS, opened
from tests.portal.chromium import assert_accessible
from tests.support.recording import recording
from tests.support.server import free_ports

pytestmark = pytest.mark.full


async def test_a_rooms_header_says_what_it_is_and_carries_and_who_reads_it(browser: Browser, address: str) -> None:
    here = await opened(browser, address, "?header=blog")
    chip = here.page.get_by_role("button", name="This room: Closed · TLP:AMBER")
    panel = here.page.get_by_role("dialog", name="What this room carries")
    await expect(panel).to_be_hidden()
    await chip.focus()
    await here.page.keyboard.press("Enter")
    await expect(panel).to_contain_text("A message without a label gets TLP:AMBER – ")
    await expect(panel).to_contain_text("At the strictest it carries TLP:AMBER")
    await here.page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(chip).to_be_focused()
    # The page for writing stands in that group, so that Element itself shows who reads it.
    await chip.click()
    await panel.get_by_role("button", name="Who can see this").click()
    await expect(panel).to_be_hidden()
    assert await here.page.evaluate("moved") == [["blog", "belisha-composer top"]]
    stricter = {"kind": "closed", "default": "TLP:AMBER", "ceiling": "TLP:AMBER+STRICT", "archived": True}
    await here.page.evaluate("content => change('blog', 'org.belisha.room', content)", stricter)
    await chip.click()
    await expect(panel).to_contain_text("At the strictest it carries TLP:AMBER+STRICT")
    await expect(panel).to_contain_text("Nothing can be written here now.")
    assert not here.said, here.said


@pytest.mark.parametrize(
    ("room", "name", "who"),
    [
        ("open", "Open · TLP:GREEN", "on the portal"),
        ("closed", "Closed · TLP:AMBER", "on the portal"),
        ("named", "Named · TLP:AMBER", "exactly those in the list of its members"),
        ("service", "Service · TLP:AMBER", "exactly those in the list of its members"),
    ],
)
async def test_where_no_page_of_the_portal_stands_in_a_room(
    browser: Browser, address: str, room: str, name: str, who: str
) -> None:
    here = await opened(browser, address, f"?header={room}")
    await here.page.get_by_role("button", name=f"This room: {name}").click()
    panel = here.page.get_by_role("dialog")
    await expect(panel).to_contain_text(who)
    links = panel.get_by_role("link")
    assert await links.count() == (room in ("open", "closed")), "of named people the portal has no page (P1)"
    if room == "closed":
        href = await links.get_attribute("href") or ""
        assert href.endswith(f"/write?room={quote(ROOMS['closed'], safe='!')}#who"), href
        assert await links.get_attribute("rel") == "noopener noreferrer"


async def test_an_element_that_shows_no_state_shows_the_default_that_messages_say(
    browser: Browser, address: str
) -> None:
    here = await opened(browser, address, "?header=closed&broken=rooms")
    await here.page.get_by_role("button", name="This room: TLP:AMBER").click()
    panel = here.page.get_by_role("dialog")
    await expect(panel).to_contain_text("That is what the newest messages shown here say.")
    await expect(panel.get_by_role("link", name="Who can see this, on the portal")).to_be_visible()
    await expect(here.tile("post").locator(".belisha_card")).to_have_count(0)  # whether it is a blog is not known
    await expect(here.tile("result").locator(".belisha_card")).to_have_count(1)
    empty = await opened(browser, address, "?header=named&broken=rooms")
    await expect(empty.page.locator(".belisha_chip")).to_have_count(0)
    assert not here.said + empty.said


async def test_above_the_composer_a_room_says_its_default_and_what_it_cannot_carry(
    browser: Browser, address: str
) -> None:
    here = await opened(browser, address, "?room=announcement")
    preview = here.page.locator(".belisha_preview")
    await here.page.get_by_label("Message").fill("The lock is open again")
    await expect(preview).to_contain_text("TLP:GREEN as this room gives it:")
    await here.page.get_by_label("Message").fill("TLP:AMBER The lock")
    await expect(preview).to_contain_text("TLP:AMBER is stricter than what this room can carry (TLP:GREEN)")


async def test_posts_are_short_and_open_here_or_on_the_portal(browser: Browser, address: str) -> None:
    here = await opened(browser, address)
    post = here.page.get_by_role("article", name="Post").filter(has_text="High water at the lock")
    whole = post.locator(".mx_EventTile_body")
    await expect(whole).to_be_hidden()
    await expect(post.locator(".belisha_card_title")).to_have_text("High water at the lock")
    await post.locator("summary").focus()
    await here.page.keyboard.press("Enter")
    await expect(whole).to_be_visible()
    assert "[TLP:AMBER]" not in await here.tile("post").inner_text(), "the text's badge is hidden in there too"
    link = post.get_by_role("link", name="On the portal")
    assert "/blog/" in (await link.get_attribute("href") or "")
    short = here.tile("short post")
    await expect(short.locator(".mx_EventTile_body")).to_be_visible()
    await expect(short.locator(".belisha_card_title")).to_have_count(0)
    hostile = here.tile("hostile post").locator(".belisha_card_title")
    await expect(hostile).to_have_text("<img src=x onerror=alert(1)>")
    for name in ("no post", "heading elsewhere", "imitated card"):
        await expect(here.tile(name).locator(".belisha_card")).to_have_count(0)
        await expect(here.tile(name).locator(".mx_EventTile_body")).to_be_visible()


async def test_a_result_is_bars_and_cards_say_what_they_are(browser: Browser, address: str) -> None:
    here = await opened(browser, address)
    result = here.page.get_by_role("article", name="Result of a poll")
    await expect(result.locator(".belisha_card_title")).to_have_text("When do we meet?")
    bars = result.locator(".belisha_bars > li")
    said = [" ".join(one.split()) for one in await bars.all_inner_texts()]
    assert said == ["On Monday 1 (50 %)", "On <b>Tuesday</b> 1 (50 %)", "Never 0 (0 %)"]
    widths = await bars.locator(".belisha_bar > span").evaluate_all("all => all.map((one) => one.style.width)")
    assert widths == ["50%", "50%", "0%"]
    await result.get_by_text("All of it, in words").click()
    await expect(result.locator("table")).to_be_visible()
    for name, kind in (
        ("report", "Report"),
        ("waiting", "Somebody waits to be let in"),
        ("question", "A question to you"),
        ("announcement", "Announcement"),
    ):
        card = here.tile(name).get_by_role("article", name=kind, exact=True)
        await expect(card.locator(".mx_EventTile_body")).to_be_visible()
        await expect(here.badge(name)).to_have_count(1)
    # A result in another shape is drawn as Element draws it.
    await here.page.evaluate("""() => {
        const events = structuredClone(window.recorded);
        events.result.content.formatted_body = "<p>Nobody has voted.</p>";
        window.draw(events);
    }""")
    await expect(here.tile("result").locator(".mx_EventTile_body")).to_have_text("Nobody has voted.")
    await expect(here.tile("result").locator(".belisha_bars")).to_have_count(0)


async def test_a_proxy_sees_no_request_of_the_module_to_anybody_else(browser: Browser, address: str) -> None:
    async with recording(free_ports(1)[0]) as proxy:
        through = {"server": f"http://127.0.0.1:{proxy.port}", "bypass": "<-loopback>"}
        # Without the policy of our server, which would stop what the module asked.
        here = await opened(browser, address, "?header=blog", proxy=through, bypass_csp=True)
        away = "https://elsewhere.example"
        bait = (
            f'<img src="{away}/a.png"><link rel="stylesheet" href="{away}/b.css"><video poster="{away}/c.png"></video>'
        )
        baits = """bait => {
            const events = structuredClone(window.recorded);
            for (const { content } of Object.values(events)) {
                const html = content.formatted_body;
                if (typeof html === "string") content.formatted_body = html.replace("</h1>", bait + "</h1>") + bait;
            }
            window.draw(events);
        }"""
        await here.page.evaluate(baits, bait)
        for summary in await here.page.locator("summary").all():
            await summary.click()
        for badge in await here.page.locator(".mx_EventTile .belisha_badge").all():
            await badge.focus()
        await here.page.locator(".belisha_chip").click()
        await here.page.get_by_role("button", name="Who can see this").click()
        await here.page.get_by_label("Message").fill("TLP:RED https://elsewhere.example/")
        await expect(here.page.locator(".belisha_preview")).to_be_visible()
        assert proxy.origins() == {address}, proxy.origins()
        assert {one.removeprefix(address) for one in proxy.asked} >= {"/belisha/tlp.js", "/config.json"}
        await here.page.evaluate("() => fetch('http://elsewhere.example/').catch(() => undefined)")
        assert proxy.origins() == {address, "http://elsewhere.example"}, "it would have been seen"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_rooms_and_cards_are_accessible_and_look_right(browser: Browser, address: str, theme: str) -> None:
    here = await opened(browser, address, f"?theme={theme}&header=blog", viewport={"width": 800, "height": 1100})
    names = ("post", "short post", "result", "report", "question", "announcement")
    await here.page.evaluate(
        "names => window.draw(Object.fromEntries(names.map((one) => [one, window.recorded[one]])))", list(names)
    )
    await assert_accessible(here.page)
    if (folder := os.environ.get("BELISHA_SCREENSHOTS")) and theme == "light":
        await here.page.screenshot(path=f"{folder}/element-cards-light.png")
    await here.page.locator(".belisha_chip").click()
    await expect(here.page.get_by_role("dialog")).to_be_visible()
    await assert_accessible(here.page)
    if folder and theme == "dark":
        await here.page.screenshot(path=f"{folder}/element-room-dark.png")
