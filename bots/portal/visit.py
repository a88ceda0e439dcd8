"""One request as the pages see it: who asks, by which session, and how to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from belisha.tlp import Label
from bots.blog.post_book import PostBook
from bots.charts.artist import Artist, printer
from bots.kernel.by_form import ByForm
from bots.metrics.figures import FigureBook
from bots.metrics.pulse_box import PulseBox
from bots.metrics.seen import Seen
from bots.pads.files.order import BEGINS, Kind
from bots.pads.rooms import PadRooms
from bots.polls.ballot_box import BallotBox
from bots.polls.counting import PollBook
from bots.portal.asking import Homeserver, Member
from bots.portal.book import Book
from bots.portal.drawings import Drawings
from bots.portal.enrolling import Enrolling
from bots.portal.keys import Keys
from bots.portal.limits import Limit
from bots.portal.pages import Pages
from bots.portal.place import Place
from bots.portal.sessions import Session, Sessions


class Who(Enum):
    """Who may ask for a page."""

    ANYBODY = "anybody"
    MEMBER = "member"
    CONFIRMED = "confirmed"
    """A member whose session is confirmed: whoever changes something."""


def _writers() -> Mapping[Kind, Drawings]:
    return {kind: Drawings(Artist(module="bots.pads.files", begins=begins).draw) for kind, begins in BEGINS.items()}


@dataclass(frozen=True, slots=True)
class Parts:
    """What all pages share."""

    place: Place
    pages: Pages
    keys: Keys
    sessions: Sessions
    homeserver: Homeserver
    by_form: ByForm
    polls: PollBook
    posts: PostBook
    book: Book
    pads: PadRooms
    ballots: BallotBox | None
    """None where there are no anonymous polls."""
    drawings: Drawings
    codes: Limit
    tokens: Limit
    approvals: Limit
    recoveries: Limit
    joins: Limit
    mails_off: Limit
    server_name: str
    seen: Seen | None = None
    """Counts visits; None where nothing is counted."""
    enrolling: Enrolling | None = None
    """Makes keys for authenticator apps; None where there is no second factor."""
    has_passwords: bool = True
    """Whether accounts have passwords; they have none where members sign in by their organisations."""
    figures: FigureBook | None = None
    """The community's figures; None where nothing is counted."""
    sheets: Drawings = field(default_factory=lambda: Drawings(printer().draw))
    """Sets reports as PDF."""
    files: Mapping[Kind, Drawings] = field(default_factory=_writers)
    """Writes pads as files."""
    pulses: PulseBox | None = None
    """The quarter's questions; None where there is no place for the keys of what is answered."""
    background: set[asyncio.Task[None]] = field(default_factory=set)
    """What goes on after an answer, so that its time tells nobody anything."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A member with an open session, who was found to be one a moment ago."""

    member: Member
    session: Session
    token: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A request."""

    request: web.Request
    parts: Parts
    asker: str
    visitor: Visitor | None
    form: Mapping[str, str]

    @property
    def known(self) -> Visitor:
        """Who asks, on pages for members."""
        if self.visitor is None:
            raise RuntimeError("this page has no visitor")
        return self.visitor

    @property
    def framed(self) -> bool:
        """Whether the page is to be shown inside another."""
        return self.request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame")

    async def counted(self, action: str, user_id: str) -> None:
        """Counts that a member did something, where anything is counted."""
        if self.parts.seen is not None:
            await self.parts.seen.note(action, user_id)

    def cookie(self, name: str) -> str | None:
        """A cookie of ours."""
        return self.request.cookies.get(self.parts.place.cookie_name(name))

    def page(self, template: str, label: Label, *, status: int = 200, **values: Any) -> web.Response:
        """A page for people, with its label on top."""
        shared = {
            "label": label,
            "visitor": self.visitor,
            "form": self.parts.keys.form(self.visitor.token) if self.visitor else "",
            "place": self.parts.place,
            "widget_origins": " ".join(self.parts.place.element_origins),
            "path": self.request.path,
        }
        html = self.parts.pages.render(template, **(shared | values))
        return web.Response(text=html, status=status, content_type="text/html", charset="utf-8")


Handler = Callable[[Visit], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One address."""

    method: str
    path: str
    handler: Handler
    who: Who
    framed: bool = False
    """Whether Element may show it inside itself."""
    from_elsewhere: bool = False
    """Whether what is sent there may come from anywhere, since its address alone proves it; its fields are not read."""


def see(path: str, *cookies: str) -> web.Response:
    """Sends the browser on to another page of the portal."""
    headers = CIMultiDict({"Location": path})
    for cookie in cookies:
        headers.add("Set-Cookie", cookie)
    return web.Response(status=303, headers=headers)


def local(path: str | None) -> str:
    """A path of the portal that a page was asked to go on to; the first page for anything else."""
    if not path or len(path) > 500 or not path.startswith("/") or path[1:2] in ("/", "\\"):
        return "/"
    return path if path.isprintable() and path.isascii() and "\\" not in path else "/"
