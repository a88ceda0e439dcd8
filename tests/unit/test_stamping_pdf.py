"""PDF files of many programs, stamped: the label is on every page, for programs and for eyes; all else stays."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from pypdf import PdfReader

from belisha.inside import Finding
from belisha.inside.look import look_inside
from belisha.stamping import Copy, Order, Unstamped
from belisha.stamping.copies import make_copy
from belisha.stamping.strip import HEIGHT
from belisha.tlp import Label
from tests.support.producers import EDGES, MADE, PROGRAMS, WORDS, changed, drawn, run, written

ORDER = Order.of(
    Label.AMBER, "tides.pdf", "Dina M\xfcller (Harbour)", "@dina:belisha.localhost", "2026-11-30 04:12 UTC"
)
#: Each page is looked at with so many dots for a point.
DOTS = 2


def stamped(data: bytes, order: Order = ORDER) -> tuple[Copy, bytes]:
    copy = make_copy(io.BytesIO(data), order)
    return copy, copy.before + (data if copy.has_original else b"") + copy.after


def pages_of(path: Path) -> list[Image.Image]:
    """What a reader of PDF shows of each page."""
    target = path.with_suffix("")
    subprocess.run(
        ["pdftoppm", "-cropbox", "-r", str(72 * DOTS), "-l", "2", path, target], check=True, capture_output=True
    )
    return [Image.open(file).convert("RGB") for file in sorted(path.parent.glob(f"{target.name}-*.ppm"))]


def said(path: Path, page: int) -> str:
    """The text of one page, as poppler reads it."""
    command = ["pdftotext", "-cropbox", "-f", str(page), "-l", str(page), path, "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def assert_strip(strip: Image.Image, colour: str) -> None:
    """It is black from side to side, and its label stands on the right in its colour."""
    width, height = strip.size
    for column in (1, width - 4):  # the last column may be a fraction of a dot
        assert strip.getpixel((column, height // 2)) == (0, 0, 0)
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    right = strip.crop((max(0, width - 130 * DOTS), 0, width, height))
    dots = sum(
        count
        for count, dot in right.getcolors(10**6) or ()
        if all(abs(a - b) < 40 for a, b in zip(dot, wanted, strict=True))
    )
    assert dots > 0.005 * right.width * right.height


def assert_stamped(data: bytes, folder: Path) -> None:
    """Everything that holds of a PDF that carries its label."""
    copy, made = stamped(data)
    assert (copy.unstamped, copy.media_type) == (None, "application/pdf")
    assert made.startswith(data), "the original's bytes stand as they were"
    before, after = PdfReader(io.BytesIO(data)), PdfReader(io.BytesIO(made), strict=True)
    assert len(after.pages) == len(before.pages) > 0
    for old, new in zip(before.pages, after.pages, strict=True):
        text = new.extract_text()
        assert text.count("TLP:AMBER") == 2 + old.extract_text().count("TLP:AMBER")
        assert text.count("Downloaded by") == 2
        for line in old.extract_text().splitlines():
            assert line.strip() in text
    own = look_inside(io.BytesIO(data)).label or Label.CLEAR
    assert look_inside(io.BytesIO(made)).label is max(own, Label.AMBER), "shared again, it says its label itself"
    (folder / "old.pdf").write_bytes(data)
    (folder / "new.pdf").write_bytes(made)
    checked = subprocess.run(["qpdf", "--check", folder / "new.pdf"], check=False, capture_output=True, text=True)
    worse = subprocess.run(["qpdf", "--check", folder / "old.pdf"], check=False, capture_output=True, text=True)
    assert checked.returncode <= worse.returncode, checked.stderr
    for number in range(1, len(after.pages) + 1):
        before_it, after_it = (said(folder / f"{name}.pdf", number).count("TLP:AMBER") for name in ("old", "new"))
        assert after_it == before_it + 2
    assert_seen(folder, [float(page.get("/UserUnit", 1)) for page in after.pages])


def assert_seen(folder: Path, units: list[float]) -> None:
    """Between the strips stands what stood there before, dot for dot."""
    old, new = pages_of(folder / "old.pdf"), pages_of(folder / "new.pdf")
    assert len(old) == len(new) > 0
    for before, after, unit in zip(old, new, units, strict=False):
        strip = round(HEIGHT * DOTS / unit)
        # pdftoppm draws in the page's own units, or in points; what is seen is as wide either way.
        if after.height - before.height > 2 * strip + 4:
            strip = round(HEIGHT * DOTS)
        assert after.width == before.width
        assert abs(after.height - before.height - 2 * strip) <= 2
        assert_strip(after.crop((0, 0, after.width, strip - 1)), Label.AMBER.colour)
        assert_strip(after.crop((0, after.height - strip + 1, after.width, after.height)), Label.AMBER.colour)
        inner = after.crop((0, strip, after.width, strip + before.height))
        difference = ImageStat.Stat(ImageChops.difference(before, inner)).mean
        assert max(difference) < 6, "a fraction of a dot, where the sheet is no whole number of dots high"


@pytest.mark.parametrize("name", MADE)
def test_every_page_carries_its_label(name: str, tmp_path: Path) -> None:
    assert_stamped(MADE[name](), tmp_path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_files_of_other_programs(name: str, tmp_path: Path) -> None:
    assert_stamped(run(*PROGRAMS[name], folder=tmp_path), tmp_path)


def test_a_stamped_copy_can_be_stamped(tmp_path: Path) -> None:
    """Who shares what they were given shares a PDF like any other."""
    _, once = stamped(drawn(), Order.of(Label.GREEN, "tides.pdf", "", "", ""))
    copy, _ = stamped(once)
    assert copy.unstamped is None
    assert PdfReader(io.BytesIO(once + copy.after)).pages[1].extract_text().count("TLP:") == 4


def test_the_edges_stay_readable() -> None:
    _, made = stamped(drawn())
    text = PdfReader(io.BytesIO(made)).pages[0].extract_text()
    assert all(line in text for line in (*EDGES, WORDS))


def test_below_amber_nobody_is_named() -> None:
    for label, is_named in ((Label.CLEAR, False), (Label.GREEN, False), (Label.AMBER, True), (Label.RED, True)):
        order = Order.of(label, "tides.pdf", "Dina (Harbour)", "@dina:belisha.localhost", "now")
        text = PdfReader(io.BytesIO(stamped(drawn(), order)[1])).pages[0].extract_text()
        assert ("@dina" in text) == ("Dina" in text) == is_named
        assert text.count(str(label)) == 2


def test_names_in_other_letters_are_told_by_user_id() -> None:
    order = ORDER._replace(by="\u0394\u03ae\u03bc\u03b7\u03c4\u03c1\u03b1")
    text = PdfReader(io.BytesIO(stamped(drawn(), order)[1])).pages[0].extract_text()
    assert "Downloaded by @dina:belisha.localhost, 2026" in text


def test_what_cannot_carry_a_label_has_a_cover(tmp_path: Path) -> None:
    data = drawn()
    encrypted = changed(lambda writer: writer.encrypt("secret"), data)
    restricted = changed(lambda writer: writer.encrypt("", "secret"), data)
    half = data[: len(data) // 2]
    cases = {
        Unstamped.ENCRYPTED: (encrypted, restricted),
        Unstamped.BROKEN: (half, b"%PDF-1.7\n", data.replace(b"startxref\n", b"startxref\n1"), b"\n" + data),
        Unstamped.KIND: (b"words", b"PK\3\4" + bytes(40)),
    }
    for reason, files in cases.items():
        for file in files:
            assert stamped(file)[0].unstamped is reason
    # Objects that are not where the table says: a reader may look for them, an update may not rest upon that.
    moved = data.replace(b"0000000", b"0000001", 5)
    assert stamped(moved)[0].unstamped is Unstamped.BROKEN
    assert stamped(written(b"BT (never ends Tj ET"))[0].unstamped is Unstamped.BROKEN


def test_a_signed_file_stays_as_it_is() -> None:
    """An update behind a signature leaves it true of the bytes before, but readers then say that it was changed."""
    data = written(b"q Q", more=b"<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>>>")
    copy, made = stamped(data)
    assert (copy.unstamped, copy.media_type) == (Unstamped.SIGNED, "application/zip")
    assert data in made


def test_too_many_pages_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("belisha.stamping.pdf.PAGES", 1)
    assert stamped(drawn(pages=1))[0].unstamped is None
    assert stamped(drawn(pages=2))[0].unstamped is Unstamped.TOO_LARGE
    liar = written(b"q Q").replace(b"/Count 1", b"/Count 0").replace(b"/Kids[3 0 R]", b"/Kids[3 0 R 3 0 R]")
    assert stamped(liar)[0].unstamped is not None


def test_what_a_name_may_not_do() -> None:
    order = Order.of(Label.AMBER, "../..\\\u202egpj.exe\n", ") Tj (", "@dina:belisha.localhost", "now")
    copy, made = stamped(drawn(), order)
    assert copy.name == "TLP-AMBER _gpj.exe_.pdf"
    assert ") Tj (, @dina" in PdfReader(io.BytesIO(made)).pages[0].extract_text()
    assert look_inside(io.BytesIO(made)) == Finding(Label.AMBER)
