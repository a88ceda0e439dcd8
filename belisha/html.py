"""Matrix HTML: cleaned as HTML5 reads it, and the text that a reader would see in it.

Cleaning comes first, so that what is read here is what every client shows: one parser, and no difference between two
to hide a marker in.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

import nh3

from belisha.lookalikes import fold

# Matrix 1.16 client-server API, section 11.2.1.1 (m.room.message msgtypes), and <font>, which older clients send.
_TAGS: Final = set(
    "del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s strike code hr br div table thead tbody "
    "tr th td caption pre span img details summary font".split()
)
_COLOURS: Final = {"data-mx-color", "color", "data-mx-bg-color"}
_ATTRIBUTES: Final = {
    "span": {"data-mx-bg-color", "data-mx-color", "data-mx-spoiler", "data-mx-maths"},
    "font": {"data-mx-bg-color", "data-mx-color", "color"},
    "a": {"target", "href"},
    "img": {"width", "height", "alt", "title", "src", "data-mx-emoticon"},
    "ol": {"start"},
    "code": {"class"},
    "div": {"data-mx-maths"},
}
# <mx-reply> is the old reply fallback: another's words, which are no part of this message.
_REMOVED_WITH_CONTENT: Final = {"script", "style", "mx-reply"}
_SCHEMES: Final = {"https", "http", "ftp", "mailto", "magnet", "matrix", "mxc"}
_BLOCKS: Final = frozenset(
    "h1 h2 h3 h4 h5 h6 blockquote p ul ol li hr br div table tr caption pre details summary".split()
)


def clean(html: str) -> str:
    """`html` with only what the Matrix specification allows, and without colours that could imitate a badge.

    Background colours are the badge's alone; where the text speaks of TLP, no colour of the writer's stays.
    """

    def attribute(_tag: str, name: str, value: str) -> str | None:
        return None if name == "data-mx-bg-color" or (mentions_tlp and name in _COLOURS) else value

    mentions_tlp = "tlp" in fold(html).lower()
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_REMOVED_WITH_CONTENT,
        url_schemes=_SCHEMES,
        attribute_filter=attribute,
        link_rel=None,
    )


class _VisibleText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag == "img":
            self.parts.append(next((value for name, value in attrs if name == "alt" and value), ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def visible_text(cleaned: str) -> str:
    """The text of HTML that `clean` returned, with a line break where a block begins or ends."""
    parser = _VisibleText()
    parser.feed(cleaned)
    parser.close()
    return re.sub(r"\n{2,}", "\n", "".join(parser.parts)).strip()
