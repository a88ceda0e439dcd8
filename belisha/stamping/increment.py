"""Writes the part that stands behind a PDF's bytes: objects, their table, where that begins (ISO 32000-2, 7.5.6)."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from typing import Any, Final

from pypdf.generic import ByteStringObject

#: What stays of the trailer before: the document itself, and what is said of it.
_KEPT: Final = ("/Root", "/Info")


class Increment:
    """New and replaced objects, in the order in which they are given."""

    def __init__(self, begins: int, first: int) -> None:
        """Begins with nothing.

        Args:
            begins: how many bytes stand before.
            first: the first number that no object has.
        """
        self._begins = begins
        self._next = first
        self._written = bytearray(b"\n")
        #: Where each object stands, by number, with its generation.
        self._places: dict[int, tuple[int, int]] = {}

    def add(self, content: bytes) -> int:
        """Writes a new object; its number."""
        number = self._next
        self._next += 1
        self.replace((number, 0), content)
        return number

    def add_stream(self, data: bytes, about: bytes = b"") -> int:
        """Writes a new stream with what its dictionary says; its number."""
        return self.add(b"<<%b/Length %d>>\nstream\n%b\nendstream" % (about, len(data), data))

    def replace(self, key: tuple[int, int], content: bytes) -> None:
        """Writes an object, named by its number and generation, anew."""
        number, generation = key
        self._places[number] = (self._begins + len(self._written), generation)
        self._written += b"%d %d obj\n%b\nendobj\n" % (number, generation, content)

    def finish(self, trailer: Any, previous: int, *, is_table: bool) -> bytes:
        """All of it, with its table of objects in the form that the one before has.

        Args:
            trailer: that of the file before.
            previous: where the table before begins.
            is_table: whether that one is a table and no stream.
        """
        start = self._begins + len(self._written)
        if not is_table:
            self._places[self._next] = (start, 0)
            self._next += 1
        about = b"/Size %d/Prev %d%b" % (self._next, previous, self._kept(trailer))
        end = self._table(about) if is_table else self._stream(about)
        return bytes(self._written) + end + b"\nstartxref\n%d\n%%%%EOF\n" % start

    def finish_alone(self, root: int) -> bytes:
        """All of it, as a document of its own whose first object is numbered 1."""
        start = self._begins + len(self._written)
        entries = b"".join(b"%010d %05d n \n" % self._places[number] for number in sorted(self._places))
        table = b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d/Root %d 0 R>>" % (
            self._next,
            entries,
            self._next,
            root,
        )
        return bytes(self._written) + table + b"\nstartxref\n%d\n%%%%EOF\n" % start

    def _kept(self, trailer: Any) -> bytes:
        kept = io.BytesIO()
        for key in _KEPT:
            if key in trailer:
                kept.write(key.encode() + b" ")
                trailer.raw_get(key).write_to_stream(kept)
        identity = trailer.get("/ID")
        if identity is not None and len(identity) == 2:
            # The first names the document through all its versions, the second this one.
            kept.write(b"/ID[")
            first = identity[0]
            ByteStringObject(first.original_bytes if hasattr(first, "original_bytes") else first).write_to_stream(kept)
            kept.write(b"<%b>]" % hashlib.sha256(self._written).hexdigest()[:32].encode())
        return kept.getvalue()

    def _table(self, about: bytes) -> bytes:
        # The free object is named anew, since some readers take the first that is named for the first there is.
        parts = [b"xref\n0 1\n0000000000 65535 f \n"]
        for run in _runs(sorted(self._places)):
            parts.append(b"%d %d\n" % (run[0], len(run)))
            parts += [b"%010d %05d n \n" % self._places[number] for number in run]
        return b"".join(parts) + b"trailer\n<<" + about + b">>"

    def _stream(self, about: bytes) -> bytes:
        runs = list(_runs(sorted(self._places)))
        index = b" ".join(b"%d %d" % (run[0], len(run)) for run in runs)
        data = b"".join(struct.pack(">BQH", 1, *self._places[number]) for run in runs for number in run)
        return b"%d 0 obj\n<</Type/XRef%b/W[1 8 2]/Index[%b]/Length %d>>\nstream\n%b\nendstream\nendobj" % (
            self._next - 1,
            about,
            index,
            len(data),
            data,
        )


def _runs(numbers: list[int]) -> Iterator[list[int]]:
    """The numbers, parted where one is left out."""
    run: list[int] = []
    for number in numbers:
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run
