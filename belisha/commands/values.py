"""What may stand in a command's places: how each is read from what a member wrote, and which field a form has for it.

Whatever is read is JSON. What cannot be read gives a `Wrong` with a sentence; nothing of the text is quoted in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from belisha.commands.spoken import address_of
from belisha.tlp import Label
from belisha.translation import marked


class Field(StrEnum):
    """How a form asks for a value."""

    LINE = "line"
    LINES = "lines"
    CHOICE = "choice"
    YES = "yes"
    GROUP = "group"
    """One of the groups that the member is in, or another by its address."""
    MEMBER = "member"
    """Members, by their addresses."""
    ORGANISATION = "organisation"
    """One organisation, by its id."""
    ORGANISATIONS = "organisations"
    """Several of them, with commas between them."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that cannot be read; `sentence` says what it should be, and is marked for translation."""

    sentence: str
    more: tuple[tuple[str, str], ...] = ()
    """What stands in the sentence's places."""


@dataclass(frozen=True, slots=True)
class Type:
    """What may stand in one place of a command.

    Attributes:
        read: the value of a word or text, or what is wrong with it.
        field: how a form asks for it.
        choices: where only these may stand there.
        takes_rest: whether everything that follows belongs to it, spaces and line breaks included.
        many: whether any number of words may stand there, each read by itself.
        is_address: whether a link to it stands for it too.
        shown: what stands for it where a command's usage is shown; the argument's name where it is empty.
    """

    read: Callable[[str], Any]
    field: Field = Field.LINE
    choices: tuple[str, ...] = ()
    takes_rest: bool = False
    many: bool = False
    is_address: bool = False
    shown: str = ""


_MEMBER: Final = re.compile(r"@[a-z0-9._=/+-]+(?::\S+)?")
_ROOM: Final = re.compile(r"[#!][^\s:]+(?::\S+)?")
_EVENT: Final = re.compile(r"(?:[!#][^\s/]+/)?\$[A-Za-z0-9_+=-]{1,254}")
_ORGANISATION: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_DURATION: Final = re.compile(r"(\d{1,5})\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
#: What stands for “any organisation”.
ANY: Final = "*"
#: The most that one place of a command takes, in characters: what is longer is a text, and no command.
LONGEST: Final = 4000
#: The same of a name or a topic.
LONGEST_TITLE: Final = 200


def _matching(pattern: re.Pattern[str], sentence: str) -> Callable[[str], str | Wrong]:
    return lambda word: word if pattern.fullmatch(word) else Wrong(sentence)


def _event(word: str) -> str | Wrong:
    found = _EVENT.fullmatch(address_of(word) or word)
    return found[0] if found else Wrong(marked("Please answer the message that you mean, or give a link to it."))


def _organisations(word: str) -> list[str] | Wrong:
    if word == ANY:
        return []
    names = [name for name in re.split(r"[,\s]+", word.casefold()) if name]
    if names and all(_ORGANISATION.fullmatch(name) for name in names):
        return names
    return Wrong(marked("Please name organisations by their ids, with commas between them, such as harbour,police."))


def _label(word: str) -> str | Wrong:
    spelled = re.sub(r"amber[ _-]strict", "amber+strict", word, flags=re.IGNORECASE)
    label = Label.parse(spelled if spelled.upper().startswith("TLP:") else f"TLP:{spelled}")
    if label is None:
        labels = ", ".join(str(one) for one in sorted(Label))
        return Wrong(marked("The labels are {labels}."), (("labels", labels),))
    return str(label)


def _duration(word: str) -> int | Wrong:
    found = _DURATION.fullmatch(word.strip())
    if found is None or not int(found[1]):
        return Wrong(marked("Please write a length of time such as 30m, 2h, 3d or 1w."))
    return int(found[1]) * _SECONDS[found[2][0].lower()]


def _text(text: str) -> str | Wrong:
    if len(text) > LONGEST:
        return Wrong(marked("That is too long: please stay below {count} characters."), (("count", str(LONGEST)),))
    return text.strip() or Wrong(marked("Please write some words there."))


def _title(text: str) -> str | Wrong:
    text = " ".join(text.split())
    if len(text) > LONGEST_TITLE:
        return Wrong(
            marked("That is too long: please stay below {count} characters."), (("count", str(LONGEST_TITLE)),)
        )
    return text or Wrong(marked("Please write some words there."))


def _parts(text: str) -> list[str] | Wrong:
    parts = [" ".join(part.split()) for part in re.split(r"[|\n]", text)]
    return [part for part in parts if part] or Wrong(marked("Please write some words there."))


def choice(*choices: str) -> Type:
    """One of a few words; capitals do not count, and spaces stand for hyphens."""

    def read(word: str) -> str | Wrong:
        found = "-".join(word.split()).casefold()
        return (
            found if found in choices else Wrong(marked("It is one of {choices}."), (("choices", ", ".join(choices)),))
        )

    # “my groups” is two words: a choice takes what is left where nothing may follow it.
    return Type(read, Field.CHOICE, choices, takes_rest=any("-" in one for one in choices))


def number(least: int, most: int) -> Type:
    """A whole number."""

    def read(word: str) -> int | Wrong:
        if re.fullmatch(r"[0-9]{1,9}", word) and least <= int(word) <= most:
            return int(word)
        more = (("least", str(least)), ("most", str(most)))
        return Wrong(marked("Please write a number from {least} to {most}."), more)

    return Type(read)


def word(pattern: str, sentence: str, *, takes_rest: bool = False) -> Type:
    """A word of some form; `sentence` says of which, and is marked for translation."""
    return Type(_matching(re.compile(pattern), sentence), takes_rest=takes_rest)


MEMBER: Final = Type(
    _matching(_MEMBER, marked("Please name one member by the address, such as @anna, not by the name that is shown.")),
    Field.MEMBER,
    is_address=True,
    shown="@user",
)
MEMBERS: Final = Type(
    _matching(_MEMBER, marked("Please name members by their addresses, such as @anna, with spaces between them.")),
    Field.MEMBER,
    many=True,
    is_address=True,
    shown="@user",
)
ROOM: Final = Type(
    _matching(_ROOM, marked("Please name one group, by its address (#…) or its id (!…).")),
    Field.GROUP,
    is_address=True,
    shown="#group",
)
#: The same of a group that its reader need not be in.
ROOM_BY_ADDRESS: Final = replace(ROOM, field=Field.LINE)
EVENT: Final = Type(_event, shown="LINK")
ORGANISATION: Final = Type(
    _matching(_ORGANISATION, marked("Please name one organisation by its id.")), Field.ORGANISATION, shown="ID"
)
ORGANISATIONS: Final = Type(_organisations, Field.ORGANISATIONS, shown="a,b")
LABEL: Final = Type(_label, Field.CHOICE, tuple(str(one) for one in sorted(Label)), shown="LABEL")
DURATION: Final = Type(_duration, shown="2h")
#: One line, which stands in quotation marks where it has spaces.
LINE: Final = Type(_text)
#: A name or a topic: everything that follows, in one line.
TITLE: Final = Type(_title, takes_rest=True)
#: Everything that follows.
TEXT: Final = Type(_text, Field.LINES, takes_rest=True)
#: Several texts with | between them, or each on a line of its own.
PARTS: Final = Type(_parts, Field.LINES, takes_rest=True)
#: There or not.
YES: Final = Type(lambda _word: True, Field.YES)


def values_of(kind: Type, words: Sequence[str]) -> Any:
    """The value of the words that stand in a place, or the first `Wrong`."""
    if not kind.many:
        return kind.read(words[0])
    found = [kind.read(one) for one in words]
    return next((one for one in found if isinstance(one, Wrong)), found)
