"""A bot's desk: takes what members ask for to those who answer it, if they may ask for it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from belisha.commands.declaration import Command
from belisha.commands.reading import Asked, Mistyped, Problem, Read, bare, read
from belisha.policy.commands import decide_where, decide_who, names_a_group
from belisha.policy.rooms import Kind, kind_of
from belisha.translation import _
from bots.kernel import questions
from bots.kernel.answers import Block, Link, Typed, frame_of, paragraph, reply, say
from bots.kernel.bot import Asker, Context, Extent, Job, Needs, Policy
from bots.kernel.calls import Answer, Call, Entry, Outcome, call_from
from bots.kernel.effects import OUTCOME, Act, Effect, Send
from bots.kernel.events import Event
from bots.kernel.on_portal import Page, may_open, page_for


class Desk:
    """Commands of one bot. Both ways in, a message and a form, end in `perform`."""

    def __init__(
        self,
        bot: str,
        entries: Sequence[Entry],
        others: Sequence[Command] = (),
        *,
        front: bool = False,
        portal: str = "",
    ) -> None:
        """Knows what it answers.

        Args:
            bot: Its bot's name.
            entries: The commands of this bot.
            others: Those of other bots, which answer them themselves.
            front: Whether it answers what is no command of anybody's.
            portal: The portal's address, to which it leads who asks for one of its pages; empty where there is none.

        Raises:
            ValueError: An entry cannot work.
        """
        self._bot = bot
        self._entries = {entry.command: entry for entry in entries}
        self._front = front
        self._portal = portal
        self.commands = (*self._entries, *others)
        for entry in entries:
            if (entry.answer is None) == (entry.command.act is None):
                raise ValueError(f"{entry.command.name} is answered by the bot or by the module, and by one of them")
            if entry.command.confirm and entry.needs != Needs():
                raise ValueError(f"{entry.command.name} cannot learn more once it is confirmed")

    # --- Messages ----------------------------------------------------------------------------------------------

    def needs(self, event: Event) -> Needs | None:
        """What must be known to handle a message; None where it is none of this desk's business."""
        if questions.reply_in(event) is not None:
            return Needs()
        request = self._request(event)
        if isinstance(request, Asked):
            entry = self._entries.get(request.command)
            if entry is None:
                return None
            return replace(entry.asked(request), policy=True, asker=True)
        if isinstance(request, Problem):
            return Needs(policy=True) if request.command in self._entries else None
        if request is None or not self._front:
            return None
        return Needs(policy=True, asker=bool(self._portal and page_for(request.name)))

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        """Answers a message."""
        if (reply := questions.reply_in(event)) is not None:
            return self._decided(*reply, event, context)
        in_service = isinstance(context.policy, Policy) and context.policy.kind == "service"
        request = self._request(event)
        if request is None or (not in_service and not _has_mark(event)):
            return ()
        if isinstance(request, Mistyped):
            page = page_for(request.name) if in_service and self._portal else None
            if page is not None and isinstance(context.asker, Asker) and may_open(page, context.asker.person):
                return (_answer(event, _leads_to(page, request, self._portal)),)
            # Outside its own chats a bot that answers every exclamation would be a nuisance.
            return (_answer(event, mistyped(request)),) if in_service or request.close else ()
        if isinstance(request, Problem):
            return (_answer(event, problem(request)),)
        call = Call(
            request,
            event.spoken or "",
            context.asker if isinstance(context.asker, Asker) else Asker(event.anybody),
            event.room_id,
            context.policy,
            event.room_id,
            frame_of(event),
            event.event_id,
            event.answered,
        )
        if isinstance(context.policy, Policy) and in_service:
            call = replace(call, asker=replace(call.asker, service_room=event.room_id))
        known = isinstance(context.asker, Asker)
        refusal = self.refusal(call) if known or request.command.for_anyone else could_not_ask()
        refusal = refusal or self.problem(call, context)
        if refusal is not None:
            return (call.send((paragraph(refusal),)),)
        return self.begin(call, context)

    def _request(self, event: Event) -> Read | None:
        """What a message asks for. Whether a bare word counts is known only with the room's kind."""
        text = event.spoken if event.type == "m.room.message" and event.state_key is None else None
        if text is None:
            return None
        return read(text, self.commands) or bare(text, self.commands)

    def _decided(self, said_yes: bool, target: str | None, event: Event, context: Context) -> Sequence[Effect]:
        kept = questions.take(context, self._bot, event, target)
        if kept is None:
            return ()
        call = call_from(kept, tuple(self._entries))
        if call is None:
            return (_answer(event, (paragraph(_("I have changed since I asked that. Please ask for it anew.")),)),)
        if not said_yes:
            return (call.send((paragraph(_("Nothing was done.")),)),)
        return self.perform(call.proved_by(event.event_id), context)

    # --- Both ways ---------------------------------------------------------------------------------------------

    def entry(self, command: Command) -> Entry | None:
        """Who answers a command; None where it is another bot's."""
        return self._entries.get(command)

    def refusal(self, call: Call) -> str | None:
        """Why somebody may not ask for this here; None where they may."""
        command = call.command
        if not command.for_anyone:
            if not isinstance(call.policy, Policy):
                return could_not_ask()
            decision = decide_where(command, _kind(call.policy))
            if not decision.allowed:
                return decision.reason
        kind = _kind(call.policy) if isinstance(call.policy, Policy) else None
        decision = decide_who(
            command,
            call.asker.person,
            call.asker.power,
            maintains=call.asker.maintains,
            names_group=names_a_group(command, kind, call.arguments),
        )
        if not decision.allowed:
            return decision.reason
        if command.is_answer and call.target is None and command.instead not in call.arguments:
            return _missing_target(command)
        return None

    def problem(self, call: Call, context: Context) -> str | None:
        """What is wrong with a call that its asker may make; None where nothing is."""
        check = self._entries[call.command].check
        return None if check is None else check(call, context)

    def begin(self, call: Call, context: Context) -> Sequence[Effect]:
        """Does what was asked for in a message, or asks first whether it is meant."""
        if call.command.confirm is None:
            return self.perform(call, context)
        before = self.before(call, context)
        if isinstance(before, str):
            return (call.send((paragraph(before),)),)
        asking = call.send(
            (
                *before,
                paragraph(_(call.command.confirm), " ", _("Shall I?")),
                say(_("Tap ✅ or ❌, or write {yes} or {no}."), yes=Typed(_("yes")), no=Typed(_("no"))),
            )
        )
        return questions.ask(context, self._bot, call.user_id, call.answer_in, call.to_json(), asking)

    def before(self, call: Call, context: Context) -> Sequence[Block] | str:
        """What is said of how much a call concerns before it is confirmed, or why it is not asked for at all."""
        before = self._entries[call.command].before
        if before is None:
            return ()
        if not isinstance(context.extent, Extent):
            return could_not_ask()
        return context.extent.refused or before(call, context.extent)

    def perform(self, call: Call, context: Context) -> Sequence[Effect]:
        """Answers a call, or hands it to the module with the member's event that proves it (rule P3)."""
        if call.command.act is None:
            return _sent(call, self.answered(call, context))
        act = str(call.command.act)
        return (Act(act, dict(call.arguments), event_id=call.event_id, then=call.to_json(), room=call.answer_in),)

    def answered(self, call: Call, context: Context) -> Answer:
        """What the bot itself answers, and does about it."""
        answer = self._entries[call.command].answer
        if answer is None:
            raise LookupError(call.command.name)
        return answer(call, context)

    # --- What the module did -----------------------------------------------------------------------------------

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Tells how an act ended; None where a job is no such news."""
        if not job.name.startswith(OUTCOME):
            return None
        call = call_from(job.arguments["then"], tuple(self._entries))
        if call is None:
            return ()
        outcome = _outcome(job.arguments)
        told = self._entries[call.command].told
        return _sent(call, _told(outcome) if told is None else told(call, outcome, context))


def mistyped(what: Mistyped) -> Sequence[Block]:
    """The answer to a command that does not exist."""
    typed = Typed(f"!{what.name[:40]}")
    if what.nearest is None:
        text = _("I do not know {typed}. Write {help} to see what you can ask me.")
        return (say(text, typed=typed, help=Typed("!help")),)
    text = _("I do not know {typed}. Did you mean {nearest}? It {does}.")
    return (
        say(text, typed=typed, nearest=Typed(what.nearest.name), does=_(what.nearest.help)),
        say(_("For example: {example}"), example=Typed(what.nearest.example)),
    )


def _leads_to(page: Page, what: Mistyped, portal: str) -> Sequence[Block]:
    text = _("I do not know {typed}, but the portal has a page for that: {page}.")
    return (say(text, typed=Typed(f"!{what.name}"), page=Link(_(page.title), f"{portal}{page.path}")),)


def problem(what: Problem) -> Sequence[Block]:
    """The answer to a command that says too little or too much."""
    return (paragraph(what.reason), say(_("For example: {example}"), example=Typed(what.command.example)))


def _sent(call: Call, answer: Answer) -> Sequence[Effect]:
    return (*answer.effects, call.send(answer.blocks)) if answer.blocks else tuple(answer.effects)


def _told(outcome: Outcome) -> Answer:
    return Answer((paragraph(_("Done.") if outcome.done is not None else outcome.refused),))


def _outcome(arguments: Mapping[str, Any]) -> Outcome:
    done = arguments.get("outcome")
    if isinstance(done, dict):
        return Outcome(done)
    return Outcome(None, str(arguments.get("refused") or _("It was not done, and the server did not say why.")))


def _answer(event: Event, blocks: Sequence[Block]) -> Send:
    return Send(reply(event, blocks))


def _missing_target(command: Command) -> str:
    if command.instead not in command.flags:
        return _("Please answer the message that you mean with this command, so that I know which one it is.")
    told = _("Please answer the message that you mean with this command, or say which one by {flag}.")
    return told.format(flag=f"--{command.instead}")


def _has_mark(event: Event) -> bool:
    return (event.spoken or "").lstrip().startswith("!")


def _kind(policy: Policy) -> Kind:
    try:
        return kind_of(policy.kind)
    except ValueError:
        return Kind.NAMED  # where no command counts


def could_not_ask() -> str:
    """What is said where the server does not answer."""
    return _("I could not ask the server about this room just now. Please try again in a few minutes.")
