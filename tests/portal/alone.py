"""The portal without Synapse: a store, a clock that tests turn, pages, and a module that answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from belisha.commands.reading import Asked
from belisha.markers import MarkerReader
from belisha.policy.people import Person
from bots.blog.post_book import PostBook
from bots.charts.artist import Artist
from bots.kernel.bot import Asker, Context, Policy
from bots.kernel.by_form import ByForm
from bots.kernel.calls import Call
from bots.kernel.outbox import Outbox
from bots.kernel.store import Store
from bots.metrics.figures import FigureBook
from bots.metrics.pulse_box import PulseBox
from bots.pads.rooms import PadRooms
from bots.polls.counting import PollBook
from bots.portal.asking import Homeserver
from bots.portal.asking_pads import PadWatch
from bots.portal.book import Book
from bots.portal.command import PORTAL, PortalCommand
from bots.portal.drawings import Drawings
from bots.portal.enrolling import Enrolling
from bots.portal.keys import Keys
from bots.portal.limits import Limit, Rates
from bots.portal.pages import Pages
from bots.portal.place import Place
from bots.portal.server import application
from bots.portal.sessions import Sessions
from bots.portal.visit import Parts
from tests.portal.support import Visitor
from tests.support.server import free_ports

ANA = "@ana:belisha.localhost"


class Alone:
    """A store with a clock that tests turn."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = 1_000_000.0
        self.keys = Keys("a secret")
        self.sessions = Sessions(store, self.keys, lambda: self.now)
        self.command = PortalCommand(self.keys, "http://127.0.0.1:8009", ZoneInfo("Europe/London"))

    async def say(self, words: str, sender: str = ANA) -> str:
        """What the steward answers in a transaction of its own."""
        arguments = {"code": words} if words else {}
        asker = Asker(Person(sender, "harbour", frozenset({"member"})), 0, "!service")
        asked = Asked(PORTAL, arguments)
        call = Call(asked, f"!portal {words}", asker, "!service", Policy("service"), "!service", event_id="$command")
        async with self.store.writing() as connection:
            blocks = await connection.run_sync(
                lambda one: self.command.answer(call, Context("@belisha_steward", now=self.now, connection=one)).blocks
            )
        return str(blocks)

    async def opened(self, user_id: str = ANA, browser: str = "Firefox on Linux") -> str:
        """The token of an open session."""
        token, asking = await self.sessions.ask(browser)
        assert "You are signing in" in await self.say(asking.code, user_id)
        return await self.sessions.open(token, "harbour") or ""


@asynccontextmanager
async def store_at(address: str) -> AsyncIterator[Alone]:
    store = Store(address)
    await store.open()
    yield Alone(store)
    await store.close()


@asynccontextmanager
async def portal(
    here: Alone,
    rates: Rates,
    homeserver: str | None = None,
    *,
    second_factor: bool = False,
    has_passwords: bool = True,
    pulses: PulseBox | None = None,
) -> AsyncIterator[Visitor]:
    """The portal's pages, beside a homeserver that does not answer where none is named."""
    (dead, port) = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        by_form = ByForm(here.store, Outbox(here.store), (), is_ours=lambda _user: False, done=lambda: None)
        asks = Homeserver(homeserver or f"http://127.0.0.1:{dead}", "belisha.localhost", "a secret", session)
        parts = Parts(
            place=Place(url, (), "@belisha_steward:belisha.localhost"),
            pages=Pages("Belisha", ZoneInfo("Europe/London")),
            keys=here.keys,
            sessions=here.sessions,
            homeserver=asks,
            by_form=by_form,
            polls=PollBook(here.store),
            posts=PostBook(here.store),
            book=Book(here.store, by_form),
            pads=PadRooms(here.store, PadWatch(here.sessions, asks.pads).look, MarkerReader()),
            ballots=None,
            drawings=Drawings(Artist().draw),
            codes=Limit(rates.codes),
            tokens=Limit(rates.tokens),
            approvals=Limit(rates.approvals),
            recoveries=Limit(rates.recoveries),
            joins=Limit(rates.joins),
            mails_off=Limit(rates.mails_off),
            server_name="belisha.localhost",
            figures=FigureBook(here.store),
            enrolling=Enrolling(here.keys, "Belisha", "belisha.localhost") if second_factor else None,
            has_passwords=has_passwords,
            pulses=pulses,
        )
        async with TestServer(application(parts, rates), port=port):
            visitor = Visitor(url)
            visitor.patient = False
            yield visitor


@asynccontextmanager
async def module(home: Mapping[str, Any], *roles: str, named: Sequence[str] = ()) -> AsyncIterator[str]:
    """As much of the module as pages ask: everybody is a member of `harbour`, has this first page, and writes in pads.

    The organisations `named` let themselves be named in the figures, and are called after their ids; it may be changed.
    """
    member = {"member": {"belongs": True, "organisation": "harbour", "roles": ["member", *roles]}}

    async def decide(_request: web.Request) -> web.Response:
        return web.json_response({**member, "items": [], "rooms": [], "label": None})

    async def first_page(_request: web.Request) -> web.Response:
        return web.json_response({**member, **home})

    async def pad(request: web.Request) -> web.Response:
        people = [
            {
                "name": one[1:].partition(":")[0].title(),
                "organisation": "harbour",
                "organisation_name": "Harbour",
                "recovered_at": None,
                "closed": None,
                "redacts": False,
            }
            for one in (await request.json())["user_ids"]
        ]
        told = {"label": "TLP:GREEN", "ceiling": "TLP:AMBER", "source": people[0]["name"], "members": people}
        return web.json_response(told)

    async def organisations(_request: web.Request) -> web.Response:
        return web.json_response({"organisations": [{"id": one, "name": f"The {one}"} for one in named]})

    app = web.Application()
    api = "/_synapse/client/org.belisha/v1"
    app.router.add_post(f"{api}/shown_organisations", organisations)
    app.router.add_post(f"{api}/pad", pad)
    app.add_routes([web.post(f"{api}/decide_batch", decide), web.post(f"{api}/home", first_page)])
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
