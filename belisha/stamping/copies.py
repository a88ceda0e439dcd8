"""Makes the stamped copy of a file of any kind; pure: an open file and an order in, a copy out.

It runs on bytes of strangers, in a process of its own (`synapse_modules/scan`).
"""

from __future__ import annotations

from typing import BinaryIO, Final

from belisha.sniff import HEAD, is_picture, sniff
from belisha.stamping.cover import cover
from belisha.stamping.order import Copy, Order, Unstampable, Unstamped
from belisha.stamping.pdf import stamp_pdf
from belisha.stamping.picture import stamp_picture

PDF: Final = "application/pdf"
_ENDINGS: Final = {PDF: (".pdf",), "image/jpeg": (".jpg", ".jpeg"), "image/png": (".png",)}


def make_copy(file: BinaryIO, order: Order) -> Copy:
    """A copy that carries the label: in it where its kind allows that, and otherwise on a cover in front of it.

    Raises:
        Unstampable: where there is too much in it even for an archive.
    """
    try:
        return _stamped(file, order)
    except Unstampable as error:
        reason = error.reason
    except MemoryError:
        reason = Unstamped.TOO_LARGE
    except RecursionError:
        reason = Unstamped.BROKEN
    return cover(file, order, reason)


def _stamped(file: BinaryIO, order: Order) -> Copy:
    file.seek(0)
    kind = sniff(file.read(HEAD))
    if kind == PDF:
        return Copy(b"", True, stamp_pdf(file, order), _name(order, PDF), PDF)
    if not is_picture(kind):
        raise Unstampable(Unstamped.KIND)
    data, media_type = stamp_picture(file, order)
    return Copy(data, False, b"", _name(order, media_type), media_type)


def _name(order: Order, media_type: str) -> str:
    name, endings = f"{order.file_label} {order.name}", _ENDINGS[media_type]
    return name if name.lower().endswith(endings) else name + endings[0]
