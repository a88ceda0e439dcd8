"""Pads as they are kept: what was written is in the database before anybody is told that it was taken in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from belisha.tlp import Label
from bots.kernel.store import Store, insert_on
from bots.pads.tables import client, note, pad, unversioned, update, version, version_author

#: The state of a pad in which nothing was ever written: no clients, nothing deleted.
EMPTY = b"\0\0"


class Gone(LookupError):
    """A pad that is not there any more."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What was written behind some update.

    Attributes:
        count: the number of the last update that is there now.
        updates: what was written, in order; of it what is there already may be in it once more, and changes nothing.
    """

    count: int
    updates: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """A pad as it was written down.

    Attributes:
        count: the number of the last update in it.
        updates: all of it, in order: the state of earlier ones first.
        owners: whose each client is.
    """

    count: int
    updates: Sequence[bytes]
    owners: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A pad of a list; `label` is what its text and its comments say of themselves."""

    event_id: str
    room_id: str
    title: str
    label: Label
    changed_at: float


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a pad begins with.

    Attributes:
        title: what it is called.
        state: its text, as one update.
        client: under which number it was written.
        user_id: by whom.
    """

    title: str
    state: bytes
    client: int
    user_id: str


def make(
    connection: sa.Connection, event_id: str, room_id: str, now: float, beginning: Beginning | None = None
) -> bool:
    """Begins a pad in somebody's transaction, empty where nothing else is said; whether there was none."""
    row = {
        "event_id": event_id,
        "room_id": room_id,
        "made_at": now,
        "changed_at": now,
        "title": "" if beginning is None else beginning.title,
        "label": str(Label.CLEAR),  # words of its message have that one's label
        "count": 0,
        "state_count": 0,
        "state": EMPTY if beginning is None else beginning.state,
    }
    if connection.execute(insert_on(connection, pad).on_conflict_do_nothing(), [row]).rowcount != 1:
        return False
    if beginning is not None:
        whose = {"event_id": event_id, "client": beginning.client, "user_id": beginning.user_id}
        connection.execute(client.insert(), [whose])
    return True


def known(connection: sa.Connection, event_id: str) -> str | None:
    """The group of a pad; None where there is none."""
    found: str | None = connection.execute(sa.select(pad.c.room_id).where(pad.c.event_id == event_id)).scalar()
    return found


def drop(connection: sa.Connection, event_id: str) -> None:
    """Takes a pad away with all that was ever written in it (rule E1).

    Its own row goes first: who is about to append holds that, and what they append is then there to be taken away.
    """
    for table in (pad, update, client, note, version, version_author, unversioned):
        connection.execute(table.delete().where(table.c.event_id == event_id))


def rooms(connection: sa.Connection) -> Sequence[str]:
    """The groups that have pads."""
    return list(connection.scalars(sa.select(pad.c.room_id).distinct().order_by(pad.c.room_id)))


def drop_all(connection: sa.Connection, room_id: str) -> None:
    """Takes every pad of a group away."""
    for event_id in connection.scalars(sa.select(pad.c.event_id).where(pad.c.room_id == room_id)).all():
        drop(connection, event_id)


def forget(connection: sa.Connection, user_id: str) -> None:
    """Takes out who somebody was that has left the community: what they wrote is then nobody's (rule E1).

    Their clients stay taken, so that nobody else writes under those numbers.
    """
    connection.execute(client.update().where(client.c.user_id == user_id).values(user_id=""))
    connection.execute(version_author.update().where(version_author.c.user_id == user_id).values(user_id=""))
    connection.execute(version.update().where(version.c.named_by == user_id).values(named_by=""))
    theirs = note.c.user_id == user_id
    query = sa.select(note.c.event_id).where(theirs).distinct().order_by(note.c.event_id)
    for event_id in connection.scalars(query).all():
        # With a number, so that pages which have the pad open are told.
        counted = pad.update().where(pad.c.event_id == event_id).values(noted=pad.c.noted + 1).returning(pad.c.noted)
        found = {"user_id": "", "changed": connection.execute(counted).scalar() or note.c.changed}
        connection.execute(note.update().where(theirs, note.c.event_id == event_id).values(found))


class PadBook:
    """Reads and writes pads, for those outside the kernel's transactions."""

    def __init__(self, store: Store) -> None:
        """Works on an open store."""
        self._store = store

    async def listed(self, rooms: Sequence[str], most: int) -> Sequence[Row]:
        """The pads of these groups, those that were changed last first."""
        return await self._store.read(lambda connection: _listed(connection, rooms, most))

    async def room(self, event_id: str) -> str | None:
        """The group that a pad is in; None where there is none."""
        return await self._store.read(lambda connection: known(connection, event_id))

    async def kept(self, event_id: str) -> Kept:
        """A pad with all that was written in it.

        Raises:
            Gone: there is none.
        """
        return await self._store.read(lambda connection: kept_in(connection, event_id))

    async def append(
        self,
        event_id: str,
        after: int,
        data: Sequence[bytes],
        owners: Mapping[int, str],
        *,
        title: str,
        label: Label,
        now: float,
        also: Callable[[sa.Connection], None] | None = None,
    ) -> Behind:
        """Writes updates down; and what others have written behind update `after` meanwhile.

        Args:
            event_id: which pad.
            after: the last update that the caller has taken in.
            data: the updates, in order.
            owners: whose each client is that wrote for the first time.
            title: what the pad is called with them.
            label: what the text says of itself with them.
            now: in seconds since 1970.
            also: what else is done in that transaction; where it raises, nothing is written.

        Raises:
            Gone: there is no such pad.
            Taken: one of the clients is somebody else's.
        """
        about = {"title": title, "label": str(label), "changed_at": now}

        def work(connection: sa.Connection) -> Behind:
            found = _append(connection, event_id, after, data, owners, about=about)
            if also is not None:
                also(connection)
            return found

        return await self._store.write(work)

    async def behind(self, event_id: str, after: int) -> Behind:
        """What was written behind update `after`, by whichever process.

        Raises:
            Gone: there is no such pad.
        """
        return await self._store.read(lambda connection: _behind(connection, event_id, after))

    async def fold(self, event_id: str, count: int, state: bytes) -> None:
        """Keeps one state instead of all updates up to `count`, where no later state is kept already."""
        await self._store.write(lambda connection: _fold(connection, event_id, count, state))


class Taken(ValueError):
    """A client that another member has written with."""


def _listed(connection: sa.Connection, rooms: Sequence[str], most: int) -> Sequence[Row]:
    query = (
        sa.select(pad.c.event_id, pad.c.room_id, pad.c.title, pad.c.label, pad.c.changed_at)
        .where(pad.c.room_id.in_(rooms))
        .order_by(pad.c.changed_at.desc(), pad.c.event_id)
        .limit(most)
    )
    rows = connection.execute(query).all()
    strictest = sa.select(note.c.event_id, note.c.label).where(note.c.event_id.in_([row.event_id for row in rows]))
    found = {row.event_id: Label.kept(row.label) for row in rows}
    for one in connection.execute(strictest.distinct()):
        found[one.event_id] = max(found[one.event_id], Label.kept(one.label))
    return [Row(row.event_id, row.room_id, row.title, found[row.event_id], row.changed_at) for row in rows]


def kept_in(connection: sa.Connection, event_id: str) -> Kept:
    """A pad with all that was written in it.

    Raises:
        Gone: there is none.
    """
    found = _behind(connection, event_id, -1)
    owners = connection.execute(sa.select(client.c.client, client.c.user_id).where(client.c.event_id == event_id))
    return Kept(found.count, found.updates, {row.client: row.user_id for row in owners})


def _append(
    connection: sa.Connection,
    event_id: str,
    after: int,
    data: Sequence[bytes],
    owners: Mapping[int, str],
    *,
    about: Mapping[str, object],
) -> Behind:
    counted = (
        pad.update()
        .where(pad.c.event_id == event_id)
        .values(count=pad.c.count + len(data), **about)
        .returning(pad.c.count)
    )
    count = connection.execute(counted).scalar()  # the row is ours until the commit: numbers have no gaps
    if count is None:
        raise Gone(event_id)
    first = count - len(data) + 1
    missed = _behind(connection, event_id, after).updates if first > after + 1 else ()
    rows = [{"event_id": event_id, "number": first + place, "data": one} for place, one in enumerate(data)]
    connection.execute(update.insert(), rows)
    waits = insert_on(connection, unversioned)
    later = {"changed_at": waits.excluded.changed_at, "count": waits.excluded.count}
    row = {"event_id": event_id, "since": about["changed_at"], "changed_at": about["changed_at"], "count": count}
    connection.execute(waits.on_conflict_do_update(index_elements=["event_id"], set_=later), [row])
    for number, user_id in owners.items():
        owned = {"event_id": event_id, "client": number, "user_id": user_id}
        connection.execute(insert_on(connection, client).on_conflict_do_nothing(), [owned])
        theirs = sa.select(client.c.user_id).where(client.c.event_id == event_id, client.c.client == number)
        if connection.execute(theirs).scalar() != user_id:
            raise Taken(event_id)
    return Behind(count, missed)


def _behind(connection: sa.Connection, event_id: str, after: int) -> Behind:
    # In this order: on PostgreSQL each statement sees what is committed then, and a state that took the place of
    # updates between the two has them in it.
    query = sa.select(update.c.number, update.c.data).where(update.c.event_id == event_id, update.c.number > after)
    rows = connection.execute(query.order_by(update.c.number)).all()
    state_count = connection.execute(sa.select(pad.c.state_count).where(pad.c.event_id == event_id)).scalar()
    if state_count is None:
        raise Gone(event_id)
    count = max(state_count, rows[-1].number if rows else after)
    found = [row.data for row in rows]
    if state_count > after:
        held = sa.select(pad.c.state, pad.c.state_count).where(pad.c.event_id == event_id)
        row = connection.execute(held).one_or_none()
        if row is None:
            raise Gone(event_id)
        found, count = [row.state, *found], max(count, row.state_count)
    return Behind(count, found)


def _fold(connection: sa.Connection, event_id: str, count: int, state: bytes) -> None:
    folded = (
        pad.update().where(pad.c.event_id == event_id, pad.c.state_count < count).values(state=state, state_count=count)
    )
    if connection.execute(folded).rowcount:
        connection.execute(update.delete().where(update.c.event_id == event_id, update.c.number <= count))
