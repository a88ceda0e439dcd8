"""A line of the journal is replayed once that can be decided, and what is refused is said at once (E1, X1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from synapse.api.errors import SynapseError

from belisha.revocations import Revocation, What
from synapse_modules.journal import Journal
from synapse_modules.refusal import undecided

LINE = Revocation(What.FILE, ("abc",))
REFUSED = SynapseError(403, "no", "ORG.BELISHA.SOURCE_ONLY")


def journal(answers: Iterator[bool | BaseException]) -> tuple[Journal, list[float]]:
    """One whose files answer so, one after the other; and how long it waited between them."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def withdraw(_: str) -> bool:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    made = Journal.__new__(Journal)
    made._api, made._rows = SimpleNamespace(sleep=sleep), SimpleNamespace(withdraw=withdraw)
    return made, waited


@pytest.mark.parametrize(
    "failing",
    [[], [undecided()], [RuntimeError("database is locked"), asyncio.CancelledError(), undecided()]],
    ids=["none", "once", "thrice"],
)
async def test_what_fails_for_a_moment_is_tried_again(failing: list[BaseException]) -> None:
    made, waited = journal(iter([*failing, True]))
    assert await made.replay(LINE) is True
    assert len(waited) == len(failing)


@pytest.mark.parametrize("error", [RuntimeError("gone"), undecided()])
async def test_what_goes_on_failing_is_told(error: BaseException) -> None:
    made, waited = journal(iter([error] * 4))
    with pytest.raises(type(error)):
        await made.replay(LINE)
    assert len(waited) == 3 and sum(waited) < 60, "the command line waits for a minute"


async def test_what_is_refused_is_told_at_once() -> None:
    made, waited = journal(iter([REFUSED]))
    with pytest.raises(SynapseError) as found:
        await made.replay(LINE)
    assert (found.value, waited) == (REFUSED, [])
