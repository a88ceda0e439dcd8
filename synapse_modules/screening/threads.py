"""Threads of our own for what blocks, so that a scanner that hangs holds up nothing else of Synapse."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from synapse.logging.context import defer_to_threadpool
from synapse.module_api import ModuleApi
from twisted.python.threadpool import ThreadPool

_T = TypeVar("_T")


class Threads:
    """So many at most; none is there before the first is needed."""

    def __init__(self, api: ModuleApi, at_once: int, name: str) -> None:
        self._api = api
        self._at_once = at_once
        self._name = name
        self._pool: ThreadPool | None = None

    async def do(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Does it in one of them."""
        if self._pool is None:
            pool = ThreadPool(minthreads=0, maxthreads=self._at_once, name=self._name)
            # A process that ends does not wait for a scanner that hangs.
            pool.threadFactory = _daemon  # type: ignore[assignment]
            pool.start()
            self._pool = pool
        done: _T = await defer_to_threadpool(self._api._hs.get_reactor(), self._pool, work, *arguments)
        return done


def _daemon(*arguments: Any, **named: Any) -> threading.Thread:
    return threading.Thread(*arguments, daemon=True, **named)
