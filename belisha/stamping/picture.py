"""Stamps a picture: a strip with its label above and below it; what a camera wrote of place and time is left out."""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from belisha.stamping.order import ENCODING, Order, Unstampable, Unstamped
from belisha.tlp import BACKGROUND, Label

#: Pixels of one picture: what is larger is no photograph.
PIXELS: Final = 64_000_000
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")
#: The height of the strips: a share of the picture's width or height, and at least so many pixels.
_SHARE: Final = 0.035
_LEAST: Final = 24
_QUALITY: Final = 92
#: What a strip can be drawn in, and what becomes one of these without loss.
_COLOURS: Final = ("RGB", "RGBA")
_SIMPLER: Final = ("1", "L", "LA", "P", "PA", "CMYK", "YCbCr")


def load() -> None:
    """Loads all that stamping a picture needs, now."""
    Image.init()
    for mode, kind in (("RGB", "JPEG"), ("RGBA", "PNG"), ("P", "GIF"), ("RGB", "WEBP"), ("RGB", "TIFF")):
        small = io.BytesIO()
        Image.new(mode, (40, 30)).save(small, kind)
        stamp_picture(small, Order(Label.AMBER, "a", "\xc4", "@a:b", "1"))


def stamp_picture(file: BinaryIO, order: Order) -> tuple[bytes, str]:
    """The stamped picture, and its media type: JPEG stays JPEG, all others become PNG.

    Raises:
        Unstampable: where it moves, has several pages, is damaged or too large.
    """
    file.seek(0)
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            if picture.width * picture.height > PIXELS:
                raise Unstampable(Unstamped.TOO_LARGE)
            if getattr(picture, "n_frames", 1) > 1:
                raise Unstampable(Unstamped.KIND)
            is_jpeg = picture.format == "JPEG"
            # It says what the numbers mean in the colours that the picture has; of others it would tell wrong.
            profile = picture.info.get("icc_profile") if picture.mode in _COLOURS else None
            upright = ImageOps.exif_transpose(picture)
    except Unstampable:
        raise
    except MemoryError:
        raise Unstampable(Unstamped.TOO_LARGE) from None
    except Exception:  # Pillow raises of every kind, whatever a broken picture leads it to
        raise Unstampable(Unstamped.BROKEN) from None
    return _saved(framed(upright, order), is_jpeg=is_jpeg, profile=profile)


def framed(picture: Image.Image, order: Order) -> Image.Image:
    """The picture between two strips; made wider where the label would have no room.

    Raises:
        Unstampable: where its colours are of a kind that no strip can be drawn in.
    """
    if picture.mode not in _COLOURS and picture.mode not in _SIMPLER:
        raise Unstampable(Unstamped.KIND)
    mode = picture.mode if picture.mode in _COLOURS else "RGBA" if picture.has_transparency_data else "RGB"
    picture = picture.convert(mode)
    strip = max(_LEAST, round(_SHARE * max(picture.size)))
    font = ImageFont.load_default(strip * 0.6)
    label, aside = str(order.label), strip // 3
    width = max(picture.width, round(font.getlength(label)) + 2 * aside)
    whole = Image.new(mode, (width, picture.height + 2 * strip), BACKGROUND)
    whole.paste(picture, ((width - picture.width) // 2, strip))
    drawn = ImageDraw.Draw(whole)
    room = width - font.getlength(label) - 3 * aside
    note = order.note.encode(ENCODING, "replace").decode(ENCODING)
    small = _fitting(note, strip * 0.4, room)
    for middle in (strip / 2, whole.height - strip / 2):
        drawn.text((width - aside, middle), label, order.label.colour, font, anchor="rm")
        if small is not None:
            drawn.text((aside, middle), note, "#FFFFFF", small, anchor="lm")
    return whole


def _fitting(note: str, size: float, room: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    """The font in which the note has room, at most of that size; None where there is none to write."""
    if not note or room < 1:
        return None
    length = ImageFont.load_default(size).getlength(note)
    return ImageFont.load_default(max(1.0, size * min(1.0, room / length)))


def _saved(picture: Image.Image, *, is_jpeg: bool, profile: bytes | None) -> tuple[bytes, str]:
    data = io.BytesIO()
    if is_jpeg and picture.mode == "RGB":
        picture.save(data, "JPEG", quality=_QUALITY, subsampling=0, icc_profile=profile)
        return data.getvalue(), "image/jpeg"
    picture.save(data, "PNG", icc_profile=profile)
    return data.getvalue(), "image/png"
