"""The index of posts, for those outside the kernel's transactions."""

from __future__ import annotations

from collections.abc import Mapping

from bots.blog.listing import Asked, Listed, listed
from bots.kernel.store import Store


class PostBook:
    """Looks posts up."""

    def __init__(self, store: Store) -> None:
        """Reads from an open store."""
        self._store = store

    async def listed(self, since: Mapping[str, int], asked: Asked) -> Listed:
        """The posts of blogs that somebody reads; see `listing.listed`."""
        return await self._store.read(lambda connection: listed(connection, since, asked))
