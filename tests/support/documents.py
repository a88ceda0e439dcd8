"""Documents of the tests: each format, with a text of one's choice in each place that a format has for text."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any, Final

import docx
import openpyxl
import pptx
from odf import dc, draw, meta, office, style, svg, table, text
from odf.opendocument import OpenDocumentPresentation, OpenDocumentSpreadsheet, OpenDocumentText
from openpyxl.comments import Comment
from openpyxl.packaging.custom import StringProperty
from pptx.util import Inches
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText, Text
from pypdf.generic import NameObject, StreamObject
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

#: What every document says beside: labels are spoken of, at each end of lines too.
PROSE: Final = (
    "The tide tables of this harbour say when the water returns, and the",
    "TLP:RED rules of FIRST are mentioned here, as are those for TLP:AMBER",
    "and others. Nobody is told by this whether it is (TLP:RED) or not, says the",
    "handbook. It names the labels TLP:CLEAR, TLP:GREEN, TLP:AMBER and TLP:RED.",
)
PARAGRAPH: Final = " ".join(PROSE)
Draw = Callable[[canvas.Canvas, int], None]


def _place(number: int) -> str:
    return "Port" + "".join("abcdefghij"[int(digit)] for digit in str(number))


# --- PDF -----------------------------------------------------------------------------------------------------------


def pdf(draw_page: Draw | None = None, *, pages: int = 2, lines: tuple[str, ...] = PROSE, top: int = 760) -> bytes:
    """A PDF of running text; `draw_page` adds something to each page."""
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pagesize=A4)
    for number in range(pages):
        page.setFont("Helvetica", 11)
        for line, words in enumerate(lines * 3):
            # No two pages of a report begin or end with the same words, but for headers and footers.
            page.drawString(60, top - 16 * line, words.replace(" ", f" {_place(number)} ", 1))
        if draw_page is not None:
            draw_page(page, number)
        page.showPage()
    page.save()
    return stream.getvalue()


def _written(data: bytes, change: Callable[[PdfWriter], None]) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    change(writer)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def _watermark(page: canvas.Canvas, words: str) -> None:
    page.saveState()
    page.translate(300, 400)
    page.rotate(45)
    page.setFont("Helvetica", 60)
    page.drawCentredString(0, 0, words)
    page.restoreState()


def _xmp(writer: PdfWriter, words: str) -> None:
    stream = StreamObject()
    stream.set_data(
        b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">'
        + words.encode()
        + b"</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    )
    stream[NameObject("/Type")], stream[NameObject("/Subtype")] = NameObject("/Metadata"), NameObject("/XML")
    writer._root_object[NameObject("/Metadata")] = writer._add_object(stream)


def _field(page: canvas.Canvas, words: str) -> None:
    page.acroForm.textfield(name="marking", value=words, x=60, y=300, width=300, height=20)


def pdfs(words: str) -> dict[str, bytes]:
    """PDFs with a text in each place."""
    return {
        "first line": pdf(lambda page, _: page.drawString(60, 790, words)),
        "header": pdf(lambda page, number: page.drawRightString(535, 820, f"{words}  |  page {number + 1}")),
        "header in words": pdf(lambda page, number: page.drawString(60, 820, f"Harbour report {words} page {number}")),
        "footer": pdf(lambda page, _: page.drawCentredString(300, 30, words)),
        "second page": pdf(lambda page, number: page.drawString(60, 30, words) if number else None),
        "watermark": pdf(lambda page, _: _watermark(page, words)),
        "classification": pdf(lambda page, _: page.drawString(60, 500, f"Classification: {words}")),
        "paragraph": pdf(lambda page, _: page.drawString(60, 480, f"({words}) The water is low.")),
        "title": _written(pdf(), lambda writer: writer.add_metadata({"/Title": f"Tides {words}"})),
        "keywords": _written(pdf(), lambda writer: writer.add_metadata({"/Keywords": f"tides;{words}"})),
        "keyword in two": _written(
            pdf(), lambda writer: writer.add_metadata({"/Keywords": f"tides, {words.replace(':', ', ')}"})
        ),
        "sensitivity": _written(pdf(), lambda writer: writer.add_metadata({"/MSIP_Label_0a1b-22_Name": words})),
        "XMP": _written(pdf(), lambda writer: _xmp(writer, words)),
        "bookmark": _written(
            pdf(), lambda writer: writer.add_outline_item(title=f"{words} tides", page_number=0) and None
        ),
        "comment": _written(
            pdf(), lambda writer: writer.add_annotation(0, Text(rect=(50, 550, 200, 650), text=words)) and None
        ),
        "free text": _written(
            pdf(), lambda writer: writer.add_annotation(1, FreeText(rect=(50, 550, 200, 650), text=words)) and None
        ),
        "field": pdf(lambda page, number: _field(page, words) if number == 0 else None),
        "attached": _written(pdf(), lambda writer: writer.add_attachment("tides.txt", words.encode()) and None),
        "letters apart": pdf(lambda page, _: page.drawString(60, 800, " ".join(words))),
    }


# --- Office --------------------------------------------------------------------------------------------------------


def _saved(document: Any) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _patched(data: bytes, change: dict[str, Callable[[bytes], bytes]], **added: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change.get(entry.filename, bytes)(old.read(entry.filename)))
        for name, content in added.items():
            new.writestr(name, content)
    return stream.getvalue()


def custom(data: bytes, name: str, value: str) -> bytes:
    """A document of OOXML with one custom property."""
    properties = (
        '<?xml version="1.0"?><Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"'
        ' xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
        '<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" '
        f'name="{name}"><vt:lpwstr>{value}</vt:lpwstr></property></Properties>'
    )
    return _patched(data, {}, **{"docProps/custom.xml": properties.encode()})


def _docx(change: Callable[[Any], object] | None = None) -> bytes:
    document = docx.Document()
    document.add_heading("Tides", 1)
    for _ in range(3):
        document.add_paragraph(PARAGRAPH)
    if change is not None:
        change(document)
    document.add_paragraph(PARAGRAPH)
    return _saved(document)


def _split(document: Any, words: str) -> None:
    paragraph = document.add_paragraph()
    for number, letter in enumerate(words):
        paragraph.add_run(letter).bold = bool(number % 2)


def _first_header(document: Any, words: str) -> None:
    document.sections[0].different_first_page_header_footer = True
    document.sections[0].first_page_header.paragraphs[0].text = words


def _body(words: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(b"<w:sectPr", words + b"<w:sectPr", 1)


def docxs(words: str) -> dict[str, bytes]:
    """DOCX documents with a text in each place."""

    def prop(name: str, value: str) -> bytes:
        return _docx(lambda document: setattr(document.core_properties, name, value))

    word = words.encode()
    box = (
        b'<w:p><w:r><w:pict xmlns:v="urn:schemas-microsoft-com:vml"><v:shape><v:textbox><w:txbxContent><w:p><w:r><w:t>'
        + word
        + b"</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"
    )
    watermark = (
        b'<w:p><w:r><w:pict xmlns:v="urn:schemas-microsoft-com:vml"><v:shape><v:textpath string="'
        + word
        + b'"/></v:shape></w:pict></w:r></w:p>'
    )
    inserted = b'<w:p><w:ins w:id="1" w:author="Ana"><w:r><w:t>' + word + b"</w:t></w:r></w:ins></w:p>"
    return {
        "paragraph": _docx(lambda document: document.add_paragraph(words)),
        "portion": _docx(lambda document: document.add_paragraph(f"({words}) The water is low.")),
        "heading": _docx(lambda document: document.add_heading(f"{words} The tides", 2)),
        "header": _docx(lambda document: setattr(document.sections[0].header.paragraphs[0], "text", words)),
        "header in words": _docx(
            lambda document: setattr(document.sections[0].header.paragraphs[0], "text", f"Tides {words} of May")
        ),
        "footer": _docx(lambda document: setattr(document.sections[0].footer.paragraphs[0], "text", f"\t{words}\t1")),
        "first header": _docx(lambda document: _first_header(document, words)),
        "cell": _docx(lambda document: setattr(document.add_table(2, 2).cell(1, 1), "text", words)),
        "runs": _docx(lambda document: _split(document, words)),
        "comment": _docx(lambda document: document.add_comment(document.paragraphs[1].runs, text=words, author="Ana")),
        "box": _patched(_docx(), {"word/document.xml": _body(box)}),
        "watermark": _patched(_docx(), {"word/document.xml": _body(watermark)}),
        "inserted": _patched(_docx(), {"word/document.xml": _body(inserted)}),
        "title": prop("title", f"Tides {words}"),
        "subject": prop("subject", words),
        "keywords": prop("keywords", f"tides,{words}"),
        "description": prop("comments", words),
        "category": prop("category", words),
        "status": prop("content_status", words),
        "custom": custom(_docx(), "TLP", words),
        "sensitivity": custom(_docx(), "MSIP_Label_2f9-1_Name", words),
        "embedded": _patched(_docx(), {}, **{"word/embeddings/tides.xlsx": xlsxs(words)["cell"]}),
        "footnote": _patched(
            _docx(),
            {},
            **{
                "word/footnotes.xml": b'<w:footnotes xmlns:w="w"><w:footnote><w:p><w:r><w:t>'
                + word
                + b"</w:t></w:r></w:p></w:footnote></w:footnotes>"
            },
        ),
    }


def _xlsx(change: Callable[[Any], object] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in range(20):
        book.active.append([f"Tide {row}", row, row / 3, PARAGRAPH])
    if change is not None:
        change(book)
    return _saved(book)


def xlsxs(words: str) -> dict[str, bytes]:
    """XLSX documents with a text in each place."""

    def cell(book: Any) -> None:
        book.active["H40"] = words

    def hidden(book: Any) -> None:
        sheet = book.create_sheet("More")
        sheet["B2"] = words
        sheet.sheet_state = "hidden"

    def comment(book: Any) -> None:
        book.active["A2"].comment = Comment(words, "Ana")

    def named(book: Any) -> None:
        book.custom_doc_props.append(StringProperty(name="MSIP_Label_1_Name", value=words))

    return {
        "cell": _xlsx(cell),
        "top": _xlsx(lambda book: book.active.insert_rows(1) or book.active.cell(1, 1, words)),
        "hidden": _xlsx(hidden),
        "header": _xlsx(lambda book: setattr(book.active.oddHeader.center, "text", f"Tides {words} of May")),
        "footer": _xlsx(lambda book: setattr(book.active.oddFooter.right, "text", words)),
        "comment": _xlsx(comment),
        "title": _xlsx(lambda book: setattr(book.properties, "title", f"Tides {words}")),
        "description": _xlsx(lambda book: setattr(book.properties, "description", words)),
        "sensitivity": _xlsx(named),
        "custom": custom(_xlsx(), "TLP", words),
    }


def _on_page(number: int) -> str:
    """The paragraph with other words in each of its lines: what pages have alike at their edges is a footer."""
    words = f"{PARAGRAPH} So it is.".split(" ")
    return " ".join(word + (f" {_place(number)}" if place % 4 == 3 else "") for place, word in enumerate(words))


def _pptx(change: Callable[[Any, Any], object] | None = None) -> bytes:
    show = pptx.Presentation()
    for number in range(2):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = "Tides"
        slide.placeholders[1].text = _on_page(number)
    if change is not None:
        change(show, slide)
    return _saved(show)


def pptxs(words: str) -> dict[str, bytes]:
    """PPTX documents with a text in each place."""

    def box(slide: Any) -> Any:
        return slide.shapes.add_textbox(Inches(1), Inches(6), Inches(5), Inches(1))

    def footer(data: bytes) -> bytes:
        place = (
            b'<p:sp><p:nvSpPr><p:cNvPr id="90" name="Footer"/><p:cNvSpPr/><p:nvPr><p:ph type="ftr" idx="11"/></p:nvPr>'
            b"</p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:p><a:r><a:t>Tides "
            + words.encode()
            + b" of May</a:t></a:r></a:p>"
            b"</p:txBody></p:sp></p:spTree>"
        )
        return data.replace(b"</p:spTree>", place, 1)

    def cell(slide: Any) -> None:
        grid = slide.shapes.add_table(2, 2, Inches(1), Inches(5), Inches(5), Inches(1)).table
        grid.cell(1, 0).text = words

    def alternative(slide: Any) -> None:
        box(slide)._element.nvSpPr.cNvPr.set("descr", words)

    def master(data: bytes) -> bytes:
        place = (
            b'<p:sp><p:nvSpPr><p:cNvPr id="91" name="Mark"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/><p:txBody>'
            b"<a:bodyPr/><a:p><a:r><a:t>" + words.encode() + b"</a:t></a:r></a:p></p:txBody></p:sp></p:spTree>"
        )
        return data.replace(b"</p:spTree>", place, 1)

    return {
        "title": _pptx(lambda _, slide: setattr(slide.shapes.title, "text", f"Tides of May {words}")),
        "body": _pptx(lambda _, slide: setattr(slide.placeholders[1], "text", f"{PARAGRAPH}\n{words}")),
        "box": _pptx(lambda _, slide: setattr(box(slide).text_frame, "text", words)),
        "cell": _pptx(lambda _, slide: cell(slide)),
        "notes": _pptx(lambda _, slide: setattr(slide.notes_slide.notes_text_frame, "text", words)),
        "alternative": _pptx(lambda _, slide: alternative(slide)),
        "footer": _patched(_pptx(), {"ppt/slides/slide1.xml": footer}),
        "master": _patched(_pptx(), {"ppt/slideMasters/slideMaster1.xml": master}),
        "layout": _patched(_pptx(), {"ppt/slideLayouts/slideLayout2.xml": master}),
        "subject": _pptx(lambda show, _: setattr(show.core_properties, "subject", words)),
        "custom": custom(_pptx(), "Classification", words),
    }


# --- OpenDocument --------------------------------------------------------------------------------------------------


def _odf(document: Any, add: Callable[[Any], object]) -> bytes:
    add(document)
    stream = io.BytesIO()
    document.write(stream)
    return stream.getvalue()


def _odt(add: Callable[[Any], object]) -> bytes:
    document = OpenDocumentText()
    for _ in range(3):
        document.text.addElement(text.P(text=PARAGRAPH))
    return _odf(document, add)


def _page_furniture(document: Any, element: Any, words: str) -> None:
    layout = style.PageLayout(name="Layout")
    document.automaticstyles.addElement(layout)
    page = style.MasterPage(name="Standard", pagelayoutname=layout)
    document.masterstyles.addElement(page)
    furniture = element()
    furniture.addElement(text.P(text=words))
    page.addElement(furniture)


def _annotation(words: str) -> Any:
    note = office.Annotation()
    note.addElement(text.P(text=words))
    return note


def _spans(words: str) -> Any:
    paragraph = text.P()
    for letter in words:
        paragraph.addElement(text.Span(text=letter))
    return paragraph


def _grid(words: str) -> Any:
    sheet = table.Table(name="Tides")
    for content in (PARAGRAPH, "Low", words, "High"):
        row = table.TableRow()
        cell = table.TableCell()
        cell.addElement(text.P(text=content))
        row.addElement(cell)
        sheet.addElement(row)
    return sheet


def _keywords(words: str) -> list[Any]:
    """Keywords as LibreOffice writes them: it takes them apart at each colon."""
    return [meta.Keyword(text=part) for part in ("tides", *words.split(":"))]


def odts(words: str) -> dict[str, bytes]:
    """ODT documents with a text in each place."""

    def noted(document: Any) -> None:
        paragraph = text.P(text="The water ")
        paragraph.addElement(_annotation(words))
        document.text.addElement(paragraph)

    return {
        "paragraph": _odt(lambda document: document.text.addElement(text.P(text=words))),
        "portion": _odt(lambda document: document.text.addElement(text.P(text=f"({words}) Low water."))),
        "heading": _odt(lambda document: document.text.addElement(text.H(outlinelevel=1, text=words))),
        "spans": _odt(lambda document: document.text.addElement(_spans(words))),
        "header": _odt(lambda document: _page_furniture(document, style.Header, f"Tides {words} of May")),
        "footer": _odt(lambda document: _page_furniture(document, style.Footer, words)),
        "cell": _odt(lambda document: document.text.addElement(_grid(words))),
        "comment": _odt(noted),
        "title": _odt(lambda document: document.meta.addElement(dc.Title(text=f"Tides {words}"))),
        "subject": _odt(lambda document: document.meta.addElement(dc.Subject(text=words))),
        "keyword": _odt(lambda document: document.meta.addElement(meta.Keyword(text=words))),
        "keyword in two": _odt(lambda document: [document.meta.addElement(each) for each in _keywords(words)]),
        "custom": _odt(
            lambda document: document.meta.addElement(meta.UserDefined(name="TLP", valuetype="string", text=words))
        ),
    }


def odss(words: str) -> dict[str, bytes]:
    """ODS documents with a text in each place."""
    return {
        "cell": _odf(OpenDocumentSpreadsheet(), lambda book: book.spreadsheet.addElement(_grid(words))),
        "header": _odf(
            OpenDocumentSpreadsheet(),
            lambda book: (book.spreadsheet.addElement(_grid("Low")), _page_furniture(book, style.Header, words)),
        ),
        "title": _odf(OpenDocumentSpreadsheet(), lambda book: book.meta.addElement(dc.Title(text=words))),
    }


def odps(words: str) -> dict[str, bytes]:
    """ODP documents with a text in each place."""

    def page(show: Any, content: str, description: str = "Low") -> None:
        layout = style.PageLayout(name="Slides")
        show.automaticstyles.addElement(layout)
        master = style.MasterPage(name="Master", pagelayoutname=layout)
        show.masterstyles.addElement(master)
        slide = draw.Page(masterpagename=master)
        show.presentation.addElement(slide)
        for paragraph in (PARAGRAPH, content):
            frame = draw.Frame(width="20cm", height="3cm")
            box = draw.TextBox()
            box.addElement(text.P(text=paragraph))
            frame.addElement(box)
            frame.addElement(svg.Desc(text=description))
            slide.addElement(frame)

    return {
        "box": _odf(OpenDocumentPresentation(), lambda show: page(show, words)),
        "alternative": _odf(OpenDocumentPresentation(), lambda show: page(show, "Low", words)),
        "description": _odf(
            OpenDocumentPresentation(),
            lambda show: (page(show, "Low"), show.meta.addElement(dc.Description(text=words))),
        ),
    }


# --- Text ----------------------------------------------------------------------------------------------------------


def texts(words: str) -> dict[str, bytes]:
    """Texts with a marker in each place."""
    body = "\n".join(PROSE)
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerows([["indicator", "note"], ["198.51.100.7", words], ["198.51.100.8", PARAGRAPH]])
    column = f"indicator;tlp\n198.51.100.7;{words.partition(':')[2]}\n"
    return {
        "first line": f"{words}\n\n{body}".encode(),
        "last line": f"{body}\n\n{words}\n".encode(),
        "between": f"{body}\n\n{words}\n\n{body}".encode(),
        "UTF-16": f"{words}\n{body}".encode("utf-16"),
        "UTF-8 with mark": f"{words}\r\n{body}".encode("utf-8-sig"),
        "Latin": f"{words}\nMarée basse\n{body}".encode("cp1252"),
        "bars": f"{body}\n\nTides | {words} | page 3\n".encode(),
        "bold": f"# Tides\n\n**{words}**\n\n{body}".encode(),
        "heading": f"# {words}\n\n{body}".encode(),
        "front matter": f"---\ntitle: Tides\nclassification: {words}\n---\n{body}".encode(),
        "comment of CSV": f"# {words}\n{rows.getvalue().replace(words, 'low')}".encode(),
        "cell of CSV": rows.getvalue().encode(),
        "column of CSV": column.encode(),
        "JSON": json.dumps({"title": f"{words} Tides", "body": PARAGRAPH}).encode(),
    }


def archive(files: dict[str, bytes]) -> bytes:
    """A ZIP archive of files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return stream.getvalue()


FORMATS: Final[dict[str, Callable[[str], dict[str, bytes]]]] = {
    "pdf": pdfs,
    "docx": docxs,
    "xlsx": xlsxs,
    "pptx": pptxs,
    "odt": odts,
    "ods": odss,
    "odp": odps,
    "text": texts,
}
