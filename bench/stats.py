"""Intervals for figures that were measured in pairs on a machine with neighbours."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import NamedTuple


class Interval(NamedTuple):
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap(
    values: Sequence[float], estimate: Callable[[Sequence[float]], float], *, samples: int = 2000, seed: int = 3
) -> Interval:
    """`estimate` of the values, with its 95 % percentile interval by resampling (Efron and Tibshirani, chapter 13)."""
    draw = random.Random(seed)
    resampled = sorted(estimate(draw.choices(values, k=len(values))) for _ in range(samples))
    return Interval(estimate(values), resampled[int(samples * 0.025)], resampled[int(samples * 0.975)])


def trimmed_mean(values: Sequence[float]) -> float:
    """The mean without the lowest and the highest tenth: a stall of the machine in one block is not our matter."""
    cut = len(values) // 10
    return fmean(sorted(values)[cut : len(values) - cut])


def trimmed_geometric_mean(ratios: Sequence[float]) -> float:
    """The same for ratios: twice and half are as far from one."""
    return math.exp(trimmed_mean([math.log(ratio) for ratio in ratios]))
