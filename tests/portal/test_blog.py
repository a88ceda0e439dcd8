"""Blogs on a real portal: posts written in a client, found and read by whom they are for, and gone when taken back."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import re
import sqlite3
from typing import Any
from urllib.parse import quote

import aiohttp
import nio
import pytest
import pytest_asyncio
import yaml

from tests.portal.support import HOSTILE, Here, Visitor, form_of, join, make_group
from tests.support.community import unique
from tests.support.files import png
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
TABLES = ("blog_post", "blog_tag", "blog_edit")


class Blogs:
    """One open blog, and one closed blog that ana is not in."""

    def __init__(self, here: Here) -> None:
        self.here = here
        self.open = here.groups["blog"]
        self.closed = here.groups["closed blog"]

    async def put(self, by: str, content: Json, room: str = "", kind: str = "m.room.message") -> str:
        path = f"{V3}/rooms/{quote(room or self.open)}/send/{kind}/{unique('t')}"
        status, body = await request(self.here.people[by], "PUT", path, content)
        assert status == 200, body
        return str(body["event_id"])

    async def write(self, by: str, body: str, room: str = "", **more: Any) -> str:
        return await self.put(by, {"msgtype": "m.text", "body": body, **more}, room)

    async def edit(self, by: str, event_id: str, body: str, room: str = "") -> str:
        new = {"msgtype": "m.text", "body": body}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        return await self.put(by, {**new, "body": f"* {body}", "m.new_content": new, "m.relates_to": relation}, room)

    async def redact(self, by: str, event_id: str, room: str = "") -> None:
        path = f"{V3}/rooms/{quote(room or self.open)}/redact/{quote(event_id)}/{unique('t')}"
        status, body = await request(self.here.people[by], "PUT", path, {})
        assert status == 200, body

    def address(self, event_id: str, room: str = "") -> str:
        return f"/blog/{quote(room or self.open, safe='')}/{quote(event_id, safe='')}"

    def kept(self, words: str) -> list[str]:
        """The tables of the bots in which something stands, the full-text index among them."""
        config = yaml.safe_load((self.here.server.place.rendered / "bots.yaml").read_text())
        path = config["database"].removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as database:
            return [
                table
                for table in (*TABLES, "blog_words_content", "blog_words_data", "inbox", "job")
                for row in database.execute(f"SELECT * FROM {table}")  # noqa: S608 - names above
                if words.encode() in b" ".join(_bytes(value) for value in row)
            ]

    async def found(self, visitor: Visitor, path: str, words: str) -> str:
        """A page, once it has these words."""

        async def has() -> str | None:
            page = await visitor.get(path)
            assert page.status == 200, page.text
            return page.text if words in page.text else await asyncio.sleep(0.5)

        return str(await until(has))

    async def gone(self, visitor: Visitor, path: str, words: str) -> str:
        async def has() -> str | None:
            page = await visitor.get(path)
            return await asyncio.sleep(0.5) if words in page.text else page.text or " "

        return str(await until(has))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest_asyncio.fixture(scope="module")
async def blogs(here: Here) -> Blogs:
    """Blogs of members of this file alone."""
    for name, organisation in (("bea", "harbour"), ("bo", "chandlers")):
        await join(here, name, organisation)
    for key, by, kind in (("blog", "bea", "open"), ("closed blog", "bo", "closed")):
        wish = {"kind": kind, "organisations": [], "purpose": "blog"}
        state = [{"type": "org.belisha.room", "state_key": "", "content": wish}]
        preset = "public_chat" if kind == "open" else "private_chat"
        await make_group(here, by, key, f"The {key}", preset, initial_state=state)
    await here.people["bo"].join(here.groups["blog"])
    return Blogs(here)


@pytest_asyncio.fixture(scope="module")
async def bea(here: Here, blogs: Blogs) -> Visitor:
    return await here.sign_in("bea")


@pytest_asyncio.fixture(scope="module")
async def bo(here: Here, blogs: Blogs) -> Visitor:
    return await here.sign_in("bo")


async def test_a_post_is_written_in_a_client_and_read_with_comments_and_versions(
    here: Here, blogs: Blogs, bea: Visitor, bo: Visitor
) -> None:
    body = "# Tide tables\n\nHashing them took **three** weeks. #tides #Harbour-work\n\n- one\n- two\n\n`#code`"
    event = await blogs.write("bea", body)
    await blogs.write("bea", "just a message, with #words and no heading")
    page = await blogs.found(bo, "/blog", "Tide tables")
    assert "Hashing them took three weeks" in page and "just a message" not in page
    assert "TLP:GREEN" in page and "#<bdi>tides</bdi>" in page and "code</bdi>" not in page
    comment = {"m.relates_to": {"rel_type": "m.thread", "event_id": event}}
    await blogs.write("bo", "Well *said*\n\n# not a title", **comment)
    await blogs.put(
        "bo", {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": "👍"}}, "", "m.reaction"
    )
    text = (await bea.get(blogs.address(event))).text
    assert "<h1><bdi>Tide tables</bdi></h1>" in text and "<strong>three</strong>" in text and "<li>one</li>" in text
    assert "1 comment" in text and "Well <em>said</em>" in text and "<bdi>👍</bdi> 1" in text
    assert "changed" not in text and "[TLP:GREEN]" not in text, "the label is the page's, and no part of the title"
    edited = await blogs.edit("bea", event, body.replace("three", "two").replace("#tides", "#currents"))
    text = await blogs.found(bo, blogs.address(event), "<strong>two</strong>")
    assert "changed <time" in text and "Well <em>said</em>" in text
    versions = (await bo.get(f"{blogs.address(event)}/versions")).text
    assert "<del>three</del>" in versions and "<ins>two</ins>" in versions and "<del>Tide" not in versions
    assert "#<bdi>currents</bdi>" in await blogs.gone(bo, "/blog", "#<bdi>tides</bdi>")
    await blogs.redact("bea", edited)
    assert "<strong>three</strong>" in await blogs.found(bo, blogs.address(event), "<strong>three</strong>")
    await blogs.found(bo, "/blog?tag=TIDES", "1 post")
    assert (await bo.get(f"{blogs.address(event)}/versions")).text.count("<option") == 0
    for query, there in (("hash table", True), ("%22tide+table%22", True), ("%22table+tide%22", False), ("!!", False)):
        assert ("Tide tables" in (await bo.get(f"/blog?q={quote(query, safe='%+')}")).text) is there, query
    said = await here.asked("bo", "!posts hashing --tag tides")
    assert "Tide tables" in said and "by bea in “The blog”" in said.replace("Bea", "bea") and "TLP:GREEN" in said
    assert "No post that you can read has that" in await here.asked("bo", "!posts lobster")


async def test_who_is_not_in_a_blog_finds_nothing_of_it(here: Here, blogs: Blogs, bea: Visitor, bo: Visitor) -> None:
    await blogs.write("bea", "# Open lights\n\nAbout #lanterns for all")
    await blogs.found(bo, "/blog", "Open lights")
    paths = ("/blog", "/blog?tag=lanterns", "/blog?q=lights", "/blog?q=quayside", "/blog?tag=quays", "/blog?page=2")
    before = [(await bea.get(path)).text for path in paths]
    said = await here.asked("bea", "!posts lights")
    secret = await blogs.write("bo", "# Quayside lights\n\nFor the few #quays #lanterns", blogs.closed)
    assert "Open lights" in await blogs.found(bo, "/blog?q=lights", "Quayside lights")
    assert "TLP:AMBER" in (await bo.get("/blog?q=lights")).text, "the strictest of what is on the page"
    assert [(await bea.get(path)).text for path in paths] == before, "byte for byte, as if it were not there (P2)"
    assert await here.asked("bea", "!posts lights") == said
    address = blogs.address(secret, blogs.closed)
    for path in (address, f"{address}/versions", blogs.address(secret), blogs.address("$nothing", blogs.closed)):
        assert (await bea.get(path)).status == 404, path
    assert f"?group={quote(blogs.closed, safe='')}" not in before[0]
    assert "Quayside" not in (await bea.get(f"/blog?group={quote(blogs.closed, safe='')}")).text
    # In and out again: decided at that moment, and from the moment of coming in where the past is not for newcomers.
    bea_id = str(here.people["bea"].user_id)
    assert isinstance(await here.people["bo"].room_invite(blogs.closed, bea_id), nio.RoomInviteResponse)
    assert isinstance(await here.people["bea"].join(blogs.closed), nio.JoinResponse)
    assert "Quayside lights" in (await bea.get("/blog")).text and (await bea.get(address)).status == 200
    await here.people["bea"].room_leave(blogs.closed)
    assert "Quayside" not in (await bea.get("/blog")).text and (await bea.get(address)).status == 404


async def test_where_the_past_is_for_those_who_were_there_newcomers_find_nothing_of_it(
    here: Here, blogs: Blogs, bea: Visitor, bo: Visitor
) -> None:
    path = f"{V3}/rooms/{quote(blogs.closed)}/state/m.room.history_visibility"
    assert (await request(here.people["bo"], "PUT", path, {"history_visibility": "joined"}))[0] == 200
    early = await blogs.write("bo", "# Early words\n\n#early", blogs.closed)
    await blogs.found(bo, "/blog", "Early words")
    bea_id = str(here.people["bea"].user_id)
    assert isinstance(await here.people["bo"].room_invite(blogs.closed, bea_id), nio.RoomInviteResponse)
    assert isinstance(await here.people["bea"].join(blogs.closed), nio.JoinResponse)
    await blogs.write("bo", "# Later words\n\n#later", blogs.closed)
    page = await blogs.found(bea, "/blog", "Later words")
    assert "Early words" not in page and "early</bdi>" not in page
    assert (await bea.get(blogs.address(early, blogs.closed))).status == 404
    await here.people["bea"].room_leave(blogs.closed)


async def test_what_is_taken_back_is_gone_everywhere(here: Here, blogs: Blogs, bea: Visitor, bo: Visitor) -> None:
    mine = await blogs.write("bea", "# Wreckage\n\nwreckwords #wrecktag")
    theirs = await blogs.write("bea", "# Flotsam\n\nflotwords #flottag")
    reply = await blogs.write("bo", "a jetsam comment", **{"m.relates_to": {"rel_type": "m.thread", "event_id": mine}})
    await blogs.found(bo, "/blog", "Flotsam")
    await blogs.found(bo, blogs.address(mine), "a jetsam comment")
    await blogs.redact("bo", reply)
    assert "0 comments" in await blogs.gone(bo, blogs.address(mine), "jetsam")
    assert blogs.kept("Wreckage") and blogs.kept("flottag")
    await blogs.redact("bea", mine)
    assert (await bo.get(blogs.address(mine))).status == 404, "at once"
    # The steward's own redactions, by which retention and moderation take items back, are news too.
    steward = f"@belisha_steward:{here.server.name}"
    path = f"{V3}/rooms/{quote(blogs.open)}/redact/{quote(theirs)}/{unique('t')}?user_id={steward}"
    token = (here.server.data / "secrets" / "as_token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.put(here.server.url + path, json={}, headers=headers) as done,
    ):
        assert done.status == 200, await done.text()
    for words in ("Wreckage", "Flotsam"):
        await blogs.gone(bo, "/blog", words)

    async def erased() -> bool:
        return not any(blogs.kept(words) for words in ("Wreckage", "wrecktag", "Flotsam", "flottag", "wreckword"))

    assert await until(erased), "from every table, and from the full-text index within a minute (E1)"


async def test_a_markdown_file_is_a_post_that_the_file_gate_opens(
    here: Here, blogs: Blogs, bea: Visitor, bo: Visitor
) -> None:
    text = (
        "# All the tides\n\n"
        + "A line of the table, #yearly.\n\n" * 2500
        + "<script>alert(1)</script>\n\nThe end of it."
    )
    address = await uploaded(here, "bea", text.encode(), "all_tides.md", "text/markdown")
    content = {"msgtype": "m.file", "body": "Every tide of #2026ish #year", "filename": "all_tides.md", "url": address}
    event = await blogs.put("bea", content)
    listed = await blogs.found(bo, "/blog?q=every+tide", "all tides")
    assert "Every tide of" in listed and "The end of it" not in listed
    page = (await bo.get(blogs.address(event))).text
    assert "<h1><bdi>All the tides</bdi></h1>" in page and "The end of it." in page and "<script>alert" not in page
    assert "#<bdi>year</bdi>" in page and "#<bdi>yearly</bdi>" in page
    assert not blogs.kept("The end of it"), "nothing of the file is in the index"
    media_id = address.rpartition("/")[2]
    status, _ = await here.server.local("POST", f"files/{media_id}/withdraw", {})
    assert status == 200
    page = (await bo.get(blogs.address(event))).text
    assert "cannot be shown here" in page and "The end of it" not in page and "Every tide of" in page
    large = await uploaded(here, "bea", b"# Large\n\n" + b"word " * 30_000, "large.md", "text/markdown")
    event = await blogs.put("bea", {"msgtype": "m.file", "body": "large.md", "url": large})
    assert "larger than 128 KiB" in (await bo.get(blogs.address(event))).text
    fake = await uploaded(here, "bea", png(9), "fake.md", "text/markdown")
    event = await blogs.put("bea", {"msgtype": "m.file", "body": "fake.md", "url": fake})
    assert "cannot be shown here" in (await bo.get(blogs.address(event))).text


async def uploaded(here: Here, name: str, data: bytes, file: str, kind: str) -> str:
    """The address of a file that a member has uploaded and that was read."""
    url = f"{here.server.url}/_matrix/media/v3/upload?filename={file}"
    headers = {"Authorization": f"Bearer {here.people[name].access_token}", "Content-Type": kind}
    async with aiohttp.ClientSession() as session, session.post(url, data=data, headers=headers) as done:
        assert done.status == 200, await done.text()
        return str((await done.json())["content_uri"])


async def test_markup_of_a_post_does_nothing_and_loads_nothing_from_outside(
    here: Here, blogs: Blogs, bea: Visitor, bo: Visitor
) -> None:
    data, name = png(7), unique("picture")
    ours = await uploaded(here, "bea", data, f"{name}.png", "image/png")
    formatted = (
        f"<h1>Hostile {name}</h1><p onclick='x'>a<script>alert(1)</script><img src='{ours}' alt='ours'>"
        "<img src='https://evil.example/a.png' alt='theirs'>"
        "<a href='javascript:alert(2)'>x</a><iframe src='https://evil.example'></iframe><style>*{}</style>"
        '<span style="background:url(https://evil.example/b)">s</span><svg onload=alert(3)><form action=/sign-out>'
    )
    event = await blogs.put(
        "bea",
        {"msgtype": "m.text", "body": "x", "format": "org.matrix.custom.html", "formatted_body": formatted},
    )
    await blogs.write(
        "bea", f"# {HOSTILE}\n\n{HOSTILE}\n\n![x](https://evil.example/c.png) \u202eturned " + "#t9x " * 10
    )
    page = await blogs.found(bo, blogs.address(event), f"Hostile {name}")
    for bad in ("alert(", "evil.example", "onclick", "<iframe", "<svg", "<form action=/sign-out", "style="):
        assert bad not in page.partition('<main id="content"')[2], bad
    assert f'<img src="/pictures/{ours.rpartition("/")[2]}" alt="ours"' in page
    assert "[theirs]" in page
    listed = await blogs.found(bo, "/blog", "&lt;script&gt;alert(2)")
    assert "<script>alert" not in listed and "evil.example" not in listed.replace("https://evil.example/c.png", "")
    url = f"{here.url}/pictures/{ours.rpartition('/')[2]}"
    async with aiohttp.ClientSession(cookies=bo.cookies) as session, session.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png") and await answer.read() == data
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    outsider = await here.sign_in("mallory")
    assert (await outsider.get(f"/pictures/{ours.rpartition('/')[2]}")).status == 404, "not in the blog"
    assert (await outsider.get("/pictures/nothing")).status == 404


async def test_nothing_of_a_private_conversation_is_a_post(here: Here, blogs: Blogs, bea: Visitor) -> None:
    bo_id = str(here.people["bo"].user_id)
    made = await here.people["bea"].room_create(
        is_direct=True, invite=[bo_id], preset=nio.RoomPreset("trusted_private_chat")
    )
    assert isinstance(made, nio.RoomCreateResponse), made
    event = await blogs.write("bea", "# Between us\n\n#between", made.room_id)
    await blogs.write("bea", "# A marker in the stream")
    page = await blogs.found(bea, "/blog", "A marker in the stream")
    assert "Between us" not in page and "between</bdi>" not in page
    assert (await bea.get(blogs.address(event, made.room_id))).status == 404
    assert not blogs.kept("Between us")


async def test_a_post_is_written_on_a_page_and_shown_as_it_will_be(here: Here, blogs: Blogs, bea: Visitor) -> None:
    page = await bea.get(f"/blog/write?group={quote(blogs.open, safe='')}")
    assert f'<option value="{blogs.open}" selected>' in page.text and blogs.closed not in page.text
    written = {"form": form_of(page.text), "room": blogs.open, "title": "By hand", "text": "Some **words** #byhand"}
    shown = await bea.post("/blog/write", {**written, "label": "", "step": "preview"})
    assert "<h1><bdi>By hand</bdi></h1>" in shown.text and "<strong>words</strong>" in shown.text
    assert "#<bdi>byhand</bdi>" in shown.text and "TLP:GREEN" in shown.text and "data-publish" not in shown.text
    copied = re.search(r'<textarea id="copy"[^>]*>\n?(.*?)</textarea>', shown.text, re.DOTALL)
    assert copied is not None and html.unescape(copied[1]) == "# By hand\n\nSome **words** #byhand"
    changed = await bea.post("/blog/write", {**written, "label": "", "step": "change"})
    assert "Some **words** #byhand</textarea>" in changed.text
    inside = await here.in_widget("bea")
    form = form_of((await inside.get("/blog/write")).text)
    sent = await inside.post("/blog/write", {**written, "form": form, "label": "TLP:CLEAR", "step": "preview"})
    content = json.loads(html.unescape((re.search(r'data-content="([^"]*)"', sent.text) or [""] * 2)[1]))
    assert "data-publish" in sent.text and content["org.belisha.tlp"] == {"label": "TLP:CLEAR"}
    event = await blogs.put("bea", content)
    assert "TLP:CLEAR" in await blogs.found(bea, blogs.address(event), "<strong>words</strong>")
    for wrong, words in (
        ({"title": " "}, "Please give your post a title"),
        ({"text": " \n"}, "Please write something below"),
        ({"text": "x" * 20_001}, "longer than a message can be"),
        ({"text": "`<>` " * 3900}, "longer than a message can be"),
        ({"label": "TLP:RED"}, "stricter than this blog can carry (TLP:GREEN)"),
        ({"label": "TLP:PINK"}, "Please choose one of the labels"),
        ({"room": blogs.closed}, "Please choose a blog that you are in"),
        ({"room": here.groups["open"]}, "Please choose a blog that you are in"),
    ):
        refused = await bea.post("/blog/write", {**written, "label": "", "step": "preview", **wrong})
        assert refused.status == 400 and words in refused.text, words
    hostile = await bea.post("/blog/write", {**written, "title": HOSTILE, "text": HOSTILE, "step": "preview"})
    assert hostile.status == 200 and "<script>alert" not in hostile.text and "<img src=x" not in hostile.text
