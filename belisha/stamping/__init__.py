"""Copies of files that carry their label where a reader sees it; what makes them is `copies.make_copy`.

It is not loaded from here: whoever only asks for a copy needs none of the libraries that read files.
"""

from belisha.stamping.order import SENTENCES, Copy, Order, Unstamped

__all__ = ["SENTENCES", "Copy", "Order", "Unstamped"]
