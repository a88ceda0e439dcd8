"""The module as it finds a Synapse that lacks parts, on a machine whose clock is ahead.

Who asks for the time once this is loaded is told another one, as by a clock that nobody sets right.
"""

from __future__ import annotations

import time
from typing import Final

#: In seconds.
AHEAD: Final = 8.0
_right = time.time


def _wrong() -> float:
    return _right() + AHEAD


time.time = _wrong

from tests.synapse.lacking import Lacking  # noqa: E402 - the module asks for the time as soon as it is loaded


class Ahead(Lacking):
    """Starts without the parts that its configuration names in `lacks`, and is ahead."""
