"""What every source of a digest is: what is new for one member, with the reason, and the line that says so.

A new source is a file with one of these, and its place in `SOURCES`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.values import Entry, Reading, Shown, Why
from bots.kernel.answers import Words
from bots.kernel.digested import DigestFacts
from bots.kernel.listed import Sight


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom a digest is made, and of what time.

    Attributes:
        user_id: the member.
        since: until when they were told last, in seconds since 1970.
        until: until when they are told now.
        following: when their next digest is due.
        now: the time at which it is asked.
        facts: what the module tells of them at this moment.
        sight: whom they may find in the directory at this moment; None where that is not asked.
        again: of whom they are told by another way in this very digest.
    """

    user_id: str
    since: float
    until: float
    following: float
    now: float
    facts: DigestFacts
    sight: Sight | None = None
    again: frozenset[str] = frozenset()

    @property
    def time(self) -> Reading:
        """The same time in milliseconds, with whom it is for."""
        return Reading(self.user_id, int(self.since * 1000), int(self.until * 1000))


class Source(ABC):
    """One kind of news.

    Attributes:
        reasons: the reasons of its entries, by which its lines are found.
        names_items: whether its entries name items, about which the module decides before anything is told. One whose
            entries do not is asked when the digest is sent, with what is known at that moment.
    """

    reasons: ClassVar[frozenset[Why]]
    names_items: ClassVar[bool]

    @abstractmethod
    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """What is new for a member; of groups, those alone that `asked.facts` names."""

    @abstractmethod
    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """What is said of one entry, with its reason."""

    def told(self, connection: sa.Connection, user_id: str, shown: Sequence[Shown]) -> None:
        """Notes, in the transaction that stores the digest, which of its entries a member is told."""
        return
