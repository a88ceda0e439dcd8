"""How long a page of the directory takes: the portal's own, by HTTP, with the module's answers given at once."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.community import Person
from bench.directory_queries import begun, two_words
from bench.report import BenchFailed
from bots.directory.tables import directory_member, profile_field
from bots.kernel.store import Store
from bots.portal.limits import Rate, Rates
from tests.portal.alone import ANA, Alone, portal
from tests.portal.support import Visitor

_API: Final = "/_synapse/client/org.belisha/v1"
_ASKER: Final = {
    "user_id": ANA,
    "name": "Ana",
    "organisation": "harbour",
    "organisation_name": "Harbour Office",
    "category": "government",
}
_ROWS: Final = 5_000


def addresses(draw: random.Random, community: Sequence[Person], count: int) -> list[str]:
    """What members open: a search, in every third one in the middle of typing."""
    typed = (begun if number % 3 == 0 else two_words for number in range(count))
    return [f"/directory?q={quote(one(draw, community))}" for one in typed]


def fill(connection: sa.Connection, community: Sequence[Person]) -> None:
    """Who is listed, and what they have written, beside the index."""
    members = ({**_listed(person), "standing": "active"} for person in community)
    fields = (
        {"user_id": person.user_id, "field": field, "value": json.dumps(list(value))}
        for person in community
        for field, value in person.fields.items()
        if value
    )
    for table, rows in ((directory_member, members), (profile_field, fields)):
        for some in _some(rows):
            connection.execute(table.insert(), some)


@asynccontextmanager
async def visitor(store: Store, community: Sequence[Person], shares: Iterable[str]) -> AsyncIterator[Visitor]:
    """A browser with a session, for a member who shares groups with some."""
    listed = {person.user_id: _listed(person) for person in community}
    member = {"member": {"belongs": True, "organisation": "harbour", "roles": ["member"]}}
    shared = sorted(shares)

    async def decide(_request: web.Request) -> web.Response:
        return web.json_response({**member, "items": [], "rooms": [], "label": None})

    async def sight(request: web.Request) -> web.Response:
        about = [listed.get(one) for one in (await request.json())["about"]]
        return web.json_response({**member, "asker": _ASKER, "shares": shared, "absent": [], "about": about})

    app = web.Application()
    app.add_routes([web.post(f"{_API}/decide_batch", decide), web.post(f"{_API}/directory", sight)])
    alone, often = Alone(store), Rate(1e6, 1_000_000)
    async with TestServer(app) as module:
        token = await alone.opened()
        async with portal(alone, Rates(pages=often, member=often), str(module.make_url("")).rstrip("/")) as browser:
            browser.cookies["belisha"] = token
            yield browser


async def opened(browser: Visitor, address: str) -> None:
    """Opens a page.

    Raises:
        BenchFailed: it finds nobody, or is no page.
    """
    answer = await browser.get(address)
    if answer.status != 200 or "/directory/members/" not in answer.text:
        raise BenchFailed(f"A page of the directory answered {answer.status}, or found nobody.")


def _listed(person: Person) -> dict[str, str]:
    organisation, name, category = person.organisation
    return {
        "user_id": person.user_id,
        "name": person.name,
        "organisation": organisation,
        "organisation_name": name,
        "category": category,
    }


def _some(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    left = iter(rows)
    while some := list(islice(left, _ROWS)):
        yield some
