"""Commands: declared as data, found in messages by one parser, with what a near miss may have meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from belisha.tlp import without_badge
from bots.kernel.events import Event

_COMMAND = re.compile(r"!([A-Za-z][\w-]*)(?:\s+(.*))?", re.DOTALL)
_FALLBACK = re.compile(r"> .*\n(?:>.*\n)*\n?")
_NEAR_IN_GROUP = 0.7  # in a group "!important" is an exclamation more often than a command
_NEAR_ANYWHERE = 0.4


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a member can ask a bot for."""

    name: str
    help: str
    """One sentence: what it does."""
    example: str
    argument: str | None = None
    """What may follow the name, in a word; None where nothing does."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command of the table."""

    command: Command
    argument: str


@dataclass(frozen=True, slots=True)
class Mistyped:
    """Something like a command that is in no table."""

    name: str
    nearest: Command | None
    close: bool
    """So near to a command that it is hardly meant as anything else."""


Said = Asked | Mistyped


def said(event: Event, table: Sequence[Command]) -> Said | None:
    """What a message asks for by `!name`; None for every other event."""
    text = spoken(event)
    found = _COMMAND.fullmatch(text.strip()) if text else None
    if found is None:
        return None
    name, argument = found[1].casefold(), (found[2] or "").strip()
    command = named(name, table)
    return Asked(command, argument) if command else _mistyped(name, table)


def bare_word(event: Event, table: Sequence[Command]) -> Asked | None:
    """A command's name alone, without `!`; only where a bot is the one spoken to may this count."""
    text = spoken(event)
    command = named(text.strip().rstrip(".!?").casefold(), table) if text else None
    return Asked(command, "") if command else None


def named(name: str, table: Sequence[Command]) -> Command | None:
    """The command of that name."""
    return next((command for command in table if command.name == name), None)


def spoken(event: Event) -> str | None:
    """What a member typed in a message: without the server's badge and without the quotation of a reply.

    Edits are not read: the message was answered when it was sent, and `* !help` is no command.
    """
    if event.type != "m.room.message" or event.text("msgtype") != "m.text" or event.is_edit:
        return None
    body = event.text("body")
    if body is None:
        return None
    body = without_badge(body)
    if event.is_reply:
        body = without_badge(_FALLBACK.sub("", body, count=1) if body.startswith("> ") else body)
    return body


def _mistyped(name: str, table: Sequence[Command]) -> Mistyped:
    names = [command.name for command in table]
    near = difflib.get_close_matches(name, names, n=1, cutoff=_NEAR_ANYWHERE)
    close = bool(difflib.get_close_matches(name, names, n=1, cutoff=_NEAR_IN_GROUP))
    return Mistyped(name, named(near[0], table) if near else None, close)
