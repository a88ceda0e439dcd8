"""Reads XML of strangers: no document types, no entities, nothing from elsewhere, and never a whole tree in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, Protocol
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, feature_namespaces

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from belisha.inside.finding import Reason, Unreadable

_CHUNK: Final = 64 * 1024
#: How deep elements may stand in each other.
_DEPTH: Final = 500


class Visitor(Protocol):
    """What is told of a document's elements, by their local names."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Text within the innermost element."""


class _Handler(ContentHandler):
    def __init__(self, visitor: Visitor) -> None:
        super().__init__()
        self._visitor = visitor
        self._depth = 0

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise Unreadable(Reason.TOO_LARGE)
        self._visitor.start(name[1], {key[1]: value for key, value in attrs.items()})

    def endElementNS(self, name: Any, qname: Any) -> None:
        self._depth -= 1
        self._visitor.end(name[1])

    def characters(self, content: str) -> None:
        self._visitor.text(content)


def visit(read: Callable[[int], bytes], visitor: Visitor) -> None:
    """Tells a visitor of a document, as it is read in pieces.

    Raises:
        Unreadable: where it is no XML, or has what no document needs.
    """
    parser = DefusedExpatParser(forbid_dtd=True)
    parser.setFeature(feature_namespaces, 1)
    parser.setContentHandler(_Handler(visitor))
    try:
        while piece := read(_CHUNK):
            parser.feed(piece)
        parser.close()
    except (SAXException, DefusedXmlException, ValueError, LookupError):
        raise Unreadable(Reason.BROKEN) from None


def visit_file(file: BinaryIO, visitor: Visitor) -> None:
    """The same of an open file."""
    visit(file.read, visitor)
