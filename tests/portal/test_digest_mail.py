"""Digests by mail on the portal: the code's form, and the link in each mail that ends them, without signing in."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest

from bots.kernel.config import load
from bots.portal.keys import Keys
from tests.portal.support import OWN, Here, Visitor, form_of
from tests.portal.test_commands import last_of_steward
from tests.support.patience import until

pytestmark = pytest.mark.more

ADDRESS = "dora@reef.test"


def keys(here: Here) -> Keys:
    portal = load(here.server.place.rendered / "bots.yaml").portal
    assert portal is not None
    return Keys(portal.secret())


def mail_off(here: Here, handle: str = "0" * 32) -> str:
    """The page that a link in a mail leads to."""
    return f"/digest-mail/{handle}.{keys(here).mail_off(handle)}"


def addresses(here: Here, *new: tuple[Any, ...]) -> list[str]:
    """Whose address is known, once these are."""
    with closing(sqlite3.connect(here.server.data / "bots.db", timeout=30)) as database, database:
        insert = (
            "INSERT INTO digest_address (user_id, address, state, asked_at, handle) VALUES (?, ?, 'confirmed', ?, ?)"
        )
        database.executemany(insert, new)
        return [one[0] for one in database.execute("SELECT user_id FROM digest_address")]


async def test_the_link_in_a_mail_ends_them_with_one_press(here: Here) -> None:
    user, handle, path = here.people["ana"].user_id, "a" * 32, mail_off(here, "a" * 32)

    async def is_listed() -> bool:
        with closing(sqlite3.connect(here.server.data / "bots.db", timeout=30)) as database:
            found = database.execute("SELECT 1 FROM directory_member WHERE user_id = ?", (user,))
            return found.fetchone() is not None

    await until(is_listed)
    assert user in addresses(here, (user, ADDRESS, time.time(), handle))
    reader = Visitor(here.url)
    for address, status in ((path, 200), (path[:-1], 404), (f"{path}0", 404), (f"/digest-mail/{handle}", 404)):
        answer = await reader.get(address)
        assert answer.status == status and user not in answer.text and ADDRESS not in answer.text
        assert ("Send me no more of them" in answer.text) is (status == 200)
        assert status == 200 or "This link was not made here" in answer.text
    assert user in addresses(here), "whoever looks at a link has changed nothing"
    wrong = await reader.ask("POST", f"{path[:-1]}0" if path[-1] != "0" else f"{path[:-1]}1", {}, {})
    assert wrong.status == 404 and "Copy it whole" in wrong.text and user in addresses(here)
    # As a mail server sends it (RFC 8058): from anywhere, without a cookie, in either of the two encodings.
    done = await reader.ask("POST", path, {"Sec-Fetch-Site": "cross-site"}, {"List-Unsubscribe": "One-Click"})
    assert done.status == 200 and "Done: no more digests are mailed" in done.text and user not in addresses(here)
    parts = {"Content-Type": "multipart/form-data; boundary=x"}
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    again = await reader.ask("POST", path, parts, body)
    assert again.status == 200 and "Done" in again.text, "once more is no harm"
    await last_of_steward(here, "ana", "Your digest is mailed no more")


async def test_whoever_presses_without_end_waits(here: Here) -> None:
    reader = Visitor(here.url)
    reader.patient = False
    headers = {"X-Forwarded-For": "192.0.2.81"}
    for _ in range(40):
        answer = await reader.ask("POST", "/digest-mail/0", headers, {})
        if answer.status == 429:
            break
        assert answer.status == 404
    assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0 and "Too many requests" in answer.text


async def test_the_forms_say_what_the_chat_says(here: Here, ana: Visitor) -> None:
    form = (await ana.get("/commands/digest-code?its-code=123456")).text
    assert 'value="123456"' in form, "as the link in the mail brings it"
    once = form.split('name="once" value="')[1].split('"')[0]
    fields = {"form": form_of(form), "once": once, "its-code": "123456"}
    assert "No address waits for a code" in (await ana.post("/commands/digest-code", fields, OWN)).text
    form = (await ana.get("/commands/digest-mail")).text
    once = form.split('name="once" value="')[1].split('"')[0]
    fields = {"form": form_of(form), "once": once, "its-address": ADDRESS}
    assert "This community sends no mail" in (await ana.post("/commands/digest-mail", fields, OWN)).text
