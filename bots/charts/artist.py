"""Has charts drawn in a process of their own: its memory goes with it, and what hangs is ended.

Drawing takes a second of the processor and reads texts of members with a library in C; neither belongs beside the
bots' tokens or into their loop. The process has no environment of ours, and a folder of its own for a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

#: Begins every PDF (ISO 32000-2, 7.5.2).
_PDF: Final = b"%PDF-"
#: Begins every PNG, with the place of its width and height behind it (RFC 2083, 3.1 and 4.1.1).
_BEGINS: Final = b"\x89PNG\r\n\x1a\n"
#: How long a chart may take, in seconds. It takes one or two; on a machine where much else runs, twenty were seen.
_LONGEST_S: Final = 120.0
#: The folder of a drawing says which process has it drawn.
_FOLDER: Final = "belisha-chart-{process}-"
_FOLDERS: Final = re.compile(r"belisha-chart-([0-9]{1,10})-\w+")


class NotDrawn(Exception):
    """A chart could not be drawn; `str()` says why, without any of its words."""


class Artist:
    """Draws one chart after the other, or, as a `printer`, sets one document."""

    def __init__(self, longest: float = _LONGEST_S, module: str = "bots.charts", begins: bytes = _BEGINS) -> None:
        """Prepares drawing.

        Args:
            longest: For how many seconds a drawing is waited for.
            module: What draws, out of JSON on its standard input.
            begins: How each of its files begins.
        """
        self._longest, self._module, self._begins = longest, module, begins
        self._one_at_a_time = asyncio.Semaphore(1)

    async def draw(self, chart: Mapping[str, Any]) -> bytes:
        """The chart (`Bars.as_json`) as a PNG.

        Raises:
            NotDrawn: it took too long, or could not be drawn.
        """
        async with self._one_at_a_time:
            with tempfile.TemporaryDirectory(prefix=_FOLDER.format(process=os.getpid())) as folder:
                return await self._draw(json.dumps(chart).encode(), folder)

    async def _draw(self, chart: bytes, folder: str) -> bytes:
        environment = {"HOME": folder, "MPLCONFIGDIR": folder, "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it could quote what members wrote
            env=environment,
            cwd=folder,
        )
        try:
            async with asyncio.timeout(self._longest):
                found, _ = await process.communicate(chart)
        except TimeoutError:
            raise NotDrawn("a chart took too long to draw") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode or not found.startswith(self._begins):
            raise NotDrawn(f"drawing a chart ended with {process.returncode}")
        return found


def printer() -> Artist:
    """Sets documents as PDF (`bots.printing`)."""
    return Artist(module="bots.printing", begins=_PDF)


def clear() -> None:
    """Takes away the folders of processes that were killed while they had something drawn; for the start of one."""
    for folder in Path(tempfile.gettempdir()).iterdir():
        if (found := _FOLDERS.fullmatch(folder.name)) and _is_left(folder, int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path, process: int) -> bool:
    try:
        about = folder.lstat()
    except OSError:
        return False
    is_ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
    # A process that starts has drawn nothing yet: in a container, the one before it had its number too.
    return is_ours and (process == os.getpid() or not Path(f"/proc/{process}").exists())


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG, in pixels."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
