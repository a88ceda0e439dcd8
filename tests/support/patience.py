"""How long a test waits until it asks again for what tells nobody when it changes."""

from __future__ import annotations

import time

#: At least and at most, in seconds.
_PAUSES = (0.05, 0.25)


def pause(begun: float) -> float:
    """A tenth of what was waited since `begun` (monotonic seconds): whoever waits long does not keep others waiting."""
    return min(max(_PAUSES[0], (time.monotonic() - begun) / 10), _PAUSES[1])
