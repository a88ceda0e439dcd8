"""bots/locale/belisha.pot: every text that bots say to members, as translators begin with it (gettext)."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "bots" / "locale" / "belisha.pot"
_KEYWORDS: Final = {"_": None, "marked": None, "many": (1, 2)}


def catalogue() -> Catalog:
    """Every marked text of the core and the bots, with the files that it stands in."""
    found = Catalog(project="Belisha", domain="belisha", creation_date=datetime(2026, 1, 1, tzinfo=UTC), fuzzy=False)
    for folder in ("belisha", "bots"):
        for name, _line, message, comments, context in extract_from_dir(ROOT / folder, keywords=_KEYWORDS):
            if message and name.endswith(".py"):
                found.add(message, locations=[(f"{folder}/{name}", 0)], auto_comments=comments, context=context)
    return found


def page() -> str:
    """The file as it should be."""
    written = BytesIO()
    write_po(written, catalogue(), width=120, sort_output=True, include_lineno=False)
    return written.getvalue().decode()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
