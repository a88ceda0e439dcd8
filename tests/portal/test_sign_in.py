"""Signing in by code: the member's command is the proof, once, for one browser, for so long."""

from __future__ import annotations

import nio
import pytest

from tests.portal.support import CODE, Here, Visitor, form_of, join
from tests.support.patience import until


async def _code(visitor: Visitor) -> tuple[str, str]:
    page = await visitor.get("/sign-in", **{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    found = CODE.search(page.text)
    assert found, page.text
    return found[1], form_of(page.text)


async def _confirmed(here: Here, visitor: Visitor, name: str = "ben") -> str:
    code, form = await _code(visitor)
    assert "You are signing in" in await here.asked(name, f"!portal {code}")
    return form


async def test_the_answer_names_browser_and_time_and_says_how_to_end_it(here: Here) -> None:
    visitor = Visitor(here.url)
    code, form = await _code(visitor)
    said = await here.asked("ben", f"!portal {code.lower().replace('-', ' ')}")
    assert "Firefox on Linux, which asked for it at " in said
    number = said.partition("!portal end ")[2].partition(" ")[0]
    assert number.isdecimal()
    assert f"Done: session {number} has ended." in await here.asked("ben", f"!portal end {number}")
    taken = await visitor.post("/sign-in", {"form": form})
    assert taken.location.startswith("/sign-in?because=") and "belisha" not in visitor.cookies


async def test_loading_pages_uses_nothing_up_and_opens_nothing(here: Here) -> None:
    visitor = Visitor(here.url)
    form = await _confirmed(here, visitor)
    for _ in range(2):  # whatever looks at links, before and after the member's message
        assert CODE.search((await visitor.get("/sign-in")).text)
        assert (await visitor.ask("HEAD", "/sign-in", {})).status == 200
        assert (await visitor.get("/sign-in/state")).text == '{"state": "confirmed"}'
    assert "belisha" not in visitor.cookies
    assert (await visitor.post("/sign-in", {"form": form})).location == "/"
    assert (await visitor.get("/")).status == 200


async def test_a_code_lets_one_browser_in_once(here: Here) -> None:
    visitor, thief = Visitor(here.url), Visitor(here.url)
    form = await _confirmed(here, visitor)
    thief.cookies = dict(visitor.cookies)
    assert (await visitor.post("/sign-in", {"form": form})).location == "/"
    again = await thief.post("/sign-in", {"form": form})
    assert again.location == "/sign-in?because=not-yet" and "belisha" not in thief.cookies


async def test_a_used_code_is_unknown(here: Here) -> None:
    visitor = Visitor(here.url)
    code, _ = await _code(visitor)
    await here.asked("ben", f"!portal {code}")
    assert "I do not know that code" in await here.asked("finn", f"!portal {code}")


async def test_a_code_written_in_a_group_lets_nobody_in(here: Here) -> None:
    visitor, group = Visitor(here.url), here.groups["open"]
    code, form = await _code(visitor)
    said = await here.answer("ana", await here.say("ana", f"!portal {code}", group), group)
    assert "in your own chat with me" in said
    assert "I do not know that code" in await here.asked("ben", f"!portal {code}")
    assert (await visitor.post("/sign-in", {"form": form})).location == "/sign-in?because=not-yet"
    assert CODE.search((await visitor.get("/sign-in")).text)[1] != code  # type: ignore[index]


async def test_before_the_message_nothing_opens(here: Here) -> None:
    visitor = Visitor(here.url)
    _, form = await _code(visitor)
    early = await visitor.post("/sign-in", {"form": form, "next": "/sessions"})
    assert early.location == "/sign-in?because=not-yet&next=/sessions"
    assert "has not arrived yet" in (await visitor.get(early.location)).text


async def test_a_message_that_was_taken_back_opens_nothing(here: Here) -> None:
    """The command is read again where it stands: that it once arrived is not enough."""
    visitor = Visitor(here.url)
    code, form = await _code(visitor)
    sent = await here.say("ben", f"!portal {code}")
    await here.answer("ben", sent)
    redacted = await here.people["ben"].room_redact(here.services["ben"], sent)
    assert isinstance(redacted, nio.RoomRedactResponse), redacted
    taken = await visitor.post("/sign-in", {"form": form})
    assert taken.location == "/sign-in?because=no-member" and not visitor.cookies


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.belisha.test/", "//evil.belisha.test/", "/\\evil.belisha.test", "/\r\nx: y"]
)
async def test_it_goes_on_to_pages_of_the_portal_only(here: Here, elsewhere: str) -> None:
    visitor = Visitor(here.url)
    form = await _confirmed(here, visitor)
    assert (await visitor.post("/sign-in", {"form": form, "next": elsewhere})).location == "/"


async def test_no_cookie_of_before_opens_anything_after(here: Here) -> None:
    """A session that somebody planted, or a code's cookie that they know, is none after signing in."""
    visitor = Visitor(here.url)
    visitor.cookies["belisha"] = "planted"
    form = await _confirmed(here, visitor)
    planted = dict(visitor.cookies)
    assert (await visitor.post("/sign-in", {"form": form})).location == "/"
    assert visitor.cookies["belisha"] not in planted.values() and "belisha-asking" not in visitor.cookies
    attacker = Visitor(here.url)
    for name in ("belisha", "belisha-asking", "belisha-widget"):
        for value in planted.values():
            attacker.cookies = {name: value}
            assert (await attacker.get("/")).status == 303


async def test_wrong_codes_are_counted_for_each_account(here: Here) -> None:
    for _ in range(8):
        assert "I do not know that code" in await here.asked("mallory", "!portal BBBB-CCCC")
    code, _ = await _code(Visitor(here.url))
    assert "too many wrong codes" in await here.asked("mallory", f"!portal {code}")
    assert "You are signing in" in await here.asked("ben", f"!portal {code}")


async def test_sessions_are_listed_and_ended_by_command(here: Here) -> None:
    visitor = await here.sign_in("ben")
    listed = await here.asked("ben", "!portal sessions")
    number = listed.partition("• ")[2].partition(":")[0]
    assert "You have no session of that number" in await here.asked("finn", f"!portal end {number}")
    assert (await visitor.get("/")).status == 200
    assert "has ended" in await here.asked("ben", f"!portal end {number}")
    ended = await visitor.get("/")
    assert (ended.status, ended.location) == (303, "/sign-in?because=ended")
    others = [await here.sign_in("ben") for _ in range(2)]
    assert "(2 sessions)" in await here.asked("ben", "!portal end all") or len(others) == 2
    for other in others:
        assert (await other.get("/")).status == 303


@pytest.mark.parametrize("change", ["frozen", "organisation", "removed"])
async def test_a_session_ends_with_the_right_to_it(here: Here, change: str) -> None:
    name = f"gone-{change}"
    await join(here, name, "harbour")
    visitor, in_widget = await here.sign_in(name), await here.in_widget(name)
    token = await here.openid(name)
    assert (await visitor.get("/")).status == (await in_widget.get("/")).status == 200
    if change == "organisation":
        member = {"name": name, "organisation": "chandlers", "roles": ["member"]}
        status, answer = await here.server.local("PUT", f"members/{name}", member)
    else:
        status, answer = await here.server.local("PUT", f"standing/members/{name}", {"standing": change})
    assert status == 200, answer

    async def out() -> bool:
        return (await visitor.get("/")).status == 303

    await until(out, 10)  # half a second is promised; what else the machine does may take the rest
    assert (await in_widget.get("/")).status == 303
    if change != "organisation":
        fields = {"token": token["access_token"], "server": token["matrix_server_name"]}
        assert (await Visitor(here.url).post("/widget/sign-in", fields)).status == 403
