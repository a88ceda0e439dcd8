"""Photos that say more than is seen: where and when they were taken, with what, and of whom."""

from __future__ import annotations

import io
from typing import Final

from PIL import ExifTags, Image

#: What stands in a photo's file beside its points.
SECRETS: Final = (b"Harbour Lane 7", b"SN-4711-0815", b"2026:05:04 03:02:01", b"taken-by-xmp", b"a-comment-of-jpeg")


def photo(size: tuple[int, int] = (1600, 900)) -> bytes:
    """A photo as a phone takes it: with Exif and a position, XMP, and a comment."""
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "Harbour Lane 7"
    exif[ExifTags.Base.Model] = "SN-4711-0815"
    exif[ExifTags.Base.DateTime] = "2026:05:04 03:02:01"
    position = exif.get_ifd(ExifTags.IFD.GPSInfo)
    position[ExifTags.GPS.GPSLatitudeRef] = "N"
    position[ExifTags.GPS.GPSLatitude] = (51.0, 3.0, 31.25)
    out = io.BytesIO()
    picture = Image.effect_noise(size, 60).convert("RGB")
    picture.save(out, "JPEG", exif=exif, xmp=b"<x:xmpmeta>taken-by-xmp</x:xmpmeta>", comment=b"a-comment-of-jpeg")
    return out.getvalue()
