"""How long reading what is inside a file takes, in the confined process that reads uploads, and how much memory.

A PDF of 100 pages of running text with headers, an office document, and files that are made to be endless: these are
to end within the limits, whatever they find.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from belisha.tlp import Label
from bench.report import Bar, BenchFailed, Result, say
from bench.send import folder
from synapse_modules.scan.box import Bounds
from synapse_modules.scan.scanner import ScanFailed, Scanner
from tests.support.documents import PROSE, archive, docxs, pdf

_TIMES: Final = 21
_QUICK_TIMES: Final = 7


def run(*, quick: bool) -> Result:
    """Reads each file several times and takes the median; of hostile ones the one time."""
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made:
        scanner = Scanner({})
        try:
            return _run(scanner, Path(made) / "file", _QUICK_TIMES if quick else _TIMES)
        except ScanFailed as error:
            raise BenchFailed(str(error)) from None
        finally:
            scanner.stop()


def _run(scanner: Scanner, path: Path, times: int) -> Result:
    figures: dict[str, float] = {}
    ordinary = {
        "pages100": pdf(
            lambda page, number: page.drawString(60, 820, f"TLP:GREEN page {number}"), pages=100, lines=PROSE * 4
        ),
        "docx": docxs("TLP:GREEN")["header"],
    }
    scanner.start()
    for name, data in ordinary.items():
        say(f"{name}: {times} times …")
        path.write_bytes(data)
        reports = [scanner.scan(str(path)) for _ in range(times)]
        if any(report.finding.label is not Label.GREEN for report in reports):
            raise BenchFailed(f"The marker in {name} was not found.")
        figures[f"{name}_s"] = median(report.seconds for report in reports)
        figures[f"{name}_mb"] = max(report.kib for report in reports) / 1024
    slowest, largest = 0.0, 0.0
    for name, make in HOSTILE.items():
        say(f"{name} …")
        path.write_bytes(make())
        report = scanner.scan(str(path))
        if report.finding.not_checked is None:
            raise BenchFailed(f"{name} was read to its end, and so is not what it is meant to be.")
        figures[f"{name}_s"] = report.seconds
        slowest, largest = max(slowest, report.seconds), max(largest, report.kib / 1024)
    figures["hostile_most_s"], figures["hostile_most_mb"] = slowest, largest
    bounds = Bounds()
    return Result(
        bench="scan",
        figures=figures,
        bars={
            "pages100_s": Bar(most=2.0),
            "hostile_most_s": Bar(most=bounds.seconds + 2),
            "hostile_most_mb": Bar(most=bounds.memory / 1024**2),
        },
        meaning=f"A PDF of 100 pages is read in {figures['pages100_s']:.2f} s with {figures['pages100_mb']:.0f} MB; "
        f"what is made never to end, ended after {slowest:.1f} s at most, with {largest:.0f} MB.",
    )


def stream_bomb() -> bytes:
    """A PDF whose page is a gigabyte, packed twice."""
    packed = zlib.compress(zlib.compress(b"(Tides) Tj " * 8_000_000, 9), 9)
    return _pdf(b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%b\nendstream" % (len(packed), packed))


def slow_page() -> bytes:
    """A PDF with one page of two million words: no limit is looked at before it ends, so its process is killed."""
    packed = zlib.compress(b"BT /F 9 Tf " + b"(Tides and more) Tj 0 -9 Td " * 2_000_000 + b"ET", 9)
    return _pdf(b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(packed), packed))


def endless_pdf() -> bytes:
    """A PDF of 2,000 pages, each of which draws a form that draws ten, each of which draws ten, and so on."""
    kids = b" ".join([b"3 0 R"] * 2000)
    drawn = b" ".join(b"/F Do" for _ in range(10))
    forms = b"".join(
        b"%d 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F %d 0 R>>>>/Length %d>>stream\n"
        b"%b\nendstream endobj\n" % (number, number + 1, len(drawn), drawn)
        for number in range(10, 40)
    )
    return (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 2000/Kids["
        + kids
        + b"]>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/Resources<</XObject<</F 10 0 R>>>>/Contents 4 0 R>>endobj\n"
        + b"4 0 obj<</Length 5>>stream\n/F Do\nendstream endobj\n"
        + forms
        + b"trailer<</Root 1 0 R/Size 50>>\nstartxref\n0\n%%EOF\n"
    )


def _pdf(contents: bytes) -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/Resources<</Font<</F<</Type/Font"
        b"/Subtype/Type1/BaseFont/Helvetica>>>>>>/Contents 4 0 R>>endobj\n4 0 obj"
        + contents
        + b"endobj\ntrailer<</Root 1 0 R/Size 5>>\nstartxref\n0\n%%EOF\n"
    )


def zip_bomb() -> bytes:
    """An office document whose text is a quarter of a gigabyte."""
    return archive({**_TYPES, "word/document.xml": b"<a><p><t>" + b"A" * 256 * 1024**2})


def billion_laughs() -> bytes:
    """An office document with entities that stand for ten of the next, and so on."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    document = f'<!DOCTYPE d [<!ENTITY l0 "ha">{laughs}]><p>&l11;</p>'
    return archive({**_TYPES, "word/document.xml": document.encode()})


_TYPES: Final = {"[Content_Types].xml": b"<Types/>"}
#: Files that cannot be read to their end within the limits, each for another reason, by what makes them.
HOSTILE: Final[dict[str, Callable[[], bytes]]] = {
    "zip_bomb": zip_bomb,
    "billion_laughs": billion_laughs,
    "pages10000": lambda: pdf(pages=10_000, lines=("Tides",)),
    "pdf_bomb": stream_bomb,
    "slow_page": slow_page,
    "endless_pdf": endless_pdf,
}
