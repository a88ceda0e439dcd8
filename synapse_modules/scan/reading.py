"""Reads one file in this process, which has been confined."""

from __future__ import annotations

import codecs
import io
import resource
import zipfile
from typing import BinaryIO

from belisha.directory.text import storable
from belisha.document_search import index_of
from belisha.inside import Finding, Reason
from belisha.inside.look import look_inside, plain_text
from belisha.lookalikes import fold
from synapse_modules.scan.answer import Markings

#: So many characters of a file are searched, from its beginning.
CHARACTERS = 200_000

#: A PDF, an office document and a text: reading them loads what Python loads late, which a confined process cannot.
_SAMPLES = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1"
    b"/BaseFont/Helvetica>>>>>>>>endobj 4 0 obj<</Length 32>>stream\n"
    b"BT /F 9 Tf (TLP:GR\xc3\x89EN) Tj ET\nendstream endobj\ntrailer<</Root 1 0 R/Size 5>>\nstartxref\n0\n%%EOF\n",
    "\ufeffTLP:ÄMBER".encode("utf-16-le"),
    "TLP:ÄMBER".encode("cp1252"),
    b'{"TLP": "amber"}',
    b"a,tlp\n1,amber\n",
)


#: What text, XML and the fonts of PDF are written in.
_ENCODINGS = (
    "ascii utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be latin-1 iso8859-2 iso8859-5 iso8859-7 "
    "iso8859-9 iso8859-15 cp437 cp850 cp1250 cp1251 cp1252 cp1253 cp1254 cp1257 koi8-r mac-roman gbk gb18030 gb2312 "
    "big5 shift_jis cp932 euc_jp euc_kr unicode_escape raw_unicode_escape"
).split()


def most_memory() -> int:
    """The most memory that this process has used, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def read(file: BinaryIO, markings: Markings) -> Finding:
    """Reads a file; whatever goes wrong is a finding."""
    try:
        return look_inside(file, markings)
    except Exception:
        return Finding(not_checked=Reason.BROKEN)


def text_of(file: BinaryIO) -> tuple[str, str]:
    """The text of a file, and its words as they are looked for; both empty where nothing can be read."""
    try:
        text = storable(plain_text(file, CHARACTERS))
    except Exception:
        text = ""
    return text, index_of(text)


def load(markings: Markings) -> None:
    """Loads all that reading needs, now."""
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name in ("[Content_Types].xml", "docProps/core.xml", "word/document.xml"):
            made.writestr(name, "<a><p><t>TLP:Ä</t></p></a>")
        for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            made.writestr(f"{method}.xml", "<a/>", compress_type=method)
    fold("TLP:Ä")
    for sample in (*_SAMPLES, stream.getvalue()):
        look_inside(io.BytesIO(sample), markings)
        text_of(io.BytesIO(sample))
