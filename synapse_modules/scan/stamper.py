"""Has copies and previews made by the confined process, from within Synapse; blocks, so it is called from a thread."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from belisha.stamping import Copy, Order, Unstamped
from belisha.stamping.cover import cover
from synapse_modules.scan.answer import PREVIEW, as_order, from_copy, picture_in
from synapse_modules.scan.box import Bounds
from synapse_modules.scan.scanner import Scanner

#: What a copy adds to the original, or is without it, in bytes: it is in memory while it is sent.
LARGEST: Final = 64 * 1024**2
#: Of a preview, in bytes: more than its points take as a JPEG, whatever they show.
_PREVIEW: Final = 2 * 1024**2


class Stamper:
    """Asks the process that reads uploads for copies; may be used by several threads."""

    def __init__(self, scanner: Scanner, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - it is frozen
        self._scanner = scanner
        self._bounds = bounds

    def copy(self, path: str, order: Order) -> Copy:
        """A copy of a file; where the process was killed over it, an archive with a cover, which reads nothing of it.

        Raises:
            ScanFailed: where no file can be read at present.
            OSError: where this one cannot be opened.
            Unstampable: where it is too large even for an archive.
        """
        started = time.monotonic()
        answer = self._scanner.ask(path, as_order(order), LARGEST + 1)
        is_too_large = len(answer) > LARGEST
        try:
            return from_copy(b"" if is_too_large else answer)
        except ValueError:
            is_late = time.monotonic() - started > min(self._bounds.seconds, self._bounds.processor) * 0.8
        reason = Unstamped.TOO_LARGE if is_too_large else Unstamped.TOO_SLOW if is_late else Unstamped.BROKEN
        with Path(path).open("rb") as file:
            return cover(file, order, reason)

    def preview(self, path: str, order: Order) -> bytes | None:
        """A JPEG of how a file begins, with its label on it; None where nothing of it can be drawn within the limits.

        Raises:
            ScanFailed: where no file can be read at present.
            OSError: where this one cannot be opened.
        """
        try:
            return picture_in(self._scanner.ask(path, PREVIEW + as_order(order), _PREVIEW))[1]
        except ValueError:
            return None
