"""What stands before every page: each address is asked the same hard questions, and a new one cannot leave them out."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from html.parser import HTMLParser

import nio
import pytest

from belisha.polls.card import card_content
from bots.portal.server import ROUTES
from bots.portal.visit import Route, Who
from tests.bots.support import STEWARD
from tests.portal.support import OWN, Answer, Here, Visitor, form_of, make_group, share
from tests.support.patience import until

#: A value for each part of an address; by name, so that an address with another part fails.
FILLED: Mapping[str, str] = {
    **{"name": "portal.css", "number": "999999", "slug": "direct-chats"},
    **{
        "event_id": "$nothing",
        "media_id": "nothing",
        "form": "csv",
        "user_id": "@nothing:belisha.localhost",
        "place": "nothing-there",
        "export": "nothing-there",
        "token": "0",
        "section": "overview",
        "block": "month",
        "month": "2026-10",
        "key": "0" * 64,
        "kind": "md",
    },
}
STEADY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MEMBERS = [route for route in ROUTES if route.who is not Who.ANYBODY]
CHANGES = [route for route in ROUTES if route.method != "GET"]


def _path(here: Here, route: Route, **filled: str) -> str:
    values = {**FILLED, "room_id": here.groups["open"], **filled}
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: values[found[1]], route.path)


def _named(route: Route) -> str:
    return f"{route.method} {route.path}"


def _assert_safe(here: Here, answer: Answer, *, framed: bool) -> None:
    for name, value in STEADY.items():
        assert answer.headers[name] == value, name
    assert answer.headers["Cache-Control"] in ("no-store", "public, max-age=31536000, immutable")
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["base-uri"] == "'none'" and policy["form-action"] == "'self'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == (here.server.settings.portal.element_origins[0] if framed else "'none'")
    assert ("X-Frame-Options" in answer.headers) is not framed
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Server"] == "Belisha"
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        _Tags().feed(answer.text)


class _Tags(HTMLParser):
    """Fails for whatever runs or loads in a page but our own files."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert not [name for name in given if name.startswith("on") or name in ("style", "srcdoc", "formaction")], tag
        assert tag not in ("style", "iframe", "object", "embed", "base"), tag
        for name in ("src", "href", "action"):
            if name in given:
                own = re.match(r"/(?!/)|#|http://127\.0\.0\.1:|http://localhost:", given[name])
                assert own and (tag == "a" or given[name].startswith("/")), (tag, given)
        assert tag != "script" or given["src"].startswith("/static/")


@pytest.mark.parametrize("route", ROUTES, ids=_named)
async def test_every_address_has_the_headers(here: Here, ana: Visitor, route: Route) -> None:
    for visitor in (ana, Visitor(here.url)):
        answer = await visitor.ask(route.method, _path(here, route), {})
        assert answer.status < 500
        _assert_safe(here, answer, framed=route.framed)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("DELETE", "/", 404),
        ("OPTIONS", "/sign-in", 404),
        ("GET", "/static/../server.py", 404),
        ("GET", "/static/%2e%2e%2fserver.py", 404),
        ("GET", "/static/page.html.j2", 404),
        ("GET", "/sessions/%00/end", 404),
        ("GET", "/groups/%FF%FE", 404),
        ("GET", "/groups/" + "x" * 4000, 404),
    ],
)
async def test_what_is_not_there_is_a_page_with_the_headers(
    here: Here, ana: Visitor, method: str, path: str, status: int
) -> None:
    answer = await ana.ask(method, path, {})
    assert answer.status == status
    assert "There is no such page" in answer.text
    _assert_safe(here, answer, framed=path.startswith("/groups/"))


@pytest.mark.parametrize("route", MEMBERS, ids=_named)
async def test_without_a_session_nothing_is_shown(here: Here, route: Route) -> None:
    for cookies in ({}, {"belisha": "x"}, {"belisha-widget": "x"}, {"belisha": "é" * 300}):
        visitor = Visitor(here.url)
        visitor.cookies = dict(cookies)
        # From an address of its own: so many at once are too many from the one of the other tests.
        headers = {**OWN, "X-Forwarded-For": "192.0.2.77"}
        answer = await visitor.ask(route.method, _path(here, route), headers, {} if route.method == "POST" else None)
        assert answer.status == 303 and answer.location.split("?")[0] in ("/sign-in", "/widget")
        assert not answer.text


@pytest.mark.parametrize("route", [route for route in CHANGES if not route.from_elsewhere], ids=_named)
async def test_no_other_site_can_send_a_form(here: Here, ana: Visitor, route: Route) -> None:
    form = form_of((await ana.get("/")).text)
    path, fields = _path(here, route), {"form": form, "token": "x", "server": here.server.name}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": here.url},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
        {},
    ):
        answer = await ana.ask("POST", path, headers, fields)
        assert (answer.status, "not sent from a page of the portal" in answer.text) == (403, True), headers
    assert (await ana.get("/")).status == 200


@pytest.mark.parametrize("route", [route for route in CHANGES if route.who is not Who.ANYBODY], ids=_named)
async def test_a_form_without_its_proof_does_nothing(here: Here, ana: Visitor, finn: Visitor, route: Route) -> None:
    theirs = form_of((await finn.get("/")).text)
    for form in ("", "0" * 64, theirs, "é"):
        assert (await ana.post(_path(here, route), {"form": form})).status == 403
    assert (await ana.get("/")).status == 200


async def test_an_old_browser_is_known_by_its_origin(here: Here) -> None:
    visitor = await here.sign_in("ana")
    form = form_of((await visitor.get("/")).text)
    assert (await visitor.ask("POST", "/sign-out", {"Origin": here.url}, {"form": form})).status == 303


async def _anonymous_poll(here: Here) -> str:
    """A poll in Finn's group, which is too small for one, as if it had been begun there; its place."""
    room, place = here.groups["foreign"], "a-poll-of-others"
    content = card_content("Which?", ["Fish", "Tide"], 1, place, f"{here.url}/ballots/{place}", "$command")
    sent = await here.people["finn"].room_send(room, "m.room.message", content)
    assert isinstance(sent, nio.RoomSendResponse), sent
    with closing(sqlite3.connect(here.server.data / "bots.db", timeout=20)) as database, database:
        known = (sent.event_id, room, place)
        database.execute("INSERT INTO poll (event_id, room_id, place) VALUES (?, ?, ?)", known)
    return place


async def _copy_of_data(here: Here) -> str:
    """The id of a copy of what is held about Finn, which can be taken."""
    await here.asked("finn", "!mydata")

    async def ready() -> str | None:
        found = here.server.query("SELECT id FROM belisha_export WHERE localpart = 'finn' AND state = 'ready'")
        return str(found[0]["id"]) if found else None

    return await until(ready)


async def test_anothers_things_and_what_is_not_there_are_the_same(here: Here, ana: Visitor, finn: Visitor) -> None:
    number = re.findall(r"Session (\d+),", (await finn.get("/sessions")).text)[0]
    form = form_of((await ana.get("/")).text)
    parts = {name for route in ROUTES for name in re.findall(r"\{(\w+)", route.path)}
    assert parts == {
        "room_id",
        "event_id",
        "form",
        "number",
        "name",
        "slug",
        "user_id",
        "place",
        "media_id",
        "export",
        "token",
        "section",
        "block",
        "month",
        "key",
        "kind",
    }, "each part of an address has its case here"
    place = await _anonymous_poll(here)
    await make_group(here, "finn", "secret", "Chandlers' secrets", "private_chat")
    assert "Which?" in (await finn.get(f"/ballots/{place}")).text
    theirs = {"room_id": here.groups["foreign"], "number": number, "slug": "group-freeze", "place": place}
    theirs["user_id"] = STEWARD
    theirs["event_id"], theirs["media_id"] = await share(here, "Secret.txt", b"words", by="finn", group="secret")
    theirs["room_id"], theirs["export"] = here.groups["secret"], await _copy_of_data(here)
    nobodys = {"room_id": f"!nothing:{here.server.name}", "number": "999999", "slug": "nothing", "place": place[::-1]}
    nobodys |= {"user_id": f"@nobody:{here.server.name}", "media_id": "nothing", "export": "nothing"}
    for route in MEMBERS:
        if "{" in route.path:
            fields = {"form": form} if route.method == "POST" else None
            answers = [
                await ana.ask(route.method, _path(here, route, **filled), OWN, fields) for filled in (theirs, nobodys)
            ]
            assert [answer.status for answer in answers] == [404, 404], route
            assert answers[0].text == answers[1].text
            assert {**answers[0].headers, "Date": ""} == {**answers[1].headers, "Date": ""}
    assert (await finn.get("/")).status == 200
    assert (await finn.get(f"/groups/{here.groups['foreign']}")).status == 200


async def test_another_host_is_sent_to_the_right_address(here: Here, ana: Visitor) -> None:
    answer = await ana.ask("GET", "/", {"Host": "rebound.belisha.test"})
    assert answer.status == 421 and here.url in answer.text and "Buoys" not in answer.text


async def test_what_is_too_large_or_no_form_is_refused(here: Here, ana: Visitor) -> None:
    form = form_of((await ana.get("/")).text)
    assert (await ana.post("/sign-out", {"form": form, "more": "x" * 70_000})).status == 413
    for kind in (
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/x-www-form-urlencoded; charset=nonsense",
        "application/x-www-form-urlencoded; charset=unicode_escape",
    ):
        answer = await ana.ask("POST", "/sign-out", {**OWN, "Content-Type": kind}, b'{"form": "x"}')
        assert answer.status in (400, 403), kind
    assert (await ana.get("/")).status == 200


async def test_from_another_site_one_comes_in_by_a_page_of_ours(here: Here, ana: Visitor) -> None:
    """The cookie is not sent along from elsewhere, so the page asks again from here."""
    answer = await ana.get("/sessions", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"})
    assert answer.status == 200 and 'content="0; url=/sessions"' in answer.text and "Session " not in answer.text


async def test_cookies_are_for_the_portal_alone(here: Here) -> None:
    visitor = Visitor(here.url)
    asking = (await visitor.get("/sign-in")).cookies
    widget = (await here.in_widget("ana")).cookies
    assert len(asking) == 1 and asking[0].endswith("; Path=/; Max-Age=1800; HttpOnly; SameSite=Strict")
    assert set(widget) == {"belisha-widget"}


async def test_nothing_secret_is_logged(here: Here) -> None:
    visitor = await here.sign_in("ana")
    secret = (here.server.data / "secrets" / "portal_api").read_text().strip()
    token = await here.openid("ana")
    await visitor.post("/widget/sign-in", {"token": token["access_token"], "server": token["matrix_server_name"]})
    form = form_of((await visitor.get(f"/groups/{here.groups['open']}")).text)
    logged = "".join(path.read_text(errors="replace") for path in (here.server.data / "logs").iterdir())
    assert logged
    for hidden in (*visitor.cookies.values(), secret, token["access_token"], form):
        assert hidden not in logged
