"""Documents as LibreOffice writes them: a marker in each place that outlasts its conversion, and none invented."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pypdf import PdfReader

from belisha.inside import Finding, Reason
from belisha.inside.look import look_inside
from belisha.tlp import Label
from tests.support.documents import FORMATS

#: `make test` has the same places in documents of our own making (`test_inside.py`).
pytestmark = [pytest.mark.full, pytest.mark.nightly]

#: What LibreOffice makes of what. (Spreadsheets become no PDF here: it cuts long cells in two, each half on a page.)
TARGETS: Final = {
    "odt": ("docx", "odt"),
    "docx": ("docx", "odt"),
    "ods": ("xlsx",),
    "xlsx": ("xlsx", "ods"),
    "odp": ("pptx",),
    "pptx": ("pptx", "odp"),
    "pdf": ("docx", "odt", "pptx", "odp"),
}
#: What LibreOffice does not take over from documents that our tests have put something into by hand.
_BY_HAND: Final = {"docx custom", "docx embedded", "docx footnote", "docx sensitivity"}
#: What is not in the document that it writes, so that nobody can find it there.
LOST: Final = {
    "odt": _BY_HAND,
    "docx": _BY_HAND,
    "ods": {"xlsx custom"},
    "xlsx": {"xlsx custom", "ods header"},
    "odp": {"pptx custom"},
    "pptx": {"pptx custom", "pptx alternative", "odp alternative"},
    "pdf": {
        *_BY_HAND,
        *(f"docx {place}" for place in ("box", "watermark", "comment", "category", "description", "status")),
        *(f"odt {place}" for place in ("comment", "custom")),
        "odp description",
        "odp alternative",
        *(f"pptx {place}" for place in ("alternative", "notes", "custom", "layout", "master")),
    },
}
#: LibreOffice breaks the word in the narrow cell, and what is left of it is no label.
UNCLEAR: Final = {"marked.pptx.cell.pdf"}
#: A header or footer in running words, on one page only: there it is a line like any other.
MISSED: Final = {"pdf": {"docx header in words", "odt header", "pptx footer"}}
WORDS: Final = {"marked": "TLP:AMBER+STRICT", "plain": "Low water"}


def documents(name: str) -> Iterator[tuple[str, str, bytes]]:
    """One with the marker in each place; every third without one, for what the converter itself adds."""
    for kind, words in WORDS.items():
        for number, (place, data) in enumerate(FORMATS[name](words).items()):
            if kind == "marked" or number % 3 == 0:
                yield kind, place, data


def converted(target: str, folder: Path) -> Path:
    """A folder with `{marked,plain}.{format}.{place}` in the target's format."""
    sources = folder / "sources"
    sources.mkdir()
    for name in TARGETS[target]:
        for kind, place, data in documents(name):
            (sources / f"{kind}.{name}.{place}.{name}").write_bytes(data)
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    command = ["soffice", profile, "--headless", "--convert-to", target, "--outdir", str(folder / target)]
    subprocess.run([*command, *map(str, sources.iterdir())], check=True, capture_output=True, timeout=1200)
    return folder / target


@pytest.mark.parametrize("target", TARGETS)
def test_no_marker_is_missed_and_none_invented(tmp_path: Path, target: str) -> None:
    seen = []
    wrong = {}
    for path in sorted(converted(target, tmp_path).iterdir()):
        kind, name, place = path.name.split(".")[:3]
        data = path.read_bytes()
        is_lost = f"{name} {place}" in LOST[target]
        is_found = kind == "marked" and not is_lost and f"{name} {place}" not in MISSED.get(target, ())
        finding = look_inside(io.BytesIO(data))
        expected = Finding(Label.AMBER_STRICT if is_found else None)
        if finding != (Finding(not_checked=Reason.UNCLEAR) if path.name in UNCLEAR else expected):
            wrong[path.name] = finding
        assert not is_lost or WORDS["marked"] not in everything_in(data), f"{path.name} has it after all"
        seen.append(path.name)
    assert wrong == {}
    assert len(seen) == sum(len(list(documents(name))) for name in TARGETS[target])


def everything_in(data: bytes) -> str:
    """All text that an archive or a PDF has, the markup too."""
    if data.startswith(b"%PDF"):
        reader = PdfReader(io.BytesIO(data))
        return " ".join(["".join(page.extract_text() for page in reader.pages), str(reader.metadata)])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return " ".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
