"""The state machine: Hypothesis chooses the steps, one server answers them, and a shorter script is looked for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, rule
from hypothesis.strategies import SearchStrategy

from tests.synapse.stateful.actions import Actor
from tests.synapse.stateful.arena import Arena
from tests.synapse.stateful.steps import OPENING, Rest, Step


def machine(
    arena: Arena, loop: asyncio.AbstractEventLoop, steps: SearchStrategy[Step], *, is_once: bool
) -> type[RuleBasedStateMachine]:
    """The machine that acts in an arena; every example has rooms of its own there.

    `is_once` where what is found is not to be found again, nor by a shorter script.
    """

    class Members(RuleBasedStateMachine):
        """Members do random things."""

        def __init__(self) -> None:
            super().__init__()
            self._actor: Actor | None = None
            self._has_begun = False

        @rule(step=steps)
        def act(self, step: Step) -> None:
            """One act; before the first of them, a room of each kind, with people in it."""
            if isinstance(step, Rest) or (is_once and arena.first is not None):
                return
            if not self._has_begun:
                self._has_begun = True
                _run(arena.begin())
                self._actor = Actor(arena)
                for first in OPENING:
                    _run(self._actor.do(first))
            assert self._actor is not None
            _run(self._actor.do(step))

        def teardown(self) -> None:
            """Everybody looks once more, where nothing was found."""
            if self._has_begun and arena.found is None:
                _run(arena.everybody())

    def _run(work: Coroutine[Any, Any, None]) -> None:
        try:
            loop.run_until_complete(work)
        except Exception as error:
            arena.found, arena.first = error, arena.first or error
            arena.found_at = arena.found_at or arena.acts
            raise

    return Members
