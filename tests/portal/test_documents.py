"""The library on a real portal: found and read by who is in the group, saved with a label, gone when taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from tests.bots.support import STEWARD
from tests.portal.support import HOSTILE, Here, Visitor, join, make_group, share
from tests.support.patience import until
from tests.support.producers import drawn
from tests.support.server import request

pytestmark = pytest.mark.more


@pytest_asyncio.fixture(scope="module")
async def dora(here: Here) -> Visitor:
    """A browser of Dora's, who is in the library's group with Lars, its maker."""
    for name, organisation in (("dora", "harbour"), ("lars", "chandlers"), ("olga", "chandlers")):
        await join(here, name, organisation)
    invited = [here.people["dora"].user_id]
    await make_group(here, "lars", "shelf", "The shelf", "private_chat", invite=invited)
    await here.people["dora"].join(here.groups["shelf"])
    return await here.sign_in("dora")


@pytest_asyncio.fixture(scope="module")
async def lars(here: Here, dora: Visitor) -> Visitor:
    return await here.sign_in("lars")


@pytest_asyncio.fixture(scope="module")
async def olga(here: Here, dora: Visitor) -> Visitor:
    """Nobody in that group."""
    return await here.sign_in("olga")


def address_of(here: Here, event_id: str, group: str = "shelf") -> str:
    return f"/documents/{quote(here.groups[group], safe='')}/{quote(event_id, safe='')}"


async def saved(visitor: Visitor, media_id: str, made: str = "copy") -> tuple[int, bytes, Mapping[str, str]]:
    """A copy, as a browser saves it, or a `preview`, as it shows that."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(f"{visitor.url}/documents/{made}/{media_id}", headers={"Cookie": cookies}) as answer,
    ):
        return answer.status, await answer.read(), answer.headers


async def test_files_of_my_groups_are_found_and_saved(here: Here, dora: Visitor, lars: Visitor, olga: Visitor) -> None:
    data = drawn()
    event_id, media_id = await share(here, "Tide tables 2026.pdf", data, group="shelf", by="lars")
    page = await dora.get("/documents?q=TABLES+tide")
    assert page.status == 200 and "Tide tables 2026.pdf" in page.text and address_of(here, event_id) in page.text
    assert "TLP:AMBER" in page.text and "The shelf" in page.text
    assert "Tide tables" not in (await dora.get("/documents?q=tide+moon")).text
    one = await dora.get(address_of(here, event_id))
    assert one.status == 200 and f"/documents/copy/{media_id}" in one.text and "Who has it" not in one.text
    status, copy, headers = await saved(dora, media_id)
    assert status == 200 and copy.startswith(data) and len(copy) > len(data)
    assert headers["Cache-Control"] == "private, no-store"
    assert 'filename="TLP-AMBER-Tide-tables-2026.pdf"' in headers["Content-Disposition"]
    assert "script-src" in headers["Content-Security-Policy"]
    # To others there is nothing: in the list, at its address, as a copy, nor in the group that they name.
    assert "Tide tables" not in (await olga.get("/documents")).text
    assert (await olga.get(address_of(here, event_id))).status == 404
    assert (await saved(olga, media_id))[0] == 404
    other = await olga.get(f"/documents?group={quote(here.groups['shelf'], safe='')}")
    assert other.status == (await olga.get("/documents?group=%21nowhere")).status == 404

    async def known() -> bool:
        mine = await lars.get(address_of(here, event_id))
        return "dora</bdi>" in mine.text.lower() and "saved a copy" in mine.text

    assert await until(known), "its source sees who has it"
    assert "saved a copy" not in (await dora.get(address_of(here, event_id))).text


async def test_a_file_shows_how_it_begins(here: Here, dora: Visitor, lars: Visitor, olga: Visitor) -> None:
    """On its page, to who may have a copy, in a confirmed browser; its source sees who has seen it; gone with it."""
    kind = {"info": {"mimetype": "application/pdf"}}
    event_id, media_id = await share(here, "Harbour plan.pdf", drawn(), group="shelf", by="lars", **kind)
    words, _ = await share(here, "Harbour.txt", b"words", group="shelf", by="lars")
    page = (await dora.get(address_of(here, event_id))).text
    shown = f'<img src="/documents/preview/{media_id}" alt="The first page of the file, small, with its label'
    assert shown in page and 'loading="lazy"' in page and "stand on your copy and on the small picture" in page
    assert "/documents/preview/" not in (await dora.get(address_of(here, words))).text
    assert "saw how it begins" not in (await lars.get(address_of(here, event_id))).text, "a page alone shows none"
    status, jpeg, headers = await saved(dora, media_id, "preview")
    assert (status, jpeg[:2], headers["Content-Type"]) == (200, b"\xff\xd8", "image/jpeg")
    assert headers["Cache-Control"] == "private, no-store" and "script-src" in headers["Content-Security-Policy"]
    assert (await saved(olga, media_id, "preview"))[0] == 404

    async def known() -> bool:
        return "saw how it begins" in (await lars.get(address_of(here, event_id))).text

    assert await until(known), "its source sees who has seen it"
    unconfirmed = await here.in_widget("dora")
    assert "/documents/preview/" not in (await unconfirmed.get(address_of(here, event_id))).text
    assert (await unconfirmed.get(f"/documents/preview/{media_id}")).location == "/confirm"
    await here.people["lars"].room_redact(here.groups["shelf"], event_id)
    assert (await saved(dora, media_id, "preview"))[0] == 404


@pytest.mark.full
async def test_the_chat_tells_of_files_until_they_change(here: Here, dora: Visitor, lars: Visitor) -> None:
    """Decided when it is asked; an answer that names a file goes with the file (rules P2 and E1)."""
    event_id, media_id = await share(here, "Moon tables.pdf", b"words", group="shelf", by="lars", body="Of #May")
    kept, _ = await share(here, "Star tables.pdf", b"other words", group="shelf", by="lars")
    asked = await here.say("dora", "!docs moon")
    answer = await here.answer("dora", asked)
    assert "TLP:AMBER: Moon tables.pdf" in answer and here.url + address_of(here, event_id) in answer
    assert "by Lars (Chandlers) in “The shelf”" in answer and "Star tables" not in answer
    other = await here.say("dora", "!docs find star")
    assert "Star tables.pdf" in await here.answer("dora", other)
    link = f"https://matrix.to/#/{here.groups['shelf']}/{event_id}"
    for about in ("moon tables", link):
        told = await here.asked("dora", f"!docs info {about}")
        assert "Moon tables.pdf" in told and "Of #May" in told, about
    assert "Moon tables.pdf" in await here.asked("dora", "!docs versions moon tables")
    assert "Only who has uploaded" in await here.asked("dora", "!docs who moon tables")
    assert (await saved(dora, media_id))[0] == 200

    async def known() -> bool:
        return "Dora (Harbour) saved a copy" in await here.asked("lars", "!docs who moon tables")

    assert await until(known)
    # Of a group that they are not in, nobody hears: neither by words nor by a link.
    for name, words in (("olga", "moon"), ("olga", link)):
        told = await here.asked(name, f"!docs info {words}")
        assert "Moon" not in told and "no file" in told
    await here.people["lars"].room_redact(here.groups["shelf"], event_id)
    assert "no file" in await here.asked("dora", "!docs find moon")

    async def went(name: str, to: str) -> bool:
        return not await said_to(here, name, to)

    assert await until(lambda: went("dora", asked)), "the answer is taken back"
    assert await said_to(here, "dora", other), "and no other"
    path = f"/_matrix/client/v3/rooms/{quote(here.services['lars'])}/messages?dir=b&limit=50"

    async def forgotten() -> bool:
        _, body = await request(here.people["lars"], "GET", path)
        said = [str(one["content"]) for one in body["chunk"] if one["sender"] == STEWARD]
        return not any("saved a copy" in one for one in said)

    assert await until(forgotten)
    assert (await content_of(here, kept))["filename"] == "Star tables.pdf"


async def said_to(here: Here, name: str, to: str) -> bool:
    """Whether the steward's answer to a message is there."""
    path = f"/_matrix/client/v3/rooms/{quote(here.services[name])}/messages?dir=b&limit=100"
    _, body = await request(here.people[name], "GET", path)
    found = [one["content"].get("m.relates_to", {}).get("m.in_reply_to", {}) for one in body["chunk"]]
    return any(one.get("event_id") == to for one in found)


async def test_versions_stand_together_and_the_newest_is_shown(here: Here, dora: Visitor) -> None:
    old, _ = await share(here, "Draft.txt", b"one", group="shelf", by="lars")
    new, _ = await share(here, "draft.TXT", b"two", group="shelf", by="lars")
    page = (await dora.get("/documents?q=draft")).text
    assert address_of(here, new) in page and address_of(here, old) not in page
    one = (await dora.get(address_of(here, old))).text
    assert "Versions in this group" in one and address_of(here, new) in one


async def test_files_are_found_by_what_is_said_of_them(here: Here, dora: Visitor) -> None:
    """By caption and tags too, by beginnings and with a letter wrong; what fits better stands first."""
    said = {"body": "Lanterns and #Foghorns of the coast"}
    event_id, _ = await share(here, "Lights.txt", b"words", group="shelf", by="lars", **said)
    named, _ = await share(here, "Lanterns.txt", b"more words", group="shelf", by="lars")
    for query in ("coast", "lanterms", "foghorn", "%23foghorns", "light+coas"):
        page = (await dora.get(f"/documents?q={query}")).text
        assert address_of(here, event_id) in page and "Lanterns and #Foghorns of the coast" in page, query
    page = (await dora.get("/documents?q=lanterns")).text
    assert page.index(address_of(here, named)) < page.index(address_of(here, event_id)), "the name before the caption"
    assert "Lights.txt" not in (await dora.get("/documents?q=%23coast")).text
    one = (await dora.get(address_of(here, event_id))).text
    assert "of the coast</bdi>" in one and 'href="/documents?q=%23Foghorns"' in one


async def test_a_new_version_is_one_of_its_own_organisation(here: Here, dora: Visitor) -> None:
    """A stranger's file stands beside a chain, by its name and by what it answers; it never stands for it."""
    first, _ = await share(here, "Buoys.txt", b"first", group="shelf", by="lars")
    answers = {"m.relates_to": {"m.in_reply_to": {"event_id": first}}, "body": "New version, for May"}
    second, shared = await share(here, "Buoys of May.txt", b"second", group="shelf", by="lars", **answers)
    page = (await dora.get("/documents?q=buoys")).text
    assert address_of(here, second) in page and address_of(here, first) not in page
    answer, _ = await share(here, "Mine.txt", b"third", group="shelf", by="dora", **answers)
    named, _ = await share(here, "buoys.txt", b"fourth", group="shelf", by="dora")
    page = (await dora.get("/documents?q=buoys")).text
    assert address_of(here, second) in page and address_of(here, named) in page
    chain, _, others = (await dora.get(address_of(here, first))).text.partition("The same from others")
    assert address_of(here, second) in chain and "Buoys of May.txt" in chain
    for one in (answer, named):
        assert address_of(here, one) in others and address_of(here, one) not in chain
    # Whoever passes on a file of somebody else's does not make it look as if it came from there.
    act = {"m.relates_to": {"rel_type": "m.reference", "event_id": second}, "label": "TLP:GREEN"}
    room = f"/_matrix/client/v3/rooms/{quote(here.groups['shelf'])}/send"
    assert (await request(here.people["lars"], "PUT", f"{room}/org.belisha.relabel/open", act))[0] == 200
    again = {"msgtype": "m.file", "body": "Buoys of May.txt", "url": f"mxc://{here.server.name}/{shared}"}
    status, sent = await request(here.people["dora"], "PUT", f"{room}/m.room.message/again", again)
    assert status == 200, sent
    page = (await dora.get(address_of(here, sent["event_id"]))).text
    assert "Lars</bdi> (Chandlers) had uploaded it" in page and "Dora</bdi> (Harbour) shared it" in page


async def in_group(here: Here, name: str, of: str, body: str) -> str:
    """What is answered to a command about a file that answers the file's message."""
    command = {"msgtype": "m.text", "body": body, "m.relates_to": {"m.in_reply_to": {"event_id": of}}}
    sent = await here.people[name].room_send(here.groups["shelf"], "m.room.message", command)
    return await here.answer(name, sent.event_id, here.groups["shelf"])  # type: ignore[union-attr]


async def content_of(here: Here, event_id: str) -> dict[str, object]:
    """What a message says now, as clients get it."""
    path = f"/_matrix/client/v3/rooms/{quote(here.groups['shelf'])}/event/{quote(event_id)}"
    _, event = await request(here.people["dora"], "GET", path)
    edit = event.get("unsigned", {}).get("m.relations", {}).get("m.replace", {})
    return dict(edit.get("content", {}).get("m.new_content") or event.get("content", {}))


async def test_its_source_says_what_a_file_is(here: Here, dora: Visitor) -> None:
    """The words become the caption of their own message, and stand nowhere else: they go when it goes (rule E1)."""
    event_id, _ = await share(here, "Wrecks.txt", b"words", group="shelf", by="lars")
    assert "Only who has shared a file" in await in_group(here, "dora", event_id, "!docs describe Not mine")
    assert "Not mine" not in (await dora.get("/documents?q=wrecks")).text
    command = {"msgtype": "m.text", "body": "!docs describe Where the #keels lie"}
    command |= {"m.relates_to": {"m.in_reply_to": {"event_id": event_id}}}  # type: ignore[dict-item]
    sent = await here.people["lars"].room_send(here.groups["shelf"], "m.room.message", command)

    async def described() -> bool:
        there = address_of(here, event_id) in (await dora.get("/documents?q=%23keels")).text
        return there and not await content_of(here, sent.event_id)  # type: ignore[union-attr]

    assert await until(described), "the command is taken away"
    content = await content_of(here, event_id)
    assert content["body"] == "[TLP:AMBER] Where the #keels lie" and content["filename"] == "Wrecks.txt"
    # What an edit by hand could not say, this cannot: another label's marker makes it that.
    assert "RED" in await in_group(here, "lars", event_id, "!docs describe TLP:RED on the sea bed")
    assert "That is no file" in await in_group(here, "lars", sent.event_id, "!docs describe a text")  # type: ignore[union-attr]
    await here.people["lars"].room_redact(here.groups["shelf"], event_id)
    assert "keels" not in (await dora.get("/documents")).text
    path = f"/_matrix/client/v3/rooms/{quote(here.groups['shelf'])}/messages?dir=b&limit=100"

    async def nowhere() -> bool:
        return "keels" not in json.dumps((await request(here.people["dora"], "GET", path))[1])

    assert await until(nowhere), "the edit that said it goes too"


async def test_a_pinned_file_stands_first(here: Here, dora: Visitor) -> None:
    event_id, _ = await share(here, "Pinned.txt", b"words", group="shelf", by="lars")
    newer, _ = await share(here, "Newer.txt", b"words too", group="shelf", by="lars")
    assert "Maintainers" in await in_group(here, "dora", event_id, "!docs pin")
    assert "Done" in await in_group(here, "lars", event_id, "!docs pin")

    async def first() -> bool:
        page = (await dora.get(f"/documents?group={quote(here.groups['shelf'], safe='')}")).text
        return page.index(address_of(here, event_id)) < page.index(address_of(here, newer)) and "· pinned" in page

    assert await until(first)
    page = (await dora.get("/documents")).text
    assert page.index(address_of(here, newer)) < page.index(address_of(here, event_id)), "not before other groups'"


async def test_its_source_calls_a_file_back(here: Here, dora: Visitor) -> None:
    """By the one way there is: its bytes are closed in every room, and the source's messages with it redacted."""
    event_id, media_id = await share(here, "Called.txt", b"words", group="shelf", by="lars")
    again, _ = await share(here, "Called again.txt", b"words", group="shelf", by="lars")
    asked = await in_group(here, "dora", event_id, "!docs withdraw")
    assert "closed to everybody" in asked
    await here.say("dora", "yes", here.groups["shelf"])

    async def said(words: str) -> bool:
        path = f"/_matrix/client/v3/rooms/{quote(here.groups['shelf'])}/messages?dir=b&limit=20"
        _, body = await request(here.people["lars"], "GET", path)
        return any(words in str(one["content"].get("body")) for one in body["chunk"] if one["sender"] == STEWARD)

    assert await until(lambda: said("Only who has uploaded a file, or a steward"))
    assert (await saved(dora, media_id))[0] == 200
    assert "closed to everybody" in await in_group(here, "lars", event_id, "!docs withdraw")
    await here.say("lars", "yes", here.groups["shelf"])
    assert await until(lambda: said("the file is called back, and the message that shared it too"))

    async def gone() -> bool:
        return (await saved(dora, media_id))[0] == 404 and not await content_of(here, event_id)

    assert await until(gone)
    page = (await dora.get("/documents?q=called")).text
    assert "Called.txt" not in page and address_of(here, again) in page


async def test_what_is_taken_back_is_gone(here: Here, dora: Visitor) -> None:
    """From the list, its own page, and as a copy; in the next answer, since nothing of it is kept (rule E1)."""
    event_id, media_id = await share(here, "Mistake.txt", b"words", group="shelf", by="lars")
    kept, _ = await share(here, "Mistake too.txt", b"other words", group="shelf", by="lars")
    assert "Mistake.txt" in (await dora.get("/documents?q=mistake")).text
    await here.people["lars"].room_redact(here.groups["shelf"], event_id)
    page = (await dora.get("/documents?q=mistake")).text
    assert "Mistake.txt" not in page and "Mistake too.txt" in page
    assert (await dora.get(address_of(here, event_id))).status == 404
    assert (await saved(dora, media_id))[0] == 404
    act = {"m.relates_to": {"rel_type": "m.reference", "event_id": kept}, "label": "TLP:GREEN"}
    path = f"/_matrix/client/v3/rooms/{quote(here.groups['shelf'])}/send/org.belisha.relabel/1"
    assert (await request(here.people["lars"], "PUT", path, act))[0] == 200

    async def relabelled() -> bool:
        return "TLP:GREEN" in (await dora.get("/documents?q=mistake")).text

    assert await until(relabelled)


async def test_whoever_leaves_sees_no_more(here: Here, olga: Visitor) -> None:
    invited = [here.people["olga"].user_id]
    await make_group(here, "lars", "attic", "The attic", "private_chat", invite=invited)
    await here.people["olga"].join(here.groups["attic"])
    event_id, media_id = await share(here, "Attic.txt", b"words", group="attic", by="lars")
    assert "Attic.txt" in (await olga.get("/documents")).text
    await here.people["olga"].room_leave(here.groups["attic"])
    assert "Attic.txt" not in (await olga.get("/documents")).text
    assert (await olga.get(address_of(here, event_id, "attic"))).status == 404
    assert (await saved(olga, media_id))[0] == 404


async def test_rooms_of_named_people_take_no_part(here: Here, dora: Visitor) -> None:
    made = await here.people["lars"].room_create(is_direct=True, invite=[here.people["dora"].user_id])
    here.groups["direct"] = made.room_id  # type: ignore[union-attr]
    await here.people["dora"].join(here.groups["direct"])
    event_id, _ = await share(here, "Between us.txt", b"words", group="direct", by="lars")
    assert "Between us" not in (await dora.get("/documents")).text
    assert (await dora.get(address_of(here, event_id, "direct"))).status == 404


async def test_hostile_names_are_shown_as_they_are(here: Here, dora: Visitor) -> None:
    event_id, media_id = await share(here, HOSTILE + ".txt", b"words", group="shelf", by="lars")
    for path in ("/documents", address_of(here, event_id)):
        page = (await dora.get(path)).text
        assert "<img src=x" not in page and "<script>alert" not in page
    _, _, headers = await saved(dora, media_id)
    assert "\n" not in headers["Content-Disposition"] and headers["Content-Disposition"].startswith("attachment;")
    for query in ("?page=0", "?page=99999", "?q=%00", "?q=" + "x" * 5000, "?page=x", "?group="):
        assert (await dora.get("/documents" + query)).status in (200, 400, 404), query


async def test_a_widget_saves_nothing_until_it_is_confirmed(here: Here, dora: Visitor) -> None:
    _, media_id = await share(here, "Widget.txt", b"words", group="shelf", by="lars")
    visitor = await here.in_widget("dora")
    assert (await visitor.get("/documents")).status == 200
    answer = await visitor.get(f"/documents/copy/{media_id}")
    assert (answer.status, answer.location) == (303, "/confirm")


async def test_the_gate_says_where_copies_are(here: Here, dora: Visitor) -> None:
    """Where originals are their sources', Element's own viewer shows a sentence, and the portal has the copy."""
    policy = f"rooms/{quote(here.groups['shelf'])}/policy"
    assert (await here.server.local("PUT", policy, {"originals": "source"}))[0] == 200
    try:
        event_id, media_id = await share(here, "Kept.txt", b"words", group="shelf", by="lars")

        async def led() -> bool:
            path = f"/_matrix/client/v3/rooms/{quote(here.groups['shelf'])}/messages?dir=b&limit=30"
            _, body = await request(here.people["dora"], "GET", path)
            said = [str(one["content"].get("body")) for one in body["chunk"] if one["sender"] == STEWARD]
            return any(here.url + address_of(here, event_id) in one for one in said)

        assert await until(led), "the bot puts the way to a copy under the file"
        path = f"/_matrix/client/v1/media/download/{here.server.name}/{media_id}"
        token = {"Authorization": f"Bearer {here.people['dora'].access_token}"}
        async with aiohttp.ClientSession() as session, session.get(here.server.url + path, headers=token) as answer:
            body = json.loads(await answer.read())
            assert (answer.status, body["errcode"]) == (403, "ORG.BELISHA.COPIES_ONLY")
            assert "portal" in body["error"]
        assert (await saved(dora, media_id))[0] == 200
    finally:
        assert (await here.server.local("PUT", policy, {"originals": "anybody"}))[0] == 200
