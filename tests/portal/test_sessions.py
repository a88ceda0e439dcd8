"""Sessions by the clock, and pages where something is missing: on a store alone, without Synapse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.portal.limits import Rate, Rates
from tests.portal.alone import ANA, Alone, portal, store_at
from tests.support.databases import postgresql

MINUTE = 60.0


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Alone]:
    async with store_at(f"sqlite:///{tmp_path}/bots.db") as found:
        yield found


@pytest.mark.parametrize(("minutes", "holds"), [(14, True), (16, False)])
async def test_a_code_holds_a_quarter_of_an_hour(here: Alone, minutes: float, holds: bool) -> None:
    token, asking = await here.sessions.ask("Firefox on Linux")
    here.now += minutes * MINUTE
    assert ("You are signing in" in await here.say(asking.code)) is holds
    assert (await here.sessions.asking(token) is not None) is holds


async def test_what_is_confirmed_is_taken_soon(here: Alone) -> None:
    token, asking = await here.sessions.ask("Firefox on Linux")
    assert "You are signing in" in await here.say(asking.code)
    here.now += 6 * MINUTE
    assert await here.sessions.confirmed(token) is None and await here.sessions.open(token, "harbour") is None


async def test_it_goes_on_while_it_is_used_and_twelve_hours_at_most(here: Alone) -> None:
    token = await here.opened()
    for _ in range(51):
        here.now += 14 * MINUTE
        assert await here.sessions.find(token) is not None
    here.now += 14 * MINUTE
    assert await here.sessions.find(token) is None


async def test_it_ends_when_nobody_uses_it(here: Alone) -> None:
    token = await here.opened()
    here.now += 15 * MINUTE + 1
    assert await here.sessions.find(token) is None and not await here.sessions.of(ANA)


async def _once(here: Alone) -> None:
    token, asking = await here.sessions.ask("Firefox on Linux")
    await here.say(asking.code)
    found = await asyncio.gather(*(here.sessions.open(token, "harbour") for _ in range(5)))
    assert len([one for one in found if one]) == 1
    assert sorted(await asyncio.gather(*(here.sessions.first_use("a token") for _ in range(5)))) == [False] * 4 + [True]
    session = await here.sessions.find(next(one for one in found if one))
    assert session is not None and await here.sessions.end(ANA, session.number)
    assert not await here.sessions.end(ANA, session.number)
    assert "I do not know that code" in await here.say("BBBB-CCCC") and "no session of that number" in await here.say(
        "end 1"
    )
    widget = await here.sessions.open_widget(ANA, "harbour", "Element on Linux", None)
    assert await here.sessions.ask_again(widget) == await here.sessions.ask_again(widget) is not None


async def test_what_happens_at_once_happens_once(here: Alone) -> None:
    await _once(here)


@pytest.mark.full
async def test_what_happens_at_once_happens_once_on_postgresql() -> None:
    with postgresql() as address:
        async with store_at(address) as here:
            await _once(here)


async def test_ending_all_forgets_the_browsers_that_were_confirmed(here: Alone) -> None:
    known = await here.sessions.know_browser(ANA, "harbour")
    for organisation, confirmed in (("harbour", True), ("chandlers", False)):
        token = await here.sessions.open_widget(ANA, organisation, "Element on Linux", known)
        found = await here.sessions.find(token)
        assert found is not None and found.confirmed is confirmed
    assert "(2 sessions)" in await here.say("end all")
    again = await here.sessions.find(await here.sessions.open_widget(ANA, "harbour", "Element on Linux", known))
    assert again is not None and not again.confirmed


async def test_what_is_over_is_forgotten(here: Alone) -> None:
    await here.sessions.ask("Firefox on Linux")
    token = await here.opened()
    here.now += 31 * 24 * 60 * MINUTE
    _, asking = await here.sessions.ask("Firefox on Linux")
    assert asking.number > 2 and await here.sessions.find(token) is None
    async with here.store.reading() as connection:
        rows = (await connection.exec_driver_sql("SELECT number FROM portal_session")).scalars().all()
    assert rows == [asking.number]


# --- Pages where something is missing ------------------------------------------------------------------------------


async def test_where_the_homeserver_cannot_be_asked_nothing_is_shown(here: Alone) -> None:
    async with portal(here, Rates()) as visitor:
        visitor.cookies["belisha"] = await here.opened()
        for path in ("/", "/sessions", "/groups/!x:belisha.localhost"):
            answer = await visitor.get(path)
            assert (answer.status, "cannot check right now" in answer.text) == (503, True), path
            assert "ana" not in answer.text and answer.headers["Cache-Control"] == "no-store"
        fields = {"token": "x", "server": "belisha.localhost"}
        assert (await visitor.post("/widget/sign-in", fields)).status == 503
        assert await here.sessions.find(visitor.cookies["belisha"]) is not None, "an outage signs nobody out"


@pytest.mark.parametrize(
    ("rates", "method", "path"),
    [
        (Rates(pages=Rate(0.01, 2)), "GET", "/static/portal.css"),
        (Rates(codes=Rate(0.01, 2)), "GET", "/sign-in"),
        (Rates(tokens=Rate(0.01, 2)), "POST", "/widget/sign-in"),
    ],
)
async def test_who_asks_too_often_is_told_to_wait(here: Alone, rates: Rates, method: str, path: str) -> None:
    async with portal(here, rates) as visitor:
        answers = []
        for _ in range(3):
            visitor.cookies.clear()
            headers = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": "192.0.2.1"}
            answers.append(await visitor.ask(method, path, headers, {} if method == "POST" else None))
        assert [answer.status == 429 for answer in answers] == [False, False, True]
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 100
        visitor.cookies.clear()
        other = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": "192.0.2.2"}
        assert (await visitor.ask(method, path, other, {} if method == "POST" else None)).status != 429


async def test_a_mistake_of_ours_is_a_page_and_tells_nothing(
    here: Alone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*_given: object) -> None:
        raise ValueError("what a member wrote")

    monkeypatch.setattr(here.sessions, "ask", breaks)
    async with portal(here, Rates()) as visitor:
        answer = await visitor.get("/sign-in")
    assert answer.status == 500 and "Something went wrong here" in answer.text
    assert "what a member wrote" not in answer.text + caplog.text and "a page failed" in caplog.text
