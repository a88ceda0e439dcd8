"""Labels changed by a command (L4, P3): as an act sent by hand would, once, and for who may read the item."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from belisha.acts.questions import QUESTION_KEY
from tests.support.community import Community, assert_refused, assert_sentence
from tests.support.ledger import relabel, rows, settled
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import text
from tests.synapse.test_acts import V3, hand_over, newcomer, typed
from tests.synapse.test_questions import own_room, says, taps
from tests.synapse.test_questions import send as send_as

Json = dict[str, Any]
AMBER, GREEN, STRICT = "TLP:AMBER", "TLP:GREEN", "TLP:AMBER+STRICT"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its groups are changed."""
    here = await make_community(tmp_path_factory.mktemp("items") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


def answering(item: str) -> Json:
    return {"m.relates_to": {"m.in_reply_to": {"event_id": item}}}


async def asks(
    community: Community, by: str, kind: str, item: str, body: str, act: str = "item_relabel", **arguments: str
) -> tuple[int, Json]:
    """A member's command in answer to an item, sent and handed over."""
    event = await typed(community, by, community.rooms[kind], body, **answering(item))
    return await hand_over(community, community.rooms[kind], event, act, arguments)


def done(answer: tuple[int, Json], label: str, act: str = "item_relabel") -> None:
    assert answer == (200, {"outcome": "done", "act": act, "label": label}), answer


async def acts_on(community: Community, kind: str, item: str) -> list[Json]:
    path = f"/_matrix/client/v1/rooms/{quote(community.rooms[kind])}/relations/{quote(item)}/m.reference"
    status, body = await request(community["ana"], "GET", path)
    assert status == 200, body
    return [event for event in body["chunk"] if event["type"] == "org.belisha.relabel"]


async def test_the_source_raises_and_lowers_what_is_theirs(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    answer = await asks(
        community, "ana", "closed", item, '!relabel amber "It names a person"', label=AMBER, reason="It names a person"
    )
    done(answer, AMBER)
    assert (await settled(community, item))["label"] == AMBER
    (act,) = await acts_on(community, "closed", item)
    assert act["sender"] == community.id("ana") and act["content"]["by"] == "source"
    assert act["content"]["reason"] == "It names a person"
    done(await asks(community, "ana", "closed", item, "!relabel TLP:GREEN", label=GREEN), GREEN)
    assert (await settled(community, item))["label"] == GREEN
    again = await asks(community, "ana", "closed", item, "!relabel green", label=GREEN)
    assert_refused(*again, "SAME_LABEL", rule="L4")
    above = await asks(community, "ana", "closed", item, "!relabel red", label="TLP:RED")
    assert_refused(*above, "ABOVE_CEILING", rule="L3")


async def test_a_steward_raises_and_nobody_else_does(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "strict")
    for by, code in (("dina", "NOT_YOURS"), ("ana", "NOT_YOURS")):
        answer = await asks(community, by, "strict", item, "!raise amber", "item_raise", label=AMBER)
        assert_refused(*answer, code, rule="L4")
    assert_refused(*await asks(community, "dina", "strict", item, "!relabel amber", label=AMBER), "NOT_YOURS")
    done(await asks(community, "cora", "strict", item, "!raise amber", "item_raise", label=AMBER), AMBER, "item_raise")
    row = await settled(community, item)
    assert (row["label"], row["raised_from"]) == (AMBER, GREEN)
    (act,) = await acts_on(community, "strict", item)
    assert act["sender"] == community.id("cora") and act["content"]["by"] == "steward"
    lower = await asks(community, "cora", "strict", item, "!raise green", "item_raise", label=GREEN)
    assert_refused(*lower, "NO_RAISE", rule="L4")
    assert_refused(*await asks(community, "ana", "strict", item, "!relabel green", label=GREEN), "RAISED_BY_STEWARD")
    done(await asks(community, "cora", "strict", item, "!relabel green", label=GREEN), GREEN)
    assert (await settled(community, item))["label"] == GREEN
    await newcomer(community)


@pytest.mark.parametrize("kind", ["open", "closed", "strict", "service"])
@pytest.mark.parametrize("role", ["source", "member", "lead", "steward", "manager"])
async def test_who_may_change_a_label_where(community: Community, kind: str, role: str) -> None:
    """What the policy says, for every role in every kind of room where commands count; in the rooms as they are."""
    by = {"source": "ana", "member": "dina", "lead": "ben", "steward": "cora", "manager": "mona"}[role]
    room, is_own = community.rooms[kind], kind == "service"
    if by != "ana" and (is_own or (kind == "strict" and by in ("ben", "mona"))):
        invited = await request(
            community["cora" if kind == "strict" else "ana"],
            "POST",
            f"{V3}/rooms/{quote(room)}/invite",
            {"user_id": community.id(by)},
        )
        assert (invited[0] == 403) == is_own, "nobody else comes into somebody's own room"
        if is_own:
            return
    if by != "ana":
        if kind == "closed":
            path = f"{V3}/rooms/{quote(room)}/invite"
            await request(community["ana"], "POST", path, {"user_id": community.id(by)})
        assert (await request(community[by], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    first, then = ("TLP:CLEAR", GREEN) if kind == "open" else (GREEN, AMBER)
    item = await community.sent(text(f"{first} Tide"), kind)
    answer = await asks(community, by, kind, item, f"!relabel {then}", label=then)
    if role in ("source", "steward"):
        done(answer, then)
    else:
        assert_refused(*answer, "NOT_YOURS", rule="L4")


async def test_an_edit_names_its_item(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    new = text("TLP:GREEN Tides")
    relation = {"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": item}}
    edited = await community.sent({**new, **relation}, "closed")
    done(await asks(community, "ana", "closed", edited, "!relabel amber", label=AMBER), AMBER)
    assert rows(community)[item]["label"] == AMBER


async def test_a_label_is_changed_once_however_often_it_is_handed_over(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    room = community.rooms["closed"]
    event = await typed(community, "ana", room, "!relabel amber", **answering(item))
    call = (community, room, event, "item_relabel", {"label": AMBER})
    for answer in await asyncio.gather(*(hand_over(*call) for _ in range(4))):
        done(answer, AMBER)
    assert len(await acts_on(community, "closed", item)) == 1
    status, _ = await community.put("ana", "closed", relabel(item, GREEN), event_type="org.belisha.relabel")
    assert status == 200
    done(await hand_over(*call), AMBER)
    assert (await settled(community, item))["label"] == GREEN, "it was lowered since, and stays so"


async def test_what_cannot_be_relabelled(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    elsewhere = await community.sent(text("TLP:GREEN Tide"), "strict")
    path = f"{V3}/rooms/{quote(community.rooms['closed'])}/redact/{quote(item)}/x"
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": elsewhere, "key": "+"}}
    reacted = await community.sent(reaction, "strict", event_type="m.reaction")
    assert (await request(community["ana"], "PUT", path, {}))[0] == 200
    for kind, target in (("closed", item), ("closed", elsewhere), ("closed", "$nothing"), ("strict", reacted)):
        answer = await asks(community, "ana", kind, target, "!relabel amber", label=AMBER)
        assert_refused(*answer, "NO_ITEM", rule="L4")
    room = community.rooms["closed"]
    event = await typed(community, "ana", room, "!relabel amber")
    assert_refused(*await hand_over(community, room, event, "item_relabel", {"label": AMBER}), "INCOMPLETE", rule="P3")


@pytest.mark.parametrize(
    ("reason", "code"), [("TLP:RED plan", "NOT_PUBLIC"), ("x" * 501, "TOO_MUCH_TEXT"), ("TLP:PURPLE", "UNKNOWN_LABEL")]
)
async def test_a_reason_is_short_and_fit_for_everybody(community: Community, reason: str, code: str) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    body = f'!relabel amber "{reason}"'
    answer = await asks(community, "ana", "closed", item, body, label=AMBER, reason=reason)
    assert_refused(*answer, code, rule="R3")
    assert not await acts_on(community, "closed", item)


async def test_by_a_yes_to_the_bots_question(community: Community) -> None:
    """As the portal's form asks: the item is named in the question, and shown."""
    item, room = await community.sent(text("TLP:GREEN Tide"), "closed"), community.rooms["closed"]
    own = await own_room(community, "ana")
    asked = {"text": "!relabel amber", "room_id": room, "target": item}
    question = {"msgtype": "m.notice", "body": f"!relabel amber in {room} about {item}", QUESTION_KEY: asked}
    yes = await taps(community, "ana", own, await send_as(community, "steward", own, question))
    done(await hand_over(community, own, yes, "item_relabel", {"label": AMBER}), AMBER)
    hidden = question | {"body": f"!relabel amber in {room}"}
    await send_as(community, "steward", own, hidden)
    yes = await says(community, "ana", own, "yes")
    assert_refused(*await hand_over(community, own, yes, "item_relabel", {"label": AMBER}), "NO_COMMAND", rule="P3")


# --- What a bot is told of an item -------------------------------------------------------------------------------


async def told(community: Community, room: str, item: str, member: str, by: str = "steward") -> tuple[int, Json]:
    query = f"room_id={quote(room)}&event_id={quote(item)}&member={quote(member)}"
    return await request(community[by], "GET", f"/_synapse/client/org.belisha/v1/item?{query}")


async def test_a_bot_is_told_of_an_item_that_both_can_read(community: Community) -> None:
    item, room = await community.sent(text("TLP:AMBER Tide"), "closed"), community.rooms["closed"]
    status, body = await told(community, room, item, community.id("dina"))
    expected = {"label": AMBER, "source": community.id("ana"), "source_room": await own_room(community, "ana")}
    assert (status, body) == (200, expected)


async def test_a_bot_is_told_nothing_that_who_asks_could_not_read(community: Community) -> None:
    item, room = await community.sent(text("TLP:AMBER Tide"), "closed"), community.rooms["closed"]
    named = await community.sent(text("TLP:AMBER Tide"), "named")
    finn, dina = community.id("finn"), community.id("dina")
    for asked in (
        (room, item, finn),
        (room, item, "@nobody:belisha.localhost"),
        (room, item, "nobody"),
        (room, "$nothing", dina),
        (room, named, dina),
        (room, "$x\0", dina),
        ("!nowhere:x", item, dina),
        ("", item, dina),
        (community.rooms["named"], named, finn),
    ):
        status, body = await told(community, *asked)
        assert (status, body["errcode"]) in ((404, "ORG.BELISHA.NOT_FOUND"), (400, "M_INVALID_PARAM")), (asked, body)
        assert_sentence(body["error"])
    assert_refused(*await told(community, room, item, dina, by="dina"), "NOT_A_BOT", rule="P3")
