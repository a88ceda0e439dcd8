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

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.kernel.logs import where
from bots.pads.book import Gone, PadBook, Taken
from bots.pads.document import Document, Spoiled, merged
from bots.pads.editor import AGAIN, ENDED, REFUSED, Editor, written
from bots.pads.rules import Labelled, Refused, check_length, labelled, title
from bots.pads.standing import Look, Standing
from bots.pads.updates import ASK, CHANGE, GIVE, MalformedUpdate, frame

log = logging.getLogger(__name__)

#: How often it is asked who may read, and for how long an answer holds, in seconds.
LOOKS_EVERY: Final = 0.4
_HOLDS: Final = 0.9
#: For how long nobody is sent away although the module cannot be asked.
_PATIENCE: Final = 10.0
#: So many updates behind the kept state it is written anew.
_FOLD: Final = 400
_AT_ONCE: Final = 200
#: So long after a cursor has moved all of them are shown, in seconds; among more than a few pages, longer by as much.
_SHOWN_AFTER: Final = 0.05
_FEW: Final = 5
_SETTLES: Final = 1.0

_GONE: Final = "This pad is not for you to see any more, it was taken back, or your session has ended."
_STORE: Final = "What you wrote could not be kept just now. This page tries again by itself."
_ASKING: Final = "We cannot check right now who may read this pad, so it is closed. This page tries again by itself."
_STOPS: Final = "The portal is being started anew. This page comes back by itself."


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a page has sent."""

    editor: Editor
    kind: int
    body: bytes


class PadRoom:
    """A pad that is open."""

    def __init__(
        self,
        room_id: str,
        event_id: str,
        book: PadBook,
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
            look: asks who may read and write it.
            reader: reads markers, with the community's own.
            alone: whether no other process can write in it.
            now: the clock, in seconds since 1970.
        """
        self.room_id, self.event_id = room_id, event_id
        self._book, self._look, self._reader, self._alone, self._now = book, look, reader, alone, now
        self.editors: set[Editor] = set()
        self._frames: asyncio.Queue[_Frame | None] = asyncio.Queue(1_000)
        self._document = Document((), {})
        self._count = self._folded = 0
        self._labelled = Labelled(Label.RED)
        self._standing = Standing(Label.RED, Label.RED, {})
        self._looked = 0.0
        self._answered = asyncio.Event()
        self._showing: asyncio.TimerHandle | None = None
        self._number = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.is_over = False

    async def start(self) -> None:
        """Reads what is kept.

        Raises:
            Gone: there is no such pad.
        """
        await self._load()
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
        self._number += 1
        editor.number = self._number
        self.editors.add(editor)
        self._label(standing)
        self._tell(editor)
        editor.send(frame(ASK, self._document.vector))
        self._show_soon()
        return True

    def leave(self, editor: Editor) -> None:
        """Lets a page go."""
        self.editors.discard(editor)
        self._show_soon()

    async def submit(self, editor: Editor, kind: int, body: bytes) -> None:
        """Takes what a page has sent; waits while too much is waiting."""
        await self._frames.put(_Frame(editor, kind, body))

    def point(self, editor: Editor, place: tuple[str, str] | None) -> None:
        """Notes where a page's cursor is."""
        if place != editor.place:
            editor.place = place
            editor.wrote = True
            self._show_soon()

    async def settle(self) -> None:
        """Waits a moment until what was sent is kept: the last page may have been closed behind its last word."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._frames.join(), _SETTLES)

    async def stop(self, sentence: str = _STOPS, code: int = AGAIN) -> None:
        """Closes every page, and ends."""
        self.is_over = True
        for editor in self.editors:
            editor.end(code, sentence)
        if self._showing is not None:
            self._showing.cancel()
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
                    self._pass_on([(None, one) for one in await self._missed()])
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
        while time.monotonic() - self._looked > _HOLDS:
            self._answered.clear()
            await self._answered.wait()

    async def _in_turn(self, frames: Sequence[_Frame]) -> None:
        changes: list[_Frame] = []
        for one in frames:
            if one.editor.over:
                continue
            if one.kind != ASK:
                changes.append(one)
                continue
            await self._take_in(changes)  # nobody is given what is not kept yet
            changes = []
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

    async def _keep(self, taken: Sequence[tuple[Editor, bytes]], owners: Mapping[int, str]) -> None:
        """Writes updates down, and shows them to the others.

        Raises:
            Refused: the text has a label that has no place here, or is too long.
            Taken: somebody else's client is among it.
            Gone: the pad was taken back.
        """
        text = self._document.text
        check_length(text)
        label = labelled(text, self._standing.label, self._standing.ceiling, self._reader)
        data = [made for _, made in taken]
        behind = await self._book.append(
            self.event_id, self._count, data, owners, title=title(text), label=label.label, now=self._now()
        )
        self._count = behind.count
        missed = self._document.catch_up(behind.updates) if behind.updates else ()
        if label != self._labelled:
            self._labelled = label
            self._tell_all()
        self._pass_on([*((None, one) for one in missed), *taken])
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

    def _pass_on(self, made: Sequence[tuple[Editor | None, bytes]]) -> None:
        """Shows changes: as one, since it is messages that cost. What a page wrote itself is no news to it."""
        if not made:
            return
        writers = {by for by, _ in made}
        framed = frame(CHANGE, merged([update for _, update in made]))
        for editor in self.editors:
            if editor.is_even and writers != {editor}:
                editor.send(framed)

    def _refuse(self, editor: Editor, sentence: str) -> None:
        editor.end(REFUSED, sentence)
        self.leave(editor)

    async def _load(self) -> None:
        kept = await self._book.kept(self.event_id)
        self._document = Document(kept.updates, kept.owners)
        self._count = kept.count
        self._folded = kept.count - len(kept.updates) + 1

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
            before = editor.closed, editor.name
            if not self._admit(editor, standing):
                editor.end(ENDED, _GONE)
                self.leave(editor)
            elif before != (editor.closed, editor.name):
                self._tell(editor)
                self._show_soon()
        self._label(standing)
        self._looked = time.monotonic()
        self._answered.set()

    def _admit(self, editor: Editor, standing: Standing) -> bool:
        """Takes over what the module says of a page's member; whether they may read."""
        found = standing.members.get(editor)
        if found is None:
            return False
        editor.name, editor.organisation = found.name, found.organisation
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
            found = labelled(self._document.text, standing.label, standing.ceiling, self._reader)
        except Refused as refused:
            for editor in self.editors:
                editor.end(ENDED, str(refused))
            return
        if found != self._labelled:
            self._labelled = found
            self._tell_all()

    def _tell_all(self) -> None:
        for editor in self.editors:
            self._tell(editor)

    def _tell(self, editor: Editor) -> None:
        editor.tell(
            you=editor.number, label=str(self._labelled.label), note=self._labelled.note, closed=editor.closed or None
        )

    def _show_soon(self) -> None:
        if self._showing is None and not self.is_over:
            pause = _SHOWN_AFTER * max(1.0, len(self.editors) / _FEW)
            self._showing = asyncio.get_running_loop().call_later(pause, self._show)

    def _show(self) -> None:
        """Tells everybody who is there; later where it is not known whether they still may."""
        self._showing = None
        if time.monotonic() - self._looked > _HOLDS:
            self._show_soon()
            return
        here = written(here=[one.shown() for one in sorted(self.editors, key=lambda one: one.number)])
        for editor in self.editors:
            editor.say(here)


_UNCONFIRMED: Final = "To write here, confirm this browser first."
