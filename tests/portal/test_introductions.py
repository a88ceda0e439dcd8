"""Introductions with the real bots and the portal: asked for by a form, agreed to by a tap and by a form."""

from __future__ import annotations

import html
import re

from tests.portal.support import Here
from tests.portal.test_commands import fill, last_of_steward, tap
from tests.portal.test_own_account import newcomer
from tests.support.patience import until
from tests.support.server import request

WHY = 'I could use help with tides & "winds" <b>'


async def invitations(here: Here, name: str) -> int:
    _, body = await request(here.people[name], "GET", "/_matrix/client/v3/sync?timeout=0")
    return len(body.get("rooms", {}).get("invite", {}))


async def test_an_introduction_from_the_directory_to_the_room(here: Here) -> None:
    asker, one, other = [await newcomer(here) for _ in range(3)]
    by = await here.sign_in(asker)
    profile = await by.get(f"/directory/members/@{one}:{here.server.name}")
    (link,) = re.findall(r'href="(/commands/introduce[^"]*)"', profile.text)
    form = await by.get(html.unescape(link))
    assert form.status == 200 and f'value="@{one}:{here.server.name}"' in form.text
    page = await fill(by, "introduce", members=f"@{one} @{other}", why=WHY)
    assert page.status == 200 and "Almost done" in page.text, page.text
    await tap(here, asker, await last_of_steward(here, asker, "On the portal you asked for !introduce"))
    assert await last_of_steward(here, asker, "nobody learns from me why")
    question = await last_of_steward(here, one, "would like to introduce you to")
    await tap(here, one, question)
    assert await last_of_steward(here, one, "Once you have both agreed")
    visitor = await here.sign_in(other)

    async def waits() -> str:
        page = await visitor.get("/introductions")
        return (
            page.text if WHY.replace("&", "&amp;").replace('"', "&#34;").replace("<", "&lt;")[:40] in page.text else ""
        )

    listed = await until(waits)
    assert "<b>" not in listed.partition("They write")[2].partition("</p>")[0].replace("<bdi>", "")
    (link,) = re.findall(r'href="(/commands/introductions-agree[^"]*)"', listed)
    number = link.rpartition("=")[2]
    page = await fill(visitor, "introductions-agree", introduction=number)
    await tap(
        here, other, await last_of_steward(here, other, f"On the portal you asked for !introductions agree {number}")
    )
    assert await last_of_steward(here, asker, "have both agreed: a room is open for the two of them")
    for name in (one, other):
        assert await last_of_steward(here, name, "have both agreed: a room for the two of you is open")
    assert await invitations(here, one) == 1 and await invitations(here, asker) == 0

    async def taken_back() -> bool:
        path = f"/_matrix/client/v3/rooms/{here.services[one]}/event/{question}"
        _, event = await request(here.people[one], "GET", path)
        return "body" not in event.get("content", {})

    await until(taken_back)
    assert "Nobody at the moment" in (await visitor.get("/introductions")).text


async def test_a_no_is_told_to_nobody(here: Here) -> None:
    asker, whom = [await newcomer(here) for _ in range(2)]
    assert "I ask them." in await here.asked(asker, f"!introduce @{whom} Tides")
    question = await last_of_steward(here, whom, "would like to meet you")
    await tap(here, whom, question, "❌")
    assert await last_of_steward(here, whom, "Nothing was done.")
    rows = here.server.query(
        "SELECT one_agrees + other_agrees AS agree, ended FROM belisha_introducing WHERE asker = ?", asker
    )
    assert rows == [{"agree": 1, "ended": None}], "a no is written down nowhere"
