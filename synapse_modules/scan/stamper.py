"""Has stamped copies made by the confined process, from within Synapse; blocks, so it is called from a thread."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import Final

from belisha.stamping import Copy, Order, Unstamped
from belisha.stamping.cover import cover
from synapse_modules.scan.answer import as_order, from_copy
from synapse_modules.scan.box import Bounds
from synapse_modules.scan.scanner import Scanner

#: What a copy adds to the original, or is without it, in bytes: it is in memory while it is sent.
LARGEST: Final = 64 * 1024**2
_PIECE: Final = 1024**2
_GRACE: Final = 5


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
        answer = self._answer(self._scanner.ask(path, as_order(order)))
        try:
            return from_copy(answer or b"")
        except ValueError:
            is_late = time.monotonic() - started > min(self._bounds.seconds, self._bounds.processor) * 0.8
        reason = Unstamped.TOO_LARGE if answer is None else Unstamped.TOO_SLOW if is_late else Unstamped.BROKEN
        with Path(path).open("rb") as file:
            return cover(file, order, reason)

    def _answer(self, descriptor: int) -> bytes | None:
        """All that is answered; None where that is too much."""
        until = time.monotonic() + self._bounds.seconds + _GRACE
        poll = select.poll()  # not select: Synapse may have more than a thousand open files
        poll.register(descriptor, select.POLLIN)
        data = bytearray()
        try:
            while poll.poll(max(0.0, until - time.monotonic()) * 1000):
                piece = os.read(descriptor, _PIECE)
                if not piece:
                    break
                data += piece
                if len(data) > LARGEST:
                    return None
        finally:
            os.close(descriptor)
        return bytes(data)
