"""Reads what members write into their profiles: lists of tags, and texts; whatever it is, it becomes plain and short.

Markup is not looked for: what shows a profile escapes it. Characters that nobody sees, or that turn the direction of
writing, are taken out, so that nothing here looks like something else beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from belisha.directory.fields import FIELDS, Field
from belisha.lookalikes import INVISIBLE
from belisha.markers import MarkerReader
from belisha.policy.state import decide_public_text
from belisha.translation import _, many

_SEPARATORS: Final = re.compile(r"[,;\n\r\u2028\u2029\u3001\uff0c\uff1b\u060c]+")
# Control characters, halves of surrogate pairs, private use, and what is not assigned: nobody can read them.
_UNREADABLE: Final = re.compile(f"[{INVISIBLE}]+")
_UNREADABLE_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
#: So many marks may stand over one letter; Unicode's own text stays below (UAX #15, stream-safe text, allows 30).
_MARKS_AT_MOST: Final = 4
#: The most that is looked at of what somebody hands in, in characters; all fields together have less.
LONGEST: Final = 8000

_MARKERS: Final = MarkerReader()


class NotSo(ValueError):
    """What cannot stand in a profile; `str()` is a sentence for who wrote it."""


def plain(text: str) -> str:
    """The text in one line, as everybody reads it: composed (NFC), without what is not seen."""
    seen: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", _UNREADABLE.sub("", text[:LONGEST])):
        category = unicodedata.category(char)
        if char.isspace():
            char, category = " ", "Zs"
        marks = marks + 1 if category == "Mn" else 0
        if category not in _UNREADABLE_CATEGORIES and marks <= _MARKS_AT_MOST:
            seen.append(char)
    return " ".join("".join(seen).split())


def read(field: Field, text: str) -> tuple[str, ...]:
    """What a field says after somebody has written a text into it; empty where the text is.

    Raises:
        NotSo: it is too long, too much, none of the choices, or carries a label that not everybody may read.
    """
    if len(text) > LONGEST:
        raise NotSo(_("That is too long: please stay below {count} characters.").format(count=LONGEST))
    if field.tags:
        return tags(field, _SEPARATORS.split(text))
    said = plain(text)
    if not said:
        return ()
    if field.choices:
        said = said.casefold().replace("-", " ")
        if said not in field.choices:
            raise NotSo(_("It is one of {choices}.").format(choices=", ".join(field.choices)))
    return _fitting(field, (said,))


def tags(field: Field, written: Iterable[str]) -> tuple[str, ...]:
    """Tags in the order in which they were written, each once, however it is capitalised.

    Raises:
        NotSo: one is too long, there are too many, or one carries a label that not everybody may read.
    """
    found: dict[str, str] = {}
    for one in written:
        said = plain(one)
        if said:
            found.setdefault(said.casefold(), said)
    if len(found) > field.most:
        text = many("Here is room for {count} entry.", "Here is room for {count} entries.", field.most)
        raise NotSo(f"{text} {_('Please keep those that matter most.')}")
    return _fitting(field, tuple(found.values()))


def without(now: Sequence[str], taken: Iterable[str]) -> tuple[str, ...]:
    """What is left of tags when some are taken away; those that are not there change nothing."""
    gone = {plain(one).casefold() for one in taken}
    return tuple(one for one in now if one.casefold() not in gone)


def changed(field: Field, now: Sequence[str], text: str) -> tuple[str, ...]:
    """What a field says once a member has written something to it: `+` adds to tags, `-` takes away.

    Args:
        field: which.
        now: what it says.
        text: what was written; `-` alone empties it. Tags are added also without a sign.

    Raises:
        NotSo: that cannot stand in a profile.
    """
    sign, rest = text[:1], text[1:].strip()
    if sign == "-" and not rest:
        return ()
    if not field.tags:
        return read(field, text)
    if sign == "-":
        return without(now, split(rest))
    return tags(field, (*now, *split(rest if sign == "+" else text)))


def split(text: str) -> list[str]:
    """The tags in a text, with commas or line breaks between them."""
    return [one for one in _SEPARATORS.split(text[:LONGEST]) if one.strip()]


def is_so(field_id: str, value: object, markers: MarkerReader = _MARKERS) -> bool:
    """Whether a value can stand in a profile as it is: what `read` gives, by these markers."""
    field = FIELDS.get(field_id)
    if field is None or not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        return False
    if not value or len(value) > field.most or any(plain(one) != one or not one for one in value):
        return False
    try:
        _fitting(field, tuple(value), markers)
    except NotSo:
        return False
    return not field.choices or value[0] in field.choices


def _fitting(field: Field, values: tuple[str, ...], markers: MarkerReader = _MARKERS) -> tuple[str, ...]:
    for one in values:
        if len(one) > field.length:
            raise NotSo(
                _("“{start}…” is too long: please stay below {count} characters.").format(
                    start=one[:20], count=field.length
                )
            )
        decision = decide_public_text(one, "profile", markers)
        if not decision.allowed:
            raise NotSo(decision.reason)
    return values
