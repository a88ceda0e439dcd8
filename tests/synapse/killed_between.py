"""The module, ended with kill -9 between a new account and its row in the registry: for a test of that moment."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from synapse_modules.module import BelishaModule

#: In the data folder, which is the server's own.
KILLED = Path("killed")


class KilledBetween(BelishaModule):
    """As the product, until the first account is made by a token."""

    def __init__(self, config: Any, api: Any) -> None:
        super().__init__(config, api)
        if not KILLED.exists():

            def end(*_arguments: Any) -> None:
                KILLED.touch()
                os.kill(os.getpid(), signal.SIGKILL)

            self.registry.admit = end  # type: ignore[method-assign,assignment]  # the moment of the test
