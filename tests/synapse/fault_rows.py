"""For each entrance of the module, requests that an entitled member may make and that ask it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote, unquote

import aiohttp

from belisha.polls.card import card_content
from belisha.polls.wire import RESPONSE, START, start_content
from tests.support.community import Community, unique
from tests.support.files import Got, ask, fetch, message, mxc, png, upload
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.portal import ask_as_portal
from tests.support.producers import drawn
from tests.support.server import PASSWORD, request
from tests.synapse.samples import edit, reply, text
from tests.synapse.test_registration import invite, register

Json = dict[str, Any]
Answer = tuple[int, Json]
Act = Callable[[], Awaitable[Answer]]
#: Prepares a request, and gives it.
Row = Callable[[Community], Awaitable[Act]]

V3: Final = "/_matrix/client/v3"
#: A push gateway that the settings list; nothing listens there.
GATEWAY: Final = "http://127.0.0.1:9/_matrix/push/v1/notify"
WORDS: Final = "lighthouse-words-for-no-log"


def _plain(method: str, path: str, body: Any = None, by: str = "ana") -> Row:
    """A request that needs nothing prepared; `{n}` is a new name each time, room kinds and names are filled in."""

    async def prepare(community: Community) -> Act:
        names = {key: quote(room) for key, room in community.rooms.items()}
        names |= {name: quote(community.id(name)) for name in community.people}
        filled = path.format(n=unique("n"), device=community[by].device_id or "", **names)
        return lambda: request(community[by], method, filled, body)

    return prepare


def _local(method: str, path: str, body: Json | None = None) -> Row:
    async def prepare(community: Community) -> Act:
        filled = path.format(n=unique("n"), **{key: quote(room) for key, room in community.rooms.items()})
        return lambda: community.server.local(method, filled, body)

    return prepare


def _about_an_item(event_type: str, content: Callable[[str], Json]) -> Row:
    """Sends something about a message that was sent before."""

    async def prepare(community: Community) -> Act:
        item = await community.sent(text(f"TLP:GREEN {WORDS}"), "closed")
        return lambda: community.put("ana", "closed", content(item), event_type=event_type)

    return prepare


def _of_an_item(path: str) -> Row:
    async def prepare(community: Community) -> Act:
        item, room = await community.sent(text(f"TLP:GREEN {WORDS}"), "closed"), quote(community.rooms["closed"])
        return lambda: request(community["ana"], "GET", path.format(item=quote(item), room=room))

    return prepare


async def _asked_by_a_bot(community: Community) -> Act:
    item = await community.sent(text(f"TLP:GREEN {WORDS}"), "closed")
    query = f"room_id={quote(community.rooms['closed'])}&event_id={quote(item)}&member={quote(community.id('ben'))}"
    return lambda: request(community["steward"], "GET", f"/_synapse/client/org.belisha/v1/item?{query}")


async def _redaction(community: Community) -> Act:
    item, room = await community.sent(text(f"TLP:AMBER {WORDS}"), "closed"), quote(community.rooms["closed"])
    path = f"{V3}/rooms/{room}/redact/{quote(item)}/{unique('r')}"
    return lambda: request(community["ana"], "PUT", path, {"reason": "Sent by mistake"})


async def _room(community: Community) -> str:
    """A closed group that has its place in the Space: what follows from its making is over, and meets no fault."""
    status, body = await community.create("ana", {"preset": "private_chat"})
    assert status == 200, body

    async def is_in_its_place() -> bool:
        where = "WHERE type = 'm.space.child' AND state_key = ?"
        return bool(community.server.query(f"SELECT 1 FROM current_state_events {where}", body["room_id"]))  # noqa: S608 - a constant

    await until(is_in_its_place)
    return quote(str(body["room_id"]))


async def _invite(community: Community) -> Act:
    path = f"{V3}/rooms/{await _room(community)}/invite"
    return lambda: request(community["ana"], "POST", path, {"user_id": community.id("dina")})


async def _state(community: Community) -> Act:
    path = f"{V3}/rooms/{await _room(community)}/state/m.room.name/"
    return lambda: request(community["ana"], "PUT", path, {"name": unique(f"{WORDS} ")})


async def _alias(community: Community) -> Act:
    alias = quote(f"#{unique('pier')}:{community.server.name}")
    path = f"{V3}/directory/room/{alias}"
    room_id = community.rooms["closed"]
    return lambda: request(community["ana"], "PUT", path, {"room_id": room_id})


async def _login(community: Community) -> Act:
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "emil"},
        "password": PASSWORD,
        "initial_device_display_name": WORDS,
    }

    async def act() -> Answer:
        url = f"{community.server.url}{V3}/login"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            return answer.status, await answer.json()

    return act


async def _act(community: Community) -> Act:
    """A maintainer's command, as the bot hands it over."""
    room = await _room(community)
    joined = f"{V3}/rooms/{room}/joined_members"

    async def bot_is_in() -> bool:
        return community.id("steward") in (await request(community["ana"], "GET", joined))[1]["joined"]

    await until(bot_is_in)
    path = f"{V3}/rooms/{room}/send/m.room.message/{unique('c')}"
    status, sent = await request(community["ana"], "PUT", path, text("!group policy closed --purpose documents"))
    assert status == 200, sent
    asked = {"kind": "closed", "purpose": "documents"}
    body = {"room_id": unquote(room), "event_id": sent["event_id"], "act": "room_policy", "arguments": asked}
    return lambda: request(community["steward"], "POST", "/_synapse/client/org.belisha/v1/acts", body)


async def _upgrade(community: Community) -> Act:
    path = f"rooms/{await _room(community)}/upgrade"
    return lambda: community.server.local("POST", path)


async def _upgrade_by_hand(community: Community) -> Act:
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("finn")]}
    status, answer = await community.create("ana", body)
    assert status == 200, answer
    path = f"{V3}/rooms/{quote(answer['room_id'])}/upgrade"
    return lambda: request(community["ana"], "POST", path, {"new_version": "11"})


async def _pusher(community: Community) -> Act:
    body = {
        "kind": "http",
        "app_id": "im.example.app",
        "app_display_name": "App",
        "device_display_name": "Phone",
        "pushkey": unique("key"),
        "lang": "en",
        "data": {"url": GATEWAY},
    }
    return lambda: request(community["ana"], "POST", f"{V3}/pushers/set", body)


async def _policy(community: Community) -> Act:
    path = f"rooms/{await _room(community)}/policy"
    return lambda: community.server.local("PUT", path, {"kind": "open"})


def _record(name: str) -> Json:
    # Two members of one organisation are told apart by their names.
    return {"name": f"Nils {name.title()}", "organisation": "harbour", "roles": ["member"], "password": PASSWORD}


async def _made(community: Community) -> str:
    name = unique("nils")
    assert (await community.server.local("PUT", f"members/{name}", _record(name)))[0] == 200
    return name


async def _member(community: Community) -> Act:
    name = unique("nils")
    return lambda: community.server.local("PUT", f"members/{name}", _record(name))


async def _moved(community: Community) -> Act:
    name = await _made(community)
    return lambda: community.server.local("PUT", f"members/{name}", _record(name) | {"organisation": "university"})


async def _standing(community: Community) -> Act:
    name = await _made(community)
    return lambda: community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"})


async def _explain(community: Community) -> Act:
    body = {"room_id": community.rooms["closed"], "content": text(WORDS)}
    return lambda: request(community["ana"], "POST", "/_synapse/client/org.belisha/v1/explain", body)


def _for_the_portal(name: str, **more: str) -> Row:
    async def prepare(community: Community) -> Act:
        body = {"user_id": community.id("ana"), "rooms": [community.rooms["closed"]], **more}
        return lambda: ask_as_portal(community, body, name=name)

    return prepare


def _a_copy(community: Community, link: str, of: str = "ana", by: str = "ana") -> str:
    """A copy of a member's data that can be taken by a link; its id."""
    export = unique("copy")
    community.server.change(
        "INSERT INTO belisha_export (id, localpart, made_by, at, state, step, place, position, bots, until, link_hash,"
        " link_until) VALUES (?, ?, ?, ?, 'ready', 0, '', 1000000000, 1, 5000000000, ?, 5000000000)",
        export,
        of,
        by,
        int(time.time()),
        hashlib.sha256(link.encode()).hexdigest(),
    )
    return export


async def _bots_part(community: Community) -> Act:
    body = {"user_id": community.id("ana"), "export": _a_copy(community, unique("link")), "sections": {}}
    return await _plain("POST", "/_synapse/client/org.belisha/v1/mydata", body, by="steward")(community)


async def _taken_copy(community: Community) -> Act:
    link = unique("link")
    _a_copy(community, link)
    return lambda: _opened(ask(community, None, "GET", f"/_synapse/client/org.belisha/v1/export/{link}"))


async def _copy_by_hand(community: Community) -> Act:
    name = unique("frozen")
    await (await community.server.member(name, "harbour")).close()
    await community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"})
    _a_copy(community, unique("link"), name, "mona")
    return lambda: community.server.local("POST", f"exports/{name}")


async def _opened_hold(community: Community) -> Act:
    hold = unique("h")
    community.server.change(
        "INSERT INTO belisha_hold (id, reason, quiet, ends, asked_by, asked_at, confirmed_by, confirmed_at, open_until,"
        " room_id, journalled) VALUES (?, 'x', 1, ?, '@x:x', 0, '@y:x', ?, ?, '!none:x', 1)",
        *(hold, 2**40, 2**40, 2**40),
    )
    return lambda: community.server.local("POST", f"holds/{hold}", {"after": None})


async def _link_to_copy(community: Community) -> Act:
    body = {"user_id": community.id("ana"), "id": _a_copy(community, unique("link"))}
    return lambda: ask_as_portal(community, body, name="export_link")


async def _published(community: Community) -> Act:
    body = {"user_id": community.id("ana"), "fields": {"role": [WORDS]}}
    return await _plain("POST", "/_synapse/client/org.belisha/v1/profile", body, by="steward")(community)


async def _for_a_digest(community: Community) -> Act:
    body = {"room_id": community.rooms["service"], "member": community.id("ana"), "items": []}
    return await _plain("POST", "/_synapse/client/org.belisha/v1/digest", body, by="steward")(community)


async def _unacknowledged(community: Community) -> Act:
    community.server.change(
        "INSERT INTO belisha_announcement (event_id, command_id, room_id, by_member, at)"
        " VALUES ('$said', '$asked', ?, 'mona', 1) ON CONFLICT (event_id) DO NOTHING",
        community.rooms["open"],
    )
    return await _plain("GET", "/_synapse/client/org.belisha/v1/unacknowledged?event_id=$said", by="steward")(community)


async def a_poll(community: Community) -> str:
    """A poll of ana's in the closed group, with a vote in it."""
    room = community.rooms["closed"]
    path = f"{V3}/rooms/{quote(room)}/send"
    question = start_content(WORDS, ["Fish", "Tide"])
    status, poll = await request(community["ana"], "PUT", f"{path}/{START[0]}/{unique('poll')}", question)
    assert status == 200, poll
    vote = {
        "m.relates_to": {"rel_type": "m.reference", "event_id": poll["event_id"]},
        RESPONSE[0]: {"answers": ["1"]},
    }
    assert (await request(community["ben"], "PUT", f"{path}/{RESPONSE[0]}/{unique('vote')}", vote))[0] == 200
    return str(poll["event_id"])


async def _poll_for_a_bot(community: Community) -> Act:
    room, event = community.rooms["closed"], await a_poll(community)
    path = f"/_synapse/client/org.belisha/v1/poll?room_id={quote(room)}&event_id={quote(event)}"
    return lambda: request(community["steward"], "GET", path)


async def _named_in_figures(community: Community) -> Act:
    return lambda: ask_as_portal(community, {"user_id": community.id("mona")}, name="shown_organisations")


async def _poll_for_the_portal(community: Community) -> Act:
    body = {"user_id": community.id("ana"), "room_id": community.rooms["closed"], "event_id": await a_poll(community)}
    return lambda: ask_as_portal(community, body, name="poll")


async def _composer_for_the_portal(community: Community) -> Act:
    item, room = await community.sent(text(f"TLP:GREEN {WORDS}"), "closed"), community.rooms["closed"]
    body = {"user_id": community.id("ana"), "room_id": room, "answers": item, "content": text(WORDS)}
    return lambda: ask_as_portal(community, body, name="composer")


async def _pad_for_the_portal(community: Community) -> Act:
    item, room = await community.sent(text(f"TLP:GREEN {WORDS}"), "closed"), community.rooms["closed"]
    body = {"user_ids": [community.id("ana")], "room_id": room, "event_id": item}
    return lambda: ask_as_portal(community, body, name="pad")


async def a_post(community: Community) -> tuple[str, str]:
    """A post of ana's with a comment, in a blog of hers; room and event."""
    wish = {"kind": "closed", "organisations": [], "purpose": "blog"}
    body = {
        "preset": "private_chat",
        "name": "Blog",
        "initial_state": [{"type": "org.belisha.room", "state_key": "", "content": wish}],
    }
    status, made = await request(community["ana"], "POST", f"{V3}/createRoom", body)
    assert status == 200, made
    room = str(made["room_id"])
    await until(lambda: _has_steward(community, room))
    path = f"{V3}/rooms/{quote(room)}/send/m.room.message"
    status, post = await request(community["ana"], "PUT", f"{path}/{unique('post')}", text(f"# {WORDS}\n\nTides"))
    assert status == 200, post
    thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": post["event_id"]}}
    status, _ = await request(community["ana"], "PUT", f"{path}/{unique('comment')}", {**text("Yes"), **thread})
    assert status == 200
    return room, str(post["event_id"])


async def _has_steward(community: Community, room: str) -> bool:
    state = f"{V3}/rooms/{quote(room)}/joined_members"
    _, body = await request(community["ana"], "GET", state)
    return community.id("steward") in body.get("joined", {})


async def _post_for_the_portal(community: Community) -> Act:
    room, event = await a_post(community)
    body = {"user_id": community.id("ana"), "room_id": room, "event_id": event}
    return lambda: ask_as_portal(community, body, name="post")


async def _post_for_a_bot(community: Community) -> Act:
    room, event = await a_post(community)
    path = "/_synapse/client/org.belisha/v1/post"
    return lambda: request(community["steward"], "GET", f"{path}?room_id={quote(room)}&event_id={quote(event)}")


async def a_card(community: Community) -> str:
    """What looks like the card of an anonymous poll in the closed group."""
    path = f"{V3}/rooms/{quote(community.rooms['closed'])}/send/m.room.message/{unique('card')}"
    content = card_content(WORDS, ["Fish", "Tide"], 1, "place", "https://portal.belisha.localhost/ballots/place", "$x")
    status, card = await request(community["ana"], "PUT", path, content)
    assert status == 200, card
    return str(card["event_id"])


async def _ballot_for_the_portal(community: Community) -> Act:
    body = {"user_id": community.id("ana"), "room_id": community.rooms["closed"], "event_id": await a_card(community)}
    return lambda: ask_as_portal(community, body, name="ballot")


def _about_a_report(name: str) -> Row:
    async def prepare(community: Community) -> Act:
        community.server.change(
            "INSERT INTO belisha_report (came_by, reporter, member, kind, urgent, at, due, number, card)"
            " VALUES ('command $x', 'ben', 'dina', 'other', 0, 1, 0, 999, '$card') ON CONFLICT (came_by) DO NOTHING"
        )
        body = {"user_id": community.id("mona"), "number": 999}
        return lambda: ask_as_portal(community, body, name=name)

    return prepare


async def _recover(community: Community) -> Act:
    """A new password by a code, for an account that nobody else here uses."""
    member = {"name": "Rita", "organisation": "harbour", "roles": ["member"], "password": PASSWORD}
    await community.server.local("PUT", "members/rita", member)
    now = int(time.time())
    community.server.change(
        "INSERT INTO belisha_recovery (id, localpart, code_hash, made_by, at, expires, sessions)"
        " VALUES ('$code', 'rita', ?, 'ben', ?, ?, 0) ON CONFLICT (id) DO UPDATE SET used_at = NULL",
        hashlib.sha256(b"A" * 16).hexdigest(),
        now,
        now + 3600,
    )
    community.server.change("DELETE FROM belisha_recovery_note")
    body = {"account": "@rita", "code": "AAAA-AAAA-AAAA-AAAA", "password": f"another {PASSWORD}"}
    return lambda: ask_as_portal(community, body, name="recover")


async def _upload(community: Community) -> Act:
    async def act() -> Answer:
        path = "/_matrix/media/v3/upload?filename=tides.txt"
        got = await ask(community, "ana", "POST", path, WORDS.encode(), {"Content-Type": "text/plain"})
        return got.status, json.loads(got.data)

    return act


async def _download(community: Community) -> Act:
    media_id = await upload(community, "ana", WORDS.encode())
    return lambda: _opened(fetch(community, "ana", media_id))


async def _portals_download(community: Community) -> Act:
    media_id, secret = await upload(community, "ana", WORDS.encode()), community.server.data / "secrets" / "portal_api"
    path = f"/_synapse/client/org.belisha/v1/media/{media_id}?user_id={quote(community.id('ana'))}"
    headers = {"Authorization": f"Bearer {secret.read_text().strip()}"}
    return lambda: _opened(ask(community, None, "GET", path, headers=headers))


async def _portals_copy(community: Community) -> Act:
    media_id, secret = await upload(community, "ana", WORDS.encode()), community.server.data / "secrets" / "portal_api"
    await community.sent(message(community, media_id), "closed")
    path = f"/_synapse/client/org.belisha/v1/media/{media_id}?stamped=1&user_id={quote(community.id('ana'))}"
    headers = {"Authorization": f"Bearer {secret.read_text().strip()}"}
    return lambda: _opened(ask(community, None, "GET", path, headers=headers))


async def _portals_preview(community: Community) -> Act:
    media_id, secret = await upload(community, "ana", drawn()), community.server.data / "secrets" / "portal_api"
    await community.sent(message(community, media_id), "closed")
    path = f"/_synapse/client/org.belisha/v1/media/{media_id}?preview=1&user_id={quote(community.id('ana'))}"
    headers = {"Authorization": f"Bearer {secret.read_text().strip()}"}
    return lambda: _opened(ask(community, None, "GET", path, headers=headers))


async def _document(community: Community) -> Act:
    media_id = await upload(community, "ana", WORDS.encode())
    event = await community.sent(message(community, media_id), "closed")
    return await _for_the_portal("document", room_id=community.rooms["closed"], event_id=event)(community)


async def _document_for_a_bot(community: Community) -> Act:
    media_id = await upload(community, "ana", WORDS.encode())
    event = await community.sent(message(community, media_id), "closed")
    place = f"room_id={quote(community.rooms['service'])}&member={quote(community.id('ana'))}"
    about = quote(f"{community.rooms['closed']}/{event}", safe="")
    path = f"/_synapse/client/org.belisha/v1/document?{place}&about={about}"
    return lambda: request(community["steward"], "GET", path)


async def _opened(asked: Awaitable[Got]) -> Answer:
    got = await asked
    return got.status, {} if got.status == 200 else json.loads(got.data)


async def _withdrawal(community: Community) -> Act:
    media_id = await upload(community, "ana", WORDS.encode())
    return lambda: community.server.local("POST", f"files/{media_id}/withdraw")


async def _replay(community: Community) -> Act:
    media_id = await upload(community, "ana", WORDS.encode())
    body = {"revocations": [{"what": "file", "ids": [media_id]}]}
    return lambda: community.server.local("POST", "revocations", body)


async def _sharing(community: Community) -> Act:
    media_id = await upload(community, "ana", WORDS.encode())
    return lambda: community.put("ana", "closed", message(community, media_id))


async def _picture(community: Community) -> Act:
    media_id = await upload(community, "ana", png(), "x.png", "image/png")
    path = f"{V3}/profile/{quote(community.id('ana'))}/avatar_url"
    return lambda: request(community["ana"], "PUT", path, {"avatar_url": mxc(community, media_id)})


async def _extent(community: Community) -> Act:
    _, listed = await community.server.local("GET", "members")
    room = next(one["service_room"] for one in listed["members"] if one["user_id"] == community.id("mona"))
    about = f"room_id={quote(room)}&member={quote(community.id('mona'))}&act=member_offboard&about=@dina"
    return lambda: request(community["steward"], "GET", f"/_synapse/client/org.belisha/v1/extent?{about}")


_INVITATION: Final = {"organisation": "harbour", "uses": 1, "seconds": 3600}


async def _organisation(community: Community) -> Act:
    name = unique("divers")
    body = {"name": name.title(), "category": "charity", "domains": []}
    return lambda: community.server.local("PUT", f"organisations/{name}", body)


async def _uninvite(community: Community) -> Act:
    _, invitation = await community.server.local("POST", "invitations", _INVITATION)
    return lambda: community.server.local("DELETE", f"invitations/{invitation['id']}")


async def _registration(community: Community) -> Act:
    token, name = await invite(community), unique("ria")
    return lambda: register(community.server, token, name)


async def _join(community: Community) -> Act:
    token, name = await invite(community), unique("rosa")
    body = {"token": token, "username": name, "password": PASSWORD}
    return lambda: ask_as_portal(community, body, name="join")


#: `{entrance: rows}`; every entrance stands here or in NOTHING.
ROWS: Final[dict[str, tuple[Row, ...]]] = {
    "callback check_event_allowed": (
        _plain("PUT", f"{V3}/rooms/{{closed}}/send/m.room.message/{{n}}", text(WORDS)),
        _plain("PUT", f"{V3}/rooms/{{closed}}/send/m.room.message/{{n}}", text(f"TLP:GREEN {WORDS}")),
        _about_an_item("m.room.message", lambda item: text(WORDS, **reply(item))),
        _about_an_item("m.room.message", lambda item: edit(item, text(f"TLP:AMBER {WORDS}"))),
        _about_an_item("org.belisha.relabel", lambda item: relabel(item, "TLP:AMBER")),
        _about_an_item(
            "m.reaction",
            lambda item: {"m.relates_to": {"rel_type": "m.annotation", "event_id": item, "key": unique("k")}},
        ),
        _redaction,
        _invite,
        _state,
        _sharing,
    ),
    "callback check_media_file_for_spam": (_upload,),
    "hook EventCreationHandler.create_new_client_event": (_sharing,),
    "hook MediaRepository.get_local_media_info": (_download,),
    "callback on_create_room": (_plain("POST", f"{V3}/createRoom", {"preset": "private_chat", "name": WORDS}),),
    "callback check_visibility_can_be_modified": (
        _plain("PUT", f"{V3}/directory/list/room/{{open}}", {"visibility": "public"}),
    ),
    "callback check_login_for_spam": (_login,),
    "hook InternalAuth.get_user_by_req": (_plain("GET", f"{V3}/account/whoami"),),
    "hook SyncHandler.wait_for_sync_for_user": (_plain("GET", f"{V3}/sync?timeout=0"),),
    "hook SlidingSyncHandler.wait_for_sync_for_user": (
        _plain("POST", "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0", {"lists": {}}),
    ),
    "hook EventStreamHandler.get_stream": (_plain("GET", f"{V3}/events?timeout=0"),),
    "hook EventHandler.get_event": (_of_an_item(f"{V3}/rooms/{{room}}/event/{{item}}"),),
    "hook RoomContextHandler.get_event_context": (_of_an_item(f"{V3}/rooms/{{room}}/context/{{item}}"),),
    "hook DataStore.get_push_actions_for_user": (_plain("GET", f"{V3}/notifications"),),
    "hook ProfileHandler.dispatch_set_profile_field": (
        _plain("PUT", f"{V3}/profile/{{ana}}/m.tz", {"m.tz": "Europe/London"}),
        _picture,
    ),
    "hook ProfileHandler.dispatch_delete_profile_field": (_plain("DELETE", f"{V3}/profile/{{ana}}/m.tz"),),
    "hook DirectoryHandler.create_association": (_alias,),
    "hook DeviceMessageHandler.send_device_message": (
        _plain("PUT", f"{V3}/sendToDevice/m.dummy/{{n}}", {"messages": {}}),
    ),
    "hook DeviceWriterHandler.check_device_registered": (_login,),
    "hook DeviceWriterHandler.update_device": (
        _plain("PUT", f"{V3}/devices/{{device}}", {"display_name": f"Element {WORDS}"}),
    ),
    "hook PusherPool.add_or_update_pusher": (_pusher,),
    "api MemberApi GET policy": (_plain("GET", "/_synapse/client/org.belisha/v1/policy/{open}"),),
    "api MemberApi GET audience": (_plain("GET", "/_synapse/client/org.belisha/v1/audience?room_id={open}"),),
    "api MemberApi GET groups": (
        _plain("GET", "/_synapse/client/org.belisha/v1/groups?room_id={service}&member={ana}", by="steward"),
    ),
    "api MemberApi GET extent": (_extent,),
    "api MemberApi POST recertification": (
        _plain("POST", "/_synapse/client/org.belisha/v1/recertification", {}, by="steward"),
    ),
    "api MemberApi POST waiting": (_plain("POST", "/_synapse/client/org.belisha/v1/waiting", {}, by="steward"),),
    "api MemberApi POST introducing": (
        _plain("POST", "/_synapse/client/org.belisha/v1/introducing", {}, by="steward"),
    ),
    "api MemberApi POST introductions": (_for_the_portal("introductions"),),
    "api MemberApi POST messages": (_for_the_portal("messages", words="tide"),),
    "api MemberApi POST mydata": (_bots_part,),
    "api MemberApi GET export": (_taken_copy,),
    "api MemberApi POST shown_organisations": (_named_in_figures,),
    "api MemberApi POST exports": (_for_the_portal("exports"),),
    "api MemberApi POST export_link": (_link_to_copy,),
    "api MemberApi POST acts": (_act,),
    "api MemberApi GET label": (_of_an_item("/_synapse/client/org.belisha/v1/label/{room}/{item}"),),
    "api MemberApi POST explain": (_explain,),
    "api MemberApi POST decide_batch": (_for_the_portal("decide_batch"),),
    "api MemberApi GET media": (_portals_download, _portals_copy, _portals_preview),
    "api MemberApi POST documents": (_for_the_portal("documents"),),
    "api MemberApi POST document": (_document,),
    "api MemberApi GET documents": (
        _plain("GET", "/_synapse/client/org.belisha/v1/documents?room_id={service}&member={ana}", by="steward"),
    ),
    "api MemberApi GET document": (_document_for_a_bot,),
    "api MemberApi POST home": (_for_the_portal("home"),),
    "api MemberApi POST sent": (_for_the_portal("sent", room_id="!x", event_id="$x"),),
    "api MemberApi POST directory": (_for_the_portal("directory"),),
    "api MemberApi GET directory": (
        _plain("GET", "/_synapse/client/org.belisha/v1/directory?room_id={service}&member={ana}", by="steward"),
    ),
    "api MemberApi GET registry": (_plain("GET", "/_synapse/client/org.belisha/v1/registry", by="steward"),),
    "api MemberApi GET doings": (_plain("GET", "/_synapse/client/org.belisha/v1/doings", by="steward"),),
    "api MemberApi GET managers": (_plain("GET", "/_synapse/client/org.belisha/v1/managers", by="steward"),),
    "api MemberApi POST profile": (_published,),
    "api MemberApi POST digest": (_for_a_digest,),
    "api MemberApi GET unacknowledged": (_unacknowledged,),
    "api MemberApi GET poll": (_poll_for_a_bot,),
    "api MemberApi POST poll": (_poll_for_the_portal,),
    "api MemberApi POST ballot": (_ballot_for_the_portal,),
    "api MemberApi POST blog": (_for_the_portal("blog"),),
    "api MemberApi POST composer": (_composer_for_the_portal,),
    "api MemberApi POST pad": (_pad_for_the_portal,),
    "api MemberApi GET blog": (
        _plain("GET", "/_synapse/client/org.belisha/v1/blog?room_id={service}&member={ana}", by="steward"),
    ),
    "api MemberApi POST post": (_post_for_the_portal,),
    "api MemberApi GET post": (_post_for_a_bot,),
    "api MemberApi POST reports": (_about_a_report("reports"),),
    "api MemberApi POST report": (_about_a_report("report"),),
    "api MemberApi POST recover": (_recover,),
    "api MemberApi POST join": (_join,),
    "api MemberApi GET asker": (
        _plain("GET", "/_synapse/client/org.belisha/v1/asker?room_id={open}&member={ana}", by="steward"),
    ),
    "api MemberApi GET item": (_asked_by_a_bot,),
    "api MemberApi GET instance": (_plain("GET", "/_synapse/client/org.belisha/v1/instance", by="steward"),),
    "api LocalApi POST rooms": (_upgrade,),
    "hook RoomUpgradeRestServlet.on_POST": (_upgrade_by_hand,),
    "api LocalApi GET status": (_local("GET", "status"),),
    "api LocalApi GET health": (_local("GET", "health"),),
    "api LocalApi GET organisations": (_local("GET", "organisations"),),
    "api LocalApi GET members": (_local("GET", "members"),),
    "api LocalApi GET rooms": (_local("GET", "rooms/{open}/policy"),),
    "api LocalApi POST files": (_withdrawal,),
    "api LocalApi POST revocations": (_replay,),
    "api LocalApi GET audit": (_local("GET", "audit"), _local("GET", "audit/main?from=0")),
    "api LocalApi POST audit": (_local("POST", "audit/forget", {"user_id": "@nobody:x"}),),
    "api LocalApi POST ledger": (_local("POST", "ledger/rebuild"),),
    "api LocalApi PUT organisations": (_organisation,),
    "api LocalApi GET invitations": (_local("GET", "invitations"),),
    "api LocalApi POST invitations": (_local("POST", "invitations", _INVITATION),),
    "api LocalApi DELETE invitations": (_uninvite,),
    "api LocalApi DELETE identities": (_local("DELETE", "identities/ana"),),
    "api LocalApi PUT direct-chats": (_local("PUT", "direct-chats/emil", {"from": "my-groups"}),),
    "api LocalApi POST introductions": (_local("POST", "introductions", {"one": "ana", "other": "emil"}),),
    "api LocalApi POST exports": (_copy_by_hand,),
    "api LocalApi GET holds": (_local("GET", "holds"),),
    "api LocalApi POST holds": (_opened_hold,),
    "hook RegistrationHandler.register_user": (_registration,),
    "hook MessageHandler.get_state_events": (_plain("GET", f"{V3}/rooms/{{closed}}/state"),),
    "api LocalApi PUT members": (_member, _moved),
    "api LocalApi PUT standing": (_standing,),
    "api LocalApi PUT rooms": (_policy,),
}

#: Entrances that ask nothing which could fail, or refuse in any case.
NOTHING: Final = {
    "api MemberApi POST factor": "refuses where there is no second factor; with one, see test_second_factor.py",
    "api MemberApi POST spare_codes": "refuses where there is no second factor; with one, see test_second_factor.py",
    "callback check_threepid_can_be_invited": "says no, always",
    "callback on_new_event": "decides nothing; what follows from an event has a test of its own",
    "hook WhoisRestServlet.on_GET": "says no, always",
    "hook ClientDirectoryServer.on_GET": "asks for the token, which is get_user_by_req",
    "hook ClientDirectoryListServer.on_GET": "asks for the token, which is get_user_by_req",
    "hook RoomSummaryRestServlet.on_GET": "asks for the token, which is get_user_by_req",
    "hook EventCreationHandler.is_admin_redaction": "looks at the id that it is given",
    "hook DeviceWriterHandler.upsert_device": "is reached by delegated sign-in only; asks what update_device asks",
    "api MemberApi GET position": "says of what it cannot find that it is not there",
    "hook ApplicationServiceApi.put_json": "decides nothing; where it fails, Synapse sends again",
    "hook DataStore.create_appservice_txn": "decides nothing; where it fails, the bots read what was lost",
    "hook DataStore.get_appservice_state": "decides nothing; where it fails, the bots read what was lost",
    "hook DataStore.is_server_admin": "says no, always",
    "hook InternalAuth.is_server_admin": "says no, always",
    "hook InternalAuth.check_user_in_room": "has Synapse refuse whoever has left, and asks nothing",
    "hook InitialSyncHandler.snapshot_all_rooms": "leaves out the rooms that one has left, and asks nothing",
    "hook SlidingSyncHandler.get_room_sync_data": "cuts what Synapse gives, and asks nothing",
    "hook RelationsHandler.get_bundled_aggregations": "cuts what Synapse gives, and asks nothing",
    "hook SearchHandler.search": "counts what Synapse gives, and asks nothing",
    "hook SyncHandler._generate_room_entry": "cuts what Synapse gives, and asks nothing",
    "hook EventCreationHandler.cache_joined_hosts_for_events": "does nothing",
    "hook RegisterRestServlet.on_POST": "counts requests, and asks nothing",
    "hook RegistrationHandler.check_username": "looks at what it is given",
    "hook PusherFactory.create_pusher": "has a test of its own: it says no by making none",
}
