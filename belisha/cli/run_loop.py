"""Runs an asynchronous command until it ends or is told to stop."""

import asyncio
import signal
from collections.abc import Coroutine

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def until_stopped(main: Coroutine[object, object, int]) -> int:
    """Runs `main` and gives its exit code.

    SIGINT (Ctrl-C), SIGTERM and SIGHUP cancel it once, so that it can clean up. Being told to stop is no
    failure: the code is 0 then.
    """
    return asyncio.run(_until_stopped(main))


async def _until_stopped(main: Coroutine[object, object, int]) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(main)
    told = False

    def stop() -> None:
        nonlocal told
        if not told:  # a second Ctrl-C must not interrupt the cleaning up
            told = True
            task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if told:
            return 0
        raise
