"""What a message says of its file, as the library lists it."""

from __future__ import annotations

from typing import Any

import pytest

from belisha.documents import Document, document_of, fits, words_of

FILE = {"msgtype": "m.file", "body": "Tides.pdf", "url": "mxc://here/abc", "info": {"mimetype": "application/pdf"}}
TIDES = Document("abc", "Tides.pdf", "application/pdf")
LABELLED = {"org.belisha.tlp": {"label": "TLP:AMBER"}}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (FILE, TIDES),
        (
            FILE | LABELLED | {"body": "[TLP:AMBER] Look", "filename": "Tides.pdf"},
            TIDES,
        ),
        (FILE | LABELLED | {"body": "[TLP:AMBER] Tides.pdf"}, TIDES),
        (
            {"m.new_content": FILE | {"url": "mxc://here/new"}, "body": "x"},
            TIDES._replace(media_id="new"),
        ),
        (FILE | {"info": 7, "body": "../x\n.pdf"}, Document("abc", "x_.pdf", "")),
        (FILE | {"body": 7}, Document("abc", "file", "application/pdf")),
        (FILE | {"msgtype": "m.text"}, None),
        (FILE | {"url": "mxc://elsewhere/abc"}, None),
        (FILE | {"url": "mxc://here/"}, None),
        (FILE | {"url": None}, None),
        ({"m.new_content": {}}, None),
        ({}, None),
    ],
)
def test_what_a_message_is_about(content: dict[str, Any], found: Document | None) -> None:
    assert document_of(content, "here") == found


def test_versions_have_their_name_alike() -> None:
    assert Document("a", "Ti\u0301des.PDF", "").key == Document("b", "t\xeddes.pdf", "").key
    assert Document("a", "Tides.pdf", "").key != Document("b", "Tides 2.pdf", "").key


def test_every_word_is_somewhere() -> None:
    assert fits("Harbour tide tables.pdf", words_of("TABLES  tide"))
    assert fits("anything", words_of(""))
    assert not fits("Harbour tides.pdf", words_of("tide moon"))
    assert len(words_of("x " * 500)) == 8
