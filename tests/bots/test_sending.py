"""The outbox: each effect once and in its room's order, whatever the homeserver answers and whoever is killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from bots.kernel.bot import Context, Needs
from bots.kernel.effects import (
    EFFECT,
    Act,
    Edit,
    Effect,
    Invite,
    Kick,
    React,
    Redact,
    Send,
    Sent,
    State,
    transaction_id,
)
from bots.kernel.events import Event
from bots.kernel.lanes import Backoff
from bots.kernel.sending import REMEMBERED_S
from bots.kernel.store import Store
from bots.kernel.tables import outbox
from tests.bots.support import ADA, ROOM, STEWARD, Homeserver, Json, grounded, message, settled

QUICK = Backoff(first=0.02, longest=0.1, attempts=3)


class Does:
    """A bot that asks for what it is given."""

    name = "steward"

    def __init__(self, *effects: Effect) -> None:
        self._effects = effects

    def needs(self, event: Event, me: str) -> Needs | None:
        return Needs()

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        return self._effects


async def outcomes(store: Store) -> list[tuple[str, str | None]]:
    query = sa.select(outbox.c.state, outbox.c.last_error).order_by(outbox.c.number)
    async with store.reading() as connection:
        return [(row.state, row.last_error) for row in await connection.execute(query)]


async def done(store: Store, homeserver: Homeserver, *effects: Effect, times: int = 1) -> list[tuple[str, str | None]]:
    async with grounded(store, homeserver, Does(*effects), backoff=QUICK) as arrive:
        await arrive(*(message(f"${number}") for number in range(times)))
        await settled(store)
    return await outcomes(store)


def sent(homeserver: Homeserver) -> list[Json]:
    return [content for _, content in homeserver.sent.values()]


async def test_each_kind_is_performed_with_its_transaction_id(store: Store, homeserver: Homeserver) -> None:
    effects = (
        Send({"body": "hello"}),
        Edit(Sent(0), {"body": "hello!"}),
        React("$0", "✅"),
        Redact("$spam", "spam"),
        Invite(ADA),
        Kick(ADA, "gone"),
        State("m.room.topic", {"topic": "x"}),
        Act("relabel", {"label": "TLP:RED"}),
        Send({"body": "elsewhere"}, room="!other:x"),
    )
    assert {state for state, _ in await done(store, homeserver, *effects)} == {"sent"}
    kinds = ["send", "send", "send", "redact", "invite", "kick", "state", "acts"]
    here = [content for content in sent(homeserver) if content.get("body") != "elsewhere"]
    done_here = zip(homeserver.done, sent(homeserver), strict=True)
    assert [kind for (kind, _), content in done_here if content in here] == kinds
    ids = [transaction_id(STEWARD, "$0", position) for position in range(len(effects))]
    assert [one for one in homeserver.sent if one in ids[:6]] == ids[:6]
    first, edit, reaction, *_ = here
    assert first == {"body": "hello", EFFECT: ids[0]}
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": f"$answer-{ids[0]}"}
    assert (edit["body"], edit["m.new_content"]) == ("* hello!", {"body": "hello!"})
    assert reaction["m.relates_to"] == {"rel_type": "m.annotation", "event_id": "$0", "key": "✅"}
    expected = {"room_id": ROOM, "event_id": "$0", "act": "relabel", "arguments": {"label": "TLP:RED"}}
    assert homeserver.sent["act relabel"][1] == expected
    assert homeserver.sent[ids[8]][0] == "!other:x"
    async with store.reading() as connection:
        assert set(await connection.scalars(sa.select(outbox.c.body))) == {None}, "what is sent is not kept"


async def test_an_unreachable_homeserver_is_waited_for_and_the_order_kept(store: Store, homeserver: Homeserver) -> None:
    limited = (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": 20})
    homeserver.errors = [(502, {})] * 5 + [limited] * 3 + [(401, {"errcode": "M_UNKNOWN_TOKEN"})]
    found = await done(store, homeserver, Send({"body": "1"}), Send({"body": "2"}), times=3)
    assert {state for state, _ in found} == {"sent"}
    assert [content["body"] for content in sent(homeserver)] == ["1", "2"] * 3


async def test_what_is_refused_for_good_is_parked_and_the_lane_goes_on(store: Store, homeserver: Homeserver) -> None:
    homeserver.errors = [(403, {"errcode": "M_FORBIDDEN", "error": "words of the server"})]
    found = await done(store, homeserver, Send({"body": "1"}), Edit(Sent(0), {"body": "x"}), Send({"body": "2"}))
    assert found == [
        ("failed", "403 M_FORBIDDEN"),
        ("failed", "What it refers to was never sent."),
        ("sent", None),
    ]


async def test_what_the_module_cannot_decide_is_tried_again_and_then_parked(
    store: Store, homeserver: Homeserver
) -> None:
    homeserver.errors = [(403, {"errcode": "ORG.BELISHA.CANNOT_DECIDE", "error": ""})] * 2
    assert await done(store, homeserver, Send({"body": "1"})) == [("sent", None)]
    homeserver.errors = [(403, {"errcode": "ORG.BELISHA.CANNOT_DECIDE", "error": ""})] * 3
    found = await done(store, homeserver, Send({"body": "1"}), times=2)
    assert found[1:] == [("failed", "403 ORG.BELISHA.CANNOT_DECIDE")]


@pytest.mark.parametrize(("effect", "membership"), [(Invite(ADA), "join"), (Invite(ADA), "invite"), (Kick(ADA), "ban")])
async def test_what_is_so_already_is_done(
    store: Store, homeserver: Homeserver, effect: Effect, membership: str
) -> None:
    homeserver.errors = [(403, {"errcode": "M_FORBIDDEN", "error": "already"})]
    homeserver.memberships[ADA] = membership
    assert await done(store, homeserver, effect) == [("sent", None)]


@pytest.mark.parametrize(("effect", "membership"), [(Invite(ADA), "ban"), (Kick(ADA), "join")])
async def test_what_is_not_so_is_parked(store: Store, homeserver: Homeserver, effect: Effect, membership: str) -> None:
    homeserver.errors = [(403, {"errcode": "M_FORBIDDEN", "error": "no"})]
    homeserver.memberships[ADA] = membership
    assert await done(store, homeserver, effect) == [("failed", "403 M_FORBIDDEN")]


@pytest.mark.parametrize("hours", [1, 20])
async def test_an_old_attempt_is_looked_for_in_the_room(store: Store, homeserver: Homeserver, hours: int) -> None:
    """As if killed after the sending and before the mark, and started again when Synapse has forgotten the request."""
    clock = time.time()
    async with grounded(store, homeserver, Does(Send({"body": "1"}), React(Sent(0), "✅")), backoff=QUICK) as arrive:
        await arrive(message("$0"))
        await settled(store)
    (first, (_, content)), *_ = homeserver.sent.items()
    earlier = {"event_id": "$earlier", "type": "m.room.message", "sender": STEWARD, "content": content}
    others = [message(f"$more{number}") for number in range(10)]
    homeserver.timelines[ROOM] = [earlier | {"origin_server_ts": 1000 * clock}, *others]
    for event in others:
        event["origin_server_ts"] = 1000 * (clock + 1)
    homeserver.sent.clear()
    homeserver.done.clear()
    async with store.writing() as connection:
        body = '{"type": "m.room.message", "content": {"body": "1"}}'
        await connection.execute(outbox.update().where(outbox.c.kind == "send").values(state="pending", body=body))
    async with grounded(store, homeserver, Does(), backoff=QUICK, now=lambda: time.time() + hours * 3600):
        await settled(store)
    async with store.reading() as connection:
        result = await connection.scalar(sa.select(outbox.c.result).where(outbox.c.kind == "send"))
    if hours * 3600 > REMEMBERED_S:
        assert result == "$earlier"
        assert homeserver.sent == {}
    else:
        assert first in homeserver.sent, "Synapse still knows the request by its transaction id"


async def test_a_redaction_that_was_made_is_not_made_again(store: Store, homeserver: Homeserver) -> None:
    homeserver.done.append(("redact", "$spam"))
    async with grounded(store, homeserver, Does(Redact("$spam")), backoff=QUICK) as arrive:
        await arrive(message("$0"))
        async with asyncio.timeout(20):
            await settled(store)
    assert homeserver.sent == {}, "the device is new, so Synapse knows no earlier request"


def test_effects_refer_only_to_what_is_there() -> None:
    from bots.kernel.effects import BadEffect, body_of, lane_of

    with pytest.raises(BadEffect, match="no effect 1 before"):
        body_of(Edit(Sent(1), {}), {0: "x"}, "$0")
    with pytest.raises(BadEffect, match="names no event"):
        body_of(Act("relabel"), {}, None)
    with pytest.raises(BadEffect, match="names no room"):
        lane_of(Send({}), None)
