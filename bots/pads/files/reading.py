"""Reads a pad's Markdown into a few kinds of blocks, out of which every file is written; pure.

The same Markdown as on the portal: HTML in it is text, and pictures are only their words, since nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from bots.pads.files.order import tidy

#: Blocks and what stands in them, as JSON: `{"sort": …}` with `in` (what it holds), `text`, `level`, `start` or `href`.
Node = dict[str, Any]

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
_SCHEMES: Final = frozenset({"https", "http", "mailto", "matrix"})
_INLINE: Final = {"strong": "strong", "em": "em", "s": "del"}


def blocks_of(text: str) -> list[Node]:
    """The blocks of a Markdown text."""
    return list(_blocks(SyntaxTreeNode(_MARKDOWN.parse(tidy(text))).children))


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> Iterator[Node]:
    for node in nodes:
        match node.type:
            case "heading":
                yield {"sort": "heading", "level": int(node.tag[1]), "in": _inlines(node)}
            case "paragraph":
                yield {"sort": "paragraph", "in": _inlines(node)}
            case "bullet_list":
                yield {"sort": "bullets", "in": [list(_blocks(one.children)) for one in node.children]}
            case "ordered_list":
                start = int(node.attrs.get("start", 1))
                yield {"sort": "numbers", "start": start, "in": [list(_blocks(one.children)) for one in node.children]}
            case "blockquote":
                yield {"sort": "quote", "in": list(_blocks(node.children))}
            case "fence" | "code_block":
                yield {"sort": "code", "text": node.content.rstrip("\n")}
            case "hr":
                yield {"sort": "rule"}
            case "table":
                rows = [[_inlines(cell) for cell in row.children] for part in node.children for row in part.children]
                yield {"sort": "table", "in": rows}


def _inlines(node: SyntaxTreeNode) -> list[Node]:
    return [one for child in node.children for one in _inline(child)]


def _inline(node: SyntaxTreeNode) -> Iterator[Node]:
    match node.type:
        case "inline":
            yield from _inlines(node)
        case "text" | "text_special":
            yield {"sort": "text", "text": node.content}
        case "code_inline":
            yield {"sort": "code", "text": node.content}
        case "softbreak" | "hardbreak":
            yield {"sort": "break"}
        case "strong" | "em" | "s":
            yield {"sort": _INLINE[node.type], "in": _inlines(node)}
        case "link":
            href = str(node.attrs.get("href", ""))
            if _leads_out(href):
                yield {"sort": "link", "href": href, "in": _inlines(node)}
            else:
                yield from _inlines(node)
        case "image":
            yield {"sort": "text", "text": f"[{node.content or 'a picture'}]"}


def _leads_out(href: str) -> bool:
    """Whether a link names where it leads: what only leads somewhere from here, or runs something, is words."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and href.isprintable()
