"""The section of organisations: how their kinds connect, and which of them were active; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from belisha.metrics.days import Period
from bots.metrics import plots
from bots.metrics.sections import Asked, Block, month_name, spoken

#: So many months stand beside each other.
_MONTHS: Final = 6
_ACTIVE, _NOT_ACTIVE = "active", "not active"


def organisations(asked: Asked) -> Sequence[Block]:
    """How kinds of organisations connect, and which that let themselves be named were active."""
    pairs = asked.figures.parts(asked.month, "connection")
    kinds = sorted({one for pair in pairs for one in pair.split(" and ")})
    rows = []
    for number, one in enumerate(kinds):
        cells = [pairs.get(" and ".join(sorted((one, other))), "") for other in kinds[: number + 1]]
        rows.append((spoken(one), [*cells, *("" for _ in kinds[number + 1 :])]))
    told = f"Members who answered, or reacted to, somebody of the other kind in {month_name(asked.month)}."
    heads = tuple(spoken(one) for one in kinds)
    svg = plots.heat(told, heads, rows)
    table = tuple((name, *cells) for name, cells in rows)
    connections = Block("connections", "Who answers whom", told, svg, ("", *heads), table)
    return (connections, *([_named(asked)] if asked.named else ()))


def _named(asked: Asked) -> Block:
    """In which of the last months the organisations were active that let themselves be named."""
    months = asked.figures.months[-_MONTHS:]
    rows = [(name, [_state(asked, month, key) for month in months]) for key, name in asked.named]
    told = (
        "Organisations whose leads let them be named: whether one member at least was active in each month. A dash"
        " stands where fewer than five of its members count."
    )
    svg = plots.states(told, [f"{one.first:%b}" for one in months], rows, _ACTIVE)
    table = tuple((name, *cells) for name, cells in rows)
    heads = ("Organisation", *(month_name(one) for one in months))
    return Block("named", "Organisations by name", told, svg, heads, table, {_ACTIVE: 1, _NOT_ACTIVE: 0})


def _state(asked: Asked, month: Period, organisation: str) -> str | None:
    active = asked.figures.named.get((month, organisation))
    return None if active is None else _ACTIVE if active else _NOT_ACTIVE
