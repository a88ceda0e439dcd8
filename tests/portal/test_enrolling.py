"""The pages that make a second factor: one form with key, code and password, of which nothing is kept on the way."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bots.portal.limits import Rates
from tests.portal.alone import ANA, portal, store_at
from tests.portal.chromium import PHONE, assert_accessible, chromium, context
from tests.portal.support import Answer, Visitor, form_of

CODE = "AAAA-BBBB-CCCC-DDDD"
PASSWORD = "a lighthouse keeper's password"
WRONG = {"errcode": "ORG.BELISHA.WRONG_DIGITS", "error": "These six digits are not the ones."}


@dataclass
class Module:
    """As much of the module as takes what was typed."""

    session: str = ""
    """The token of a member's open session on the portal."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answer: tuple[int, dict[str, Any]] = (
        200,
        {"recovered": True, "enrolled": True, "user_id": "@anna:belisha.localhost"},
    )

    async def take(self, request: web.Request) -> web.Response:
        if request.path.endswith("/decide_batch"):
            member = {"belongs": True, "organisation": "harbour", "roles": ["member"]}
            return web.json_response({"member": member, "items": [], "rooms": [], "label": None})
        self.asked.append((request.path.rpartition("/")[2], await request.json()))
        return web.json_response(self.answer[1], status=self.answer[0])


@asynccontextmanager
async def pages(
    folder: Path, *, second_factor: bool = True, has_passwords: bool = True
) -> AsyncIterator[tuple[Visitor, Module]]:
    module, app = Module(), web.Application()
    app.router.add_post("/_synapse/client/org.belisha/v1/{what}", module.take)
    async with (
        TestServer(app) as server,
        store_at(f"sqlite:///{folder}/bots.db") as here,
        portal(
            here,
            Rates(),
            str(server.make_url("")).rstrip("/"),
            second_factor=second_factor,
            has_passwords=has_passwords,
        ) as visitor,
    ):
        module.session = await here.opened()
        yield visitor, module


def hidden(page: Answer) -> dict[str, str]:
    """What the form carries of the new key."""
    return {name: re.findall(rf'name="{name}" value="([^"]*)"', page.text)[0] for name in ("secret", "proof")}


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/join", {"token": "the-token", "username": "anna"}), ("/recover", {"account": "@anna", "code": CODE})],
)
async def test_one_form_makes_password_and_factor_or_nothing(tmp_path: Path, path: str, fields: dict[str, str]) -> None:
    async with pages(tmp_path) as (visitor, module):
        page = await visitor.get(path)
        assert page.status == 200 and "<svg" in page.text and page.headers["Cache-Control"] == "no-store"
        carried = hidden(page)
        secret = carried["secret"]
        address = html.unescape(re.findall(r'href="(otpauth:[^"]*)"', page.text)[0])
        app = pyotp.parse_uri(address)
        assert isinstance(app, pyotp.TOTP) and (app.secret, app.issuer) == (secret, "Belisha")
        spelled = re.findall(r'<code id="key">([A-Z2-7 ]+)</code>', page.text)[0]
        assert spelled.replace(" ", "") == secret
        assert hidden(await visitor.get(path))["secret"] != secret, "each page has a key of its own"

        typed = {**fields, **carried, "password": PASSWORD, "again": PASSWORD, "digits": " 123456 "}
        missing = await visitor.post(path, {**typed, "digits": ""})
        assert missing.status == 400 and "Please fill in all five fields." in missing.text and not module.asked
        assert hidden(missing) == carried, "the app has it by now"
        assert PASSWORD not in missing.text and html.escape(PASSWORD) not in missing.text and CODE not in missing.text
        module.answer = (400, WRONG)
        wrong = await visitor.post(path, typed)
        assert wrong.status == 400 and WRONG["error"] in wrong.text and hidden(wrong) == carried
        module.answer = Module().answer
        done = await visitor.post(path, typed)
        assert done.status == 200 and "straight behind it" in done.text
        sent = {**fields, "password": PASSWORD, "secret": secret, "digits": "123456"}
        assert module.asked == 2 * [(path[1:], sent)]
        assert secret not in done.text and PASSWORD not in done.text


async def test_a_key_that_was_not_made_here_is_no_key(tmp_path: Path) -> None:
    """Nobody hands a member a form with a key that somebody else has too."""
    async with pages(tmp_path) as (visitor, module):
        carried, theirs = hidden(await visitor.get("/join")), pyotp.random_base32()
        typed = {"token": "t", "username": "anna", "password": PASSWORD, "again": PASSWORD, "digits": "123456"}
        for forged in (
            {"secret": theirs, "proof": carried["proof"]},
            {"secret": theirs, "proof": ""},
            {"secret": theirs},
            {"secret": '"><script>alert(1)</script>', "proof": carried["proof"]},
        ):
            await visitor.post("/join", {**typed, **forged})
            given = module.asked[-1][1]["secret"]
            assert given not in (theirs, carried["secret"]) and len(given) == 32
        page = await visitor.get(f"/join?secret={theirs}&token=t")
        assert theirs not in page.text


async def test_a_member_makes_another_factor_by_what_opens_the_account(tmp_path: Path) -> None:
    async with pages(tmp_path) as (visitor, module):
        assert (await visitor.get("/factor")).location.startswith("/sign-in"), "not without a session"
        visitor.cookies["belisha"] = module.session
        assert 'href="/factor"' in (await visitor.get("/sessions")).text
        page = await visitor.get("/factor")
        carried = {**hidden(page), "form": form_of(page.text)}
        missing = await visitor.post("/factor", {**carried, "password": PASSWORD, "digits": ""})
        assert missing.status == 400 and "Please fill in both fields." in missing.text and PASSWORD not in missing.text
        typed = {**carried, "password": f"{PASSWORD}654321", "digits": "123456"}
        assert (await visitor.post("/factor", {**typed, "form": "0" * 64})).status == 403 and not module.asked
        module.answer = (403, {"errcode": "ORG.BELISHA.WRONG_PASSWORD", "error": "That does not open it."})
        refused = await visitor.post("/factor", typed)
        assert refused.status == 400 and "That does not open it." in refused.text and hidden(refused) == hidden(page)
        module.answer = Module().answer
        done = await visitor.post("/factor", typed)
        assert done.status == 200 and "straight behind it" in done.text and carried["secret"] not in done.text
        sent = {"password": f"{PASSWORD}654321", "secret": carried["secret"], "digits": "123456"}
        assert module.asked == 2 * [("factor", {"user_id": ANA, **sent})]
        statuses = {(await visitor.post("/factor", typed)).status for _ in range(12)}
        assert statuses == {200, 429}, "a password is not found by trying"
    async with pages(tmp_path, second_factor=False) as (visitor, module):
        visitor.cookies["belisha"] = module.session
        assert (await visitor.get("/factor")).status == 404
        assert "/factor" not in (await visitor.get("/sessions")).text


async def test_recovery_codes_are_shown_once_and_kept_nowhere(tmp_path: Path) -> None:
    async with pages(tmp_path) as (visitor, module):
        assert (await visitor.get("/recovery-codes")).location.startswith("/sign-in"), "not without a session"
        visitor.cookies["belisha"] = module.session
        assert 'href="/recovery-codes"' in (await visitor.get("/sessions")).text
        page = await visitor.get("/recovery-codes")
        typed = {"form": form_of(page.text), "password": f"{PASSWORD}654321"}
        missing = await visitor.post("/recovery-codes", {**typed, "password": ""})
        assert missing.status == 400 and "Please fill in the field." in missing.text
        assert (await visitor.post("/recovery-codes", {**typed, "form": "0" * 64})).status == 403 and not module.asked
        for code in ("WRONG_PASSWORD", "NO_FACTOR_YET"):
            module.answer = (403, {"errcode": f"ORG.BELISHA.{code}", "error": "That does not open it."})
            refused = await visitor.post("/recovery-codes", typed)
            assert refused.status == 400 and "That does not open it." in refused.text
        codes = [f"ABCD-EFGH-JKM{letter}" for letter in "ABCDEFGH"]
        module.answer = (200, {"codes": codes})
        done = await visitor.post("/recovery-codes", typed)
        assert done.status == 200 and all(one in done.text for one in codes) and PASSWORD not in done.text
        assert done.headers["Cache-Control"] == "no-store"
        later = (await visitor.get("/recovery-codes")).text
        assert not any(one in later for one in codes), "shown once"
        assert module.asked[-1] == ("spare_codes", {"user_id": ANA, "password": f"{PASSWORD}654321"})
        statuses = {(await visitor.post("/recovery-codes", typed)).status for _ in range(12)}
        assert statuses == {200, 429}, "a password is not found by trying"
    async with pages(tmp_path, second_factor=False) as (visitor, module):
        visitor.cookies["belisha"] = module.session
        assert (await visitor.get("/recovery-codes")).status == 404


async def test_without_a_second_factor_the_same_pages_ask_for_none(tmp_path: Path) -> None:
    async with pages(tmp_path, second_factor=False) as (visitor, module):
        page = await visitor.get("/join")
        assert page.status == 200 and "digits" not in page.text and "otpauth" not in page.text
        typed = {"token": "t", "username": "anna", "password": PASSWORD, "again": PASSWORD, "secret": "A" * 32}
        done = await visitor.post("/join", typed)
        assert done.status == 200 and "@anna:belisha.localhost" in done.text and "straight behind it" not in done.text
        assert module.asked == [("join", {"token": "t", "username": "anna", "password": PASSWORD})]
        module.answer = (403, {"errcode": "ORG.BELISHA.INVITATION", "error": "This token has expired."})
        refused = await visitor.post("/join", typed)
        assert refused.status == 400 and "This token has expired." in refused.text
        module.answer = (403, {"errcode": "ORG.BELISHA.CANNOT_DECIDE", "error": "hidden"})
        assert (await visitor.post("/join", typed)).status == 503
        statuses = [(await visitor.post("/join", typed)).status for _ in range(100)]
        assert statuses[20] == 503 and statuses[-1] == 429, "an office at once, and no flood"


async def test_where_organisations_sign_their_people_in_no_page_asks_for_a_password(tmp_path: Path) -> None:
    async with pages(tmp_path, second_factor=False, has_passwords=False) as (visitor, module):
        for path in ("/join", "/recover"):
            assert (await visitor.get(path)).status == 404
        page = await visitor.get("/sign-in")
        assert "/recover" not in page.text and "ask its help desk" in page.text
        assert module.asked == []


@pytest.mark.full
async def test_the_pages_are_for_everybody_to_use(tmp_path: Path) -> None:
    async with (
        pages(tmp_path) as (visitor, _),
        chromium() as browser,
        context(browser, viewport=PHONE) as profile,
    ):
        page = await profile.new_page()
        for path in ("/join", "/recover"):
            await page.goto(visitor.url + path)
            await assert_accessible(page)
            box = await page.locator(".qr svg").bounding_box()
            assert box is not None and box["width"] >= 150, "large enough for a camera"
