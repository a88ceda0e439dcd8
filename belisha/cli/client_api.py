"""A small client of the Matrix client-server API (v1.11): what any member's own client could do."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import quote

import aiohttp

Json = dict[str, Any]

DEVICE = "DEMO"
_TIMEOUT = aiohttp.ClientTimeout(total=120)
_PATIENCE_S = 120.0  # how long one request waits in all where the server says "later" or is being restarted
_AWAY = {502, 503, 504}


class ClientApiError(Exception):
    """The server refused a request: HTTP `status`, Matrix `errcode`, and its sentence."""

    def __init__(self, status: int, errcode: str, sentence: str, what: str) -> None:
        super().__init__(f"{what}: {sentence} ({errcode}, HTTP {status})")
        self.status, self.errcode, self.sentence = status, errcode, sentence


class Client:
    """One account's requests.

    Attributes:
        user_id: whose; empty before signing in.
        token: the access token; empty before signing in.
    """

    def __init__(self, session: aiohttp.ClientSession, homeserver: str, user_id: str = "", token: str = "") -> None:
        self._session = session
        self._homeserver = homeserver.rstrip("/")
        self.user_id = user_id
        self.token = token

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: dict[str, str] | None = None,
        data: bytes | None = None,
        content_type: str = "application/json",
        repeatable: bool = True,
    ) -> Json:
        """One request below `/_matrix`, with patience for rate limits and, if `repeatable`, an absent server.

        Raises:
            ClientApiError: any answer but success.
            aiohttp.ClientConnectionError, TimeoutError: the server cannot be reached.
        """
        headers = {"Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        sent = data if data is not None else (json.dumps(body).encode() if body is not None else None)
        url, end = f"{self._homeserver}/_matrix{path}", time.monotonic() + _PATIENCE_S
        while True:
            pause: float | None
            try:
                async with self._session.request(
                    method, url, params=query, data=sent, headers=headers, timeout=_TIMEOUT
                ) as answer:
                    status, content = answer.status, _object(await answer.read())
            except (aiohttp.ClientConnectionError, TimeoutError):
                if not repeatable or time.monotonic() > end:
                    raise
                pause = 1.0
            else:
                if 200 <= status < 300:
                    return content
                pause = _pause(status, content, repeatable)
                if pause is None or time.monotonic() + pause > end:
                    errcode, said = content.get("errcode", "M_UNKNOWN"), content.get("error", "no reason given")
                    raise ClientApiError(status, str(errcode), str(said), f"{method} {path}")
            await asyncio.sleep(pause)

    async def sign_in(self, localpart: str, password: str) -> None:
        """Signs in with a password, always as the same device: transaction ids then outlive this process."""
        answer = await self.request(
            "POST",
            "/client/v3/login",
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": localpart},
                "password": password,
                "device_id": DEVICE,
                "initial_device_display_name": "Sample community",
            },
        )
        self.user_id, self.token = str(answer["user_id"]), str(answer["access_token"])

    async def is_signed_in(self) -> bool:
        """Whether the token is still good for the account and its device."""
        if not self.token:
            return False
        try:
            answer = await self.request("GET", "/client/v3/account/whoami")
        except ClientApiError as error:
            if error.status == 401:
                return False
            raise
        return answer.get("user_id") == self.user_id and answer.get("device_id") == DEVICE

    async def joined_rooms(self) -> list[str]:
        """The ids of the rooms that the account is in."""
        answer = await self.request("GET", "/client/v3/joined_rooms")
        return [str(room) for room in answer["joined_rooms"]]

    async def room_of_alias(self, alias: str) -> str | None:
        """The room behind `#alias:server`; None where there is none."""
        try:
            answer = await self.request("GET", f"/client/v3/directory/room/{_path(alias)}")
        except ClientApiError as error:
            if error.status == 404:
                return None
            raise
        return str(answer["room_id"])

    async def delete_alias(self, alias: str) -> None:
        """Takes an alias away."""
        await self.request("DELETE", f"/client/v3/directory/room/{_path(alias)}")

    async def create_room(self, body: Json) -> str:
        """Makes a room and returns its id; never repeated by itself, since that would make a second one."""
        return str((await self.request("POST", "/client/v3/createRoom", body, repeatable=False))["room_id"])

    async def invite(self, room_id: str, user_id: str) -> None:
        """Invites somebody."""
        await self.request("POST", f"/client/v3/rooms/{_path(room_id)}/invite", {"user_id": user_id})

    async def join(self, room_id: str) -> None:
        """Joins an open room, or accepts an invitation."""
        await self.request("POST", f"/client/v3/join/{_path(room_id)}", {})

    async def memberships(self, room_id: str) -> dict[str, str]:
        """Who is in the room in which way: `{"@anna:server": "join", "@ben:server": "invite"}`."""
        answer = await self.request("GET", f"/client/v3/rooms/{_path(room_id)}/members")
        return {str(event["state_key"]): str(event["content"].get("membership")) for event in answer["chunk"]}

    async def state(self, room_id: str, event_type: str) -> Json | None:
        """The content of a state event with an empty key; None where there is none or it may not be seen."""
        try:
            return await self.request("GET", f"/client/v3/rooms/{_path(room_id)}/state/{_path(event_type)}/")
        except ClientApiError as error:
            if error.status in {403, 404}:
                return None
            raise

    async def send(self, room_id: str, event_type: str, transaction: str, content: Json) -> str:
        """Sends an event and returns its id; with the same transaction id again, it is the same event."""
        path = f"/client/v3/rooms/{_path(room_id)}/send/{_path(event_type)}/{_path(transaction)}"
        return str((await self.request("PUT", path, content))["event_id"])

    async def sent_before(self, room_id: str, transaction: str) -> str | None:
        """The event among the room's last 100 that this device sent with a transaction id.

        Synapse forgets transaction ids after a day, but shows each to the device that used it for ever.
        """
        answer = await self.request(
            "GET", f"/client/v3/rooms/{_path(room_id)}/messages", query={"dir": "b", "limit": "100"}
        )
        for event in answer["chunk"]:
            if event.get("sender") == self.user_id and event.get("unsigned", {}).get("transaction_id") == transaction:
                return str(event["event_id"])
        return None

    async def upload(self, data: bytes, name: str, content_type: str) -> str:
        """Uploads a file and returns its mxc address."""
        answer = await self.request(
            "POST", "/media/v3/upload", query={"filename": name}, data=data, content_type=content_type
        )
        return str(answer["content_uri"])


def _pause(status: int, content: Json, repeatable: bool) -> float | None:
    """Seconds after which to ask again; None where the answer is final."""
    if status == 429:
        return min(max(float(content.get("retry_after_ms") or 500) / 1000, 0.05), 30.0)
    return 1.0 if status in _AWAY and repeatable else None


def _path(part: str) -> str:
    return quote(part, safe="")


def _object(data: bytes) -> Json:
    try:
        content = json.loads(data)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
