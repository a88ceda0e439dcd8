"""The table of Element's configuration in docs/element.md, made out of its template; `make tables` writes it anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from belisha import element
from belisha.render import Place, templates
from belisha.resources import shipped
from belisha.secrets import Secrets
from belisha.settings import Settings, parse

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "element.md"
_BEGIN: Final = "<!-- made by `make tables`: begin -->\n"
_END: Final = "<!-- made by `make tables`: end -->\n"
_EXAMPLE: Final = shipped("config", "belisha.example.yaml").read_text(encoding="utf-8")


def _community(encrypted: str, calls: str) -> Settings:
    text = _EXAMPLE.replace("belisha.localhost", "charity.uk")
    text = text.replace("\npublic_url: null", "\npublic_url: https://matrix.charity.uk")
    text = text.replace("  public_url: null", "  public_url: https://portal.charity.uk", 1)
    text = text.replace("  public_url: null", "  public_url: https://chat.charity.uk")
    text = text.replace("policies: {}", 'policies: {"Privacy": "https://charity.uk/privacy"}')
    text = text.replace("encrypted_named_rooms: false", f"encrypted_named_rooms: {encrypted}")
    return parse(text.replace("calls: false", f"calls: {calls}"))


#: Communities beyond one machine, with nothing and with everything.
REAL: Final = (_community("false", "false"), _community("true", "true"))


def keys(settings: Settings) -> tuple[element.Key, ...]:
    """Element's keys for a community."""
    place = Place(Path("/srv/belisha"), 8008, 8010, 8011)
    return element.keys(templates(settings, place, Secrets(as_token="a", hs_token="h", pepper="p")))


def known(settings: Settings) -> tuple[dict[str, object], list[str]]:
    """config.json of a community, and the keys that are left out on purpose."""
    found = keys(settings)
    return element.config(found), [key.path[0] for key in found if key.value is None]


def written(page: str) -> str:
    """A page with the table in it as it is now."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + "\n".join((*_table(), "")) + _END + after


def _table() -> Iterator[str]:
    yield "| key | value | why |"
    yield "|---|---|---|"
    for key in keys(REAL[0]):
        value = "left out" if key.value is None else f"`{json.dumps(key.value, ensure_ascii=False)}`"
        if key.path == ("report_event",):
            value = "what stands in the template"
        yield f"| `{' / '.join(key.path)}` | {value} | {key.why} |"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
