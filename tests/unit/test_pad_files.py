"""Pads as files: what stands in them, their label, and that nothing in a hostile text runs or is fetched."""

from __future__ import annotations

import io
import re
import zipfile
from html.parser import HTMLParser
from typing import Any

import pytest
from docx import Document
from pypdf import PdfReader

from belisha.tlp import Label
from bots.pads.files.order import BEGINS, Kind, Order
from bots.pads.files.reading import blocks_of
from bots.pads.files.writers import write

TEXT = """# Tide tables

Some **strong**, *emphasis*, ~~gone~~, `code` and [a link](https://example.org/?a=1&b="2")

1. one
2. two
   - deep
     - deeper
       - deepest
         - fourth

> quoted

    indented code

| port | water |
|------|-------|
| Dover | high |

---
"""
HOSTILE = (
    "# <script>alert(1)</script>\n\n"
    "![x](https://evil.example/x.png) ![y](//evil.example/y) [a](javascript:alert(1)) [b](file:///etc/passwd) "
    "[c](/sign-out) <img src=x onerror=alert(1)> &#106;avascript: \u202egnp.exe \0\x1b[31m\ufffe\n\n"
    '=HYPERLINK("https://evil.example") #read("/etc/passwd") #image("x") $ \\input{x} {{ 7*7 }}\n'
)
WHEN = "2026-11-30T18:05:00+00:00"


def order(kind: Kind, text: str = TEXT, label: Label = Label.AMBER_STRICT, **more: Any) -> Order:
    by = {"title": "Tide tables"} | ({"by": "Ana (Harbour)", "user_id": "@ana:x"} if label >= Label.AMBER else {})
    return Order(kind, text=text, label=label, community="A community", at=WHEN, **(by | more))


class _Tags(HTMLParser):
    """Notes the tags of a page, and where it leads or loads from."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.links |= {value or "" for name, value in attrs if name not in ("class", "style")}


def words_of(kind: Kind, data: bytes) -> str:
    if kind is Kind.PDF:
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    if kind is Kind.WORD:
        found = Document(io.BytesIO(data))
        cells = [cell.text for table in found.tables for row in table.rows for cell in row.cells]
        section = found.sections[0]
        around = [one.text for part in (section.header, section.footer) for one in part.paragraphs]
        return "\n".join([*around, *(one.text for one in found.paragraphs), *cells])
    return data.decode()


@pytest.mark.parametrize("kind", Kind)
def test_a_file_has_its_text_and_its_label_at_both_ends(kind: Kind) -> None:
    data = write(order(kind))
    words = words_of(kind, data)
    assert data.startswith(BEGINS.get(kind, b"TLP:AMBER+STRICT\n"))
    assert words.count("TLP:AMBER+STRICT") >= 2
    assert "Downloaded by Ana (Harbour), @ana:x, 2026-11-30 18:05 UTC" in words
    for said in ("Tide tables", "strong", "emphasis", "gone", "a link", "fourth", "quoted", "indented code", "Dover"):
        assert said in words, said


@pytest.mark.parametrize("kind", Kind)
def test_below_amber_it_names_nobody(kind: Kind) -> None:
    words = words_of(kind, write(order(kind, label=Label.GREEN)))
    assert "TLP:GREEN" in words and "Downloaded" not in words


def test_word_has_headings_lists_tables_and_links_that_lead_out() -> None:
    found = Document(io.BytesIO(write(order(Kind.WORD))))
    styles = [one.style.name for one in found.paragraphs]
    assert {"Heading 1", "List Number", "List Bullet 2", "List Bullet 3", "Quote"} <= set(styles)
    (link,) = found.paragraphs[1].hyperlinks
    assert (link.address, link.text) == ("https://example.org/?a=1&b=%222%22", "a link")
    assert found.core_properties.author == "A community" and found.core_properties.keywords == "TLP:AMBER+STRICT"
    again = Document(io.BytesIO(write(order(Kind.WORD, "1. a\n\nwords\n\n5. b\n"))))
    numbers = [one._p.pPr.numPr.numId.val for one in again.paragraphs if one.style.name == "List Number"]
    assert len(set(numbers)) == 2, "each list counts by itself"


@pytest.mark.parametrize("kind", Kind)
def test_nothing_of_a_hostile_text_runs_leads_astray_or_is_fetched(kind: Kind) -> None:
    data = write(order(kind, HOSTILE, title="<b>\u202e x"))
    if kind is Kind.HTML:
        tags = _Tags()
        tags.feed(data.decode().partition("<main>")[2])
        assert tags.names <= {"h1", "p", "br", "footer", "span"} and tags.links == set(), tags.names
        assert "default-src 'none'" in data.decode()
    if kind is Kind.WORD:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            links = packed.read("word/_rels/document.xml.rels").decode()
            inside = packed.read("word/document.xml").decode()
        assert "evil.example" not in links and "External" not in links
        assert "fldSimple" not in inside and "instrText" not in inside
    if kind is Kind.PDF:
        assert b"/URI" not in data and b"/JavaScript" not in data and b"/Launch" not in data
    words = words_of(kind, data)
    assert not re.search("[\0\x1b\u202e]", words) and "root:" not in words
    if kind is not Kind.MARKDOWN:
        assert "evil.example/x.png" not in words, "a picture is its words"


@pytest.mark.parametrize(
    "text", ["", "[" * 30_000, "> " * 3_000 + "x", "*a " * 20_000, "|a" * 2_000 + "\n" + "|-" * 2_000 + "\n|b"]
)
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(blocks_of(text), list)


@pytest.mark.parametrize("kind", Kind)
def test_an_empty_pad_is_a_file_too(kind: Kind) -> None:
    assert "TLP:RED" in words_of(kind, write(order(kind, "", Label.RED, title="")))


def test_an_order_is_read_back_and_nothing_else() -> None:
    one = order(Kind.PDF)
    assert Order.from_json(one.as_json()) == one
    for wrong in ({"label": "none"}, {"kind": "exe"}, {"text": 1}):
        with pytest.raises(ValueError):
            Order.from_json({**one.as_json(), **wrong})
