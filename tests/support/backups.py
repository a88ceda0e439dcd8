"""What tests of backups need: members as clients, and waiting."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.support.files import png

Json = dict[str, Any]
_numbers = itertools.count(1)


class Client:
    """A member; `connect` makes what leads to a homeserver whose name and certificate are the test's alone."""

    def __init__(
        self,
        homeserver: str,
        localpart: str,
        password: str,
        connect: Callable[[], aiohttp.BaseConnector | None] = lambda: None,
    ) -> None:
        self.homeserver, self.localpart, self.password, self.token = homeserver, localpart, password, ""
        self.connect = connect

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Json]:
        given = {"data": body} if isinstance(body, bytes) else {"json": body}
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/pdf" if body.startswith(b"%PDF") else "image/png"
        async with (
            aiohttp.ClientSession(connector=self.connect()) as session,
            session.request(method, f"{self.homeserver}/_matrix/{path}", headers=headers, **given) as answer,
        ):
            return answer.status, await answer.json(
                content_type=None
            ) if answer.content_type == "application/json" else {}

    async def done(self, method: str, path: str, body: Any = None) -> Json:
        status, answer = await self.ask(method, path, body)
        assert status == 200, answer
        return answer

    async def sign_in(self) -> int:
        identifier = {"type": "m.id.user", "user": self.localpart}
        body = {"type": "m.login.password", "identifier": identifier, "password": self.password}
        status, answer = await self.ask("POST", "client/v3/login", body)
        self.token = str(answer.get("access_token", ""))
        return status

    async def send(self, room: str, content: Json, event_type: str = "m.room.message") -> str:
        path = f"client/v3/rooms/{quote(room)}/send/{event_type}/{next(_numbers)}"
        return str((await self.done("PUT", path, content))["event_id"])

    async def say(self, room: str, text: str) -> str:
        return await self.send(room, {"msgtype": "m.text", "body": text})

    async def share_picture(self, room: str, number: int) -> str:
        """Uploads a picture and sends it; gives `server/media`."""
        uri = str((await self.done("POST", f"media/v3/upload?filename={number}.png", png(number)))["content_uri"])
        content = {"msgtype": "m.image", "body": f"{number}.png", "url": uri, "info": {"mimetype": "image/png"}}
        await self.send(room, content)
        return uri.removeprefix("mxc://")

    async def content(self, room: str, event: str) -> Json:
        found = (await self.done("GET", f"client/v3/rooms/{quote(room)}/event/{quote(event)}"))["content"]
        assert isinstance(found, dict)
        return found
