"""PDF files of the tests, as different programs write them and as hands do; each with the words of its first page."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import matplotlib
import matplotlib.figure
from PIL import Image
from pypdf import PdfReader, PdfWriter, Transformation
from pypdf.generic import ArrayObject, FloatObject, NameObject, NumberObject, RectangleObject
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen import canvas

WORDS: Final = "The water returns at nine"
#: What is drawn at the edges of a page, which no stamp may cover.
EDGES: Final = ("First line of the page", "Last line of the page")
Make = Callable[[], bytes]


def drawn(size: tuple[float, float] = A4, *, pages: int = 2, packed: bool = True) -> bytes:
    """Written by reportlab: running words, words at both edges, and a shape to see what is up."""
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pagesize=size, pageCompression=int(packed))
    width, height = size
    for _ in range(pages):
        page.setFillColorRGB(0.2, 0.4, 0.8)
        page.rect(width * 0.6, height * 0.6, width * 0.3, height * 0.2, fill=1, stroke=0)
        page.setFillColorRGB(0, 0, 0)
        page.setFont("Helvetica", min(11, width / 20))
        page.drawString(width * 0.1, height * 0.5, WORDS)
        page.drawRightString(width - 2, height - 10, EDGES[0])
        page.drawRightString(width - 2, 3, EDGES[1])
        page.showPage()
    page.save()
    return stream.getvalue()


def changed(change: Callable[[PdfWriter], object], data: bytes | None = None) -> bytes:
    """Written by pypdf, changed."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data or drawn())))
    change(writer)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def _each(change: Callable[..., object]) -> Make:
    def make() -> bytes:
        return changed(lambda writer: [change(page) for page in writer.pages])

    return make


def _turned(degrees: int) -> Make:
    return _each(lambda page: page.__setitem__(NameObject("/Rotate"), NumberObject(degrees)))


def _boxed(**boxes: tuple[float, float, float, float]) -> Make:
    return _each(
        lambda page: [page.__setitem__(NameObject(f"/{key}"), RectangleObject(box)) for key, box in boxes.items()]
    )


def _moved() -> bytes:
    """A page whose own corner is far from the origin."""

    def move(page: object) -> None:
        page.add_transformation(Transformation().translate(-1000, 5000))  # type: ignore[attr-defined]
        page[NameObject("/MediaBox")] = RectangleObject((-1000, 5000, -1000 + A4[0], 5000 + A4[1]))  # type: ignore[index]

    return _each(move)()


def _upside_down_box(page: object) -> None:
    page[NameObject("/MediaBox")] = ArrayObject(map(FloatObject, (A4[0], A4[1], 0, 0)))  # type: ignore[index]


def written(
    commands: bytes, *, page: bytes = b"", pages: bytes = b"", more: bytes = b"", resources: bytes | None = None
) -> bytes:
    """Written by hand, with a right table: one page with those commands."""
    own = b"/Resources<</Font<</F 5 0 R>>>>" if resources is None else resources
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[6 0 R]/D<</OFF[6 0 R]>>>>>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]%b>>" % pages,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]%b/Contents 4 0 R%b>>" % (own, page),
        b"<</Length %d>>stream\n%b\nendstream" % (len(commands), commands),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/OCG/Name(Hidden)>>",
    ]
    if more:
        objects.append(more)
    data, places = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
        len(data),
    )


_SAID: Final = b"BT /F 11 Tf 30 150 Td (%b) Tj ET" % WORDS.encode()


def run(*command: str, data: bytes | None = None, folder: Path) -> bytes:
    """What a program makes of a PDF: `{in}` and `{out}` are files."""
    source, target = folder / "in.pdf", folder / "out.pdf"
    source.write_bytes(data or drawn())
    target.unlink(missing_ok=True)
    filled = [part.replace("{in}", str(source)).replace("{out}", str(target)) for part in command]
    subprocess.run(filled, check=True, capture_output=True)
    return target.read_bytes()


def _picture() -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((400, 600)).convert("RGB").save(stream, "PDF")
    return stream.getvalue()


def _chart() -> bytes:
    matplotlib.rcParams["pdf.fonttype"] = 42
    stream = io.BytesIO()
    figure = matplotlib.figure.Figure()
    figure.text(0.1, 0.5, WORDS)
    figure.savefig(stream, format="pdf")
    return stream.getvalue()


#: What this process writes, by the program or the oddity.
MADE: Final[dict[str, Make]] = {
    "reportlab": drawn,
    "reportlab, not packed": lambda: drawn(packed=False),
    "landscape": lambda: drawn(landscape(A4)),
    "a small card": lambda: drawn((90, 60)),
    "a large sheet": lambda: drawn((2384, 3370)),
    "pypdf": lambda: changed(lambda _: None),
    "turned by 90": _turned(90),
    "turned by 180": _turned(180),
    "turned by 270": _turned(270),
    "turned by -90": _turned(-90),
    "cropped": _boxed(CropBox=(100, 200, 500, 700)),
    "cropped beyond the sheet": _boxed(CropBox=(-50, -50, 500, 900)),
    "cropped and turned": lambda: changed(
        lambda writer: [
            page.update(
                {NameObject("/CropBox"): RectangleObject((100, 200, 500, 700)), NameObject("/Rotate"): NumberObject(90)}
            )
            for page in writer.pages
        ]
    ),
    "far from the origin": _moved,
    "a box from the wrong corner": _each(_upside_down_box),
    "larger units": _each(lambda page: page.__setitem__(NameObject("/UserUnit"), FloatObject(2.0))),
    "a picture": _picture,
    "matplotlib": _chart,
    "a state too many": lambda: written(b"q 0.5 0 0 0.5 0 0 cm 2 0 0 2 0 0 cm q q " + _SAID),
    "a state too few": lambda: written(_SAID + b" Q Q 0.1 0 0 0.1 9 9 cm"),
    "clipped to nothing": lambda: written(_SAID + b" 0 0 1 1 re W n"),
    "text left open": lambda: written(b"BT /F 11 Tf 30 150 Td 90 Tz (The water \\(returns) Tj ( at nine) Tj"),
    "a hidden layer left open": lambda: written(
        _SAID + b" /OC /L BDC",
        resources=b"/Resources<</Font<</F 5 0 R>>/Properties<</L 6 0 R>>>>",
    ),
    "brackets in texts": lambda: written(_SAID + b" BT /F 1 Tf (a (q (q) Q) \\( Q Q q) Tj <20BDC0> Tj ET % q q Q"),
    "a picture in the line": lambda: written(
        _SAID + b"\nq 20 0 0 20 9 9 cm BI /W 3 /H 2 /BPC 8 /CS /G ID q Q (E\nEI Q"
    ),
    "all inherited": lambda: written(
        _SAID, resources=b"", pages=b"/Resources<</Font<</F 5 0 R>>>>/Rotate 90/CropBox[0 100 300 200]"
    ),
    "our name is taken": lambda: written(
        _SAID + b" /TLP Do",
        resources=b"/Resources<</Font<</F 5 0 R>>/XObject 7 0 R>>",
        more=b"<</TLP 7 0 R/TLPx 7 0 R>>",
    ),
    "commands in parts": lambda: written(
        b"", page=b"/Contents[4 0 R 7 0 R 7 0 R]", more=b"<</Length %d>>stream\n%b\nendstream" % (len(_SAID), _SAID)
    ).replace(b"/Contents 4 0 R/", b"/X        4 0 R/"),
    "no resources": lambda: written(b"0 0 9 9 re f", resources=b""),
}
#: What other programs write, of Debian.
PROGRAMS: Final[dict[str, tuple[str, ...]]] = {
    "qpdf, in streams of objects": ("qpdf", "--object-streams=generate", "{in}", "{out}"),
    "qpdf, for the web": ("qpdf", "--linearize", "{in}", "{out}"),
    "qpdf, to be read": ("qpdf", "--qdf", "--object-streams=disable", "{in}", "{out}"),
    "cairo": ("pdftocairo", "-pdf", "{in}", "{out}"),
}
