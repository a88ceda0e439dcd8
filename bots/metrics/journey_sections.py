"""The section of journeys: what members do next, where sessions begin and end, and how newcomers begin; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from belisha.metrics.days import Period
from belisha.metrics.journeys import STEPS, steps_of
from bots.metrics import plots
from bots.metrics.flows import Flow, flows
from bots.metrics.sections import Asked, Block, month_name, quarter_name

_CALLED: Final = {
    "arrived": "Arrived",
    "introduced": "Said what they do",
    "joined": "Joined a group",
    "read": "Read",
    "opened": "Opened a file",
    "reacted": "Reacted or voted",
    "wrote": "Wrote",
}
#: So many bands a plot has, and so many rows a table.
_BANDS: Final = 14
_ROWS: Final = 24
_ARRIVED: Final = "To arrive is to sign in, or to open the portal."
_NEVER: Final = " In which order members do things is looked at where the community has chosen so (metrics.journeys)."
if set(_CALLED) != set(STEPS):
    raise ImportError("Every step has a name.")


def journeys(asked: Asked) -> Sequence[Block]:
    """What members do one after another."""
    moves = asked.figures.parts(asked.month, "move")
    month = month_name(asked.month)
    begins = {after: value for part, value in moves.items() for before, after in [steps_of(part)] if not before}
    ends = {before: value for part, value in moves.items() for before, after in [steps_of(part)] if not after}
    return (
        _next(moves, month),
        _of_steps("begins", "Where sessions begin", f"Members who began a session in {month} like this.", begins),
        _of_steps("ends", "Where sessions end", f"Members whose session in {month} ended with this.", ends),
        *_first_weeks(asked),
    )


def _next(moves: Mapping[str, int | None], month: str) -> Block:
    """From one step to another; those that are withheld are left out, since every move there can be is asked for."""
    found = [
        Flow(_CALLED[before], _CALLED[after], value)
        for part, value in moves.items()
        for before, after in [steps_of(part)]
        if value is not None and before and after
    ]
    found.sort(key=lambda one: (-one.value, one.before, one.after))
    told = (
        f"Members who did the one and next the other in {month}, without a pause of more than half an hour. {_ARRIVED}"
    )
    told += "" if moves else _NEVER
    more = f" The {_BANDS} commonest are drawn." if len(found) > _BANDS else ""
    rows = tuple((f"{one.before}, then {one.after.lower()}", one.value) for one in found[:_ROWS])
    return Block("next", "What comes next", told + more, flows(told, found[:_BANDS]), ("", "Members"), rows)


def _of_steps(slug: str, title: str, told: str, found: Mapping[str, int | None]) -> Block:
    """A bar for each step, the largest first and the withheld last."""
    values = [(_CALLED[step], value) for step, value in found.items()]
    values.sort(key=lambda one: (one[1] is None, -(one[1] or 0), one[0]))
    svg = plots.bars(told, [plots.Bar(*one) for one in values])
    return Block(slug, title, told, svg, ("", "Members"), tuple(values))


def _first_weeks(asked: Asked) -> Sequence[Block]:
    """How the newcomers of the month's quarter began; of the last one before it that is decided about."""
    first = next((one for one in _quarters_back(asked) if asked.figures.parts(one, "path")), None)
    named = "a quarter" if first is None else f"the quarter {quarter_name(first)}"
    paths = {} if first is None else asked.figures.parts(first, "path")
    # Which paths there are tells that somebody took them: of these only what is shown.
    found = sorted(((value, part) for part, value in paths.items() if value is not None), reverse=True)
    rows = [(", ".join(_CALLED[step].lower() for step in steps_of(part)).capitalize(), value) for value, part in found]
    told = (
        f"Newcomers of {named} who took these steps first, in this order, in their first week. Rarer ways are left out."
    )
    svg = plots.bars(told, [plots.Bar(f"Way {number}", value) for number, (_, value) in enumerate(rows, 1)])
    numbered = tuple((f"Way {number}: {name}", value) for number, (name, value) in enumerate(rows, 1))
    ways = Block("ways", "How newcomers begin", told, svg, ("", "Members"), numbered)
    stopped = {} if first is None else asked.figures.parts(first, "stopped")
    steps = {step: value for step, value in stopped.items() if step}
    told = (
        f"Newcomers of {named} who did not come again in the four weeks after their first, by the last new thing in it."
    )
    return (ways, _of_steps("stopped", "Where newcomers stop", told, steps))


def _quarters_back(asked: Asked) -> list[Period]:
    """The first months of quarters up to the month that is asked for, the latest first."""
    found = [one for one in asked.figures.months if one.first.month % 3 == 1 and one.first <= asked.month.first]
    return found[::-1]
