"""Pages out of templates: everything that is put into one is escaped there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from belisha.commands.declaration import Argument, Command
from belisha.tlp import Label
from belisha.translation import _

#: What is sent as it stands, and its type.
FILES: Final = {
    "portal.css": "text/css",
    "portal.js": "text/javascript",
    "directory.js": "text/javascript",
    "widget.js": "text/javascript",
    "compose.js": "text/javascript",
    "pad.js": "text/javascript",
    "beacon.svg": "image/svg+xml",
}
_KINDS: Final = {
    "open": "Open group: every member may join",
    "closed": "Closed group: by invitation, or after asking",
    "named": "Private conversation between named people",
}


class Pages:
    """Renders pages of one community."""

    def __init__(self, community: str, zone: ZoneInfo) -> None:
        """Loads the templates.

        Args:
            community: Its name.
            zone: The zone of the times that are shown.
        """
        self.zone, self.community = zone, community
        self._environment = Environment(
            loader=PackageLoader("bots.portal"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "moment": self._moment,
            "day": self._day,
            "iso": self._iso,
            "chip": chip,
            "part": part,
            "sentence": sentence,
        }
        self._environment.globals |= {
            "community": community,
            "static": static_url,
            "kinds": _KINDS,
            "describe": describe,
            "words": _,
            "titled": titled,
            "explained": explained,
            "asked": asked,
            "spoken": spoken,
        }

    def render(self, template: str, **values: Any) -> str:
        """The page's HTML.

        Raises:
            jinja2.UndefinedError: The template uses a name that is not given (a bug, caught by the tests).
        """
        return self._environment.get_template(f"{template}.html.j2").render(values)

    def clock(self, seconds: float) -> str:
        """The time of the day, as the community's clocks show it."""
        return datetime.fromtimestamp(seconds, self.zone).strftime("%H:%M")

    def _moment(self, seconds: float) -> str:
        return datetime.fromtimestamp(seconds, self.zone).strftime("%-d %B %Y, %H:%M")

    def _day(self, seconds: float) -> str:
        return datetime.fromtimestamp(seconds, self.zone).strftime("%-d %B %Y")

    def _iso(self, seconds: float) -> str:
        return datetime.fromtimestamp(seconds, self.zone).isoformat(timespec="minutes")


def strictest(labels: Iterable[Label]) -> Label:
    """The label of a page that holds these."""
    return max(labels, default=Label.CLEAR)


def chip(label: Label) -> str:
    """The style of a label's chip."""
    return f"chip-{label.name.lower().replace('_', '-')}"


def describe(label: Label) -> str:
    """What a page's label says to its reader."""
    return {
        Label.CLEAR: "nothing on this page is confidential",
        Label.GREEN: "for members of this community",
        Label.AMBER: "only for the people it concerns",
        Label.AMBER_STRICT: "only for the people it concerns, within their organisations",
        Label.RED: "for you alone",
    }[label]


def titled(command: Command) -> str:
    """What a command is called."""
    return _(command.title) if command.title else sentence(_(command.help))


def explained(command: Command) -> str:
    """What it does, in a page's words."""
    return _(command.on_page or command.help)


def asked(argument: Argument) -> str:
    """What a field asks for, in a page's words."""
    return _(argument.on_page or argument.ask)


def spoken(choice: str) -> str:
    """One of a command's few words, as a page shows it; labels have no hyphen, and stay as they are."""
    return sentence(choice.replace("-", " "))


def sentence(text: str) -> str:
    """A text that begins like a sentence."""
    return text[:1].upper() + text[1:]


def part(text: str) -> str:
    """A text as one part of an address, whatever is in it."""
    return quote(text, safe="")


@cache
def static(name: str) -> bytes:
    """The bytes of one of `FILES`."""
    return files("bots.portal").joinpath("static", name).read_bytes()


@cache
def static_url(name: str) -> str:
    """Its address, another one whenever it changes."""
    return f"/static/{name}?v={hashlib.sha256(static(name)).hexdigest()[:12]}"
