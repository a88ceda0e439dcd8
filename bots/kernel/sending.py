"""Performs what stands in the outbox: in each lane in order, and each effect once, however often it is tried.

Synapse knows a request again by its device and transaction id, for a day. What may be older is looked for in the room.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bots.charts.artist import NotDrawn
from bots.kernel.effects import EFFECT, MAILED, OUTCOME, WRITTEN, room_of
from bots.kernel.errors import Impossible, NotYet
from bots.kernel.lanes import Backoff
from bots.kernel.letters import Mailing, Said, ended
from bots.kernel.mail import MailRefused
from bots.kernel.matrix import BotClient, Refused, Unreachable
from bots.kernel.metrics import Metrics
from bots.kernel.outbox import Outbox, Pending
from bots.kernel.pictures import Draw, Pictures
from bots.kernel.webhook import HookRefused, Webhook

log = logging.getLogger(__name__)

_OURS = "ORG.BELISHA."
_PINNED = "m.room.pinned_events"
REMEMBERED_S = 12 * 3600.0
"""For how long Synapse certainly knows transaction ids (it forgets them after 24 hours)."""
_BATCH = 50
_TRIED = "tried"  # key of a letter that was sent, perhaps: what its bot hears then
_MARGIN_S = 600.0  # two clocks, ours and Synapse's
#: Refusals that end when something at the server is mended (rule X1).
_MAY_PASS = frozenset({"ORG.BELISHA.CANNOT_DECIDE", "ORG.BELISHA.DEGRADED", "M_LIMIT_EXCEEDED"})


class Sending:
    """What is done in a lane of the outbox."""

    def __init__(
        self,
        outbox: Outbox,
        clients: Mapping[str, BotClient],
        mailing: Mailing,
        metrics: Metrics,
        *,
        webhook: Webhook | None = None,
        draw: Draw,
        backoff: Backoff | None = None,
        now: Callable[[], float] = time.time,
        due: Callable[[], None] = lambda: None,
        jitter: Callable[[], float] = lambda: random.uniform(0.75, 1.25),  # noqa: S311  no secret
    ) -> None:
        """Prepares the work.

        Args:
            outbox: Where effects wait.
            clients: Each bot's way to Synapse, by the bot's name.
            mailing: The way of mail.
            metrics: Counters.
            webhook: The way to the operators' webhook; None where there is none.
            draw: What draws pictures.
            backoff: Pauses after errors.
            now: The clock, in seconds since 1970.
            due: Called when a job is due.
            jitter: What a pause is multiplied by, so that not everybody comes back at once.
        """
        self._due = due
        self._jitter = jitter
        self._outbox = outbox
        self._clients = clients
        self._mailing = mailing
        self._webhook = webhook or Webhook(None)
        self._metrics = metrics
        self._backoff = backoff or Backoff()
        self._now = now
        self._unreachable = 0
        self._perform: dict[str, Callable[[BotClient, Pending], Awaitable[str | None]]] = {
            "send": _send,
            "picture": Pictures(outbox, draw, self._event).perform,
            "edit": self._edit,
            "react": self._react,
            "redact": self._redact,
            "pin": self._pin,
            "invite": _invite,
            "kick": _kick,
            "state": _state,
            "publish": _publish,
            "contribute": _contribute,
        }

    async def work(self, lane: str) -> None:
        """Performs what is due in a lane."""
        while effects := await self._outbox.pending(lane, _BATCH):
            for effect in effects:
                if effect.not_before > self._now() or not await self._try(effect):
                    return

    async def _try(self, effect: Pending) -> bool:
        """Performs one effect; whether the next one in its lane may follow."""
        try:
            if effect.kind in ("act", "turn"):
                return await self._act(effect)
            if effect.kind == "letter" and effect.lane.startswith(WRITTEN):
                return await self._say(effect)
            if effect.kind in ("mail", "letter"):
                return await self._end(effect, MAILED, await self._mailing.perform(effect))
            result = await self._do(effect)
        except (Unreachable, NotYet) as error:
            pause = getattr(error, "retry_after", None) or self._jittered(self._unreachable)
            self._unreachable += 1
            self._metrics.put_off(effect.kind)
            log.warning("an effect waits", extra={"reason": str(error), "kind": effect.kind, "seconds": pause})
            await self._outbox.postpone(effect.number, self._now() + pause, str(error), counts=False)
            return False
        except (Refused, NotDrawn) as error:
            may_pass = isinstance(error, NotDrawn) or error.errcode in _MAY_PASS
            if may_pass and effect.attempts + 1 < self._backoff.attempts:
                pause = self._now() + self._jittered(effect.attempts)
                self._metrics.put_off(effect.kind)
                await self._outbox.postpone(effect.number, pause, str(error), counts=True)
                return False
            return await self._give_up(effect, str(error))
        except (MailRefused, HookRefused, Impossible) as error:
            return await self._give_up(effect, str(error))
        self._unreachable = 0
        await self._outbox.sent(effect.number, result)
        self._metrics.sent.labels(effect.kind).inc()
        return True

    async def _say(self, effect: Pending) -> bool:
        """Says in a room, once, what is written at this moment.

        Before it is sent, it is noted what its bot is to hear then. So whoever finds that note looks first whether it
        stands there: what was written would be other words by now, or nothing at all.
        """
        client, then = await self._client(effect), effect.body.get(_TRIED)
        if then is not None and (found := await self._earlier(client, effect)) is not None:
            return await self._end(effect, MAILED, ended("sent", then), found)
        if self._mailing.is_late(effect):
            return await self._end(effect, MAILED, self._mailing.expired(effect))
        written = await self._mailing.write(effect)
        if not isinstance(written, Said):
            return await self._end(effect, MAILED, ended("unwritten", written.then))
        await self._outbox.note(effect.number, {**effect.body, _TRIED: dict(written.then)})
        content = _signed(written.content, effect)
        sent = await client.send(room_of(effect.lane), "m.room.message", content, effect.effect_id)
        return await self._end(effect, MAILED, ended("sent", written.then), sent)

    async def _act(self, effect: Pending) -> bool:
        """Has the module carry out something, and tells the bot how it ended: done, or refused with a sentence."""
        then = effect.body.pop("then", None)
        client = await self._client(effect)
        outcome: dict[str, Any]
        try:
            if effect.kind == "turn":
                outcome = {"outcome": await client.turn(effect.body["what"])}
            else:
                outcome = {"outcome": await client.act({"room_id": effect.lane, **effect.body})}
        except Refused as error:
            is_told = error.errcode.startswith(_OURS) and error.errcode not in _MAY_PASS
            last = error.errcode in _MAY_PASS and effect.attempts + 1 >= self._backoff.attempts
            if then is None or not (is_told or last):
                raise
            outcome = {"refused": error.sentence, "errcode": error.errcode}
        return await self._end(effect, OUTCOME, None if then is None else {"then": then, **outcome})

    async def _end(
        self, effect: Pending, news: str, about: Mapping[str, Any] | None, result: str | None = None
    ) -> bool:
        """Marks an effect as performed, and tells its bot how it ended, where it wants to know."""
        row = None
        if about is not None:
            told = {"name": f"{news}{effect.effect_id}", "arguments": json.dumps(dict(about))}
            row = {"bot": effect.bot, "due": self._now(), **told}
        self._unreachable = 0
        await self._outbox.sent(effect.number, result, row)
        self._metrics.sent.labels(effect.kind).inc()
        if row is not None:
            self._due()
        return True

    async def _client(self, effect: Pending) -> BotClient:
        client = self._clients.get(effect.bot)
        if client is None:
            raise Impossible(f"There is no bot {effect.bot} any more.")
        if not client.registered:
            await client.register()
        return client

    def _jittered(self, earlier: int) -> float:
        return self._backoff.delay(earlier) * self._jitter()

    async def _give_up(self, effect: Pending, told: str) -> bool:
        about = {"effect": effect.effect_id, "bot": effect.bot, "kind": effect.kind, "error": told}
        log.error("an effect is given up", extra=about)
        await self._outbox.give_up(effect.number, told)
        self._metrics.failed.labels("outbox").inc()
        return True

    async def _do(self, effect: Pending) -> str | None:
        if effect.kind == "hook":
            await self._webhook.call(effect.effect_id, effect.body)
            return None
        client = await self._client(effect)
        known_since = max(self._now() - REMEMBERED_S, client.device_made_at)
        if effect.created_at < known_since and (found := await self._earlier(client, effect)) is not None:
            return found
        return await self._perform[effect.kind](client, effect)

    async def _earlier(self, client: BotClient, effect: Pending) -> str | None:
        """The event that an old attempt has made, if it has made one."""
        if effect.kind == "redact":
            target = await self._event(effect.body["target"])
            return target if await client.is_redacted(room_of(effect.lane), target) else None
        if effect.kind not in ("send", "picture", "edit", "react", "letter"):
            return None
        page, filtered = "", {"senders": [client.user_id], "lazy_load_members": True}
        while True:
            events, page = await client.messages(room_of(effect.lane), page, filtered=filtered)
            for event in events:
                if (event.get("content") or {}).get(EFFECT) == effect.effect_id:
                    return str(event["event_id"])
                if event.get("origin_server_ts", 0) / 1000 < effect.created_at - _MARGIN_S:
                    return None
            if not page:
                return None

    async def _event(self, target: str | dict[str, str]) -> str:
        """The event that is meant by an event id, or by the effect that makes it."""
        if isinstance(target, str):
            return target
        state, result = await self._outbox.outcome(target["effect"])
        if state == "pending":
            raise NotYet("what it refers to is not sent yet")
        if not result:
            raise Impossible("What it refers to was never sent.")
        return result

    async def _edit(self, client: BotClient, effect: Pending) -> str:
        target, new = await self._event(effect.body["target"]), effect.body["content"]
        content = {**new, "m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": target}}
        if isinstance(new.get("body"), str):
            content["body"] = f"* {new['body']}"
        return await client.send(effect.lane, "m.room.message", _signed(content, effect), effect.effect_id)

    async def _react(self, client: BotClient, effect: Pending) -> str:
        target = await self._event(effect.body["target"])
        relation = {"rel_type": "m.annotation", "event_id": target, "key": effect.body["key"]}
        try:
            content = _signed({"m.relates_to": relation}, effect)
            return await client.send(effect.lane, "m.reaction", content, effect.effect_id)
        except Refused as error:
            if error.errcode != "M_DUPLICATE_ANNOTATION":
                raise
            return ""

    async def _redact(self, client: BotClient, effect: Pending) -> str:
        target = await self._event(effect.body["target"])
        return await client.redact(room_of(effect.lane), target, effect.body["reason"], effect.effect_id)

    async def _pin(self, client: BotClient, effect: Pending) -> None:
        target = await self._event(effect.body["target"])
        pinned = (await client.state(effect.lane, _PINNED)).get("pinned")
        pinned = pinned if isinstance(pinned, list) else []
        if target not in pinned:
            await client.set_state(effect.lane, _PINNED, "", {"pinned": [*pinned, target]})


async def _send(client: BotClient, effect: Pending) -> str:
    content = _signed(effect.body["content"], effect)
    return await client.send(effect.lane, effect.body["type"], content, effect.effect_id)


def _signed(content: Mapping[str, Any], effect: Pending) -> dict[str, Any]:
    return {**content, EFFECT: effect.effect_id}


async def _state(client: BotClient, effect: Pending) -> str:
    body = effect.body
    return await client.set_state(effect.lane, body["type"], body["state_key"], body["content"])


async def _publish(client: BotClient, effect: Pending) -> None:
    await client.publish(effect.body)


async def _contribute(client: BotClient, effect: Pending) -> None:
    await client.contribute(effect.body)


async def _invite(client: BotClient, effect: Pending) -> None:
    await _set_membership(client, effect, "invite", {"invite", "join"})


async def _kick(client: BotClient, effect: Pending) -> None:
    await _set_membership(client, effect, "kick", {"leave", "ban"})


async def _set_membership(client: BotClient, effect: Pending, act: str, wanted: set[str]) -> None:
    user, reason = effect.body["user"], effect.body["reason"]
    try:
        await client.set_membership(effect.lane, act, user, reason, effect.effect_id)
    except Refused:
        if await client.membership(effect.lane, user) not in wanted:
            raise
