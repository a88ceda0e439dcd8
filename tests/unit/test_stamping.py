"""Pictures with their label, covers in front of what cannot carry one, and the process that makes both."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageCms
from pypdf import PdfReader

from belisha.inside.look import look_inside
from belisha.stamping import SENTENCES, Copy, Order, Unstamped
from belisha.stamping.copies import make_copy
from belisha.stamping.order import DOWNLOADED, SHOWN, tidy_name
from belisha.tlp import Label
from synapse_modules.scan.box import Bounds
from synapse_modules.scan.scanner import Scanner
from synapse_modules.scan.stamper import Stamper
from tests.support.producers import drawn, written

ORDER = Order.of(Label.AMBER, "quay.jpg", "Dina (Harbour)", "@dina:belisha.localhost", "2026-11-30 04:12 UTC")


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def photo(size: tuple[int, int] = (600, 400), colour: str = "#3366CC") -> Image.Image:
    return Image.new("RGB", size, colour)


def made(data: bytes, order: Order = ORDER) -> tuple[Copy, Image.Image]:
    copy = make_copy(io.BytesIO(data), order)
    assert (copy.unstamped, copy.has_original, copy.after) == (None, False, b"")
    return copy, Image.open(io.BytesIO(copy.before))


def shown(picture: Image.Image, colour: str) -> bool:
    """Whether a colour is seen in both strips."""
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    height = (picture.height - 400) // 2
    for top in (0, picture.height - height):
        strip = picture.convert("RGB").crop((0, top, picture.width, top + height))
        dots = strip.getcolors(10**6) or ()
        if sum(count for count, dot in dots if all(abs(a - b) < 60 for a, b in zip(dot, wanted, strict=True))) < 40:
            return False
    return True


# --- Pictures --------------------------------------------------------------------------------------------------------


def test_a_picture_gets_two_strips() -> None:
    for label in Label:
        for kind, media_type in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/png")):
            copy, picture = made(saved(photo(), kind), ORDER._replace(label=label))
            assert copy.media_type == media_type
            assert picture.size == (600, 448)
            assert picture.convert("RGB").getpixel((0, 0)) == (0, 0, 0)
            assert shown(picture, label.colour)
            middle = picture.convert("RGB").getpixel((300, 224))
            assert all(abs(a - b) < 8 for a, b in zip(middle, (0x33, 0x66, 0xCC), strict=True))


def test_what_a_camera_wrote_is_left_out_and_the_picture_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "The harbour master's garden"
    exif.get_ifd(0x8825)[1] = "N"
    data = saved(photo((400, 600)), "JPEG", exif=exif, comment=b"secret")
    assert b"garden" in data
    copy, picture = made(data)
    assert b"garden" not in copy.before and b"secret" not in copy.before
    assert dict(picture.getexif()) == {}
    assert picture.size == (600, 448), "it was lying: its strips are above and below as it is seen"
    text = saved(photo(), "PNG", pnginfo=_text_chunk("garden"))
    assert b"garden" in text and b"garden" not in made(text)[0].before


def _text_chunk(text: str) -> object:
    from PIL import PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Description", text)
    return chunks


def test_colours_stay_what_they_are() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert made(saved(photo(), "JPEG", icc_profile=profile))[1].info["icc_profile"] == profile
    clear = Image.new("RGBA", (600, 400), (10, 20, 30, 0))
    assert made(saved(clear, "PNG"))[1].getpixel((300, 224))[3] == 0
    for picture in (photo().convert("P"), photo().convert("L"), photo().convert("1"), photo().convert("CMYK")):
        kind = "TIFF" if picture.mode == "CMYK" else "PNG"
        assert made(saved(picture, kind))[1].size == (600, 448)


def test_a_narrow_picture_is_made_wide_enough_for_its_label() -> None:
    _, picture = made(saved(photo((8, 400)), "PNG"))
    assert picture.width > 80
    assert shown(picture, Label.AMBER.colour)


def test_pictures_that_cannot_carry_it(monkeypatch: pytest.MonkeyPatch) -> None:
    moving = saved(photo(), "GIF", save_all=True, append_images=[photo(colour="#FF0000")])
    assert make_copy(io.BytesIO(moving), ORDER).unstamped is Unstamped.KIND
    assert make_copy(io.BytesIO(saved(Image.new("I;16", (9, 9)), "PNG")), ORDER).unstamped is Unstamped.KIND
    assert make_copy(io.BytesIO(saved(photo(), "PNG")[:30] + b"?" * 900), ORDER).unstamped is Unstamped.BROKEN
    monkeypatch.setattr("belisha.stamping.picture.PIXELS", 1000)
    assert make_copy(io.BytesIO(saved(photo(), "PNG")), ORDER).unstamped is Unstamped.TOO_LARGE


# --- Covers ----------------------------------------------------------------------------------------------------------


def test_what_was_done_stands_before_the_name() -> None:
    who = "Dina (Harbour), @dina:belisha.localhost, 2026-11-30 04:12 UTC"
    for done, said in ((DOWNLOADED, "Downloaded by"), (SHOWN, "Shown to")):
        order = Order.of(Label.AMBER, "a.pdf", *who.rsplit(", ", 2), done)
        assert Order.from_json(order.as_json()).note == f"{said} {who}"
        assert Order.of(Label.GREEN, "a.pdf", *who.rsplit(", ", 2), done).note == ""


def archive(data: bytes, order: Order = ORDER) -> tuple[Copy, zipfile.ZipFile]:
    copy = make_copy(io.BytesIO(data), order)
    assert copy.has_original and copy.media_type == "application/zip"
    opened = zipfile.ZipFile(io.BytesIO(copy.before + data + copy.after))
    assert opened.testzip() is None
    return copy, opened


def test_a_cover_says_the_label_and_why(tmp_path: Path) -> None:
    order = ORDER._replace(name="H\xf6he \u0394.docx", label=Label.AMBER_STRICT)
    copy, opened = archive(b"PK\3\4" + bytes(99), order)
    assert copy.name == "TLP-AMBER+STRICT H\xf6he \u0394.docx.zip"
    assert opened.namelist() == ["TLP-AMBER+STRICT.txt", "H\xf6he \u0394.docx"]
    assert opened.read("H\xf6he \u0394.docx") == b"PK\3\4" + bytes(99)
    text = opened.read("TLP-AMBER+STRICT.txt").decode("utf-8-sig")
    assert text.strip().splitlines()[0] == text.strip().splitlines()[-1] == "TLP:AMBER+STRICT"
    assert SENTENCES[Unstamped.KIND] in text and "Downloaded by Dina (Harbour), @dina:belisha.localhost" in text
    # Shared again, the archive says its label itself.
    assert look_inside(io.BytesIO(copy.before + b"PK\3\4" + bytes(99) + copy.after)).label is Label.AMBER_STRICT
    (tmp_path / "a.zip").write_bytes(copy.before + b"PK\3\4" + bytes(99) + copy.after)
    checked = subprocess.run(
        [sys.executable, "-m", "zipfile", "-t", tmp_path / "a.zip"], check=True, capture_output=True
    )
    assert b"Done testing" in checked.stdout


def test_a_signed_pdf_has_a_page_for_its_cover() -> None:
    data = written(b"q Q", more=b"<</Type/Sig/ByteRange[0 1 2 3]/Contents<00>>>")
    _, opened = archive(data, ORDER._replace(name="tides.pdf"))
    assert opened.namelist() == ["TLP-AMBER.pdf", "tides.pdf"]
    assert opened.read("tides.pdf") == data
    cover = PdfReader(io.BytesIO(opened.read("TLP-AMBER.pdf")), strict=True)
    text = cover.pages[0].extract_text()
    assert text.count("TLP:AMBER") == 3 and "break its signature" in text.replace("\n", " ")


def test_no_file_takes_its_covers_name() -> None:
    _, opened = archive(b"words", ORDER._replace(name="tlp-amber.TXT"))
    assert opened.namelist() == ["TLP-AMBER.txt", "original tlp-amber.TXT"]


@pytest.mark.parametrize(
    ("given", "tidy"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.doc", "y.doc"),
        ("a\r\nb\0.pdf", "a__b_.pdf"),
        ("\u202efdp.exe", "_fdp.exe"),
        ("..", "file"),
        ("", "file"),
        ("con|a<b>?.txt", "con_a_b__.txt"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_names_of_copies(given: str, tidy: str) -> None:
    assert tidy_name(given) == tidy


# --- The process -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scanner() -> Iterator[Scanner]:
    here = Scanner({})
    yield here
    here.stop()


def test_the_process_makes_what_the_library_makes(scanner: Scanner, tmp_path: Path) -> None:
    """Nothing that stamping needs is loaded too late, when nothing can be opened any more."""
    order = ORDER._replace(by="\xc4na \u0394", at="now")
    files = {
        "pdf": drawn(),
        "jpeg": saved(photo(), "JPEG"),
        "png": saved(photo().convert("P"), "PNG"),
        "webp": saved(photo(), "WEBP"),
        "tiff": saved(photo(), "TIFF", compression="tiff_lzw"),
        "gif": saved(photo(), "GIF"),
        "signed": written(b"q Q", more=b"<</ByteRange[0 1 2 3]>>"),
        "words": b"words",
        "half": drawn()[:900],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        assert Stamper(scanner).copy(str(tmp_path / name), order) == make_copy(io.BytesIO(data), order), name
    with pytest.raises(OSError, match="nothing"):
        Stamper(scanner).copy(str(tmp_path / "nothing"), order)


def test_what_it_is_killed_over_is_covered(tmp_path: Path, scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "slow.pdf"
    # Not a table too few: brackets that a pattern looks through again and again.
    slow.write_bytes(written(b"BI " * 200_000))
    bounds = Bounds(processor=1, seconds=2)
    here = Scanner({}, bounds)
    monkeypatch.setattr("belisha.stamping.copies.stamp_pdf", None)
    try:
        copy = Stamper(here, bounds).copy(str(slow), ORDER)
        assert copy.has_original and copy.unstamped in (Unstamped.TOO_SLOW, Unstamped.BROKEN)
    finally:
        here.stop()
    monkeypatch.setattr("synapse_modules.scan.stamper.LARGEST", 100)
    (tmp_path / "a.png").write_bytes(saved(photo(), "PNG"))
    assert Stamper(scanner).copy(str(tmp_path / "a.png"), ORDER).unstamped is Unstamped.TOO_LARGE
    monkeypatch.setattr(scanner, "ask", lambda path, message, most: b"")
    copy = Stamper(scanner).copy(str(tmp_path / "a.png"), ORDER)
    assert copy.has_original and copy.unstamped is Unstamped.BROKEN, "nothing was answered"


def test_an_answer_is_read_with_care() -> None:
    for about in ({}, {"before": -1, "after": 1}, {"before": 0, "after": 0, "has_original": 1}):
        with pytest.raises(ValueError, match="no copy"):
            Copy.from_json(about, b"")
    with pytest.raises(ValueError, match="no order"):
        Order.from_json({"label": "TLP:PURPLE"})
    assert Order.from_json(ORDER.as_json()) == ORDER
