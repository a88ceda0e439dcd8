"""Registration tokens that leads make by a command (M2, P3): for their organisation alone, told once, kept nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, unique
from tests.support.server import ended
from tests.support.settled import make_community
from tests.synapse.test_acts import asks, hand_over, newcomer, stored, typed
from tests.synapse.test_groups import own_room
from tests.synapse.test_registration import member, register

pytestmark = pytest.mark.more

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its leads lose their rights."""
    here = await make_community(tmp_path_factory.mktemp("tokens") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def makes(community: Community, by: str, words: str = "", **arguments: Any) -> tuple[int, Json]:
    room = await own_room(community, by)
    return await asks(community, by, room, f"!invite {words}".strip(), "invitation_make", arguments)


async def lists(community: Community, by: str) -> dict[str, Json]:
    room = await own_room(community, by)
    status, answer = await asks(community, by, room, "!invite list", "invitation_list", {})
    assert status == 200, answer
    return {one["id"]: one for one in answer["invitations"]}


async def revokes(community: Community, by: str, invitation: str) -> tuple[int, Json]:
    room = await own_room(community, by)
    return await asks(
        community, by, room, f"!invite revoke {invitation}", "invitation_revoke", {"id": invitation}
    )  # fmt: skip


async def opens(community: Community, token: str) -> bool:
    """Whether somebody can register with it."""
    status, body = await register(community.server, token, unique("olga"))
    assert status in (200, 401), body
    return status == 200


async def test_a_lead_invites_into_their_own_organisation(community: Community) -> None:
    status, answer = await makes(community, "ben", "--uses 2 --expires 1d", uses=2, expires=86_400)
    assert status == 200 and answer["organisation"] == "Harbour" and answer["uses"] == 2, answer
    name = unique("olga")
    assert (await register(community.server, answer["token"], name))[0] == 200
    known = await member(community, name)
    assert known is not None and (known["organisation"], known["roles"]) == ("harbour", ["member"])
    for table in community.server.tables():
        if table.startswith("belisha_"):
            rows = community.server.query(f"SELECT * FROM {table}")  # noqa: S608 - names of tables
            assert answer["token"] not in str(rows), "it is kept nowhere"
    one = (await lists(community, "ben"))[answer["id"]]
    assert (one["left"], one["made_by"], one["holds"]) == (1, "ben", True) and answer["token"] not in str(one)


async def test_who_invites_whom(community: Community) -> None:
    for by in ("ana", "cora", "emil"):
        assert_refused(*await makes(community, by), "NOT_YOURS", rule="M2")
    other = {"organisation": "university"}
    assert_refused(*await makes(community, "ben", "--organisation university", **other), "NOT_YOURS", rule="M2")
    status, answer = await makes(community, "mona", "--organisation university", **other)
    assert status == 200 and answer["organisation"] == "University"
    none = {"organisation": "nowhere"}
    assert_refused(*await makes(community, "mona", "--organisation nowhere", **none), "NO_INVITATION", rule="M2")
    group = community.rooms["open"]
    assert_refused(*await asks(community, "ben", group, "!invite", "invitation_make", {}), "NOT_HERE", rule="P3")
    assert_refused(*await makes(community, "ben", "--name Steward --uses 1", name="Steward", uses=1), "NO_INVITATION")
    count = stored(community, "SELECT COUNT(*) FROM belisha_invitation WHERE made_by = 'cora'")
    assert count == [(0,)]


async def test_a_token_is_revoked_by_those_who_could_have_made_it(community: Community) -> None:
    _, made = await makes(community, "mona", "--organisation university", organisation="university")
    assert_refused(*await revokes(community, "ben", made["id"]), "NO_INVITATION", rule="M2")
    assert_refused(*await revokes(community, "ben", "00000000"), "NO_INVITATION", rule="M2")
    assert (await revokes(community, "mona", made["id"]))[0] == 200
    assert not await opens(community, made["token"])
    _, made = await makes(community, "ben")
    assert (await revokes(community, "ben", made["id"]))[0] == 200
    assert not await opens(community, made["token"]) and made["id"] not in await lists(community, "ben")


@pytest.mark.parametrize("way", ["frozen", "removed", "no lead", "another organisation"])
async def test_a_token_holds_no_longer_than_its_maker_may_invite(community: Community, way: str) -> None:
    lead = await newcomer(community, "harbour", "lead")
    _, made = await makes(community, lead, "--uses 9", uses=9)
    assert await opens(community, made["token"])
    if way in ("frozen", "removed"):
        await community.server.local("PUT", f"standing/members/{lead}", {"standing": way})
    else:
        organisation, roles = ("harbour", ["member"]) if way == "no lead" else ("university", ["lead"])
        body = {"name": lead.title(), "organisation": organisation, "roles": roles}
        assert (await community.server.local("PUT", f"members/{lead}", body))[0] == 200
    status, answer = await register(community.server, made["token"], unique("olga"))
    assert status == 401 and "may not invite any more" in answer["error"], answer
    assert not (await lists(community, "ben"))[made["id"]]["holds"]
    if way == "frozen":
        await community.server.local("PUT", f"standing/members/{lead}", {"standing": "active"})
        assert await opens(community, made["token"])


async def test_an_answer_that_was_lost_is_given_again_with_another_token(community: Community) -> None:
    room = await own_room(community, "ben")
    call = (community, room, await typed(community, "ben", room, "!invite"), "invitation_make", {})
    first, second = (await hand_over(*call))[1], (await hand_over(*call))[1]
    assert first["id"] == second["id"] and first["token"] != second["token"], "one invitation"
    assert not await opens(community, first["token"]), "nobody has seen it"
    assert await opens(community, second["token"])
    assert "token" not in (await hand_over(*call))[1], "it was used"

    call = (community, room, await typed(community, "ben", room, "!invite"), "invitation_make", {})
    made = (await hand_over(*call))[1]
    community.server.change("UPDATE belisha_act SET at = at - 601 WHERE event_id = ?", call[2])
    assert "token" not in (await hand_over(*call))[1], "a command counts for ten minutes"
    assert await opens(community, made["token"])
