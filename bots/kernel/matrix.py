"""One bot's way to Synapse: its account, its registered device, and the few requests that bots make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

DEVICE = "BELISHA"
_CLIENT = "_matrix/client/v3"
_MODULE = "_synapse/client/org.belisha/v1"
_TIMEOUT = aiohttp.ClientTimeout(total=30)


class Unreachable(Exception):
    """Synapse gave no answer that counts: try the same again later."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        """Says why.

        Args:
            reason: For the log.
            retry_after: Seconds that Synapse asked for.
        """
        super().__init__(reason)
        self.retry_after = retry_after


class Refused(Exception):
    """Synapse said no."""

    def __init__(self, status: int, errcode: str) -> None:
        """Says how.

        Args:
            status: HTTP status.
            errcode: The Matrix error code.
        """
        super().__init__(f"{status} {errcode}")
        self.status = status
        self.errcode = errcode


class BotClient:
    """Speaks to Synapse as one bot.

    Every request names a registered device: Synapse remembers transaction ids over its own restart only for
    requests that have one (with a bare token, 3 of 3 sends were doubled after kill -9).
    """

    def __init__(self, homeserver: str, user_id: str, as_token: str, session: aiohttp.ClientSession) -> None:
        """Prepares requests; `register` must have returned before any other is made.

        Args:
            homeserver: Address of the client-server API.
            user_id: The bot's full name.
            as_token: The application service's token.
            session: The process's HTTP session.
        """
        self.user_id = user_id
        self.registered = False
        self._homeserver = homeserver
        self._headers = {"Authorization": f"Bearer {as_token}"}
        self._session = session

    async def register(self) -> None:
        """Makes the account and its device where they do not exist yet."""
        localpart = self.user_id[1:].partition(":")[0]
        try:
            kind = "m.login.application_service"
            body: dict[str, Any] = {"type": kind, "username": localpart, "inhibit_login": True}
            await self._request("POST", f"{_CLIENT}/register", body)
        except Refused as error:
            if error.errcode != "M_USER_IN_USE":
                raise
        try:
            await self._request("GET", f"{_CLIENT}/devices/{DEVICE}")
        except Refused as error:
            if error.status != 404:
                raise
            # The access token that comes with it is not kept: the service has its own.
            identifier = {"type": "m.id.user", "user": self.user_id}
            body = {"type": kind, "identifier": identifier, "device_id": DEVICE}
            await self._request("POST", f"{_CLIENT}/login", body | {"initial_device_display_name": "Belisha"})
        self.registered = True

    async def send(self, room_id: str, event_type: str, content: Mapping[str, Any], transaction_id: str) -> str:
        """Sends an event; with the same transaction id again, it is the same event."""
        path = f"{_CLIENT}/rooms/{quote(room_id, safe='')}/send/{quote(event_type, safe='')}/{transaction_id}"
        answer = await self._request("PUT", path, dict(content))
        return str(answer["event_id"])

    async def joined_members(self, room_id: str) -> dict[str, str | None]:
        """The user ids of those who are in a room, with their display names there."""
        answer = await self._request("GET", f"{_CLIENT}/rooms/{quote(room_id, safe='')}/joined_members")
        joined = answer.get("joined") or {}
        return {user: about.get("display_name") for user, about in joined.items()}

    async def ping(self, appservice_id: str) -> None:
        """Has Synapse call this service, and thereby send at once what waits for it."""
        path = f"_matrix/client/v1/appservice/{quote(appservice_id, safe='')}/ping"
        await self._request("POST", path, {})

    async def policy(self, room_id: str) -> dict[str, Any]:
        """What the module says of a room."""
        return await self._request("GET", f"{_MODULE}/policy/{quote(room_id, safe='')}")

    async def audience(self, room_id: str) -> dict[str, Any]:
        """Who can read a room, as the module counts them."""
        return await self._request("GET", f"{_MODULE}/audience", query={"room_id": room_id})

    async def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One request.

        Raises:
            Unreachable: No connection, no answer in time, a server error, or too many requests.
            Refused: Any other error.
        """
        who = {"user_id": self.user_id} | ({"device_id": DEVICE} if self.registered else {})
        # mautrix's own HTTPAPI drops `retry_after_ms` from errors and logs what is sent.
        try:
            async with self._session.request(
                method,
                URL(f"{self._homeserver}/{path}", encoded=True).with_query({**(query or {}), **who}),
                headers=self._headers,
                json=body,
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as response:
                answer = await _object(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(type(error).__name__) from error
        if response.status == 200:
            return answer
        raise self._judge(response.status, answer)

    def _judge(self, status: int, answer: dict[str, Any]) -> Exception:
        code, pause = answer.get("errcode"), answer.get("retry_after_ms")
        errcode = code if isinstance(code, str) else "M_UNKNOWN"
        if errcode == "M_UNKNOWN_DEVICE":
            self.registered = False  # somebody deleted the device: it is made again before the next attempt
            return Unreachable(errcode)
        if status == 429 or status >= 500:
            seconds = pause / 1000 if isinstance(pause, int) else None
            return Unreachable(f"{status} {errcode}", seconds)
        return Refused(status, errcode)


async def _object(response: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        answer = await response.json(content_type=None)
    except ValueError:  # a proxy's error page
        answer = None
    return answer if isinstance(answer, dict) else {}
