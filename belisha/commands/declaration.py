"""What a command is: its words, its places, who may ask for it where, and how to explain it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from belisha.commands.values import Field, Type
from belisha.policy.people import ROLES
from belisha.policy.rooms import Kind

GROUPS: Final = frozenset({Kind.OPEN, Kind.CLOSED})
#: Where a bot is (rule P1).
WITH_BOTS: Final = GROUPS | {Kind.SERVICE}
ALONE: Final = frozenset({Kind.SERVICE})
#: Every member.
EVERYBODY: Final = frozenset(ROLES)
RUNNING: Final = frozenset({"steward", "manager"})


@dataclass(frozen=True, slots=True)
class Argument:
    """One place of a command.

    Attributes:
        name: the key of its value.
        kind: what may stand there.
        ask: what is asked for, as it stands behind “Please say …” and above a form's field; marked for translation.
        required: whether it has to be there.
        flag: whether it is given as `--name VALUE` instead of by its place.
        on_page: what stands above a form's field instead, where `ask` speaks of the chat; marked for translation.
    """

    name: str
    kind: Type
    ask: str
    required: bool = True
    flag: bool = False
    on_page: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a member can ask for.

    Attributes:
        words: what it begins with, without the exclamation mark.
        help: one sentence without its subject and full stop: “shows …”; marked for translation.
        example: one that works as it stands, or nearly.
        arguments: its places; those without a flag in their order; at most the last of them takes the rest,
            and what stands behind a place of many words begins with a word that cannot be one of those.
        roles: who may ask for it anywhere that it may be asked for.
        others: who else may, each within what is theirs: `lead`, their organisation; `maintainer`, their group;
            `maintainer or lead`.
        where: the kinds of room in which it counts.
        is_about_room: whether it is about the group that it is written in; a form asks for the group.
        for_anyone: whether even an account that belongs to no organisation may ask for it.
        for_unbound: whether it is for accounts that belong to no organisation, and for nobody else.
        is_answer: whether it is about a message, which it answers; a form asks for a link to it.
        instead: of what answers a message, the argument by which it can be asked without one.
        names_message: whether that argument says which message, so that a form asks for no other link.
        act: what the module calls it, where the module does it.
        confirm: what would come of it, where that is to be confirmed first; marked for translation.
        aliases: other words for the same.
        openly: whether what is said about it in a group is fit for everybody and labelled so: an answer at the group's
            own label would keep the group from being opened, and could not be said once it is.
        title: what it is called on the portal: “Freeze a member”; marked for translation.
        holds: for how many seconds a bot's question about it can be answered.
        page: the portal's page that does the same, where that is no form made from this.
        on_page: what the portal says of it instead of `help`, where that speaks of the chat; marked for translation.
    """

    words: tuple[str, ...]
    help: str
    example: str
    arguments: tuple[Argument, ...] = ()
    roles: frozenset[str] = EVERYBODY
    others: str | None = None
    where: frozenset[Kind] = WITH_BOTS
    is_about_room: bool = False
    is_answer: bool = False
    instead: str | None = None
    names_message: bool = False
    for_anyone: bool = False
    for_unbound: bool = False
    act: str | None = None
    confirm: str | None = None
    aliases: tuple[tuple[str, ...], ...] = ()
    openly: bool = False
    title: str = ""
    holds: float = 600.0
    page: str | None = None
    on_page: str = ""

    @property
    def name(self) -> str:
        """Its words with the exclamation mark, as a member writes them."""
        return "!" + " ".join(self.words)

    @property
    def slug(self) -> str:
        """Its words as one part of an address."""
        return "-".join(self.words)

    @property
    def names_room(self) -> bool:
        """Whether it has to say which group it is about, wherever it is written."""
        return any(one.required and one.kind.field is Field.GROUP for one in self.arguments)

    @property
    def places(self) -> tuple[Argument, ...]:
        """The arguments that are known by their place."""
        return tuple(one for one in self.arguments if not one.flag)

    @property
    def flags(self) -> dict[str, Argument]:
        """The arguments that are known by their names."""
        return {one.name: one for one in self.arguments if one.flag}


def usage(command: Command) -> str:
    """How a command is written: `!group freeze [ROOM]`."""
    return " ".join((command.name, *map(_place, command.arguments)))


def _place(argument: Argument) -> str:
    kind = argument.kind
    shown = kind.shown or "|".join(kind.choices) or argument.name.upper()
    if kind.many:
        shown = f"{shown} …"
    if argument.flag:
        shown = f"--{argument.name}" if kind.field is Field.YES else f"--{argument.name} {shown}"
    return shown if argument.required else f"[{shown}]"
