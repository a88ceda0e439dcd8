"""Installs what a package-lock.json says, from whichever registry this machine uses."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import shutil
from pathlib import Path

import pytest


async def install(folder: Path, dev: bool = False) -> None:
    """Installs into folder/node_modules, once for each state of its package-lock.json; with `dev`, also what builds."""
    with (folder / "package-lock.json").open() as lock:
        # Tests run in two processes; the second waits here, then finds it done.
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        await _install(folder, dev)


async def _install(folder: Path, dev: bool) -> None:
    stamp = folder / "node_modules" / ".installed"
    state = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail("`npm` is missing: these tests need Node 20 or newer (Debian: nodejs, npm).")
    process = await asyncio.create_subprocess_exec(
        npm,
        *("ci", *(() if dev else ("--omit=dev",)), "--no-audit", "--no-fund", "--ignore-scripts"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 600)
    assert process.returncode == 0, said.decode()[-4000:]
    stamp.write_text(state)


async def bundle(folder: Path, name: str) -> Path:
    """Bundles folder/NAME.js for browsers, where its exports are those of a global NAME; where the bundle is."""
    made = folder / "node_modules" / ".bundles" / f"{name}.js"
    esbuild = folder / "node_modules" / ".bin" / "esbuild"
    # Cryptography is loaded by clients that encrypt, and none of ours does.
    options = (f"--global-name={name}", "--external:@matrix-org/matrix-sdk-crypto-wasm", "--log-level=warning")
    process = await asyncio.create_subprocess_exec(
        esbuild, folder / f"{name}.js", "--bundle", "--format=iife", f"--outfile={made}", *options
    )
    assert await asyncio.wait_for(process.wait(), 300) == 0
    return made
