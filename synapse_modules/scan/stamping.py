"""Makes one stamped copy in this process, which has been confined."""

from __future__ import annotations

import io
import os

from belisha.stamping import Order
from belisha.stamping.copies import make_copy
from belisha.stamping.picture import load as load_pictures
from belisha.tlp import Label
from synapse_modules.scan.answer import as_copy, from_order

_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>endobj 4 0 obj<</Length 3>>stream\n"
    b"q Q\nendstream endobj\n"
)


def stamp(descriptor: int, message: bytes, answer: int) -> None:
    """Answers with a copy of the file that is open there.

    Raises:
        Exception: whatever a file leads to that no copy foresees; nothing is answered then.
    """
    with os.fdopen(descriptor, "rb") as file, os.fdopen(answer, "wb") as given:
        copy = make_copy(file, from_order(message))
        for part in (as_copy(copy), copy.before, copy.after):
            given.write(part)


def load() -> None:
    """Loads all that stamping needs, now: Python loads much late, which a confined process cannot."""
    order = Order(Label.AMBER, "a", "\xc4", "@a:b", "1")
    load_pictures()
    places = [_PDF.index(b"%d 0 obj" % number) for number in range(1, 5)]
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    whole = _PDF + table + b"trailer<</Root 1 0 R/Size 5>>\nstartxref\n%d\n%%%%EOF\n" % len(_PDF)
    for sample in (whole, _PDF, b"%PDF-1.7 /ByteRange", b"text"):
        make_copy(io.BytesIO(sample), order)
