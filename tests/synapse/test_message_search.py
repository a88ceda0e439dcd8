"""The module searches the messages of a member's groups, and finds nothing that they cannot read now (P1, P2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support import topology
from tests.support.community import Community, unique
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.portal import ask_as_portal
from tests.support.server import request
from tests.synapse.samples import edit, text

Json = dict[str, Any]


async def hits(community: Community, by: str, words: str) -> list[Json]:
    """What the member is told of messages with those words."""
    status, answer = await ask_as_portal(community, {"user_id": community.id(by), "words": words}, name="messages")
    assert status == 200, answer
    found: list[Json] = answer["hits"]
    assert answer["more"] is False
    return found


async def test_a_hit_says_who_where_and_how_far_it_may_go(community: Community) -> None:
    word = unique("lightship")
    event = await community.sent(text(f"TLP:AMBER The {word} is adrift"), "closed")
    (hit,) = await hits(community, "dina", word.upper())
    assert hit.pop("at") > 1_600_000_000_000
    assert hit == {
        "room_id": community.rooms["closed"],
        "room_name": hit["room_name"],
        "event_id": event,
        "sender": community.id("ana"),
        "sender_name": hit["sender_name"],
        "label": "TLP:AMBER",
        "text": f"TLP:AMBER The {word} is adrift",
    }
    assert "na" in hit["sender_name"]


async def test_only_those_who_can_read_it_now_find_it(community: Community) -> None:
    word = unique("sextant")
    for kind in ("open", "closed", "strict", "named", "service"):
        await community.sent(text(f"{word} {kind}"), kind)
    found = {by: sorted(hit["text"].split()[-1] for hit in await hits(community, by, word)) for by in ("ana", "finn")}
    # Finn is in the open group and, with Ana, in a room of named people, whose words come to no page (P1).
    assert found == {"ana": ["closed", "open", "strict"], "finn": ["open"]}
    assert await hits(community, "emil", word) == [], "of no organisation, or in no such group"


async def test_beginnings_of_words_and_a_letter_wrong_find_it_for_who_can_read_it(community: Community) -> None:
    word = "marlinspike"  # without a number: SQLite reads words with one in another way
    event = await community.sent(text(f"The {word} is sharp"), "closed")

    async def asked(by: str, words: str) -> tuple[list[str], bool]:
        status, answer = await ask_as_portal(community, {"user_id": community.id(by), "words": words}, name="messages")
        assert status == 200, answer
        return [hit["event_id"] for hit in answer["hits"]], answer["misspelt"]

    assert await asked("dina", "marlinsp") == ([event], False) == await asked("dina", "SHAR marlin")
    for wrong in (word.replace("rl", "lr"), word.replace("spike", "pike"), word.replace("m", "n"), f"x{word}"):
        assert await asked("dina", wrong) == ([event], True) == await asked("dina", f"{wrong} sharp"), wrong
    for other in (word.replace("spike", "pyk"), f"{word} blunted"):
        assert await asked("dina", other) == ([], False), other
    # Whoever cannot read it is told what is told of what is nowhere.
    for words in ("marlinsp", word.replace("rl", "lr")):
        assert await asked("finn", words) == ([], False) == await asked("emil", words)


async def test_words_with_digits_are_found_by_their_beginnings_and_by_nothing_else(community: Community) -> None:
    event = await community.sent(text("XYZ-2024-30941 of Zorbul20190815, ab_c7 and 1234567890129"), "closed")
    for words in (
        "xyz-2024-30941",
        "2024 30941",
        "zorb",
        "ZORBUL",
        "zorbul2019",
        "zorbul20190815",
        "ab_c7",
        "12345678",
    ):
        assert [hit["event_id"] for hit in await hits(community, "dina", words)] == [event], words
        assert await hits(community, "finn", words) == [], words
    # PostgreSQL takes the end off a word before it looks for its beginning.
    longer = ("zorbulent",) if topology.chosen == "one" else ()
    for words in ("1239999990129", "zorbul2018", "zor20190815", "xyz 2025", *longer):
        assert await hits(community, "dina", words) == [], words


async def test_an_edited_message_is_one_hit_with_its_present_words(community: Community) -> None:
    word = unique("capstan")
    event = await community.sent(text(f"The {word} is at the quay"))
    await community.sent(edit(event, text(f"The {word} has sailed")))
    (hit,) = await hits(community, "finn", word)
    assert (hit["event_id"], hit["text"]) == (event, f"The {word} has sailed")


async def test_what_is_taken_back_is_found_no_more_and_a_new_label_is_told(community: Community) -> None:
    word = unique("bowsprit")
    event = await community.sent(text(f"TLP:CLEAR {word}"), "closed")
    item = relabel(event, "TLP:AMBER")
    status, body = await community.put("ana", "closed", item, event_type="org.belisha.relabel")
    assert status == 200, body

    async def is_raised() -> bool:
        return [hit["label"] for hit in await hits(community, "dina", word)] == ["TLP:AMBER"]

    await until(is_raised)
    path = f"/_matrix/client/v3/rooms/{quote(community.rooms['closed'])}/redact/{quote(event)}/{unique('gone')}"
    assert (await request(community["ana"], "PUT", path, {}))[0] == 200
    assert await hits(community, "dina", word) == []


async def test_who_has_left_finds_nothing_of_it(community: Community) -> None:
    word = unique("windlass")
    status, made = await community.create("ana", {"preset": "public_chat", "name": "For a while"})
    assert status == 200, made
    room = quote(made["room_id"])
    assert (await request(community["finn"], "POST", f"/_matrix/client/v3/join/{room}", {}))[0] == 200
    path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{unique('m')}"
    assert (await request(community["ana"], "PUT", path, text(word)))[0] == 200
    assert len(await hits(community, "finn", word)) == 1
    assert (await request(community["finn"], "POST", f"/_matrix/client/v3/rooms/{room}/leave", {}))[0] == 200
    assert await hits(community, "finn", word) == []


@pytest.mark.parametrize(
    "words",
    [
        '"',
        "''",
        "*",
        "AND",
        "a OR",
        "NOT x",
        "-",
        "(",
        "\\",
        "tide's & buoy:*",
        "%_",
        "🚢",
        "a" * 200,
        "\u202e",
        "NEAR/2",
    ],
)
async def test_whatever_is_looked_for_is_answered(community: Community, words: str) -> None:
    await hits(community, "ben", f"{unique('nowhere')} {words}"[:200])
    status, answer = await ask_as_portal(community, {"user_id": community.id("ben"), "words": words}, name="messages")
    assert status == 200, answer


@pytest.mark.parametrize("words", ["", "  ", None, 7, ["tide"], "a" * 201, "a\0b"])
async def test_what_is_no_question_is_said(community: Community, words: Any) -> None:
    status, answer = await ask_as_portal(community, {"user_id": community.id("ben"), "words": words}, name="messages")
    assert (status, answer["error"]) == (400, "`words` is what is looked for, at most 200 characters.")
