"""Mails and messages on their way: until when each is of use, how it ended, and those written anew with each attempt.

What a letter says is decided when it is sent, and again when that has to be tried again (rules P2 and E1): what waits
in the outbox is who it is for and ids, no word and no name.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from bots.kernel.batches import Actor
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.effects import Mail
from bots.kernel.errors import Impossible
from bots.kernel.handling import with_needs
from bots.kernel.mail import Mailer, MailRefused
from bots.kernel.outbox import Pending
from bots.kernel.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A letter that is not to be sent, and what its bot is given as a job about that, if anything."""

    then: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A letter as it is said in a room, and what its bot is given as a job once it is there."""

    content: Mapping[str, Any]
    then: Mapping[str, Any]


@runtime_checkable
class WithLetters(Protocol):
    """A bot that writes letters; each is asked for as a job is, by its name and arguments."""

    def letter_needs(self, letter: Job) -> Needs:
        """What must be known to write one."""

    def letter(self, letter: Job, context: Context) -> Mail | Said | Unwritten:
        """The mail or message as it is to be at this moment; it may be asked for again, so nothing is changed."""


class Mailing:
    """Performs the effects that are mails."""

    def __init__(
        self, store: Store, actors: Sequence[Actor], mailer: Mailer, *, now: Callable[[], float] = time.time
    ) -> None:
        """Prepares the work.

        Args:
            store: The open store.
            actors: The bots; those with letters are asked.
            mailer: The way to the mail server.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._actors = {actor.bot.name: actor for actor in actors}
        self._mailer = mailer
        self._now = now

    async def perform(self, effect: Pending) -> Mapping[str, Any] | None:
        """Sends a mail; what its bot is told about the end of it.

        Raises:
            MailRefused: It is refused for good, and the bot does not want to know.
            Unreachable: It is to be tried again.
            Impossible: Nobody writes such letters any more.
        """
        if self.is_late(effect):
            return self.expired(effect)
        body, then = effect.body, effect.body.get("then")
        if effect.kind == "letter":
            written = await self.write(effect)
            if not isinstance(written, Mail):
                return ended("unwritten", written.then)
            body, then = written.body, written.then
        try:
            await self._mailer.send(effect.effect_id, body)
        except MailRefused as refused:
            if then is None or not refused.of_reader:
                raise
            return ended("refused", then)
        return ended("sent", then)

    def is_late(self, effect: Pending) -> bool:
        """Whether it is no use any more."""
        until = effect.body.get("until")
        return until is not None and self._now() >= float(until)

    def expired(self, effect: Pending) -> Mapping[str, Any] | None:
        """What a bot is told of what is no use any more."""
        log.warning("what is of no use any more is not sent", extra={"effect": effect.effect_id, "kind": effect.kind})
        letter = {"letter": effect.body["name"], **effect.body["arguments"]} if effect.kind == "letter" else None
        return ended("expired", effect.body.get("then") or letter)

    async def write(self, effect: Pending) -> Mail | Said | Unwritten:
        """A letter as it is to be at this moment.

        Raises:
            Unreachable: Synapse cannot be asked.
            Impossible: Nobody writes such letters any more.
        """
        actor = self._actors.get(effect.bot)
        if actor is None or not isinstance(actor.bot, WithLetters):
            raise Impossible("No bot writes such letters any more.")
        bot, letter = actor.bot, Job(effect.body["name"], effect.created_at, effect.body["arguments"])
        context = Context(actor.client.user_id, now=self._now(), occasion=effect.effect_id)
        context = await with_needs(context, actor, "", bot.letter_needs(letter), lambda _user: False)
        return await self._store.read(lambda one: bot.letter(letter, replace(context, connection=one)))


def ended(how: str, then: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a bot is told of the end of something, where it wants to know."""
    return None if then is None else {"then": dict(then), "ended": how}
