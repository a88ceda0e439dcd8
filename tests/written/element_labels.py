"""The labels as Element's module has them, made out of what the core and the bot say of them, by `make tables`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from belisha.tlp import Label
from bots.steward.labels import said_of

FILE: Final = Path(__file__).resolve().parents[2] / "element-config" / "module" / "src" / "labels.json"
#: FIRST, TLP 2.0, section 5, in one line each.
_WHO: Final = {
    Label.CLEAR: "anybody may see it.",
    Label.GREEN: "the community may see it, and no public channel.",
    Label.AMBER: "your organisation and its clients may see it, where they need to know.",
    Label.AMBER_STRICT: "your own organisation may see it, where people need to know.",
    Label.RED: "only the people whom it was sent to may see it.",
}


def labels() -> str:
    """The file's text, the strictest label first."""
    found = []
    for label in sorted(Label, reverse=True):
        acts, stricter = said_of(label)
        may = [{"act": act, "answer": answer} for act, answer in acts]
        found.append({"name": str(label), "colour": label.colour, "who": _WHO[label], "may": may, "stricter": stricter})
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(labels(), encoding="utf-8")
