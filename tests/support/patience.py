"""How long a test waits: for what tells nobody when it changes, and for a day that lasts."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

#: Between two questions, at least and at most, in seconds.
_PAUSES = (0.05, 0.25)
#: Far longer than anything takes: it counts only where it never happens, on a machine that has other work.
_LONG = 300.0
_DAY_S = 86_400


def _pause(begun: float) -> float:
    """A tenth of what was waited since `begun` (monotonic seconds): whoever waits long does not keep others waiting."""
    return min(max(_PAUSES[0], (time.monotonic() - begun) / 10), _PAUSES[1])


@overload
async def until(
    condition: Callable[[], Awaitable[T]], seconds: float = _LONG, why: Callable[[], object] | None = None
) -> T: ...
@overload
async def until(condition: Callable[[], T], seconds: float = _LONG, why: Callable[[], object] | None = None) -> T: ...
async def until(
    condition: Callable[[], object], seconds: float = _LONG, why: Callable[[], object] | None = None
) -> object:
    """The first answer of a condition that is true-ish, asked again and again.

    Args:
        condition: with or without `async`.
        seconds: how long at most.
        why: tells what there is to see where it did not happen.

    Raises:
        AssertionError: there was none in time.
    """
    begun = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = condition()
                if inspect.isawaitable(answer):
                    answer = await answer
                if answer:
                    return answer
                await asyncio.sleep(_pause(begun))
    except TimeoutError as error:
        raise AssertionError(why() if why else f"it did not happen within {seconds:.0f} s") from error


def wait_until(condition: Callable[[], T], seconds: float = _LONG, why: Callable[[], object] | None = None) -> T:
    """As `until`, for tests without a loop.

    Raises:
        AssertionError: there was none in time.
    """
    begun = time.monotonic()
    while not (answer := condition()):
        assert time.monotonic() < begun + seconds, why() if why else f"it did not happen within {seconds:.0f} s"
        time.sleep(_pause(begun))
    return answer


async def same_day(seconds: float) -> None:
    """Waits for the next day (UTC) where this one ends within so many seconds: a test counts in days, and none ends."""
    if (left := _DAY_S - time.time() % _DAY_S) < seconds:
        await asyncio.sleep(left + 1)
