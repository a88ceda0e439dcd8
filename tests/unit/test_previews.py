"""Small pictures of how files begin, drawn by the confined process, with their label; what has none ends nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen import canvas

from belisha.stamping import Order
from belisha.tlp import Label
from synapse_modules.scan import serving
from synapse_modules.scan.answer import PREVIEW, as_order
from synapse_modules.scan.box import Bounds
from synapse_modules.scan.preview import WITHIN
from synapse_modules.scan.scanner import Scanner
from synapse_modules.scan.stamper import Stamper
from tests.support.pictures import SECRETS, photo
from tests.support.producers import MADE, drawn, written

ORDER = Order.of(Label.AMBER, "quay.pdf", "Dina (Harbour)", "@dina:belisha.localhost", "2026-11-30 04:12 UTC")
BLUE, WHITE = (51, 102, 204), (255, 255, 255)


@pytest.fixture(scope="module")
def stamper() -> Iterator[Stamper]:
    scanner = Scanner({})
    yield Stamper(scanner)
    scanner.stop()


def preview(stamper: Stamper, folder: Path, data: bytes, order: Order = ORDER) -> Image.Image | None:
    (folder / "file").write_bytes(data)
    found = stamper.preview(str(folder / "file"), order)
    return None if found is None else Image.open(io.BytesIO(found))


def dots(picture: Image.Image, colour: str | tuple[int, int, int], box: tuple[int, int, int, int] | None = None) -> int:
    """How many points of it, or of a part, are about of that colour."""
    wanted = colour if isinstance(colour, tuple) else tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    counted = picture.convert("RGB").crop(box).getcolors(10**7) or ()
    return sum(count for count, dot in counted if all(abs(a - b) < 40 for a, b in zip(dot, wanted, strict=True)))


def is_labelled(picture: Image.Image, label: Label) -> bool:
    """Whether a label is seen in both strips."""
    width, height = picture.size
    return all(dots(picture, label.colour, (0, top, width, top + 24)) > 20 for top in (0, height - 24))


@pytest.mark.full
@pytest.mark.nightly
def test_the_first_page_is_drawn_of_what_many_programs_write(stamper: Stamper, tmp_path: Path) -> None:
    """As it is seen: turned, cropped, with fonts that the file does not bring; never larger than a page shows it."""
    for name, make in MADE.items():
        picture = preview(stamper, tmp_path, make())
        assert picture is not None and picture.format == "JPEG", name
        assert picture.width <= WITHIN[0] and picture.height <= WITHIN[1] * 1.1, name
        assert is_labelled(picture, Label.AMBER), name
        middle = (0, 40, picture.width, picture.height - 40)
        assert picture.width * (picture.height - 80) - dots(picture, WHITE, middle) > 30, name
    upright, turned = (preview(stamper, tmp_path, MADE[name]()) for name in ("reportlab", "turned by 90"))
    assert upright is not None and turned is not None
    assert upright.width < upright.height and turned.width > turned.height
    assert dots(upright, BLUE) > 5_000 and dots(upright, BLUE, (0, 0, upright.width // 2, upright.height)) == 0
    cropped = preview(stamper, tmp_path, MADE["cropped"]())
    assert cropped is not None and dots(cropped, BLUE, (cropped.width - 40, 60, cropped.width, 300)) > 1_000


def test_it_is_the_first_page_alone_and_its_label_is_the_order_s(stamper: Stamper, tmp_path: Path) -> None:
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pagesize=(300, 300))
    for red, blue in ((1, 0), (0, 1)):
        page.setFillColorRGB(red, 0, blue)
        page.rect(0, 0, 300, 300, fill=1, stroke=0)
        page.showPage()
    page.save()
    for label in Label:
        order = Order.of(label, "a.pdf", "Dina", "@dina:belisha.localhost", "2026-11-30 04:12 UTC")
        picture = preview(stamper, tmp_path, stream.getvalue(), order)
        assert picture is not None and is_labelled(picture, label), label
        assert dots(picture, (255, 0, 0), (0, 24, picture.width, picture.height - 24)) > 400_000
        assert dots(picture, (0, 0, 255)) == 0
        # Who saw it stands on it from AMBER on, in white, to the left.
        assert (dots(picture, WHITE, (0, 0, picture.width // 2, 24)) > 20) == (label >= Label.AMBER), label


def test_a_picture_is_made_small_and_says_nothing_but_what_is_seen(stamper: Stamper, tmp_path: Path) -> None:
    data = photo()
    picture = preview(stamper, tmp_path, data)
    found = stamper.preview(str(tmp_path / "file"), ORDER)
    assert found is not None and all(secret in data and secret not in found for secret in SECRETS)
    assert picture is not None and is_labelled(picture, Label.AMBER) and not picture.getexif()
    out = io.BytesIO()
    Image.new("RGBA", (2000, 1000), (0, 0, 0, 0)).save(out, "PNG")
    clear = preview(stamper, tmp_path, out.getvalue())
    assert clear is not None and (clear.width, clear.height) == (WITHIN[0], WITHIN[0] // 2 + 2 * 24)
    assert dots(clear, WHITE, (0, 24, clear.width, clear.height - 24)) == WITHIN[0] * WITHIN[0] // 2


def test_fonts_of_the_system_are_not_there(stamper: Stamper, tmp_path: Path) -> None:
    """A font that the file does not bring is PDFium's own, whatever is installed under its name."""

    def drawn_in(font: bytes) -> bytes:
        page = written(b"BT /F 20 Tf 30 150 Td (The water returns) Tj ET")
        (tmp_path / "file").write_bytes(page.replace(b"/Type1/BaseFont/Helvetica", b"/TrueType/BaseFont/" + font))
        found = stamper.preview(str(tmp_path / "file"), ORDER)
        assert found is not None
        return found

    assert drawn_in(b"DejaVuSans") == drawn_in(b"DejaVuSerif") == drawn_in(b"NoSuchFont")


def encrypted(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(drawn())))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_what_cannot_be_drawn_has_none_and_ends_nothing(stamper: Stamper, tmp_path: Path) -> None:
    files = {
        "words": b"words",
        "nothing": b"",
        "a head": b"%PDF-1.7\n",
        "a third of a file": drawn()[:600],
        "encrypted": encrypted("secret"),
        "encrypted with no password": encrypted(""),
        "a page that is none": written(b"").replace(b"/Kids[3 0 R]", b"/Kids[9 0 R]"),
        "half a picture": photo()[:300],
        "an archive": b"PK\x03\x04" + bytes(200),
    }
    for name, data in files.items():
        assert preview(stamper, tmp_path, data) is None, name
    assert preview(stamper, tmp_path, drawn()) is not None
    with pytest.raises(OSError, match="none"):
        stamper.preview(str(tmp_path / "none"), ORDER)


def test_what_takes_too_much_has_none(tmp_path: Path) -> None:
    """Commands without end, and a page of so many points that none could hold it; the next file is drawn."""
    scanner = Scanner({}, Bounds(processor=1, seconds=3))
    try:
        stamper = Stamper(scanner)
        assert preview(stamper, tmp_path, written(b"0 0 300 300 re f\n" * 3_000_000)) is None
        wide = preview(stamper, tmp_path, written(b"0 0 9 9 re f").replace(b"[0 0 300 300]", b"[0 0 9e9 300]"))
        assert wide is None or wide.width <= WITHIN[0]
        assert preview(stamper, tmp_path, drawn()) is not None
    finally:
        scanner.stop()


def test_where_calls_cannot_be_filtered_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    message = PREVIEW + as_order(ORDER)
    assert b"".join(serving._answer(message, io.BytesIO(drawn()), {})).startswith(b'{"kind": "image/jpeg"')
    monkeypatch.setattr(serving, "CAN_FILTER", False)
    assert b"".join(serving._answer(message, io.BytesIO(drawn()), {})) == b""


def test_no_other_answer_is_taken_for_one(stamper: Stamper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for answer in (
        b"",
        b"{}\n",
        b'{"kind": "text/html", "size": 6}\n<html>',
        b'{"kind": "image/jpeg", "size": 6}\n<html>',
    ):
        monkeypatch.setattr(stamper._scanner, "ask", lambda path, message, most, answer=answer: answer)
        assert stamper.preview(str(tmp_path / "file"), ORDER) is None, answer
