"""What a card about who waits shows, in words and as clients format it (rule P3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any, Final

from belisha.acts.waiting import LET_IN, written
from belisha.commands.declaration import Command

#: Elements that begin and end a line of their own.
_LINES: Final = frozenset({"p", "ul", "ol", "li", "br", "div", "blockquote", "pre", "table", "tr", "td", "th"})
_POINT: Final = "• "


def shows(content: Mapping[str, Any], command: Command, localpart: str, room_id: str | None) -> bool:
    """Whether a card has a line that is that command about that person, and says so in its HTML, too.

    Args:
        content: of the card's event, not to be trusted.
        command: `LET_IN` or `TURN_AWAY`, behind which an example of a reason stands.
        localpart: who waits.
        room_id: for which group; None where it is for an organisation.
    """
    body, formatted = content.get("body"), content.get("formatted_body")
    line = written(command, localpart, room_id)
    if not isinstance(body, str) or not any(_is(one, _POINT + line, command) for one in body.split("\n")):
        return False
    if "formatted_body" not in content:
        return True
    return isinstance(formatted, str) and any(_is(one.removeprefix(_POINT), line, command) for one in _lines(formatted))


def _is(line: str, wanted: str, command: Command) -> bool:
    return line == wanted if command is LET_IN else line.startswith(f"{wanted} ")


def _lines(formatted: str) -> Iterator[str]:
    text = _Text()
    text.feed(formatted)
    text.close()
    return iter("".join(text.found).split("\n"))


class _Text(HTMLParser):
    """The text without its tags, a line for each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begins a line, where that is a block."""
        self.found += "\n" if tag in _LINES else ""

    def handle_endtag(self, tag: str) -> None:
        """Ends a line, where that was a block."""
        self.found += "\n" if tag in _LINES else ""

    def handle_data(self, data: str) -> None:
        """Takes text as it is shown."""
        self.found.append(data)
