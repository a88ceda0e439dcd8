"""A bot's desk: who may ask for what, questions and their answers, and what the module did; on a real store."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from belisha.acts import ACTS
from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import TEXT
from bots.kernel.answers import paragraph
from bots.kernel.bot import Bot, Context, Job, Needs
from bots.kernel.calls import Answer, Call, Entry
from bots.kernel.desk import Desk
from bots.kernel.effects import Effect
from bots.kernel.events import Event
from bots.kernel.questions import HOLDS_S
from bots.kernel.rules import Rule
from bots.kernel.store import Store
from bots.kernel.tables import job, outbox, question
from tests.bots.support import ADA, ROOM, SERVER, Homeserver, Json, grounded, message, settled
from tests.bots.test_sending import QUICK
from tests.support.patience import until

pytestmark = pytest.mark.more

OWN = f"!own:{SERVER}"
BEN = f"@ben:{SERVER}"
MEMBER = {"belongs": True, "organisation": "harbour", "roles": ["member"], "power": 0, "service_room": OWN}
STEWARD = MEMBER | {"roles": ["member", "steward"]}

SAY = Command(("say",), "says it", "!say hi", (Argument("text", TEXT, "what to say"),))
WIPE = Command(("wipe",), "wipes it", "!wipe", confirm="All of it?", aliases=(("clean",),))
DIARY = Command(("diary",), "opens it", "!diary", where=ALONE)
THIS = Command(("this",), "tells of a message", "!this", is_answer=True)
RARE = Command(("rare",), "does it", "!rare", roles=frozenset({"steward"}))
SLOW = Command(("slow",), "is another bot's", "!slow")


class Sayer:
    """A bot with a desk, which says back what it was asked."""

    name = "steward"
    rules: Mapping[str, Rule] = {}

    def __init__(self) -> None:
        entries = [Entry(one, _said) for one in (SAY, WIPE, DIARY, THIS, RARE)]
        self.desk = Desk(self.name, [*entries, *(Entry(act) for act in ACTS)], [SLOW], front=True)

    def needs(self, event: Event, me: str) -> Needs | None:
        return self.desk.needs(event)

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        return self.desk.handle(event, context)

    def run(self, job: Job, context: Context) -> Sequence[Effect]:
        return self.desk.run(job, context) or ()


def _said(call: Call, _context: Context) -> Answer:
    about = call.arguments.get("text") or call.target or ""
    return Answer((paragraph(f"{call.command.name} by {call.user_id}: {about}"),))


class Room:
    """A homeserver with two rooms, and what a bot with a desk says in them."""

    def __init__(self, store: Store, homeserver: Homeserver, bot: Callable[[], Bot] | None = None) -> None:
        self.bot = bot or Sayer
        self.store = store
        self.homeserver = homeserver
        self.later = 0.0
        self._numbers = itertools.count()
        homeserver.policies[OWN] = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER+STRICT"}
        homeserver.policies[ROOM] = {"kind": "open", "default": "TLP:GREEN", "ceiling": "TLP:GREEN"}
        homeserver.askers |= {ADA: MEMBER, BEN: STEWARD}

    def now(self) -> float:
        return time.time() + self.later

    async def hears(self, *events: Json) -> list[str]:
        """What the bot says to events that come one after another."""
        said: list[str] = []
        for event in events:
            before = len(self.homeserver.sent)
            async with grounded(self.store, self.homeserver, self.bot(), backoff=QUICK, now=self.now) as arrive:
                await arrive(event)
                await settled(self.store)
                await self._told()
            contents = [content for _, content in self.homeserver.sent.values()][before:]
            said += [str(content["body"]) for content in contents if "body" in content]
        return said

    async def _told(self) -> None:
        """Waits until what follows from an act is said as well."""

        async def is_told() -> bool:
            async with self.store.reading() as connection:
                return (await connection.execute(sa.select(job.c.number).where(job.c.rule.is_(None)))).first() is None

        await until(is_told)
        await settled(self.store)

    def says(self, body: str, room: str = OWN, sender: str = ADA, **content: Any) -> Json:
        return message(f"$e{next(self._numbers)}", body, room=room, sender=sender, **content)

    async def asked(self) -> str:
        """The event of the newest question."""
        query = sa.select(outbox.c.result).join(question, question.c.effect_id == outbox.c.effect_id)
        async with self.store.reading() as connection:
            return str((await connection.execute(query.order_by(outbox.c.number.desc()))).scalars().first())

    def taps(self, event: str, key: str, sender: str = ADA, room: str = OWN) -> Json:
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return self.says("", room, sender) | {"type": "m.reaction", "content": {"m.relates_to": relation}}


@pytest.fixture
def room(store: Store, homeserver: Homeserver) -> Room:
    return Room(store, homeserver)


async def test_who_may_ask_gets_an_answer_and_others_a_reason(room: Room) -> None:
    assert await room.hears(room.says("!say hello  there")) == [f"!say by {ADA}: hello  there"]
    (told,) = await room.hears(room.says("!rare"))
    assert told == "Only stewards can do this. Please ask one of them."
    assert await room.hears(room.says("!rare", sender=BEN)) == [f"!rare by {BEN}: "]
    (told,) = await room.hears(room.says("!diary", ROOM))
    assert "in your own room with the bot" in told
    (told,) = await room.hears(room.says("!this"))
    assert "Please answer the message that you mean" in told
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}}
    assert await room.hears(room.says("!this", **reply)) == [f"!this by {ADA}: $x"]
    room.homeserver.askers[ADA] = MEMBER | {"belongs": False, "organisation": None}
    (told,) = await room.hears(room.says("!say hello"))
    assert "belongs to no organisation" in told
    del room.homeserver.askers[ADA]
    (told,) = await room.hears(room.says("!say hello"))
    assert "I could not ask the server" in told


async def test_what_is_none_of_its_own_is_left_to_others(room: Room) -> None:
    assert await room.hears(room.says("!slow"), room.says("good morning"), room.says("say")) == []
    assert await room.hears(room.says("!important", ROOM)) == []
    (told,) = await room.hears(room.says("!sayy hello", ROOM))
    assert "Did you mean !say?" in told and "For example: !say hi" in told
    (told,) = await room.hears(room.says("!say"))
    assert told.startswith("Please say what to say.")


@pytest.mark.parametrize("way", ["✅", "👍", "yes", "Yes!", "reply"])
async def test_a_yes_does_it_once(room: Room, way: str) -> None:
    (asked,) = await room.hears(room.says("!clean"))
    assert asked.startswith("All of it?") and "Tap ✅ or ❌" in asked
    event = await room.asked()
    keys = [content["m.relates_to"]["key"] for _, content in room.homeserver.sent.values() if "body" not in content]
    assert keys == ["✅", "❌"]
    if way == "reply":
        yes = room.says("yes", **{"m.relates_to": {"m.in_reply_to": {"event_id": event}}})
    else:
        yes = room.says(way) if way[0].isascii() else room.taps(event, way)
    assert await room.hears(yes) == [f"!wipe by {ADA}: "]
    assert await room.hears(room.taps(event, "✅"), room.says("yes")) == []


@pytest.mark.parametrize("way", ["❌", "no"])
async def test_a_no_does_nothing(room: Room, way: str) -> None:
    await room.hears(room.says("!wipe"))
    event = await room.asked()
    assert await room.hears(room.says(way) if way == "no" else room.taps(event, way)) == ["Nothing was done."]
    assert await room.hears(room.taps(event, "✅")) == []


async def test_nobody_else_and_nothing_else_says_yes(room: Room) -> None:
    await room.hears(room.says("!wipe", ROOM))
    event = await room.asked()
    others = [
        room.taps(event, "✅", BEN, ROOM),
        room.says("yes", ROOM, BEN),
        room.says("yes", OWN),
        room.taps("$another", "✅", room=ROOM),
        room.taps(event, "🎉", room=ROOM),
        room.says("yes", ROOM, **{"m.relates_to": {"m.in_reply_to": {"event_id": "$another"}}}),
    ]
    assert await room.hears(*others) == []
    assert await room.hears(room.taps(event, "✅", room=ROOM)) == [f"!wipe by {ADA}: "]


async def test_an_old_question_is_not_answered_any_more(room: Room) -> None:
    await room.hears(room.says("!wipe"))
    event = await room.asked()
    room.later = HOLDS_S + 1
    assert await room.hears(room.taps(event, "✅"), room.says("yes")) == []


async def test_an_answer_that_comes_before_the_question_is_stored_as_sent_is_not_lost(room: Room) -> None:
    """As after a kill between Synapse's answer and its being written down."""
    await room.hears(room.says("!wipe"))
    event = await room.asked()
    async with room.store.writing() as connection:
        await connection.execute(
            outbox.update().where(outbox.c.result == event).values(state="pending", not_before=2e9)
        )
    async with grounded(room.store, room.homeserver, Sayer(), backoff=QUICK, now=room.now) as arrive:
        await arrive(room.taps(event, "✅"))
        async with room.store.writing() as connection:
            await connection.execute(outbox.update().where(outbox.c.result == event).values(state="sent"))
        await settled(room.store)
    assert [content for _, content in room.homeserver.sent.values()][-1]["body"] == f"!wipe by {ADA}: "


async def test_an_act_is_handed_over_and_its_end_is_told(room: Room) -> None:
    command = room.says("!freeze @dina", sender=BEN)
    assert await room.hears(command) == ["Done."]
    (act,) = [content for _, content in room.homeserver.sent.values() if "act" in content]
    expected = {
        "room_id": OWN,
        "event_id": command["event_id"],
        "act": "member_freeze",
        "arguments": {"member": "@dina"},
    }
    assert act == expected, "the command event, and nothing besides"


async def test_what_the_module_refuses_is_told_and_is_no_dead_letter(room: Room) -> None:
    refusal = {"errcode": "ORG.BELISHA.NO_SUCH_MEMBER", "error": "There is no member with this address."}
    room.homeserver.acts = [(403, refusal)]
    assert await room.hears(room.says("!freeze @dina", sender=BEN)) == ["There is no member with this address."]
    async with room.store.reading() as connection:
        assert set((await connection.execute(sa.select(outbox.c.state))).scalars()) == {"sent"}


async def test_what_may_pass_is_tried_again(room: Room) -> None:
    room.homeserver.acts = [(403, {"errcode": "ORG.BELISHA.CANNOT_DECIDE", "error": "It cannot be decided now."})]
    assert await room.hears(room.says("!freeze @dina", sender=BEN)) == ["Done."]
    room.homeserver.acts = [(403, {"errcode": "ORG.BELISHA.CANNOT_DECIDE", "error": "It cannot be decided now."})] * 3
    assert await room.hears(room.says("!freeze @dora", sender=BEN)) == ["It cannot be decided now."]


async def test_an_act_to_be_confirmed_is_handed_over_by_its_command(room: Room) -> None:
    command = room.says("!freeze organisation harbour", sender=BEN)
    await room.hears(command)
    assert not [content for _, content in room.homeserver.sent.values() if "act" in content]
    assert await room.hears(room.says("yes", sender=BEN)) == ["Done."]
    (act,) = [content for _, content in room.homeserver.sent.values() if "act" in content]
    assert act["event_id"] == command["event_id"]


async def test_a_long_answer_in_a_group_opens_a_thread(room: Room) -> None:
    await room.hears(room.says("!say " + "word " * 300, ROOM), room.says("!say short", ROOM))
    long, short = (content["m.relates_to"] for _, content in room.homeserver.sent.values())
    assert (long["rel_type"], long["event_id"], long["is_falling_back"]) == ("m.thread", "$e0", False)
    assert "rel_type" not in short


def test_an_entry_that_cannot_work_is_no_entry() -> None:
    with pytest.raises(ValueError, match="one of them"):
        Desk("x", [Entry(SAY)])
    with pytest.raises(ValueError, match="one of them"):
        Desk("x", [Entry(ACTS[0], _said)])
    with pytest.raises(ValueError, match="once it is confirmed"):
        Desk("x", [Entry(WIPE, _said, Needs(audience=True))])


JSON = st.recursive(
    st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(JSON, st.sampled_from(["m.room.message", "m.reaction", "x"]))
def test_nothing_that_arrives_makes_it_raise(content: Any, kind: str) -> None:
    desk = Sayer().desk
    for body in (
        {"msgtype": "m.text", "body": content},
        {"msgtype": "m.text", "body": "!say", "m.relates_to": content},
    ):
        desk.needs(Event("$1", ROOM, kind, ADA, body | {"formatted_body": content}))
