"""Introductions: a room for two once both have agreed, and nothing for anybody else to learn (M1, P1, P2, P3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, label_of, unique
from tests.support.portal import ask_as_portal
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import path_of, state_of
from tests.synapse.test_acts import asks, hand_over, newcomer, stored, typed
from tests.synapse.test_groups import own_room
from tests.synapse.test_questions import asks as bot_asks
from tests.synapse.test_questions import taps
from tests.synapse.test_red import said_in
from tests.synapse.test_room_freezing import V3

pytestmark = pytest.mark.more

Json = dict[str, Any]
WHY = "You both watch the tides"
TURN = "/_synapse/client/org.belisha/v1/introducing"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: who may write to whom is chosen, and members are frozen."""
    here = await make_community(tmp_path_factory.mktemp("introductions") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def introduces(community: Community, by: str, *whom: str, why: str = WHY) -> tuple[int, Json]:
    members = [f"@{name}" for name in whom]
    arguments = {"members": members, "why": why}
    text = f'!introduce {" ".join(members)} "{why}"'
    return await asks(community, by, await own_room(community, by), text, "introduce", arguments)


async def turn(community: Community) -> Json:
    status, answer = await request(community["steward"], "POST", TURN, {})
    assert status == 200, answer
    return answer


async def asked(community: Community, *names: str) -> dict[str, Json]:
    """What the bot is to ask these members, by their names."""
    found = (await turn(community))["asks"]
    return {name: one for name in names for one in found if one["user_id"] == community.id(name)}


async def agrees(community: Community, by: str, introduction: str) -> tuple[int, Json]:
    """By a tap on the bot's question."""
    room = await own_room(community, by)
    text = f"!introductions agree {introduction}"
    yes = await taps(community, by, room, await bot_asks(community, room, text))
    return await hand_over(community, room, yes, "introduction_agree", {"introduction": introduction})


def rooms_of(community: Community, name: str) -> set[str]:
    query = "SELECT room_id FROM local_current_membership WHERE user_id = ? AND membership IN ('join', 'invite')"
    return {row[0] for row in stored(community, query, community.id(name))}


async def three(community: Community) -> tuple[str, str, str]:
    """Somebody who introduces, and two of different organisations."""
    return await newcomer(community), await newcomer(community, "chandlers"), await newcomer(community)


def older(community: Community, row: str, days: int) -> None:
    community.server.change("UPDATE belisha_introducing SET at = at - ? WHERE id = ?", days * 86_400, row)


async def test_a_room_opens_for_both_once_both_agree(community: Community) -> None:
    by, one, other = await three(community)
    assert (await introduces(community, by, one, other))[0] == 200
    found = await asked(community, by, one, other)
    assert set(found) == {one, other}, "both are asked, and who introduces them is not"
    ask = found[one]
    assert ask["why"] == WHY and ask["asker"]["member"] == f"@{by}" and ask["other"]["member"] == f"@{other}"
    assert await ask_as_portal(community, {"user_id": community.id(one)}, name="introductions") == (
        200,
        {"introductions": [ask]},
    )
    before = {name: rooms_of(community, name) for name in (by, one, other)}
    status, answer = await agrees(community, one, ask["id"])
    assert (status, answer["opened"]) == (200, False) and rooms_of(community, one) == before[one]
    assert set(await asked(community, one, other)) == {other}, "who has agreed is not asked again"
    status, answer = await agrees(community, other, ask["id"])
    assert (status, answer) == (200, {"outcome": "done", "act": "introduction_agree", "opened": True})
    (made,) = rooms_of(community, other) - before[other]
    assert rooms_of(community, one) - before[one] == {made} and rooms_of(community, by) == before[by]
    state = await state_of(community, made, other)
    assert (state["org.belisha.room", ""]["kind"], state["org.belisha.room", ""]["default"]) == ("named", "TLP:AMBER")
    assert sorted(state["org.belisha.named", ""]["members"]) == sorted([one, other])
    assert not {"m.room.name", "m.room.topic"} & {kind for kind, _ in state}, "its name is neutral"
    (said,) = await said_in(community, made, other)
    assert said["sender"] == community.id(other) and label_of(said["content"]) == "TLP:AMBER"
    assert f"@{by}: “{WHY}”" in said["content"]["body"] and "Introduced by" in said["content"]["body"]
    told = await turn(community)
    assert made not in str(told), "which room it is, no bot learns (P1)"
    (end,) = [one for one in told["ended"] if one["id"] == ask["id"]]
    assert end["ended"] == "opened" and not end["asker_is_in_it"]
    # They were introduced: they may write to each other from now on, whatever they chose but "nobody".
    assert stored(community, "SELECT made_by FROM belisha_introduction WHERE one = ? AND other = ?",
                  *sorted((one, other))) == [(by,)]  # fmt: skip


async def test_one_introduces_oneself(community: Community) -> None:
    by, whom, _ = await three(community)
    assert (await introduces(community, by, whom))[0] == 200
    found = await asked(community, by, whom)
    assert set(found) == {whom} and found[whom]["asker"] == found[whom]["other"]
    assert (await agrees(community, whom, found[whom]["id"]))[1]["opened"] is True
    assert len(rooms_of(community, by) & rooms_of(community, whom)) >= 1
    assert_refused(*await introduces(community, by, whom), "ASKED_ALREADY")


async def test_a_refusal_looks_like_silence_to_everybody(community: Community) -> None:
    """One does not answer, one wants no introductions, one ignores who asks: not one byte differs."""
    by, one, _ = await three(community)
    silent, nobody, ignores = [await newcomer(community, "chandlers") for _ in range(3)]
    assert (await community.server.local("PUT", f"direct-chats/{nobody}", {"from": "nobody"}))[0] == 200
    path = f"{V3}/user/{quote(community.id(ignores))}/account_data/m.ignored_user_list"
    body = {"ignored_users": {community.id(by): {}}}
    assert (await request(community[ignores], "PUT", path, body))[0] == 200
    answers, ids = [], {}
    for other in (silent, nobody, ignores):
        status, answer = await introduces(community, by, one, other)
        answers.append((status, {key: value for key, value in answer.items() if key != "until"}))
    assert answers[0] == answers[1] == answers[2] and answers[0][0] == 200
    waits = (await turn(community))["asks"]
    ids = {ask["other"]["member"]: ask["id"] for ask in waits if ask["user_id"] == community.id(one)}
    assert set(ids) == {f"@{silent}", f"@{nobody}", f"@{ignores}"}
    assert {ask["user_id"] for ask in waits if ask["id"] in ids.values()} == {community.id(one), community.id(silent)}
    for row in ids.values():
        assert (await agrees(community, one, row))[1]["opened"] is False
        older(community, row, 7)
    ended_now = {end["id"]: end for end in (await turn(community))["ended"] if end["id"] in ids.values()}
    assert {end["ended"] for end in ended_now.values()} == {"over"}
    told = []
    for name in (silent, nobody, ignores):
        shown = str(ended_now[ids[f"@{name}"]]).replace(ids[f"@{name}"], "ID").replace(f"@{name}", "@other")
        told.append(shown.replace(name[:1].upper() + name[1:], "Other").replace(name, "Other"))
    assert told[0] == told[1] == told[2], "who was silent, and why, is told to nobody"
    assert_refused(*await agrees(community, silent, ids[f"@{silent}"]), "NOT_OPEN")


async def test_who_wants_nobody_agrees_to_nothing_and_opens_nothing(community: Community) -> None:
    by, one, other = await three(community)
    await introduces(community, by, one, other)
    row = (await asked(community, one))[one]["id"]
    assert (await agrees(community, one, row))[0] == 200
    for name in (one, by):
        await community.server.local("PUT", f"direct-chats/{name}", {"from": "nobody"})
    status, answer = await agrees(community, other, row)
    assert (status, answer["opened"]) == (200, False), "it is as if the other had not agreed"
    assert_refused(*await introduces(community, by, one, other), "TAKES_NONE")
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id(one)]}
    assert_refused(*await community.create(other, body), "NOT_INTRODUCED")


@pytest.mark.parametrize("who", ["asker", "other"])
async def test_who_is_frozen_ends_it(community: Community, who: str) -> None:
    by, one, other = await three(community)
    await introduces(community, by, one, other)
    row = (await asked(community, one))[one]["id"]
    frozen = by if who == "asker" else other
    await community.server.local("PUT", f"standing/members/{frozen}", {"standing": "frozen"})
    assert_refused(*await agrees(community, one, row), "NOT_OPEN")
    assert not await asked(community, one, other)
    assert [end["ended"] for end in (await turn(community))["ended"] if end["id"] == row] == ["gone"]
    assert_refused(*await introduces(community, one, frozen), "NOT_A_MEMBER")


async def test_what_was_taken_back_is_asked_of_nobody(community: Community) -> None:
    by, one, other = await three(community)
    room = await own_room(community, by)
    event = await typed(community, by, room, f"!introduce @{one} @{other} {WHY}")
    arguments = {"members": [f"@{one}", f"@{other}"], "why": WHY}
    assert (await hand_over(community, room, event, "introduce", arguments))[0] == 200
    row = (await asked(community, one))[one]["id"]
    assert (await request(community[by], "PUT", path_of(room, f"redact/{event}/t{unique('r')}"), {}))[0] == 200
    assert_refused(*await agrees(community, one, row), "NOT_OPEN")
    told = await turn(community)
    assert [(end["ended"], end["asker_room"]) for end in told["ended"] if end["id"] == row] == [("taken back", None)]
    assert not any(ask["id"] == row for ask in told["asks"])


async def test_limits_and_what_is_no_introduction(community: Community) -> None:
    by, one, other = await three(community)
    for whom, why, code in (
        ([by], WHY, "NOT_TWO"),
        ([one, other, "dina"], WHY, "NOT_TWO"),
        ([one, "nobody"], WHY, "NOT_A_MEMBER"),
        ([one, "belisha_steward"], WHY, "NOT_A_MEMBER"),
        ([one, other], "x" * 501, "TOO_MUCH_TEXT"),
    ):
        assert_refused(*await introduces(community, by, *whom, why=why), code)
    room = await own_room(community, by)
    words = f"!introduce @{one} @{other} the tides\nTLP:RED"
    refused = await request(community[by], "PUT", path_of(room, f"send/m.room.message/{unique('m')}"),
                            {"msgtype": "m.text", "body": words})  # fmt: skip
    assert refused[0] == 403, "above the room's ceiling no word of it is taken"
    strangers = [await newcomer(community) for _ in range(6)]
    answers = [await introduces(community, by, one, whom) for whom in strangers]
    assert [status for status, _ in answers] == [200] * 5 + [403]
    assert_refused(*answers[5], "TOO_OFTEN")
    # An introduction of others is not there for who is not in it.
    row = (await asked(community, strangers[0]))[strangers[0]]["id"]
    assert_refused(*await agrees(community, by, row), "NOT_OPEN")
    assert_refused(*await agrees(community, by, "0" * 12), "NOT_OPEN")
    assert (await ask_as_portal(community, {"user_id": community.id(by)}, name="introductions"))[1] == {
        "introductions": []
    }


async def test_who_is_muted_introduces_nobody(community: Community) -> None:
    by, one, other = await three(community)
    room = await own_room(community, "cora")
    text, arguments = f"!mute @{by} 1h --everywhere", {"member": f"@{by}", "time": 3600, "everywhere": True}
    status, answer = await asks(community, "cora", room, text, "member_mute", arguments)
    assert status == 200, answer
    assert_refused(*await introduces(community, by, one, other), "MUTED")


async def test_both_at_the_same_moment_make_one_room(community: Community) -> None:
    by, one, other = await three(community)
    await introduces(community, by, one, other)
    row = (await asked(community, one))[one]["id"]
    before = {name: rooms_of(community, name) for name in (one, other)}
    answers = await asyncio.gather(agrees(community, one, row), agrees(community, other, row))
    assert sorted(answer["opened"] for _, answer in answers) == [False, True], answers
    (made,) = rooms_of(community, one) - before[one]
    assert rooms_of(community, other) - before[other] == {made}


async def test_no_bot_of_others_asks(community: Community) -> None:
    assert_refused(*await request(community["ana"], "POST", TURN, {}), "NOT_A_BOT")
    assert (await ask_as_portal(community, {"user_id": community.id("steward")}, name="introductions"))[0] == 400
