"""Traffic Light Protocol 2.0: the labels, their order, colours, badge and interchange identifiers.

Source: FIRST, *Traffic Light Protocol (TLP)*, version 2.0. Reading a label out of running text is in `markers`.
"""

from __future__ import annotations

import html
import re
from enum import IntEnum
from typing import Final


class Label(IntEnum):
    """A TLP label; a greater one is more restrictive (FIRST TLP 2.0, section 2)."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    def __str__(self) -> str:
        """The label as FIRST writes it: `TLP:AMBER+STRICT`."""
        return _NAMES[self]

    @property
    def colour(self) -> str:
        """The text colour as `#RRGGBB`, always on `BACKGROUND`."""
        return _COLOURS[self]

    @classmethod
    def parse(cls, text: object) -> Label | None:
        """The label that `text` spells in full, in any case; None for anything else, other types included."""
        return _BY_NAME.get(text.strip().upper()) if isinstance(text, str) else None

    @classmethod
    def kept(cls, text: object) -> Label:
        """A label as it was kept or told; what cannot be read counts as the strictest."""
        found = cls.parse(text)
        return cls.RED if found is None else found  # CLEAR counts as false


_NAMES: Final = {
    Label.CLEAR: "TLP:CLEAR",
    Label.GREEN: "TLP:GREEN",
    Label.AMBER: "TLP:AMBER",
    Label.AMBER_STRICT: "TLP:AMBER+STRICT",
    Label.RED: "TLP:RED",
}
_BY_NAME: Final = {name: label for label, name in _NAMES.items()} | {"TLP:WHITE": Label.CLEAR}

BACKGROUND: Final = "#000000"
_COLOURS: Final = {
    Label.CLEAR: "#FFFFFF",
    Label.GREEN: "#33FF00",
    Label.AMBER: "#FFC000",
    Label.AMBER_STRICT: "#FFC000",
    Label.RED: "#FF2B2B",
}

#: Every valid label in one phrase, for errors that a person reads.
ALL_LABELS: Final = ", ".join(_NAMES[label] for label in reversed(Label))

# --- The badge that stock clients show -------------------------------------------------------------------

_BADGES: Final = {label: f"[{name}] " for label, name in _NAMES.items()}
_HTML_BADGES: Final = {
    label: f'<span data-mx-bg-color="{BACKGROUND}" data-mx-color="{label.colour}">[{html.escape(name)}]</span> '
    for label, name in _NAMES.items()
}
_BADGE: Final = re.compile(r"\[TLP:(?:RED|AMBER\+STRICT|AMBER|GREEN|CLEAR)\][ \u00a0]?")


def badge(label: Label) -> str:
    """The badge in plain text, with the space behind it: `[TLP:AMBER] `."""
    return _BADGES[label]


def html_badge(label: Label) -> str:
    """The badge as Matrix HTML in FIRST's colours (Matrix 1.1, m.room.message `data-mx-bg-color`)."""
    return _HTML_BADGES[label]


def without_badge(body: str, label: Label | None = None) -> str:
    """`body` without the one badge it begins with; of `label` only, where one is named."""
    if label is not None:
        drawn = _BADGES[label]
        return body.removeprefix(drawn) if body.startswith(drawn) else body.removeprefix(drawn.rstrip())
    found = _BADGE.match(body)
    return body[found.end() :] if found else body


# --- Interchange identifiers ------------------------------------------------------------------------------

_MARKING: Final = "marking-definition--"
_STIX: Final = {
    Label.CLEAR: "94868c89-83c2-464b-929b-a1a8aa3c8487",
    Label.GREEN: "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Label.AMBER: "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Label.AMBER_STRICT: "939a9414-2ddd-4d32-a0cd-375ea402b003",
    Label.RED: "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_STIX_TLP1: Final = {
    "613f2e26-407d-48c7-9eca-b8e91df99dc9": Label.CLEAR,
    "34098fce-860f-48ae-8e50-ebd3cc5e41da": Label.GREEN,
    "f88d31f6-486f-44da-b317-01333bde0b82": Label.AMBER,
    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Label.RED,
}
_BY_STIX: Final = {uuid: label for label, uuid in _STIX.items()} | _STIX_TLP1


def stix_id(label: Label) -> str:
    """The STIX 2.1 marking definition of TLP 2.0 (OASIS cti-stix-common-objects)."""
    return _MARKING + _STIX[label]


def from_stix(identifier: str) -> Label | None:
    """The label of a STIX marking definition, of TLP 2.0 or TLP 1; None where it is another marking."""
    return _BY_STIX.get(identifier.removeprefix(_MARKING)) if identifier.startswith(_MARKING) else None


def misp_tag(label: Label) -> str:
    """The machine tag of the MISP taxonomy `tlp`: `tlp:amber+strict`."""
    return _NAMES[label].lower()


def from_misp(tag: str) -> Label | None:
    """The label of a MISP tag (`tlp:white` too); None where it is another tag."""
    return Label.parse(tag)
