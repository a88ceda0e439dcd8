"""Writes a pad's file of whichever kind; what each needs is loaded with the first of its kind."""

from __future__ import annotations

from bots.pads.files.order import Kind, Order, as_markdown, tidy


def write(order: Order) -> bytes:
    """The file's bytes."""
    order = order._replace(title=tidy(order.title))
    match order.kind:
        case Kind.HTML:
            from bots.pads.files.web import as_html

            return as_html(order)
        case Kind.WORD:
            from bots.pads.files.word import as_word

            return as_word(order)
        case Kind.PDF:
            from bots.pads.files.print import as_pdf

            return as_pdf(order)
        case Kind.MARKDOWN:
            return as_markdown(order)
