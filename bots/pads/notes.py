"""The comments and suggestions of one pad while pages have it open.

Nothing is acknowledged before it is kept, and what is sent once more changes nothing: so a page gives everything again
that was not acknowledged, whatever broke. Who wrote what is the server's word, never the page's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.pads import asked as acts
from bots.pads.asked import Asked
from bots.pads.book import Taken
from bots.pads.document import Document
from bots.pads.editor import Editor
from bots.pads.note_book import (
    ACCEPTED,
    COMMENT,
    GONE,
    OPEN,
    OVER,
    REJECTED,
    REPLY,
    RESOLVED,
    SUGGESTION,
    Note,
    NoteBook,
    settle,
)
from bots.pads.places import Copy, place_of
from bots.pads.rules import Refused, words_label
from bots.pads.standing import Standing
from bots.pads.updates import MalformedUpdate

#: The longest comment, the longest suggestion, and how much one may be about, in characters.
LONGEST: Final = 2_000
LONGEST_SUGGESTED: Final = 5_000
#: How much of what it is about a comment quotes.
_QUOTED: Final = 300
_AT_ONCE: Final = 50
_KINDS: Final = {acts.COMMENT: COMMENT, acts.REPLY: REPLY, acts.SUGGEST: SUGGESTION}
_NOWHERE: Final = "What this is about is not in the text any more. Please select it again."
_SETTLED: Final = "Somebody has settled this meanwhile, or taken it back."
_TYPING: Final = "Its author has just changed this suggestion. Please look at it again."
_CHANGED: Final = (
    "What this suggestion would change has been written anew since. Please change the text yourself, or ask its author "
    "to suggest it again."
)


@dataclass(frozen=True, slots=True)
class Around:
    """What a pad is at the moment in which something is asked."""

    document: Document
    standing: Standing
    reader: MarkerReader
    now: float


#: Makes a change of the text in a member's name, in one transaction with something else.
Make = Callable[[Editor, bytes, Callable[[sa.Connection], None]], Awaitable[None]]


class Notes:
    """What is written beside a text."""

    def __init__(self, event_id: str, book: NoteBook) -> None:
        """Has none yet; `catch_up` reads them."""
        self._event_id, self._book = event_id, book
        self._notes: dict[str, Note] = {}
        self._count = -1

    @property
    def label(self) -> Label:
        """The strictest label of any of them."""
        return max((one.label for one in self._notes.values()), default=Label.CLEAR)

    async def catch_up(self) -> Sequence[Note]:
        """Reads what was changed, by whichever process.

        Raises:
            Gone: there is no such pad.
        """
        self._count, found = await self._book.behind(self._event_id, self._count)
        self._notes |= {one.note: one for one in found}
        return found

    def show(self, editor: Editor, people: Mapping[str, Editor], changed: Sequence[Note] | None = None) -> None:
        """Tells a page of those that were changed; of all of them where that is not said.

        Args:
            editor: the page.
            people: pages of those who are here, by member: their names are fresher than the list's.
            changed: what to tell of.
        """
        found = [one for one in self._notes.values() if not one.is_over] if changed is None else changed
        for start in range(0, max(len(found), changed is None), _AT_ONCE):
            told = [_shown(one, editor, people) for one in found[start : start + _AT_ONCE]]
            editor.tell(notes=told, **({"whole": True} if changed is None and start == 0 else {}))

    async def do(self, editor: Editor, asked: Asked, around: Around, make: Make) -> str:
        """Does what a page asks. It is kept when this returns.

        Args:
            editor: the page.
            asked: what it asks.
            around: the pad at this moment.
            make: makes the change of a suggestion that is accepted.

        Returns:
            Why it cannot be done, in a sentence; empty where it was.

        Raises:
            Gone: the pad was taken back.
        """
        try:
            if asked.act == acts.ACCEPT:
                await self._accept(editor, asked, around.document, make)
            elif asked.act in _KINDS:
                before = await self._book.one(self._event_id, asked.note)
                if before is not None and _is_written(before, editor, asked):
                    return ""  # and what it is about may be gone by now
                written = await self._written(editor, asked, around)
                ids = (asked.note, asked.thread)
                await self._book.change(self._event_id, ids, lambda kept: _added(kept, written))
            else:
                await self._book.change(self._event_id, (asked.note,), lambda kept: _changed(kept, editor, asked.act))
        except Refused as refused:
            return str(refused)
        except Taken:
            return "This could not be written. Please load the page again."
        return ""

    async def _accept(self, editor: Editor, asked: Asked, document: Document, make: Make) -> None:
        """Makes the change that was suggested, by the editor who accepts it: in one transaction with its end.

        Raises:
            Refused: it cannot be accepted.
        """
        if editor.closed:
            raise Refused(editor.closed)
        one = await self._book.one(self._event_id, asked.note)
        if one is not None and one.state == ACCEPTED:  # by this page already, which was not told so
            return
        if one is None or one.is_over or one.kind != SUGGESTION:
            raise Refused(_SETTLED)
        if (one.words, one.quoted) != (asked.words, asked.quoted):
            raise Refused(_TYPING)
        state = document.state

        def change() -> bytes:
            copy = Copy((state,))
            begin, end = _range(copy, one.begins, one.ends)
            if copy.text[begin:end] != one.quoted:
                raise Refused(_CHANGED)
            return copy.replaced(begin, end, one.words, editor.hand)

        update = await asyncio.to_thread(change)
        await make(
            editor,
            update,
            lambda connection: settle(connection, self._event_id, (one.note,), lambda kept: _accepted(kept, one)),
        )

    async def _written(self, editor: Editor, asked: Asked, around: Around) -> Note:
        """What a page has written, as it is to be kept.

        Raises:
            Refused: they may not write, or it is too long, too strict for this group, or about nothing.
        """
        if editor.closed:
            raise Refused(editor.closed)
        kind = _KINDS[asked.act]
        if kind == SUGGESTION and len(asked.words) > LONGEST_SUGGESTED:
            raise Refused(f"A suggestion has at most {LONGEST_SUGGESTED:,} characters.")
        if kind != SUGGESTION and not 0 < len(asked.words.strip()) <= len(asked.words) <= LONGEST:
            raise Refused(f"A comment has between one character and {LONGEST:,}.")
        standing, reader = around.standing, around.reader
        is_typed = kind == SUGGESTION
        label = words_label(asked.words, standing.label, standing.ceiling, reader, is_typed=is_typed)
        quoted = ""
        if kind != REPLY:
            state = around.document.state
            quoted = await asyncio.to_thread(lambda: _quoted(state, asked))
            if kind == COMMENT:
                if not quoted:
                    raise Refused(_NOWHERE)
                quoted = quoted if len(quoted) <= _QUOTED else f"{quoted[: _QUOTED - 1]}…"
            elif len(quoted) > LONGEST_SUGGESTED:
                raise Refused(f"A suggestion changes at most {LONGEST_SUGGESTED:,} characters.")
            elif quoted == asked.words:
                raise Refused("This suggestion would change nothing.")
        # It was written under that label: it keeps it, should the text's own marker go.
        label = max(label, reader.read(around.document.text).label or Label.CLEAR)
        return Note(
            asked.note, asked.thread, kind, OPEN, editor.user_id, asked.begins, asked.ends, asked.words, quoted, label,
            around.now,
        )  # fmt: skip


def _is_written(before: Note, editor: Editor, asked: Asked) -> bool:
    is_same = (before.user_id, before.kind, before.words) == (editor.user_id, _KINDS[asked.act], asked.words)
    return before.is_over or (is_same and (before.begins, before.ends) == (asked.begins, asked.ends))


def _quoted(state: bytes, asked: Asked) -> str:
    copy = Copy((state,))
    begin, end = _range(copy, asked.begins, asked.ends)
    return copy.text[begin:end]


def _range(copy: Copy, begins: str, ends: str) -> tuple[int, int]:
    try:
        begin, end = copy.index(place_of(begins)), copy.index(place_of(ends))
    except MalformedUpdate as error:
        raise Refused(_NOWHERE) from error
    # What stood between the two may be gone, and then they have no order.
    return begin, max(begin, end)


def _added(kept: Mapping[str, Note], written: Note) -> Note | None:
    """What becomes of something that is written: what is there already is not written twice."""
    before = kept.get(written.note)
    if before is None:
        if written.kind == REPLY:
            to = kept.get(written.thread)
            if to is None or to.is_over or to.kind == REPLY:
                raise Refused(_SETTLED)
        return written
    if before.is_over:
        return None
    if (before.user_id, before.kind, before.thread) != (written.user_id, written.kind, written.thread):
        raise Refused("Somebody else has written under that number. Please write it once more.")
    if written.kind != SUGGESTION:
        return None
    return replace(written, made_at=before.made_at)  # its author goes on typing it


def _changed(kept: Mapping[str, Note], editor: Editor, act: str) -> Note | None:
    one = next(iter(kept.values()), None)
    if one is None:
        raise Refused(_SETTLED)
    is_mine = one.user_id == editor.user_id
    # Whoever may not write any more may still take back what is theirs, as in the group.
    if editor.closed and not (act == acts.REMOVE and is_mine and editor.confirmed):
        raise Refused(editor.closed)
    if one.is_over:
        return None
    if act == acts.REMOVE:
        if not is_mine and not editor.redacts:
            raise Refused("Only who wrote it can take it back, and who moderates this group.")
        return replace(one, state=GONE)
    if act == acts.REJECT:
        if one.kind != SUGGESTION:
            raise Refused("Only a suggestion can be rejected.")
        return replace(one, state=REJECTED)
    if one.kind != COMMENT:
        raise Refused("Only a comment can be resolved.")
    state = RESOLVED if act == acts.RESOLVE else OPEN
    return None if one.state == state else replace(one, state=state)


def _accepted(kept: Mapping[str, Note], seen: Note) -> Note:
    """Whose acceptance counts is decided here: in the transaction that keeps the change of the text."""
    one = kept.get(seen.note)
    if one is None or one.is_over:
        raise Refused(_SETTLED)
    if (one.begins, one.ends, one.words, one.quoted) != (seen.begins, seen.ends, seen.words, seen.quoted):
        raise Refused(_TYPING)
    return replace(one, state=ACCEPTED)


def _shown(one: Note, editor: Editor, people: Mapping[str, Editor]) -> Mapping[str, Any]:
    if one.state in OVER:
        return {"id": one.note, "state": one.state}
    here = people.get(one.user_id)
    return {
        "id": one.note,
        "thread": one.thread,
        "kind": one.kind,
        "state": one.state,
        "begins": one.begins,
        "ends": one.ends,
        "words": one.words,
        "quoted": one.quoted,
        "name": here.name if here else one.name,
        "organisation": here.organisation if here else one.organisation,
        "mine": one.user_id == editor.user_id,
        "at": one.made_at,
    }
