"""Announcing by a command (P3): who may, where, once, in whose name; and who has acknowledged it now (P2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, unique, wish
from tests.support.ledger import known_everywhere
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.test_acts import hand_over, newcomer, stored, typed
from tests.synapse.test_questions import own_room, taps
from tests.synapse.test_room_freezing import V3, group

pytestmark = pytest.mark.more

Json = dict[str, Any]
API = "/_synapse/client/org.belisha/v1"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: it is announced to."""
    here = await make_community(tmp_path_factory.mktemp("announcements") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def announces(community: Community, by: str, text: str, room: str | None = None) -> tuple[int, Json]:
    own = await own_room(community, by)
    rest = "" if room is None else f" --group {room}"
    event = await typed(community, by, own, f"!announce{rest} {text}")
    arguments = {"text": text} | ({} if room is None else {"group": room})
    return await hand_over(community, own, event, "announce", arguments)


async def announced(community: Community, text: str = "", room: str | None = None) -> Json:
    status, body = await announces(community, "mona", text or unique("The gate closes at "), room)
    assert status == 200, body
    return body


async def status_of(community: Community, event_id: str) -> dict[str, tuple[int, int]]:
    own = await own_room(community, "mona")
    event = await typed(community, "mona", own, "!announce status")
    status, body = await hand_over(community, own, event, "announce_status")
    assert status == 200, body
    (found,) = [one for one in body["announcements"] if one["event_id"] == event_id]
    return {one["name"]: (one["acknowledged"], one["of"]) for one in found["organisations"]}


async def waiting(community: Community, event_id: str, after: str = "", by: str = "steward") -> tuple[int, Json]:
    path = f"{API}/unacknowledged?event_id={quote(event_id)}&after={after}"
    return await request(community[by], "GET", path)


async def test_everybody_reads_it_in_the_managers_own_name(community: Community) -> None:
    text = unique("TLP:CLEAR The gate closes at ")
    done = await announced(community, text)
    path = f"{V3}/rooms/{quote(done['room_id'])}/event/{quote(done['event_id'])}"
    status, event = await request(community["finn"], "GET", path)
    assert status == 200 and event["sender"] == community.id("mona")
    assert event["content"]["org.belisha.tlp"] == {"label": "TLP:CLEAR", "by": "text"}
    assert text.removeprefix("TLP:CLEAR ") in event["content"]["body"]


async def test_a_command_announces_once(community: Community) -> None:
    own, text = await own_room(community, "mona"), unique("Once ")
    event = await typed(community, "mona", own, f"!announce {text}")
    call = (community, own, event, "announce", {"text": text})
    answers = await asyncio.gather(*(hand_over(*call) for _ in range(3)))
    assert {(status, body["event_id"]) for status, body in answers} == {(200, answers[0][1]["event_id"])}
    # As after a crash between the message and the note of it.
    community.server.change("DELETE FROM belisha_act WHERE event_id = ?", event)
    community.server.change("DELETE FROM belisha_announcement WHERE command_id = ?", event)
    assert (await hand_over(*call))[1]["event_id"] == answers[0][1]["event_id"]
    path = f"{V3}/rooms/{quote(answers[0][1]['room_id'])}/messages?dir=b&limit=50"
    _, page = await request(community["ana"], "GET", path)
    assert sum(text in str(one["content"].get("body")) for one in page["chunk"]) == 1


@pytest.mark.parametrize("name", ["ana", "cora"])
async def test_only_managers_announce(community: Community, name: str) -> None:
    """ana maintains groups, cora is a steward."""
    assert_refused(*await announces(community, name, "Hear ye"), "NOT_YOURS", rule="P3")
    own = await own_room(community, name)
    event = await typed(community, name, own, "!announce status")
    assert_refused(*await hand_over(community, own, event, "announce_status"), "NOT_YOURS", rule="P3")


async def test_a_group_has_to_be_for_announcements_and_the_managers(community: Community) -> None:
    room = await group(community, "open", "mona")
    assert_refused(*await announces(community, "mona", "Hear ye", room), "NO_ANNOUNCEMENTS", rule="R1")
    missing = await announces(community, "mona", "Hear ye", f"!nothing:{community.server.name}")
    assert missing[0] == 404
    for hidden in (community.rooms["named"], await group(community, "closed")):
        assert await announces(community, "mona", "Hear ye", hidden) == missing, "who is not in it learns of no room"
    body = {"name": unique("Quay news "), "initial_state": [wish("closed", purpose="announcements")]}
    status, made = await community.create("ana", body)
    assert status == 200, made
    room = str(made["room_id"])
    await request(community["ana"], "POST", f"{V3}/rooms/{quote(room)}/invite", {"user_id": community.id("mona")})
    await request(community["mona"], "POST", f"{V3}/join/{quote(room)}", {})
    assert_refused(*await announces(community, "mona", "Hear ye", room), "NOT_LET", rule="M1")
    levels = (await request(community["ana"], "GET", f"{V3}/rooms/{quote(room)}/state/m.room.power_levels/"))[1]
    levels["users"][community.id("mona")] = 50
    path = f"{V3}/rooms/{quote(room)}/state/m.room.power_levels/"
    assert (await request(community["ana"], "PUT", path, levels))[0] == 200
    assert (await announced(community, room=room))["room_id"] == room


@pytest.mark.parametrize(
    ("text", "code"), [("TLP:AMBER The code is 4711", "ABOVE_CEILING"), ("TLP:PURPLE x", "UNKNOWN_LABEL")]
)
async def test_every_rule_about_messages_holds(community: Community, text: str, code: str) -> None:
    before = stored(community, "SELECT COUNT(*) FROM belisha_announcement")
    status, body = await announces(community, "mona", text)
    assert (status, body["errcode"]) == (403, f"ORG.BELISHA.{code}"), body
    assert "4711" not in body["error"]
    assert stored(community, "SELECT COUNT(*) FROM belisha_announcement") == before


async def test_acknowledgements_are_counted_by_organisation_as_they_are_now(community: Community) -> None:
    done = await announced(community)
    room, event = done["room_id"], done["event_id"]
    before = await status_of(community, event)
    assert all(count == 0 and of > 0 for count, of in before.values())
    assert "mona" not in str(before)
    first = await taps(community, "ana", room, event, "✅")
    await taps(community, "ben", room, event, "👍")
    await taps(community, "finn", room, event, "🎉")
    after = await status_of(community, event)
    assert sum(count for count, _of in after.values()) == 2
    own = {room for name in ("ana", "ben") for room in [await own_room(community, name)]}
    status, left = await waiting(community, event)
    assert status == 200 and not own & set(left["rooms"]) and await own_room(community, "finn") in left["rooms"]
    assert await own_room(community, "mona") not in left["rooms"], "who announced it has read it"
    redact = f"{V3}/rooms/{quote(room)}/redact/{quote(first)}/{unique('r')}"
    assert (await request(community["ana"], "PUT", redact, {}))[0] == 200
    assert sum(count for count, _of in (await status_of(community, event)).values()) == 1
    assert await own_room(community, "ana") in (await waiting(community, event))[1]["rooms"]


async def test_who_may_not_act_any_more_is_not_counted_nor_reminded(community: Community) -> None:
    done, name = await announced(community), await newcomer(community)
    room = await own_room(community, name)
    assert room in (await waiting(community, done["event_id"]))[1]["rooms"]
    before = await status_of(community, done["event_id"])
    await community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"})
    await known_everywhere()
    after = await status_of(community, done["event_id"])
    assert sum(of for _count, of in before.values()) - sum(of for _count, of in after.values()) == 1
    assert room not in (await waiting(community, done["event_id"]))[1]["rooms"]


async def test_many_are_told_in_parts(community: Community) -> None:
    done = await announced(community)
    _, every = await waiting(community, done["event_id"])
    assert every["next"] is None
    _, rest = await waiting(community, done["event_id"], "ben")
    assert set(rest["rooms"]) < set(every["rooms"])


async def test_of_other_messages_there_is_nobody_and_for_others_nothing(community: Community) -> None:
    done = await announced(community)
    status, sent = await request(
        community["ana"],
        "PUT",
        f"{V3}/rooms/{quote(community.rooms['open'])}/send/m.room.message/{unique('m')}",
        {"msgtype": "m.text", "body": "x", "org.belisha.announcement": {"command": "$x"}},
    )
    assert status == 200
    assert (await waiting(community, sent["event_id"]))[0] == 404
    assert_refused(*await waiting(community, done["event_id"], by="mona"), "NOT_A_BOT", rule="P3")
    path = f"{V3}/rooms/{quote(done['room_id'])}/redact/{quote(done['event_id'])}/{unique('r')}"
    assert (await request(community["mona"], "PUT", path, {}))[0] == 200, "it is the manager's own message"
    assert (await waiting(community, done["event_id"]))[0] == 404
