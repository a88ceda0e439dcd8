"""Each rule taken out once, by a test's subclass of the module or a setting: the cells that it names turn red.

The same cells are green with the rule in force, and what is refused there is granted to who may, in the same test.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.leaks.abuses import ABUSES, is_granted
from tests.leaks.acting import ROOM_ACTS
from tests.leaks.battery import Cell, ask_all, ask_cell
from tests.leaks.ground import Ground, make_ground
from tests.leaks.mutations import AT_START, MUTATIONS, SETTINGS, Mutation
from tests.leaks.places import make_places, sliding_sync_is_ready
from tests.leaks.reading import SHOWS, TELLS, reading_routes
from tests.leaks.seen import SEEN
from tests.leaks.trying import try_cell
from tests.support.routes import admin_routes, client_routes
from tests.support.server import ended
from tests.synapse.mutants import SWITCH, SWITCHES

pytestmark = pytest.mark.full

_KINDS = ("closed", "open", "strict", "named", "space")
_LABELS: dict[str, tuple[str, ...]] = dict.fromkeys(_KINDS, ("missing",)) | {"space": ()}
#: Synapse answers a feed that it was asked for a moment ago as it did then, whatever is taken out meanwhile.
_NO_REPETITIONS = "caches: {sync_response_cache_duration: 0s}"
_RUNNING = tuple(mutation for mutation in MUTATIONS if mutation.without not in AT_START)


@pytest_asyncio.fixture(scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """One server whose rules can be taken out one at a time."""
    made = await make_ground(
        tmp_path_factory.mktemp("mutants") / "data", "tests.synapse.mutants.Mutable", _NO_REPETITIONS
    )
    with ended(made.community.server):
        await make_places(made, _KINDS, _LABELS)
        try:
            yield made
        finally:
            await made.close()


async def _without(ground: Ground, name: str) -> None:
    status, answer = await ground.ask("ana", "PUT", f"{SWITCH}/without/{name}" if name else f"{SWITCH}/without")
    assert status == 200, answer


async def _is_red(ground: Ground, cell: str) -> bool:
    """Whether a cell is not refused: something is told or granted there that may not be."""
    if cell in SEEN:
        return await SEEN[cell](ground)
    if cell in ABUSES:
        granted, answer = await is_granted(ground, ABUSES[cell])
        code = ABUSES[cell].errcode
        assert granted or code is None or json.loads(answer[4:])["errcode"] == f"ORG.BELISHA.{code}", answer
        return granted
    request, kind, standing = cell.split(" · ")
    asked = Cell(*request.split(), kind, standing)
    acts = [act for act in ROOM_ACTS if (act.servlet, act.method) == (asked.servlet, asked.method)]
    if acts:
        return await try_cell(ground, acts[0], ground.places[kind], standing) < 400
    if asked.servlet in SHOWS or asked.servlet in TELLS:
        return bool(await ask_cell(ground, asked, reading_routes()))
    return await _answers(ground, asked)


async def _answers(ground: Ground, cell: Cell) -> bool:
    """Whether a route that speaks of the community answers at all."""
    found = await ask_all(ground, [route for route in reading_routes() if route.servlet == cell.servlet], [cell.kind])
    assert cell.servlet in found.answered, "the same request by a member is answered"
    return cell in found.answered_others


async def _is_granted_to_who_may(ground: Ground, cell: str) -> None:
    if cell in ABUSES:
        one = await ABUSES[cell].granted(ground)
        status, answer = await ground.ask(*one)
        assert status < 400, (one, status, answer)


@pytest.mark.parametrize("mutation", _RUNNING, ids=lambda one: f"{one.rule} {one.without}")
async def test_without_the_rule_its_cells_turn_red(ground: Ground, mutation: Mutation) -> None:
    if mutation.without in ("sliding feeds", "receipts", "typing"):
        await sliding_sync_is_ready(ground)
    await _without(ground, "fault" if mutation.rule == "X1" else "")
    green = [cell for cell in mutation.cells if not await _is_red(ground, cell)]
    assert green == list(mutation.cells), "with the rule in force they are refused"
    await _without(ground, "")
    for cell in mutation.cells:
        await _is_granted_to_who_may(ground, cell)
    await _without(ground, mutation.without)
    try:
        red = [cell for cell in mutation.cells if await _is_red(ground, cell)]
    finally:
        await _without(ground, "")
        for cell in mutation.cells:
            await _is_granted_to_who_may(ground, cell)  # the room is again what it was
    assert red == list(mutation.cells), "without the rule they are not"


async def test_without_what_is_settled_at_the_start_its_cells_turn_red(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """One start for all of them, since none of them answers at an address of another."""
    changed = "\n".join(SETTINGS.values())
    data = tmp_path_factory.mktemp("doors") / "data"
    made = await make_ground(data, "tests.synapse.mutants.WithoutDoors", changed)
    with ended(made.community.server):
        try:
            await make_places(made, ("closed", "named"), _LABELS)
            for mutation in MUTATIONS:
                for cell in mutation.cells if mutation.without in AT_START else ():
                    assert await _is_red(made, cell), cell
        finally:
            await made.close()


async def test_with_what_is_settled_at_the_start_its_cells_are_green(ground: Ground) -> None:
    for mutation in MUTATIONS:
        for cell in mutation.cells if mutation.without in AT_START else ():
            assert not await _is_red(ground, cell), cell
            await _is_granted_to_who_may(ground, cell)


async def test_every_servlet_of_the_running_synapse_is_asked(ground: Ground) -> None:
    body = await ground.do("ana", "GET", f"{SWITCH}/routes")
    asked = {(route.method, route.servlet) for route in (*client_routes(), *admin_routes())}
    registered = {(method, servlet) for method, _pattern, servlet in body["routes"]}
    assert len(registered) > 150
    assert registered - asked == set()


def test_every_rule_that_can_be_taken_out_is_taken_out_once() -> None:
    named = {mutation.without for mutation in MUTATIONS}
    assert named == (set(SWITCHES) - {"fault"}) | AT_START
