"""What a post says: its title, its text and its tags, and HTML of it that a page may show as it is.

A post is a text message that begins with a heading: `# Title` as Markdown, or `<h1>` in what a client made of that. A
label before it is no part of it. Every way of writing becomes HTML first, and is cleaned; so title, text, tags and page
follow from one reading. What is longer than a message is a Markdown file: of such a post the message has the title and
perhaps some words, and the text is read out of the file for whoever opens the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any, Final, NamedTuple

import nh3
from markdown_it import MarkdownIt

from belisha.directory.written import plain
from belisha.html import MOST_UNFOLDING, unfolding
from belisha.tags import tags_in
from belisha.tlp import Label, html_badge, without_badge

#: So much of a title is kept, in characters.
LONGEST_TITLE: Final = 200
_MARKDOWN_FILES: Final = (".md", ".markdown")
_EXCERPT: Final = 280

#: Where a picture (`mxc://…`) is to be loaded from; None where it is not to be shown.
Picture = Callable[[str], str | None]

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
_HEADINGS: Final = frozenset(f"h{level}" for level in range(1, 7))
_LOWEST: Final = 6
_BLOCKS: Final = frozenset("blockquote p ul ol li hr br div table tr caption pre details summary".split()) | _HEADINGS
_TAGS: Final = _BLOCKS | frozenset("del a sup sub b i u strong em s strike code thead tbody th td span img".split())
_ATTRIBUTES: Final = {
    "a": {"href", "target"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "code": {"class"},
    "span": {"class"},
}
_SCHEMES: Final = {"https", "http", "mailto", "matrix", "mxc"}
_REMOVED_WITH_CONTENT: Final = {"script", "style", "mx-reply"}
#: Text that is read for no tag: `#include` is code, and a link's `#room:server` an address.
_NOT_READ_FOR_TAGS: Final = frozenset({"code", "pre", "a"})
#: What may stand before the title: a label's marker, as a member or the server wrote it.
_MARKER: Final = re.compile(r"\W{0,4}tlp[\s:+-]{0,3}(?:red|amber(?:[\s+-]{0,3}strict)?|green|clear|white)\W{0,4}", re.I)
_MARKDOWN_HEADING: Final = re.compile(r"(?:^|\n) {0,3}(?:#{1,6}[ \t]+\S|[=-]+[ \t]*(?:\n|$))")
#: What the server writes before a text.
_DRAWN: Final = frozenset({"", *map(html_badge, Label)})


class Article(NamedTuple):
    """A post, read.

    Attributes:
        title: one plain line.
        html: all that stands below the title, cleaned; it loads nothing but what `picture` named.
        text: the same as a reader sees it, without markup.
        tags: in the order in which they were written, each once, however it is capitalised.
        attachment: the address (`mxc://…`) of the file that has the text; `html` and `text` are its caption then.
    """

    title: str
    html: str
    text: str
    tags: tuple[str, ...]
    attachment: str | None = None

    @property
    def excerpt(self) -> str:
        """The beginning of the text, in one line."""
        said = plain(self.text[: 4 * _EXCERPT])
        return said if len(said) <= _EXCERPT else f"{said[:_EXCERPT].rsplit(' ', 1)[0]} …"


class Shown(NamedTuple):
    """Any message as a page shows it: cleaned HTML, and the text in it."""

    html: str
    text: str


def no_picture(_address: str) -> str | None:
    """Shows none."""
    return None


def may_be_post(content: Mapping[str, Any]) -> bool:
    """Whether a content could be a post's, as far as it costs nothing to tell; `article_of` knows."""
    body, formatted = content.get("body"), content.get("formatted_body")
    if attachment_of(content) is not None:
        return True
    if content.get("msgtype") != "m.text" or not isinstance(body, str):
        return False
    if isinstance(formatted, str) and not _is_servers(body, formatted):
        return re.search(r"<h[1-6]", formatted, re.IGNORECASE) is not None
    return _MARKDOWN_HEADING.search(without_badge(body)) is not None


def opening(content: Mapping[str, Any], most: int = 4000) -> Mapping[str, Any]:
    """The same content with at most so many characters of its text.

    A whole event of hostile Markdown takes seconds to read; whether it is a post, and what a list says of it, shows in
    its beginning.
    """
    cut = {key: content[key][:most] for key in ("body", "formatted_body") if isinstance(content.get(key), str)}
    body, formatted = content.get("body"), content.get("formatted_body")
    if isinstance(body, str) and isinstance(formatted, str) and _is_servers(body, formatted):
        cut.pop("formatted_body")
        return {key: value for key, value in content.items() if key not in ("format", "formatted_body")} | cut
    return {**content, **cut}


def attachment_of(content: Mapping[str, Any]) -> str | None:
    """The address of the Markdown file that a message shares; None for any other message."""
    name, url = _file_name(content), content.get("url")
    is_one = content.get("msgtype") == "m.file" and name.casefold().endswith(_MARKDOWN_FILES)
    return url if is_one and isinstance(url, str) and url.startswith("mxc://") else None


def _file_name(content: Mapping[str, Any]) -> str:
    name = content.get("filename", content.get("body"))
    return without_badge(name) if isinstance(name, str) else ""


def is_answer(content: Mapping[str, Any]) -> bool:
    """Whether a message belongs to another one: a reply, a message in a thread, an edit."""
    relates = content.get("m.relates_to")
    return isinstance(relates, Mapping) and bool(relates.get("rel_type") or relates.get("m.in_reply_to"))


def article_of(content: Mapping[str, Any], picture: Picture = no_picture) -> Article | None:
    """Reads a message's content, or the `m.new_content` of an edit; None for what does not begin with a heading."""
    if (attachment := attachment_of(content)) is not None:
        return _attached(content, attachment, picture)
    if not may_be_post(content):
        return None
    source = _source(content)
    if source is None:
        return None
    reader = _Reader(picture, titled=True)
    reader.read(source)
    title = plain("".join(reader.title))[:LONGEST_TITLE].strip()
    if not reader.has_title or not title:
        return None
    return Article(title, reader.cleaned(), reader.text, tags_in(reader.for_tags))


def _attached(content: Mapping[str, Any], attachment: str, picture: Picture) -> Article:
    """A post whose text is a file: called as its caption's heading says, or else as the file."""
    name, body = _file_name(content), content.get("body")
    caption = {key: content[key] for key in ("body", "format", "formatted_body") if key in content}
    if "filename" not in content or not isinstance(body, str) or without_badge(body) == name:
        caption = {"body": ""}
    titled = article_of({**caption, "msgtype": "m.text"}, picture)
    if titled is not None:
        return titled._replace(attachment=attachment)
    said = shown(caption, picture)
    title = plain(name.rpartition(".")[0].replace("_", " "))[:LONGEST_TITLE].strip() or plain(name) or name
    return Article(title, said.html, said.text, tags_in(said.text), attachment)


def to_send(markdown: str) -> dict[str, Any]:
    """The content of a message with this Markdown, as Element would send it."""
    rendered: str = _MARKDOWN.render(markdown).strip()
    return {
        "msgtype": "m.text",
        "body": markdown,
        "format": "org.matrix.custom.html",
        "formatted_body": rendered,
        "m.mentions": {},
    }


def shown(content: Mapping[str, Any], picture: Picture = no_picture) -> Shown:
    """Any text message, such as a comment; its headings are only strong words."""
    source = _source(content)
    if source is None:
        body = content.get("body")
        said = without_badge(body) if isinstance(body, str) else ""
        return Shown(f"<p>{html.escape(said)}</p>", said)
    reader = _Reader(picture, titled=False)
    reader.read(source)
    return Shown(reader.cleaned(), reader.text)


def _source(content: Mapping[str, Any]) -> str | None:
    """The content as HTML that is still to be cleaned; None where cleaned it would be many times larger."""
    body, formatted = content.get("body"), content.get("formatted_body")
    text = without_badge(body) if isinstance(body, str) else ""
    is_html = isinstance(formatted, str) and content.get("format") == "org.matrix.custom.html"
    if isinstance(formatted, str) and is_html and not _is_servers(text, formatted):
        return None if unfolding(formatted) > MOST_UNFOLDING else formatted
    rendered: str = _MARKDOWN.render(text.replace("\r\n", "\n"))
    return rendered


def _is_servers(body: str, formatted: str) -> bool:
    """Whether the server wrote the HTML, to show a badge in colour before a text that a client sent without any."""
    escaped = html.escape(without_badge(body), quote=False).replace("\n", "<br>")
    return formatted.endswith(escaped) and formatted.removesuffix(escaped) in _DRAWN


def _clean(text: str) -> str:
    cleaned: str = nh3.clean(
        text,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        clean_content_tags=_REMOVED_WITH_CONTENT,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
        attribute_filter=_only_ours,
    )
    return cleaned


def _only_ours(tag: str, name: str, value: str) -> str | None:
    """Classes that pages have a style for; of pictures, those of ours."""
    if name == "class":
        known = re.fullmatch(r"language-[\w+#.-]{1,30}", value) if tag == "code" else value == "no-picture"
        return value if known else None
    if tag == "img" and name == "src":
        return value if value.startswith(("mxc://", "/")) and not value.startswith("//") else None
    return value


class _Reader(HTMLParser):
    """Writes cleaned HTML anew, tag by tag, and notes its title and text."""

    def __init__(self, picture: Picture, *, titled: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.has_title = False
        self._picture = picture
        self._titled = titled
        self._state = "before" if titled else "below"
        self._lead: list[str] = []
        self._written: list[str] = []
        self._text: list[str] = []
        self._for_tags: list[str] = []
        self._silent = 0  # how many elements are open whose text is read for no tag
        self._level = 1  # of the last heading that was written
        self._open: list[str] = []  # what the headings that are open were written as

    def read(self, source: str) -> None:
        """Reads HTML of a stranger's."""
        self.feed(_clean(source))
        self.close()

    def cleaned(self) -> str:
        """What was written, once more through the cleaner: what it gives is all that a page gets."""
        return _clean("".join(self._written)).strip()

    @property
    def text(self) -> str:
        """The visible text below the title, with a line break where a block begins or ends."""
        return re.sub(r"\n[ \t]*(?:\n[ \t]*)+", "\n", "".join(self._text)).strip()

    @property
    def for_tags(self) -> str:
        """The text that is read for tags."""
        return "".join(self._for_tags)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._state == "before":
            if tag in _HEADINGS and self._may_begin():
                self._state = "title"
            elif tag in ("img", "hr", "table", "pre"):
                self._state = "none"
            return
        if self._state != "below":
            return
        if tag in _BLOCKS:
            self._say("\n")
        if tag in _NOT_READ_FOR_TAGS:
            self._silent += 1
            self._for_tags.append(" ")
        if tag in _HEADINGS:
            self._written.append(self._heading(tag))
        elif tag == "img":
            self._written.append(self._image(dict(attrs)))
        else:
            given = {name: value or "" for name, value in attrs}
            if tag == "a":
                given["target"] = "_blank"
            self._written.append(f"<{tag}{_attributes(given)}>")

    def handle_endtag(self, tag: str) -> None:
        if self._state == "title" and tag in _HEADINGS:
            self._state, self.has_title = "below", True
            return
        if self._state != "below":
            return
        if tag in _BLOCKS:
            self._say("\n")
        if tag in _NOT_READ_FOR_TAGS:
            self._silent = max(0, self._silent - 1)
        if tag in _HEADINGS:
            self._written.append(f"</{self._open.pop()}>" if self._open else "")
        elif tag not in ("img", "br", "hr"):
            self._written.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._state == "before":
            self._lead.append(data)
            if not self._may_begin(so_far=True):
                self._state = "none"
        elif self._state == "title":
            self.title.append(data)
        elif self._state == "below":
            self._written.append(html.escape(data))
            self._say(data)

    def _say(self, text: str) -> None:
        self._text.append(text)
        if not self._silent:
            self._for_tags.append(text)

    def _may_begin(self, *, so_far: bool = False) -> bool:
        """Whether nothing but a label stands before the heading, as far as it is read."""
        lead = "".join(self._lead).strip()
        return not lead or (so_far and len(lead) <= 20) or _MARKER.fullmatch(lead) is not None

    def _heading(self, tag: str) -> str:
        """A heading below the page's own, none of whose levels is left out (WCAG 2.2, 1.3.1)."""
        if not self._titled:
            self._open.append("strong")
            return "<strong>"
        self._level = min(self._level + 1, max(2, int(tag[1])), _LOWEST)
        self._open.append(f"h{self._level}")
        return f"<h{self._level}>"

    def _image(self, given: Mapping[str, str | None]) -> str:
        said = plain(given.get("alt") or given.get("title") or "")[:LONGEST_TITLE]
        self._say(f" {said} " if said else " ")
        address = self._picture(given.get("src") or "")
        if address is None:
            return f'<span class="no-picture">[{html.escape(said or "a picture")}]</span>'
        return (
            f"<img{_attributes({'src': address, 'alt': said or 'A picture without a description', 'loading': 'lazy'})}>"
        )


def _attributes(given: Mapping[str, str]) -> str:
    return "".join(f' {name}="{html.escape(value)}"' for name, value in given.items())
