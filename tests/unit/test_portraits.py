"""Pictures drawn anew by the confined process: small, their points alone; and what is no picture ends nothing."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from belisha.inside import Finding
from belisha.tlp import Label
from synapse_modules.scan.portrait import MOST_POINTS, SIDE
from synapse_modules.scan.scanner import NoPicture, Scanner
from tests.support.pictures import SECRETS, photo

RED, BLUE = (200, 30, 30), (30, 30, 200)


@pytest.fixture(scope="module")
def scanner() -> Iterator[Scanner]:
    here = Scanner({})
    yield here
    here.stop()


def saved(picture: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def halves(mode: str = "RGB", size: tuple[int, int] = (1200, 600)) -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    return picture.convert(mode)


def drawn(scanner: Scanner, path: Path, data: bytes) -> tuple[str, Image.Image, bytes]:
    path.write_bytes(data)
    kind, found = scanner.portrait(str(path))
    return kind, Image.open(io.BytesIO(found)), found


def is_near(point: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 40 for one, other in zip(point, colour, strict=False))


@pytest.mark.parametrize(
    ("mode", "kind", "more", "becomes"),
    [
        ("RGB", "JPEG", {}, "image/jpeg"),
        ("RGB", "JPEG", {"progressive": True}, "image/jpeg"),
        ("L", "JPEG", {}, "image/jpeg"),
        ("CMYK", "JPEG", {}, "image/jpeg"),
        ("RGB", "MPO", {"save_all": True, "append_images": [halves(size=(64, 64))]}, "image/jpeg"),
        ("RGB", "PNG", {}, "image/png"),
        ("P", "PNG", {}, "image/png"),
        ("1", "PNG", {}, "image/png"),
        ("LA", "PNG", {}, "image/png"),
        ("I;16", "PNG", {}, "image/png"),
        ("P", "GIF", {}, "image/png"),
        ("RGB", "WEBP", {}, "image/png"),
        ("RGBA", "WEBP", {"lossless": True}, "image/png"),
    ],
)
def test_each_kind_of_picture_is_drawn_small(
    scanner: Scanner, tmp_path: Path, mode: str, kind: str, more: dict[str, Any], becomes: str
) -> None:
    found, picture, _ = drawn(scanner, tmp_path / "picture", saved(halves(mode), kind, **more))
    assert found == becomes and picture.size == (SIDE, SIDE // 2) and picture.mode in ("RGB", "RGBA")
    if mode not in ("L", "LA", "1", "I;16"):
        assert is_near(picture.getpixel((20, 20)), RED) and is_near(picture.getpixel((SIDE - 20, 20)), BLUE)


def test_a_photo_says_nothing_but_what_is_seen(scanner: Scanner, tmp_path: Path) -> None:
    data = photo()
    assert all(secret in data for secret in SECRETS), "the search finds what is there"
    _, picture, found = drawn(scanner, tmp_path / "photo.jpg", data)
    assert not [secret for secret in SECRETS if secret in found]
    assert not picture.getexif() and set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "taken at home", zip=False)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(halves(), "PNG", pnginfo=text, icc_profile=profile, exif=Image.open(io.BytesIO(data)).info["exif"])
    _, picture, found = drawn(scanner, tmp_path / "picture.png", data + b"PK\x03\x04 behind the end")
    assert not picture.info and b"taken at home" in data and b"taken at home" not in found and b"PK" not in found[-40:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_it_was_to_be_seen(scanner: Scanner, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    _, picture, _ = drawn(scanner, tmp_path / "turned.jpg", saved(halves(), "JPEG", exif=exif))
    assert picture.size == ((SIDE, SIDE // 2) if orientation < 5 else (SIDE // 2, SIDE))
    first = picture.getpixel((10, 10))
    assert is_near(first, BLUE if orientation in (2, 3, 7, 8) else RED)


def test_of_what_moves_it_is_the_first_picture_and_what_can_be_seen_through_stays_so(
    scanner: Scanner, tmp_path: Path
) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in (RED, BLUE)]
    for kind in ("GIF", "PNG", "WEBP"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        _, picture, _ = drawn(scanner, tmp_path / "moves", data)
        assert getattr(picture, "n_frames", 1) == 1 and is_near(picture.convert("RGB").getpixel((9, 9)), RED), kind
        assert picture.size == (64, 64), "nothing is made larger"
    _, picture, _ = drawn(scanner, tmp_path / "clear", saved(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG"))
    assert picture.mode == "RGBA" and picture.getpixel((9, 9))[3] == 0


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is so large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + width)
    rows = b"".join(packer.compress(row) for _ in range(min(height, 20_000))) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "name", ["bomb", "many points", "text", "cut off", "broken", "empty", "tiff", "svg", "pdf", "no points"]
)
def test_what_is_no_picture_is_refused_and_the_next_is_drawn(scanner: Scanner, tmp_path: Path, name: str) -> None:
    jpeg = saved(halves(), "JPEG")
    data = {
        "bomb": lambda: bomb(20_000, 20_000),
        "many points": lambda: bomb(8000, MOST_POINTS // 8000 + 1),
        "text": lambda: b"\x89PNG\r\n\x1a\n and then words",
        "cut off": lambda: jpeg[: len(jpeg) // 2],
        "broken": lambda: saved(Image.effect_noise((600, 600), 90), "PNG")[:9000] + b"\xff" * 3000,
        "empty": lambda: b"",
        "tiff": lambda: saved(halves(), "TIFF"),
        "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "pdf": lambda: saved(halves(), "PDF"),
        "no points": lambda: bomb(0, 0),
    }[name]()
    (tmp_path / "hostile").write_bytes(data)
    with pytest.raises(NoPicture), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scanner.portrait(str(tmp_path / "hostile"))
    assert drawn(scanner, tmp_path / "next", jpeg)[0] == "image/jpeg"
    (tmp_path / "file").write_text("TLP:GREEN")
    assert scanner.scan(str(tmp_path / "file")).finding == Finding(Label.GREEN)


def test_the_largest_that_is_taken_fits_into_its_limits(scanner: Scanner, tmp_path: Path) -> None:
    for mode in ("RGB", "P"):
        data = saved(Image.new(mode, (8000, MOST_POINTS // 8000)), "PNG", compress_level=1)
        assert drawn(scanner, tmp_path / "large", data)[1].size == (SIDE, SIDE), mode
