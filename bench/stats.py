"""Intervals for figures that were measured in pairs on a machine with neighbours."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Interval(NamedTuple):
    """A median with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap_median(values: Sequence[float], *, samples: int = 4000, seed: int = 3) -> Interval:
    """The median of `values` and its 95 % percentile interval by resampling (Efron and Tibshirani, chapter 13)."""
    draw = random.Random(seed)
    medians = sorted(median(draw.choices(values, k=len(values))) for _ in range(samples))
    return Interval(median(values), medians[int(samples * 0.025)], medians[int(samples * 0.975)])
