"""A digest as a mail: decided when it is sent, up to the label that mail may carry; of what is above, a number alone.

Whatever stands in it out of a name that somebody chose is one plain line, and no link. Nothing is loaded from anywhere,
and no link tells who followed it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from belisha.digest.values import Digest
from belisha.directory.written import plain as one_line
from belisha.tlp import BACKGROUND
from belisha.translation import _
from bots.digest.mail_words import Post
from bots.kernel.answers import Block, Link, Paragraph, Points, Strong, Table, Typed, Words, in_html, plain
from bots.kernel.effects import Mail

#: What mail programs make a link of, in a name that somebody chose.
_LINKED: Final = re.compile(r"(://|\bwww\.|\bmailto:)", re.IGNORECASE)
#: For so many seconds a mail is tried; then what it was to tell is chosen anew.
LIFE_S: Final = 12 * 3600.0
#: A name is no longer than this in a mail, in characters.
_LONGEST: Final = 200


def harmless(text: str) -> str:
    """A text in one line, without what is not seen or turns the writing, in which mail programs find no link.

    Links are broken as the field writes those that nobody is to follow: `https[://]`.
    """
    begins, ends = (" " if text[:1].isspace() else ""), (" " if text[1:] and text[-1:].isspace() else "")
    return f"{begins}{_LINKED.sub(lambda found: f'[{found[0]}]', one_line(text)[:_LONGEST])}{ends}"


def written(post: Post, row: Mapping[str, Any], blocks: Sequence[Block], told: Digest) -> Mail:
    """The mail with a digest.

    Args:
        post: How this community sends mail.
        row: The member's address, and the handle in the link that ends it.
        blocks: What the digest says.
        told: Of what it tells.
    """
    off = post.off_link(str(row["handle"]))
    values = {
        "label": str(told.label),
        "colour": told.label.colour,
        "background": BACKGROUND,
        "community": harmless(post.community),
        "blocks": [_harmless(one) for one in blocks],
        "off": off,
    }
    # RFC 2369 and RFC 8058: mail programs show a button for it, and a press of it is one POST.
    headers = (
        {} if off is None else {"List-Unsubscribe": f"<{off}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    )
    # Nothing of what it tells, nor how much: subjects are shown on locked screens.
    subject = f"[{told.label}] {_('Your digest of {community}').format(community=harmless(post.community))}"
    text, html = (_templates().get_template(f"mail.{one}.j2").render(values) for one in ("txt", "html"))
    return Mail(str(row["address"]), subject, text, html=html, headers=headers)


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("bots.digest"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["plain"] = plain
    found.filters["html"] = lambda blocks: Markup(in_html(blocks))  # noqa: S704 - everything in it is escaped there
    found.globals["words"] = _
    return found


def _harmless(block: Block) -> Block:
    if isinstance(block, Paragraph):
        return Paragraph(tuple(_word(one) for one in block.words))
    if isinstance(block, Points):
        return Points(tuple(tuple(_word(one) for one in line) for line in block.lines))
    rows = tuple(tuple(harmless(one) for one in row) for row in block.rows)
    return Table(tuple(harmless(one) for one in block.heads), rows)


def _word(word: Words) -> Words:
    if isinstance(word, str):
        return harmless(word)
    if isinstance(word, Strong | Typed | Link):
        return replace(word, text=harmless(word.text))
    return word
