"""A copy of a member's data, the process killed at each step: in the end it is whole, and nothing is in it twice."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.support.community import Community
from tests.support.patience import until
from tests.support.sampling import sampled
from tests.support.settled import own_community
from tests.synapse.samples import text
from tests.synapse.test_acts import newcomer
from tests.synapse.test_groups import own_room
from tests.synapse.test_mydata import became, begun, bots_give, rows, sends, taken

pytestmark = pytest.mark.full


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community whose server dies when it is told to."""
    async with own_community(tmp_path_factory.mktemp("dying") / "data", "tests.synapse.dying.Dying") as here:
        yield here


@pytest.mark.parametrize(
    "place",
    sampled(
        ("before belisha_export_page", "after belisha_export_page", "after belisha_export_ready"),
        ("after belisha_export_page",),
    ),
)
async def test_it_is_gone_on_with(community: Community, place: str) -> None:
    name = await newcomer(community)
    own = await own_room(community, name)
    for number in range(5):
        await sends(community, name, own, text(f"message {number}"))
    die = community.server.data / "die"
    die.write_text(place)
    with contextlib.suppress(aiohttp.ClientError):  # it may die before it has answered
        await begun(community, name)

    async def has_died() -> bool:
        return not die.exists()

    await until(has_died)
    community.server.kill()
    await community.server.start()
    (export,) = (one["id"] for one in community.server.query("SELECT id FROM belisha_export WHERE localpart = ?", name))
    assert (await bots_give(community, name, export, rules=[{"version": "1"}]))[0] == 200
    await became(community, name, export, "ready")
    files = await taken(community, name, export)
    messages = [one["event_id"] for one in rows(files, "messages")]
    assert len(messages) == len(set(messages)) and len(messages) >= 5
    assert len(rows(files, "registry")) == 1 and rows(files, "rules") == [{"version": "1"}]
