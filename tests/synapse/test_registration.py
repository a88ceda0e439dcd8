"""Registration tokens (M2, M3): an account made with one belongs to its organisation, and none is made without."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.support.community import FAST, Community, assert_refused, assert_sentence, unique
from tests.support.patience import until
from tests.support.server import PASSWORD, Server, ended, request

Json = dict[str, Any]
CLIENT = "/_matrix/client/v3"
STAGE = "m.login.registration_token"


async def ask(server: Server, method: str, path: str, body: Json | None = None, token: str = "") -> tuple[int, Json]:
    """A request of somebody without an account, or with some token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, server.url + path, json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def invite(community: Community, organisation: str = "harbour", **more: Any) -> str:
    """A new token."""
    body = {"organisation": organisation, "uses": 1, "seconds": 3600, **more}
    status, answer = await community.server.local("POST", "invitations", body)
    assert status == 200, answer
    return str(answer["token"])


async def register(
    server: Server, token: str, username: str | None, *, route: str = "v3", session: str | None = None, **more: Any
) -> tuple[int, Json]:
    """Registers as clients do: asks for the stages, gives the token, then the dummy; the last answer."""
    path = f"/_matrix/client/{route}/register"
    body = {"password": PASSWORD, **({} if username is None else {"username": username}), **more}
    if session is None:
        status, first = await ask(server, "POST", path, body)
        if status != 401:
            return status, {**first, "session": None}
        assert first["flows"] == [{"stages": [STAGE, "m.login.dummy"]}]
        session = first["session"]
    auth: Json = {"type": STAGE, "token": token, "session": session}
    status, answer = await ask(server, "POST", path, {**body, "auth": auth})
    if status == 401 and STAGE in answer.get("completed", []):
        auth = {"type": "m.login.dummy", "session": session}
        status, answer = await ask(server, "POST", path, {**body, "auth": auth})
    return status, {**answer, "session": session}


async def member(community: Community, localpart: str) -> Json | None:
    _, body = await community.server.local("GET", "members")
    user_id = f"@{localpart}:{community.server.name}"
    found: Json | None = next((one for one in body["members"] if one["user_id"] == user_id), None)
    return found


def accounts(server: Server, localpart: str) -> int:
    return len(server.query("SELECT 1 FROM users WHERE name = ?", f"@{localpart}:{server.name}"))


# --- What a token gives ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["v3", "r0"])
async def test_who_registers_with_a_token_is_a_member_from_the_first_request_on(
    community: Community, route: str
) -> None:
    name = unique("olga.pile")
    status, body = await register(community.server, await invite(community, "coastguard"), name, route=route)
    assert status == 200, body
    assert body["user_id"] == f"@{name}:{community.server.name}"
    token = body["access_token"]
    kept = f"{CLIENT}/user/{quote(body['user_id'])}/account_data"
    own = {"media_previews": "on", "invite_avatars": "on"}
    await ask(community.server, "PUT", f"{kept}/m.media_preview_config", own, token=token)
    status, answer = await ask(
        community.server, "POST", f"{CLIENT}/join/{quote(community.rooms['open'])}", {}, token=token
    )
    assert status == 200, answer
    found = await member(community, name)
    assert found is not None
    assert (found["organisation"], found["roles"], found["standing"]) == ("coastguard", ["member"], "active")
    _, shown = await ask(community.server, "GET", f"{CLIENT}/profile/{quote(body['user_id'])}", token=token)
    assert shown["displayname"] == f"Olga {name.partition('.')[2].capitalize()} (Coastguard)"

    async def is_settled() -> bool:
        """Whether they are in the Space, in announcements, in the room with the bot, and in what they joined."""
        _, joined = await ask(community.server, "GET", f"{CLIENT}/joined_rooms", token=token)
        found = await member(community, name)
        assert found is not None
        return found["service_room"] in joined["joined_rooms"] and len(joined["joined_rooms"]) >= 4

    await until(is_settled)

    async def told() -> Json | None:
        path = f"{kept}/io.element.msc4278.media_preview_config"
        status, found = await ask(community.server, "GET", path, token=token)
        return found if status == 200 else None

    assert await until(told) == {"media_previews": "off", "invite_avatars": "off"}
    _, found = await ask(community.server, "GET", f"{kept}/m.media_preview_config", token=token)
    assert found == own, "what the member has chosen stays"


async def test_a_token_for_one_person_gives_the_name_and_works_once(community: Community) -> None:
    token, name = await invite(community, name="Ngô Đình Ý"), unique("ngo")
    status, body = await register(community.server, token, name.upper(), inhibit_login=True)
    assert status == 200 and "access_token" not in body, body
    found = await member(community, name)
    assert found is not None and found["name"] == "Ngô Đình Ý"
    client = await community.server.sign_in(name)
    assert (await client.get_displayname()).displayname == "Ngô Đình Ý (Harbour)"
    await client.close()
    status, body = await register(community.server, token, unique("second"))
    assert_refusal(status, body, "INVITATION")


def assert_refusal(status: int, body: Json, code: str) -> None:
    """The refusal of a token, which a client may try again with another: 401, by the specification."""
    assert (status, body.get("errcode")) == (401, f"ORG.BELISHA.{code}"), body
    assert body["org.belisha.rule"] == "M2"
    assert_sentence(body["error"])


@pytest.mark.parametrize("what", ["unknown", "expired", "ended", "frozen", "removed"])
async def test_a_token_that_does_not_hold_makes_nobody(community: Community, what: str) -> None:
    key, name = unique("guild"), unique("rhea")
    await community.server.organisation(key)
    token = await invite(community, key)
    # Another process may learn of the new organisation half a second later.
    await until(lambda: valid(community, token))
    if what == "expired":
        community.server.change("UPDATE belisha_invitation SET expires = expires - 3600 WHERE organisation_id = ?", key)
    elif what == "unknown":
        token = token[:-1] + ("a" if token[-1] != "a" else "b")
    elif what == "ended":
        _, body = await community.server.local("GET", "invitations")
        (found,) = [one for one in body["invitations"] if one["organisation"] == key]
        assert token not in str(body)
        assert (await community.server.local("DELETE", f"invitations/{found['id']}"))[0] == 200
        assert (await community.server.local("DELETE", f"invitations/{found['id']}"))[0] == 400
    elif what in ("frozen", "removed"):
        await community.server.local("PUT", f"standing/organisations/{key}", {"standing": what})

    async def is_over() -> bool:
        return not await valid(community, token)

    await until(is_over)
    status, body = await register(community.server, token, name)
    assert_refusal(status, body, "INVITATION")
    assert accounts(community.server, name) == 0 and await member(community, name) is None


async def uses_left(community: Community) -> dict[str, int]:
    """How many accounts each invitation that holds may still make, by its id."""
    _, body = await community.server.local("GET", "invitations")
    return {one["id"]: one["left"] for one in body["invitations"] if one["holds"]}


async def valid(community: Community, token: str) -> bool:
    status, body = await ask(
        community.server, "GET", f"/_matrix/client/v1/register/{STAGE}/validity?token={quote(token)}"
    )
    assert status == 200, body
    return bool(body["valid"])


# --- Attacks -----------------------------------------------------------------------------------------------------


async def test_a_token_gives_nothing_to_an_account_that_is_there(community: Community) -> None:
    """A member's, a confined one's, a removed one's and a bot's."""
    confined, removed = unique("lone"), unique("gone")
    made_behind(community.server, confined)
    await (await community.server.member(removed, "harbour")).close()
    await community.server.local("PUT", f"standing/members/{removed}", {"standing": "removed"})
    token = await invite(community, "university", uses=2)
    for name in ("ana", "ANA", confined, removed, "belisha_steward", "belisha_other"):
        status, body = await register(community.server, token, name)
        assert status in (400, 403), (name, body)
    found = await member(community, "ana")
    assert found is not None and found["organisation"] == "harbour"
    assert await member(community, confined) is None
    status, body = await register(community.server, token, unique("fresh"))
    assert status == 200, "none of these has used the token up"


def made_behind(server: Server, localpart: str) -> None:
    """An account that somebody has written into Synapse's database."""
    account = f"@{localpart}:{server.name}"
    server.change("INSERT INTO users (name, creation_ts, is_guest, approved) VALUES (?, 1, 0, TRUE)", account)


async def test_of_many_at_once_one_is_given_the_name_and_keeps_one_organisation(community: Community) -> None:
    name = unique("rival")
    before = await uses_left(community)
    tokens = [await invite(community, key, uses=4) for key in ("harbour", "coastguard", "university")]
    answers = await asyncio.gather(
        *(register(community.server, token, name) for token in tokens * 4), return_exceptions=False
    )
    counts = Counter(status for status, _ in answers)
    assert counts[200] == 1 and counts[200] + counts[400] + counts[403] == 12, counts
    winner = next(index for index, (status, _) in enumerate(answers) if status == 200)
    found = await member(community, name)
    assert found is not None
    assert found["organisation"] == ("harbour", "coastguard", "university")[winner % 3]
    assert accounts(community.server, name) == 1
    left = [uses for key, uses in (await uses_left(community)).items() if key not in before]
    assert sorted(left) == [3, 4, 4], left


async def test_a_token_makes_no_more_members_than_it_says(community: Community) -> None:
    token, stem = await invite(community, uses=2), unique("crowd")
    answers = await asyncio.gather(*(register(community.server, token, f"{stem}.{one}") for one in "abcdef"))
    assert Counter(status for status, _ in answers)[200] == 2, answers
    assert not await valid(community, token)


async def test_of_names_alike_that_come_at_once_one_is_given(community: Community) -> None:
    names = ("quilla", "qui1la", "quliia", "qul1la", "qu11la")
    tokens = [await invite(community, key) for key in ("harbour", "coastguard", "university", "harbour", "chandlers")]
    answers = await asyncio.gather(
        *(register(community.server, token, name) for token, name in zip(tokens, names, strict=True))
    )
    assert Counter(status for status, _ in answers)[200] == 1, answers
    assert sum(accounts(community.server, name) for name in names) == 1


async def test_one_session_makes_one_account(community: Community) -> None:
    token, name = await invite(community, uses=5), unique("session")
    status, body = await register(community.server, token, name)
    assert status == 200
    other = unique("other")
    status, again = await register(community.server, token, other, session=body["session"])
    assert status == 400, again
    assert accounts(community.server, other) == 0


@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("belisha_x", "USER_NAME"),
        ("be1isha_steward", "USER_NAME"),
        ("steward", "USER_NAME"),
        ("admin", "USER_NAME"),
        ("_under", "USER_NAME"),
        ("a=b", "USER_NAME"),
        ("a/b", "USER_NAME"),
        ("12345", None),
        ("an4", None),
        ("f1nn", "USER_NAME"),
        ("flnn", "USER_NAME"),
        (None, "MALFORMED"),
    ],
)
async def test_user_names_are_the_registrys(community: Community, username: str | None, code: str | None) -> None:
    status, body = await register(community.server, await invite(community), username)
    if username == "an4":
        assert status == 200, "the same token makes one with a proper name"
        return
    assert status in (400, 403), body
    assert_sentence(body["error"])
    if code is not None:
        assert body["errcode"] == f"ORG.BELISHA.{code}"
    assert username is None or accounts(community.server, username) == 0


async def test_a_name_that_looks_like_a_members_is_refused_and_the_token_stays(community: Community) -> None:
    token = await invite(community, name="YIva")  # with a capital i; nobody has it when the token is made
    await (await community.server.member("ylva", "harbour")).close()
    status, body = await register(community.server, token, unique("another"))
    assert_refused(status, body, "USER_NAME", rule="M3")
    assert await valid(community, token)
    more = {"organisation": "harbour", "uses": 1, "seconds": 60, "name": "YLVA"}
    status, body = await community.server.local("POST", "invitations", more)
    assert status == 400 and "middle initial" in body["error"], body


async def test_every_other_way_to_an_account_is_closed(community: Community) -> None:
    server, name = community.server, unique("way")
    path = f"{CLIENT}/register"
    token = community["finn"].access_token
    tries: list[tuple[str, str, Json, str]] = [
        ("POST", f"{path}?kind=guest", {}, ""),
        ("POST", path, {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}, ""),
        ("POST", path, {"username": name, "password": PASSWORD, "inhibit_login": True}, ""),
        ("POST", path, {"type": "m.login.application_service", "username": name}, token),
        ("POST", path, {"type": "m.login.application_service", "username": name}, ""),
        ("POST", path, {"username": name, "password": PASSWORD}, token),
        ("POST", "/_synapse/admin/v1/register", {"username": name, "password": PASSWORD, "mac": "x"}, ""),
        ("PUT", f"/_synapse/admin/v2/users/@{name}:{server.name}", {"password": PASSWORD}, token),
        ("POST", f"{CLIENT}/login", {"type": "m.login.token", "token": "x"}, ""),
        ("POST", "/_matrix/client/api/v1/register", {"user": name, "password": PASSWORD}, ""),
    ]
    for method, address, body, access in tries:
        status, answer = await ask(server, method, address, body, token=access)
        assert 400 <= status < 500, (address, answer)
        assert "access_token" not in answer and "user_id" not in answer
    session = (await ask(server, "POST", path, {"username": name, "password": PASSWORD}))[1]["session"]
    auth = {"type": "m.login.dummy", "session": session}
    status, answer = await ask(server, "POST", path, {"username": name, "password": PASSWORD, "auth": auth})
    assert status == 401 and STAGE not in answer.get("completed", []), answer
    for given in ({"guest_access_token": token}, {"guest_access_token": "x"}):
        status, answer = await register(server, await invite(community), name, **given)
        assert 400 <= status < 500, answer
    assert accounts(server, name) == 0
    service = (server.data / "secrets" / "as_token").read_text().strip()
    body = {"type": "m.login.application_service", "username": name}
    status, answer = await ask(server, "POST", path, body, token=service)
    assert status == 400 and accounts(server, name) == 0, answer


async def test_nobody_without_a_token_learns_who_is_there(community: Community) -> None:
    answers = []
    for name in ("ana", unique("nobody")):
        status, body = await ask(community.server, "GET", f"{CLIENT}/register/available?username={name}")
        asked = await ask(community.server, "POST", f"{CLIENT}/register", {"username": name, "password": PASSWORD})
        asked[1].pop("session")
        guest = {"username": name, "password": PASSWORD, "guest_access_token": "x"}
        answers.append((status, body, asked, await ask(community.server, "POST", f"{CLIENT}/register", guest)))
    assert answers[0][0] == 200 and answers[0][2][0] == 401, "clients ask while a name is typed"
    assert answers[0] == answers[1]
    assert not await valid(community, "ana")


# --- A crash -----------------------------------------------------------------------------------------------------


@pytest.mark.full
async def test_an_account_without_its_row_is_confined_until_it_is_added(tmp_path: Path) -> None:
    """Killed after Synapse made the account and before the registry knows of it."""
    server = Server(tmp_path / "data", overrides=FAST, module="tests.synapse.killed_between.KilledBetween")
    await server.start()
    with ended(server):
        for key in ("harbour", "coastguard"):
            await server.organisation(key)
        community = Community(server)
        token, other = await invite(community, "harbour"), await invite(community, "coastguard")
        with pytest.raises(aiohttp.ClientError):
            await register(server, token, "olga")
        server.stop()
        await server.start()
        assert accounts(server, "olga") == 1 and await member(community, "olga") is None
        assert await valid(community, token), "nobody has joined with it"
        for each in (token, other):
            status, body = await register(server, each, "olga")
            assert status == 403, body
        client = await server.sign_in("olga")
        status, body = await request(client, "POST", f"{CLIENT}/createRoom", {"preset": "private_chat"})
        assert_refused(status, body, "NOT_A_MEMBER", rule="M1")
        body = {"name": "Olga", "organisation": "coastguard", "roles": ["member"], "password": PASSWORD}
        server.change("UPDATE belisha_registration SET since = ?", int(time.time()))  # however long the start took
        status, answer = await server.local("PUT", "members/olga", body)
        assert status == 400 and "at this moment" in answer["error"], "for a minute it may be under way"
        server.change("UPDATE belisha_registration SET since = since - 60")
        status, answer = await server.local("PUT", "members/olga", body)
        assert (status, answer["created"]) == (200, False), answer
        found = await member(community, "olga")
        assert found is not None and found["organisation"] == "coastguard"
        await client.close()
