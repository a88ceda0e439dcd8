"""What is held about members, as data: for each table of each database whose rows are whose, and what of them is given.

Whoever asks for a copy of their data (UK GDPR, article 15) is given the rows that are theirs. What names somebody else
is masked in it: the copy shall not affect others' rights (article 15(4)). A table of which nothing is given says why.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

#: What stands in place of everybody else.
OTHER: Final = "(another member)"


class KnownAs(Enum):
    """By what the columns `Held.mine` name a member."""

    NAME = "the user id, the localpart, or that with an @: whichever of them stands there"
    OWN_ROOM = "the room with the steward"
    FORM = "a form's occasion, which begins with the user id"


@dataclass(frozen=True, slots=True)
class Own:
    """Whose data are looked for."""

    user_id: str
    service_room: str | None = None

    @property
    def localpart(self) -> str:
        """The part of the user id between `@` and `:`."""
        return self.user_id[1:].partition(":")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that is this member's name in some table, and so is not masked."""
        return self.user_id, self.localpart, f"@{self.localpart}"

    @property
    def form(self) -> str:
        """How the occasions of their forms begin."""
        return f"form {self.user_id} "


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A table, or those of its rows that are a member's in one way.

    Attributes:
        table: its name.
        section: under which its rows are given; empty where none are.
        mine: the columns of which one has to name the member.
        known_as: by what they do.
        give: the columns that are given as they are.
        masked: the columns that name people: whoever is not the member is masked.
        left: what is not given, and why; a sentence for the member.
    """

    table: str
    section: str = ""
    mine: tuple[str, ...] = ()
    known_as: KnownAs = KnownAs.NAME
    give: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    left: str = ""

    def __post_init__(self) -> None:
        """Holds every entry to one of the two sorts.

        Raises:
            ValueError: it neither gives rows nor says why not.
        """
        if bool(self.section) != bool(self.mine and self.give) or not (self.section or self.left):
            raise ValueError(f"{self.table} gives rows of whoever they are, or says why it gives none")

    def row(self, values: Mapping[str, Any], own: Own) -> dict[str, Any]:
        """What the member is given of a row."""
        given = {name: _given(name, values[name], own) for name in self.give}
        return given | {name: mask(values[name], own) for name in self.masked}


_TIMES: Final = re.compile(
    r"(^|_)(at|ts|since|until|seen|expires|timestamp|created|asked|confirmed|closes|ended|arrived|withdrawn|ms)$"
)
_USER: Final = re.compile(r"@[^\s:@]+:[^\s@]+")
#: From when on a number of seconds, and one of milliseconds, can be a moment of this platform's time.
_SECONDS, _MILLISECONDS = 1_000_000_000, 1_000_000_000_000


def _given(name: str, value: Any, own: Own) -> Any:
    """A value as it is given: moments as people read them (RFC 3339), and JSON with others masked."""
    if isinstance(value, Mapping | list):  # as PostgreSQL gives JSON
        return masked(value, own)
    if isinstance(value, str) and value[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            return masked(json.loads(value), own)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _TIMES.search(name):
        return value
    return moment(value) if value >= _SECONDS else value


def moment(value: float) -> str:
    """A moment in seconds or milliseconds since 1970, as RFC 3339 writes it."""
    seconds = value / 1000 if value >= _MILLISECONDS else value
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def mask(value: Any, own: Own) -> Any:
    """A name of somebody, masked where it is not the member's."""
    return value if value is None or value == "" or value in own.names else OTHER


def masked(value: Any, own: Own) -> Any:
    """JSON in which every user id that stands by itself is masked where it is not the member's."""
    match value:
        case str():
            return OTHER if _USER.fullmatch(value) and value != own.user_id else value
        case Mapping():
            return {str(masked(key, own)): masked(one, own) for key, one in value.items()}
        case list() | tuple():
            return [masked(one, own) for one in value]
        case _:
            return value


def unnamed(tables: Iterable[str], held: Iterable[Held]) -> set[str]:
    """The tables of which the list says nothing."""
    return set(tables) - {one.table for one in held}
