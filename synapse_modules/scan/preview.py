"""Draws what a document begins with, small and with its label on it; in the confined process.

PDFium draws the first page of a PDF, with the fonts that the file brings and with its own where it brings none; a
picture is made small. What cannot be drawn has no preview.
"""

from __future__ import annotations

import io
from typing import BinaryIO, Final

import pypdfium2
import pypdfium2.raw
from PIL import Image

from belisha.sniff import HEAD, sniff
from belisha.stamping import Order
from belisha.stamping.copies import PDF
from belisha.stamping.picture import framed
from belisha.tlp import Label
from synapse_modules.scan.answer import as_picture
from synapse_modules.scan.portrait import drawn_anew

#: The most points of a preview across and down, without its strips; an upright A4 page takes 640 by 905.
WITHIN: Final = (640, 960)
_QUALITY: Final = 85
_WHITE: Final = (255, 255, 255)
#: What PDFium answers for a file that is not encrypted.
_NO_SECURITY: Final = -1


class NoPreview(Exception):
    """A file is none of which a preview is drawn."""


def preview(file: BinaryIO, order: Order) -> bytes:
    """The answer that holds a JPEG of the first page, or of the picture, between two strips with the label.

    Raises:
        Exception: of any kind: it is nothing that can be drawn.
    """
    kind = sniff(file.read(HEAD))
    file.seek(0)
    small = _first_page(file) if kind == PDF else _opaque(drawn_anew(file, WITHIN)[0])
    out = io.BytesIO()
    # Without subsampling, as stamped copies: it would blur the label's colours.
    framed(small, order).save(out, "JPEG", quality=_QUALITY, subsampling=0)
    return as_picture("image/jpeg", out.getvalue())


def _first_page(file: BinaryIO) -> Image.Image:
    """The first page as it is seen, with its comments and without what would run or has to be asked for."""
    document = pypdfium2.PdfDocument(file)
    # With the empty password PDFium would open it; copies of what is encrypted carry no label either.
    if pypdfium2.raw.FPDF_GetSecurityHandlerRevision(document) != _NO_SECURITY:
        raise NoPreview
    page = document[0]
    width, height = page.get_size()
    drawn = page.render(scale=min(WITHIN[0] / width, WITHIN[1] / height), may_draw_forms=False).to_pil()
    # PDFium takes a part of a point for a whole one.
    whole: Image.Image = drawn.convert("RGB")
    return whole.crop((0, 0, min(drawn.width, WITHIN[0]), min(drawn.height, WITHIN[1])))


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGB", picture.size, _WHITE)
    white.paste(picture, mask=picture)
    return white


def load() -> None:
    """Loads all that drawing needs, now: a confined process can open nothing."""
    order = Order(Label.AMBER, "a", "\xc4", "@a:b", "1")
    page = pypdfium2.PdfDocument.new()
    page.new_page(99, 99)
    for_pdf, picture = io.BytesIO(), io.BytesIO()
    page.save(for_pdf)
    Image.new("RGBA", (2, 2)).save(picture, "PNG")
    for sample in (for_pdf, picture):
        sample.seek(0)
        preview(sample, order)
