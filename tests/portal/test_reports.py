"""A report from a client's menu to the last act on it, with the real bots; and what two stewards see on the portal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.bots.support import STEWARD
from tests.portal.support import Here, Visitor, form_of
from tests.portal.test_commands import fill, last_of_steward, tap
from tests.portal.test_moderation import says
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
SAID = "The gate code is 4711"


@pytest_asyncio.fixture(scope="module")
async def stewards(here: Here) -> dict[str, Visitor]:
    """Three stewards with their browsers, none of whom is in the rooms where something is reported."""
    names = ("stella", "sten", "sue")
    for name in names:
        here.people[name] = await here.server.member(name, "harbour", "steward")
    _, listed = await here.server.local("GET", "members")
    for one in listed["members"]:
        here.services.setdefault(one["user_id"][1:].partition(":")[0], one["service_room"])
    return {name: await here.sign_in(name) for name in names}


async def stewards_room(here: Here) -> str:
    alias = quote(f"#stewards:{here.server.name}")
    return str((await request(here.people["stella"], "GET", f"{V3}/directory/room/{alias}"))[1]["room_id"])


async def direct(here: Here, by: str, other: str) -> str:
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [here.people[other].user_id]}
    status, made = await request(here.people[by], "POST", f"{V3}/createRoom", body)
    assert status == 200, made
    room = str(made["room_id"])
    assert (await request(here.people[other], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    return room


async def report(here: Here, by: str, room: str, item: str, reason: str = "rude") -> None:
    path = f"{V3}/rooms/{quote(room)}/report/{quote(item)}"
    assert (await request(here.people[by], "POST", path, {"reason": reason, "score": -100}))[0] == 200


async def in_stewards_room(here: Here) -> list[Json]:
    path = f"{V3}/rooms/{quote(await stewards_room(here))}/messages?dir=b&limit=100"
    return list((await request(here.people["stella"], "GET", path))[1]["chunk"])


async def card_with(here: Here, words: str) -> tuple[str, str]:
    """The event id of the card that says something now, and what it says."""

    async def found() -> tuple[str, str] | None:
        for event in await in_stewards_room(here):
            new = event["content"].get("m.new_content")
            if event["sender"] == STEWARD and new and words in str(new.get("body")):
                return str(event["content"]["m.relates_to"]["event_id"]), str(new["body"])
        return None

    answer = await until(found)
    assert answer is not None
    return answer


async def buttons(here: Here, card: str) -> list[str]:
    async def found() -> list[str]:
        events = [event for event in await in_stewards_room(here) if event["type"] == "m.reaction"]
        keys = [
            event["content"]["m.relates_to"]["key"]
            for event in reversed(events)
            if event["sender"] == STEWARD and event["content"]["m.relates_to"]["event_id"] == card
        ]
        return keys if "🏁" in keys else []

    return await until(found)


async def taps(here: Here, by: str, card: str, key: str) -> str:
    relation = {"rel_type": "m.annotation", "event_id": card, "key": key}
    room = await stewards_room(here)
    return str((await here.people[by].room_send(room, "m.reaction", {"m.relates_to": relation})).event_id)


async def test_from_a_clients_menu_to_the_last_act(here: Here, stewards: dict[str, Visitor]) -> None:
    name = unique("Moorings ")
    body = {"preset": "private_chat", "name": name, "invite": [here.people["ben"].user_id]}
    room = str((await request(here.people["ana"], "POST", f"{V3}/createRoom", body))[1]["room_id"])
    assert (await request(here.people["ben"], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    item = await says(here, "ana", room, SAID)
    await report(here, "ben", room, item, "calls me names")
    card, said = await card_with(here, name)
    assert "calls me names" in said and "@ana" in said and SAID not in said and "@ben" not in said
    assert await buttons(here, card) == ["👀", "⚠️", "🔇", "🗑️", "🚪", "🏁"]
    await taps(here, "stella", card, "👀")
    assert "@stella looks after it" in (await card_with(here, "@stella looks after it"))[1]
    assert await last_of_steward(here, "ben", "Somebody looks after your report")
    # The second is told that the first was quicker, at the card.
    await taps(here, "sten", card, "👀")

    async def told() -> bool:
        return any("@stella has done this" in str(e["content"].get("body")) for e in await in_stewards_room(here))

    await until(told)
    await taps(here, "sten", card, "🗑️")
    await card_with(here, "the message taken back by @sten")
    assert await last_of_steward(here, "ana", "have taken back a message of yours")
    await taps(here, "sten", card, "⚠️")
    assert await last_of_steward(here, "ana", "The people who moderate the community warn you.")
    content = {
        "msgtype": "m.text",
        "body": '!report close "Thank you, it is gone"',
        "m.relates_to": {"m.in_reply_to": {"event_id": card}},
    }
    await here.people["stella"].room_send(await stewards_room(here), "m.room.message", content)
    await card_with(here, "closed by @stella")
    told_ben = await last_of_steward(here, "ben", "They say: “Thank you, it is gone”")
    assert told_ben
    everything = "".join(str(event) for event in await in_stewards_room(here))
    assert SAID not in everything and "@ben" not in everything


async def test_of_a_direct_chat_two_stewards_see_that_message_alone(here: Here, stewards: dict[str, Visitor]) -> None:
    room = await direct(here, "ana", "finn")
    await says(here, "ana", room, "What stands before it")
    item = await says(here, "ana", room, f"{SAID} <b>&")
    page = await (await here.sign_in("finn")).get("/commands/report")
    assert 'name="its-message"' in page.text and 'name="target"' not in page.text
    finn = await here.sign_in("finn")
    link = f"https://matrix.to/#/{room}/{item}?via=x"
    answer = await fill(finn, "report", kind="danger", urgent="yes", message=link)
    assert answer.status == 200 and "you are asked" in answer.text, answer.text
    await tap(here, "finn", await last_of_steward(here, "finn", "On the portal you asked for !report"))
    assert await last_of_steward(here, "finn", "I have passed your report on")
    card, said = await card_with(here, "room of named people")
    assert "urgent" in said and "danger" in said and not any(one in said for one in ("ana", "finn", room, item))
    assert await buttons(here, card) == ["👀", "⚠️", "🔇", "🏁"]
    number = int(said.partition("Report ")[2].partition(",")[0])

    def waits() -> bool:
        with closing(sqlite3.connect(here.server.data / "bots.db")) as database:
            query = "SELECT 1 FROM job WHERE name = ?"
            return database.execute(query, (f"escalate {number}",)).fetchone() is not None

    assert waits(), "it is urgent, and nobody looks after it"
    for name in ("stella", "sten"):
        page = await stewards[name].get(f"/reports/{number}")
        assert page.status == 200 and SAID not in page.text and "@ana" not in page.text
        look = await stewards[name].post(f"/reports/{number}/look", {"form": form_of(page.text)})
        assert (look.status, look.location) == (303, f"/reports/{number}")
        page = await stewards[name].get(f"/reports/{number}")
        assert f"{SAID} &lt;b&gt;&amp;" in page.text and "What stands before it" not in page.text
    page = await stewards["sue"].get(f"/reports/{number}")
    assert page.status == 200 and SAID not in page.text and "Show the reported message" not in page.text
    look = await stewards["sue"].post(f"/reports/{number}/look", {"form": form_of(page.text)})
    assert (look.status, look.location) == (303, f"/reports/{number}?done=not")
    assert f'href="/reports/{number}"' in (await stewards["sue"].get("/reports")).text
    for path in ("/reports", f"/reports/{number}"):
        assert (await finn.get(path)).status == 404, path
    page = await fill(stewards["stella"], "report-close", number=str(number), answer="Thank you")
    assert page.status == 200
    await tap(here, "stella", await last_of_steward(here, "stella", "On the portal you asked for !report close"))
    assert await last_of_steward(here, "finn", "They say: “Thank you”")
    assert await last_of_steward(here, "stella", f"Done: it stands on the card of report {number}.")
    assert not waits()


async def test_a_report_written_in_a_group_is_taken_away(here: Here, stewards: dict[str, Visitor]) -> None:
    body = {"preset": "public_chat", "name": unique("Slips ")}
    room = str((await request(here.people["ana"], "POST", f"{V3}/createRoom", body))[1]["room_id"])
    assert (await request(here.people["ben"], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200

    async def bot_is_in() -> bool:
        path = f"{V3}/rooms/{quote(room)}/joined_members"
        return STEWARD in (await request(here.people["ana"], "GET", path))[1]["joined"]

    await until(bot_is_in)
    item = await says(here, "ana", room, SAID)
    asked = await says(here, "ben", room, "!report spam", item)
    assert await last_of_steward(here, "ben", "I have passed your report on")

    async def gone() -> bool:
        path = f"{V3}/rooms/{quote(room)}/event/{quote(asked)}"
        return (await request(here.people["ana"], "GET", path))[1]["content"] == {}

    await until(gone)
