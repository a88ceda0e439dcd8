"""The plain text of a file, as it is searched; gathered where the reader of labels reads (`look`), and as far."""

from __future__ import annotations

from collections.abc import Sequence

from belisha.inside.finding import Budget, Reason, Unreadable
from belisha.inside.marks import Marks


class Texts(Marks):
    """Gathers what stands in one file, instead of what it says of its label.

    Properties have no text that a reader sees; what stands at the top of each page is read with the page.
    """

    def __init__(self, budget: Budget, most: int) -> None:
        """Begins with nothing; `most` characters are gathered."""
        super().__init__(budget)
        self._parts: list[str] = []
        self._left = most

    @property
    def text(self) -> str:
        """What was gathered so far, a text a line."""
        return "\n".join(self._parts)

    def anywhere(self, text: str) -> None:
        """Takes a header, a footer or a watermark."""
        self._take(text)

    def paragraph(self, text: str) -> None:
        """Takes a paragraph, a cell or a comment."""
        self._take(text)

    def lines(self, text: str) -> None:
        """Takes a page, or a file of text."""
        self._take(text)

    def title(self, text: str) -> None:
        """Takes a title, a bookmark, or what stands for a picture."""
        self._take(text)

    def named(self, name: str, value: str) -> None:
        """Leaves a property out."""

    def bare(self, value: object) -> None:
        """Leaves a label out that stands in the text anyway."""

    def repeated(self, edges: Sequence[Sequence[str]]) -> None:
        """Leaves out what was read with each page."""

    def _take(self, text: str) -> None:
        self._budget.check_time()
        if not (text := text.strip()):
            return
        self._parts.append(text[: self._left])
        self._left -= len(text) + 1
        if self._left <= 0:
            raise Unreadable(Reason.TOO_LARGE)
