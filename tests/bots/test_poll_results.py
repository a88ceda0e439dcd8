"""The result of a poll as a picture, and where it is told when the group has moved: as the bot sees it."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from belisha.events import LABEL_KEY
from belisha.polls.wire import END
from bots.charts.bars import from_json
from bots.kernel.polled import poll_facts
from bots.kernel.store import Store
from bots.polls import words
from bots.polls.counting import PLAIN, count
from tests.bots.support import SERVER, STEWARD, Homeserver, Json, grounded, images, settled
from tests.bots.test_polls import (
    ANA,
    BEN,
    FINN,
    GROUP,
    NOON,
    POLL,
    QUICK,
    Counting,
    answering,
    closed,
    done,
    ends,
    facts,
    opened,
    quiet,
    results,
    told,
    vote,
)
from tests.bots.test_schedule import Clock
from tests.support.patience import until

NEW = f"!moved:{SERVER}"


async def test_a_result_is_shown_and_said_and_answers_the_poll(
    store: Store, homeserver: Homeserver, drawings: list[Any]
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--by organisation --quorum 5")
    done(homeserver, "poll_close")
    homeserver.polls[POLL] = facts((ANA, "1", NOON), (BEN, "2", NOON), (FINN, "1", NOON), ends=(NOON,))
    homeserver.polls[POLL]["carries_files"] = True
    await closed(store, homeserver, clock, answering("!poll close", "$close"))
    (result,), (image,), (drawn,) = results(homeserver), images(homeserver), drawings
    assert image["m.relates_to"] == result["m.relates_to"] == {"m.in_reply_to": {"event_id": POLL}}
    assert image["filename"] == "poll.png" and image["url"] in homeserver.files
    chart = from_json(drawn)
    assert chart.title == "When do we meet?" and "1 of the" not in chart.told
    assert [(bar.name, bar.value, bar.second) for bar in chart.bars] == [
        ("Monday", 2, 1),
        ("Tuesday", 1, 0),
        ("(split: no single answer)", None, 1),
    ]
    assert chart.told == "It does not count: 3 of the 5 who are needed have voted."
    assert not any(bar.leads for bar in chart.bars), "what does not count has no winner"
    for said in (chart.told, "Monday: 2 (67 %); organisations: 1 of 2", "(split: no single answer): organisations: 1"):
        assert said in image["body"] and said in image["formatted_body"].replace("</li>", ""), said


async def test_a_group_without_files_has_the_result_alone(
    store: Store, homeserver: Homeserver, drawings: list[Any]
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock)
    done(homeserver, "poll_close")
    homeserver.polls[POLL] = facts((ANA, "1", NOON), ends=(NOON,), carries_files=False)
    await closed(store, homeserver, clock, answering("!poll close", "$close"))
    assert results(homeserver) and not drawings and not homeserver.files


async def test_a_picture_that_is_tried_before_its_result_is_sent_comes_behind_it(
    store: Store, homeserver: Homeserver, drawings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, send = Clock(NOON), homeserver._send
    await opened(store, homeserver, clock)

    async def slowly(path: str, kind: str, content: Json, device: str | None) -> web.Response:
        if "The poll is closed: " in str(content.get("body")):
            await asyncio.sleep(0.5)
        return await send(path, kind, content, device)

    monkeypatch.setattr(homeserver, "_send", slowly)
    done(homeserver, "poll_close")
    homeserver.polls[POLL] = facts((ANA, "1", NOON), ends=(NOON,), carries_files=True)
    await closed(store, homeserver, clock, answering("!poll close", "$close"))
    sent = [one for _, one in homeserver.sent.values()]
    assert len(drawings) == 1
    assert sent.index(results(homeserver)[0]) < sent.index(images(homeserver)[0])


async def test_the_picture_goes_with_the_poll(store: Store, homeserver: Homeserver, drawings: list[Any]) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock)
    done(homeserver, "poll_close")
    homeserver.polls[POLL] = facts((ANA, "1", NOON), ends=(NOON,), carries_files=True)
    await closed(store, homeserver, clock, answering("!poll close", "$close"))
    redaction = {**vote(ANA, "1", NOON, "$gone"), "type": "m.room.redaction", "content": {"redacts": POLL}}
    await closed(store, homeserver, clock, redaction)
    sent = [key for key, (_, one) in homeserver.sent.items() if one in (*results(homeserver), *images(homeserver))]
    redacted = {target for kind, target in homeserver.done if kind == "redact"}
    assert redacted == {f"$answer-{key}" for key in sent} and len(redacted) == 2


def moved(*, whole: bool) -> Json:
    return {"moved": {"room_id": NEW, "done": whole}, "carries_files": True}


async def test_when_its_group_moves_it_is_ended_there_and_told_in_the_new_room(
    store: Store, homeserver: Homeserver, drawings: list[Any]
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 2d")
    homeserver.polls[POLL] = facts((ANA, "1", NOON), **moved(whole=False))
    tombstone = {**vote(STEWARD, None, NOON, "$tombstone"), "type": "m.room.tombstone", "state_key": ""}
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK) as arrive:
        await arrive({**tombstone, "content": {"replacement_room": NEW}})
        await until(lambda: _ended(homeserver))
        homeserver.polls[POLL] = facts((ANA, "1", NOON), ends=(NOON,), **moved(whole=False))
        await settled(store)
        assert not results(homeserver), "who still goes over might not see it"
    homeserver.polls[POLL] = facts((ANA, "1", NOON), ends=(NOON,), **moved(whole=True))
    clock.now += 60
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
        await quiet(store, clock)
    ((room, result),) = [one for one in homeserver.sent.values() if one[1] in results(homeserver)]
    assert room == NEW and result[LABEL_KEY] == {"label": "TLP:AMBER"} and "m.relates_to" not in result
    assert (
        "was open in the room from before" in result["body"]
        and f"/{quote(GROUP, safe='')}/{POLL}?" in result["formatted_body"]
    )
    assert "“Monday” has the most votes: 1 of 1." in result["body"]
    ((room, image),) = [one for one in homeserver.sent.values() if one[1] in images(homeserver)]
    assert room == NEW and image[LABEL_KEY] == {"label": "TLP:AMBER"} and len(ends(homeserver)) == 1
    assert told(homeserver, "Your poll was open when its group moved") == [f"!ana:{SERVER}"]
    redaction = {**vote(ANA, "1", NOON, "$gone"), "type": "m.room.redaction", "content": {"redacts": POLL}}
    await closed(store, homeserver, clock, redaction)
    assert len([one for one in homeserver.done if one[0] == "redact"]) == 2, "it is taken back there"


async def _ended(homeserver: Homeserver) -> bool:
    return bool(ends(homeserver)) and END[0] in ends(homeserver)[0]


async def test_polls_of_other_rooms_and_closed_ones_stay_as_they_are(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock)
    elsewhere = {**vote(STEWARD, None, NOON, "$t1"), "type": "m.room.tombstone", "state_key": "", "room_id": NEW}
    no_state = {**elsewhere, "event_id": "$t2", "room_id": GROUP}
    del no_state["state_key"]
    await closed(store, homeserver, clock, elsewhere, no_state)
    assert not ends(homeserver)


@pytest.mark.parametrize("count_of", [2, 20])
def test_what_is_said_and_what_is_drawn_are_the_same(count_of: int) -> None:
    votes = [(f"@u{number}:{SERVER}", chr(97 + number % count_of), NOON) for number in range(50)]
    raw = facts(*votes, ends=(NOON,))
    answers = [{"id": chr(97 + place), "org.matrix.msc1767.text": f"Answer\n{place}"} for place in range(count_of)]
    raw["poll"]["content"]["org.matrix.msc3381.poll.start"]["answers"] = answers
    raw["voters"]["closing"] = {user: "harbour" for user, _, _ in votes}
    found = poll_facts(raw)
    result = words.Result(found.start, count(found, PLAIN, 0.0), found.organisations)
    chart = words.chart(result)
    _, lines = words.in_words(chart)
    assert [line[0] for line in lines.lines] == [f"{' '.join(bar.name.split())}: {bar.said}" for bar in chart.bars]
    assert sum(bar.value for bar in chart.bars) == 50 and chart.whole == 50
    assert words.result(result, ZoneInfo("UTC"))
