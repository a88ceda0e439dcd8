"""The facts in the bots' database: added once each, of members who want to be counted, and taken out again.

Whoever is not listed in the directory at that moment is of no organisation; the listing is a minute old at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.metrics.days import day_of
from belisha.metrics.facts import Fact, Pseudonyms, fact_of
from bots.directory.tables import directory_member
from bots.kernel.store import insert_on
from bots.metrics.tables import fact, member, opted_out, progress

#: For so many days facts are kept; of older days there are the roll-ups alone.
KEPT_DAYS: Final = 400
_SOME: Final = 500


@dataclass(frozen=True, slots=True)
class Doing:
    """One thing that a member did, by name still; see `belisha.metrics.facts.Fact`.

    Attributes:
        action: one of `belisha.metrics.actions.ACTIONS`.
        user_id: who.
        at: when, in milliseconds since 1970.
        source: what makes it the same thing when it is told of again.
        room_id: the group.
        label: the label.
        answers: the member whom it answers or reacts to; empty for nobody, or nobody else.
        about: the id of what it was about.
    """

    action: str
    user_id: str
    at: int
    source: tuple[str, ...]
    room_id: str = ""
    label: str = ""
    answers: str = ""
    about: str = ""


class FactBook:
    """Adds facts and takes them out, in the transaction of whoever calls."""

    def __init__(self, pseudonyms: Pseudonyms, zone: ZoneInfo) -> None:
        """Knows the key, and the clock on the community's wall."""
        self._pseudonyms = pseudonyms
        self.zone = zone

    def add(self, connection: sa.Connection, doing: Doing, now: float) -> bool:
        """Adds a fact, unless it is there, its member has opted out, or its day is too old; whether it is new.

        Raises:
            ValueError: there is no such action.
        """
        pseudonym = self._pseudonyms.member(doing.user_id)
        day = day_of(doing.at, self.zone)
        if day < oldest_kept(now, self.zone) or self._has_opted_out(connection, pseudonym):
            return False
        made = fact_of(
            self._pseudonyms.fact(doing.action, *doing.source),
            doing.at,
            self.zone,
            self._number(connection, pseudonym),
            doing.action,
            group=doing.room_id,
            label=doing.label,
            organisation=organisation_of(connection, doing.user_id),
            counterpart=organisation_of(connection, doing.answers) if doing.answers else "",
            ref=self._pseudonyms.ref(doing.about),
        )
        put = insert_on(connection, fact).values(row_of(made)).on_conflict_do_nothing()
        return bool(connection.execute(put).rowcount)

    def left(self, connection: sa.Connection, now: float) -> int:
        """Adds that members have left who are not listed any more; how many are new.

        Somebody who comes back, and leaves again, has left on two days.
        """
        listed = {self._pseudonyms.member(user) for user in connection.scalars(sa.select(directory_member.c.user_id))}
        last: dict[int, sa.Row[tuple[object, ...]]] = {}
        query = sa.select(member.c.pseudonym, member.c.number)
        gone = {row.number: row.pseudonym for row in connection.execute(query) if row.pseudonym not in listed}
        numbers = sorted(gone)
        for start in range(0, len(numbers), _SOME):
            some = numbers[start : start + _SOME]
            newest = sa.select(fact).where(fact.c.member.in_(some)).order_by(fact.c.at, fact.c.key)
            last |= {row.member: row for row in connection.execute(newest)}
        count, at = 0, int(now * 1000)
        for number, row in last.items():
            if row.action == "left":
                continue
            key = self._pseudonyms.fact("left", gone[number], day_of(at, self.zone).isoformat())
            made = fact_of(key, at, self.zone, number, "left", organisation=row.organisation)
            count += connection.execute(
                insert_on(connection, fact).values(row_of(made)).on_conflict_do_nothing()
            ).rowcount
        return count

    def number(self, connection: sa.Connection, user_id: str) -> int | None:
        """A member's number, where they have one."""
        mine = member.c.pseudonym == self._pseudonyms.member(user_id)
        found: int | None = connection.execute(sa.select(member.c.number).where(mine)).scalar_one_or_none()
        return found

    def facts(self, connection: sa.Connection, user_id: str) -> Sequence[Fact]:
        """All facts of a member that are kept, in the order of time."""
        number = self.number(connection, user_id)
        if number is None:
            return ()
        rows = connection.execute(sa.select(fact).where(fact.c.member == number).order_by(fact.c.at, fact.c.key))
        return [fact_from(row) for row in rows]

    def has_opted_out(self, connection: sa.Connection, user_id: str) -> bool:
        """Whether a member is not to be counted."""
        return self._has_opted_out(connection, self._pseudonyms.member(user_id))

    def opt_out(self, connection: sa.Connection, user_id: str, now: float) -> int | None:
        """Counts a member no more, and forgets them (see `forget`)."""
        row = {"pseudonym": self._pseudonyms.member(user_id), "at": now}
        connection.execute(insert_on(connection, opted_out).values(row).on_conflict_do_nothing())
        return self.forget(connection, user_id)

    def opt_in(self, connection: sa.Connection, user_id: str) -> None:
        """Counts a member again, under a new number."""
        connection.execute(opted_out.delete().where(opted_out.c.pseudonym == self._pseudonyms.member(user_id)))

    def forget(self, connection: sa.Connection, user_id: str) -> int | None:
        """Deletes a member's facts and number; the number, which is still to be taken out of the roll-ups."""
        number = self.number(connection, user_id)
        if number is not None:
            connection.execute(fact.delete().where(fact.c.member == number))
            connection.execute(member.delete().where(member.c.number == number))
        return number

    def _has_opted_out(self, connection: sa.Connection, pseudonym: str) -> bool:
        query = sa.select(opted_out.c.at).where(opted_out.c.pseudonym == pseudonym)
        return connection.execute(query).first() is not None

    def _number(self, connection: sa.Connection, pseudonym: str) -> int:
        """The number of a pseudonym: the next one where it has none, which was never given before."""
        query = sa.select(member.c.number).where(member.c.pseudonym == pseudonym)
        if (found := connection.execute(query).scalar_one_or_none()) is None:
            following = progress.update().values(highest=progress.c.highest + 1).returning(progress.c.highest)
            row = {"pseudonym": pseudonym, "number": connection.execute(following).scalar_one()}
            connection.execute(insert_on(connection, member).values(row).on_conflict_do_nothing())
            found = connection.execute(query).scalar_one()  # a replica may have been quicker
        return int(found)


def oldest_kept(now: float, zone: ZoneInfo) -> date:
    """The first day of which facts are kept; `now` in seconds since 1970."""
    return day_of(int(now * 1000), zone) - timedelta(days=KEPT_DAYS)


def organisation_of(connection: sa.Connection, user_id: str) -> str:
    """A member's organisation, as they are listed; empty for who is not."""
    query = sa.select(directory_member.c.organisation).where(directory_member.c.user_id == user_id)
    return connection.execute(query).scalar_one_or_none() or ""


def fact_from(row: sa.Row[tuple[object, ...]]) -> Fact:
    """A fact that was stored."""
    texts = (row.room_id, row.label, row.organisation, row.counterpart, row.ref)
    return Fact(row.key, row.at, date.fromordinal(row.day), row.member, row.action, *texts)


def row_of(made: Fact) -> dict[str, object]:
    """A fact as it is stored."""
    key, at, day, number, action, group, label, organisation, counterpart, ref = made
    return {
        "key": key,
        "at": at,
        "day": day.toordinal(),
        "member": number,
        "action": action,
        "room_id": group,
        "label": label,
        "organisation": organisation,
        "counterpart": counterpart,
        "ref": ref,
    }
