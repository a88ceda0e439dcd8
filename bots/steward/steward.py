"""The steward bot's handlers: pure, and small, because `words.py` does the talking."""

from __future__ import annotations

from collections.abc import Sequence

from bots.kernel.answers import Block, notice, reply
from bots.kernel.bot import Context, Needs, Policy
from bots.kernel.commands import Asked, Command, Said, bare_word, said
from bots.kernel.effects import Effect, Send
from bots.kernel.events import Event, joins
from bots.steward import words

HELP = Command("help", "shows what you can ask me, and what this room is for", "!help tlp", argument="command")
TLP = Command(
    "tlp", "explains the labels, or one of them, and tells who can read this room", "!tlp red", argument="label"
)
COMMANDS = (HELP, TLP)


class Steward:
    """Explains the place, and welcomes members to it."""

    name = "steward"

    def needs(self, event: Event, me: str) -> Needs | None:
        """What must be known for an answer; see `bots.kernel.bot.Bot`."""
        if event.state_key is not None:
            if not joins(event, event.state_key):
                return None
            # A member's joining names the member; only after the bot's own it must be asked who is there.
            return Needs(policy=True, patient=True, people=event.state_key == me)
        request = said(event, COMMANDS) or bare_word(event, COMMANDS)
        if isinstance(request, Asked) and request.command is TLP and not request.argument:
            return Needs(policy=True, fresh=True, audience=True)
        return Needs(policy=True) if request else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        """Answers a command, or welcomes; see `bots.kernel.bot.Bot`."""
        in_service = isinstance(context.policy, Policy) and context.policy.kind == "service"
        if event.state_key is not None:
            return _welcome(event, context) if in_service else ()
        request: Said | None = said(event, COMMANDS)
        if request is None and in_service:
            request = bare_word(event, COMMANDS)
        answer = _answer(request, context, in_service=in_service)
        return (Send(reply(event, answer)),) if answer else ()


def _answer(request: Said | None, context: Context, *, in_service: bool) -> Sequence[Block]:
    if request is None:
        return ()
    if isinstance(request, Asked):
        if request.command is HELP:
            return words.help_with(request.argument, COMMANDS, context.policy)
        return words.one_label(request.argument) if request.argument else words.labels_here(context)
    # Outside its own chats a bot that answers every exclamation would be a nuisance.
    return words.mistyped(request) if in_service or request.close else ()


def _welcome(event: Event, context: Context) -> Sequence[Effect]:
    if event.state_key != context.me:
        name = event.text("displayname")
    elif context.people:
        name = next(iter(context.people.values()))
    else:
        return ()  # the member's joining is still to come, and what is said before it they could not read
    return (Send(notice(words.welcome(name)), once=f"welcome {event.room_id}"),)
