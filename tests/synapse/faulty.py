"""The module with faults: while one of its entrances runs, what it asks can be made to raise.

An entrance is what Synapse calls: a callback, a function of Synapse that the module has wrapped, an address of its API.
They are found by looking, not from a list. The turns of a loop, which decide nothing, are entrances too. The product
has no switch for any of this.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from types import FunctionType
from typing import Any, Final

from synapse.module_api import ModuleApi
from twisted.internet.defer import CancelledError

from synapse_modules import registry
from synapse_modules.channel_hooks import ChannelHooks
from synapse_modules.config import Config
from synapse_modules.hooks import Hooks
from synapse_modules.hooks_people import PeopleHooks
from synapse_modules.module import BelishaModule

#: In the server's folder: every entrance; the fault wanted, `{"entrance", "fault", "raises"}`; a line for each hit.
ENTRANCES: Final = Path("entrances.json")
WANTED: Final = Path("fault.json")
HITS: Final = Path("fault.hits")

#: What an entrance asks: Belisha's tables, a room's state, Synapse's store by way of hooks, Synapse itself, the policy.
FAULTS: Final = ("database", "state", "hooks", "synapse", "decide")
SECRET: Final = "plugh-in-an-exception"
RAISES: Final[dict[str, Callable[[], BaseException]]] = {
    "RuntimeError": lambda: RuntimeError(SECRET),
    "OperationalError": lambda: sqlite3.OperationalError(f"database is locked {SECRET}"),
    "Twisted's CancelledError": lambda: CancelledError(SECRET),
    "asyncio's CancelledError": lambda: asyncio.CancelledError(SECRET),
}
_inside: ContextVar[tuple[str, ...]] = ContextVar("inside", default=())


def _fail(fault: str) -> None:
    inside = _inside.get()
    if not inside or not WANTED.exists():
        return
    wanted = json.loads(WANTED.read_text() or "{}")
    if wanted.get("fault") == fault and wanted.get("entrance") == inside[-1]:
        with HITS.open("a") as hits:
            hits.write(f"{fault}\n")
        raise RAISES[wanted["raises"]]()


def _failing(function: Callable[..., Any], fault: str) -> Callable[..., Any]:
    """The function, which raises where the fault is wanted."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def fail_later(*arguments: Any, **named: Any) -> Any:
            _fail(fault)
            return await function(*arguments, **named)

        return fail_later

    @functools.wraps(function)
    def fail(*arguments: Any, **named: Any) -> Any:
        _fail(fault)
        return function(*arguments, **named)

    return fail


def _entered(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function, within which faults happen."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def enter_later(*arguments: Any, **named: Any) -> Any:
            token = _inside.set((*_inside.get(), name))
            try:
                return await function(*arguments, **named)
            finally:
                _inside.reset(token)

        return enter_later

    @functools.wraps(function)
    def enter(*arguments: Any, **named: Any) -> Any:
        token = _inside.set((*_inside.get(), name))
        try:
            return function(*arguments, **named)
        finally:
            _inside.reset(token)

    return enter


class _Api:
    """The module API with faults; notes what is registered."""

    def __init__(self, api: ModuleApi, entrances: list[str]) -> None:
        self._real = api
        self._entrances = entrances

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name.startswith("register_") and name.endswith("_callbacks"):
            return functools.partial(self._register, found)
        if name == "register_web_resource":
            return self._register_resource
        if name == "looping_background_call":
            return self._loop
        if name == "run_db_interaction":
            return _failing(found, "database")
        if name == "get_room_state":
            return _failing(found, "state")
        if inspect.iscoroutinefunction(found) and name != "get_user_by_req":
            return _failing(found, "synapse")
        return found

    def _loop(self, function: Callable[..., Any], milliseconds: float, *, desc: str, **named: Any) -> None:
        self._real.looping_background_call(_entered(function, f"loop {desc}"), milliseconds, desc=desc, **named)

    def _register(self, register: Callable[..., None], **callbacks: Any) -> None:
        named = {name: _entered(each, f"callback {name}") for name, each in callbacks.items() if each is not None}
        self._entrances.extend(f"callback {name}" for name in named)
        register(**named)

    def _register_resource(self, path: str, resource: Any) -> None:
        for name, handler in getattr(resource, "handlers", {}).items():
            entrance = f"api {type(resource).__name__} {name}"
            self._entrances.append(entrance)
            resource.handlers[name] = _entered(handler, entrance)
        self._real.register_web_resource(path, resource)


def _wrapped(api: ModuleApi) -> Iterator[tuple[Any, str, str]]:
    """Every function of Synapse that is the module's now: its owner, its name, and what the tests call it."""
    homeserver: Any = api._hs
    parts = [part for part in vars(homeserver).values() if type(part).__module__.startswith("synapse.")]
    parts += [api._store, api._auth, getattr(homeserver.get_pusherpool(), "pusher_factory", None)]
    seen: set[int] = set()
    for part in parts:
        if part is None or id(part) in seen or not hasattr(part, "__dict__"):
            continue
        seen.add(id(part))
        for name, value in list(vars(part).items()):
            if _is_ours(value):
                yield part, name, f"hook {type(part).__name__}.{name}"
    for module in [module for key, module in sys.modules.items() if key.startswith("synapse.rest.")]:
        for servlet in list(vars(module).values()):
            if inspect.isclass(servlet) and servlet.__module__ == module.__name__:
                for name, value in list(vars(servlet).items()):
                    if _is_ours(value):
                        yield servlet, name, f"hook {servlet.__name__}.{name}"


def _is_ours(value: object) -> bool:
    return isinstance(value, FunctionType) and value.__module__.startswith("synapse_modules.")


def _make_parts_fail(api: ModuleApi) -> None:
    """Gives the module's own ways to Synapse's store, and to the policy, their faults."""
    for owner in (Hooks, PeopleHooks, ChannelHooks):
        for name, value in list(vars(owner).items()):
            if inspect.iscoroutinefunction(value) and not name.startswith("_"):
                setattr(owner, name, _failing(value, "hooks"))
    for module in [module for key, module in sys.modules.items() if key.startswith("synapse_modules.")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and value.__module__.startswith("belisha.policy"):
                setattr(module, name, _failing(value, "decide"))


class Faulty(BelishaModule):
    """Loaded in the module's place; fails as `fault.json` says."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        entrances: list[str] = []
        registry.REVISION_AGE = -1.0  # type: ignore[misc]  # the registry asks the database each time
        _make_parts_fail(api)
        super().__init__(config, _Api(api, entrances))  # type: ignore[arg-type]  # stands in for it
        for owner, name, entrance in list(_wrapped(api)):
            setattr(owner, name, _entered(getattr(owner, name), entrance))
            entrances.append(entrance)
        ENTRANCES.write_text(json.dumps(sorted(entrances)))
