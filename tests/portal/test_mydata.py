"""A copy of one's own data with the real bots and the portal: asked for in chat, made, taken once, by nobody else."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import aiohttp

from tests.portal.support import Here, Visitor
from tests.portal.test_commands import fill, last_of_steward, tap
from tests.portal.test_own_account import newcomer
from tests.support.patience import until

FORMULA = "=HYPERLINK(1)"
TABLE = "profile-in-the-directory.csv"


async def ready(visitor: Visitor) -> str:
    """The address by which the page offers the copy, once it is whole."""

    async def found() -> str:
        page = await visitor.get("/mydata")
        assert page.status == 200
        return next(iter(re.findall(r'href="(/mydata/[^"]+/file)"', page.text)), "")

    return await until(found) or ""


async def test_a_copy_is_asked_for_made_and_taken(here: Here) -> None:
    name, other = await newcomer(here), await newcomer(here)
    visitor, stranger = await here.sign_in(name), await here.sign_in(other)
    await here.asked(name, f"!profile expertise tides, {FORMULA}, <img src=x>")
    page = await fill(visitor, "mydata")
    assert page.status == 200 and "Almost done" in page.text
    await tap(here, name, await last_of_steward(here, name, "On the portal you asked for !mydata"))
    assert await last_of_steward(here, name, "A copy of what is held about you is being made.")
    address = await ready(visitor)
    assert (await stranger.get(address)).status == 404
    assert address not in (await stranger.get("/mydata")).text
    assert (await Visitor(here.url).get(address)).status == 303, "who is not signed in is sent to sign in"
    sent = await visitor.get(address)
    assert sent.status == 303 and sent.location.startswith(f"{here.server.url}/_synapse/client/org.belisha/v1/export/")
    async with aiohttp.ClientSession() as session, session.get(sent.location) as answer:
        assert answer.status == 200
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
            profile = json.loads(archive.read("profile-in-the-directory.json"))
            forms, messages = json.loads(archive.read("forms.json")), archive.read("messages.json").decode()
            cells = [cell for row in csv.reader(archive.read(TABLE).decode("utf-8-sig").splitlines()) for cell in row]
            sessions = json.loads(archive.read("sessions-of-the-portal.json"))
    assert (profile["label"], profile["rows"][0]["value"]) == ("TLP:RED", ["tides", FORMULA, "<img src=x>"])
    assert any("<img src=x>" in cell for cell in cells) and not [cell for cell in cells if cell[:1] in ("=", "+", "-")]
    assert forms["rows"] and sessions["rows"][0]["browser"] and "!profile expertise tides, =HYPERLINK" in messages
    async with aiohttp.ClientSession() as session, session.get(sent.location) as answer:
        assert answer.status == 404, "a link holds once"
    assert "It was taken on" in (await visitor.get("/mydata")).text
    await here.asked(name, "!profile erase")
    await here.say(name, "yes")

    async def is_gone() -> bool:
        return "so it was deleted" in (await visitor.get("/mydata")).text

    await until(is_gone)
    assert (await visitor.get(address)).status == 404
