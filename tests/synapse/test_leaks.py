"""The leak battery: every route × kind of room × label × standing, asked of a real Synapse.

`make test` asks every route, and everybody, about the rooms of `sampled_kinds()` with a few labels; `make test-nightly`
about all kinds with all labels. What the rows are is data: `tests/leaks/`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.leaks.acting import unlisted
from tests.leaks.battery import Found, ask_all
from tests.leaks.disguises import ask_disguised
from tests.leaks.ground import Ground, make_ground
from tests.leaks.places import make_places, sliding_sync_is_ready
from tests.leaks.reading import NEVER_SHOWS, SHOWS, TELLS, VARIES, reading_routes
from tests.leaks.sample import ALWAYS, sampled_kinds
from tests.leaks.trying import try_acts
from tests.leaks.words import KINDS, LABELS, WITHDRAWN
from tests.support.routes import client_routes
from tests.support.server import ended

_SAMPLED_LABELS: dict[str, tuple[str, ...]] = {
    "open": ("green",),
    "closed": ("amber",),
    "strict": ("strict",),
    "named": ("red",),
}
_SAMPLED_LABELS |= {"service": ("strict",), "space": ()}


@pytest_asyncio.fixture(
    scope="module", params=["sample", pytest.param("all", marks=[pytest.mark.full, pytest.mark.nightly])]
)
async def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """A server of this file alone, with the rooms of some kinds or of all."""
    made = await make_ground(tmp_path_factory.mktemp("leaks") / "data")
    with ended(made.community.server):
        try:
            if request.param == "all":
                await make_places(made, KINDS)
                await sliding_sync_is_ready(made)
            else:
                await make_places(made, sampled_kinds(), _SAMPLED_LABELS)
            yield made
        finally:
            await made.close()


@pytest_asyncio.fixture(scope="module")
async def found(ground: Ground) -> Found:
    """What every route that reads told to everybody."""
    return await ask_all(ground, reading_routes())


def test_every_route_has_its_rows() -> None:
    reading = set(reading_routes())
    assert {route.servlet for route in reading} == set(SHOWS) | set(NEVER_SHOWS)
    assert not set(SHOWS) & set(NEVER_SHOWS)
    assert set(TELLS) <= set(SHOWS) | set(NEVER_SHOWS)
    assert unlisted([route for route in client_routes() if route not in reading]) == []


async def test_nobody_is_told_what_is_not_for_them(found: Found) -> None:
    assert {str(cell): told for cell, told in found.leaks.items() if told} == {}
    assert found.broken == []
    assert found.asked > 1000


async def test_the_same_requests_show_it_to_members(found: Found, ground: Ground) -> None:
    shown = {servlet: parts for servlet, parts in found.shown.items() if parts}
    usual = {servlet: parts for servlet, parts in SHOWS.items() if servlet not in VARIES}
    assert {servlet: set(parts) for servlet, parts in shown.items() if servlet not in VARIES} == usual
    for servlet in VARIES:
        assert "event" in shown[servlet] and shown[servlet] <= SHOWS[servlet], shown[servlet]
    assert not any(parts & WITHDRAWN for parts in shown.values()), "what was withdrawn is shown to nobody"
    assert found.answered >= set(TELLS)
    for place in ground.places.values():
        for label in place.events:
            for servlet in ("RoomMessageListRestServlet", "RoomEventServlet", "SyncRestServlet", "SearchRestServlet"):
                assert (servlet, place.kind, label) in found.labels


async def test_nobody_is_told_more_in_another_way_of_asking(found: Found, ground: Ground) -> None:
    assert found.asked
    told, shown = await ask_disguised(ground, KINDS if len(ground.places) == len(KINDS) else [ALWAYS])
    assert told == []
    assert shown, "members are shown it in some of these ways"


async def test_nobody_acts_where_they_are_not(found: Found, ground: Ground) -> None:
    """Last: those who may leave the rooms other than they were."""
    assert found.asked
    own_granted, own_refused = await try_acts(ground, next(iter(ground.places.values())), own=True)
    assert (own_granted, own_refused) == ([], [])
    for place in ground.places.values():
        granted, refused = await try_acts(ground, place, own=False)
        assert granted == [], "nobody does what is not theirs to do"
        assert refused == [], "the same request by who may is accepted"


def test_every_kind_and_label_of_the_design_is_asked() -> None:
    assert set(LABELS) == set(_SAMPLED_LABELS) == {"open", "closed", "strict", "named", "service", "space"}
    assert all("missing" in labels for kind, labels in LABELS.items() if kind != "space")
