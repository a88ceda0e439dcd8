"""What was decided to be shown, looked up: every number of a page comes from here, and a withheld one is None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa

from belisha.metrics.days import Period, month_of, week_of
from belisha.metrics.respect import Name, Release, Shown
from bots.kernel.store import Store
from bots.metrics import named, reports, sponsors
from bots.metrics.named import Named
from bots.metrics.publishing import read
from bots.metrics.tables import annotation, progress, shown

_DAY: Final = timedelta(days=1)
#: The longest annotation, in characters, and how many there may be.
LONGEST: Final = 120
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a manager wrote beside the numbers of a day."""

    number: int
    day: date
    text: str


@dataclass(frozen=True)
class Figures:
    """All numbers that may be shown.

    Attributes:
        release: what was decided, by name.
        annotations: in the order of their days.
        sample: whether they are of a made-up community.
        named: in which months organisations were active; to be shown of those that let themselves be named, as the
            module says at that moment.
    """

    release: Release
    annotations: Sequence[Annotation] = ()
    sample: bool = False
    named: Named = field(default_factory=dict)
    _parts: dict[tuple[Period, str], dict[str, Shown]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self._parts:
            return
        for name, one in sorted(self.release.items()):
            self._parts.setdefault((name.period, name.measure), {})[name.part] = one

    @property
    def months(self) -> list[Period]:
        """The months about which anything was decided, in order."""
        return sorted({one for one, _ in self._parts if one == month_of(one.first)})

    @property
    def weeks(self) -> list[Period]:
        """The same of weeks."""
        return sorted({one for one, _ in self._parts if one == week_of(one.first)})

    def number(self, period: Period, measure: str, part: str = "") -> int | None:
        """How many members; None where it is withheld, or not decided."""
        found = self.release.get(Name(period, measure, part))
        return None if found is None else found.members

    def figure(self, period: Period, measure: str, name: str) -> float | None:
        """Another number about the same members, such as their stickiness."""
        return self.part_figure(period, measure, "", name)

    def part_figure(self, period: Period, measure: str, part: str, name: str) -> float | None:
        """The same of a part."""
        found = self.release.get(Name(period, measure, part))
        return None if found is None or found.members is None else found.figures.get(name)

    def newest(self, month: Period, measure: str) -> Period:
        """The newest month up to this one about which a measure was decided; this one where there is none."""
        known = [one for one, name in self._parts if name == measure and one.last <= month.last]
        return max(known, default=month)

    def parts(self, period: Period, measure: str) -> Mapping[str, int | None]:
        """The parts of a measure, in the order of their names."""
        return {part: one.members for part, one in self._parts.get((period, measure), {}).items()}


class FigureBook:
    """Reads what was decided, and keeps what managers write beside it."""

    def __init__(self, store: Store) -> None:
        """Works on an open store."""
        self._store = store
        self._known = Figures({})

    async def figures(self) -> Figures:
        """Everything that may be shown at this moment."""

        def work(connection: sa.Connection) -> Figures:
            rows = connection.execute(sa.select(annotation).order_by(annotation.c.day, annotation.c.number))
            notes = [Annotation(row.number, date.fromordinal(row.day), row.text) for row in rows]
            sample = bool(connection.execute(sa.select(progress.c.sample)).scalar_one())
            # What was decided stays: where there are as many numbers as before, they are those.
            count = connection.execute(sa.select(sa.func.count()).select_from(shown)).scalar_one()
            known = self._known if count == len(self._known.release) else Figures(read(connection))
            return replace(known, annotations=notes, sample=sample, named=named.read(connection))

        self._known = found = await self._store.read(work)
        return found

    async def reports(self) -> list[date]:
        """The first days of the months that have a report, the newest first."""
        return await self._store.read(reports.months)

    async def report(self, month: date) -> Mapping[str, Any] | None:
        """A month's report as it was frozen; None where there is none."""
        return await self._store.read(lambda connection: reports.document(connection, month))

    async def links(self, now: float) -> Sequence[sponsors.SponsorLink]:
        """The links for sponsors that lead somewhere, the newest first."""
        return await self._store.read(lambda connection: sponsors.links(connection, now))

    async def make_link(self, month: date, now: float) -> str:
        """Makes a link for sponsors; its key (see `sponsors.make`)."""
        return await self._store.write(lambda connection: sponsors.make(connection, month, now))

    async def withdraw_link(self, number: int) -> None:
        """Has a link lead nowhere any more."""
        await self._store.write(lambda connection: sponsors.withdraw(connection, number))

    async def for_sponsors(self, key: str, now: float) -> Mapping[str, Any] | None:
        """The report whose few numbers a key opens; None where it opens none."""

        def work(connection: sa.Connection) -> Mapping[str, Any] | None:
            month = sponsors.month_of_key(connection, key, now)
            return None if month is None else reports.document(connection, month)

        return await self._store.read(work)

    async def annotate(self, day: date, text: str, author: str) -> None:
        """Adds an annotation.

        Raises:
            ValueError: there is nothing in it, it is too long, or there are too many.
        """
        if not text:
            raise ValueError("Please write what happened, such as “workshop”.")
        if len(text) > LONGEST:
            raise ValueError(f"That is too long. Please write at most {LONGEST} characters.")

        def work(connection: sa.Connection) -> bool:
            count = connection.execute(sa.select(sa.func.count()).select_from(annotation)).scalar_one()
            if count < MOST:
                connection.execute(annotation.insert().values(day=day.toordinal(), text=text, author=author))
            return bool(count < MOST)

        if not await self._store.write(work):
            raise ValueError("There are too many. Please take away those that nobody needs any more.")

    async def take_away(self, number: int) -> None:
        """Takes an annotation away; nothing where it is gone already."""
        change = annotation.delete().where(annotation.c.number == number)
        await self._store.write(lambda connection: connection.execute(change))
