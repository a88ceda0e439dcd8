"""A lost password with a real Synapse: who makes a code for whom, what it opens, once, and who is told (M2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import nio
import pytest
import pytest_asyncio

from belisha.acts.recovery import RECOVERY_KEY
from tests.support.community import Community, assert_refused, assert_sentence, unique
from tests.support.ledger import known_everywhere
from tests.support.patience import until
from tests.support.portal import ask_as_portal
from tests.support.server import PASSWORD, ended, request
from tests.support.settled import make_community
from tests.synapse.test_acts import asks, freezes, hand_over, newcomer, stored, typed
from tests.synapse.test_audit import chained
from tests.synapse.test_groups import own_room
from tests.synapse.test_reports import stewards_room
from tests.synapse.test_room_freezing import V3

pytestmark = pytest.mark.more

Json = dict[str, Any]
NEW = "a lighthouse keeper's new password"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: passwords change in it."""
    here = await make_community(tmp_path_factory.mktemp("recovery") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def makes(community: Community, by: str, whom: str) -> tuple[int, Json]:
    room = await own_room(community, by)
    return await asks(community, by, room, f"!recover @{whom}", "member_recover", {"member": f"@{whom}"})


async def code_for(community: Community, whom: str, by: str = "ben") -> str:
    status, answer = await makes(community, by, whom)
    assert status == 200, answer
    return str(answer["code"])


async def redeems(community: Community, account: str, code: str, password: str = NEW) -> tuple[int, Json]:
    return await ask_as_portal(community, {"account": account, "code": code, "password": password}, name="recover")


async def signs_in(community: Community, name: str, password: str) -> bool:
    client = community.server.client(name)
    try:
        return isinstance(await client.login(password), nio.LoginResponse)
    finally:
        await client.close()


async def told(community: Community, reader: str, room: str, whom: str) -> list[str]:
    """What the module has said of somebody's account in a room."""
    _, page = await request(community[reader], "GET", f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=100")
    events = [one for one in page["chunk"] if RECOVERY_KEY in one["content"]]
    ids = {row[0] for row in stored(community, "SELECT id FROM belisha_recovery WHERE localpart = ?", whom)}
    return [one["content"]["body"] for one in events if one["content"][RECOVERY_KEY]["id"] in ids]


async def test_a_lead_gives_an_account_back_and_everybody_concerned_is_told(community: Community) -> None:
    name = await newcomer(community)
    own, stewards = await own_room(community, name), await stewards_room(community)
    old = community[name]
    code = await code_for(community, name)
    assert len(code.split("-")) == 4
    for table in community.server.tables():
        if table.startswith("belisha_"):
            rows = str(community.server.query(f"SELECT * FROM {table}"))  # noqa: S608 - names of tables
            assert code not in rows and code.replace("-", "") not in rows, "it is kept nowhere"
    # The member, where a session is left, and the stewards know before anything has happened.
    (warned,) = await told(community, name, own, name)
    assert "@ben has made a code with which a new password can be set for your account." in warned
    (noted,) = await told(community, "cora", stewards, name)
    assert f"@ben has made a code to give the account @{name} back" in noted and code not in warned + noted
    assert await signs_in(community, name, PASSWORD), "nothing has changed so far"

    spelled = code.lower().replace("-", " ")
    assert await redeems(community, name, spelled) == (200, {"recovered": True})
    assert (await request(old, "GET", f"{V3}/account/whoami"))[0] == 401, "its sessions have ended"
    assert not stored(community, "SELECT device_id FROM devices WHERE user_id = ? AND hidden = FALSE", old.user_id)
    assert not await signs_in(community, name, PASSWORD)
    assert await signs_in(community, name, NEW)
    community.people[name] = community.server.client(name)
    await community[name].login(NEW)
    assert any("your account got a new password, with the code that @ben made" in one for one in
               await told(community, name, own, name))  # fmt: skip
    assert any("has a new password" in one for one in await told(community, "mona", stewards, name))
    await chained(community)
    entries = [json.loads(row[0]) for row in stored(community, "SELECT entry FROM belisha_audit")]
    phases = [one["phase"] for one in entries if one.get("what") == "recover"]
    assert sorted(phases) == ["done", "done", "made", "made"], "by whom, and for whom"


async def test_whom_it_is_not_for(community: Community) -> None:
    other = await newcomer(community, "coastguard")
    for by, whom, code in (
        ("ana", "ben", "NOT_YOURS"),
        ("ben", other, "NOT_YOURS"),
        ("ben", "ben", "NOT_YOURSELF"),
        ("ben", "mona", "MODERATES"),
        ("cora", "ben", "MODERATES"),
        ("cora", "ana", "HAS_LEAD"),
        ("mona", "ana", "HAS_LEAD"),
        ("ben", "nobody", "NO_SUCH_MEMBER"),
        ("ben", "belisha_steward", "NO_SUCH_MEMBER"),
    ):
        assert_refused(*await makes(community, by, whom), code, rule="M2")
    assert (await makes(community, "cora", other))[0] == 200, "an organisation without a lead"
    assert (await makes(community, "mona", "ben"))[0] == 200, "a lead is a manager's"
    assert (await makes(community, "mona", "cora"))[0] == 200
    assert not stored(community, "SELECT 1 FROM belisha_recovery WHERE localpart IN ('ana', 'mona')")


async def test_a_code_is_of_one_account_once_for_an_hour_and_every_other_answer_is_the_same(
    community: Community,
) -> None:
    name, other = await newcomer(community), await newcomer(community)
    code, newer = await code_for(community, name), await code_for(community, other)
    wrong = [
        await redeems(community, other, code),
        await redeems(community, name, newer),
        await redeems(community, "nobody", code),
        await redeems(community, "belisha_steward", code),
        await redeems(community, f"@{name}:elsewhere.org", code),
        await redeems(community, name, "AAAA-AAAA-AAAA-AAAA"),
        await redeems(community, name, "no code at all"),
        await redeems(community, name, f"{code}\0"),
    ]
    replaced = code
    code = await code_for(community, name)
    wrong.append(await redeems(community, name, replaced))  # a newer one ends it
    assert await redeems(community, f"@{name}:{community.server.name}", code) == (200, {"recovered": True})
    wrong.append(await redeems(community, name, code, "another password, the second"))
    late = await code_for(community, other)
    community.server.change("UPDATE belisha_recovery SET expires = expires - 3601 WHERE localpart = ?", other)
    wrong.append(await redeems(community, other, late))
    for answer in wrong:
        assert_refused(*answer, "NO_CODE", rule="M2")
        assert answer == wrong[0], "to the letter"
    assert await signs_in(community, name, NEW) and await signs_in(community, other, PASSWORD)


async def test_a_bad_password_uses_nothing_up(community: Community) -> None:
    name = await newcomer(community)
    code = await code_for(community, name)
    short = [await redeems(community, name, given, "short") for given in (code, "AAAA-AAAA-AAAA-AAAA")]
    assert short[0] == short[1] and short[0][0] == 400, "and tells nothing of the code"
    assert_sentence(short[0][1]["error"])
    assert (await redeems(community, name, code))[0] == 200


@pytest.mark.full
async def test_of_many_at_once_one_password_is_set(community: Community) -> None:
    name = await newcomer(community)
    code = await code_for(community, name)
    given = [f"the new password number {n}" for n in range(6)]
    answers = await asyncio.gather(*(redeems(community, name, code, one) for one in given))
    assert sorted(status for status, _ in answers) == [200, 403, 403, 403, 403, 403], answers
    opens = [await signs_in(community, name, one) for one in given]
    assert opens == [status == 200 for status, _ in answers]


@pytest.mark.parametrize("way", ["frozen member", "frozen maker", "off-boarded", "frozen organisation"])
async def test_a_code_ends_with_the_right_to_it(community: Community, way: str) -> None:
    server, key = community.server, unique("guild")
    await server.organisation(key)
    lead, name = await newcomer(community, key, "member", "lead"), await newcomer(community, key)
    code = await code_for(community, name, lead)
    path, standing = {
        "frozen member": (f"members/{name}", "frozen"),
        "frozen maker": (f"members/{lead}", "frozen"),
        "off-boarded": (f"members/{name}", "removed"),
        "frozen organisation": (f"organisations/{key}", "frozen"),
    }[way]
    assert (await server.local("PUT", f"standing/{path}", {"standing": standing}))[0] == 200
    await known_everywhere()
    assert_refused(*await redeems(community, name, code), "NO_CODE", rule="M2")
    if way == "frozen member":
        assert_refused(*await makes(community, lead, name), "FROZEN", rule="M2")
    if standing == "frozen":
        assert (await server.local("PUT", f"standing/{path}", {"standing": "active"}))[0] == 200
        await known_everywhere()
        assert (await redeems(community, name, code))[0] == 200


async def test_the_command_repeated_makes_no_second_code(community: Community) -> None:
    name, room = await newcomer(community), await own_room(community, "ben")
    event = await typed(community, "ben", room, f"!recover @{name}")
    call = (community, room, event, "member_recover", {"member": f"@{name}"})
    first, second = (await hand_over(*call))[1], (await hand_over(*call))[1]
    assert "code" in first and "code" not in second, "told once"
    assert stored(community, "SELECT COUNT(*) FROM belisha_recovery WHERE localpart = ?", name) == [(1,)]
    assert (await redeems(community, name, first["code"]))[0] == 200


@pytest.mark.full
async def test_what_a_kill_cut_short_is_done_once_at_the_next_start(community: Community) -> None:
    """Killed just after the password was set: sessions are still to be ended, and people to be told."""
    name = await newcomer(community)
    own, old = await own_room(community, name), community[name]
    code = await code_for(community, name)
    community.server.kill()
    community.server.change("UPDATE belisha_recovery SET used_at = at * 1000, sessions = 1 WHERE localpart = ?", name)
    community.server.change(
        "INSERT OR IGNORE INTO belisha_recovery_note (id, step, place) SELECT id, step, place FROM belisha_recovery"
        " CROSS JOIN (SELECT 'made' AS step UNION SELECT 'used') AS steps"
        " CROSS JOIN (SELECT 'member' AS place UNION SELECT 'stewards') AS places WHERE localpart = ?",
        name,
    )
    await community.server.start()

    async def is_done() -> bool:
        left = stored(community, "SELECT COUNT(*) FROM belisha_recovery_note")
        return left == [(0,)] and (await request(old, "GET", f"{V3}/account/whoami"))[0] == 401

    await until(is_done)
    assert_refused(*await redeems(community, name, code), "NO_CODE", rule="M2")
    community.people[name] = await community.server.sign_in(name)
    for reader, room in ((name, own), ("cora", await stewards_room(community))):
        said = await told(community, reader, room, name)
        assert len(said) == 2, "what was told before the kill is not told again"


async def test_only_the_portal_asks(community: Community) -> None:
    name = await newcomer(community)
    code = await code_for(community, name)
    body = {"account": name, "code": code, "password": NEW}
    address = "/_synapse/client/org.belisha/v1/recover"
    for by in ("ben", "mona", "steward", name):
        assert (await request(community[by], "POST", address, body))[0] == 403
    assert (await freezes(community, "cora", name, await own_room(community, "cora")))[0] == 200
    for body in (
        {},
        {"account": name, "code": code, "password": "x" * 513},
        {"account": 1, "code": [], "password": {}},
    ):
        assert (await ask_as_portal(community, body, name="recover"))[0] == 400
