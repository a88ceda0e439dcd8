"""Records events of a real Synapse for the module: `python -m tests.element.record` writes recorded.json anew."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.support.community import Community
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import SAMPLES
from tests.synapse.test_other_settings import CIPHER, ENCRYPTION, changed

Json = dict[str, Any]
FILE: Final = Path(__file__).with_name("recorded.json")
_TEXT: Final = "m.room.message"
#: name -> kind of room, type of event, content
_MORE: Final[dict[str, tuple[str, str, Json]]] = {
    "red": ("named", _TEXT, {"msgtype": "m.text", "body": "TLP:RED The berth is 14"}),
    "strict": ("strict", _TEXT, {"msgtype": "m.text", "body": "TLP:AMBER+STRICT The watch list"}),
    "green": ("open", _TEXT, {"msgtype": "m.text", "body": "The pilots' meeting is on Friday"}),
    "clear": ("open", _TEXT, {"msgtype": "m.text", "body": "TLP:CLEAR The harbour is open to visitors"}),
    "warning": ("closed", _TEXT, {"msgtype": "m.text", "body": "CW: drowning\nThe report of the accident"}),
    "hostile": (
        "closed",
        _TEXT,
        {"msgtype": "m.text", "body": "CW: <img src=x onerror=alert(1)>\n<script>alert(2)</script> [TLP:CLEAR] x"},
    ),
}


async def _event(here: Community, kind: str, event_id: str) -> Json:
    path = f"/_matrix/client/v3/rooms/{quote(here.rooms[kind])}/event/{quote(event_id)}"
    status, event = await request(here["ana"], "GET", path)
    assert status == 200, event
    return event


async def record() -> dict[str, Json]:
    """Each event as a member gets it, by its name."""
    found: dict[str, Json] = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = changed(Path(folder), ("encrypted_named_rooms: false", "encrypted_named_rooms: true"))
        here = await make_community(Path(folder) / "data", settings)
        with ended(here.server):
            try:
                for name, (event_type, content) in SAMPLES.items():
                    sent = await here.sent(content, "closed", event_type=event_type)
                    found[name] = await _event(here, "closed", sent)
                for name, (kind, event_type, content) in _MORE.items():
                    found[name] = await _event(here, kind, await here.sent(content, kind, event_type=event_type))
                body = {"preset": "trusted_private_chat", "invite": [here.id("emil")], "initial_state": [ENCRYPTION]}
                here.rooms["sealed"] = (await here.create("ana", body))[1]["room_id"]
                sealed = await here.sent(CIPHER, "sealed", event_type="m.room.encrypted")
                found["encrypted"] = await _event(here, "sealed", sealed)
            finally:
                await here.close()
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(asyncio.run(record()), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
