"""A poll by `!poll` and one by matrix-js-sdk are the same to matrix-js-sdk, and count the same here."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from belisha.polls.tally import tally
from belisha.polls.wire import END, RESPONSE, end_content
from bots.kernel.bot import PollFacts
from bots.kernel.polled import poll_facts
from tests.support.community import Community
from tests.support.npm import install
from tests.support.server import PASSWORD, request
from tests.synapse.basic_run import JS, program
from tests.synapse.test_acts import hand_over, typed
from tests.synapse.test_polls import facts, sends, votes, with_people

Json = dict[str, Any]
QUESTION, ANSWERS = "Which day?", ["Monday", "Tuesday", "Friday"]


async def in_client(
    community: Community, room: str, polls: list[str], *, begin: Json | None = None, vote: int | None = None
) -> Json:
    """What matrix-js-sdk makes of polls, after it has voted in them as ben."""
    given = {
        "homeserver": community.server.url,
        "user": "ben",
        "password": PASSWORD,
        "room": room,
        "polls": polls,
        "begin": begin,
        "vote": vote,
    }
    said: Json = json.loads(await program("node", str(JS / "polls.js"), given=json.dumps(given)))
    return said


async def counted(community: Community, room: str, poll: str) -> tuple[dict[str, list[int]], bool]:
    """Each voter's answers as they count here, by their places, and whether the poll is over."""
    status, told = await facts(community, room, poll)
    assert status == 200, told
    found = poll_facts(told)
    assert isinstance(found, PollFacts)
    places = {option.id: place for place, option in enumerate(found.start.options)}
    until = found.ends[0] if found.ends else None
    ballots = tally(found.start, found.responses, until, found.closing).ballots
    return {user: [places[one] for one in chosen] for user, chosen in ballots.items()}, bool(found.ends)


async def test_both_are_the_same_to_a_client_and_count_the_same(community: Community) -> None:
    await install(JS)
    room = await with_people(community)
    command = await typed(community, "ana", room, f"!poll {QUESTION} | {' | '.join(ANSWERS)} --multi 2")
    status, made = await hand_over(community, room, command, "poll_open", {"poll": [QUESTION, *ANSWERS], "multi": 2})
    assert status == 200, made
    ours = str(made["event_id"])
    begin = {"question": QUESTION, "answers": ANSWERS, "most": 2}
    said = await in_client(community, room, [ours], begin=begin, vote=1)
    theirs = str(said["begun"])
    one, other = ({**said["polls"][poll], "ids": None, "votes": None} for poll in (ours, theirs))
    assert one == other and one["question"] == f"[TLP:AMBER] {QUESTION}" and one["most"] == 2, said

    # Votes by matrix-nio (finn, and ana who spoils hers), under both names, and by matrix-js-sdk (ben).
    for poll in (ours, theirs):
        ids = said["polls"][poll]["ids"]
        await votes(community, "finn", room, poll, ids[0])
        await votes(community, "ana", room, poll, ids[0])
        await votes(community, "ana", room, poll, "none of these", RESPONSE[0])
    names = {name: community.id(name) for name in ("ana", "ben", "finn")}
    for poll in (ours, theirs):
        assert await counted(community, room, poll) == ({names["finn"]: [0], names["ben"]: [1]}, False)

    for poll in (ours, theirs):
        # As the bot ends it, in its own name.
        path = f"/_matrix/client/v3/rooms/{quote(room)}/send/{END[0]}/end-{quote(poll)}"
        status, body = await request(community["steward"], "PUT", path, end_content(poll, "The poll is closed."))
        assert status == 200, body
        await votes(community, "finn", room, poll, said["polls"][poll]["ids"][2])
    await sends(community, "finn", room, "m.room.message", {"msgtype": "m.text", "body": "too late"})
    after = await in_client(community, room, [ours, theirs])
    for poll in (ours, theirs):
        seen = after["polls"][poll]
        assert seen["ended"], "the bot's end is one to the client"
        ballots, is_over = await counted(community, room, poll)
        assert is_over and ballots == {user: chosen for user, chosen in seen["votes"].items() if chosen}
        assert ballots == {names["finn"]: [0], names["ben"]: [1]}
