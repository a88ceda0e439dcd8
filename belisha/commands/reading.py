"""Finds a command in a text, and reads what stands in its places."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from belisha.commands.declaration import Argument, Command
from belisha.commands.values import Field, Type, Wrong, values_of
from belisha.commands.words import Word, option_of, words_of
from belisha.translation import _

_NEAR_IN_GROUP: Final = 0.7  # in a group "!important" is an exclamation more often than a command
_NEAR_ANYWHERE: Final = 0.4
#: The most words that the name of a command has.
_LONGEST_NAME: Final = 3


class Asked(NamedTuple):
    """A command, read; `arguments` has a JSON value for each place that was filled."""

    command: Command
    arguments: dict[str, Any]


class Problem(NamedTuple):
    """A command that says too little or too much, and the sentence that says so."""

    command: Command
    reason: str


class Mistyped(NamedTuple):
    """Something like a command that none is; `close` where it is hardly meant as anything else."""

    name: str
    nearest: Command | None
    close: bool


Read = Asked | Problem | Mistyped


def read(text: str, commands: Sequence[Command]) -> Read | None:
    """What a text asks for; None where it begins with no exclamation mark and a letter."""
    text = text.strip()
    if not text.startswith("!") or not text[1:2].isalpha():
        return None
    words = words_of(text[1:])
    command, count = _find(words, commands)
    if command is None:
        return _mistyped(words, commands)
    return _filled(command, text[1:], words[count:])


def bare(text: str, commands: Sequence[Command]) -> Asked | None:
    """A command's words alone, without `!`; only where a bot is the one spoken to may this count."""
    spelled = tuple(text.strip().rstrip(".!?").casefold().split())
    command = next((one for one in commands if spelled in (one.words, *one.aliases)), None)
    return Asked(command, {}) if command is not None and not any(one.required for one in command.arguments) else None


def named(text: str, commands: Sequence[Command]) -> Command | None:
    """The command of that name, with the exclamation mark or without it."""
    words = words_of(text.strip().removeprefix("!"))
    command, count = _find(words, commands)
    return command if count == len(words) else None


def _find(words: Sequence[Word], commands: Sequence[Command]) -> tuple[Command | None, int]:
    """The command with the most words that the text begins with: `freeze organisation` is no `freeze`."""
    spelled = tuple(word.text.casefold() for word in words[:_LONGEST_NAME])
    for count in range(len(spelled), 0, -1):
        for command in commands:
            if spelled[:count] in (command.words, *command.aliases):
                return command, count
    return None, 0


def _mistyped(words: Sequence[Word], commands: Sequence[Command]) -> Mistyped:
    first = words[0].text.casefold()
    family = [one for one in commands if one.words[0] == first]
    names = {" ".join(one.words): one for one in family or commands}
    count = max((len(one.words) for one in family), default=1)
    typed = " ".join(word.text.casefold() for word in words[: max(count, 1)])
    near = difflib.get_close_matches(typed, names, n=1, cutoff=_NEAR_ANYWHERE)
    if not near and len(words) > 1:
        near = difflib.get_close_matches(" ".join(word.text.casefold() for word in words[:2]), names, 1, _NEAR_ANYWHERE)
    nearest = names[near[0]] if near else family[0] if family else None
    heads = {one.words[0] for one in commands}
    close = bool(family) or bool(difflib.get_close_matches(first, heads, n=1, cutoff=_NEAR_IN_GROUP))
    return Mistyped(typed if family else first, nearest, close)


def _filled(command: Command, text: str, words: Sequence[Word]) -> Asked | Problem:
    try:
        places, arguments = _flags(command, words)
        _fill_places(command, text, places, words, arguments)
        for argument in command.arguments:
            if argument.required and argument.name not in arguments:
                raise _Bad(_missing(argument))
    except _Bad as bad:
        return Problem(command, bad.sentence)
    return Asked(command, arguments)


def _missing(argument: Argument) -> str:
    if argument.kind.choices:
        choices = ", ".join(argument.kind.choices)
        return _("Please say {what}: {choices}.").format(what=_(argument.ask), choices=choices)
    return _("Please say {what}.").format(what=_(argument.ask))


class _Bad(Exception):
    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def _flags(command: Command, words: Sequence[Word]) -> tuple[list[Word], dict[str, Any]]:
    """The words that are no options, and what the options say."""
    flags = command.flags
    places: list[Word] = []
    arguments: dict[str, Any] = {}
    waiting = iter(words)
    for word in waiting:
        option = option_of(word)
        if option is None or not (flags or word.text.startswith("--")):
            places.append(word)
            continue
        name, value = option
        argument = flags.get(name)
        if argument is None:
            raise _Bad(_no_option(flags))
        if name in arguments:
            raise _Bad(_("Please write --{name} once.").format(name=name))
        if argument.kind.field is Field.YES:
            arguments[name] = True
            continue
        if value is None:
            following = next(waiting, None)
            if following is None or option_of(following) is not None:
                raise _Bad(_("Please say {what}, behind --{name}.").format(what=_(argument.ask), name=name))
            value = following.text
        arguments[name] = _value(argument, [value])
    return places, arguments


def _no_option(flags: dict[str, Argument]) -> str:
    if not flags:
        return _("Nothing that begins with two dashes belongs here.")
    return _("The options here are {options}.").format(options=", ".join(f"--{name}" for name in flags))


def _fill_places(
    command: Command, text: str, words: list[Word], every: Sequence[Word], arguments: dict[str, Any]
) -> None:
    for argument in command.places:
        if not words:
            return
        if argument.kind.many and argument is command.places[-1]:
            arguments[argument.name] = _value(argument, [word.text for word in words])
            return
        if argument.kind.many:
            count = _run_of(argument, words)
            arguments[argument.name] = _value(argument, [word.text for word in words[:count]])
            words = words[count:]
            continue
        if argument.kind.takes_rest:
            arguments[argument.name] = _value(argument, [_rest(text, words, every)])
            return
        if words[0].open:
            raise _Bad(_("There is an opening quotation mark, and none that closes it."))
        arguments[argument.name] = _value(argument, [words.pop(0).text])
    if words:
        raise _Bad(_too_much(command))


def _run_of(argument: Argument, words: Sequence[Word]) -> int:
    """How many words belong to a place that takes many and is not the last; the first does in any case.

    Quotation marks begin the next place, and so does a word that cannot be one of these and does not begin like them: a
    mistyped address is told of, and never becomes part of a text.
    """
    sign = words[0].text[:1]
    for count, word in enumerate(words[1:], start=1):
        is_one = word.text[:1] == sign or not isinstance(argument.kind.read(word.text), Wrong)
        if word.quoted or not is_one:
            return count
    return len(words)


def _too_much(command: Command) -> str:
    if not command.places:
        return _("Please write nothing behind it.")
    last: Type = command.places[-1].kind
    if last.field in (Field.LINE, Field.MEMBER, Field.ORGANISATION) and not last.choices:
        return _("That is more than I can read. Please put what has spaces in quotation marks.")
    return _("That is more than I can read.")


def _rest(text: str, words: Sequence[Word], every: Sequence[Word]) -> str:
    """What is written from a word on, as it stands, without the options in it."""
    if len(words) == 1:
        return words[0].text
    kept, place = "", words[0].start
    mine = {word.start for word in words}
    for word in every:
        if word.start >= words[0].start:
            if word.start in mine:
                kept += text[place : word.end]
            place = word.end
    return kept


def _value(argument: Argument, words: Sequence[str]) -> Any:
    value = values_of(argument.kind, words)
    if isinstance(value, Wrong):
        raise _Bad(_(value.sentence).format(**dict(value.more)))
    return value
