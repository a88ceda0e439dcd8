"""What members do in each group, as docs/metrics.md defines it, over roll-ups alone: its health, turnout and reach.

What they give is exact and not to be shown as it is: `belisha.metrics.respect` decides what may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pyroaring import BitMap

from belisha.metrics.actions import ACTIVE, CONTRIBUTED
from belisha.metrics.days import Period
from belisha.metrics.rollups import GROUP, Rollups


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a group lives: sets of member numbers.

    Attributes:
        active: who did something in it in the period.
        contributed: who of these wrote in it.
        stayed: who of them was active in it in the period before, too.
        joined: who joined it for the first time.
    """

    active: BitMap
    contributed: BitMap
    stayed: BitMap
    joined: BitMap


class Part(NamedTuple):
    """The active members of a group, and those of them who took part in something: sets of member numbers."""

    took: BitMap
    active: BitMap


def health(rollups: Rollups, before: Period, within: Period) -> dict[str, Health]:
    """The health of every group in which anybody was active in a period, beside the period before it."""
    wrote, joined = rollups.by(CONTRIBUTED, GROUP, within), rollups.by("joined", GROUP, within)
    earlier = rollups.by(ACTIVE, GROUP, before)
    return {
        group: Health(
            active, wrote.get(group, BitMap()), active & earlier.get(group, BitMap()), joined.get(group, BitMap())
        )
        for group, active in rollups.by(ACTIVE, GROUP, within).items()
    }


def turnout(rollups: Rollups, within: Period) -> dict[str, Part]:
    """Who voted, of those who were active in each group."""
    return _took(rollups, "voted", within)


def reach(rollups: Rollups, within: Period) -> dict[str, Part]:
    """Who opened a file above GREEN, of those who were active in each group."""
    return _took(rollups, "downloaded", within)


def _took(rollups: Rollups, action: str, within: Period) -> dict[str, Part]:
    took = rollups.by(action, GROUP, within)
    # A group in which nobody did is there too: that it is missing would tell so, whatever may be shown.
    return {
        group: Part(took.get(group, BitMap()), active) for group, active in rollups.by(ACTIVE, GROUP, within).items()
    }
