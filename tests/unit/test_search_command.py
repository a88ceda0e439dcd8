"""`!search` leads to the portal's search, with the words and without any hit."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.policy.people import Person
from bots.kernel.bot import Asker, Context, Policy
from bots.kernel.effects import Send
from bots.kernel.events import Event
from bots.kernel.tables import metadata
from bots.portal.command import PortalCommand
from bots.portal.keys import Keys
from bots.roster import roster

ME, ADA, PORTAL = "@belisha_steward:x", "@ada:x", "https://portal.x"
COMMAND = PortalCommand(Keys("x" * 32), PORTAL, ZoneInfo("UTC"))


def asked(body: str, portal: PortalCommand | None = COMMAND) -> str:
    """What the steward answers Ada in her own room."""
    steward: Any = roster(portal)[0]
    asker = Asker(Person(ADA, "harbour", frozenset({"member"})), 0, "!own:x")
    event = Event("$1", "!own:x", "m.room.message", ADA, {"msgtype": "m.text", "body": body})
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        (said,) = steward.handle(event, Context(ME, Policy("service"), asker=asker, connection=connection))
    assert isinstance(said, Send)
    return str(said.content["body"])


@pytest.mark.parametrize(
    ("body", "link"),
    [
        ("!search tide tables", "/search?q=tide+tables"),
        ("!search é&x=1", "/search?q=%C3%A9%26x%3D1"),
        ("!search", "/search"),
    ],
)
def test_it_leads_to_the_portal(body: str, link: str) -> None:
    assert f"{PORTAL}{link}" in asked(body)


def test_without_a_portal_there_is_no_such_command() -> None:
    assert asked("!search tide", portal=None).startswith("I do not know !search.")
