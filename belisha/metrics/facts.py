"""Facts: who did what on which day, without a text and without a name.

The member is a number (`Numbers`) that stands for a keyed pseudonym, and what it was about is a keyed pseudonym of
the event's id: without the key, which lies apart from the facts, neither leads back to a person, also not by way of
the event's sender. Times are kept to the minute, since a time to the millisecond is as good as the event's id. Whom
somebody answered is kept as that member's organisation: who talks with whom is nothing that is counted here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from belisha.metrics.actions import counted_as
from belisha.metrics.days import day_of

_MINUTE: Final = 60_000
_KEY_BYTES: Final = 32
#: The largest number that a roaring bitmap holds.
HIGHEST: Final = 2**32 - 1


class Fact(NamedTuple):
    """One thing that one member did.

    Attributes:
        key: the same for the same thing, however often it is told of.
        at: when, in milliseconds since 1970 (UTC), to the minute.
        day: the day by the community's clock.
        member: the member's number, from 1 on.
        action: one of `ACTIONS`.
        group: the group in which, by its id; empty where it was in none.
        label: the label of the item; empty where there is none.
        organisation: the member's at that time; empty for accounts without one.
        counterpart: the organisation of whom it answered or reacted to; empty for nobody's.
        ref: a pseudonym of what it was about; empty for nothing.
    """

    key: str
    at: int
    day: date
    member: int
    action: str
    group: str = ""
    label: str = ""
    organisation: str = ""
    counterpart: str = ""
    ref: str = ""


class Pseudonyms:
    """Keyed pseudonyms (HMAC-SHA-256, 128 bits of it) of members, of what facts are about, and of facts themselves."""

    def __init__(self, key: bytes) -> None:
        """Takes a secret of at least 32 bytes, that no one keeps beside the facts.

        Raises:
            ValueError: the secret is shorter.
        """
        if len(key) < _KEY_BYTES:
            raise ValueError(f"The key of the metrics has {len(key)} bytes and needs {_KEY_BYTES}.")
        self._key = key

    def member(self, user_id: str) -> str:
        """What stands for a member."""
        return self._of("member", user_id)

    def ref(self, what: str) -> str:
        """What stands for an event, a poll or a file; nothing for nothing."""
        return self._of("ref", what) if what else ""

    def fact(self, action: str, *source: str) -> str:
        """The key of the fact of an action, by its source: an event's id, or a receipt's room, event and reader."""
        return self._of("fact", action, *source)

    def _of(self, kind: str, *parts: str) -> str:
        # Each part with its length before it, so that two lists of parts never read the same.
        said = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
        return hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()[:32]


class Numbers:
    """Small numbers for members, as bitmaps need them: in the order in which they were first met, each given once.

    With a hash cut to 32 bits in their place, two of 100,000 members would likely be one.
    """

    def __init__(self, known: Mapping[str, int] | None = None, highest: int = 0) -> None:
        """Goes on from the numbers that are given, above `highest`, which also counts those that were forgotten."""
        self._known = dict(known or {})
        self.highest = max(highest, *self._known.values(), 0) if self._known else highest

    def of(self, pseudonym: str) -> int:
        """The number of a member, a new one where there is none.

        Raises:
            OverflowError: there are no more; bitmaps hold 4,294,967,295.
        """
        if (number := self._known.get(pseudonym)) is None:
            if self.highest >= HIGHEST:
                raise OverflowError("There are no more numbers for members.")
            self.highest += 1
            number = self._known[pseudonym] = self.highest
        return number

    def forget(self, pseudonym: str) -> int | None:
        """Forgets a member, who gets another number on coming back; the number to erase, None where there was none."""
        return self._known.pop(pseudonym, None)


def fact_of(
    key: str,
    at: int,
    zone: ZoneInfo,
    member: int,
    action: str,
    *,
    group: str = "",
    label: str = "",
    organisation: str = "",
    counterpart: str = "",
    ref: str = "",
) -> Fact:
    """A fact of what happened at `at`, in milliseconds since 1970 (UTC).

    Raises:
        ValueError: there is no such action, or no such number of a member.
    """
    counted_as(action)
    if not 1 <= member <= HIGHEST:
        raise ValueError(f"{member} is no number of a member: they go from 1 to {HIGHEST}.")
    return Fact(key, at - at % _MINUTE, day_of(at, zone), member, action, group, label, organisation, counterpart, ref)


def distinct(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Each fact once, the first of each key."""
    seen: set[str] = set()
    for fact in facts:
        if fact.key not in seen:
            seen.add(fact.key)
            yield fact
