"""A server's Synapse while its restore has not ended: one process, as its own account, that answers no client."""

import asyncio
import ctypes
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from belisha import secrets
from belisha.cli import http_probe, ports, render_host
from belisha.cli.backup import postgresql
from belisha.cli.child import python
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.supervisor import STATUS
from belisha.host import Folders

_ACCOUNT = "belisha-synapse"
_PATIENCE = 300.0  # seconds; a newer Synapse changes its tables first
_END = 60.0  # seconds until it is killed
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@asynccontextmanager
async def running(folders: Folders, port: int, progress: Progress) -> AsyncIterator[None]:
    """Runs it until the end of the block.

    Raises:
        CommandError: it does not start.
    """
    if not ports.is_free(port):
        raise CommandError(f"Port {port} is taken by another program.", "Is it Synapse? Stop it first.")
    logs = folders.logs / "synapse"
    owner = render_host.account(_ACCOUNT)
    home = folders.state / "synapse"
    for folder in (logs, home, home / "media"):  # an archive without a file of members has brought neither
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(folder, owner, -1)
    whose = postgresql.account(_ACCOUNT)
    become: dict[str, Any] = {} if whose is None else {"user": whose.pw_uid, "group": whose.pw_gid, "extra_groups": ()}
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PGPORT")}
    progress.step("Starting Synapse, which answers nobody")
    process = await asyncio.create_subprocess_exec(
        *python("synapse.app.homeserver", "-c", str(folders.configuration / "synapse" / "homeserver.yaml")),
        cwd=folders.state / "synapse",
        env=kept | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=end_with_us,  # after this has become the account, which would undo it
        **become,
    )
    try:
        await _until_ready(folders, port, process)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _END)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _until_ready(folders: Folders, port: int, process: asyncio.subprocess.Process) -> None:
    token = secrets.read(folders.configuration, "module_api")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE
    while True:
        status, answer = await http_probe.get_json(port, STATUS, token)
        if status == 200 and answer.get("ready") is True:
            return
        if process.returncode is not None or loop.time() > deadline:
            raise CommandError(
                "Synapse does not start with what was restored.",
                f"{folders.logs / 'synapse' / 'synapse.log'} says why. Then give the same command again.",
            )
        await asyncio.sleep(0.1)


def end_with_us() -> None:
    """Has the kernel end the child when this process is gone: the next try needs its port."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
