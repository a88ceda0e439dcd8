"""What is found inside files: a marker in each place of each format, and none where labels are only spoken of."""

from __future__ import annotations

import io
import json
import zipfile
from time import process_time
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from belisha.inside import Finding, Limits, Reason
from belisha.inside.archive import ends_as_archive
from belisha.inside.look import look_inside
from belisha.tlp import Label, misp_tag, stix_id
from tests.support.documents import FORMATS, PARAGRAPH, archive, docxs, odts, pdf, pdfs, pptxs, texts
from tests.support.files import png

MARKINGS = {"OFFICIAL-SENSITIVE": Label.AMBER, "SECRET": None, "TOP SECRET": None}
SPELLINGS = {
    Label.CLEAR: "TLP:CLEAR",
    Label.GREEN: "TLP: Green",
    Label.AMBER: "tlp:amber",
    Label.AMBER_STRICT: "TLP:AMBER+STRICT",
    Label.RED: "TLP-RED",
}


def found(data: bytes, limits: Limits = Limits()) -> Finding:  # noqa: B008 - it is frozen
    return look_inside(io.BytesIO(data), MARKINGS, limits)


@pytest.mark.parametrize("name", FORMATS)
def test_no_marker_is_missed_and_none_invented(name: str) -> None:
    """The corpus: every place of every format, with a marker and without, beside prose that speaks of labels."""
    for place, data in FORMATS[name]("Low water").items():
        assert found(data) == Finding(), place
    # AMBER+STRICT contains another label; GREEN is less than what the prose speaks of.
    for label in (Label.AMBER_STRICT, Label.GREEN):
        for place, data in FORMATS[name](str(label)).items():
            assert found(data) == Finding(label), (place, label)


def test_the_corpus_is_large_enough() -> None:
    assert sum(2 * len(make("TLP:GREEN")) for make in FORMATS.values()) >= 120


@pytest.mark.parametrize("label", Label)
def test_every_label_and_its_spellings(label: Label) -> None:
    for place in ("header", "paragraph", "title"):
        assert found(docxs(SPELLINGS[label])[place]).label is label, place
        assert found(pdfs(SPELLINGS[label])[place]).label is label, place


def text(words: str) -> bytes:
    return f"{PARAGRAPH}\n\n{words}\n\n{PARAGRAPH}\n".encode()


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("TLP : AMBER", Label.AMBER),
        ("TLP\u00a0AMBER", Label.AMBER),
        ("TLP:AMBER + STRICT", Label.AMBER_STRICT),
        ("TLP_GREEN", Label.GREEN),
        ("T L P : R E D", Label.RED),
        ("— TLP:RED —", Label.RED),
        ("Tides • TLP:RED • page 3", Label.RED),
        ("Tides    TLP:RED    3", Label.RED),
        ("Marking: TLP:GREEN.", Label.GREEN),
        ("ТLР:RED", Label.RED),  # Cyrillic letters: what a reader sees counts
        ("TLP:\u200bRED", Label.RED),
        ("TLP:WHITE", Label.CLEAR),
        ("TLP:GREEN TLP:RED", Label.RED),
        ("Tides of May (TLP:AMBER)", Label.AMBER),
        ("OFFICIAL-SENSITIVE", Label.AMBER),
    ],
)
def test_markers_on_a_line(words: str, label: Label) -> None:
    assert found(text(words)) == Finding(label)


@pytest.mark.parametrize(
    "words",
    [
        "as the TLP:RED rules say",
        "It names TLP:GREEN, TLP:RED.",
        "It is one of the labels\nTLP:GREEN, TLP:AMBER and others",
        "the report (TLP:RED) of May",
        "TLP: an introduction",
        "TLP is no licence",
        "TLP 2.0",
        "this is not TLP:RED.",
        "XTLP:RED",
        "do not share",
        "[RED]",
        "Secret Santa",
    ],
)
def test_what_is_no_marker(words: str) -> None:
    assert found(text(words)) == Finding()


@pytest.mark.parametrize("words", ["TLP:PURPLE", "TLP:AMBAR", "TLP:AMBER+STRICTER", "[TLP:YELLOW] tides"])
def test_a_marker_that_is_no_label_is_not_passed_over(words: str) -> None:
    assert found(text(words)).not_checked is Reason.UNCLEAR
    assert found(docxs(words)["header"]).not_checked is Reason.UNCLEAR


def test_the_end_of_a_broken_sentence_is_no_marker() -> None:
    """A label that a line's end has left alone, as LibreOffice breaks lines; a marker with a full stop is one."""
    sentence = "It names the labels TLP:CLEAR and"
    assert found(pdf(lambda page, _: _two_lines(page, sentence), pages=1)) == Finding()
    assert found(pdf(lambda page, _: _two_lines(page, "Report of the harbour"), pages=1)) == Finding(Label.RED)
    assert found(f"{sentence}\nTLP:RED.\n".encode()) == Finding()
    assert found(f"{sentence}\nTLP:RED\n".encode()) == Finding(Label.RED)
    assert found(f"{sentence}\n\nTLP:RED.\n".encode()) == Finding(Label.RED)


def _two_lines(page: canvas.Canvas, words: str) -> None:
    page.drawString(60, 480, words)
    page.drawString(60, 464, "TLP:RED.")


def test_forbidden_markings() -> None:
    assert found(text("TOP SECRET")) == Finding(forbidden="TOP SECRET")
    assert found(docxs("SECRET")["footer"]) == Finding(forbidden="SECRET")
    assert found(text("the SECRET service of the harbour")) == Finding()


def test_a_property_about_labels_may_say_a_mere_colour() -> None:
    assert found(docxs("amber")["custom"]).label is Label.AMBER
    assert found(docxs("amber")["title"]).label is None
    assert found(b"indicator,tlp\n198.51.100.1,green\n198.51.100.2,amber+strict\n") == Finding(Label.AMBER_STRICT)
    assert found(b"indicator,tlp\n198.51.100.1,mauve\n").not_checked is Reason.UNCLEAR


def test_slides_nobody_uses_say_nothing() -> None:
    data = io.BytesIO(pptxs("TLP:RED")["layout"])
    assert found(data.getvalue()).label is Label.RED
    with zipfile.ZipFile(data) as made:
        files = {name: made.read(name) for name in made.namelist()}
    files["ppt/slideLayouts/slideLayout9.xml"] = files.pop("ppt/slideLayouts/slideLayout2.xml")
    files["ppt/slideLayouts/slideLayout2.xml"] = files["ppt/slideLayouts/slideLayout1.xml"]
    assert found(archive(files)) == Finding()


# --- Machine tags --------------------------------------------------------------------------------------------------

OLD = {
    Label.CLEAR: "613f2e26-407d-48c7-9eca-b8e91df99dc9",
    Label.GREEN: "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    Label.AMBER: "f88d31f6-486f-44da-b317-01333bde0b82",
    Label.RED: "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
DEFINITION: dict[str, Any] = {"type": "marking-definition", "spec_version": "2.1"}


def bundle(*objects: dict[str, Any]) -> bytes:
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}).encode()


def indicator(*marks: str, **more: Any) -> dict[str, Any]:
    return {"type": "indicator", "name": "Tides", "description": PARAGRAPH, "object_marking_refs": marks, **more}


@pytest.mark.parametrize("label", Label)
def test_stix(label: Label) -> None:
    assert found(bundle(indicator(stix_id(label)))) == Finding(label)
    if label in OLD:
        assert found(bundle(indicator(f"marking-definition--{OLD[label]}"))) == Finding(label)
    assert found(bundle({**DEFINITION, "id": stix_id(label), "name": str(label)}, indicator())) == Finding(label)
    granular = {"granular_markings": [{"marking_ref": stix_id(label), "selectors": ["description"]}]}
    assert found(bundle(indicator(**granular))) == Finding(label)
    word = str(label)[4:].lower()
    for own in ({"definition_type": "tlp", "definition": {"tlp": word}}, {"name": str(label)}):
        named = {**DEFINITION, "id": "marking-definition--0", **own}
        assert found(bundle(named, indicator("marking-definition--0"))) == Finding(label)
    extension = {"extensions": {"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {"tlp_2_0": word}}}
    named = {**DEFINITION, "id": "marking-definition--0", **extension}
    assert found(bundle(named, indicator("marking-definition--0"))) == Finding(label)


def test_stix_counts_what_objects_name() -> None:
    every = [{**DEFINITION, "id": stix_id(label), "name": str(label)} for label in Label]
    assert found(bundle(*every, indicator(stix_id(Label.GREEN)))) == Finding(Label.GREEN)
    assert found(bundle(*every, indicator())) == Finding(Label.RED)
    assert found(bundle(indicator(stix_id(Label.GREEN)), indicator(stix_id(Label.AMBER)))) == Finding(Label.AMBER)
    statement = {**DEFINITION, "id": "marking-definition--1", "definition": {"statement": "Copyright"}}
    assert found(bundle(statement, indicator("marking-definition--1"))) == Finding()


@pytest.mark.parametrize("label", Label)
def test_misp(label: Label) -> None:
    tag = {"name": misp_tag(label), "colour": "#ffc000"}
    attribute = {"type": "ip-dst", "value": "198.51.100.7", "comment": PARAGRAPH}
    event = {"info": "Tides", "Attribute": [attribute]}
    assert found(json.dumps({"Event": {**event, "Tag": [tag]}}).encode()) == Finding(label)
    tagged = {"Event": {"info": "Tides", "Attribute": [{**attribute, "Tag": [tag]}]}}
    assert found(json.dumps({"response": [tagged]}).encode()) == Finding(label)
    assert found(json.dumps({"Event": {**event, "EventTag": [{"Tag": tag}]}}).encode()) == Finding(label)
    assert found(json.dumps({"Event": event}).encode()) == Finding()


def test_other_json() -> None:
    assert found(b'{"tlp": "amber"}\n{"tlp": "green"}\n') == Finding(Label.AMBER)
    assert found(b'{"Event": {"Tag": [{"name": "tlp:unclear"}, {"name": "type:OSINT"}]}}').not_checked is Reason.UNCLEAR
    assert found(b'{"tlp": "amber", ').not_checked is Reason.BROKEN
    assert found(b"[" * 100_000).not_checked is Reason.BROKEN


# --- What cannot be read -------------------------------------------------------------------------------------------


def scanned() -> bytes:
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    page.drawImage(ImageReader(io.BytesIO(png())), 0, 0, 500, 700)
    page.showPage()
    page.save()
    return stream.getvalue()


def encrypted_pdf(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdfs("TLP:AMBER")["header"])))
    writer.encrypt(password, "owner", algorithm="AES-256")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    document = f'<!DOCTYPE d [<!ENTITY l0 "ha">{entities}]><w:document xmlns:w="w"><w:p>&l11;</w:p></w:document>'
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": document.encode()})


def outside() -> bytes:
    document = (
        b'<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><w:document xmlns:w="w"><w:p>&e;</w:p></w:document>'
    )
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": document})


def bomb() -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<a><p><t>" + b"A" * 64 * 1024**2})


def nested() -> bytes:
    data = b"TLP:RED"
    for depth in range(6):
        data = archive({f"{depth}.zip": data})
    return data


def encrypted_zip() -> bytes:
    data = bytearray(archive({"tides.txt": b"TLP:RED"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr("tides.txt", "TLP:RED")
        made.writestr("tides.txt", "TLP:CLEAR")
    return stream.getvalue()


def deep() -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<a>" * 5000 + b"</a>" * 5000})


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
UNREADABLE = {
    "scanned": (scanned, Reason.PICTURES_ONLY),
    "encrypted PDF": (lambda: encrypted_pdf("secret"), Reason.ENCRYPTED),
    "encrypted office document": (lambda: OLE + "EncryptedPackage".encode("utf-16-le"), Reason.ENCRYPTED),
    "encrypted archive": (encrypted_zip, Reason.ENCRYPTED),
    "old office document": (lambda: OLE, Reason.UNKNOWN_TYPE),
    "unknown": (lambda: bytes(range(256)), Reason.UNKNOWN_TYPE),
    "HTML": (lambda: b"<!doctype html><p>TLP:RED", Reason.UNKNOWN_TYPE),
    "rich text": (lambda: rb"{\rtf1 TLP:RED}", Reason.UNKNOWN_TYPE),
    "cut PDF": (lambda: pdf()[:900], Reason.BROKEN),
    "cut archive": (lambda: docxs("TLP:RED")["header"][:3000], Reason.BROKEN),
    "no document": (lambda: archive({"word/document.xml": b"<a/>"}), Reason.BROKEN),
    "billion laughs": (laughs, Reason.BROKEN),
    "entity from outside": (outside, Reason.BROKEN),
    "bomb": (bomb, Reason.TOO_LARGE),
    "bombs in bombs": (lambda: archive({"1.zip": bomb()}), Reason.TOO_LARGE),
    "deep archive": (nested, Reason.TOO_LARGE),
    "deep XML": (deep, Reason.TOO_LARGE),
    "many entries": (lambda: archive({str(n): b"" for n in range(6000)}), Reason.TOO_LARGE),
    "one name twice": (twice, Reason.TWO_KINDS),
    "PDF and archive": (lambda: pdf() + archive({"tides.txt": b"TLP:RED"}), Reason.TWO_KINDS),
    "picture and archive": (lambda: png() + docxs("TLP:RED")["header"], Reason.TWO_KINDS),
    "picture and PDF": (lambda: b"GIF89a" + pdfs("TLP:RED")["header"], Reason.TWO_KINDS),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_says_so(name: str) -> None:
    make, reason = UNREADABLE[name]
    assert found(make()).not_checked is reason


def test_a_pdf_that_opens_without_a_password_is_read() -> None:
    assert found(encrypted_pdf("")) == Finding(Label.AMBER)


def bare_pdf(contents: bytes, resources: bytes, *more: bytes) -> bytes:
    objects = b"".join(b"%d 0 obj%bendobj\n" % (number, data) for number, data in enumerate(more, 5))
    return (
        b"%%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/Resources<<%b>>/Contents 4 0 R>>endobj\n"
        b"4 0 obj<</Length %d>>stream\n%b\nendstream endobj\n%btrailer<</Root 1 0 R/Size 9>>\nstartxref\n0\n%%%%EOF\n"
    ) % (resources, len(contents), contents, objects)


def test_what_pypdf_passes_over_is_not_taken_for_read() -> None:
    """It gives no text for a page without fonts, and goes on behind a form that it cannot read."""
    font = b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
    shown = b"BT /F 9 Tf (TLP:RED) Tj ET"
    assert found(bare_pdf(shown, font)) == Finding(Label.RED)
    assert found(bare_pdf(shown, b"")).not_checked is Reason.BROKEN
    form = (
        b"<</Type/XObject/Subtype/Form/Filter/FlateDecode/Resources<<"
        + font
        + b">>/Length 9>>stream\nno deflate\nendstream "
    )
    data = bare_pdf(b"BT /F 9 Tf (Tides) Tj ET /G Do", font + b"/XObject<</G 5 0 R>>", form)
    assert found(data).not_checked is Reason.BROKEN


def test_pictures_sound_and_film_have_no_text() -> None:
    for data in (png(), b"OggS\0" + bytes(99), b"\0\0\0\x20ftypisom" + bytes(99), b"RIFF\0\0\0\0WAVE", b""):
        assert found(data) == Finding()


def test_what_was_found_before_the_end_counts() -> None:
    files = {"1.docx": docxs("TLP:AMBER")["header"], "2.bin": bytes(range(256)), "3.txt": b"TLP:GREEN"}
    assert found(archive(files)) == Finding(Label.AMBER, Reason.UNKNOWN_TYPE)
    assert found(archive({"1.pdf": pdfs("TLP:RED")["header"]})) == Finding(Label.RED)


def test_limits_hold() -> None:
    assert found(pdf(pages=12), Limits(pages=11)).not_checked is Reason.TOO_LARGE
    assert found(pdf(pages=12), Limits(pages=12)) == Finding()
    long = b"Tides\n" * 1000
    assert found(long, Limits(characters=5999)).not_checked is Reason.TOO_LARGE
    assert found(long, Limits(unpacked=5999)).not_checked is Reason.TOO_LARGE
    assert found(docxs("x")["header"], Limits(entries=5)).not_checked is Reason.TOO_LARGE


def test_time_is_limited() -> None:
    ticks = iter(range(10_000))
    finding = look_inside(io.BytesIO(pdf(pages=50)), limits=Limits(seconds=30), clock=lambda: float(next(ticks)))
    assert finding.not_checked is Reason.TOO_SLOW


@pytest.mark.parametrize(
    "data", [b"TLP:PURPLE " * 200_000, b" " * 2_000_000 + b"x TLP:RED", b"TLP:RED " * 100_000, b"t l " * 300_000]
)
def test_no_text_takes_long(data: bytes) -> None:
    assert look_inside(io.BytesIO(data), MARKINGS, Limits(seconds=5), process_time).not_checked is not Reason.TOO_SLOW


def test_no_finding_is_lost_on_its_way() -> None:
    for finding in (Finding(), Finding(Label.RED, Reason.BROKEN, "SECRET"), Finding(Label.CLEAR)):
        assert Finding.from_json(json.loads(json.dumps(finding.as_json()))) == finding
    for broken in (
        None,
        {},
        {"label": "TLP:MAUVE", "not_checked": None, "forbidden": None},
        {**Finding().as_json(), "x": 1},
    ):
        with pytest.raises(ValueError):
            Finding.from_json(broken)


def test_damage_is_survived() -> None:
    """Bytes that are changed here and there give some finding, never an error."""
    whole = (docxs("TLP:RED")["header"], odts("TLP:RED")["cell"], pdfs("TLP:RED")["field"], texts("TLP:RED")["JSON"])
    for step in range(24):
        for data in whole:
            damaged = bytearray(data)
            for place in range(step, len(damaged), 397 + step):
                damaged[place] ^= 1 << (step % 8)
            assert isinstance(found(bytes(damaged), Limits(seconds=5)), Finding)


def test_archives_are_told_from_chance() -> None:
    assert not ends_as_archive(io.BytesIO(png() + b"PK\x05\x06" + b"\xff" * 18))
    assert ends_as_archive(io.BytesIO(png() + archive({"a": b"b"})))
