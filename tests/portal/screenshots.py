"""Takes the portal's pictures for the documentation: `python -m tests.portal.screenshots docs/screenshots`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import expect

from tests.portal.chromium import PHONE, chromium, context
from tests.portal.support import Here, Visitor, join, make_group, running, settings_with
from tests.support.server import request

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
            group = f"/groups/{here.groups['closed']}"
            for path, name, size, scheme in (
                ("/", "home-phone-light", PHONE, "light"),
                ("/", "home-phone-dark", PHONE, "dark"),
                ("/", "home-desk-light", _DESK, "light"),
                (group, "group-phone-light", PHONE, "light"),
                ("/sessions", "sessions-desk-dark", _DESK, "dark"),
                ("/commands", "commands-phone-light", PHONE, "light"),
                ("/commands/group-policy", "command-desk-light", _DESK, "light"),
                ("/commands/group-policy", "command-phone-dark", PHONE, "dark"),
            ):
                async with context(browser, ana, viewport=size, color_scheme=scheme) as profile:
                    page = await profile.new_page()
                    await page.goto(here.url + path)
                    await page.screenshot(path=folder / f"{name}.png", full_page=True)


async def _settle(here: Here) -> None:
    for organisation in ("harbour", "coastguard", "university"):
        await here.server.organisation(organisation)
    for name, organisation in (("ana", "harbour"), ("ben", "coastguard"), ("cora", "university"), ("dina", "harbour")):
        await join(here, name, organisation)
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
    for picture in target.glob("*.png"):  # so few colours need no more
        Image.open(picture).quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
