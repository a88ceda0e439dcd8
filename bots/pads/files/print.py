"""A pad as a PDF: set by Typst, tagged to be read aloud, and stamped as a copy out of the library is."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Final

import typst

from belisha.stamping.order import Order as Stamp
from belisha.stamping.pdf import stamp_pdf
from bots.pads.files.order import Order
from bots.pads.files.reading import blocks_of
from bots.printing.sheet import fonts

_HERE: Final = Path(__file__).parent


def as_pdf(order: Order) -> bytes:
    """The file.

    Raises:
        typst.TypstError: it cannot be set.
    """
    # What is in the pad is handed over as data: no word of it is read as a command.
    document = {
        "title": order.title or "A pad without a title",
        "community": order.community,
        "label": str(order.label),
        "blocks": blocks_of(order.text),
    }
    compiler = typst.Compiler(
        _HERE / "pad.typ",
        root=_HERE,
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts())]),
        sys_inputs={"document": json.dumps(document)},
    )
    made = compiler.compile(format="pdf", timestamp=datetime.fromisoformat(order.at))
    if not isinstance(made, bytes):
        raise TypeError("several files")
    stamp = Stamp.of(order.label, f"{order.title or 'pad'}.pdf", order.by, order.user_id, order.moment)
    return made + stamp_pdf(io.BytesIO(made), stamp)
