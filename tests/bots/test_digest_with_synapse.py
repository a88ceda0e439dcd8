"""Digests of a small scripted community beside a real Synapse: word for word, and held to what each member can read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote, unquote

import pytest
import pytest_asyncio

from belisha.resources import shipped
from belisha.settings import load
from bots.digest.facts import SETTLES_S
from tests.bots.support import BotsProcess
from tests.support.community import Community, settle
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.server import Server, ended, request
from tests.support.smtp import Mailserver, mailserver
from tests.support.upgrade import path_of
from tests.synapse.samples import text, thread
from tests.synapse.test_groups import own_room
from tests.synapse.test_room_freezing import group

#: `make test-full` has digests of two hundred members in `test_digest_model.py`, and mails in `test_digest_mail.py`.
pytestmark = [pytest.mark.full, pytest.mark.nightly]

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
_LINK = re.compile(r"https://matrix\.to/#/([^/\s]+)/(\$[^?\s]+)\?via=\S+?(?=\))")


@dataclass
class Here:
    """A community and its bots; each member's digest is asked for by making it due."""

    community: Community
    bots: BotsProcess
    mail: Mailserver

    def now(self, *jobs: str) -> None:
        """Makes jobs that come every minute come now."""
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            connection.executemany("UPDATE job SET due = 0 WHERE name = ?", [(job,) for job in jobs])

    def due(self) -> None:
        """Makes everybody's digest due now, a minute and more after what there is arrived."""
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            connection.execute("UPDATE digest_message SET arrived = arrived - ?", (int(SETTLES_S * 1000) + 1000,))
            connection.execute("UPDATE digest_member SET due = 0, since = since - ?", (SETTLES_S + 1,))
        self.now("digest plan")

    def facts(self) -> dict[str, str]:
        """What the bots keep of messages: the room of each."""
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            return dict(connection.execute("SELECT event_id, room_id FROM digest_message").fetchall())

    def members(self) -> int:
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM digest_member").fetchone()[0])

    def addresses(self) -> dict[str, str]:
        """How far each member's address is."""
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            return dict(connection.execute("SELECT user_id, state FROM digest_address").fetchall())

    async def mailed(self, name: str) -> list[EmailMessage]:
        """The digests that were mailed to a member, the newest first."""
        found = self.mail.to(f"{name}@harbour.test")
        return [one for one in reversed(found) if str(one["Subject"]).startswith("[TLP:")]

    async def digests(self, name: str) -> list[Json]:
        """The digests that a member has got, the newest first."""
        room = await own_room(self.community, name)
        path = f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=50"
        status, body = await request(self.community[name], "GET", path)
        assert status == 200, body
        told = [one["content"] for one in body["chunk"] if one["type"] == "m.room.message"]
        return [one for one in told if "What is new for you" in str(one.get("body"))]


@pytest_asyncio.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Here]:
    example = load(shipped("config", "belisha.example.yaml"))
    with mailserver() as mail:
        settings = example.model_copy(update={"mail": example.mail.model_copy(update=mail.settings)})
        async with running(Server(tmp_path_factory.mktemp("digests") / "data", settings), mail) as found:
            yield found


@asynccontextmanager
async def running(server: Server, mail: Mailserver) -> AsyncIterator[Here]:
    bots = BotsProcess(server.place.rendered / "bots.yaml")
    with ended(server):
        await server.start()
        community = await settle(server, samples=False)
        try:
            await bots.start()
            yield Here(community, bots, mail)
        finally:
            bots.end()
            await community.close()


async def say(here: Here, room: str, body: str, by: str, **more: Any) -> str:
    found = await here.community[by].room_send(room, "m.room.message", {**text(body), **more})
    return str(found.event_id)


def naming(here: Here, *names: str) -> Json:
    return {"m.mentions": {"user_ids": [here.community.id(name) for name in names]}}


def lines(digest: Json) -> list[str]:
    return [_LINK.sub("", one).replace(" ()", "") for one in digest["body"].splitlines() if one.startswith("•")]


async def test_a_scripted_community_has_these_digests_and_nothing_forbidden(here: Here) -> None:
    community = here.community

    async def everybody_is_listed() -> bool:
        here.now("directory listing", "digest plan")
        return here.members() == len(community.people) - 1  # the steward is a bot

    await until(everybody_is_listed)
    room, left = await group(community, "closed", "ben", "dina"), await group(community, "closed", "ben", "dina")
    mine = await say(here, room, "TLP:GREEN A first word on lighthouses", "ben")
    await say(here, room, "TLP:AMBER An answer on lighthouses", "dina", **thread(mine))
    await say(here, room, "TLP:GREEN Who knows lighthouses?", "ana", **naming(here, "ben", "dina"))
    await say(here, room, "TLP:GREEN Dina does", "dina", **{"m.relates_to": {"m.in_reply_to": {"event_id": mine}}})
    gone = await say(here, room, "Taken back", "ana", **naming(here, "ben"))
    hidden = await say(here, left, "TLP:AMBER Who is there?", "ana", **naming(here, "ben", "dina"))
    secret = await say(here, community.rooms["named"], "TLP:RED lighthouse", "ana", **naming(here, "finn"))

    async def all_is_kept() -> bool:
        return {gone, hidden} <= set(here.facts())

    await until(all_is_kept)
    await _by_mail(here, "ben")
    assert (await request(community["ben"], "POST", path_of(left, "leave"), {}))[0] == 200
    assert (await community["ana"].room_redact(room, gone)).event_id

    async def is_forgotten() -> bool:
        return gone not in here.facts()

    await until(is_forgotten)
    assert secret not in here.facts() and community.rooms["named"] not in here.facts().values()
    here.due()
    ben = (await until(lambda: here.digests("ben")))[0]
    dina = (await until(lambda: here.digests("dina")))[0]
    _, name = await request(community["ana"], "GET", f"{V3}/rooms/{quote(room)}/state/m.room.name")
    _, other = await request(community["ana"], "GET", f"{V3}/rooms/{quote(left)}/state/m.room.name")
    at = r"\d{4}-\d\d-\d\d \d\d:\d\d \(Europe/London\)"
    named, thread_of = (re.escape(one) for one in (f"• Ana (Harbour) named you in {name['name']}", name["name"]))
    told = lines(ben)
    assert len(told) == 2, told
    assert re.fullmatch(rf"{named}, {at}, and you have not answered\.", told[0])
    assert re.fullmatch(rf"• 1 new in a thread in {thread_of} in which you wrote\.", told[1])
    assert ben["org.belisha.tlp"]["label"] == "TLP:AMBER" and ben["body"].startswith("[TLP:AMBER] ")
    assert [one.split(",")[0] for one in lines(dina)] == [
        f"• Ana (Harbour) named you in {name['name']}",
        f"• Ana (Harbour) named you in {other['name']}",
    ]
    mailed = await until(lambda: here.mailed("ben"))
    assert lines({"body": _text(mailed[0])}) == [told[0]], "of the two, that at TLP:GREEN"
    _assert_golden(here, mailed[0], told[0])
    assert await here.digests("finn") == [], "of a room of named people nothing is told"
    for member in ("ana", "ben", "cora", "dina", "emil", "finn", "mona"):
        for digest in await here.digests(member):
            await _holds(here, member, digest)
    await _holds(here, "ben", {"body": _text(mailed[0]), "org.belisha.tlp": {"label": "TLP:GREEN"}})
    await _decided_anew(here, room)


async def _by_mail(here: Here, name: str) -> None:
    """Has a member confirm an address of their organisation's, by the code that goes there."""
    about = {"name": "Harbour", "category": "charity", "domains": ["harbour.test"]}
    assert (await here.community.server.local("PUT", "organisations/harbour", about))[0] == 200
    own = await own_room(here.community, name)
    await say(here, own, f"!digest mail {name}@harbour.test", name)

    async def code() -> str | None:
        found = here.mail.to(f"{name}@harbour.test")
        return re.findall(r"!digest code ([0-9]{6})", found[0].get_content().replace("=\r\n", ""))[0] if found else None

    await say(here, own, f"!digest code {await until(code)}", name)

    async def is_confirmed() -> bool:
        return here.addresses() == {here.community.id(name): "confirmed"}

    await until(is_confirmed)


def _text(mail: EmailMessage) -> str:
    part = next(iter(mail.iter_parts()))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def _assert_golden(here: Here, mail: EmailMessage, line: str) -> None:
    """The whole mail but for links, moments and random ids."""
    text = _LINK.sub("LINK", _text(mail))
    off, portal = mail["List-Unsubscribe"].strip("<>"), re.escape(here.community.server.place.portal)
    assert re.fullmatch(rf"{portal}/digest-mail/[0-9a-f]{{32}}\.[0-9a-f]{{64}}", off)
    head, title, since, point, above, rest = text.replace(off, "OFF").split("\n\n", 5)
    assert (head, title) == ("TLP:GREEN", "What is new for you") and since.startswith("Since ")
    assert point.startswith("• Ana (Harbour) named you in ") and point.endswith(", and you have not answered.")
    assert above == "Something new in 1 of your groups is above what mail may carry: you find it in Element."
    assert rest == (
        "To have this more or less often, write !digest.\n\n-- \n"
        "This mail is for you alone. Its label says how far you may pass it on.\n"
        "To get no more of them: OFF\n\nTLP:GREEN\n"
    )
    assert mail["Subject"] == f"[TLP:GREEN] Your digest of {here.community.server.settings.community.name}"
    html = str(list(mail.iter_parts())[1].get_content())
    links = set(re.findall(r'(?:src|href|action)="([^"]*)', html))
    assert off in links and len(links) == 2 and line.split(",")[0].rpartition(" named")[0].strip("• ") in html


async def _decided_anew(here: Here, room: str) -> None:
    """What is taken back, or made stricter, while the mail server lets a mail wait, is not in it when it leaves."""
    asked, before = here.mail.asked, len(await here.mailed("ben"))
    here.mail.at_data = "451 later"
    said = [await say(here, room, f"TLP:GREEN Lantern {number}", "ana", **naming(here, "ben")) for number in range(3)]

    async def is_kept() -> bool:
        return set(said) <= set(here.facts())

    async def was_tried() -> bool:
        return here.mail.asked > asked

    await until(is_kept)
    here.due()
    await until(was_tried)
    assert (await here.community["ana"].room_redact(room, said[0])).event_id
    stricter = relabel(said[1], "TLP:AMBER")
    assert (await here.community["ana"].room_send(room, "org.belisha.relabel", stricter)).event_id
    here.mail.at_data = "250 taken"

    async def came() -> list[EmailMessage]:
        return (await here.mailed("ben"))[: -before or None]

    (mail,) = await until(came)
    assert said[2] in _text(mail) and not any(one in mail.as_string() for one in (*said[:2], "Lantern"))
    assert "in 1 of your groups" in _text(mail)


async def _holds(here: Here, member: str, digest: Json) -> None:
    """Everything that a digest leads to, the member reads in that moment by their own client; no word is in it."""
    client, links = here.community[member], _LINK.findall(digest["body"])
    assert links and len(links) == len([one for one in digest["body"].splitlines() if one.startswith("•")])
    joined = set((await request(client, "GET", f"{V3}/joined_rooms"))[1]["joined_rooms"])
    order = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT"]
    strictest = 1
    for room, event_id in links:
        room_id = unquote(room)
        assert room_id in joined and room_id != here.community.rooms["named"], member
        status, event = await request(client, "GET", f"{V3}/rooms/{quote(room_id)}/event/{quote(event_id)}")
        assert status == 200 and event["content"].get("body"), "what was taken back leads nowhere"
        strictest = max(strictest, order.index(event["content"]["org.belisha.tlp"]["label"]))
    assert order.index(digest["org.belisha.tlp"]["label"]) >= strictest
    assert "lighthouse" not in str(digest) and "Taken back" not in str(digest)
