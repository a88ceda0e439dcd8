"""Writes a command as a member would, from what the fields of a form say; `reading.read` reads the same out of it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from belisha.commands.declaration import Argument, Command
from belisha.commands.spoken import address_of
from belisha.commands.values import Field
from belisha.commands.words import option_of, words_of

_PAIRS = (('"', '"'), ("“", "”"), ("«", "»"))


def write(command: Command, fields: Mapping[str, str]) -> str:
    """The command's text; fields that are empty, and those that it does not have, are left out."""
    flags = [_flag(one, fields[one.name]) for one in command.flags.values() if fields.get(one.name, "").strip()]
    filled = [one for one in command.places if fields.get(one.name, "").strip()]
    behind = {later.name for earlier, later in pairwise(filled) if earlier.kind.many}
    places = [_place(one, fields[one.name].strip(), held=one.name in behind) for one in filled]
    return " ".join((command.name, *flags, *places))


def _flag(argument: Argument, value: str) -> str:
    if argument.kind.field is Field.YES:
        return f"--{argument.name}"
    return f"--{argument.name} {_held_together(value.strip())}"


def _place(argument: Argument, value: str, *, held: bool) -> str:
    if held:
        return _held_together(value, always=True)
    if argument.kind.is_address:
        value = " ".join(address_of(word) or word for word in value.split())
    if argument.kind.many:
        return " ".join(value.split())
    if not argument.kind.takes_rest:
        return _held_together(value)
    # As it stands, unless a word of it would be read as an option, or its first as quoted.
    words = words_of(value)
    is_plain = not any(option_of(word) or word.quoted for word in words) and value.split() == [w.text for w in words]
    return value if is_plain else _held_together(value, always=True)


def _held_together(value: str, *, always: bool = False) -> str:
    words = words_of(value)
    is_one = len(words) == 1 and not words[0].quoted and not words[0].open and option_of(words[0]) is None
    if is_one and not always:
        return value
    for opening, closing in _PAIRS:
        quoted = f"{opening}{value}{closing}"
        found = words_of(quoted)
        if len(found) == 1 and found[0].quoted and found[0].text == value:
            return quoted
    return value
