"""How long stamping a PDF takes, in the confined process that reads uploads, and that memory stays flat with its size.

A PDF of 100 pages of running text; as many with large pictures in them; and one of 1,000 pages.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from PIL import Image
from pypdf import PdfReader
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from belisha.stamping import Copy, Order
from belisha.tlp import Label
from bench.report import Bar, BenchFailed, Result, say
from bench.send import folder
from synapse_modules.scan.scanner import ScanFailed, Scanner
from synapse_modules.scan.stamper import Stamper
from tests.support.documents import PROSE, pdf

_TIMES: Final = 21
_QUICK_TIMES: Final = 7
_ORDER: Final = Order.of(Label.AMBER, "report.pdf", "Dina (Harbour)", "@dina:belisha.localhost", "2026-11-30 04:12 UTC")


def run(*, quick: bool) -> Result:
    """Stamps each file several times and takes the median."""
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made:
        scanner = Scanner({})
        try:
            return _run(scanner, Path(made) / "file", _QUICK_TIMES if quick else _TIMES)
        except ScanFailed as error:
            raise BenchFailed(str(error)) from None
        finally:
            scanner.stop()


def _run(scanner: Scanner, path: Path, times: int) -> Result:
    stamper = Stamper(scanner)
    files = {
        "pages100": (pdf(pages=100, lines=PROSE * 4), 100),
        "heavy100": (_heavy(), 100),
        "pages1000": (pdf(pages=1000, lines=PROSE * 4), 1000),
    }
    scanner.start()
    figures: dict[str, float] = {}
    for name, (data, pages) in files.items():
        say(f"{name}: {times} times, of {len(data) / 1024**2:.1f} MB …")
        path.write_bytes(data)
        took = []
        for _ in range(times):
            begun = time.monotonic()
            copy = stamper.copy(str(path), _ORDER)
            took.append(time.monotonic() - begun)
        _check(copy, data, pages)
        figures[f"{name}_s"] = median(took)
        figures[f"{name}_mb"] = _memory(data)
        figures[f"{name}_added_kb"] = len(copy.after) / 1024
    more = figures["heavy100_mb"] - figures["pages100_mb"]
    return Result(
        bench="stamp",
        figures={**figures, "heavy_more_mb": more},
        bars={"pages100_s": Bar(most=1.5), "heavy_more_mb": Bar(most=8.0)},
        meaning=f"A PDF of 100 pages is stamped in {figures['pages100_s']:.2f} s; with large pictures in it, in "
        f"{figures['heavy100_s']:.2f} s and with {more:.1f} MB more memory.",
    )


def _check(copy: Copy, data: bytes, pages: int) -> None:
    reader = PdfReader(io.BytesIO(data + copy.after))
    if copy.unstamped is not None or len(reader.pages) != pages:
        raise BenchFailed("A file was not stamped.")
    if "TLP:AMBER" not in reader.pages[pages - 1].extract_text():
        raise BenchFailed("A page carries no label.")


def _memory(data: bytes) -> float:
    """How much the memory of a process of its own grows while it stamps a file, in MB."""
    from belisha.stamping.copies import make_copy

    with tempfile.NamedTemporaryFile(dir=folder()) as file:
        file.write(data)
        file.flush()
        mine, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            Path("/proc/self/clear_refs").write_text("5")  # the most so far counts from here
            before = _most()
            with Path(file.name).open("rb") as opened:
                make_copy(opened, _ORDER)
            os.write(theirs, str(_most() - before).encode())
            os._exit(0)
        os.close(theirs)
        kib = int(os.read(mine, 64) or b"0")
        os.close(mine)
        os.waitpid(child, 0)
        return kib / 1024


def _most() -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) if found else 0


def _heavy() -> bytes:
    """100 pages, eight of which show a picture of 2.8 million dots each."""
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pageCompression=0)
    for number in range(100):
        page.drawString(60, 700, "Tides")
        if number < 8:
            picture = Image.effect_noise((1672, 1672), 50 + number).convert("RGB")
            page.drawImage(ImageReader(picture), 60, 100, 400, 400)
        page.showPage()
    page.save()
    return stream.getvalue()
