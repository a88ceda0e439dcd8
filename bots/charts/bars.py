"""What a bar chart shows. Pure: no drawing, so that whoever asks for one needs nothing of what draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

#: More bars than a poll has answers are a mistake of who asks.
MOST_BARS: Final = 24


class BadChart(ValueError):
    """What was handed over is no chart that can be drawn."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or two with one name.

    Attributes:
        name: what it counts, as members wrote it.
        value: how many; None where only the second sort is counted.
        said: what stands at its end, such as “2 (67 %)”.
        leads: whether it is to stand out.
        second: how many there are of the second sort; None where there is none.
        second_said: what stands at the end of that bar.
    """

    name: str
    value: int | None
    said: str
    leads: bool = False
    second: int | None = None
    second_said: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart.

    Attributes:
        title: stands above it.
        told: what it comes to, in a sentence under the title.
        bars: from the top.
        whole: what a full bar stands for; at least the highest value.
        second_whole: the same for the second sort of bars.
        key: what the two sorts of bars are, where there are two.
        notes: sentences under it.
    """

    title: str
    told: str
    bars: Sequence[Bar]
    whole: int
    second_whole: int = 0
    key: tuple[str, str] | None = None
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """For whoever draws it."""
        return asdict(self)


def from_json(raw: Mapping[str, Any]) -> Bars:
    """The chart again.

    Raises:
        BadChart: it is none.
    """
    try:
        bars = tuple(Bar(**one) for one in raw["bars"])
        key = raw["key"]
        found = Bars(**{**raw, "bars": bars, "key": None if key is None else (str(key[0]), str(key[1]))})
        wholes = [bar.value or 0 for bar in bars], [bar.second or 0 for bar in bars]
        fits = max(wholes[0]) <= found.whole and max(wholes[1]) <= found.second_whole
        fits = fits and min(*wholes[0], *wholes[1]) >= 0
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise BadChart("a chart has a title, bars, and what a full bar stands for") from error
    if len(bars) > MOST_BARS or not fits:
        raise BadChart(f"a chart has at most {MOST_BARS} bars, none below nothing or longer than a full one")
    return found
