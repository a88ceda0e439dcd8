"""Who waits to be let in: knocks on closed groups, and accounts that ask an organisation; a part of `acts`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, EVERYBODY, Argument, Command
from belisha.commands.values import LINE, MEMBER, ORGANISATION, ROOM_BY_ADDRESS, TEXT
from belisha.translation import marked

#: Key of a card that tells who waits; under it stands `{"id"}`, and in its text the command that its button stands for.
WAITING_KEY: Final = "org.belisha.waiting"

_WHOM: Final = Argument(
    "member",
    MEMBER,
    marked("who waits, by the address, where you do not answer a card"),
    required=False,
    on_page=marked("who waits, by the address"),
)
_GROUP: Final = Argument(
    "group",
    ROOM_BY_ADDRESS,
    marked("which group they wait for, where it is more than one"),
    required=False,
    flag=True,
)

ASK_IN: Final = Command(
    ("ask-in",),
    marked("asks an organisation to let you in; only those who decide read what you write"),
    '!ask-in harbour "I am Anna Keller, of the night watch"',
    (
        Argument("organisation", ORGANISATION, marked("which organisation, by its id")),
        Argument("text", TEXT, marked("who you are, in some words")),
    ),
    where=ALONE,
    for_unbound=True,
    act="ask_in",
    title=marked("Ask an organisation to let me in"),
)
QUEUE: Final = Command(
    ("queue",),
    marked("lists who waits to be let in, as far as you can decide about it"),
    "!queue",
    where=ALONE,
    act="queue",
    title=marked("See who waits to be let in"),
)
LET_IN: Final = Command(
    ("let-in",),
    marked("lets somebody into a group that they knocked on, or into the organisation that they asked"),
    "!let-in @anna --group #pilots",
    (
        _WHOM,
        _GROUP,
        Argument(
            "name",
            LINE,
            marked("of somebody new in an organisation, the name that others see; else it follows from the address"),
            required=False,
            flag=True,
        ),
    ),
    roles=EVERYBODY,
    is_answer=True,
    instead="member",
    names_message=True,
    act="let_in",
    title=marked("Let somebody in"),
)
TURN_AWAY: Final = Command(
    ("turn-away",),
    marked("turns somebody away who waits to be let in"),
    '!turn-away @anna --reason "Please ask your own team first"',
    (
        _WHOM,
        _GROUP,
        Argument("reason", LINE, marked("why, in words that they may read"), required=False, flag=True),
    ),
    roles=EVERYBODY,
    is_answer=True,
    instead="member",
    names_message=True,
    act="turn_away",
    title=marked("Turn somebody away"),
)

WAITING_ACTS: Final = (ASK_IN, QUEUE, LET_IN, TURN_AWAY)

#: What a tap on a card asks for.
BUTTONS: Final = {"🤝": LET_IN.name, "🙅": TURN_AWAY.name}


def tapped(key: object) -> str | None:
    """The command that a reaction to a card stands for; None for every other reaction."""
    return BUTTONS.get(key.replace("\ufe0f", "")) if isinstance(key, str) else None


def written(command: Command, localpart: str, room_id: str | None) -> str:
    """A command about somebody who waits, in words; a card shows it, so that its button stands for nothing else.

    Args:
        command: `LET_IN` or `TURN_AWAY`.
        localpart: who waits.
        room_id: for which group; None where it is for an organisation.
    """
    group = "" if room_id is None else f" --group {room_id}"
    return f"{command.name} @{localpart}{group}"
