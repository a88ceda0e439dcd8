"""Pictures for pages: drawn once for all at a time, held for a moment, and no more of them than can be drawn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bots.charts.artist import NotDrawn
from bots.charts.bars import Bar, Bars
from bots.portal.drawings import Busy, Drawings


def chart(title: str = "Which?") -> Bars:
    return Bars(title, "“Fish” has the most votes: 1 of 1.", (Bar("Fish", 1, "1 (100 %)", leads=True),), 1)


class Slow:
    """Draws when it is let."""

    def __init__(self) -> None:
        self.drawn: list[Any] = []
        self.go = asyncio.Event()

    async def __call__(self, asked: Any) -> bytes:
        self.drawn.append(asked)
        await self.go.wait()
        if asked["title"] == "fails":
            raise NotDrawn("drawing a chart ended with 1")
        return b"drawn"


async def test_who_looks_at_the_same_time_has_one_drawing_and_it_is_not_kept() -> None:
    slow = Slow()
    drawings = Drawings(slow, held_s=1)
    two = [asyncio.create_task(drawings.png("$poll", chart())) for _ in range(2)]
    await asyncio.sleep(0)
    two.pop().cancel()  # who goes away takes it from nobody else
    slow.go.set()
    assert await two[0] == await drawings.png("$poll", chart()) == b"drawn" and len(slow.drawn) == 1
    assert await drawings.png("$other", chart()) == b"drawn" and len(slow.drawn) == 2, "another poll's is another"
    async with asyncio.timeout(30):
        while drawings._held:
            await asyncio.sleep(0.01)
    await drawings.png("$poll", chart())
    assert len(slow.drawn) == 3, "what is erased is gone within the minute (E1)"


async def test_more_than_can_be_drawn_are_asked_to_come_back() -> None:
    slow = Slow()
    drawings = Drawings(slow)
    waiting = [asyncio.create_task(drawings.png(f"${number}", chart())) for number in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await drawings.png("$another", chart())
    slow.go.set()
    assert set(await asyncio.gather(*waiting)) == {b"drawn"}


async def test_what_cannot_be_drawn_is_tried_again_by_who_asks_next() -> None:
    slow = Slow()
    drawings = Drawings(slow)
    slow.go.set()
    for _ in range(2):
        with pytest.raises(NotDrawn):
            await drawings.png("$poll", chart("fails"))
    assert len(slow.drawn) == 2
