"""What members ask for on the portal: written as the command it is, and answered by the same desk as in chat.

What the module carries out needs an event of the member's (rule P3), which a form is not: the bot asks in the member's
own room, and the yes there is that event. All else is done at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from belisha.acts.questions import QUESTION_KEY, Question
from belisha.commands.declaration import Command
from belisha.commands.reading import Asked, Problem, read
from belisha.commands.writing import write
from belisha.policy.rooms import Kind
from belisha.translation import _
from bots.kernel import questions
from bots.kernel.answers import Block, Typed, notice, paragraph, say
from bots.kernel.batches import Actor
from bots.kernel.bot import Asker, Context, Policy, Unknown, WithDesk
from bots.kernel.calls import Call
from bots.kernel.desk import Desk, could_not_ask
from bots.kernel.effects import Effect, Send
from bots.kernel.handling import with_needs
from bots.kernel.matrix import Unreachable
from bots.kernel.outbox import Outbox
from bots.kernel.store import Store
from bots.kernel.tables import form


class NotAccepted(Exception):
    """A form that is not done; `str()` is a sentence for its member."""


@dataclass(frozen=True, slots=True)
class About:
    """The room that a form is about, as the module told it for this member a moment ago."""

    room_id: str
    name: str
    policy: Policy | Unknown
    power: int = 0


@dataclass(frozen=True, slots=True)
class Handed:
    """What a member has handed in.

    Attributes:
        command: which command.
        fields: what stands in the form's fields, by the names of the command's arguments.
        asker: who hands it in, as the module told it a moment ago.
        about: the group that was chosen; None is the member's own room with the steward.
        target: the event that it is about.
        once: by which a form that is sent again is known.
        confirmed: whether the page has asked what the command asks, and the member said yes.
    """

    command: Command
    fields: Mapping[str, str]
    asker: Asker
    about: About | None
    target: str | None
    once: str
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """How a form ended."""

    text: str
    """The command as it would be written."""
    blocks: Sequence[Block]
    asks: bool = False
    """Whether the member is still to say yes on the page."""


class ByForm:
    """Takes forms to the desks of bots."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        actors: Sequence[Actor],
        *,
        is_ours: Callable[[str], bool],
        done: Callable[[], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the work.

        Args:
            store: The open store.
            outbox: Where effects go.
            actors: The bots; those with a desk are asked.
            is_ours: Whether a user id belongs to a bot.
            done: Called when effects may wait.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._outbox = outbox
        self._desks = [(actor, actor.bot.desk) for actor in actors if isinstance(actor.bot, WithDesk)]
        self._is_ours = is_ours
        self._done = done
        self._now = now

    @property
    def commands(self) -> Sequence[Command]:
        """Every command of every bot that runs here."""
        return tuple(one for _actor, desk in self._desks for one in desk.commands if desk.entry(one) is not None)

    async def hand_in(self, handed: Handed) -> Done:
        """Does what a form asks for, once.

        Raises:
            NotAccepted: It says too little, or it may not be.
        """
        actor, desk = next((one for one in self._desks if one[1].entry(handed.command)), (None, None))
        entry = desk.entry(handed.command) if desk else None
        if actor is None or desk is None or entry is None:
            raise NotAccepted(_("That cannot be asked for here any more. Please go back, and look which can."))
        text = write(handed.command, handed.fields)
        asked = read(text, (handed.command,))
        if not isinstance(asked, Asked):
            raise NotAccepted(asked.reason if isinstance(asked, Problem) else _("That could not be read."))
        call = self._call(handed, text, asked)
        if (refusal := desk.refusal(call)) is not None:
            raise NotAccepted(refusal)
        occasion = f"form {call.user_id} {handed.once}"
        context = Context(
            actor.client.user_id, policy=call.policy, asker=call.asker, now=self._now(), occasion=occasion
        )
        if (wrong := desk.problem(call, context)) is not None:
            raise NotAccepted(wrong)
        try:
            needs = replace(entry.asked(asked), policy=False, asker=False)
            context = await with_needs(context, actor, call.room_id, needs, self._is_ours, call.user_id, call.target)
        except Unreachable as error:
            raise NotAccepted(could_not_ask()) from error
        before = desk.before(call, context)
        if isinstance(before, str):
            raise NotAccepted(before)
        if handed.command.confirm and not handed.confirmed:
            return Done(text, (*before, paragraph(_(handed.command.confirm))), asks=True)
        blocks = await self._store.write(
            lambda connection: self._perform(connection, desk, actor, call, context, handed, before)
        )
        self._done()
        return Done(text, blocks)

    async def tell(self, bot: str, occasion: str, work: Callable[[Context], Sequence[Effect]]) -> None:
        """Has a bot do something on an occasion that is no event; `work` runs in the kernel's transaction.

        Raises:
            LookupError: there is no such bot.
        """
        actor = next((one for one, _desk in self._desks if one.bot.name == bot), None)
        if actor is None:
            raise LookupError(bot)

        def do(connection: sa.Connection) -> None:
            context = Context(actor.client.user_id, now=self._now(), occasion=occasion, connection=connection)
            self._outbox.store(connection, bot, context, work(context), None)

        await self._store.write(do)
        self._done()

    def _call(self, handed: Handed, text: str, asked: Asked) -> Call:
        service = handed.asker.service_room or ""
        own = About(service, "", Policy(Kind.SERVICE.value) if service else Unknown())
        about = handed.about or own
        asker = replace(handed.asker, power=about.power)
        return Call(asked, text, asker, about.room_id, about.policy, service, target=handed.target)

    def _perform(
        self,
        connection: sa.Connection,
        desk: Desk,
        actor: Actor,
        call: Call,
        context: Context,
        handed: Handed,
        before: Sequence[Block],
    ) -> Sequence[Block]:
        row = {"occasion": context.occasion, "at": context.now}
        if not connection.execute(self._store.insert(form, "occasion").values(row)).rowcount:
            return (paragraph(_("This was sent before, and was done once.")),)
        context = replace(context, connection=connection)
        effects: Sequence[Effect]
        if call.command.act is not None:
            asking = _question(call, handed.about, before)
            effects = questions.ask(
                context, actor.bot.name, call.user_id, call.answer_in, call.to_json(), Send(asking, room=call.answer_in)
            )
            blocks: Sequence[Block] = (
                paragraph(_("Almost done: you are asked in your own chat with the steward whether you mean it.")),
                paragraph(
                    _("Say yes there within ten minutes. Until then nothing is done; how it ends, you read there too.")
                ),
            )
        else:
            answered = desk.answered(call, context)
            effects, blocks = answered.effects, answered.blocks or (paragraph(_("Done.")),)
        self._outbox.store(connection, actor.bot.name, context, effects, None)
        return blocks


def _question(call: Call, about: About | None, before: Sequence[Block]) -> dict[str, object]:
    """The question in the member's own room; what it shows is what a yes stands for (see `belisha.acts.questions`)."""
    is_elsewhere = call.command.is_about_room or call.command.is_answer
    room_id = about.room_id if about is not None and is_elsewhere else None
    blocks: list[Block] = [say(_("On the portal you asked for {command}"), command=Typed(call.text))]
    if about is not None and room_id is not None:
        name = about.name or _("a group without a name")
        blocks.append(say(_("in the group “{name}” ({room_id})."), name=name, room_id=Typed(room_id)))
    if call.target is not None:
        blocks.append(say(_("about the message {target}."), target=Typed(call.target)))
    blocks += before
    if call.command.confirm:
        blocks.append(paragraph(_(call.command.confirm), " ", _("Shall I?")))
    blocks.append(say(_("Tap ✅ or ❌, or write {yes} or {no}."), yes=Typed(_("yes")), no=Typed(_("no"))))
    blocks.append(paragraph(_("If it was not you: tap ❌, and end your sessions on the portal.")))
    return notice(blocks) | {QUESTION_KEY: Question(call.text, room_id, call.target).content()}
