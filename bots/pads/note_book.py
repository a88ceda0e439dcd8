"""Comments and suggestions as they are kept. Each change has a number, by which every process finds what is new."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from belisha.tlp import Label
from bots.directory.tables import directory_member
from bots.kernel.store import Store
from bots.pads.book import Gone
from bots.pads.rules import Refused
from bots.pads.tables import note, pad

COMMENT, REPLY, SUGGESTION = "comment", "reply", "suggestion"
OPEN, RESOLVED, ACCEPTED, REJECTED, GONE = "open", "resolved", "accepted", "rejected", "gone"
#: Of which nothing is left but that it was there.
OVER: Final = frozenset({ACCEPTED, REJECTED, GONE})
#: So many may stand in a pad, and so many of one member; so many may ever have stood there.
MOST: Final = 500
MOST_OF_ONE: Final = 200
MOST_EVER: Final = 5_000
_FULL: Final = "There are so many comments and suggestions here that no more fit. Please settle some of them first."


@dataclass(frozen=True, slots=True)
class Note:
    """A comment, a reply or a suggestion.

    Attributes:
        note: what its page called it.
        thread: what a reply belongs to; empty for others.
        kind: `comment`, `reply` or `suggestion`.
        state: `open`, `resolved`, or one of `OVER`, where nothing else is left of it.
        user_id: who wrote it; empty where they have left the community.
        begins: where that begins which it is about, as an editor writes a place down.
        ends: and where it ends.
        words: what was written; of a suggestion what would stand there instead.
        quoted: what it is about, as it was then.
        label: the strictest of its words and of the text around it then.
        made_at: in seconds since 1970.
        changed: the number of its last change.
        name: its author's, as the community's list of members has it; empty where they are not in it.
        organisation: and their organisation's.
    """

    note: str
    thread: str
    kind: str
    state: str
    user_id: str
    begins: str
    ends: str
    words: str
    quoted: str
    label: Label
    made_at: float
    changed: int = 0
    name: str = ""
    organisation: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it is settled, or was taken back."""
        return self.state in OVER


#: What a change makes of what is there: the note as it shall be, or None where it is so already.
Change = Callable[[Mapping[str, Note]], Note | None]


class NoteBook:
    """Reads and writes the notes of pads."""

    def __init__(self, store: Store) -> None:
        """Works on an open store."""
        self._store = store

    async def behind(self, event_id: str, after: int) -> tuple[int, Sequence[Note]]:
        """The number of a pad's last change, and what was changed behind change `after`.

        Raises:
            Gone: there is no such pad.
        """
        return await self._store.read(lambda connection: _behind(connection, event_id, after))

    async def one(self, event_id: str, which: str) -> Note | None:
        """One of a pad's notes; None where there is none."""
        found = await self._store.read(lambda connection: _rows(connection, event_id, note.c.note == which))
        return found[0] if found else None

    async def label(self, event_id: str) -> Label:
        """The strictest label of a pad's notes; CLEAR where it has none."""
        return (await self._store.read(lambda connection: labels(connection, (event_id,)))).get(event_id, Label.CLEAR)

    async def change(self, event_id: str, ids: Collection[str], change: Change) -> None:
        """Changes a note, by what is kept of these at that moment; nobody else changes any meanwhile.

        Raises:
            Gone: there is no such pad.
            Refused: `change` raised it, or there are too many.
        """
        await self._store.write(lambda connection: settle(connection, event_id, ids, change))


def settle(connection: sa.Connection, event_id: str, ids: Collection[str], change: Change) -> None:
    """As `NoteBook.change`, in somebody's transaction."""
    counted = pad.update().where(pad.c.event_id == event_id).values(noted=pad.c.noted + 1).returning(pad.c.noted)
    number = connection.execute(counted).scalar()  # the pad's row is ours until the commit
    if number is None:
        raise Gone(event_id)
    kept = {one.note: one for one in _rows(connection, event_id, note.c.note.in_(ids))}
    found = change(kept)
    if found is None:
        return
    if found.note not in kept:
        _check_room(connection, event_id, found.user_id)
    _put(connection, event_id, found, number, found.note in kept)
    if found.is_over:  # the answers to it go with it
        rows = note.update().where(note.c.event_id == event_id, note.c.thread == found.note)
        connection.execute(rows.values(**_emptied(GONE), changed=number))


def labels(connection: sa.Connection, event_ids: Collection[str]) -> Mapping[str, Label]:
    """The strictest label of the notes of each of these pads; only of those that have any."""
    query = sa.select(note.c.event_id, note.c.label).where(note.c.event_id.in_(event_ids)).distinct()
    found: dict[str, Label] = {}
    for row in connection.execute(query):
        label = Label.kept(row.label)
        found[row.event_id] = max(label, found.get(row.event_id, label))
    return found


def _check_room(connection: sa.Connection, event_id: str, user_id: str) -> None:
    here = sa.select(sa.func.count()).select_from(note).where(note.c.event_id == event_id)
    standing = here.where(note.c.state.not_in(OVER))
    if connection.execute(standing).scalar_one() >= MOST:
        raise Refused(_FULL)
    if connection.execute(standing.where(note.c.user_id == user_id)).scalar_one() >= MOST_OF_ONE:
        raise Refused(f"You have {MOST_OF_ONE} comments and suggestions here, which is as many as one may have.")
    if connection.execute(here).scalar_one() >= MOST_EVER:
        raise Refused("So much was commented on in this pad that it is full. Please begin another one.")


def _put(connection: sa.Connection, event_id: str, one: Note, number: int, is_there: bool) -> None:
    values = {
        "thread": one.thread,
        "kind": one.kind,
        "state": one.state,
        "user_id": one.user_id,
        "begins": one.begins,
        "ends": one.ends,
        "words": one.words,
        "quoted": one.quoted,
        "label": str(one.label),
        "made_at": one.made_at,
        "changed": number,
    } | (_emptied(one.state) if one.is_over else {})
    if is_there:
        connection.execute(note.update().where(note.c.event_id == event_id, note.c.note == one.note).values(**values))
    else:
        connection.execute(note.insert().values(event_id=event_id, note=one.note, **values))


def _emptied(state: str) -> dict[str, str]:
    return {"state": state, "label": str(Label.CLEAR)} | dict.fromkeys(
        ("user_id", "begins", "ends", "words", "quoted"), ""
    )


def _behind(connection: sa.Connection, event_id: str, after: int) -> tuple[int, Sequence[Note]]:
    # The count first: what is committed between the two is read twice, and changes nothing then.
    count = connection.execute(sa.select(pad.c.noted).where(pad.c.event_id == event_id)).scalar()
    if count is None:
        raise Gone(event_id)
    return count, _rows(connection, event_id, note.c.changed > after) if count > after else ()


def _rows(connection: sa.Connection, event_id: str, which: sa.ColumnElement[bool]) -> Sequence[Note]:
    query = (
        sa.select(note, directory_member.c.name, directory_member.c.organisation_name)
        .join(directory_member, directory_member.c.user_id == note.c.user_id, isouter=True)
        .where(note.c.event_id == event_id, which)
        .order_by(note.c.made_at, note.c.note)
    )
    return [
        Note(
            row.note, row.thread, row.kind, row.state, row.user_id, row.begins, row.ends, row.words, row.quoted,
            Label.kept(row.label), row.made_at, row.changed, row.name or "", row.organisation_name or "",
        )
        for row in connection.execute(query)
    ]  # fmt: skip
