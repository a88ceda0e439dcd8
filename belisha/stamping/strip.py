"""Draws the strips with the label that stand above and below a page, as commands of PDF.

FIRST asks for the label in the header and the footer of every page, in 12 point or larger, to the right, in its colour
on black (TLP 2.0, section 3). The strips are added to the page, so they cover nothing of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from belisha.stamping.order import ENCODING, Order

#: In points: the height of a strip, of the label and of the note below it, and what is left free at the sides.
HEIGHT: Final = 27.0
_LABEL: Final = 12.0
_NOTE: Final = 8.0
_ASIDE: Final = 8.0
#: How far above the strip's lower edge both stand: in lines of their own, so that nothing that reads text joins them.
_LABEL_ABOVE: Final = 14.5
_NOTE_ABOVE: Final = 4.0
#: The width of each letter of Courier, in heights: so no table of widths is needed to set it to the right.
_LETTER: Final = 0.6
#: The font as every reader of PDF has it (ISO 32000-2, 9.6.2.2).
FONT: Final = b"<</Type/Font/Subtype/Type1/BaseFont/Courier-Bold/Encoding/WinAnsiEncoding>>"


class Sheet(NamedTuple):
    """A page as it is seen, with both strips: width and height in its own units, and how many points a unit has."""

    width: float
    height: float
    unit: float = 1.0


def draw(sheet: Sheet, order: Order) -> bytes:
    """The commands that draw both strips; the origin is the sheet's lower left corner, the font is `/F`."""
    size = HEIGHT / sheet.unit
    commands = [b"q"]
    for bottom in (0.0, sheet.height - size):
        commands.append(b"0 g 0 %b %b %b re f" % (number(bottom), number(sheet.width), number(size)))
        commands += _words(sheet, order, bottom)
    return b"\n".join([*commands, b"Q"])


def _words(sheet: Sheet, order: Order, bottom: float) -> list[bytes]:
    label, note = str(order.label), order.note
    colour = b" ".join(number(int(order.label.colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    above = _LABEL_ABOVE if note else (HEIGHT - _LABEL * _LETTER) / 2
    drawn = [_text(sheet, label, colour, _LABEL, bottom, above)]
    return [*drawn, _text(sheet, note, b"1 1 1", _NOTE, bottom, _NOTE_ABOVE)] if note else drawn


def _text(sheet: Sheet, words: str, colour: bytes, size: float, bottom: float, above: float) -> bytes:
    """A line that ends at the right; smaller where the sheet is too narrow for it."""
    points = sheet.width * sheet.unit
    aside = min(_ASIDE, points / 20)
    size = min(size, (points - 2 * aside) / (len(words) * _LETTER))
    left = points - aside - len(words) * _LETTER * size
    return b"BT %b rg /F %b Tf %b %b Td <%b> Tj ET" % (
        colour,
        number(size / sheet.unit),
        number(left / sheet.unit),
        number(bottom + above / sheet.unit),
        words.encode(ENCODING, "replace").hex().encode(),
    )


def number(value: float) -> bytes:
    """A number as PDF writes it: never with an exponent."""
    return (f"{value:.4f}".rstrip("0").rstrip(".") or "0").encode()
