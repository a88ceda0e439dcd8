"""Which files an event names: every address that a client would load, wherever in the content it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from belisha.events import MalformedEvent, texts_of, walk_strings
from belisha.html import addresses_in, clean

_SCHEME: Final = "mxc:"
_ADDRESS: Final = re.compile(r"mxc://([A-Za-z0-9.:\[\]-]{1,255})/([A-Za-z0-9_-]{1,255})")


class Address(NamedTuple):
    """The address of a file (Matrix 1.16, "mxc:// URIs")."""

    server: str
    media_id: str


def address_of(text: str) -> Address | None:
    """The address that a text is; None where it is none, or is written in a way that clients read differently."""
    found = _ADDRESS.fullmatch(text)
    return None if found is None else Address(found[1], found[2])


def files_in(content: Mapping[str, Any]) -> tuple[Address, ...]:
    """Every file that a tidied content names, each once, in the order in which it is found.

    An address that stands in a text for people names nothing: no client loads it.

    Raises:
        MalformedEvent: where something begins like an address and is none.
    """
    found: dict[Address, None] = {}
    for text in _candidates(content):
        address = address_of(text)
        if address is None:
            raise MalformedEvent("A file is named by its address, such as “mxc://server/id”.")
        found[address] = None
    return tuple(found)


def _candidates(content: Mapping[str, Any]) -> Iterator[str]:
    for text in walk_strings(content):
        if text.strip().lower().startswith(_SCHEME):
            yield text
    for shown in texts_of(content):
        if shown.is_html and _SCHEME in shown.value.lower():
            yield from (text for text in addresses_in(clean(shown.value)) if text.strip().lower().startswith(_SCHEME))
