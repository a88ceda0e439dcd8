"""Runs the programs of an installed package-lock.json."""

from __future__ import annotations

import asyncio
from pathlib import Path

_PATIENCE = 300.0  # for a busy machine


async def run(program: str, *arguments: str, folder: Path) -> tuple[int, str]:
    """Runs node_modules/.bin/`program` in its folder; gives the exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        str(folder / "node_modules" / ".bin" / program),
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
    return process.returncode or 0, said.decode()
