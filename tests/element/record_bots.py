"""Records what real bots say, and the rooms that it stands in: `python -m tests.element.record_bots` writes it anew.

An event that was edited has the content of its newest edit, as clients show it.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.bots.support import STEWARD
from tests.portal.support import Here, join, make_group, running, settings_with
from tests.portal.test_commands import fill
from tests.support.community import unique, wish
from tests.support.patience import until
from tests.support.server import request

Json = dict[str, Any]
FILE: Final = Path(__file__).with_name("recorded_bots.json")
_V3: Final = "/_matrix/client/v3"
_LONG: Final = "The gauges at the lock were read every ten minutes. " * 8
#: What is recorded of each room.
_STATE: Final = (("org.belisha.room", ""), ("m.room.name", ""), ("im.vector.modular.widgets", "belisha-composer"))


async def _people(here: Here) -> None:
    for organisation in ("harbour", "chandlers"):
        await here.server.organisation(organisation)
    await join(here, "ana", "harbour")
    await join(here, "ben", "harbour")
    await join(here, "finn", "chandlers")
    await join(here, "stella", "harbour", "steward")
    await join(here, "mary", "harbour", "manager")
    both = [here.people["ben"].user_id]
    await make_group(here, "ana", "closed", "Pilots", "private_chat", invite=both)
    await make_group(
        here, "ana", "blog", "Logbook", "private_chat", initial_state=[wish("closed", purpose="blog")], invite=both
    )
    await make_group(here, "ana", "open", "Buoys", "public_chat")
    await make_group(here, "ana", "named", "", "trusted_private_chat", invite=both, is_direct=True)
    for key in ("closed", "blog", "named"):
        await here.people["ben"].join(here.groups[key])


async def _until(here: Here, who: str, room: str, wanted: Callable[[Json], bool]) -> Json:
    """The newest event of a room that is wanted, as clients show it."""

    async def found() -> Json | None:
        path = f"{_V3}/rooms/{quote(room)}/messages?dir=b&limit=100"
        for event in (await request(here.people[who], "GET", path))[1]["chunk"]:
            edit = event.get("unsigned", {}).get("m.relations", {}).get("m.replace")
            shown: Json = event if edit is None else {**event, "content": edit["content"]["m.new_content"]}
            is_edit = event["content"].get("m.relates_to", {}).get("rel_type") == "m.replace"
            if shown["type"] == "m.room.message" and not is_edit and wanted(shown):
                return {**shown, "unsigned": {}}
        return None

    return await until(found)


def _by_steward(words: str) -> Callable[[Json], bool]:
    return lambda event: event["sender"] == STEWARD and words in str(event["content"].get("body"))


async def _put(here: Here, who: str, room: str, content: Json, event_type: str = "m.room.message") -> str:
    path = f"{_V3}/rooms/{quote(room)}/send/{event_type}/{unique('r')}"
    status, body = await request(here.people[who], "PUT", path, content)
    assert status == 200, body
    return str(body["event_id"])


def _post(title: str, text: str) -> Json:
    html = f"<h1>{title}</h1>\n<p>{text}</p>"
    formatted = {"format": "org.matrix.custom.html", "formatted_body": html}
    return {"msgtype": "m.text", "body": f"# {title}\n\n{text}", **formatted}


async def _members(here: Here) -> dict[str, Json]:
    """What members write: posts, and a heading elsewhere."""
    blog, closed, found = here.groups["blog"], here.groups["closed"], dict[str, Json]()
    sent = {
        "post": (blog, _post("High water at the lock", _LONG)),
        "short post": (blog, _post("Gauge 4 is back", "It was the battery.")),
        "hostile post": (blog, _post("&lt;img src=x onerror=alert(1)&gt;", f"<img src=x onerror=alert(2)>{_LONG}")),
        "no post": (blog, {"msgtype": "m.text", "body": "Who reads gauge 4 tomorrow?"}),
        "heading elsewhere": (closed, _post("Not a post", _LONG)),
        "imitated card": (closed, {"msgtype": "m.text", "body": "Report 1", "org.belisha.card": "report"}),
    }
    for name, (room, content) in sent.items():
        event_id = await _put(here, "ana", room, content)
        found[name] = await _until(here, "ana", room, lambda event, event_id=event_id: event["event_id"] == event_id)
    return found


async def _result(here: Here) -> Json:
    room = here.groups["closed"]
    await here.say("ana", '!poll "When do we meet?" | On Monday | On <b>Tuesday</b> | Never', room)
    start = "org.matrix.msc3381.poll.start"

    async def begun() -> Json | None:
        chunk = (await request(here.people["ana"], "GET", f"{_V3}/rooms/{quote(room)}/messages?dir=b&limit=30"))[1]
        return next((one for one in chunk["chunk"] if one["type"] == start), None)

    poll = await until(begun)
    answers = [one["id"] for one in poll["content"][start]["answers"]]
    for who, answer in (("ana", answers[0]), ("ben", answers[1])):
        relation = {"rel_type": "m.reference", "event_id": poll["event_id"]}
        vote = {"m.relates_to": relation, "org.matrix.msc3381.poll.response": {"answers": [answer]}}
        await _put(here, who, room, vote, "org.matrix.msc3381.poll.response")
    answers_it = {"m.relates_to": {"m.in_reply_to": {"event_id": poll["event_id"]}}}
    await _put(here, "ana", room, {"msgtype": "m.text", "body": "!poll close", **answers_it})
    return await _until(here, "ana", room, _by_steward("The poll is closed: When do we meet?"))


async def _cards(here: Here, item: str) -> dict[str, Json]:
    """A report, somebody who waits, a question, an announcement."""
    closed = here.groups["closed"]
    path = f"{_V3}/rooms/{quote(closed)}/report/{quote(item)}"
    await request(here.people["ben"], "POST", path, {"reason": "calls me names", "score": -100})
    await request(here.people["finn"], "POST", f"{_V3}/knock/{quote(closed)}", {"reason": "I read the gauges too"})
    await fill(await here.sign_in("ana"), "group-topic", room=closed, topic="What the gauges show")
    await here.say("mary", '!announce "The lock is closed on Friday"')
    rooms = {}
    for name in ("stewards", "announcements"):
        alias = quote(f"#{name}:{here.server.name}")
        rooms[name] = str((await request(here.people["stella"], "GET", f"{_V3}/directory/room/{alias}"))[1]["room_id"])
        here.groups[name] = rooms[name]
    question = await _until(here, "mary", here.services["mary"], _by_steward("Shall I?"))
    relation = {"rel_type": "m.annotation", "event_id": question["event_id"], "key": "✅"}
    await _put(here, "mary", here.services["mary"], {"m.relates_to": relation}, "m.reaction")
    here.groups["service"] = here.services["ana"]
    return {
        "report": await _until(here, "stella", rooms["stewards"], _by_steward("Report 1 of")),
        "waiting": await _until(here, "ana", here.services["ana"], _by_steward("would like to come into the group")),
        "question": await _until(here, "ana", here.services["ana"], _by_steward("On the portal you asked for")),
        "announcement": await _until(
            here,
            "ana",
            rooms["announcements"],
            lambda event: "The lock is closed on Friday" in str(event["content"].get("body")),
        ),
    }


async def _rooms(here: Here) -> dict[str, Json]:
    """Room id -> type of state -> content, as far as there is any."""
    who = {"stewards": "stella"}
    found: dict[str, Json] = {}
    for key, room in here.groups.items():
        state = found[room] = {"key": key}
        for event_type, state_key in _STATE:
            path = f"{_V3}/rooms/{quote(room)}/state/{event_type}/{quote(state_key)}"
            status, content = await request(here.people[who.get(key, "ana")], "GET", path)
            if status == 200:
                state[event_type] = content
    return found


async def record() -> Json:
    """Events by name, and rooms by id."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder) / "data", settings_with("http://localhost:1"), _people) as here:
            await here.say("ana", "!group composer on", here.groups["blog"])
            events = await _members(here)
            events["result"] = await _result(here)
            events |= await _cards(here, events["heading elsewhere"]["event_id"])
            await _until(here, "ana", here.groups["blog"], _by_steward("Where the page for writing is shown"))
            return {"events": events, "rooms": await _rooms(here), "portal": here.url}


if __name__ == "__main__":
    FILE.write_text(json.dumps(asyncio.run(record()), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
