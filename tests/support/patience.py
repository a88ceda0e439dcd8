"""How long a test waits: until it asks again for what tells nobody when it changes, and for a day that lasts."""

from __future__ import annotations

import asyncio
import time

#: At least and at most, in seconds.
_PAUSES = (0.05, 0.25)
_DAY_S = 86_400


def pause(begun: float) -> float:
    """A tenth of what was waited since `begun` (monotonic seconds): whoever waits long does not keep others waiting."""
    return min(max(_PAUSES[0], (time.monotonic() - begun) / 10), _PAUSES[1])


async def same_day(seconds: float) -> None:
    """Waits for the next day (UTC) where this one ends within so many seconds: a test counts in days, and none ends."""
    if (left := _DAY_S - time.time() % _DAY_S) < seconds:
        await asyncio.sleep(left + 1)
