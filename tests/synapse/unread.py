"""The module with a reader of files that does not run, or takes its time; the product has no switch for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from synapse.module_api import ModuleApi

from synapse_modules.config import Config
from synapse_modules.inspection import WAIT_S
from synapse_modules.module import BelishaModule
from synapse_modules.scan.scanner import Report, ScanFailed

#: In the data folder: while it is there, no file can be read.
NO_READER: Final = Path("no_reader")
#: While it is there, reading does not end, and its text is for how many seconds an upload waits for that.
SLOW_READER: Final = Path("slow_reader")


class Unread(BelishaModule):
    """As the product while neither file is there."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        arrived, scan = self.inspection.arrived, self.inspection._scanner.scan

        def scan_or_fail(path: str) -> Report:
            while SLOW_READER.exists():
                time.sleep(0.05)
            if NO_READER.exists():
                raise ScanFailed("There is no reader.")
            return scan(path)

        async def arrive(*arguments: Any) -> bool:
            self.inspection._wait_s = float(SLOW_READER.read_text()) if SLOW_READER.exists() else WAIT_S
            return await arrived(*arguments)

        self.inspection.arrived = arrive  # type: ignore[method-assign]  # a test's
        self.inspection._scanner.scan = scan_or_fail  # type: ignore[method-assign]  # a test's
