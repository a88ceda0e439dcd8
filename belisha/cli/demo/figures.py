"""Fills the figures of the sample community beside it, by `belisha metrics sample`; once, and never in its way."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def filling(data: Path) -> AsyncIterator[None]:
    """Fills them while the block goes on; what is cut short is begun anew at the next start."""
    task = asyncio.create_task(_fill(data))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _fill(data: Path) -> None:
    arguments = ("-m", "belisha", "metrics", "sample", "--data", str(data))
    quiet = asyncio.subprocess.DEVNULL  # that they are there already is no news
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=quiet, stderr=quiet)
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
