"""Matrix HTML: cleaned as HTML5 reads it, and the text that a reader would see in it.

Cleaning comes first, so that what is read here is what every client shows: one parser, and no difference between two
to hide a marker in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Final

import nh3

from belisha.lookalikes import fold

# Matrix 1.16 client-server API, section 11.2.1.1 (m.room.message msgtypes), and <font>, which older clients send.
_TAGS: Final = set(
    "del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s strike code hr br div table thead tbody "
    "tr th td caption pre span img details summary font".split()
)
_COLOURS: Final = frozenset({"data-mx-color", "color", "data-mx-bg-color"})
#: Attributes that clients show as text: the reason of a spoiler, the name of a picture, a formula.
_SHOWN_ATTRIBUTES: Final = frozenset({"alt", "title", "data-mx-spoiler", "data-mx-maths"})
#: Attributes that name something to be loaded, or opened.
_LOADED_ATTRIBUTES: Final = frozenset({"src", "href"})
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
# HTML5 opens these again in every block that follows, so that 48 KiB of them could unfold to 100 MB.
_REOPENED: Final = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\s/>]", re.IGNORECASE)
#: The most of `unfolding` in one event: some hundred bold words are far below it.
MOST_UNFOLDING: Final = 200_000
_BLOCKS: Final = frozenset(
    "h1 h2 h3 h4 h5 h6 blockquote p ul ol li hr br div table tr caption pre details summary".split()
)


def unfolding(html: str) -> int:
    """How many tags `clean` could return at most, because formatting is opened again in each block."""
    return len(_REOPENED.findall(html)) * html.count("<")


class TooMuchFormatting(ValueError):
    """HTML whose tags are piled up so that, cleaned, it would be many times larger."""


def clean(html: str) -> str:
    """`html` with only what the Matrix specification allows, and without colours that could imitate a badge.

    Background colours are the badge's alone; where the text speaks of TLP, no colour of the writer's stays.

    Raises:
        TooMuchFormatting: where it would unfold.
    """
    if unfolding(html) > MOST_UNFOLDING:
        raise TooMuchFormatting("This text has too much formatting in it. Please send it plainer.")

    cleaned = _cleaned(html, frozenset({"data-mx-bg-color"}))
    # Asked of what is seen: in the source, entities and tags may stand inside the word.
    if "color" in cleaned and "tlp" in fold(visible_text(cleaned)).lower():
        return _cleaned(cleaned, _COLOURS)
    return cleaned


def _cleaned(html: str, without: frozenset[str]) -> str:
    def attribute(_tag: str, name: str, value: str) -> str | None:
        return None if name in without else value

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
        self.attributes: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses.extend(value for name, value in attrs if value and name in _LOADED_ATTRIBUTES)
        self.attributes.extend(value for name, value in attrs if value and name in _SHOWN_ATTRIBUTES)
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag == "img":
            self.parts.append(next((value for name, value in attrs if name == "alt" and value), ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\n{2,}", "\n", "".join(self.parts)).strip()


def visible_text(cleaned: str) -> str:
    """The text of HTML that `clean` returned, with a line break where a block begins or ends."""
    return texts_in(cleaned)[0]


class _LinkedText(_VisibleText):
    """The visible text with something else in place of some links' words."""

    def __init__(self, instead: Callable[[str], str | None]) -> None:
        super().__init__()
        self.replaced = 0
        self._instead = instead
        self._in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        words = self._instead(dict(attrs).get("href") or "") if tag == "a" else None
        if words is not None:
            self.parts.append(words)
            self.replaced += 1
            self._in_link = True

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        if tag == "a":
            self._in_link = False

    def handle_data(self, data: str) -> None:
        if not self._in_link:
            super().handle_data(data)


def linked_text(cleaned: str, instead: Callable[[str], str | None]) -> str | None:
    """The visible text with what `instead` gives for a link's address in its place; None where it gives nothing."""
    parser = _LinkedText(instead)
    parser.feed(cleaned)
    parser.close()
    return parser.text if parser.replaced else None


def texts_in(cleaned: str) -> list[str]:
    """Every text that a client may show of HTML that `clean` returned: the visible one, then those in attributes."""
    parser = _VisibleText()
    parser.feed(cleaned)
    parser.close()
    return [parser.text, *parser.attributes]


def addresses_in(cleaned: str) -> list[str]:
    """Every address that HTML which `clean` returned has a client load or open."""
    parser = _VisibleText()
    parser.feed(cleaned)
    parser.close()
    return parser.addresses
