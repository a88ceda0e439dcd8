"""Asks the module what a member may read of blogs and write in groups (rule P2), and for pictures (rule F1)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar

import aiohttp
from yarl import URL

from bots.kernel.posts import Blog, Post, blog_of, post_of
from bots.portal.composing import Composer, composer_of
from bots.portal.unavailable import Unavailable

log = logging.getLogger(__name__)

_CHUNK: Final = 64 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)

Json = Mapping[str, Any]
_Read = TypeVar("_Read")


class _Ask(Protocol):
    async def __call__(self, question: str, body: Json, *, or_none: bool) -> Json | None:
        """As `Homeserver` asks."""


class BlogQuestions:
    """The portal's questions about blogs, and about a group that somebody writes into."""

    def __init__(self, ask: _Ask, module: str, headers: Mapping[str, str], session: aiohttp.ClientSession) -> None:
        """Prepares requests.

        Args:
            ask: puts a question to the module.
            module: the address of its API.
            headers: with the portal's credential.
            session: the process's HTTP session.
        """
        self._ask = ask
        self._module = module
        self._headers = headers
        self._session = session

    async def read(self, user_id: str, items: Sequence[tuple[str, str]] = ()) -> Blog:
        """The blogs that the member reads now, and which of these posts, each by room and event.

        Raises:
            Unavailable: It cannot be asked.
        """
        named = [{"room_id": room, "event_id": event} for room, event in items]
        answer = await self._ask("blog", {"user_id": user_id, "items": named}, or_none=False)
        found = blog_of(answer or {})
        if found is None or len(found.cards) != len(items):
            raise Unavailable
        return found

    async def post(self, user_id: str, room_id: str, event_id: str, page: int) -> Post | None:
        """A post with a page of its comments, where the member can read it now; None where they cannot, or it is none.

        Raises:
            Unavailable: It cannot be asked.
        """
        body = {"user_id": user_id, "room_id": room_id, "event_id": event_id, "page": page}
        return await self._one("post", body, post_of)

    async def composer(
        self, user_id: str, room_id: str, answers: str | None = None, content: Json | None = None
    ) -> Composer | None:
        """A group as the member writes into it now, with an answered message and a draft; None where it is none.

        Raises:
            Unavailable: It cannot be asked.
        """
        body = {"user_id": user_id, "room_id": room_id, "answers": answers, "content": content}
        return await self._one("composer", body, composer_of)

    async def _one(self, question: str, body: Json, read: Callable[[Json], _Read | None]) -> _Read | None:
        """What the module tells of one thing; None where there is none for the member."""
        answer = await self._ask(question, body, or_none=True)
        if answer is None:
            return None
        found = read(answer)
        if found is None:
            raise Unavailable
        return found

    async def file(self, user_id: str, media_id: str, most: int) -> bytes | None:
        """A file, where the member may open it now and it has at most so many bytes; None for all others.

        Raises:
            Unavailable: It cannot be asked.
        """
        url = URL(f"{self._module}/media/{media_id}").with_query(user_id=user_id)
        asking = self._session.get(url, headers=self._headers, timeout=_TIMEOUT, allow_redirects=False)
        data = bytearray()
        try:
            async with asking as response:
                if response.status == HTTPStatus.NOT_FOUND:
                    return None
                if response.status != HTTPStatus.OK:
                    raise Unavailable
                async for part in response.content.iter_chunked(_CHUNK):
                    data += part
                    if len(data) > most:
                        return None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("a file cannot be asked for", extra={"reason": type(error).__name__})
            raise Unavailable from error
        return bytes(data)
