"""A monthly report as a PDF, out of what was frozen of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import typst

_HERE: Final = Path(__file__).parent
#: How plots look on paper; they carry no style of their own (see `bots.metrics.plots`).
_STYLE: Final = (_HERE / "plots.css").read_text(encoding="utf-8")


def pdf(document: Mapping[str, Any]) -> bytes:
    """The PDF (PDF/UA-1) of a report; the same bytes for the same document.

    Args:
        document: as `bots.metrics.monthly.document_of` made it.

    Raises:
        typst.TypstError: it cannot be set.
    """
    blocks = [{**one, "svg": _styled(one["svg"])} for one in document["blocks"]]
    # What is in the document is handed over as data: no word of it is read as a command.
    inputs = {"document": json.dumps({**document, "blocks": blocks})}
    made = datetime.combine(datetime.fromisoformat(document["made"]), time(), UTC)
    compiler = typst.Compiler(
        _HERE / "report.typ",
        root=_HERE,
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts())]),
        sys_inputs=inputs,
    )
    found = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=made)
    if not isinstance(found, bytes):
        raise TypeError("several files")
    return found


def _styled(svg: str) -> str:
    head, _, rest = svg.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{_STYLE}</style>{rest}'


def fonts() -> Path:
    """The fonts that come with Matplotlib, which is not loaded for that."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise FileNotFoundError("matplotlib")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
