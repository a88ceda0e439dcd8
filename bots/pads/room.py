"""One pad while pages have it open: what one writes is kept first, and then shown to those who may read it now.

Everything that goes in or out passes one task, in turn, and only while the module's word about who is there is fresh:
who has been removed is sent nothing more, whatever is on its way (rules M1 and P2). Where the module cannot be asked,
everything waits, and after some seconds the pages are closed (rule X1).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.kernel.logs import where
from bots.pads.asked import Asked
from bots.pads.book import EMPTY, Gone, PadBook, Taken
from bots.pads.document import Document, Spoiled
from bots.pads.editor import AGAIN, ENDED, REFUSED, Editor
from bots.pads.note_book import NoteBook
from bots.pads.notes import Around, Notes
from bots.pads.pages import Pages, tell
from bots.pads.rules import Labelled, Refused, check_length, labelled, title
from bots.pads.standing import Look, Standing
from bots.pads.updates import ASK, GIVE, MalformedUpdate, frame

log = logging.getLogger(__name__)

#: How often it is asked who may read, and for how long an answer holds, in seconds.
LOOKS_EVERY: Final = 0.4
_HOLDS: Final = 0.9
#: For how long nobody is sent away although the module cannot be asked.
_PATIENCE: Final = 10.0
#: So many updates behind the kept state it is written anew.
_FOLD: Final = 400
_AT_ONCE: Final = 200
_SETTLES: Final = 1.0

_GONE: Final = "This pad is not for you to see any more, it was taken back, or your session has ended."
_STORE: Final = "What you wrote could not be kept just now. This page tries again by itself."
_ASKING: Final = "We cannot check right now who may read this pad, so it is closed. This page tries again by itself."
_STOPS: Final = "The portal is being started anew. This page comes back by itself."


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a page has sent: a frame of the sync protocol, or what it asks to be done with a comment or a suggestion."""

    editor: Editor
    kind: int
    body: bytes
    asked: Asked | None = None


class PadRoom:
    """A pad that is open."""

    def __init__(
        self,
        room_id: str,
        event_id: str,
        book: PadBook,
        notes: NoteBook,
        look: Look,
        reader: MarkerReader,
        *,
        alone: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares it; `start` opens it.

        Args:
            room_id: the group.
            event_id: the message that the pad belongs to.
            book: where it is kept.
            notes: where its comments and suggestions are.
            look: asks who may read and write it.
            reader: reads markers, with the community's own.
            alone: whether no other process can write in it.
            now: the clock, in seconds since 1970.
        """
        self.room_id, self.event_id = room_id, event_id
        self._book, self._look, self._reader, self._alone, self._now = book, look, reader, alone, now
        self._notes = Notes(event_id, notes)
        self._pages = Pages(lambda: not self._is_stale)
        self.editors = self._pages.editors
        self._frames: asyncio.Queue[_Frame | None] = asyncio.Queue(1_000)
        self._document = Document((), {})
        self._count = self._folded = 0
        self._labelled = Labelled(Label.RED)
        self._standing = Standing(Label.RED, Label.RED, {})
        self._looked = 0.0
        self._answered = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.is_over = False

    async def start(self) -> None:
        """Reads what is kept.

        Raises:
            Gone: there is no such pad.
        """
        await self._load()
        await self._notes.catch_up()
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._keep_looking())]

    async def enter(self, editor: Editor) -> bool:
        """Lets a page in; whether its member may read the pad.

        Raises:
            Unavailable: the module cannot be asked.
        """
        standing = await self._look(self.room_id, self.event_id, (editor,))
        if self.is_over or not self._admit(editor, standing):
            return False
        if not self.editors:  # of others that answer says nothing
            self._looked = time.monotonic()
        self._pages.add(editor)
        self._label(standing)
        tell(editor, self._labelled)
        editor.send(frame(ASK, self._document.vector))
        self._notes.show(editor, self._pages.people)
        self._pages.show_soon()
        return True

    def leave(self, editor: Editor) -> None:
        """Lets a page go."""
        self._pages.discard(editor)

    async def submit(self, editor: Editor, kind: int, body: bytes = b"", asked: Asked | None = None) -> None:
        """Takes what a page has sent; waits while too much is waiting."""
        await self._frames.put(_Frame(editor, kind, body, asked))

    def point(self, editor: Editor, place: tuple[str, str] | None) -> None:
        """Notes where a page's cursor is."""
        if place != editor.place:
            editor.place = place
            editor.wrote = True
            self._pages.show_soon()

    async def settle(self) -> None:
        """Waits a moment until what was sent is kept: the last page may have been closed behind its last word."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._frames.join(), _SETTLES)

    async def stop(self, sentence: str = _STOPS, code: int = AGAIN) -> None:
        """Closes every page, and ends."""
        self.is_over = True
        self._pages.end(code, sentence)
        self._pages.stop()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.gather(*(one for one in self._tasks if one is not asyncio.current_task()), return_exceptions=True)

    # --- What is written ---------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        try:
            while True:
                frames = [await self._frames.get()]
                while not self._frames.empty() and len(frames) < _AT_ONCE:
                    frames.append(self._frames.get_nowait())
                await self._fresh()
                await self._in_turn([one for one in frames if one is not None])
                if None in frames:
                    self._pages.pass_on([(None, one) for one in await self._missed()])
                    await self._pass_on_notes()
                for _ in frames:
                    self._frames.task_done()
        except Gone:
            await self.stop(_GONE, ENDED)
        except Exception as error:
            # Of the store or of ours: what was not kept was told to nobody, and every page still has its own.
            log.warning("a pad could not be kept", extra={"error": where(error)})
            await self.stop(_STORE)

    async def _fresh(self) -> None:
        """Waits until it is known who may read and write now."""
        while self._is_stale:
            self._answered.clear()
            await self._answered.wait()

    @property
    def _is_stale(self) -> bool:
        return time.monotonic() - self._looked > _HOLDS

    async def _in_turn(self, frames: Sequence[_Frame]) -> None:
        changes: list[_Frame] = []
        for one in frames:
            if one.editor.over:
                continue
            if one.kind != ASK and one.asked is None:
                changes.append(one)
                continue
            await self._take_in(changes)  # nobody is given what is not kept yet
            changes = []
            if one.asked is not None:
                await self._note(one.editor, one.asked)
                continue
            try:
                one.editor.send(frame(GIVE, self._document.beyond(one.body)))
                one.editor.is_even = True
            except MalformedUpdate as error:
                one.editor.end(REFUSED, f"What this page sent could not be read. {error}")
        await self._take_in(changes)

    async def _take_in(self, frames: Sequence[_Frame]) -> None:
        """Takes updates in together; where one of them cannot be, each by itself."""
        taken: list[tuple[Editor, bytes]] = []
        owners: dict[int, str] = {}
        answered: list[Editor] = []
        try:
            for one in frames:
                try:
                    made, new = self._document.take_in(one.body, one.editor.user_id, closed=one.editor.closed)
                except Spoiled:
                    raise
                except Refused as refused:
                    self._refuse(one.editor, str(refused))
                    continue
                one.editor.wrote = True
                answered.append(one.editor)
                owners |= new
                if made is not None:
                    taken.append((one.editor, made))
            if taken:
                await self._keep(taken, owners)
        except (Refused, Taken) as refused:
            await self._load()
            if len(frames) == 1:
                told = str(refused) if isinstance(refused, Refused) else "Somebody else has written under that number."
                self._refuse(frames[0].editor, told)
                return
            for one in frames:
                if not one.editor.over:
                    await self._take_in((one,))
            return
        for editor in answered:
            editor.taken += 1
        for editor in dict.fromkeys(answered):
            editor.tell(saved=editor.taken)

    async def _note(self, editor: Editor, asked: Asked) -> None:
        """Does what a page asks about a comment or a suggestion, and tells it that this is kept, or why not."""
        editor.wrote = True
        around = Around(self._document, self._standing, self._reader, self._now())
        refused = await self._notes.do(editor, asked, around, self._change)
        await self._pass_on_notes()
        editor.tell(noted=asked.number, **({"refused": refused} if refused else {}))

    async def _change(self, editor: Editor, update: bytes, also: Callable[[sa.Connection], None]) -> None:
        """Makes a change in a member's name, in one transaction with what `also` does."""
        try:
            made, owners = self._document.take_in(update, editor.user_id)
            await self._keep([(None, made or EMPTY)], owners, also)
        except (Refused, Taken):
            await self._load()
            raise

    async def _pass_on_notes(self) -> None:
        """Tells every page of the comments and suggestions that were changed."""
        changed = await self._notes.catch_up()
        for editor in self.editors if changed else ():
            self._notes.show(editor, self._pages.people, changed)
        self._label(self._standing)

    async def _keep(
        self,
        taken: Sequence[tuple[Editor | None, bytes]],
        owners: Mapping[int, str],
        also: Callable[[sa.Connection], None] | None = None,
    ) -> None:
        """Writes updates down, and shows them to the others; in one transaction with what `also` does.

        Raises:
            Refused: the text has a label that has no place here, or is too long.
            Taken: somebody else's client is among it.
            Gone: the pad was taken back.
        """
        text = self._document.text
        check_length(text)
        label = self._labels(text, self._standing)
        data, called, now = [made for _, made in taken], title(text), self._now()
        behind = await self._book.append(
            self.event_id, self._count, data, owners, title=called, label=label.label, now=now, also=also
        )
        self._count = behind.count
        missed = self._document.catch_up(behind.updates) if behind.updates else ()
        if label != self._labelled:
            self._labelled = label
            self._pages.tell_all(self._labelled)
        self._pages.pass_on([*((None, one) for one in missed), *taken])
        if self._count - self._folded >= _FOLD:
            self._folded = self._count
            await self._book.fold(self.event_id, self._count, self._document.state)

    async def _missed(self) -> Sequence[bytes]:
        """What another process has kept meanwhile."""
        behind = await self._book.behind(self.event_id, self._count)
        if behind.count <= self._count:
            return ()
        self._count = behind.count
        found = self._document.catch_up(behind.updates)
        self._label(self._standing)
        return found

    def _refuse(self, editor: Editor, sentence: str) -> None:
        editor.end(REFUSED, sentence)
        self.leave(editor)

    async def _load(self) -> None:
        """Puts it together anew from what is kept; of that, the pages are shown what another process wrote."""
        missed = await self._book.behind(self.event_id, self._count) if self.editors else None
        kept = await self._book.kept(self.event_id)
        self._document = Document(kept.updates, kept.owners)
        self._count = kept.count
        self._folded = kept.count - len(kept.updates) + 1
        self._pages.pass_on([(None, one) for one in (missed.updates if missed else ())])

    # --- Who is there ------------------------------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        try:
            while True:
                await asyncio.sleep(LOOKS_EVERY)
                await self._look_again()
                if not self._alone and not self._frames.full():
                    self._frames.put_nowait(None)
        except Exception as error:
            log.error("a pad is looked after no more", extra={"error": where(error)})
            await self.stop(_ASKING)

    async def _look_again(self) -> None:
        """Asks who may still read and write, and sends away who may not."""
        asked = tuple(self.editors)
        if not asked:
            return
        try:
            standing = await self._look(self.room_id, self.event_id, asked)
        except Exception as error:
            if time.monotonic() - self._looked > _PATIENCE:
                log.warning("nobody says who may read a pad", extra={"error": where(error)})
                for editor in asked:
                    editor.end(AGAIN, _ASKING)
                    self.leave(editor)
            return
        for editor in asked:
            before = editor.closed, editor.name, editor.redacts
            if not self._admit(editor, standing):
                editor.end(ENDED, _GONE)
                self.leave(editor)
            elif before != (editor.closed, editor.name, editor.redacts):
                tell(editor, self._labelled)
                self._pages.show_soon()
        self._label(standing)
        self._looked = time.monotonic()
        self._answered.set()

    def _admit(self, editor: Editor, standing: Standing) -> bool:
        """Takes over what the module says of a page's member; whether they may read."""
        found = standing.members.get(editor)
        if found is None:
            return False
        editor.name, editor.organisation, editor.redacts = found.name, found.organisation, found.redacts
        editor.closed = found.closed or ("" if editor.confirmed else _UNCONFIRMED)
        return True

    def _label(self, standing: Standing) -> None:
        """Takes over the label, which may have been raised or lowered.

        Where the group carries less by now than the text says of itself, nobody is shown it any more: who is in the
        group may be others than those for whom it was written.
        """
        if not standing.members:
            return
        self._standing = standing
        try:
            found = self._labels(self._document.text, standing)
        except Refused as refused:
            self._pages.end(ENDED, str(refused))
            return
        if found != self._labelled:
            self._labelled = found
            self._pages.tell_all(self._labelled)

    def _labels(self, text: str, standing: Standing) -> Labelled:
        return labelled(text, standing.label, standing.ceiling, self._reader, self._notes.label)


_UNCONFIRMED: Final = "To write here, confirm this browser first."
