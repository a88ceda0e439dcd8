"""One bot's way to Synapse: its account, its registered device, and the few requests that bots make."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

DEVICE = "BELISHA"
_CLIENT = "_matrix/client/v3"
_MODULE = "_synapse/client/org.belisha/v1"
_PAGE = 200
_MEDIA = "_matrix/media"
_TIMEOUT = aiohttp.ClientTimeout(total=30)
#: An upload is answered when the file has been looked at.
_UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=120)


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

    def __init__(self, status: int, errcode: str, sentence: str = "") -> None:
        """Says how.

        Args:
            status: HTTP status.
            errcode: The Matrix error code.
            sentence: What was said for people; it is in no log.
        """
        super().__init__(f"{status} {errcode}")
        self.sentence = sentence
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
        self.device_made_at = 0.0
        """When this process had to make the device: Synapse knows no transaction id from before."""
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
            self.device_made_at = time.time()
        self.registered = True

    async def send(self, room_id: str, event_type: str, content: Mapping[str, Any], transaction_id: str) -> str:
        """Sends an event; with the same transaction id again, it is the same event."""
        path = f"{_room(room_id)}/send/{quote(event_type, safe='')}/{transaction_id}"
        return _event_id(await self._request("PUT", path, dict(content)))

    async def redact(self, room_id: str, event_id: str, reason: str | None, transaction_id: str) -> str:
        """Takes an event back; with the same transaction id again, it is the same redaction."""
        path = f"{_room(room_id)}/redact/{quote(event_id, safe='')}/{transaction_id}"
        return _event_id(await self._request("PUT", path, {} if reason is None else {"reason": reason}))

    async def set_state(self, room_id: str, event_type: str, state_key: str, content: Mapping[str, Any]) -> str:
        """Sets room state; Synapse makes no event of what is so already."""
        path = f"{_room(room_id)}/state/{quote(event_type, safe='')}/{quote(state_key, safe='')}"
        return _event_id(await self._request("PUT", path, dict(content)))

    async def state(self, room_id: str, event_type: str, state_key: str = "") -> dict[str, Any]:
        """The content of some room state; empty where there is none."""
        path = f"{_room(room_id)}/state/{quote(event_type, safe='')}/{quote(state_key, safe='')}"
        try:
            return await self._request("GET", path)
        except Refused as error:
            if error.status != 404:
                raise
            return {}

    async def create_media(self) -> str:
        """An address for a file that is still to come (`mxc://…`); Synapse forgets it after a day without one."""
        return str((await self._request("POST", f"{_MEDIA}/v1/create", {})).get("content_uri", ""))

    async def upload(self, address: str, data: bytes, media_type: str) -> None:
        """Brings the file of an address, once.

        Raises:
            Refused: 409 `M_CANNOT_OVERWRITE_MEDIA` where it is there, or is being brought this moment.
        """
        path = f"{_MEDIA}/v3/upload/{address.removeprefix('mxc://')}"
        await self._request("PUT", path, data=data, media_type=media_type)

    async def set_membership(
        self, room_id: str, act: str, user_id: str, reason: str | None, transaction_id: str
    ) -> None:
        """Invites or removes (`kick`) somebody."""
        body = {"user_id": user_id} | ({} if reason is None else {"reason": reason})
        await self._request("PUT", f"{_room(room_id)}/{act}/{transaction_id}", body)

    async def membership(self, room_id: str, user_id: str) -> str:
        """What somebody is to a room; `leave` for who never was in it."""
        try:
            answer = await self._request("GET", f"{_room(room_id)}/state/m.room.member/{quote(user_id, safe='')}")
        except Refused as error:
            if error.status != 404:
                raise
            return "leave"
        return str(answer.get("membership", "leave"))

    async def act(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Has the module do what a member's command asks for; asked again, it is the same act, and ended the same."""
        return await self._request("POST", f"{_MODULE}/acts", body)

    async def turn(self, what: str) -> dict[str, Any]:
        """Has the module do what is due by its own rules; asked again, nothing more is done and the same is told."""
        return await self._request("POST", f"{_MODULE}/{what}", {})

    async def messages(
        self, room_id: str, page: str = "", *, until: str | None = None, filtered: Mapping[str, Any] | None = None
    ) -> tuple[list[dict[str, Any]], str]:
        """A page of a room's events, newest first, and the token of the next page, empty behind the last one.

        Args:
            room_id: The room.
            page: The token of the page; empty for the newest.
            until: A token at which to end.
            filtered: A filter of events (specification, RoomEventFilter).
        """
        given = {"from": page, "to": until or "", "filter": json.dumps(filtered) if filtered else ""}
        query = {"dir": "b", "limit": str(_PAGE)} | {key: value for key, value in given.items() if value}
        answer = await self._request("GET", f"{_room(room_id)}/messages", query=query)
        chunk, end = answer.get("chunk"), answer.get("end")
        events = [event for event in chunk if isinstance(event, dict)] if isinstance(chunk, list) else []
        return events, end if isinstance(end, str) else ""

    async def is_redacted(self, room_id: str, event_id: str) -> bool:
        """Whether an event was taken back."""
        answer = await self._request("GET", f"{_room(room_id)}/event/{quote(event_id, safe='')}")
        return "redacted_because" in (answer.get("unsigned") or {})

    async def joined_rooms(self) -> list[str]:
        """The rooms that this bot is in."""
        answer = await self._request("GET", f"{_CLIENT}/joined_rooms")
        return [str(one) for one in answer.get("joined_rooms") or ()]

    async def instance(self) -> str | None:
        """Which chain of deliveries Synapse sends by now; None where it has not begun one."""
        found = (await self._request("GET", f"{_MODULE}/instance")).get("instance")
        return found if isinstance(found, str) else None

    async def position(self, event_id: str) -> str | None:
        """The token that stands behind an event in the order of arrival; None where Synapse does not know the event."""
        try:
            return str((await self._request("GET", f"{_MODULE}/position/{quote(event_id, safe='')}"))["token"])
        except Refused as error:
            if error.status != 404:
                raise
            return None

    async def joined_members(self, room_id: str) -> dict[str, str | None]:
        """The user ids of those who are in a room, with their display names there."""
        answer = await self._request("GET", f"{_room(room_id)}/joined_members")
        joined = answer.get("joined") or {}
        return {user: about.get("display_name") for user, about in joined.items()}

    async def ping(self, appservice_id: str) -> None:
        """Has Synapse call this service, and thereby send at once what waits for it."""
        path = f"_matrix/client/v1/appservice/{quote(appservice_id, safe='')}/ping"
        await self._request("POST", path, {})

    async def policy(self, room_id: str) -> dict[str, Any]:
        """What the module says of a room."""
        return await self._request("GET", f"{_MODULE}/policy/{quote(room_id, safe='')}")

    async def asker(self, room_id: str, user_id: str) -> dict[str, Any]:
        """Who somebody is who is in a room, as the module knows them."""
        return await self._request("GET", f"{_MODULE}/asker", query={"room_id": room_id, "member": user_id})

    async def item(self, room_id: str, event_id: str, user_id: str) -> dict[str, Any]:
        """What an item is that somebody asks about, where they can read it."""
        query = {"room_id": room_id, "event_id": event_id, "member": user_id}
        return await self._request("GET", f"{_MODULE}/item", query=query)

    async def groups(self, room_id: str, user_id: str) -> dict[str, Any]:
        """Which groups somebody may join or ask for, whose room with a bot it is."""
        return await self._request("GET", f"{_MODULE}/groups", query={"room_id": room_id, "member": user_id})

    async def extent(self, room_id: str, user_id: str, act: str, about: str) -> dict[str, Any]:
        """What an act would concern that somebody asks for in their own room."""
        query = {"room_id": room_id, "member": user_id, "act": act, "about": about}
        return await self._request("GET", f"{_MODULE}/extent", query=query)

    async def unacknowledged(self, event_id: str, after: str) -> dict[str, Any]:
        """Where those are told of an announcement who have not acknowledged it, from a localpart on."""
        return await self._request("GET", f"{_MODULE}/unacknowledged", query={"event_id": event_id, "after": after})

    async def poll(self, room_id: str, event_id: str) -> dict[str, Any]:
        """A poll with its votes, and who may vote."""
        return await self._request("GET", f"{_MODULE}/poll", query={"room_id": room_id, "event_id": event_id})

    async def sight(self, room_id: str, user_id: str, about: str) -> dict[str, Any]:
        """Whom somebody may find in the directory, whose own room with a bot it is."""
        query = {"room_id": room_id, "member": user_id, "about": about}
        return await self._request("GET", f"{_MODULE}/directory", query=query)

    async def documents(self, room_id: str, user_id: str, which: str, about: str) -> dict[str, Any]:
        """Files of the groups of somebody whose own room with a bot it is: `documents`, or one `document`."""
        query = {"room_id": room_id, "member": user_id, "about": about}
        return await self._request("GET", f"{_MODULE}/{which}", query=query)

    async def digest(self, room_id: str, user_id: str, items: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """What a digest may tell somebody, whose own room with a bot it is."""
        asked = [{"room_id": room, "event_id": event_id} for room, event_id in items]
        return await self._request("POST", f"{_MODULE}/digest", {"room_id": room_id, "member": user_id, "items": asked})

    async def registry(self, after: str, revision: str) -> dict[str, Any]:
        """A page of the registry."""
        return await self._request("GET", f"{_MODULE}/registry", query={"after": after, "revision": revision})

    async def doings(self, after: str) -> dict[str, Any]:
        """What accounts did that no bot can see, after a position."""
        return await self._request("GET", f"{_MODULE}/doings", query={"after": after})

    async def managers(self) -> dict[str, Any]:
        """The managers' own rooms with the steward."""
        return await self._request("GET", f"{_MODULE}/managers")

    async def post(self, room_id: str, event_id: str) -> dict[str, Any]:
        """A post of a blog, as it is now."""
        return await self._request("GET", f"{_MODULE}/post", query={"room_id": room_id, "event_id": event_id})

    async def blog(self, room_id: str, user_id: str, items: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Which blogs somebody reads, whose own room with the bot it is, and which of these posts."""
        query = {"room_id": room_id, "member": user_id, "items": ",".join(f"{room} {event}" for room, event in items)}
        return await self._request("GET", f"{_MODULE}/blog", query=query)

    async def publish(self, body: Mapping[str, Any]) -> None:
        """Has the module write what a member shows the whole community."""
        await self._request("POST", f"{_MODULE}/profile", body)

    async def contribute(self, body: Mapping[str, Any]) -> None:
        """Gives the module what the bots hold about a member."""
        await self._request("POST", f"{_MODULE}/mydata", body)

    async def audience(self, room_id: str) -> dict[str, Any]:
        """Who can read a room, as the module counts them."""
        return await self._request("GET", f"{_MODULE}/audience", query={"room_id": room_id})

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        data: bytes | None = None,
        media_type: str = "",
    ) -> dict[str, Any]:
        """One request, with a body of JSON or with a file.

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
                headers=self._headers if data is None else {**self._headers, "Content-Type": media_type},
                json=body,
                data=data,
                timeout=_TIMEOUT if data is None else _UPLOAD_TIMEOUT,
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
        if status in (401, 429) or status >= 500:  # 401: it was started with another registration
            seconds = pause / 1000 if isinstance(pause, int) else None
            return Unreachable(f"{status} {errcode}", seconds)
        told = answer.get("error")
        return Refused(status, errcode, told if isinstance(told, str) else "")


def _room(room_id: str) -> str:
    return f"{_CLIENT}/rooms/{quote(room_id, safe='')}"


def _event_id(answer: Mapping[str, Any]) -> str:
    return str(answer.get("event_id", ""))


async def _object(response: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        answer = await response.json(content_type=None)
    except ValueError:  # a proxy's error page
        answer = None
    return answer if isinstance(answer, dict) else {}
