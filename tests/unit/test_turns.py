"""Turns: so many at once, one of each person's, and nobody waits behind all that somebody else has asked for."""

from __future__ import annotations

from twisted.internet.defer import Deferred, ensureDeferred

from synapse_modules.turns import Turns


class Work:
    """What asks for turns, and ends when it is told to."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.running: list[str] = []
        self._ends: dict[str, Deferred[None]] = {}

    def begin(self, name: str) -> Deferred[None]:
        """Asks for a turn of the person that the name begins with."""
        return ensureDeferred(self._do(name))

    async def _do(self, name: str) -> None:
        self._ends[name] = Deferred()
        async with self.turns.of(name[0]):
            self.running.append(name)
            try:
                await self._ends[name]
            finally:
                self.running.remove(name)

    def end(self, name: str, *, fails: bool = False) -> None:
        """Ends what runs."""
        if fails:
            self._ends[name].errback(RuntimeError())
        else:
            self._ends[name].callback(None)


def test_each_person_has_one_turn_and_waits_behind_who_waited_longer() -> None:
    work = Work(Turns(2))
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        work.begin(name)
    assert work.running == ["a1", "b1"]
    work.end("a1")  # a asked before c did
    assert work.running == ["b1", "a2"]
    work.end("a2")
    assert work.running == ["b1", "c1"]
    work.end("b1")  # b has had one turn, and a two
    assert work.running == ["c1", "b2"]
    work.end("c1")
    assert work.running == ["b2", "a3"]


def test_a_second_of_the_same_person_waits_beside_a_free_turn() -> None:
    work = Work(Turns(2))
    work.begin("a1")
    work.begin("a2")
    assert work.running == ["a1"]
    work.begin("b1")
    assert work.running == ["a1", "b1"]
    work.end("a1")
    assert work.running == ["b1", "a2"]


def test_a_failure_gives_its_turn_back() -> None:
    work = Work(Turns(1))
    failing = work.begin("a1")
    failing.addErrback(lambda failure: failure.trap(RuntimeError) and None)
    work.begin("b1")
    work.end("a1", fails=True)
    assert work.running == ["b1"]
    work.end("b1")
    work.begin("a3")
    assert work.running == ["a3"]
