"""A community with its portal: a real Synapse, the real bots process, members, groups with hostile names, a browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import nio

from belisha.resources import shipped
from belisha.settings import RateLimit, Settings, load
from tests.bots.support import STEWARD, BotsProcess
from tests.support.community import FAST
from tests.support.patience import until
from tests.support.server import Server, request

CODE = re.compile(r"!portal ([A-Z2-9]{4}-[A-Z2-9]{4})")
FORM = re.compile(r'name="form" value="([0-9a-f]{64})"')
OWN = {"Sec-Fetch-Site": "same-origin"}
#: Raises an alarm in a browser that takes any of it for markup.
HOSTILE = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{ 9**9 }}"


@dataclass
class Answer:
    """What the portal answered."""

    status: int
    headers: Mapping[str, str]
    cookies: list[str]
    text: str
    location: str


class Visitor:
    """A browser as far as HTTP goes: cookies, no scripts."""

    def __init__(self, url: str, user_agent: str = "a test") -> None:
        self.url = url
        self.user_agent = user_agent
        self.cookies: dict[str, str] = {}
        self.patient = True
        """Whether it waits and asks again where it has asked too often; tests ask faster than people."""

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, headers)

    async def post(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] = OWN) -> Answer:
        return await self.ask("POST", path, headers, fields)

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str], data: Mapping[str, str] | bytes | None = None
    ) -> Answer:
        answer = await self._ask(method, path, headers, data)
        while self.patient and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            await asyncio.sleep(int(answer.headers["Retry-After"]))
            answer = await self._ask(method, path, headers, data)
        return answer

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], data: Mapping[str, str] | bytes | None
    ) -> Answer:
        sent = {"User-Agent": self.user_agent, **headers}
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, self.url + path, headers=sent, data=data, allow_redirects=False) as answer,
        ):
            cookies = answer.headers.getall("Set-Cookie", [])
            for cookie in cookies:
                name, _, rest = cookie.partition("=")
                value = rest.partition(";")[0]
                self.cookies.pop(name, None)
                if value:
                    self.cookies[name] = value
            location = answer.headers.get("Location", "")
            text = await answer.text(errors="replace")
            return Answer(answer.status, answer.headers, list(cookies), text, location)


@dataclass
class Here:
    """The running community."""

    server: Server
    bots: BotsProcess
    url: str
    people: dict[str, nio.AsyncClient] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    async def say(self, name: str, body: str, room: str | None = None) -> str:
        """Sends a message, to the steward where no room is named; its id."""
        content = {"msgtype": "m.text", "body": body}
        sent = await self.people[name].room_send(room or self.services[name], "m.room.message", content)
        assert isinstance(sent, nio.RoomSendResponse), sent
        return sent.event_id

    async def answer(self, name: str, to: str, room: str | None = None) -> str:
        """What the steward answers to a message."""

        async def found() -> str | None:
            path = f"/_matrix/client/v3/rooms/{room or self.services[name]}/messages?dir=b&limit=50"
            _, body = await request(self.people[name], "GET", path)
            for event in body["chunk"]:
                relation = event["content"].get("m.relates_to", {})
                if event["sender"] == STEWARD and relation.get("m.in_reply_to", {}).get("event_id") == to:
                    return str(event["content"]["body"])
            return None

        return await until(found) or ""

    async def asked(self, name: str, body: str) -> str:
        """Says something to the steward; its answer."""
        return await self.answer(name, await self.say(name, body))

    async def sign_in(self, name: str, visitor: Visitor | None = None) -> Visitor:
        """A browser that a member has signed in by code."""
        visitor = visitor or Visitor(self.url)
        page = await visitor.get("/sign-in")
        code = CODE.search(page.text)
        assert page.status == 200 and code, page.text
        assert "You are signing in to the portal" in await self.asked(name, f"!portal {code[1]}")
        taken = await visitor.post("/sign-in", {"form": form_of(page.text), "next": "/"})
        assert (taken.status, taken.location) == (303, "/"), taken
        return visitor

    async def openid(self, name: str) -> dict[str, Any]:
        """What Element gets for a widget."""
        client = self.people[name]
        path = f"/_matrix/client/v3/user/{client.user_id}/openid/request_token"
        status, body = await request(client, "POST", path, {})
        assert status == 200, body
        return body

    async def in_widget(self, name: str, visitor: Visitor | None = None) -> Visitor:
        """A browser that is signed in inside Element."""
        visitor, token = visitor or Visitor(self.url), await self.openid(name)
        fields = {"token": token["access_token"], "server": token["matrix_server_name"]}
        assert (await visitor.post("/widget/sign-in", fields)).status == 200
        return visitor


def form_of(page: str) -> str:
    """The proof that a page's forms carry."""
    found = FORM.search(page)
    assert found, page
    return found[1]


def settings_with(*element_origins: str) -> Settings:
    """The example's settings, with Elements that may show the portal."""
    example = load(shipped("config", "belisha.example.yaml"))
    often = RateLimit(per_second=10_000, burst_count=10_000)  # one member asks for what hundreds do
    portal = {"element_origins": tuple(element_origins), "rc_address": often, "rc_member": often, "rc_sign_in": often}
    return example.model_copy(update={"portal": example.portal.model_copy(update=portal)})


@asynccontextmanager
async def running(
    data: Path,
    settings: Settings,
    settle: Callable[[Here], Awaitable[None]] | None = None,
    make: type[Server] = Server,
    before_bots: Callable[[Server], None] = lambda _server: None,
) -> AsyncIterator[Here]:
    """Starts everything, has people and groups made, and stops it.

    Args:
        data: the data folder.
        settings: belisha.yaml.
        settle: makes people and groups; the usual ones where it is left out.
        make: on one process, or on several.
        before_bots: what is done when Synapse runs and the bots do not yet.
    """
    server = make(data, settings, overrides=FAST)
    bots = BotsProcess(server.place.rendered / "bots.yaml")
    here = Here(server, bots, server.place.portal)
    try:
        await server.start()
        before_bots(server)
        await bots.start()
        await (settle or _people)(here)
        yield here
    finally:
        for client in here.people.values():
            await client.close()
        bots.end()
        server.close()


async def join(here: Here, name: str, organisation: str, *roles: str) -> None:
    """Adds a member, signed in to Matrix."""
    here.people[name] = await here.server.member(name, organisation, *roles)
    _, listed = await here.server.local("GET", "members")
    here.services[name] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith(f"@{name}:"))


async def make_group(
    here: Here, by: str, key: str, name: str, preset: str, topic: str | None = None, **more: Any
) -> None:
    """Makes a group."""
    made = await here.people[by].room_create(name=name, topic=topic, preset=nio.RoomPreset(preset), **more)
    assert isinstance(made, nio.RoomCreateResponse), made
    here.groups[key] = made.room_id


async def share(here: Here, name: str, data: bytes, by: str, group: str, **more: Any) -> tuple[str, str]:
    """Uploads a file and shares it; the ids of event and file."""
    token = {"Authorization": f"Bearer {here.people[by].access_token}", "Content-Type": "application/octet-stream"}
    url = f"{here.server.url}/_matrix/media/v3/upload?filename={quote(name)}"
    async with aiohttp.ClientSession() as session, session.post(url, data=data, headers=token) as answer:
        address = (await answer.json())["content_uri"]
    content = {"msgtype": "m.file", "body": name, "filename": name, "url": address, **more}
    path = f"/_matrix/client/v3/rooms/{quote(here.groups[group])}/send/m.room.message/{abs(hash(address))}"

    async def sent() -> str | None:
        status, body = await request(here.people[by], "PUT", path, content)
        return str(body["event_id"]) if status == 200 else None

    event_id = await until(sent)
    assert event_id
    return event_id, address.rpartition("/")[2]


async def _people(here: Here) -> None:
    for organisation in ("harbour", "chandlers"):
        await here.server.organisation(organisation)
    for name, organisation in (("ana", "harbour"), ("ben", "harbour"), ("finn", "chandlers"), ("mallory", "chandlers")):
        await join(here, name, organisation)
    await make_group(here, "ana", "open", "Buoys", "public_chat", "Lights, buoys and beacons along the coast")
    await make_group(here, "ana", "closed", "Pilots", "private_chat")
    await make_group(here, "ana", "hostile", HOSTILE, "public_chat", HOSTILE * 2)
    invited = [here.people["ana"].user_id]
    await make_group(here, "finn", "foreign", "Chandlers only", "private_chat", invite=invited)
    knocked = await request(here.people["mallory"], "POST", f"/_matrix/client/v3/knock/{here.groups['closed']}", {})
    assert knocked[0] == 200, knocked
