"""`!red`: a room of named people, as its member's client would make it, and only for who may be written to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, label_of
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import path_of, state_of
from tests.synapse.test_acts import asks, hand_over, newcomer, stored, typed
from tests.synapse.test_groups import listed, own_room
from tests.synapse.test_room_freezing import group

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: who may write to whom is chosen."""
    here = await make_community(tmp_path_factory.mktemp("red") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def opens(community: Community, by: str, words: str, members: list[str], subject: str | None = None) -> Any:
    arguments = {"members": members} | ({} if subject is None else {"subject": subject})
    return await asks(community, by, await own_room(community, by), f"!red {words}", "red", arguments)


async def said_in(community: Community, room: str, by: str) -> list[Json]:
    _, page = await request(community[by], "GET", path_of(room, "messages?dir=b&limit=50"))
    return [event for event in page["chunk"] if event["type"] == "m.room.message"]


async def test_a_room_for_named_people_begins_with_its_subject(community: Community) -> None:
    room = await own_room(community, "ana")
    event = await typed(community, "ana", room, '!red @dina @finn "The pump at pier 4"')
    arguments = {"members": ["@dina", "@finn"], "subject": "The pump at pier 4"}
    answers = [await hand_over(community, room, event, "red", arguments) for _ in range(2)]
    assert answers[0] == answers[1] and answers[0][0] == 200, answers
    made = answers[0][1]["room_id"]
    state = await state_of(community, made, "ana")
    policy = state["org.belisha.room", ""]
    assert (policy["kind"], policy["ceiling"]) == ("named", "TLP:RED")
    assert sorted(state["org.belisha.named", ""]["members"]) == ["ana", "dina", "finn"]
    assert not {"m.room.name", "m.room.topic", "m.room.canonical_alias"} & {kind for kind, _ in state}
    people = {key: content["membership"] for (kind, key), content in state.items() if kind == "m.room.member"}
    assert people == {community.id("ana"): "join", community.id("dina"): "invite", community.id("finn"): "invite"}
    (said,) = await said_in(community, made, "ana")
    assert said["sender"] == community.id("ana") and label_of(said["content"]) == "TLP:RED"
    assert said["content"]["body"] == "[TLP:RED] The pump at pier 4"
    assert stored(community, "SELECT * FROM belisha_making") == []
    assert made not in await listed(community)


async def test_without_a_subject_nothing_is_said(community: Community) -> None:
    status, answer = await opens(community, "ana", "@dina", ["@dina"])
    assert status == 200 and await said_in(community, answer["room_id"], "ana") == []


async def test_a_subject_that_was_taken_back_is_not_said(community: Community) -> None:
    room = await own_room(community, "ana")
    event = await typed(community, "ana", room, "!red @dina Pumps")
    assert (await request(community["ana"], "PUT", path_of(room, f"redact/{event}/t{event[1:8]}"), {}))[0] == 200
    answer = await hand_over(community, room, event, "red", {"members": ["@dina"], "subject": "Pumps"})
    assert_refused(*answer, "NO_COMMAND", rule="P3")


@pytest.mark.parametrize(
    ("members", "subject", "code"),
    [
        (["@ana"], None, "NOBODY"),
        (["@nobody"], None, "NOT_A_MEMBER"),
        (["@dina", "@belisha_steward"], None, "NO_BOTS_HERE"),
        (["@dina", "@eve:elsewhere.example"], None, "NOT_A_MEMBER"),
        ([f"@n{number}" for number in range(21)], None, "TOO_MANY"),
        (["@dina"], "TLP:PURPLE pumps", "UNKNOWN_LABEL"),
    ],
)
async def test_no_room_is_made_for_others(
    community: Community, members: list[str], subject: str | None, code: str
) -> None:
    rooms = stored(community, "SELECT count(*) FROM rooms")
    words = " ".join(members)
    if subject is not None:
        # The server takes no message that begins so; in the middle of a command it is no label.
        words = f'{words} "{subject}"'
    assert_refused(*await opens(community, "ana", words, members, subject), code)
    assert stored(community, "SELECT count(*) FROM rooms") == rooms


async def test_who_takes_no_direct_chats_is_in_none(community: Community) -> None:
    name = await newcomer(community)
    choice = {"from": "introductions"}
    assert (await community.server.local("PUT", f"direct-chats/{name}", choice))[0] == 200
    rooms = stored(community, "SELECT count(*) FROM rooms")
    members = ["@dina", f"@{name}"]
    answer = await opens(community, "ana", " ".join(members), members)
    assert_refused(*answer, "NOT_INTRODUCED", rule="M1")
    assert name not in answer[1]["error"], "whose choice it was is told to nobody"
    assert stored(community, "SELECT count(*) FROM rooms") == rooms
    body = {"one": "ana", "other": name}
    assert (await community.server.local("POST", "introductions", body))[0] == 200
    assert (await opens(community, "ana", " ".join(members), members))[0] == 200


async def test_it_is_asked_for_alone(community: Community) -> None:
    room = await group(community, "closed", "dina")
    answer = await asks(community, "ana", room, "!red @dina Pumps", "red", {"members": ["@dina"], "subject": "Pumps"})
    assert_refused(*answer, "NOT_HERE", rule="P3")


async def test_no_bot_ever_sees_what_is_said_there(community: Community) -> None:
    status, answer = await opens(community, "ana", "@dina", ["@dina"])
    made = answer["room_id"]
    assert status == 200
    read = await request(community["steward"], "GET", path_of(made, "messages?dir=b"))
    assert read[0] == 403
    body = {"user_id": community.id("steward")}
    assert_refused(*await request(community["ana"], "POST", path_of(made, "invite"), body), "NO_BOTS_HERE", rule="P1")

    async def nobody_came() -> bool:
        return stored(community, "SELECT 1 FROM local_current_membership WHERE room_id = ? AND user_id = ?", made,
                      community.id("steward")) == []  # fmt: skip

    await until(nobody_came)
