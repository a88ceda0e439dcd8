"""The one writer of tables and documents that leave the platform as files; the portal's and the module's alike.

Members' words go into programs that take some of them for commands: a spreadsheet for a formula, a mail server for a
line of their own. Here they are made harmless, whatever they are, and nothing else writes such files.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import quote

from belisha.tlp import Label

Cell = str | int | float | bool | date | datetime | None

#: What begins a formula in some spreadsheet, full-width signs too (OWASP, CSV injection).
_FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\u2212"
#: At the start, or behind what a spreadsheet of another country takes for the end of a cell.
_STARTS_FORMULA: Final = re.compile(rf"(^|[,;|\"'])(\s*)(?=[{_FORMULA}])")
LINES: Final = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
# Control characters, what turns the direction of writing, and halves of surrogate pairs.
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text on a single line, without characters that nobody sees."""
    return _INVISIBLE.sub("", LINES.sub(" ", text).replace("\t", " "))


def cell(value: Cell) -> str:
    """What stands in a cell of a table: text that no spreadsheet calculates."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case date():
            return value.isoformat()
        case _:
            return _STARTS_FORMULA.sub(r"\1\2'", one_line(value).strip())


def table(label: Label, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A CSV file (RFC 4180) of UTF-8 with a mark that spreadsheets know it by; its first row is the label of it all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([str(label)])
    writer.writerow([cell(head) for head in heads])
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def document(label: Label, content: Mapping[str, Any]) -> bytes:
    """A JSON file of UTF-8; the label of it all comes first."""
    text = json.dumps({"label": str(label), **content}, ensure_ascii=True, indent=2)
    return f"{text}\n".encode()


def file_name(title: str, label: Label, ending: str) -> str:
    """A name that says the file's label, of letters that every system takes: `members.TLP-AMBER.csv`."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")[:60] or "export"
    return f"{plain}.{str(label).replace(':', '-').replace('+', '-')}.{ending}"


def disposition(name: str, kind: str = "attachment") -> str:
    """The header by which a browser saves an answer, and never shows it unless it is `inline` (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(one_line(name), safe='')}"
