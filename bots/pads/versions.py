"""Versions of pads: how a text was at some time, whose each passage was, and which of them are kept."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import sqlalchemy as sa

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.kernel.store import Store, insert_on
from bots.pads.book import Gone, Kept, kept_in
from bots.pads.document import Document
from bots.pads.note_book import labels
from bots.pads.tables import client, pad, unversioned, version, version_author
from bots.pads.whose import Passage, passages

#: So many versions of one pad may have names; these are kept until the pad goes.
MOST_NAMED: Final = 200
#: So many others are kept of one pad.
MOST_UNNAMED: Final = 100
#: A text has a version of its own once it has rested for so long, or was being written in for so long, in seconds.
RESTED: Final = 300.0
WRITTEN: Final = 1_800.0
_HOUR: Final = 3_600.0
_DAY: Final = 24 * _HOUR
#: Up to which age one version is kept of each stretch of time, in seconds: (age, stretch).
_STRETCHES: Final = ((_DAY, 0.0), (7 * _DAY, _HOUR), (60 * _DAY, _DAY), (float("inf"), 7 * _DAY))


class Version(NamedTuple):
    """A version as a list shows it.

    Attributes:
        number: how many updates were in it.
        at: when it was kept, in seconds since 1970.
        label: the pad's at that time.
        name: what somebody called it; empty where nobody did.
        named_by: who did; empty where nobody did, or who did has left the community.
        named_at: when.
        restored: which version was put in with it, if one was.
    """

    number: int
    at: float
    label: Label
    name: str
    named_by: str
    named_at: float | None
    restored: int | None


@dataclass(frozen=True, slots=True)
class Whole:
    """A version with its text.

    Attributes:
        version: what a list shows of it.
        text: what stood in the pad.
        passages: whose each part of it was.
        wrote: how many characters of it each member wrote; under the empty id, those who have left.
    """

    version: Version
    text: str
    passages: Sequence[Passage]
    wrote: Mapping[str, int]


class _Made(NamedTuple):
    """A version that is about to be kept; `says` is the label that its text names."""

    event_id: str
    number: int
    text: str
    says: Label
    passages: Sequence[Passage]


class TooMany(ValueError):
    """As many versions of the pad have names as may have."""


class VersionBook:
    """Keeps versions, each in one transaction."""

    def __init__(self, store: Store, reader: MarkerReader) -> None:
        """Works on an open store; `reader` reads markers, with the community's own."""
        self._store, self._reader = store, reader
        # Whose each passage is takes a moment of the processor: one after the other.
        self._turn = asyncio.Semaphore(1)

    async def listed(self, event_id: str) -> Sequence[Version]:
        """The versions of a pad, the newest first."""
        query = sa.select(*_SHOWN).where(version.c.event_id == event_id).order_by(version.c.number.desc())
        return await self._store.read(
            lambda connection: [_version(row) for row in connection.execute(query).mappings()]
        )

    async def whole(self, event_id: str, number: int) -> Whole | None:
        """One version with its text; None where there is none."""
        return await self._store.read(lambda connection: _whole(connection, event_id, number))

    async def before(self, event_id: str, number: int) -> int | None:
        """The number of the version before one; None where it is the first."""
        query = sa.select(sa.func.max(version.c.number)).where(
            version.c.event_id == event_id, version.c.number < number
        )
        return await self._store.read(lambda connection: connection.execute(query).scalar())

    async def keep(self, event_id: str, now: float, *, restored: int | None = None) -> int:
        """Makes a version of a pad as it is kept now; done again for the same text, it changes nothing.

        Args:
            event_id: which pad.
            now: in seconds since 1970.
            restored: the version that was put in just before, if one was.

        Returns:
            Its number.

        Raises:
            Gone: there is no such pad.
        """
        async with self._turn:
            kept = await self._store.read(lambda connection: kept_in(connection, event_id))
            text, whose = await asyncio.to_thread(_read, kept)
            # The pad may be at another text by now, with another label.
            says = self._reader.read(text).label or Label.CLEAR
        made = _Made(event_id, kept.count, text, says, whose)
        await self._store.write(lambda connection: _put(connection, made, now=now, restored=restored))
        return kept.count

    async def name(self, event_id: str, number: int, name: str, by: str, now: float) -> bool:
        """Calls a version something; whether there is one. With an empty name it has none any more.

        Raises:
            TooMany: as many have names as may have.
        """
        return await self._store.write(lambda connection: _named(connection, event_id, number, name, by, now))

    async def drop(self, event_id: str, number: int) -> None:
        """Takes one version away for good, whatever it is called (rule E1)."""

        def gone(connection: sa.Connection) -> None:
            for table in (version, version_author):
                connection.execute(table.delete().where(table.c.event_id == event_id, table.c.number == number))

        await self._store.write(gone)

    async def due(self, now: float, most: int = 20) -> Sequence[str]:
        """The pads of which a version is to be made, those first that wait the longest."""
        is_due = sa.or_(unversioned.c.changed_at <= now - RESTED, unversioned.c.since <= now - WRITTEN)
        query = sa.select(unversioned.c.event_id).where(is_due).order_by(unversioned.c.since).limit(most)
        return await self._store.read(lambda connection: list(connection.execute(query).scalars()))


def thinned(versions: Sequence[Version], now: float) -> Sequence[int]:
    """The numbers of those that go: the older they are the fewer stay, and what has a name stays.

    Of a stretch of time its last one stays: so nobody has to guess which of many was the one before a change.
    """
    kept: set[tuple[float, int]] = set()
    gone: list[int] = []
    unnamed = sorted((one for one in versions if not one.name), key=lambda one: -one.number)
    stayed = 0
    for one in unnamed:
        stretch = next(length for age, length in _STRETCHES if now - one.at < age)
        place = (stretch, int(one.at // stretch) if stretch else one.number)
        if place in kept or stayed >= MOST_UNNAMED:
            gone.append(one.number)
            continue
        kept.add(place)
        stayed += 1
    return gone


_SHOWN: Final = (
    version.c.number, version.c.at, version.c.label, version.c.name, version.c.named_by, version.c.named_at,
    version.c.restored,
)  # fmt: skip


def _version(row: sa.RowMapping) -> Version:
    label = Label.kept(row["label"])
    return Version(row["number"], row["at"], label, row["name"], row["named_by"], row["named_at"], row["restored"])


def _read(kept: Kept) -> tuple[str, Sequence[Passage]]:
    document = Document(kept.updates, kept.owners)
    return document.text, passages(document.state, kept.owners)


def _put(connection: sa.Connection, made: _Made, *, now: float, restored: int | None) -> None:
    event_id, number = made.event_id, made.number
    # The pad's row is held until the commit: who takes it away takes this away too.
    held = pad.update().where(pad.c.event_id == event_id).values(count=pad.c.count).returning(pad.c.label)
    label = connection.execute(held).scalar()
    if label is None:
        raise Gone(event_id)
    noted = labels(connection, (event_id,)).get(event_id, Label.CLEAR)  # as the pad's own is, with them
    authors = {user_id: place for place, user_id in enumerate(dict.fromkeys(one.by for one in made.passages))}
    pairs = json.dumps([[one.length, authors[one.by]] for one in made.passages], separators=(",", ":"))
    row = {
        "event_id": event_id,
        "number": number,
        "at": now,
        "label": str(max(made.says, Label.kept(label), noted)),
        "name": "",
        "named_by": "",
        "named_at": None,
        "restored": restored,
        "text": zlib.compress(made.text.encode()),
        "passages": zlib.compress(pairs.encode()),
    }
    is_new = connection.execute(insert_on(connection, version).on_conflict_do_nothing(), [row]).rowcount == 1
    done = sa.and_(unversioned.c.event_id == event_id, unversioned.c.count <= number)
    connection.execute(unversioned.delete().where(done))
    # What was written meanwhile begins a stretch of its own.
    later = {"since": unversioned.c.changed_at}
    connection.execute(unversioned.update().where(unversioned.c.event_id == event_id).values(later))
    if not is_new:
        return
    letters = Counter[str]()
    for one in made.passages:
        letters[one.by] += one.length
    rows = [
        {"event_id": event_id, "number": number, "place": place, "user_id": user_id, "letters": letters[user_id]}
        for user_id, place in authors.items()
    ]
    if rows:
        connection.execute(version_author.insert(), rows)
    _forget_again(connection, event_id)
    _thin(connection, event_id, now)


def _forget_again(connection: sa.Connection, event_id: str) -> None:
    """Takes out who has left while their version was being made."""
    known = sa.select(client.c.user_id).where(client.c.event_id == event_id)
    gone = sa.and_(version_author.c.event_id == event_id, version_author.c.user_id.not_in(known))
    connection.execute(version_author.update().where(gone).values(user_id=""))


def _thin(connection: sa.Connection, event_id: str, now: float) -> None:
    query = sa.select(*_SHOWN).where(version.c.event_id == event_id)
    gone = thinned([_version(row) for row in connection.execute(query).mappings()], now)
    for table in (version, version_author):
        connection.execute(table.delete().where(table.c.event_id == event_id, table.c.number.in_(gone)))


def _named(connection: sa.Connection, event_id: str, number: int, name: str, by: str, now: float) -> bool:
    # One at a time for each pad, so that the count below holds.
    held = pad.update().where(pad.c.event_id == event_id).values(count=pad.c.count)
    if connection.execute(held).rowcount == 0:
        return False
    mine = sa.and_(version.c.event_id == event_id, version.c.number == number)
    others = sa.select(sa.func.count()).select_from(version)
    others = others.where(version.c.event_id == event_id, version.c.number != number, version.c.name != "")
    if name and (connection.execute(others).scalar() or 0) >= MOST_NAMED:
        raise TooMany(event_id)
    values = {"name": name, "named_by": by if name else "", "named_at": now if name else None}
    return connection.execute(version.update().where(mine).values(values)).rowcount == 1


def _whole(connection: sa.Connection, event_id: str, number: int) -> Whole | None:
    mine = sa.and_(version.c.event_id == event_id, version.c.number == number)
    row = connection.execute(sa.select(*_SHOWN, version.c.text, version.c.passages).where(mine)).one_or_none()
    if row is None:
        return None
    query = sa.select(version_author.c.place, version_author.c.user_id, version_author.c.letters)
    wrote = sa.and_(version_author.c.event_id == event_id, version_author.c.number == number)
    authors = {one.place: one for one in connection.execute(query.where(wrote))}
    pairs = json.loads(zlib.decompress(row.passages))
    whose = [Passage(length, authors[place].user_id if place in authors else "") for length, place in pairs]
    letters = Counter[str]()
    for one in authors.values():
        letters[one.user_id] += one.letters
    return Whole(_version(row._mapping), zlib.decompress(row.text).decode(), whose, letters)
