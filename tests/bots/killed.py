"""The bots, ended with kill -9 at the next moment of a list around the end of a poll: for a test of those moments.

The moments still to come stand in a file of the process's folder, one on a line; each kills once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from belisha.polls.wire import END
from bots.__main__ import main
from bots.kernel.matrix import BotClient
from bots.polls import Polls
from tests.support.server import ROOT

LEFT = Path("moments")
MOMENTS = (
    "before the end",
    "behind the end",
    "amid the count",
    "before the result",
    "behind the result",
    "behind the address",
    "amid the upload",
    "behind the upload",
    "before the picture",
    "behind the picture",
)


def reached(moment: str) -> None:
    """Ends this process, if that is still to be done at this moment."""
    left = LEFT.read_text().splitlines()
    if moment in left:
        LEFT.write_text("\n".join(one for one in left if one != moment))
        os.kill(os.getpid(), signal.SIGKILL)


def around(real: Callable[..., Awaitable[Any]], what: Callable[..., str | None]) -> Callable[..., Awaitable[Any]]:
    async def called(*arguments: Any, **named: Any) -> Any:
        name = what(*arguments)
        if name is None:
            return await real(*arguments, **named)
        reached(f"before the {name}")
        task = asyncio.ensure_future(real(*arguments, **named))
        if name == "upload":
            await asyncio.sleep(0.02)  # the request is on its way
            reached("amid the upload")
        try:
            return await task
        finally:  # what a killed upload has brought is refused the second time
            reached(f"behind the {name}")

    return called


def _sent(_client: BotClient, _room: str, event_type: str, content: dict[str, Any], _transaction: str) -> str | None:
    if event_type in END:
        return "end"
    if content.get("msgtype") == "m.image":
        return "picture"
    return "result" if "The poll is closed: " in str(content.get("body")) else None


def _prepare() -> None:
    BotClient.send = around(BotClient.send, _sent)  # type: ignore[method-assign,assignment]  # a test's
    BotClient.upload = around(BotClient.upload, lambda *_: "upload")  # type: ignore[method-assign,assignment]  # a test's
    # A test's too.
    BotClient.create_media = around(BotClient.create_media, lambda *_: "address")  # type: ignore[method-assign,assignment]
    count = Polls._counted

    def counted(*arguments: Any) -> Any:
        effects = count(*arguments)
        reached("amid the count")  # before anything of it is committed
        return effects

    Polls._counted = counted  # type: ignore[method-assign]  # a test's


async def until_killed(config: Path, module: str = "tests.bots.killed") -> None:
    """Runs the bots, by this module or one like it, until they are killed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, "--config", str(config), env=environment, cwd=config.parent
    )
    try:
        assert await process.wait() == -9, "it ended by itself"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    _prepare()
    sys.exit(main())
