"""A pad as a Word document (ISO/IEC 29500), its label on every page."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from docx import Document
from docx.document import Document as Docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from belisha.tlp import Label
from bots.pads.files.order import Order
from bots.pads.files.reading import Node, blocks_of

_COLOURS: Final = {
    Label.CLEAR: "FFFFFF",
    Label.GREEN: "33FF00",
    Label.AMBER: "FFC000",
    Label.AMBER_STRICT: "FFC000",
    Label.RED: "FF2B2B",
}
#: Word's template has lists of three levels; what is deeper is written as the third.
_DEEPEST: Final = 3


def as_word(order: Order) -> bytes:
    """The file."""
    return _Writer(order).file()


class _Writer:
    """Writes one document from its top to its end."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._docx: Docx = Document()
        self._styles = {str(style.name): style.style_id for style in self._docx.styles}
        about = self._docx.core_properties
        about.title, about.author, about.subject = order.title, order.community[:255], str(order.label)
        about.comments, about.keywords, about.last_modified_by = "", str(order.label), order.community[:255]
        about.created = about.modified = datetime.fromisoformat(order.at).astimezone(UTC)

    def file(self) -> bytes:
        section = self._docx.sections[0]
        for part in (section.header, section.footer):
            self._badge(part.paragraphs[0])
        if self._order.note:
            section.footer.add_paragraph().add_run(self._order.note).font.size = Pt(8)
        self._blocks(blocks_of(self._order.text))
        out = io.BytesIO()
        self._docx.save(out)
        return out.getvalue()

    def _badge(self, paragraph: Paragraph) -> None:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        run = paragraph.add_run(f" {self._order.label} ")
        run.bold, run.font.size = True, Pt(12)
        run.font.color.rgb = RGBColor.from_string(_COLOURS[self._order.label])
        _append(run._r.get_or_add_rPr(), "w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": "000000"})

    def _blocks(self, nodes: list[Node], depth: int = 0, quoted: int = 0) -> None:
        for node in nodes:
            self._block(node, depth, quoted)

    def _block(self, node: Node, depth: int, quoted: int) -> None:
        match node["sort"]:
            case "heading":
                self._inlines(self._styled(f"Heading {node['level']}"), node["in"])
            case "paragraph":
                self._inlines(self._paragraph(depth, quoted), node["in"])
            case "code":
                self._code(self._paragraph(depth, quoted), node["text"])
            case "bullets" | "numbers":
                self._list(node, depth + 1, quoted)
            case "quote":
                self._blocks(node["in"], depth, quoted + 1)
            case "table":
                self._table(node["in"])
            case _:
                line = _append(self._docx.add_paragraph()._p.get_or_add_pPr(), "w:pBdr", {})
                _append(line, "w:bottom", {"w:val": "single", "w:sz": "6", "w:space": "1", "w:color": "777777"})

    def _paragraph(self, depth: int, quoted: int) -> Paragraph:
        paragraph = self._styled("Quote" if quoted else "")
        if depth or quoted:
            paragraph.paragraph_format.left_indent = Cm(0.63 * (depth + 1.5 * quoted))
        return paragraph

    def _styled(self, name: str) -> Paragraph:
        """A new paragraph; python-docx itself would look through all of the document's styles for each."""
        paragraph = self._docx.add_paragraph()
        if name:
            paragraph._p.style = self._styles[name]
        return paragraph

    def _list(self, node: Node, depth: int, quoted: int) -> None:
        level = min(depth, _DEEPEST)
        name = "List Bullet" if node["sort"] == "bullets" else "List Number"
        name = name if level == 1 else f"{name} {level}"
        number = self._numbering(name, node["start"]) if node["sort"] == "numbers" else None
        for item in node["in"]:
            first, *rest = item or [{"sort": "paragraph", "in": []}]
            if first["sort"] != "paragraph":
                first, rest = {"sort": "paragraph", "in": []}, item
            paragraph = self._styled(name)
            if number is not None:
                numbered = paragraph._p.get_or_add_pPr().get_or_add_numPr()
                numbered.get_or_add_ilvl().val, numbered.get_or_add_numId().val = 0, number
            self._inlines(paragraph, first["in"])
            self._blocks(rest, depth, quoted)

    def _numbering(self, name: str, start: int) -> int:
        """A list that counts by itself, from where it begins."""
        numbering = self._docx.part.numbering_part.numbering_definitions._numbering
        of_style: Any = self._docx.styles[name].element
        of_style = of_style.pPr.numPr.numId.val
        made = numbering.add_num(numbering.num_having_numId(of_style).abstractNumId.val)
        made.add_lvlOverride(ilvl=0).add_startOverride(start)
        return int(made.numId)

    def _table(self, rows: list[list[list[Node]]]) -> None:
        table = self._docx.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
        for place, (row, given) in enumerate(zip(table.rows, rows, strict=True)):
            for cell, inlines in zip(row.cells, given, strict=False):
                self._inlines(cell.paragraphs[0], inlines, strong=place == 0)
        _append(table.rows[0]._tr.get_or_add_trPr(), "w:tblHeader", {})

    def _code(self, paragraph: Paragraph, text: str) -> None:
        for place, line in enumerate(text.split("\n")):
            run = paragraph.add_run()
            if place:
                run.add_break()
            run.add_text(line)
            run.font.name = "Courier New"

    def _inlines(self, paragraph: Paragraph, nodes: list[Node], **how: bool) -> None:
        for node in nodes:
            match node["sort"]:
                case "text" | "code":
                    run = paragraph.add_run(node["text"])
                    _dressed(run, {**how, "code": node["sort"] == "code"})
                case "break":
                    paragraph.add_run().add_break()
                case "link":
                    self._link(paragraph, node, how)
                case sort:
                    self._inlines(paragraph, node["in"], **{**how, sort: True})

    def _link(self, paragraph: Paragraph, node: Node, how: Mapping[str, bool]) -> None:
        """A link that the reader may follow; Word fetches nothing for it."""
        before = len(paragraph._p)
        self._inlines(paragraph, node["in"], **{**how, "link": True})
        runs = list(paragraph._p)[before:]
        key = self._docx.part.relate_to(node["href"], RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        link = _append(paragraph._p, "w:hyperlink", {"r:id": key})
        for run in runs:
            link.append(run)


def _dressed(run: Run, how: Mapping[str, bool]) -> None:
    run.bold, run.italic = how.get("strong") or None, how.get("em") or None
    run.font.strike = how.get("del") or None
    if how.get("code"):
        run.font.name = "Courier New"
    if how.get("link"):
        run.font.underline = True
        run.font.color.rgb = RGBColor.from_string("0563C1")


def _append(parent: Any, name: str, given: Mapping[str, str]) -> Any:
    made = OxmlElement(name)
    for key, value in given.items():
        made.set(qn(key), value)
    parent.append(made)
    return made
