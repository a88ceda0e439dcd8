"""Guards: parts of Synapse without a callback that are wrapped, each with the routes that close where it is missing.

A guard whose self-test fails closes its routes ("degraded"): what cannot be checked is refused, never let through.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

from synapse.module_api.errors import SynapseError

from synapse_modules.refusal import PREFIX

logger = logging.getLogger(__name__)


class HookMissing(RuntimeError):
    """This Synapse lacks something that Belisha relies on; it must not start with it."""


#: An object, the name of its function, and the parameters that are relied on.
Need = tuple[Any, str, set[str]]


class Guard(NamedTuple):
    """One wrapped part.

    Attributes:
        name: what metrics and tests call it.
        closed: what does not work without it, for people.
        needs: the functions of Synapse that it wraps.
        routes: the servlets' classes and methods that close without it.
        fit: wraps the functions.
    """

    name: str
    closed: str
    needs: tuple[Need, ...]
    routes: tuple[tuple[type, str], ...]
    fit: Callable[[], None]


def require(*used: tuple[Any, str, set[str]]) -> None:
    """Checks that each `(owner, name, parameters)` is a function there that takes those parameters.

    Raises:
        HookMissing: naming what is missing.
    """
    for owner, name, parameters in used:
        kind = owner.__name__ if inspect.isclass(owner) else type(owner).__name__
        function = getattr(owner, name, None)
        if function is None:
            raise HookMissing(f"Synapse has no {kind}.{name}; use the version that is pinned.")
        known = set(inspect.signature(inspect.unwrap(getattr(function, "orig", function))).parameters)
        if not parameters <= known:
            missing = ", ".join(sorted(parameters - known))
            raise HookMissing(f"Synapse's {kind}.{name} takes no {missing}; use the pinned version.")


def fit(guards: Iterable[Guard], *, strict: bool) -> dict[str, str]:
    """Fits each guard, or closes its routes; what is closed by the guards' names, a sentence each.

    Raises:
        HookMissing: a guard cannot be fitted, and `strict` is set or its routes cannot be closed either.
    """
    degraded = {}
    for guard in guards:
        try:
            require(*guard.needs)
        except HookMissing as error:
            reason = str(error)
        else:
            guard.fit()
            continue
        if strict:
            raise HookMissing(f"{reason} (With strict_hooks: false it would start so: {guard.closed})")
        for servlet, method in guard.routes:
            if getattr(servlet, method, None) is None:
                raise HookMissing(f"{reason} Nor is there {servlet.__name__}.{method}, which could be closed.")
            setattr(servlet, method, _refusing(guard.closed))
        logger.error("DEGRADED: %s %s", guard.closed, reason)
        degraded[guard.name] = f"{guard.closed} {reason}"
    return degraded


def _refusing(closed: str) -> Callable[..., Awaitable[Any]]:
    async def refuse(_servlet: Any, _request: Any, **_of_the_address: str) -> Any:
        raise SynapseError(
            HTTPStatus.FORBIDDEN,
            f"{closed} The server cannot check this at present; the people who run it have been told.",
            f"{PREFIX}DEGRADED",
            {"org.belisha.rule": "X1"},
        )

    return refuse
