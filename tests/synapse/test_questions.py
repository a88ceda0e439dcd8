"""What was asked for on the portal counts by the member's yes to the bot's question (P3), and no cheat does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from belisha.acts.questions import QUESTION_KEY
from tests.support.community import Community, assert_refused, unique
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.test_acts import hand_over, newcomer
from tests.synapse.test_room_freezing import V3, group, policy

pytestmark = pytest.mark.more

Json = dict[str, Any]
YES = "✅"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members are frozen and its groups changed."""
    here = await make_community(tmp_path_factory.mktemp("questions") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def own_room(community: Community, name: str) -> str:
    _, body = await community.server.local("GET", "members")
    return next(str(m["service_room"]) for m in body["members"] if m["user_id"] == community.id(name))


async def send(community: Community, by: str, room: str, content: Json, event_type: str = "m.room.message") -> str:
    path = f"{V3}/rooms/{quote(room)}/send/{event_type}/{unique('q')}"
    status, answer = await request(community[by], "PUT", path, content)
    assert status == 200, answer
    return str(answer["event_id"])


async def asks(community: Community, room: str, text: str, about: str | None = None, body: str | None = None) -> str:
    """The bot's question; its event id."""
    shown = body if body is not None else f"On the portal you asked for {text} {about or ''}. Shall I?"
    question = {"text": text} if about is None else {"text": text, "room_id": about}
    return await send(community, "steward", room, {"msgtype": "m.notice", "body": shown, QUESTION_KEY: question})


async def taps(community: Community, by: str, room: str, event: str, key: str = YES) -> str:
    relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
    return await send(community, by, room, {"m.relates_to": relation}, "m.reaction")


async def says(community: Community, by: str, room: str, words: str, to: str | None = None) -> str:
    relation = {} if to is None else {"m.relates_to": {"m.in_reply_to": {"event_id": to}}}
    return await send(community, by, room, {"msgtype": "m.text", "body": words, **relation})


async def standing(community: Community, name: str) -> str:
    _, body = await community.server.local("GET", "members")
    return next(str(m["standing"]) for m in body["members"] if m["user_id"] == community.id(name))


async def hands_over(community: Community, room: str, event: str, whom: str) -> tuple[int, Json]:
    return await hand_over(community, room, event, "member_freeze", {"member": f"@{whom}"})


@pytest.mark.parametrize("way", ["tap", "reply", "word"])
async def test_a_yes_carries_out_what_the_question_showed(community: Community, way: str) -> None:
    whom, room = await newcomer(community), await own_room(community, "cora")
    question = await asks(community, room, f"!freeze @{whom}")
    no = await taps(community, "cora", room, question, "❌")
    assert_refused(*await hands_over(community, room, no, whom), "NO_COMMAND", rule="P3")
    if way == "tap":
        yes = await taps(community, "cora", room, question, "✅\ufe0f")
    else:
        yes = await says(community, "cora", room, "Yes.", question if way == "reply" else None)
    assert (await hands_over(community, room, yes, whom))[0] == 200
    assert await standing(community, whom) == "frozen"


async def test_a_second_yes_to_the_same_question_asks_for_nothing_more(community: Community) -> None:
    whom, room = await newcomer(community), await own_room(community, "cora")
    question = await asks(community, room, f"!freeze @{whom}")
    first, second = await taps(community, "cora", room, question), await says(community, "cora", room, "yes", question)
    assert (await hands_over(community, room, first, whom))[0] == 200
    await community.server.local("PUT", f"standing/members/{whom}", {"standing": "active"})
    assert (await hands_over(community, room, second, whom))[0] == 200, "it is told how that question ended"
    assert await standing(community, whom) == "active"


async def test_a_group_is_named_in_the_question(community: Community) -> None:
    room, own = await group(community, "closed"), await own_room(community, "ana")
    question = await asks(community, own, "!group policy open", room)
    yes = await taps(community, "ana", own, question)
    status, answer = await hand_over(community, own, yes, "room_policy", {"kind": "open"})
    assert status == 200, answer
    assert (await policy(community, room))["kind"] == "open"


@pytest.mark.parametrize("who", ["ben", "stranger"])
async def test_a_group_counts_for_what_its_member_may_there(community: Community, who: str) -> None:
    """ben is in it and no maintainer; the stranger is not in it."""
    name = who if who == "ben" else await newcomer(community)
    room, own = await group(community, "open"), await own_room(community, name)
    if who == "ben":
        await request(community["ben"], "POST", f"{V3}/join/{quote(room)}", {})
    yes = await taps(community, name, own, await asks(community, own, "!group upgrade", room))
    code = "NOT_YOURS" if who == "ben" else "NO_COMMAND"
    assert_refused(*await hand_over(community, own, yes, "room_upgrade"), code, rule="R1" if who == "ben" else "P3")


@pytest.mark.parametrize(
    "cheat", ["hidden text", "hidden room", "edited", "redacted", "by a member", "in a group", "not the last", "other"]
)
async def test_a_question_that_did_not_show_it_proves_nothing(community: Community, cheat: str) -> None:
    whom, room = await newcomer(community), await own_room(community, "cora")
    text = f"!freeze @{whom}"
    if cheat == "in a group":
        room = community.rooms["open"]
        await request(community["cora"], "POST", f"{V3}/join/{quote(room)}", {})
    if cheat == "hidden text":
        question = await asks(community, room, text, body="Shall I show you the groups?")
    elif cheat == "hidden room":
        question = await asks(community, room, text, community.rooms["open"], body=f"Shall I {text}?")
    elif cheat == "by a member":
        content = {"msgtype": "m.text", "body": f"Shall I {text}?", QUESTION_KEY: {"text": text}}
        question = await send(community, "cora", room, content)
    else:
        question = await asks(community, room, text)
    if cheat == "edited":
        new = {"msgtype": "m.notice", "body": "Shall I show you the groups?"}
        relation = {"rel_type": "m.replace", "event_id": question}
        await send(community, "steward", room, {**new, "m.new_content": new, "m.relates_to": relation})
    if cheat == "redacted":
        path = f"{V3}/rooms/{quote(room)}/redact/{quote(question)}/{unique('r')}"
        assert (await request(community["steward"], "PUT", path, {}))[0] == 200
    if cheat in ("not the last", "other"):
        other = await asks(community, room, "!thaw @nobody")
        yes = await says(community, "cora", room, "yes", other if cheat == "other" else None)
    else:
        yes = await taps(community, "cora", room, question)
    differs = cheat in ("not the last", "other")
    assert_refused(*await hands_over(community, room, yes, whom), "DIFFERS" if differs else "NO_COMMAND", rule="P3")
    assert await standing(community, whom) == "active"
