"""Guards: fitted where Synapse has what they need, their routes closed where it has not."""

from __future__ import annotations

from typing import Any

import pytest
from synapse.module_api.errors import SynapseError

from synapse_modules.guards import Guard, HookMissing, fit


class Handler:
    def act(self, what: str) -> None: ...


def guard(name: str, parameter: str, fitted: list[str], method: str = "on_PUT") -> tuple[Guard, Any]:
    class Servlet:
        async def on_PUT(self, _request: object) -> str:
            return "open"

    servlet: Any = Servlet
    needs = ((Handler(), "act" if parameter else "gone", {parameter or "x"}),)
    return Guard(name, f"No {name}.", needs, ((servlet, method),), lambda: fitted.append(name)), servlet


async def test_a_guard_is_fitted_where_all_is_there() -> None:
    fitted: list[str] = []
    one, servlet = guard("one", "what", fitted)
    assert fit([one], strict=True) == {}
    assert fitted == ["one"]
    assert await servlet().on_PUT(None) == "open"


@pytest.mark.parametrize(("parameter", "said"), [("", "has no Handler.gone"), ("other", "takes no other")])
async def test_its_routes_close_where_something_is_missing(parameter: str, said: str) -> None:
    fitted: list[str] = []
    one, closed = guard("one", parameter, fitted)
    two, opened = guard("two", "what", fitted)
    degraded = fit([one, two], strict=False)
    assert list(degraded) == ["one"] and degraded["one"].startswith("No one. Synapse") and said in degraded["one"]
    assert fitted == ["two"], "the others are not touched"
    assert await opened().on_PUT(None) == "open"
    with pytest.raises(SynapseError) as refused:
        await closed().on_PUT(None)
    assert (refused.value.code, refused.value.errcode) == (403, "ORG.BELISHA.DEGRADED")


def test_strict_refuses_to_start() -> None:
    with pytest.raises(HookMissing, match="strict_hooks: false"):
        fit([guard("one", "", [])[0]], strict=True)


def test_what_cannot_be_closed_refuses_to_start() -> None:
    with pytest.raises(HookMissing, match=r"Servlet\.on_POST"):
        fit([guard("one", "", [], method="on_POST")[0]], strict=False)
