"""The second factor with a real Synapse: what opens without it, with it, twice, at once and by trying (M2)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio
import pyotp
import pytest
import pytest_asyncio
import yaml

from belisha.policy.factor import MOST_WRONG, STEP_S, new_secret
from belisha.resources import shipped
from belisha.settings import parse
from tests.support import topology
from tests.support.community import FAST, Community, assert_refused, assert_sentence, settle, unique
from tests.support.ledger import known_everywhere
from tests.support.patience import until
from tests.support.portal import ask_as_portal
from tests.support.server import PASSWORD, Server, ended, request
from tests.synapse.test_acts import newcomer
from tests.synapse.test_groups import own_room
from tests.synapse.test_recovery import NEW, code_for
from tests.synapse.test_registration import invite, register

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
#: Synapse's own limit of failed attempts is not what is tested here.
PATIENT = FAST + "  failed_attempts: {per_second: 1000, burst_count: 1000}\n"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community with a second factor, within the term in which those who have none sign in by their password."""
    text = shipped("config", "belisha.example.yaml").read_text(encoding="utf-8")
    for before, after in (
        ("method: password\n", "method: password+totp\n"),
        ("enrol_until: null", "enrol_until: 2999-12-31"),
    ):
        assert before in text
        text = text.replace(before, after)
    server = topology.make_server(tmp_path_factory.mktemp("factor") / "data", parse(text), overrides=PATIENT)
    await server.start()
    here = await settle(server)
    with ended(server):
        try:
            yield here
        finally:
            await here.close()


class App:
    """A member's authenticator app. Each `code` is a later one, three within the half minutes that are taken."""

    def __init__(self, secret: str | None = None) -> None:
        self.secret = secret or new_secret()
        self._last = -1

    async def code(self) -> str:
        """A code that was not given before, and is taken now."""
        while True:
            now = time.time()
            step = max(int(now) // STEP_S - 1, self._last + 1)
            if step <= int(now) // STEP_S + 1 and now % STEP_S < STEP_S - 5:
                self._last = step
                return str(pyotp.TOTP(self.secret).generate_otp(step))
            await asyncio.sleep(0.5)

    def wrong(self) -> str:
        """Six digits that are none of its codes about now."""
        right = {pyotp.TOTP(self.secret).at(time.time() + away * STEP_S) for away in range(-3, 4)}
        return next(f"{number:06}" for number in range(100) if f"{number:06}" not in right)


async def login(server: Server, name: str, typed: str) -> tuple[int, Json]:
    """Signs in as clients do; status and body."""
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": typed}
    return await request(server.client(name), "POST", f"{V3}/login", body)


async def joins(community: Community, name: str, app: App, **changed: str) -> tuple[int, Json]:
    body = {
        "token": changed.get("token") or await invite(community),
        "username": name,
        "password": PASSWORD,
        "secret": app.secret,
        "digits": await app.code(),
        **changed,
    }
    return await ask_as_portal(community, body, name="join")


async def enrolled(community: Community) -> tuple[str, App]:
    """A new member, who has made their account on the portal."""
    name, app = unique("frida"), App()
    status, answer = await joins(community, name, app)
    assert (status, answer) == (200, {"user_id": f"@{name}:{community.server.name}"})
    return name, app


def again(community: Community, name: str) -> None:
    """Lets the codes of these half minutes count once more: a test need not wait for the next ones."""
    community.server.change("UPDATE belisha_factor SET last_step = -1 WHERE localpart = ?", name)


def held(community: Community) -> str:
    """Everything in Belisha's tables, as text."""
    tables = [name for name in community.server.tables() if name.startswith("belisha_")]
    return "".join(str(community.server.query(f"SELECT * FROM {name}")) for name in tables)  # noqa: S608 - names of tables


async def test_an_account_is_made_with_both_factors_and_opens_with_both_alone(community: Community) -> None:
    server = community.server
    name, app = await enrolled(community)
    missing = await login(server, unique("nobody"), PASSWORD + "123456")
    assert missing[0] == 403 and missing[1]["errcode"] == "M_FORBIDDEN"
    used, fresh = str(pyotp.TOTP(app.secret).generate_otp(app._last)), await app.code()
    for typed in (
        PASSWORD,
        PASSWORD + app.wrong(),
        PASSWORD + used,  # it was shown when the account was made
        PASSWORD + " " + fresh,
        PASSWORD + fresh[:3] + " " + fresh[3:],
        PASSWORD + "".join(chr(ord(digit) + 0xFEE0) for digit in fresh),  # digits of another script
        fresh + PASSWORD,
        fresh,
        "another password" + fresh,
        "x" * 5000 + fresh,
        "",
    ):
        assert await login(server, name, typed) == missing, "one answer, to the letter"
    status, answer = await login(server, name, PASSWORD + fresh)
    assert status == 200 and answer["user_id"] == f"@{name}:{server.name}"
    assert await login(server, name, PASSWORD + fresh) == missing, "once"
    upper = await login(server, f"@{name.upper()}:{server.name}", PASSWORD + await app.code())
    assert upper[0] == 200, "however the name is written"
    found = held(community)
    assert app.secret not in found and name in found
    logged = "".join(path.read_text(errors="replace") for path in (server.data / "logs").iterdir())
    for secret in (app.secret, PASSWORD):
        assert secret not in logged
    assert not re.search(rf"(?<![\d.]){fresh}(?!\d)", logged), "but within a longer number, where chance has put it"
    _, members = await server.local("GET", "members")
    assert next(one for one in members["members"] if one["user_id"] == answer["user_id"])["organisation"] == "harbour"


async def test_no_account_is_made_by_half(community: Community) -> None:
    server, app, token = community.server, App(), await invite(community)
    status, answer = await register(server, token, unique("klaus"))
    assert status == 401 and "/join, with a second factor" in answer["error"], answer
    assert_sentence(answer["error"])
    name = unique("frida")
    for changed, code in (
        ({"digits": app.wrong()}, "WRONG_DIGITS"),
        ({"digits": ""}, "WRONG_DIGITS"),
        ({"secret": "A" * 31}, "MALFORMED"),
        ({"secret": ""}, "MALFORMED"),
        ({"token": "no-such-token"}, "INVITATION"),
        ({"username": "belisha_eve"}, "USER_NAME"),
        ({"username": "ana"}, "USER_NAME"),
        ({"password": "short"}, None),
    ):
        again(community, name)
        app = App(app.secret)
        status, answer = await joins(community, name, app, **{"token": token, **changed})
        assert status in (400, 403), (changed, answer)
        assert code is None or answer["errcode"] == f"ORG.BELISHA.{code}", answer
        assert_sentence(answer["error"])
    assert not server.query("SELECT 1 FROM users WHERE name = ?", f"@{name}:{server.name}")
    assert (await joins(community, name, App(), token=token))[0] == 200, "and nothing was used up"
    assert (await joins(community, unique("frida"), App(), token=token))[0] == 403, "now it is"
    body = {"token": token, "username": name, "password": PASSWORD}
    for by in ("ben", "mona", "steward"):
        assert (await request(community[by], "POST", "/_synapse/client/org.belisha/v1/join", body))[0] == 403


async def test_clients_show_both_again_where_synapse_asks_and_change_the_password(community: Community) -> None:
    server = community.server
    name, app = await enrolled(community)
    _, answer = await login(server, name, PASSWORD + await app.code())
    client = server.client(name)
    client.restore_login(answer["user_id"], answer["device_id"], answer["access_token"])
    key = {"user_id": answer["user_id"], "usage": ["master"], "keys": {"ed25519:" + "A" * 43: "A" * 43}}
    _, body = await request(client, "POST", f"{V3}/keys/device_signing/upload", {"master_key": key})
    assert "flows" not in body, "the first identity of a new member needs no password"

    async def asks_again(method: str, path: str, body: Json, typed: str) -> int:
        status, first = await request(client, method, path, body)
        assert status == 401 and first["flows"] == [{"stages": ["m.login.password"]}], first
        auth = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name},
            "password": typed,
            "session": first["session"],
        }
        return (await request(client, method, path, {**body, "auth": auth}))[0]

    again(community, name)
    app = App(app.secret)
    other = (await login(server, name, PASSWORD + await app.code()))[1]["device_id"]
    again(community, name)
    fresh = await App(app.secret).code()
    path = f"{V3}/devices/{quote(other)}"
    for typed in (PASSWORD, PASSWORD + app.wrong()):
        assert await asks_again("DELETE", path, {}, typed) == 401
    assert await asks_again("DELETE", path, {}, PASSWORD + fresh) == 200
    assert not server.query("SELECT 1 FROM devices WHERE device_id = ?", other)

    _, able = await request(client, "GET", f"{V3}/capabilities")
    assert able["capabilities"]["m.change_password"] == {"enabled": True}
    again(community, name)
    changed = f"{NEW} 123456"  # digits at its end are a part of it
    app = App(app.secret)
    code = await app.code()
    assert await asks_again("POST", f"{V3}/account/password", {"new_password": changed}, PASSWORD) == 401
    assert await asks_again("POST", f"{V3}/account/password", {"new_password": changed}, PASSWORD + code) == 200
    assert (await login(server, name, PASSWORD + await app.code()))[0] == 403
    again(community, name)
    app = App(app.secret)
    assert (await login(server, name, changed))[0] == 403
    assert (await login(server, name, changed + await app.code()))[0] == 200


async def test_a_lead_gives_back_an_account_whose_factor_is_lost(community: Community) -> None:
    server, portal = community.server, {"name": "recover"}
    name, lost = await enrolled(community)
    _, answer = await login(server, name, PASSWORD + await lost.code())
    old = server.client(name)
    old.restore_login(answer["user_id"], answer["device_id"], answer["access_token"])
    code, app = await code_for(community, name), App()
    body = {"account": f"@{name}", "code": code, "password": NEW}
    for factor in ({}, {"secret": app.secret}, {"secret": app.secret, "digits": app.wrong()}):
        status, answer = await ask_as_portal(community, {**body, **factor}, **portal)
        assert status == 400, "and uses nothing up"
        assert_sentence(answer["error"])
    factor = {"secret": app.secret, "digits": await app.code()}
    other = {**body, **factor, "account": "@ana"}
    assert_refused(*await ask_as_portal(community, other, **portal), "NO_CODE", rule="M2")
    assert (await login(server, name, PASSWORD + await lost.code()))[0] == 200, "the old factor holds until then"
    assert await ask_as_portal(community, {**body, **factor}, **portal) == (200, {"recovered": True})
    assert (await request(old, "GET", f"{V3}/account/whoami"))[0] == 401, "its sessions have ended"
    again(community, name)
    for typed in (PASSWORD + await App(lost.secret).code(), NEW + await App(lost.secret).code(), NEW):
        assert (await login(server, name, typed))[0] == 403
    assert (await login(server, name, NEW + await App(app.secret).code()))[0] == 200


async def test_a_member_makes_a_factor_and_another_by_what_opens_the_account(community: Community) -> None:
    server, name = community.server, await newcomer(community)
    user_id, app, second = community.id(name), App(), App()
    own = await own_room(community, name)

    async def enrols(typed: str, of: App, **more: str) -> tuple[int, Json]:
        body = {"user_id": user_id, "password": typed, "secret": of.secret, "digits": await of.code(), **more}
        return await ask_as_portal(community, body, name="factor")

    assert_refused(*await enrols("another password", app), "WRONG_PASSWORD", rule="M2")
    assert (await enrols(PASSWORD, app, digits=app.wrong()))[0] == 400
    again(community, name)
    app = App(app.secret)
    assert await enrols(PASSWORD, app) == (200, {"enrolled": True})
    assert (await login(server, name, PASSWORD))[0] == 403, "from now on both"
    # An open session and the password are not enough for another one.
    assert_refused(*await enrols(PASSWORD, second), "WRONG_PASSWORD", rule="M2")
    assert (await enrols(PASSWORD + await app.code(), second))[0] == 200
    assert (await login(server, name, PASSWORD + await app.code()))[0] == 403, "the former one is over"
    again(community, name)
    assert (await login(server, name, PASSWORD + await App(second.secret).code()))[0] == 200
    assert (await request(community[name], "GET", f"{V3}/account/whoami"))[0] == 200
    _, page = await request(community[name], "GET", f"{V3}/rooms/{quote(own)}/messages?dir=b&limit=50")
    said = [str(one["content"].get("body")) for one in page["chunk"]]
    told = [one for one in said if "you made a new second factor for your account" in one]
    # Two within a second would be told as one.
    assert 1 <= len(told) <= 2 and app.secret not in str(page) and second.secret not in str(page)
    nobody = {"user_id": f"@nobody:{server.name}", "password": PASSWORD}
    assert (await enrols(PASSWORD, second, **nobody))[0] == 403


async def test_digits_are_not_found_by_trying_nor_is_anybody_locked_out(community: Community) -> None:
    server = community.server
    name, app = await enrolled(community)
    for _ in range(2 * MOST_WRONG):
        await login(server, name, "another password" + app.wrong())
    assert (await login(server, name, PASSWORD + await app.code()))[0] == 200, "without the password nothing is counted"
    answers = await asyncio.gather(*(login(server, name, PASSWORD + app.wrong()) for _ in range(MOST_WRONG + 4)))
    assert {status for status, _ in answers} == {403}
    while server.query("SELECT wrong FROM belisha_factor WHERE localpart = ?", name) != [{"wrong": MOST_WRONG}]:
        await login(server, name, PASSWORD + app.wrong())  # of several at once one counts
    again(community, name)
    assert (await login(server, name, PASSWORD + await App(app.secret).code()))[0] == 403, "not even the right one"

    said = (
        "SELECT json FROM event_json JOIN belisha_member ON room_id = service_room_id"
        " WHERE localpart = ? AND json LIKE ?"
    )

    async def is_noted() -> bool:
        return '"wrong_codes"' in held(community) and len(server.query(said, name, "%ten wrong codes were typed%")) == 1

    await until(is_noted)
    code, new = await code_for(community, name), App()
    body = {"account": name, "code": code, "password": NEW, "secret": new.secret, "digits": await new.code()}
    assert (await ask_as_portal(community, body, name="recover"))[0] == 200
    assert (await login(server, name, NEW + await new.code()))[0] == 200, "their lead lets them in again"


async def test_of_many_at_once_one_is_let_in_by_a_code(community: Community) -> None:
    name, app = await enrolled(community)
    typed = PASSWORD + await app.code()
    statuses = [status for status, _ in await asyncio.gather(*(login(community.server, name, typed) for _ in range(8)))]
    assert sorted(statuses) == [200] + 7 * [403]


async def test_who_may_not_sign_in_does_not_by_a_right_code(community: Community) -> None:
    server = community.server
    name, app = await enrolled(community)
    assert (await server.local("PUT", f"standing/members/{name}", {"standing": "frozen"}))[0] == 200
    await known_everywhere()
    status, answer = await login(server, name, PASSWORD + await app.code())
    token = answer.get("access_token", "")
    client = server.client(name)
    client.restore_login(f"@{name}:{server.name}", "X", token)
    joined = f"{V3}/join/{quote(community.rooms['open'])}"
    assert status != 200 or (await request(client, "POST", joined, {}))[0] != 200
    for bot in ("belisha_steward", f"@belisha_steward:{server.name}"):
        assert (await login(server, bot, PASSWORD + "123456"))[0] == 403


async def test_what_was_used_stays_used_and_the_term_ends(community: Community) -> None:
    """Killed after a code was taken, started again, and then with a term that is over."""
    server, key = community.server, App()
    plain = await newcomer(community)
    assert (await login(server, plain, PASSWORD))[0] == 200, "within the term"
    assert (await login(server, plain, PASSWORD + "123456"))[0] == 403
    made = unique("olaf")
    member = {"name": "Olaf", "organisation": "harbour", "roles": ["member"], "password": PASSWORD}
    assert (await server.local("PUT", f"members/{made}", {**member, "factor": "no key"}))[0] == 400
    assert (await server.local("PUT", f"members/{made}", {**member, "factor": key.secret}))[0] == 200
    assert (await login(server, made, PASSWORD))[0] == 403, "whom operators made has a factor from the first"
    code = await key.code()
    assert (await login(server, made, PASSWORD + code))[0] == 200
    server.kill()
    await server.start()  # within the term: whoever has no factor is told, once
    said = (
        "SELECT localpart FROM event_json JOIN belisha_member ON room_id = service_room_id"
        " WHERE localpart IN (?, ?) AND json LIKE ?"
    )
    asked = (said, plain, made, "%second factor: six digits that an app%")

    async def is_told() -> bool:
        return server.query(*asked) == [{"localpart": plain}]

    await until(is_told)
    server.kill()
    path = Path(server.data) / "rendered" / "homeserver.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["modules"][0]["config"]["sign_in"]["enrol_until"] = int(time.time())
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    await server.start()
    assert (await login(server, made, PASSWORD + code))[0] == 403
    assert server.query(*asked) == [{"localpart": plain}], "once"
    assert (await login(server, plain, PASSWORD))[0] == 403
    assert (await login(server, made, PASSWORD + await key.code()))[0] == 200
    assert isinstance(community[plain], nio.AsyncClient)
    assert (await request(community[plain], "GET", f"{V3}/account/whoami"))[0] == 200, "sessions of before stay"
