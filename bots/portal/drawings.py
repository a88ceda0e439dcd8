"""Pictures of results for pages: drawn when somebody looks, once for all who look at the same time, and not kept.

What is drawn is what the page says in a table. Whether its visitor may see it is decided before, with every request.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from bots.charts.artist import NotDrawn
from bots.charts.bars import Bars

log = logging.getLogger(__name__)

Draw = Callable[[Mapping[str, Any]], Awaitable[bytes]]

#: For how long a picture is held for others, in seconds: less than the minute in which what is erased is gone (E1).
_HELD_S: Final = 30.0
#: How many different ones are held or waited for; one takes seconds of the processor.
_MOST: Final = 16


class Busy(Exception):
    """As many pictures are asked for as can be drawn."""


class Drawings:
    """Draws, and holds what is drawn for a moment."""

    def __init__(self, draw: Draw, held_s: float = _HELD_S) -> None:
        """Prepares drawing; `held_s` is for how long a picture is held, in seconds."""
        self._draw = draw
        self._held_s = held_s
        self._held: dict[bytes, asyncio.Task[bytes]] = {}

    async def png(self, of: str, chart: Bars) -> bytes:
        """A chart as a PNG; what is drawn of one thing is never another's, were they alike.

        Args:
            of: the id of the event whose result it is, or what else tells it from others.
            chart: what is drawn.

        Raises:
            Busy: please ask again later.
            NotDrawn: it cannot be drawn; its reason is logged.
        """
        return await self.made(of, chart.as_json())

    async def made(self, of: str, asked: Mapping[str, Any]) -> bytes:
        """Whatever this draws, out of what it is told; as `png`."""
        key = hashlib.sha256(json.dumps([of, asked]).encode()).digest()
        task = self._held.get(key)
        if task is None:
            if len(self._held) >= _MOST:
                raise Busy
            task = self._held[key] = asyncio.create_task(self._drawn(key, asked))
        # Who goes away takes it from nobody else.
        return await asyncio.shield(task)

    async def _drawn(self, key: bytes, asked: Mapping[str, Any]) -> bytes:
        try:
            found = await self._draw(asked)
        except BaseException as error:
            del self._held[key]
            if isinstance(error, NotDrawn):
                log.error("a picture for a page is not drawn", extra={"reason": str(error)})
            raise
        asyncio.get_running_loop().call_later(self._held_s, self._held.pop, key)
        return found
