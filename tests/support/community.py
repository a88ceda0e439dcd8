"""A small community on one real Synapse: members of several organisations and a room of every kind, made once."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import quote

import nio

from belisha.tlp import Label, html_badge
from tests.support.server import Server, ended, request

Json = dict[str, Any]

LABEL_KEY: Final = "org.belisha.tlp"
ORIGINS: Final = frozenset({"sender", "text", "file", "parent", "room", "relabel"})
KINDS: Final = ("open", "closed", "strict", "named", "service")
DEFAULTS: Final = {
    "open": "TLP:GREEN",
    "closed": "TLP:AMBER",
    "strict": "TLP:AMBER",
    "named": "TLP:AMBER",
    "service": "TLP:AMBER",
}
CEILINGS: Final = {
    "open": Label.GREEN,
    "closed": Label.AMBER,
    "strict": Label.AMBER_STRICT,
    "named": Label.RED,
    "service": Label.AMBER_STRICT,
}

#: Tests send faster than people; every other rule is the rendered configuration's.
FAST: Final = """
bcrypt_rounds: 4
rc_message: {per_second: 1000, burst_count: 1000}
rc_room_creation: {per_second: 1000, burst_count: 1000}
rc_joins: {local: {per_second: 1000, burst_count: 1000}}
rc_invites:
  per_room: {per_second: 1000, burst_count: 1000}
  per_user: {per_second: 1000, burst_count: 1000}
  per_issuer: {per_second: 1000, burst_count: 1000}
rc_registration: {per_second: 1000, burst_count: 1000}
rc_registration_token_validity: {per_second: 1000, burst_count: 1000}
rc_login:
  address: {per_second: 1000, burst_count: 1000}
  account: {per_second: 1000, burst_count: 1000}
"""

_BADGE: Final = re.compile(r"\[TLP:(?:RED|AMBER\+STRICT|AMBER|GREEN|CLEAR)\]")
_BACKGROUND: Final = re.compile("data-mx-bg-color|<font|background", re.IGNORECASE)
_numbers = itertools.count(1)


@dataclass
class Community:
    """Who is there, and the rooms by kind. `ana` writes in each of them; `readers` says who else reads there."""

    #: A member other than the writer, by kind of room.
    readers: ClassVar = {"open": "finn", "closed": "dina", "strict": "dina", "named": "finn", "service": "steward"}

    server: Server
    people: dict[str, nio.AsyncClient] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> nio.AsyncClient:
        return self.people[name]

    def id(self, name: str) -> str:
        """The user id of a member."""
        return self.people[name].user_id

    def reader(self, kind: str) -> nio.AsyncClient:
        """Who reads along in the room of that kind."""
        return self.people[self.readers[kind]]

    async def send(
        self, content: Any, kind: str = "open", by: str = "ana", event_type: str = "m.room.message"
    ) -> nio.RoomSendResponse | nio.RoomSendError:
        """Sends with matrix-nio; the answer, an error too."""
        return await self[by].room_send(self.rooms[kind], event_type, content)

    async def sent(self, content: Any, kind: str = "open", by: str = "ana", event_type: str = "m.room.message") -> str:
        """Sends what must be accepted; its event id."""
        answer = await self.send(content, kind, by, event_type)
        assert isinstance(answer, nio.RoomSendResponse), answer
        return answer.event_id

    async def refused(
        self, content: Any, kind: str = "open", by: str = "ana", event_type: str = "m.room.message"
    ) -> nio.RoomSendError:
        """Sends what must be refused; the error."""
        answer = await self.send(content, kind, by, event_type)
        assert isinstance(answer, nio.RoomSendError), f"accepted as {answer}"
        return answer

    async def read(self, event_id: str, kind: str = "open") -> Json:
        """The content of an event as another member gets it from /event."""
        answer = await self.reader(kind).room_get_event(self.rooms[kind], event_id)
        assert isinstance(answer, nio.RoomGetEventResponse), answer
        content = answer.event.source["content"]
        assert isinstance(content, dict)
        return content

    async def told(self, content: Any, kind: str = "open", by: str = "ana", event_type: str = "m.room.message") -> Json:
        """Sends what must be accepted; what another member reads."""
        return await self.read(await self.sent(content, kind, by, event_type), kind)

    async def state(self, by: str, kind: str, event_type: str, content: Json, key: str = "") -> tuple[int, Json]:
        """Puts room state; status and body."""
        path = f"/_matrix/client/v3/rooms/{quote(self.rooms[kind])}/state/{event_type}/{quote(key)}"
        return await request(self[by], "PUT", path, content)

    async def create(self, by: str, body: Json) -> tuple[int, Json]:
        """POST /createRoom as clients send it; status and body."""
        return await request(self[by], "POST", "/_matrix/client/v3/createRoom", body)

    async def put(self, by: str, kind: str, content: Any, *, event_type: str = "m.room.message") -> tuple[int, Json]:
        """Sends JSON that a client library would not; status and body."""
        path = f"/_matrix/client/v3/rooms/{quote(self.rooms[kind])}/send/{event_type}/{unique('put')}"
        return await request(self[by], "PUT", path, content)

    async def close(self) -> None:
        """Closes every client."""
        for client in self.people.values():
            await client.close()


def unique(prefix: str) -> str:
    """A name that no other call in this run returns."""
    return f"{prefix}{next(_numbers)}"


def wish(kind: str, *organisations: str, **more: Any) -> Json:
    """The entry of `initial_state` that asks for a kind of room."""
    content = {"kind": kind, "organisations": list(organisations), **more}
    return {"type": "org.belisha.room", "state_key": "", "content": content}


async def settle(server: Server, *, samples: bool = True) -> Community:
    """Members and rooms on a running server, and the files that tests name unless `samples` is False."""
    here = Community(server)
    for organisation, category in (
        ("harbour", "charity"),
        ("coastguard", "government"),
        ("university", "academia"),
        ("chandlers", "industry"),
    ):
        await server.organisation(organisation, category)
    for name, organisation, role in (
        ("ana", "harbour", "member"),
        ("ben", "harbour", "lead"),
        ("cora", "coastguard", "steward"),
        ("dina", "coastguard", "member"),
        ("emil", "university", "member"),
        ("finn", "chandlers", "member"),
        ("mona", "harbour", "manager"),
    ):
        here.people[name] = await server.member(name, organisation, role)
    here.people["steward"] = steward_of(server)
    if samples:
        plant_samples(server, here.id("ana"))
    here.rooms["open"] = await _made(here, "ana", {"preset": "public_chat", "name": "Buoys"}, "ben", "dina", "finn")
    here.rooms["closed"] = await _made(here, "ana", {"preset": "private_chat", "name": "Pilots"}, "ben", "dina")
    strict = {"name": "Joint watch", "initial_state": [wish("closed", "harbour", "coastguard")]}
    here.rooms["strict"] = await _made(here, "cora", strict, "ana", "dina")
    here.rooms["named"] = await _made(here, "ana", {"preset": "trusted_private_chat", "is_direct": True}, "finn")
    _, body = await server.local("GET", "members")
    here.rooms["service"] = next(m["service_room"] for m in body["members"] if m["user_id"] == here.id("ana"))
    return here


def plant_samples(server: Server, uploader: str) -> None:
    """The files that tests name without uploading any: one to be shared, and one that is somebody's picture."""
    for media_id, state in (("sample", "pending"), ("portrait", "avatar")):
        now = int(time.time())
        server.change(
            "INSERT INTO local_media_repository (media_id, media_type, media_length, created_ts, upload_name, user_id)"
            " VALUES (?, 'text/plain', 12, ?, ?, ?)",
            media_id,
            now * 1000,
            media_id,
            uploader,
        )
        server.change(
            "INSERT INTO belisha_file (media_id, state, kind, arrived, scanned) VALUES (?, ?, 'text/plain', ?, ?)",
            media_id,
            state,
            now,
            now,
        )


def steward_of(server: Server) -> nio.AsyncClient:
    """The steward bot, by its application service's token (Synapse has no sync for it: it is told by push)."""
    bot = server.client("belisha_steward")
    bot.user_id = f"@belisha_steward:{server.name}"
    bot.access_token = (server.data / "secrets" / "as_token").read_text().strip()
    return bot


async def _made(here: Community, by: str, body: Json, *others: str) -> str:
    status, answer = await here.create(by, {**body, "invite": [here.id(name) for name in others]})
    assert status == 200, answer
    for name in others:
        joined = await here[name].join(answer["room_id"])
        assert isinstance(joined, nio.JoinResponse), joined
    return str(answer["room_id"])


# --- What every accepted item must be ----------------------------------------------------------------------------


def label_of(content: Json) -> str:
    """The one label of a content, well formed and the same in its new content."""
    value = content[LABEL_KEY]
    assert set(value) == {"label", "by"} and value["by"] in ORIGINS, value
    assert Label.parse(value["label"]) is not None and str(Label.parse(value["label"])) == value["label"], value
    new_content = content.get("m.new_content")
    if isinstance(new_content, dict):
        assert new_content[LABEL_KEY] == value
    return str(value["label"])


def origin_of(content: Json) -> str:
    """Where the label comes from."""
    return str(content[LABEL_KEY]["by"])


def assert_badges(content: Json, *, drawn: bool = True) -> None:
    """Exactly one badge, of the content's own label, wherever a client shows its text; none where not `drawn`."""
    label = label_of(content)
    for part in (content, content.get("m.new_content")):
        if isinstance(part, dict):
            shown = list(_shown(part))
            assert shown, "there is a text to draw it in"
            for text in shown:
                found = _BADGE.findall(text)
                assert found == ([f"[{label}]"] if drawn else []), text
                assert text.removeprefix("<p>").startswith((f"[{label}]", html_badge(Label.parse(label)))) or not drawn
            for html in (part.get("formatted_body"), *_html_of(part)):
                if isinstance(html, str):
                    assert len(_BACKGROUND.findall(html)) <= (1 if drawn else 0), html


def _shown(part: Json) -> Iterable[str]:
    """Each text that a client shows first: body, formatted body, extensible text, a poll's question."""
    polls = ("org.matrix.msc3381.poll.start", "m.poll.start", "m.poll")
    poll = next((part[key] for key in polls if isinstance(part.get(key), dict)), {})
    for owner in (part, poll.get("question", {})):
        for key in ("body", "formatted_body", "org.matrix.msc1767.text", "m.text", "org.matrix.msc1767.html"):
            value = owner.get(key)
            if isinstance(value, str):
                yield value
            elif isinstance(value, list):
                yield from (entry["body"] for entry in value if isinstance(entry.get("body"), str))


def _html_of(part: Json) -> Iterable[str]:
    return (text for text in _shown(part) if "<" in text)


def assert_refused(status: int, body: Json, code: str, rule: str | None = None, label: str | None = None) -> None:
    """A 403 of ours: errcode, one or two sentences, rule and label."""
    assert (status, body.get("errcode")) == (403, f"ORG.BELISHA.{code}"), (status, body)
    assert_sentence(body["error"])
    if rule is not None:
        assert body["org.belisha.rule"] == rule
    if label is not None:
        assert body["org.belisha.label"] == label


def assert_sentence(text: str) -> None:
    """What a person reads: begins like a sentence, ends like one, and shows nothing of the machine."""
    assert text[:1] in "`“" or text[:1].isupper(), text
    assert text.rstrip()[-1:] in ".?!”", text
    assert len(text.split()) >= 3, text
    assert not re.search(r"Traceback|Error\(|<class|NoneType|None\b|\bdict\b|\bstr\b|KeyError", text), text


@asynccontextmanager
async def started(server: Server) -> AsyncIterator[Community]:
    """A community of its own on a server that is not running yet; both are ended whatever happens."""
    with ended(server):
        await server.start()
        here = await settle(server)
        try:
            yield here
        finally:
            await here.close()
