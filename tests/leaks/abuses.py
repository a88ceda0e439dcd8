"""What a member with a changed client tries inside the rules of reading: each beside the same by who may.

An abuse is refused while the rule holds, and its control is accepted; without the rule it is granted. What shows
only in what is stored, or told to others, is in `seen` and `around`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from tests.leaks.ground import V3, Ground, room_path
from tests.support.community import LABEL_KEY, unique
from tests.support.files import mxc, png
from tests.synapse.samples import text

Json = dict[str, Any]


class Try(NamedTuple):
    """One request: by whom, and what."""

    who: str
    method: str
    path: str
    body: Any = None


class Abuse(NamedTuple):
    """Two requests that differ in what the rule is about; `errcode` is that of the refusal, without its prefix."""

    refused: Callable[[Ground], Awaitable[Try]]
    granted: Callable[[Ground], Awaitable[Try]]
    errcode: str | None = None


def send(who: str, kind: str, content: Json, event_type: str = "m.room.message") -> Callable[[Ground], Awaitable[Try]]:
    async def make(ground: Ground) -> Try:
        filled = json.loads(json.dumps(content).replace("EVENT", ground.places[kind].events["missing"]["body"]))
        path = room_path(ground.places[kind].room, f"send/{quote(event_type, safe='')}/{unique('abuse')}")
        return Try(who, "PUT", path, filled)

    return make


def _state(who: str, kind: str, event_type: str, content: Json, key: str = "") -> Callable[[Ground], Awaitable[Try]]:
    async def make(ground: Ground) -> Try:
        path = room_path(ground.places[kind].room, f"state/{event_type}/{quote(key, safe='')}")
        return Try(who, "PUT", path, content)

    return make


def _to(who: str, method: str, path: str, body: Any = None) -> Callable[[Ground], Awaitable[Try]]:
    async def make(ground: Ground) -> Try:
        rooms = {f"ROOM-{kind}": quote(place.room, safe="") for kind, place in ground.places.items()}
        people = {f"ID-{name}": ground.id(name) for name in (*ground.community.people,)}
        filled, given = path, json.dumps(body)
        for name, value in (rooms | people).items():
            filled, given = filled.replace(name, value), given.replace(name, value)
        return Try(who, method, filled.replace("TXN", unique("abuse")), json.loads(given))

    return make


def _reaction(**more: str) -> Json:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": "EVENT", "key": unique("k")}, **more}


async def _another_levels(ground: Ground, everybody: int) -> Try:
    place = ground.places["closed"]
    path = room_path(place.room, "state/m.room.power_levels/")
    levels = await ground.do(place.maker, "GET", path)
    return Try("steward", "PUT", path, {**levels, "users_default": everybody})


async def _redact_act(ground: Ground, event_type: str, content: Json) -> Try:
    """The redaction of something that ana has just sent."""
    sent = await send("ana", "closed", content, event_type)(ground)
    body = await ground.do(sent.who, sent.method, sent.path, sent.body)
    path = room_path(ground.places["closed"].room, f"redact/{quote(body['event_id'], safe='')}/{unique('r')}")
    return Try("ana", "PUT", path, {})


async def _relabel(ground: Ground, who: str) -> Try:
    """Lowers an AMBER item of ana's."""
    item = await ground.do(*await send("ana", "closed", text("TLP:AMBER Slack water"))(ground))
    act = {"m.relates_to": {"rel_type": "m.reference", "event_id": item["event_id"]}, "label": "TLP:GREEN"}
    return await send(who, "closed", act, "org.belisha.relabel")(ground)


async def _act_of(ground: Ground) -> Try:
    item = await ground.do(*await send("ana", "closed", text("TLP:GREEN Slack water"))(ground))
    act = {"m.relates_to": {"rel_type": "m.reference", "event_id": item["event_id"]}, "label": "TLP:AMBER"}
    return await _redact_act(ground, "org.belisha.relabel", act)


async def _message(ground: Ground) -> Try:
    return await _redact_act(ground, "m.room.message", text("Slack water"))


_PAGE: Final = {"type": "m.custom", "name": "Poll", "creatorUserId": "@ana:belisha.localhost"}
_WIDER: Final = {
    "kind": "open",
    "default": "TLP:GREEN",
    "ceiling": "TLP:AMBER",
    "organisations": [],
    "purpose": "discussion",
}
RED: Final = "TLP:RED the pump is off"


def _pusher(url: str, kind: Any = "http") -> Json:
    return {
        "kind": kind,
        "app_id": "im.example.app",
        "app_display_name": "App",
        "device_display_name": "Phone",
        "pushkey": "key",
        "lang": "en",
        "data": {"url": url},
    }


async def _portal_page(ground: Ground) -> Try:
    url = f"{ground.community.server.place.portal}/poll"
    return await _state("ana", "closed", "im.vector.modular.widgets", {**_PAGE, "url": url}, unique("w"))(ground)


async def _file(ground: Ground, who: str, data: bytes = b"Only for ana") -> Try:
    """Shares a file of ana's in a group that the other is in too."""
    address = mxc(ground.community, await ground.upload("ana", data, "text/plain"))
    return await send(who, "closed", {"msgtype": "m.file", "body": "tides", "url": address})(ground)


async def _picture(ground: Ground, who: str) -> Try:
    """Shows a picture that ana has uploaded as one's own."""
    address = mxc(ground.community, await ground.upload("ana", png()))
    return await _to(who, "PUT", f"{V3}/profile/ID-{who}/avatar_url", {"avatar_url": address})(ground)


ABUSES: Final[Mapping[str, Abuse]] = {
    "an unknown type": Abuse(
        send("ana", "closed", {"note": "The pump is off"}, "com.example.note"),
        send("ana", "closed", text("Slack water")),
        "UNKNOWN_TYPE",
    ),
    "room state in the timeline": Abuse(
        send("ana", "closed", {"name": "The pump is off"}, "m.widget"),
        _state("ana", "closed", "m.room.topic", {"topic": "Tides"}),
        "WRONG_PLACE",
    ),
    "text as a state key": Abuse(
        _state("ana", "closed", "m.room.topic", {"topic": "x"}, "the pump is off"),
        _state("ana", "closed", "m.room.topic", {"topic": "Tides"}),
        "MALFORMED",
    ),
    "a note in a reaction": Abuse(
        send("ana", "closed", _reaction(note="x" * 1500), "m.reaction"),
        lambda ground: send("ana", "closed", _reaction(), "m.reaction")(ground),
        "TOO_MUCH_TEXT",
    ),
    "text to a device": Abuse(
        _to("ana", "PUT", f"{V3}/sendToDevice/m.room.message/TXN", {"messages": {"ID-ben": {"*": {"body": RED}}}}),
        _to("ana", "PUT", f"{V3}/sendToDevice/m.dummy/TXN", {"messages": {"ID-ben": {"*": {}}}}),
        "UNKNOWN_TYPE",
    ),
    "RED in the text of a closed group": Abuse(
        send("ana", "closed", text(RED)), send("ana", "named", text(RED)), "ABOVE_CEILING"
    ),
    "RED by its key in an open group": Abuse(
        send("ana", "open", {**text("Off"), LABEL_KEY: {"label": "TLP:RED"}}),
        send("ana", "named", {**text("Off"), LABEL_KEY: {"label": "TLP:RED"}}),
        "ABOVE_CEILING",
    ),
    "another's label lowered": Abuse(
        lambda ground: _relabel(ground, "ben"), lambda ground: _relabel(ground, "ana"), "NOT_YOURS"
    ),
    "a relabel act redacted": Abuse(_act_of, _message, "KEPT"),
    "a policy by hand": Abuse(
        _state("steward", "open", "org.belisha.room", _WIDER),
        _state("steward", "closed", "m.room.topic", {"topic": "Tides"}),
    ),
    "an upgrade by hand": Abuse(
        _state("steward", "space", "m.room.tombstone", {"body": "Moved", "replacement_room": "!x:belisha.localhost"}),
        _state("steward", "space", "m.room.topic", {"topic": "Tides"}),
        "NO_UPGRADE",
    ),
    "power for everybody": Abuse(
        lambda ground: _another_levels(ground, 10), lambda ground: _another_levels(ground, 0), "POWER"
    ),
    "a public closed group": Abuse(
        _state("ana", "closed", "m.room.join_rules", {"join_rule": "public"}),
        _state("ana", "closed", "m.room.join_rules", {"join_rule": "knock"}),
        "JOIN_RULE",
    ),
    "a world-readable room": Abuse(
        _state("ana", "closed", "m.room.history_visibility", {"history_visibility": "world_readable"}),
        _state("ana", "closed", "m.room.history_visibility", {"history_visibility": "shared"}),
        "HISTORY",
    ),
    "guests let in": Abuse(
        _state("ana", "closed", "m.room.guest_access", {"guest_access": "can_join"}),
        _state("ana", "closed", "m.room.guest_access", {"guest_access": "forbidden"}),
        "NO_GUESTS",
    ),
    "a RED room name": Abuse(
        _state("ana", "closed", "m.room.name", {"name": RED}),
        _state("ana", "closed", "m.room.name", {"name": "Locks"}),
        "NOT_PUBLIC",
    ),
    "a RED reason to knock": Abuse(
        _to("olga", "POST", f"{V3}/knock/ROOM-closed", {"reason": RED}),
        _to("emil", "POST", f"{V3}/knock/ROOM-closed", {"reason": "Please"}),
        "NOT_PUBLIC",
    ),
    "encryption turned on": Abuse(
        _state("steward", "open", "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}),
        _state("steward", "open", "m.room.topic", {"topic": "Tides"}),
        "NO_ENCRYPTION",
    ),
    "a widget from elsewhere": Abuse(
        _state("ana", "closed", "im.vector.modular.widgets", {**_PAGE, "url": "https://evil.example/x"}, "w"),
        _portal_page,
        "WIDGET_ORIGIN",
    ),
    "another organisation invited": Abuse(
        _to("cora", "POST", f"{V3}/rooms/ROOM-strict/invite", {"user_id": "ID-emil"}),
        _to("cora", "POST", f"{V3}/rooms/ROOM-strict/invite", {"user_id": "ID-tim"}),
        "OTHER_ORGANISATION",
    ),
    "the admin API": Abuse(
        _to("ada", "GET", "/_synapse/admin/v1/rooms"), _to("ana", "GET", f"{V3}/joined_rooms"), "ADMIN_CLOSED"
    ),
    "an administrator's whois": Abuse(
        _to("ada", "GET", f"{V3}/admin/whois/ID-ana"), _to("ada", "GET", f"{V3}/profile/ID-ana"), "ADMIN_CLOSED"
    ),
    "another's profile, by an administrator": Abuse(
        _to("ada", "PUT", f"{V3}/profile/ID-ben/displayname", {"displayname": "Cora (Coastguard)"}),
        _to("ada", "PUT", f"{V3}/profile/ID-ada/avatar_url", {"avatar_url": ""}),
    ),
    "a role of one's own making": Abuse(
        _to("ana", "PUT", f"{V3}/profile/ID-ana/org.belisha.roles", {"org.belisha.roles": ["manager"]}),
        _to("ana", "PUT", f"{V3}/profile/ID-ana/m.tz", {"m.tz": "Europe/London"}),
        "PROFILE_FIELD",
    ),
    "another name": Abuse(
        _to("ana", "PUT", f"{V3}/profile/ID-ana/displayname", {"displayname": "Cora (Coastguard)"}),
        lambda ground: _picture(ground, "ana"),
    ),
    "a bot invited to named people": Abuse(
        _to("ana", "POST", f"{V3}/rooms/ROOM-named/invite", {"user_id": "ID-steward"}),
        _to("ana", "POST", f"{V3}/rooms/ROOM-named/invite", {"user_id": "ID-lars"}),
        "NO_BOTS_HERE",
    ),
    "a foreign file named in a room": Abuse(
        lambda ground: _file(ground, "ben"), lambda ground: _file(ground, "ana"), "FILE_NOT_YOURS"
    ),
    "a program among documents": Abuse(
        lambda ground: _file(ground, "ana", b"MZ\0\0"), lambda ground: _file(ground, "ana"), "NOT_A_DOCUMENT"
    ),
    "RED inside a file in a closed group": Abuse(
        lambda ground: _file(ground, "ana", b"TLP:RED\nTides"),
        lambda ground: _file(ground, "ana", b"TLP:GREEN\nTides"),
        "ABOVE_CEILING",
    ),
    "a foreign file as one's picture": Abuse(
        lambda ground: _picture(ground, "ben"), lambda ground: _picture(ground, "ana"), "FILE_NOT_YOURS"
    ),
    "a foreign push gateway": Abuse(
        _to("ana", "POST", f"{V3}/pushers/set", _pusher("https://matrix.org/_matrix/push/v1/notify")),
        _to("ana", "GET", f"{V3}/pushers"),
        "PUSH_GATEWAY",
    ),
    "a message while the check fails": Abuse(
        send("ana", "closed", text("Slack water")), send("ana", "closed", text("Slack water")), "CANNOT_DECIDE"
    ),
}


async def is_granted(ground: Ground, abuse: Abuse) -> tuple[bool, str]:
    """Makes the request that the rule refuses; whether it was granted, and the answer."""
    one = await abuse.refused(ground)
    status, answer = await ground.ask(*one)
    return status < 400, f"{status} {answer[:300]}"
