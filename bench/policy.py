"""How long one policy decision takes, beside pycasbin and cedarpy on the same decisions in the same run.

Where in doubt, the peers have it easier: their requests, with the label already resolved from its sources, are made
before the clock starts, their policies and entities are parsed once, and the quickest way found of each interface
counts. Belisha's clock holds everything: resolving the label (L2), the verdict, and the sentence of its reason. What
the peers take with their requests made inside the clock is reported beside, without a bar.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from statistics import median
from typing import Final

from belisha.policy.decide import decide
from bench.policy_inputs import distinct_inputs
from bench.policy_peers import Casbin, Cedar, casbin_request, cedar_request
from bench.report import Bar, BenchFailed, Result, say

_BATCH: Final = 50
_FEW: Final = 5  # of a batch, where each takes long
_BARS: Final = {"decide_us": Bar(most=3.0), "faster_than_best_peer": Bar(least=10.0)}


def run(*, quick: bool) -> Result:
    """Checks that the three agree on every input, then times them in turn on the same batches."""
    inputs = distinct_inputs(10_000 if quick else 20_000)
    casbin, cedar = Casbin(), Cedar()
    for_casbin = [casbin_request(item) for item in inputs]
    for_cedar = [cedar_request(item) for item in inputs]

    say(f"checking that decide, pycasbin and cedarpy agree on {len(inputs)} distinct inputs …")
    verdicts = [decide(room, kind, claims, calls=calls).allowed for room, kind, claims, calls in inputs]
    by_casbin = [casbin.allows(*request) for request in for_casbin]
    by_cedar = cedar.allows_each(for_cedar)
    for item, *answers in zip(inputs, verdicts, by_casbin, by_cedar, strict=True):
        if len(set(answers)) != 1:
            raise BenchFailed(f"decide, pycasbin and cedarpy say {answers} to {item}")
    allowed = sum(verdicts) / len(verdicts)

    ways: dict[str, Callable[[slice], object]] = {
        "decide": lambda part: [decide(room, kind, claims, calls=calls) for room, kind, claims, calls in inputs[part]],
        "casbin": lambda part: [casbin.allows(*request) for request in for_casbin[part]],
        "cedar_single": lambda part: [cedar.allows(*request) for request in for_cedar[part]],
        "cedar_batch": lambda part: cedar.allows_each(for_cedar[part]),
        "casbin_with_request": lambda part: [casbin.allows(*casbin_request(item)) for item in inputs[part]],
        "cedar_with_request": lambda part: cedar.allows_each([cedar_request(item) for item in inputs[part]]),
        "cedar_from_text": lambda part: [cedar.allows_from_text(*request) for request in for_cedar[part]],
    }
    say("timing them in turn, batch by batch …")
    times = _timed(ways, len(inputs), rounds=1 if quick else 3)
    cedar_us = min(times["cedar_single"], times["cedar_batch"])
    best = min(times["casbin"], cedar_us)
    return Result(
        bench="policy",
        figures={
            "decide_us": times["decide"],
            "casbin_us": times["casbin"],
            "cedar_us": cedar_us,
            "cedar_single_us": times["cedar_single"],
            "cedar_batch_us": times["cedar_batch"],
            "cedar_from_text_us": times["cedar_from_text"],
            "casbin_with_request_us": times["casbin_with_request"],
            "cedar_with_request_us": times["cedar_with_request"],
            "inputs": len(inputs),
            "allowed_share": allowed,
        },
        ratios={"faster_than_best_peer": best / times["decide"]},
        bars=_BARS,
        meaning=f"One decision with its reason takes {times['decide']:.2f} µs (median of {len(inputs):,} distinct "
        "inputs, on which all three agree); the quicker of pycasbin and cedarpy takes "
        f"{best / times['decide']:.1f} times as long.",
    )


def _timed(ways: dict[str, Callable[[slice], object]], count: int, *, rounds: int) -> dict[str, float]:
    """The median time of a decision in µs, by way; on each batch every way has its turn, in an order that is drawn."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    order, shuffle = list(ways), random.Random(2).shuffle
    for start in list(range(0, count, _BATCH)) * rounds:
        shuffle(order)
        for name in order:
            size = _FEW if name == "cedar_from_text" else _BATCH
            part = slice(start, start + size)
            before = time.perf_counter_ns()
            ways[name](part)
            times[name].append((time.perf_counter_ns() - before) / size / 1000)
    return {name: median(values) for name, values in times.items()}
