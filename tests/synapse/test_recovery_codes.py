"""Recovery codes for the day without the phone, and who is told who has no second factor, with a real Synapse (M2)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from belisha.policy.factor import MOST_WRONG, SPARE_CODES, is_spare
from tests.support.community import Community, assert_refused
from tests.support.patience import until
from tests.support.portal import ask_as_portal
from tests.support.server import PASSWORD
from tests.synapse.test_acts import asks, newcomer
from tests.synapse.test_groups import own_room
from tests.synapse.test_second_factor import App, again, community, enrolled, held, login

pytestmark = pytest.mark.more

__all__ = ["community"]
Json = dict[str, Any]


async def test_a_recovery_code_opens_an_account_once(community: Community) -> None:
    """In the place of the digits, behind the right password alone; wrong ones are counted; a new factor ends them."""
    server = community.server
    name, app = await enrolled(community)
    user_id = f"@{name}:{server.name}"

    async def makes(typed: str) -> tuple[int, Json]:
        return await ask_as_portal(community, {"user_id": user_id, "password": typed}, name="spare_codes")

    for typed in (PASSWORD, PASSWORD + app.wrong(), "another password" + await app.code()):
        assert_refused(*await makes(typed), "WRONG_PASSWORD", rule="M2")
    app = App(app.secret)
    again(community, name)
    status, answer = await makes(PASSWORD + await app.code())
    codes = answer["codes"]
    assert status == 200 and len(set(codes)) == SPARE_CODES and all(map(is_spare, codes)), answer
    found = held(community)
    assert not any(code in found for code in codes) and found.count(name) > SPARE_CODES
    other, _ = await enrolled(community)
    refused = await login(server, name, PASSWORD)
    for whose, typed in (
        (name, "another password" + codes[0]),
        (name, PASSWORD + codes[0].replace("-", "")),
        (name, codes[0]),
        (other, PASSWORD + codes[0]),
    ):
        assert await login(server, whose, typed) == refused, "one answer, to the letter"
    opened = [asyncio.create_task(login(server, name, PASSWORD + codes[0].lower())) for _ in range(4)]
    assert sorted([(await one)[0] for one in opened]) == [200, 403, 403, 403], "once, at the same moment too"
    told = "SELECT json FROM event_json WHERE json LIKE '%one of your recovery codes opened%' AND json LIKE ?"
    room = await own_room(community, name)
    assert await until(lambda: _any(community, told, f"%{room}%"))

    status, answer = await makes(PASSWORD + codes[1])
    assert status == 200, "who has one code left makes new ones by it"
    assert await login(server, name, PASSWORD + codes[2]) == refused, "former ones hold no more"
    codes = answer["codes"]
    community.server.change("UPDATE belisha_factor SET wrong = ?, wrong_since = ? WHERE localpart = ?",
                            MOST_WRONG - 1, int(time.time()), name)  # fmt: skip
    assert await login(server, name, PASSWORD + "AAAA-BBBB-CCCC") == refused
    assert await login(server, name, PASSWORD + codes[0]) == refused, "too many wrong ones, of whichever sort"
    community.server.change("UPDATE belisha_factor SET wrong = 0 WHERE localpart = ?", name)
    new = App()
    again(community, name)
    body = {"user_id": user_id, "password": PASSWORD + codes[1], "secret": new.secret, "digits": await new.code()}
    assert (await ask_as_portal(community, body, name="factor"))[0] == 200, "the phone is gone, and here is another"
    assert await login(server, name, PASSWORD + codes[3]) == refused, "and the codes ended with the former one"


async def _any(community: Community, statement: str, *values: object) -> bool:
    return bool(community.server.query(statement, *values))


async def test_who_has_none_is_told_to_their_lead_and_managers(community: Community) -> None:
    """Whose account a password alone may open is told to nobody else."""
    name, _ = await enrolled(community)
    bare, elsewhere = await newcomer(community), await newcomer(community, "coastguard")
    words = "!members without-factor"

    async def lists(by: str) -> tuple[int, Json]:
        return await asks(community, by, await own_room(community, by), words, "members_unfactored", {})

    for by, sees_all in (("ben", False), ("mona", True)):
        status, answer = await lists(by)
        found = {one["member"] for one in answer["members"]}
        assert status == 200 and f"@{bare}" in found and f"@{name}" not in found
        assert (f"@{elsewhere}" in found) == sees_all
    for by in ("ana", "cora"):
        assert_refused(*await lists(by), "NOT_YOURS")
