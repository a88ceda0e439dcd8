"""Finds where a page is seen, and where its strips go (ISO 32000-2, 7.7.3.3 and 14.11.2)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from belisha.stamping.order import Unstampable, Unstamped
from belisha.stamping.strip import HEIGHT, Sheet

#: What readers take for a page that says no size: US Letter.
_LETTER: Final = (0.0, 0.0, 612.0, 792.0)


class Frame(NamedTuple):
    """Where a page is seen, with both strips.

    Attributes:
        media: its MediaBox, which holds the next.
        crop: its CropBox: what is seen, in the page's own units, left, bottom, right, top.
        matrix: what turns the sheet as it is seen into the page's own units.
        sheet: the sheet as it is seen.
    """

    media: tuple[float, ...]
    crop: tuple[float, ...]
    matrix: tuple[float, ...]
    sheet: Sheet

    @classmethod
    def of(cls, page: DictionaryObject) -> Frame:
        """The frame of a page with all that it inherits.

        Raises:
            Unstampable: where nothing of it can be seen.
        """
        media = _corners(page.get("/MediaBox")) or _LETTER
        crop = _corners(page.get("/CropBox")) or media
        left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
        right, top = min(media[2], crop[2]), min(media[3], crop[3])
        if left >= right or bottom >= top:
            raise Unstampable(Unstamped.BROKEN)
        unit = float(page.get("/UserUnit", 1.0)) or 1.0
        turned = int(page.get("/Rotate", 0)) % 360
        strip = HEIGHT / unit
        # The strips are above and below as the page is seen: lying, they are at its own left and right.
        if turned in (90, 270):
            left, right = left - strip, right + strip
            width, height = top - bottom, right - left
        else:
            bottom, top = bottom - strip, top + strip
            width, height = right - left, top - bottom
        matrix = {
            90: (0.0, 1.0, -1.0, 0.0, right, bottom),
            180: (-1.0, 0.0, 0.0, -1.0, right, top),
            270: (0.0, -1.0, 1.0, 0.0, left, top),
        }.get(turned, (1.0, 0.0, 0.0, 1.0, left, bottom))
        grown = (min(left, media[0]), min(bottom, media[1]), max(right, media[2]), max(top, media[3]))
        return cls(grown, (left, bottom, right, top), matrix, Sheet(width, height, unit))


def _corners(box: Any) -> tuple[float, ...] | None:
    """A rectangle from its lower left to its upper right corner, from whichever corners it is given by."""
    box = resolved(box)
    if not isinstance(box, ArrayObject) or len(box) != 4:
        return None
    one, two, three, four = (float(resolved(value)) for value in box)
    return min(one, three), min(two, four), max(one, three), max(two, four)


def resolved(value: Any) -> Any:
    """What a reference names, or the value itself."""
    return value.get_object() if isinstance(value, IndirectObject) else value
