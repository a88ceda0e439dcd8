"""A NUL character, which PostgreSQL stores nowhere, ends in no failure of the server, wherever it stands."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.support.community import Community, unique
from tests.support.server import request
from tests.synapse.samples import text

V3: Final = "/_matrix/client/v3"
NUL: Final = "$\0"
ITEM: Final = "$item"


def related(**relation: Any) -> dict[str, Any]:
    return {"m.relates_to": relation}


SENT: Final = {
    "rel_type": ("m.room.message", text("x", **related(rel_type="a\0", event_id=ITEM))),
    "thread": ("m.room.message", text("x", **related(rel_type="m.thread", event_id=NUL))),
    "reply": ("m.room.message", text("x", **related(**{"m.in_reply_to": {"event_id": NUL}}))),
    "edit": ("m.room.message", text("x", **related(rel_type="m.replace", event_id=NUL))),
    "reaction key": ("m.reaction", related(rel_type="m.annotation", event_id=ITEM, key="a\0")),
    "reaction to": ("m.reaction", related(rel_type="m.annotation", event_id=NUL, key="a")),
    "redaction": ("m.room.redaction", {"redacts": NUL}),
    "relabel": ("org.belisha.relabel", related(rel_type="m.reference", event_id=NUL) | {"label": "TLP:AMBER"}),
    "type": ("m.room\0", text("x")),
}
ASKED: Final = {
    "transaction": ("PUT", "{room}/send/m.room.message/a%00", text("x")),
    "state key": ("PUT", "{room}/state/im.vector.modular.widgets/a%00", {}),
    "redacted": ("PUT", "{room}/redact/$a%00/t1", {}),
    "invited": ("POST", "{room}/invite", {"user_id": "@a\0:{name}"}),
    "receipt": ("POST", "{room}/receipt/m.read/$a%00", {}),
    "marker": ("POST", "{room}/read_markers", {"m.fully_read": NUL}),
    "event": ("GET", "{room}/event/$a%00", None),
    "context": ("GET", "{room}/context/$a%00", None),
    "room": ("GET", f"{V3}/rooms/!a%00/state", None),
    "join": ("POST", f"{V3}/join/!a%00:{{name}}", {}),
    "alias": ("PUT", f"{V3}/directory/room/%23a%00:{{name}}", {"room_id": "!a:b"}),
    "new alias": ("POST", f"{V3}/createRoom", {"room_alias_name": "a\0"}),
    "new name": ("POST", f"{V3}/createRoom", {"name": "a\0"}),
    "profile": ("GET", f"{V3}/profile/@a%00:{{name}}", None),
    "device": ("PUT", f"{V3}/sendToDevice/m.dummy/a1", {"messages": {"{ana}": {"A\0": {}}}}),
    "account data": ("PUT", f"{V3}/user/{{ana}}/account_data/a%00", {}),
    "directory": ("POST", f"{V3}/user_directory/search", {"search_term": "a\0"}),
    "policy": ("GET", "/_synapse/client/org.belisha/v1/policy/!a%00", None),
    "audience": ("GET", "/_synapse/client/org.belisha/v1/audience?room_id=!a%00", None),
    "local": ("PUT", "/_synapse/org.belisha/local/v1/members/a%00", {}),
}


async def assert_answered(community: Community, method: str, path: str, body: Any) -> None:
    """Asks the process itself: a web server in front may have refused the address already."""
    client, urls = community["ana"], community.server.urls
    before, client.homeserver = client.homeserver, urls.get("client", urls["main"])
    try:
        status, answer = await request(client, method, path, body)
    finally:
        client.homeserver = before
    assert status < 500, answer
    assert "CANNOT_DECIDE" not in answer.get("errcode", ""), answer


@pytest.mark.parametrize("case", SENT)
async def test_nul_in_an_event(community: Community, case: str) -> None:
    event_type, content = SENT[case]
    path = f"{V3}/rooms/{quote(community.rooms['open'])}/send/{quote(event_type)}/{unique('nul')}"
    await assert_answered(community, "PUT", path, content)


@pytest.mark.parametrize("case", ASKED)
async def test_nul_in_a_request(community: Community, case: str) -> None:
    method, path, body = ASKED[case]
    names = {"name": community.server.name, "ana": community.id("ana")}
    room = f"{V3}/rooms/{quote(community.rooms['open'])}"
    await assert_answered(community, method, _filled(path, room=room, **names), _filled_in(body, names))


def _filled(text_: str, **names: str) -> str:
    for name, value in names.items():
        text_ = text_.replace(f"{{{name}}}", value)
    return text_


def _filled_in(body: Any, names: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {_filled(key, **names): _filled_in(value, names) for key, value in body.items()}
    return _filled(body, **names) if isinstance(body, str) else body
