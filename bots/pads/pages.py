"""The pages that have one pad open, and what all of them are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bots.pads.document import merged
from bots.pads.editor import Editor, written
from bots.pads.rules import Labelled
from bots.pads.updates import CHANGE, frame

#: So long after a cursor has moved all of them are shown, in seconds; among more than a few pages, longer by as much.
_SHOWN_AFTER: Final = 0.05
_FEW: Final = 5


class Pages:
    """Who has a pad open."""

    def __init__(self, is_fresh: Callable[[], bool]) -> None:
        """There is nobody yet.

        Args:
            is_fresh: whether it is known now who may read the pad; before that nobody is told who is there.
        """
        self.editors: set[Editor] = set()
        self._is_fresh = is_fresh
        self._number = 0
        self._showing: asyncio.TimerHandle | None = None
        self._is_over = False

    @property
    def people(self) -> Mapping[str, Editor]:
        """A page of each member who is here."""
        return {one.user_id: one for one in self.editors}

    def add(self, editor: Editor) -> None:
        """Lets a page in."""
        self._number += 1
        editor.number = self._number
        self.editors.add(editor)

    def discard(self, editor: Editor) -> None:
        """Lets a page go."""
        self.editors.discard(editor)
        self.show_soon()

    def pass_on(self, made: Sequence[tuple[Editor | None, bytes]]) -> None:
        """Gives updates as one, since it is messages that cost: what a page wrote itself is no news to it.

        To no page that has not been given what they build on.
        """
        if not made:
            return
        writers = {by for by, _ in made}
        framed = frame(CHANGE, merged([update for _, update in made]))
        for editor in self.editors:
            if editor.is_even and writers != {editor}:
                editor.send(framed)

    def tell_all(self, labelled: Labelled) -> None:
        """Tells every page what it is to know of the pad and of itself."""
        for editor in self.editors:
            tell(editor, labelled)

    def end(self, code: int, sentence: str) -> None:
        """Closes every page."""
        for editor in self.editors:
            editor.end(code, sentence)

    def show_soon(self) -> None:
        """Tells everybody who is there, in a moment."""
        if self._showing is None and not self._is_over:
            pause = _SHOWN_AFTER * max(1.0, len(self.editors) / _FEW)
            self._showing = asyncio.get_running_loop().call_later(pause, self._show)

    def stop(self) -> None:
        """Tells nobody anything more of who is there."""
        self._is_over = True
        if self._showing is not None:
            self._showing.cancel()

    def _show(self) -> None:
        """Later, where it is not known whether they still may."""
        self._showing = None
        if not self._is_fresh():
            self.show_soon()
            return
        here = written(here=[one.shown() for one in sorted(self.editors, key=lambda one: one.number)])
        for editor in self.editors:
            editor.say(here)


def tell(editor: Editor, labelled: Labelled) -> None:
    """Tells a page what it is to know of the pad and of itself."""
    label, note, closed = str(labelled.label), labelled.note, editor.closed or None
    editor.tell(you=editor.number, label=label, note=note, closed=closed, redacts=editor.redacts)
