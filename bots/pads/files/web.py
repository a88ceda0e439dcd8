"""A pad as one HTML file of its own: it loads nothing and runs nothing, wherever it is opened."""

from __future__ import annotations

from html import escape
from typing import Final

import nh3

from belisha.tlp import Label
from bots.pads.files.order import Order
from bots.pads.files.reading import Node, blocks_of

_COLOURS: Final = {
    Label.CLEAR: "#FFFFFF",
    Label.GREEN: "#33FF00",
    Label.AMBER: "#FFC000",
    Label.AMBER_STRICT: "#FFC000",
    Label.RED: "#FF2B2B",
}
_HEADINGS: Final = {f"h{level}" for level in range(1, 7)}
_TAGS: Final = _HEADINGS | set(
    "p ul ol li blockquote pre code hr table thead tbody tr th td strong em del a br".split()
)
_STYLE: Final = (
    "body{font:16px/1.6 sans-serif;max-width:46rem;margin:0 auto;padding:1rem;color:#111;background:#fff}"
    "pre,code{font-family:monospace;background:#f2f2f2}pre{padding:.6rem;overflow-x:auto}"
    "blockquote{border-left:4px solid #999;margin-left:0;padding-left:1rem}"
    "table{border-collapse:collapse}th,td{border:1px solid #777;padding:.3rem .6rem;text-align:left}"
    ".tlp{display:inline-block;background:#000;padding:.2rem .6rem;font-weight:bold}.note{font-size:.85rem}"
)


def as_html(order: Order) -> bytes:
    """The file."""
    body = nh3.clean(
        "".join(_block(one) for one in blocks_of(order.text)),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"https", "http", "mailto", "matrix"},
        link_rel="noopener noreferrer nofollow",
    )
    badge = f'<span class="tlp" style="color:{_COLOURS[order.label]}">{escape(str(order.label))}</span>'
    note = f'<p class="note">{escape(order.note)}</p>' if order.note else ""
    title = escape(order.title or "A pad without a title")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(str(order.label))} {title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>{badge}</header>\n<main>\n{body}\n</main>\n<footer>\n{note}{badge}\n</footer>\n</body>\n</html>\n"
    ).encode()


def _block(node: Node) -> str:
    match node["sort"]:
        case "heading":
            return f"<h{node['level']}>{_inlines(node['in'])}</h{node['level']}>"
        case "paragraph":
            return f"<p>{_inlines(node['in'])}</p>"
        case "bullets":
            return f"<ul>{_items(node)}</ul>"
        case "numbers":
            return f'<ol start="{node["start"]}">{_items(node)}</ol>'
        case "quote":
            return f"<blockquote>{''.join(map(_block, node['in']))}</blockquote>"
        case "code":
            return f"<pre><code>{escape(node['text'])}</code></pre>"
        case "table":
            head, *rows = node["in"]
            told = "".join(f"<tr>{''.join(f'<td>{_inlines(cell)}</td>' for cell in row)}</tr>" for row in rows)
            heads = "".join(f"<th>{_inlines(cell)}</th>" for cell in head)
            return f"<table><thead><tr>{heads}</tr></thead><tbody>{told}</tbody></table>"
        case _:
            return "<hr>"


def _items(node: Node) -> str:
    return "".join(f"<li>{''.join(map(_block, one))}</li>" for one in node["in"])


def _inlines(nodes: list[Node]) -> str:
    return "".join(map(_inline, nodes))


def _inline(node: Node) -> str:
    match node["sort"]:
        case "text":
            return escape(node["text"])
        case "code":
            return f"<code>{escape(node['text'])}</code>"
        case "break":
            return "<br>"
        case "link":
            return f'<a href="{escape(node["href"])}">{_inlines(node["in"])}</a>'
        case sort:
            return f"<{sort}>{_inlines(node['in'])}</{sort}>"
