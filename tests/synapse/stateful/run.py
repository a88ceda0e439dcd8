"""Runs the machine: how many acts, from which seed, on which server."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from hypothesis.strategies import SearchStrategy

from tests.synapse.stateful.arena import Arena, Homeserver
from tests.synapse.stateful.client import Difference
from tests.synapse.stateful.machine import machine
from tests.synapse.stateful.steps import STEPS, Step

#: Steps in one example, its opening aside; a step that finds nothing to act on counts for nothing.
STEPS_EACH = 60
_ACTS_EACH = 60
_SETTINGS = settings(
    stateful_step_count=STEPS_EACH,
    deadline=None,
    database=None,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def run(
    server: Homeserver,
    number: int,
    acts: int,
    *,
    shrinks: bool = True,
    arena: Arena | None = None,
    steps: SearchStrategy[Step] = STEPS,
) -> Arena:
    """Lets members do at least so many acts, seed after seed from `number` on.

    Raises:
        Difference: where server and model differ, with the shortest script that was found and its seed.
    """
    loop = asyncio.new_event_loop()
    arena = arena or Arena(server)
    phases = [Phase.generate, Phase.shrink] if shrinks else [Phase.generate]
    try:
        loop.run_until_complete(arena.open())
        while arena.acts < acts:
            # The first example of each run is nothing but rests.
            once = settings(_SETTINGS, max_examples=1 + -(-(acts - arena.acts) // _ACTS_EACH), phases=phases)
            try:
                run_state_machine_as_test(seed(number)(machine(arena, loop, steps, is_once=not shrinks)), settings=once)
            except Exception as error:
                # Where a script cannot be done again, Hypothesis says so; what was found at first says more.
                found = error if isinstance(error, Difference) else arena.first or error
                found.add_note(f"BELISHA_SEED={number} finds it again; it was found at act {arena.found_at}.")
                if found is error:
                    raise
                raise found from error
            number += 1
        return arena
    finally:
        loop.run_until_complete(arena.close())
        loop.close()
