"""An announcement with the real bots: from the command, or its form, to the button, the tap on it and the count."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.bots.support import STEWARD
from tests.portal.support import Here, Visitor
from tests.portal.test_commands import fill, last_of_steward, tap
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"


@pytest_asyncio.fixture(scope="module")
async def manager(here: Here) -> Visitor:
    """The browser of somebody who runs the community."""
    here.people["mara"] = await here.server.member("mara", "harbour", "manager")
    _, listed = await here.server.local("GET", "members")
    here.services["mara"] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith("@mara:"))
    return await here.sign_in("mara")


async def announcements(here: Here) -> tuple[str, list[Json]]:
    alias = quote(f"#announcements:{here.server.name}")
    room = str((await request(here.people["ana"], "GET", f"{V3}/directory/room/{alias}"))[1]["room_id"])
    _, page = await request(here.people["ana"], "GET", f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=50")
    return room, list(page["chunk"])


async def read_with_button(here: Here, text: str) -> tuple[str, str]:
    """The room and event id of the announcement, as ana reads it, once the bot's button is under it."""

    async def found() -> tuple[str, str] | None:
        room, events = await announcements(here)
        said = [one["event_id"] for one in events if text in str(one["content"].get("body"))]
        under = [
            one
            for one in events
            if one["type"] == "m.reaction"
            and one["sender"] == STEWARD
            and one["content"]["m.relates_to"]["event_id"] in said
        ]
        assert len(said) < 2
        return (room, said[0]) if under else None

    answer = await until(found)
    assert answer is not None
    return answer


async def test_from_the_command_to_the_count(here: Here, manager: Visitor) -> None:
    text = unique("The gate closes at six, ")
    asked = await here.asked("mara", f"!announce {text}")
    assert "Everybody there reads it in your name" in asked
    assert not [one for one in (await announcements(here))[1] if text in str(one["content"].get("body"))]
    await here.say("mara", "yes")
    room, event = await read_with_button(here, text)
    assert await last_of_steward(here, "mara", "Done: it is announced in your name")
    relation = {"rel_type": "m.annotation", "event_id": event, "key": "✅"}
    await here.people["ana"].room_send(room, "m.reaction", {"m.relates_to": relation})
    status = await here.asked("mara", "!announce status")
    assert "by @mara: 1 of " in status and ": 1 of " in status.partition("\n")[2], status
    assert "Only managers can do this." in await here.asked("ana", f"!announce {text}")


async def test_by_a_form(here: Here, manager: Visitor) -> None:
    text = unique("The ferry is late, ")
    page = await fill(manager, "announce", text=text)
    assert page.status == 200 and "you are asked" in page.text
    await tap(here, "mara", await last_of_steward(here, "mara", "On the portal you asked for !announce"))
    await read_with_button(here, text)
    page = await fill(manager, "announce-status")
    assert page.status == 200 and "you are asked" in page.text
