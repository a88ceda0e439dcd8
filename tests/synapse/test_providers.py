"""Sign-in by organisations' own providers, with a real Synapse and real ones: each for its own people alone (M2)."""

from __future__ import annotations

import contextlib
import html
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import flask
import oidc_provider_mock  # type: ignore[import-untyped]  # it has annotations, and says so nowhere
import pytest
import pytest_asyncio
import yarl
from joserfc import jwt
from joserfc.jwk import RSAKey

from belisha.resources import shipped
from belisha.settings import parse
from tests.support.community import FAST, assert_sentence, unique
from tests.support.patience import until
from tests.support.server import PASSWORD, Server, ended

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
#: Where a client wants to be sent back to.
CLIENT = "http://client.localhost/"
ORGANISATIONS = ("harbour", "quay")


@dataclass
class Page:
    """What the browser is shown in the end, and the token that opens a session, where there is one."""

    status: int
    text: str
    token: str | None = None

    @property
    def said(self) -> str:
        """What a person reads on it."""
        body = re.sub(r"<(style|title)>.*?</\1>", "", self.text, flags=re.DOTALL)
        return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", body).split()))


def _jar(url: str) -> aiohttp.CookieJar:
    """Synapse's cookies are for https alone; browsers take them from this machine too."""
    return aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=yarl.URL(url))


class Browser:
    """Somebody's browser, on its way through Synapse and a provider."""

    def __init__(self, here: Providers) -> None:
        self.here = here
        self.session = aiohttp.ClientSession(cookie_jar=_jar(here.server.url))

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.session.close()

    async def begin(self, organisation: str) -> str:
        """Chooses an organisation's button; the provider's address that follows."""
        path = f"{V3}/login/sso/redirect/oidc-{organisation}"
        url = self.here.server.url + path
        async with self.session.get(url, params={"redirectUrl": CLIENT}, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]

    async def agree(self, at: str, subject: str) -> str:
        """Signs in at the provider as somebody; the address that it sends the browser back to."""
        async with self.session.post(at, data={"sub": subject}, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]

    async def open(self, url: str) -> Page:
        """Opens an address of the homeserver."""
        async with self.session.get(url, allow_redirects=False) as answer:
            text = await answer.text()
            token = re.search(r"loginToken=([\w~.%-]+)", html.unescape(text))
            return Page(answer.status, text, token[1] if token else None)


@dataclass
class Providers:
    """A community whose two organisations have a provider each; the host organisation's never answers."""

    server: Server
    issuers: dict[str, str]
    apps: dict[str, flask.Flask]

    async def says(self, organisation: str, subject: str, **claims: object) -> None:
        """Has a provider say this of somebody from now on."""
        async with (
            aiohttp.ClientSession() as session,
            session.put(f"{self.issuers[organisation]}/users/{subject}", json=claims) as answer,
        ):
            assert answer.status == 204

    async def comes(self, organisation: str, subject: str) -> Page:
        """Somebody signs in with a provider; what the browser shows."""
        async with Browser(self) as browser:
            return await browser.open(await browser.agree(await browser.begin(organisation), subject))

    async def login(self, token: str | None) -> tuple[int, Json]:
        """Opens a session, as a client does."""
        assert token is not None
        return await self.ask("POST", "/login", {"type": "m.login.token", "token": token})

    async def signs_in(self, organisation: str, subject: str) -> Json:
        """Somebody who may; the session."""
        page = await self.comes(organisation, subject)
        assert page.token, page.said
        status, answer = await self.login(page.token)
        assert status == 200, answer
        return answer

    async def ask(self, method: str, path: str, body: Json | None = None, token: str = "") -> tuple[int, Json]:
        """A client's request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.server.url + V3 + path, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def is_open(self, session: Json) -> bool:
        """Whether a session still is."""
        return (await self.ask("GET", "/account/whoami", token=session["access_token"]))[0] == 200

    async def member(self, organisation: str, *, prefix: str = "anna") -> str:
        """A new member, whom an operator adds; the user name."""
        name = unique(prefix)
        await self.put(name, organisation)
        return name

    async def put(self, name: str, organisation: str) -> None:
        """Adds a member, or moves one to another organisation."""
        body = {"name": name.title(), "organisation": organisation, "roles": ["member"]}
        status, answer = await self.server.local("PUT", f"members/{name}", body)
        assert status == 200, answer

    async def standing(self, kind: str, name: str, standing: str) -> None:
        """Freezes, thaws or removes."""
        assert (await self.server.local("PUT", f"standing/{kind}/{name}", {"standing": standing}))[0] == 200

    def logout_token(self, organisation: str, sid: str) -> str:
        """What a provider sends where somebody has signed out with it (OpenID Connect Back-Channel Logout 1.0, 2.4)."""
        with self.apps[organisation].test_request_context():
            self.apps[organisation].preprocess_request()
            key = RSAKey.import_key(flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True))
        claims = {
            "iss": self.issuers[organisation],
            "aud": "belisha",
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
            "jti": unique("jti"),
            "sid": sid,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        return str(jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key))

    def id(self, name: str) -> str:
        """The user id of a member."""
        return f"@{name}:{self.server.name}"

    def links(self, name: str) -> list[tuple[str, str]]:
        """Which identities have an account."""
        found = self.server.query("SELECT * FROM user_external_ids WHERE user_id = ?", self.id(name))
        return sorted((str(row["auth_provider"]), str(row["external_id"])) for row in found)


@contextlib.contextmanager
def running() -> Iterator[dict[str, Any]]:
    """A provider of each organisation: its server, in a thread of its own."""
    with contextlib.ExitStack() as stack:
        yield {each: stack.enter_context(oidc_provider_mock.run_server_in_thread()) for each in ORGANISATIONS}


@pytest_asyncio.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Providers]:
    """The community."""
    data: Path = tmp_path_factory.mktemp("providers")
    with running() as servers:
        issuers = {each: f"http://localhost:{one.server_port}" for each, one in servers.items()}
        listed = ""
        for each, issuer in {"host": "http://localhost:9", **issuers}.items():
            (data / f"{each}.secret").write_text("a secret of theirs\n")
            listed += f"\n  - {{organisation: {each}, name: {each.title()}, issuer: '{issuer}', client_id: belisha,"
            listed += f" client_secret_file: {each}.secret}}"
        text = shipped("config", "belisha.example.yaml").read_text(encoding="utf-8")
        text = text.replace("method: password\n", "method: oidc\n").replace("providers: []", f"providers:{listed}")
        server = Server(data, parse(text), overrides=FAST)
        with ended(server):
            await server.start()
            for each in ("host", *ORGANISATIONS):
                await server.organisation(each)
            yield Providers(server, issuers, {each: one.app for each, one in servers.items()})


async def test_a_provider_signs_in_its_own_people_and_nobody_has_a_password(here: Providers) -> None:
    name, subject = await here.member("harbour"), unique("sub")
    await here.says("harbour", subject, preferred_username=name, name="Somebody Else", picture="http://x.test/y.png")
    session = await here.signs_in("harbour", subject)
    assert session["user_id"] == here.id(name)
    assert here.links(name) == [("oidc-harbour", subject)]
    _, profile = await here.ask("GET", f"/profile/{here.id(name)}", token=session["access_token"])
    assert profile["displayname"] == f"{name.title()} (Harbour)", "names are the registry's (M3)"

    await here.says("harbour", subject, preferred_username="someone")
    assert (await here.signs_in("harbour", subject))["user_id"] == here.id(name), "another name, the same person"

    manager = {"name": "Community Manager", "organisation": "quay", "roles": ["manager"]}
    assert (await here.server.local("PUT", "members/manager", manager))[0] == 200
    await here.says("quay", "boss", preferred_username="manager")
    assert (await here.signs_in("quay", "boss"))["user_id"] == here.id("manager"), "a role's name is a user name, too"

    _, told = await here.ask("GET", "/login")
    flows = {flow["type"]: flow for flow in told["flows"]}
    assert "m.login.password" not in flows
    assert {(one["id"], one["name"]) for one in flows["m.login.sso"]["identity_providers"]} == {
        (f"oidc-{each}", each.title()) for each in ("host", *ORGANISATIONS)
    }
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": PASSWORD}
    assert (await here.ask("POST", "/login", body))[0] in (400, 403)
    assert (await here.ask("POST", "/register", {"username": unique("eve"), "password": PASSWORD}))[0] == 403
    status, answer = await here.server.local(
        "POST", "invitations", {"organisation": "harbour", "uses": 1, "seconds": 60, "name": None}
    )
    assert status == 403 and answer["errcode"] == "ORG.BELISHA.BY_ORGANISATION"
    assert_sentence(answer["error"])


#: What a provider may call somebody who is not this member of its organisation: `{}` is a member of the other one.
STRANGE = (
    "{}",
    "nobody-at-all",
    "@{}:belisha.localhost",
    "belisha_steward",
    "manager",
    "steward",
    "",
    None,
    7,
    True,
    ["{}"],
    {"name": "{}"},
    "x" * 70_000,
)
#: The same about a member of its own, since what is like a name is none.
LIKE = ("{} ", " {}", "{}\0", "{}\n", "\u200b{}", "@{}", "{}@harbour", "../{}", "{}%20", "{}'--")


async def test_a_provider_speaks_for_nobody_else_and_learns_nothing(here: Providers) -> None:
    own, other = await here.member("harbour"), await here.member("quay", prefix="bea")
    accounts = len(here.server.query("SELECT name FROM users"))
    said = set()
    names: list[object] = [one.format(other) if isinstance(one, str) else one for one in STRANGE]
    names += [one.format(own) for one in LIKE] + [own.upper(), own.title(), own.replace("a", "\u0430")]
    for name in (*names, [other], {"name": own}):
        subject = unique("stranger")
        await here.says("harbour", subject, preferred_username=name, email=f"{own}@harbour.test", sub2=own)
        page = await here.comes("harbour", subject)
        assert page.token is None and page.status == 400, (name, page.said)
        assert_sentence(page.said.removeprefix("You are not signed in ").removesuffix(" Belisha community"))
        said.add(page.said)
        if name == other:
            of_other = page.said
        if name == "nobody-at-all":
            assert page.said == of_other, "that there is such a member elsewhere is not told"
    assert len(said) == 2 and all("help desk" in one or "lead of your organisation" in one for one in said)
    missing = unique("stranger")
    await here.says("harbour", missing, nickname=own)
    assert (await here.comes("harbour", missing)).token is None
    assert here.links(own) == here.links(other) == []
    assert len(here.server.query("SELECT name FROM users")) == accounts, "nor is an account made"
    assert not here.server.query("SELECT 1 FROM access_tokens WHERE user_id IN (?, ?)", here.id(own), here.id(other))


async def test_an_account_belongs_to_one_identity_until_operators_unlink_it(here: Providers) -> None:
    name, first, second = await here.member("harbour"), unique("sub"), unique("sub")
    for subject in (first, second):
        await here.says("harbour", subject, preferred_username=name)
    session = await here.signs_in("harbour", first)
    page = await here.comes("harbour", second)
    assert page.token is None and "former identity" in page.said, (
        "whoever takes a name at a provider gets no account by it"
    )
    assert (await here.server.local("DELETE", "identities/nobody-at-all"))[0] in (400, 404)
    assert await here.server.local("DELETE", f"identities/{name}") == (
        200,
        {"id": name, "created": False, "changed": True},
    )
    assert not await here.is_open(session) and here.links(name) == []
    assert (await here.server.local("DELETE", f"identities/{name}"))[1]["changed"] is False
    assert (await here.signs_in("harbour", second))["user_id"] == here.id(name)
    assert (await here.comes("harbour", first)).token is None


async def test_who_has_come_to_another_organisation_is_out_of_the_former_ones_hands(here: Providers) -> None:
    name, subject, new = await here.member("harbour"), unique("sub"), unique("sub")
    await here.says("harbour", subject, preferred_username=name)
    await here.says("quay", new, preferred_username=name)
    session = await here.signs_in("harbour", subject)
    asked_before = await here.comes("harbour", subject)
    assert (await here.comes("quay", new)).token is None, "not there yet"
    await here.put(name, "quay")
    status, answer = await here.login(asked_before.token)
    assert status == 403 and answer["errcode"] == "ORG.BELISHA.BY_ORGANISATION", answer
    assert_sentence(answer["error"])
    assert (await here.comes("harbour", subject)).token is None

    async def is_over() -> bool:
        return not await here.is_open(session) and here.links(name) == []

    await until(is_over)
    opened = await here.signs_in("quay", new)
    assert opened["user_id"] == here.id(name) and here.links(name) == [("oidc-quay", new)]
    assert (await here.comes("harbour", subject)).token is None

    # What was linked before, as a restore may bring it back, lets nobody in.
    here.server.change(
        "INSERT INTO user_external_ids (auth_provider, external_id, user_id) VALUES ('oidc-harbour', ?, ?)",
        unique("restored"),
        here.id(name),
    )
    restored = here.links(name)[0][1]
    await here.says("harbour", restored, preferred_username=name)
    assert (await here.comes("harbour", restored)).token is None
    assert await here.is_open(opened)


async def test_who_is_frozen_or_gone_does_not_come_in(here: Providers) -> None:
    name, subject = await here.member("quay"), unique("sub")
    await here.says("quay", subject, preferred_username=name)
    session = await here.signs_in("quay", subject)
    for kind, which in (("members", name), ("organisations", "quay")):
        before = await here.comes("quay", subject)
        await here.standing(kind, which, "frozen")
        page = await here.comes("quay", subject)
        assert page.token is None and "is frozen for now" in page.said
        assert (await here.login(before.token))[0] == 403, "a token from before opens nothing"
        assert not await here.is_open(session)
        await here.standing(kind, which, "active")
        session = await here.signs_in("quay", subject)
    before = await here.comes("quay", subject)
    await here.standing("members", name, "removed")
    page = await here.comes("quay", subject)
    assert page.token is None and "no member of that name in your organisation" in page.said
    assert (await here.login(before.token))[0] == 403
    assert not await here.is_open(session)


async def test_one_providers_answer_is_not_taken_for_anothers(
    here: Providers, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 9700, 4.4: harbour's provider hands the browser of quay's bea on to quay's, in order to be sent her code."""
    name, subject = await here.member("quay", prefix="bea"), unique("sub")
    await here.says("quay", subject, preferred_username=name)
    async with Browser(here) as browser, Browser(here) as attacker:
        own = parse_qs(urlsplit(await browser.begin("harbour")).query)
        at_quay = await attacker.begin("quay")
        parts = yarl.URL(at_quay)
        answer = yarl.URL(await browser.agree(str(parts.update_query(state=own["state"][0])), subject))
        assert answer.path.endswith("/callback/quay")
        caplog.clear()
        page = await browser.open(str(answer))
        assert page.token is None and "does not belong to a sign-in that began in this browser" in page.said
        assert "/oauth2/token" not in caplog.text, "the code is shown to nobody"
    for path in ("", "/", "/harbour", "/quay/harbour", "/Quay"):  # the same answer, at another address than its own
        async with Browser(here) as browser:
            back = yarl.URL(await browser.agree(await browser.begin("quay"), subject))
            moved = str(back.with_path(f"/_synapse/client/oidc/callback{path}", keep_query=True))
            caplog.clear()
            assert (await browser.open(moved)).token is None, path
            assert "/oauth2/token" not in caplog.text
    assert (await here.signs_in("quay", subject))["user_id"] == here.id(name)


async def test_what_goes_wrong_on_the_way_is_told_in_words_for_people(here: Providers) -> None:
    async with Browser(here) as browser:
        await browser.begin("harbour")
        callback = f"{here.server.url}/_synapse/client/oidc/callback/harbour"
        for query, words in (
            ("error=access_denied&error_description=<script>alert(1)</script>", "was ended before it was done"),
            ("error=server_error&error_description=Call%20%2B44%201", "does not answer at present"),
            ("error=odd&error_description=Call%20%2B44%201", "answered in a way that this community cannot accept"),
            ("code=x&state=y", "does not belong to a sign-in that began in this browser"),
        ):
            page = await browser.open(f"{callback}?{query}")
            assert words in page.said and page.token is None
            assert "script" not in page.text and "+44" not in page.text, "whose words those are, nobody knows"
            assert '<html lang="en">' in page.text and "<h1>" in page.text and "<main>" in page.text
        # A provider that does not answer.
        async with browser.session.get(
            f"{here.server.url}{V3}/login/sso/redirect/oidc-host", params={"redirectUrl": CLIENT}, allow_redirects=False
        ) as answer:
            assert answer.status >= 400 and "Traceback" not in await answer.text()


async def test_who_signs_out_at_the_provider_is_signed_out(here: Providers) -> None:
    """OpenID Connect Back-Channel Logout 1.0; a provider ends its own sessions alone."""
    name, subject, sid = await here.member("harbour"), unique("sub"), unique("sid")
    await here.says("harbour", subject, preferred_username=name, sid=sid)
    session = await here.signs_in("harbour", subject)
    url = f"{here.server.url}/_synapse/client/oidc/backchannel_logout"
    async with aiohttp.ClientSession() as client:
        for organisation, is_open in (("quay", True), ("harbour", False)):
            token = here.logout_token(organisation, sid)
            async with client.post(url, data={"logout_token": token}) as answer:
                assert answer.status == 200, await answer.text()
            assert await here.is_open(session) is is_open
