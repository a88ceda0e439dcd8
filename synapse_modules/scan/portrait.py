"""Makes of a picture what everyone sees of it: small, and its points alone; in the confined process.

A photo says when, where and with what it was taken (Exif, XMP), and may hold a whole other picture, a text, or another
file behind its end. None of that is in what is drawn anew. Nothing here is trusted to come to an end: the process is
limited, and what it says is checked by whoever has it work (`scanner`).
"""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from PIL import (
    ExifTags,
    Image,
    MpoImagePlugin,  # noqa: F401  of the JPEG decoder, for those that hold a second picture
)

from synapse_modules.scan.answer import as_picture

#: The longer side of what is made, in points; clients show pictures of people and rooms at a fifth of it.
SIDE: Final = 512
#: What is opened has at most so many points: a phone's camera takes 12 to 50 million.
MOST_POINTS: Final = 64_000_000
#: The decoders that a stranger's picture reaches; those of Synapse's thumbnails too.
_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP")
_QUALITY: Final = 88
_TURNED: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def portrait(file: BinaryIO) -> bytes:
    """The answer that holds a picture drawn anew. A JPEG stays one; everything else becomes a PNG.

    Raises:
        Exception: of any kind: it is no picture that can be drawn.
    """
    bare, kind = drawn_anew(file, (SIDE, SIDE))
    out = io.BytesIO()
    bare.save(out, kind, quality=_QUALITY)
    return as_picture(f"image/{kind.lower()}", out.getvalue())


def drawn_anew(file: BinaryIO, within: tuple[int, int]) -> tuple[Image.Image, str]:
    """A picture's points, RGB or RGBA, as many as have room within a width and a height, and JPEG or PNG.

    Of an animation it is the first picture.

    Raises:
        Exception: of any kind: it is no picture that can be drawn.
    """
    # What it warns of from half its own limit on is decided here.
    Image.MAX_IMAGE_PIXELS = 2 * MOST_POINTS
    with Image.open(file, formats=_FORMATS) as found:
        if found.width * found.height > MOST_POINTS:
            raise ValueError("too large")
        kind = "JPEG" if found.format in ("JPEG", "MPO") else "PNG"
        if kind == "PNG":  # whose Exif may stand behind the points; a JPEG is decoded as small as is needed
            found.load()
        turned = _TURNED.get(_orientation(found))
        has_alpha = "A" in found.getbands() or "transparency" in found.info
        if found.mode in ("1", "P", "PA"):  # others can be made smaller as they are, which needs less memory
            small: Image.Image = found.convert("RGBA" if has_alpha else "RGB")
        else:
            small = found
        small.thumbnail(within, Image.Resampling.LANCZOS)
        small = small.convert("RGBA" if has_alpha and kind == "PNG" else "RGB")
    if turned is not None:
        small = small.transpose(turned)
    bare = Image.new(small.mode, small.size)
    bare.paste(small)
    return bare, kind


def _orientation(found: Image.Image) -> int:
    try:
        value = found.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Exif that is broken turns nothing
        return 1
    return value if isinstance(value, int) else 1


def load() -> None:
    """Loads all that drawing needs, now: a confined process can open nothing."""
    Image.init()
    for kind, mode in (("JPEG", "RGB"), ("PNG", "RGBA"), ("GIF", "P"), ("WEBP", "RGBA")):
        sample = io.BytesIO()
        Image.new(mode, (2, 2)).save(sample, kind)
        portrait(sample)
