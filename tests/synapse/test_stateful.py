"""Members do random things against a real Synapse, and what each of them sees is what the design gives (all rules)."""

from __future__ import annotations

import ast
import os
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import pytest
import pytest_asyncio

from tests.support.community import FAST, Community
from tests.support.sampling import sampled
from tests.support.server import ROOT, Server, ended
from tests.synapse.mutants import SWITCH
from tests.synapse.stateful.arena import Arena
from tests.synapse.stateful.client import Difference
from tests.synapse.stateful.planted import MISTAKES
from tests.synapse.stateful.run import run
from tests.synapse.stateful.steps import EVERYTHING, MEETINGS, STEPS

_USUAL, _ACTS, _MEETINGS, _SOAK = 200, 300, 100, 20_000
_SEED: Final = 2
#: The seeds that find a mistake within as many acts as `make test` has, where that is not the one above.
_SEEDS: Final = {"LaxerEdits": 5, "StateByAnybody": 5}
_OF_MEETINGS: Final = ("OpensAfterOne", "AsksOneAlone")


@pytest.mark.full
def test_members_do_random_things(community: Community) -> None:
    """`BELISHA_SEED` replays a run; `make soak` goes on for longer, from a new seed each time."""
    is_soak = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
    number = int(os.environ.get("BELISHA_SEED", int.from_bytes(os.urandom(4)) if is_soak else _SEED))
    print(f"BELISHA_SEED={number}")  # noqa: T201 - shown where it fails
    # A long run has introductions among all the rest; elsewhere they have a run of their own, and so come often enough.
    arena = run(community.server, number, _SOAK if is_soak else _USUAL, steps=EVERYTHING if is_soak else STEPS)
    assert arena.acts >= _USUAL and arena.refused > _USUAL // 10 and arena.looks >= _USUAL // 25


@pytest.mark.full
@pytest.mark.nightly
def test_members_are_introduced(community: Community) -> None:
    """A room opens once both have agreed, for both alone, whatever else happens meanwhile; nobody else is asked."""
    arena = run(community.server, int(os.environ.get("BELISHA_SEED", _SEED)), _MEETINGS, steps=MEETINGS, shrinks=False)
    assert arena.acts >= _MEETINGS and arena.opened >= _MEETINGS // 20 and arena.refused > _MEETINGS // 10


@pytest_asyncio.fixture(scope="module")
async def mistaken(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server in which one mistake at a time can be made."""
    module = "tests.synapse.stateful.planted.Mistaken"
    server = Server(tmp_path_factory.mktemp("planted") / "data", overrides=FAST, module=module)
    with ended(server):
        await server.start()
        yield server


@pytest_asyncio.fixture
async def planted(request: pytest.FixtureRequest, mistaken: Server) -> AsyncIterator[tuple[Server, str]]:
    """That server with the mistake that is asked for, and its name."""
    switch = f"{mistaken.url}{SWITCH}/without"
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        await http.put(f"{switch}/{request.param}")
        yield mistaken, request.param
        await http.put(switch)


@pytest.mark.full
@pytest.mark.parametrize(
    "planted",
    sampled(MISTAKES, ()),
    indirect=True,
)
def test_the_model_finds_what_is_planted(planted: tuple[Server, str]) -> None:
    server, mistake = planted
    arena = Arena(server, in_time=10.0)  # what lasts is seen soon enough
    with pytest.raises(Difference) as found:
        steps = MEETINGS if mistake in _OF_MEETINGS else STEPS
        run(server, _SEEDS.get(mistake, _SEED), _ACTS, shrinks=False, arena=arena, steps=steps)
    assert found.value.rule in MISTAKES[mistake].rules.split()
    assert arena.found_at <= _ACTS


def test_the_model_knows_nothing_of_the_product() -> None:
    """It is written from the design alone: it and what it is held by import nothing of the product."""
    folder = ROOT / "tests" / "synapse" / "stateful"
    for name in ("model", "meetings", "steps", "client", "arena", "actions", "introducing", "machine", "run"):
        allowed = {"tests"} if name != "model" else set()
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text())):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                top = module.partition(".")[0]
                assert top not in {"belisha", "synapse_modules", "bots", "synapse"}, (name, module)
                assert top != "tests" or ("tests" in allowed and module.startswith("tests.synapse.stateful.")), module
