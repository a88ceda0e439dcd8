"""Inside Element: a token of our own Synapse, once, opens a session that may only look until it is confirmed."""

from __future__ import annotations

import re

import aiohttp

from tests.portal.support import CODE, Here, Visitor, form_of
from tests.support.server import request


async def test_a_token_is_accepted_once(here: Here) -> None:
    token = await here.openid("ana")
    fields = {"token": token["access_token"], "server": token["matrix_server_name"]}
    first, second = Visitor(here.url), Visitor(here.url)
    opened = await first.post("/widget/sign-in", fields)
    assert opened.status == 200
    assert opened.cookies[0].endswith("; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=None; Partitioned")
    assert (await second.post("/widget/sign-in", fields)).status == 403 and not second.cookies
    assert "Signed in as <code>@ana:" in (await first.get("/")).text


async def test_foreign_and_made_up_tokens_open_nothing(here: Here) -> None:
    token = await here.openid("ana")
    client = here.people["ana"]
    _, own = await request(client, "GET", "/_matrix/client/v3/account/whoami")
    assert own["user_id"] == client.user_id
    for fields in (
        {"token": token["access_token"], "server": "elsewhere.belisha.test"},
        {"token": token["access_token"]},
        {"token": "made-up", "server": here.server.name},
        {"token": "", "server": here.server.name},
        {"token": "x" * 5000, "server": here.server.name},
        {"token": "é&user_id=@ana", "server": here.server.name},
        {"token": client.access_token, "server": here.server.name},
    ):
        visitor = Visitor(here.url)
        answer = await visitor.post("/widget/sign-in", fields)
        assert (answer.status, visitor.cookies) == (403, {}), fields
    fields = {"token": token["access_token"], "server": here.server.name}
    assert (await Visitor(here.url).post("/widget/sign-in", fields)).status == 200, "a wrong server uses nothing up"


async def test_it_may_only_look_until_confirmed_once_for_each_browser(here: Here) -> None:
    other = await here.sign_in("finn")
    visitor = await here.in_widget("finn")
    listed = (await visitor.get("/sessions")).text
    form, numbers = form_of(listed), re.findall(r"/sessions/(\d+)/end", listed)
    assert "to look only" in listed and numbers
    for path in (f"/sessions/{numbers[0]}/end", "/sessions/end-others"):
        assert (await visitor.post(path, {"form": form})).location == "/confirm"
    assert (await other.get("/")).status == 200
    code = CODE.search((await visitor.get("/confirm")).text)
    assert code and CODE.search((await visitor.get("/confirm")).text)[1] == code[1]  # type: ignore[index]
    assert "somebody else is signed in" in await here.asked("ana", f"!portal {code[1]}")
    assert (await visitor.get("/confirm/state")).text == '{"state": "waiting"}'
    assert "You are signing in" in await here.asked("finn", f"!portal {code[1]}")
    assert (await visitor.get("/confirm/state")).text == '{"state": "confirmed"}'
    confirmed = await visitor.get("/confirm")
    assert confirmed.location == "/" and "belisha-browser" in visitor.cookies
    again = await here.in_widget("finn", visitor)
    assert "to look only" not in (await again.get("/")).text
    assert "to look only" in (await (await here.in_widget("ana", visitor)).get("/")).text, "hers it is not"


async def test_the_cookie_of_one_kind_is_no_session_of_the_other(here: Here, ana: Visitor) -> None:
    widget = await here.in_widget("ana")
    for cookies in ({"belisha": widget.cookies["belisha-widget"]}, {"belisha-widget": ana.cookies["belisha"]}):
        visitor = Visitor(here.url)
        visitor.cookies = cookies
        assert (await visitor.get("/")).status == 303


async def test_signing_out_inside_element_forgets_the_browser(here: Here) -> None:
    visitor = await here.in_widget("ana")
    form = form_of((await visitor.get("/")).text)
    assert (await visitor.post("/sign-out", {"form": form})).location == "/widget"
    assert not visitor.cookies


async def test_of_federation_nothing_but_that_address_is_open(here: Here) -> None:
    token = await here.openid("ana")

    async def status(path: str) -> int:
        async with aiohttp.ClientSession() as session, session.get(here.server.url + path) as answer:
            return answer.status

    asked = "/_matrix/federation/v1/openid/userinfo?access_token="
    assert await status(asked + token["access_token"]) == 200
    assert await status(asked + "made-up") == 401
    for path in (
        "version",
        "publicRooms",
        "query/profile?user_id=@ana:belisha.localhost",
        "send/1",
        "event/x",
        "state/x",
    ):
        assert await status(f"/_matrix/federation/v1/{path}") == 404, path
    assert await status("/_matrix/key/v2/server") == 404
