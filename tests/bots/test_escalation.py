"""An urgent report that nobody looks after: who is told when, by real servers, over downtime and changes of clocks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiosmtpd.controller import Controller

from belisha.acts.reports import REPORT_KEY
from bots.kernel.config import Escalation, Webhook
from bots.kernel.lanes import Backoff
from bots.kernel.store import Store
from bots.kernel.tables import job, outbox
from bots.kernel.webhook import ID_HEADER, SIGNATURE_HEADER
from bots.steward import Steward
from tests.bots.support import STEWARD, Homeserver, Json, grounded, settled
from tests.bots.test_mail import Handler
from tests.bots.test_schedule import Clock, at
from tests.support.patience import until
from tests.support.server import free_ports

ROOM = "!stewards:belisha.localhost"
SECRET = "a secret that signs calls"
WORDS = "calls me names"
DUTY, FIRST, SECOND, MANAGER = (f"{name}@harbour.example" for name in ("duty", "stella", "sten", "mona"))


@dataclass
class World:
    """A mail server, a webhook and a clock."""

    store: Store
    homeserver: Homeserver
    mail: Handler
    mail_port: int
    settings: Escalation
    clock: Clock = field(default_factory=lambda: Clock("2026-06-01 22:00"))
    calls: list[tuple[Json, str, str, bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def bots(self) -> AbstractAsyncContextManager[Callable[..., Awaitable[None]]]:
        """The bots, for as long as they run."""
        steward = Steward(portal="https://portal.x", escalation=self.settings)
        mail = {"host": "127.0.0.1", "port": self.mail_port, "tls": "none", "sender": "bots@harbour.example"}
        settings = {"mail": mail, "escalation": self.settings.model_dump(mode="json")}
        backoff = Backoff(first=0.02, longest=0.1, attempts=3)
        return grounded(self.store, self.homeserver, steward, settings=settings, now=self.clock, backoff=backoff)

    async def passes(self, minutes: float, *events: Json) -> list[str]:
        """So much time, in which the bots are down; then they run, with these events. Who was mailed in all."""
        self.clock.now += minutes * 60
        async with self.bots() as arrive:
            await arrive(*events)
            await settled(self.store)
            await self.nothing_is_due()
            await settled(self.store)
        return [readers[0] for _sender, readers, _message in self.mail.taken]

    async def nothing_is_due(self) -> None:
        async def done() -> bool:
            async with self.store.reading() as connection:
                due = sa.select(job.c.number).where(job.c.due <= self.clock.now, job.c.state == "pending")
                return (await connection.execute(due)).first() is None

        await until(done)

    def reminders(self) -> list[str]:
        """What the stewards' room was told, besides cards."""
        sent = [content for _room, content in self.homeserver.sent.values()]
        return [str(one["body"]) for one in sent if "nobody looks after it" in str(one.get("body"))]

    def card(self, number: int = 7, *, urgent: bool = True) -> Json:
        facts = {"number": number, "kind": "danger", "urgent": urgent, "at": int(self.clock.now), "about": "item"}
        facts |= {"where": "group", "room_id": "!pilots:x", "room_name": "Pilots", "item": "$i", "member": "ana"}
        content = {"msgtype": "m.text", "body": "x", REPORT_KEY: facts | {"words": WORDS, "done": []}}
        base = {"event_id": f"$card{number}", "room_id": ROOM, "type": "m.room.message", "sender": STEWARD}
        return base | {"content": content, "origin_server_ts": int(self.clock.now * 1000)}

    def tap(self) -> Json:
        relation = {"rel_type": "m.annotation", "event_id": "$card7", "key": "👀"}
        base = {"event_id": "$tap", "room_id": ROOM, "type": "m.reaction", "sender": "@cora:belisha.localhost"}
        return base | {"content": {"m.relates_to": relation}, "origin_server_ts": int(self.clock.now * 1000)}


@pytest.fixture
async def world(store: Store, homeserver: Homeserver, tmp_path: Path) -> AsyncIterator[World]:
    secret = tmp_path / "pager"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    mail_port, hook_port = free_ports(2)
    settings = Escalation(
        mail=DUTY,
        webhook=Webhook(url=f"http://127.0.0.1:{hook_port}/page", secret_file=secret),
        stewards=(FIRST, SECOND),
        manager=MANAGER,
    )
    here = World(store, homeserver, Handler(), mail_port, settings)

    async def paged(request: web.Request) -> web.Response:
        body = await request.read()
        if here.answers:
            return web.Response(status=here.answers.pop(0))
        headers = request.headers
        here.calls.append((await request.json(), headers[ID_HEADER], headers[SIGNATURE_HEADER], body))
        return web.Response()

    app = web.Application()
    app.router.add_post("/page", paged)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", hook_port).start()
    controller = Controller(here.mail, hostname="127.0.0.1", port=mail_port)
    controller.start()
    try:
        yield here
    finally:
        controller.stop()
        await runner.cleanup()


async def test_one_after_the_other_is_told_until_all_were(world: World) -> None:
    assert await world.passes(0, world.card()) == []
    assert await world.passes(9.9) == [] and world.reminders() == [] and world.calls == []
    assert await world.passes(0.2) == [DUTY]
    assert len(world.calls) == len(world.reminders()) == 1
    assert await world.passes(9.8) == [DUTY]
    assert await world.passes(0.2) == [DUTY, FIRST]
    assert await world.passes(10) == [DUTY, FIRST, SECOND]
    assert await world.passes(10) == [DUTY, FIRST, SECOND, MANAGER]
    assert await world.passes(600) == [DUTY, FIRST, SECOND, MANAGER]
    assert len(world.calls) == 1 and len(world.reminders()) == 4


async def test_nobody_is_told_content(world: World) -> None:
    await world.passes(0, world.card())
    await world.passes(10)
    ((_, _, message),) = world.mail.taken
    text = message.get_payload(decode=True).decode()
    ((call, effect, signature, sent),) = world.calls
    assert message["Subject"] == "Report 7 is urgent, and nobody looks after it"
    assert "https://portal.x/reports/7" in text
    for told in (text, str(call), *world.reminders()):
        assert not any(word in told for word in (WORDS, "ana", "Pilots", "danger", "!pilots", "$i"))
    assert call == {
        "what": "org.belisha.report.waiting",
        "number": 7,
        "since": int(at("2026-06-01 22:00")),
        "step": 1,
        "link": "https://portal.x/reports/7",
    }
    expected = hmac.new(SECRET.encode(), effect.encode() + b"." + sent, hashlib.sha256).hexdigest()
    assert signature == f"sha256={expected}"


@pytest.mark.parametrize("told_before", [0, 1, 2])
async def test_who_looks_after_it_ends_it(world: World, told_before: int) -> None:
    await world.passes(0, world.card())
    for _ in range(told_before):
        await world.passes(10)
    done = {"outcome": "done", "act": "report_acknowledge", "number": 7, "done": [["acknowledge", "cora", 1]]}
    world.homeserver.acts = [(200, done)]
    await world.passes(5, world.tap())
    assert await world.passes(600) == [DUTY, FIRST][:told_before]
    assert len(world.reminders()) == told_before


async def test_who_is_too_late_ends_nothing(world: World) -> None:
    """A tap that the module refuses is no looking after."""
    await world.passes(0, world.card())
    refusal = {"errcode": "ORG.BELISHA.NOT_YOURSELF", "error": "This report is about you."}
    world.homeserver.acts = [(403, refusal)]
    await world.passes(5, world.tap())
    assert await world.passes(5) == [DUTY]


async def test_what_is_not_urgent_is_for_the_room_alone(world: World) -> None:
    await world.passes(0, world.card(urgent=False))
    assert await world.passes(6000) == [] and world.reminders() == []


async def test_after_downtime_each_still_has_its_time(world: World) -> None:
    """The bots were down for an hour: the first is told at once, and the others as long after one another as ever."""
    await world.passes(0, world.card())
    assert await world.passes(60) == [DUTY]
    assert await world.passes(9.9) == [DUTY]
    assert await world.passes(0.2) == [DUTY, FIRST]


async def test_a_report_that_came_while_the_bots_were_down_is_as_old_as_it_is(world: World) -> None:
    card = world.card()
    assert await world.passes(30, card) == [DUTY]


@pytest.mark.parametrize("night", ["2026-03-29 00:55", "2026-10-25 00:55"])
async def test_ten_minutes_are_ten_minutes_when_the_clocks_change(world: World, night: str) -> None:
    world.clock.now = at(night)
    await world.passes(0, world.card())
    assert await world.passes(9.9) == []
    assert await world.passes(0.2) == [DUTY]
    assert await world.passes(9.8) == [DUTY]
    assert await world.passes(0.2) == [DUTY, FIRST]


async def test_servers_that_are_away_are_told_once_when_they_are_back(world: World) -> None:
    await world.passes(0, world.card())
    world.answers, world.mail.answer = [503], "451 later"
    world.clock.now += 600

    async def both_have_refused() -> bool:
        return not world.answers and world.mail.refused > 0

    async with world.bots():
        await world.nothing_is_due()
        await until(both_have_refused)
    world.mail.answer = "250 taken"
    assert await world.passes(5) == [DUTY]
    assert len(world.calls) == len(world.reminders()) == 1


async def test_a_webhook_that_refuses_is_a_dead_letter_and_holds_up_nobody(world: World) -> None:
    await world.passes(0, world.card())
    world.answers = [404]
    assert await world.passes(10) == [DUTY] and world.calls == []
    async with world.store.reading() as connection:
        query = sa.select(outbox.c.last_error).where(outbox.c.state == "failed")
        assert list(await connection.scalars(query)) == ["The webhook's address refuses the call (404)."]
    assert await world.passes(10) == [DUTY, FIRST]


async def test_without_settings_the_stewards_room_is_reminded_once(world: World) -> None:
    world.settings = Escalation()
    await world.passes(0, world.card())
    assert await world.passes(10) == [] and len(world.reminders()) == 1
    assert await world.passes(600) == [] and len(world.reminders()) == 1
