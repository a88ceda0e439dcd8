"""People with the real bots: off-boarding in chat and by a form, recertification by a tap, and lists of members."""

from __future__ import annotations

import contextlib
import re
import sqlite3

import pytest
import pytest_asyncio
import yaml

from tests.portal.support import Here, Visitor, join
from tests.portal.test_commands import fill, last_of_steward, tap
from tests.portal.test_moderation import says
from tests.synapse.test_registration import register

pytestmark = pytest.mark.more


@pytest_asyncio.fixture(scope="module")
async def lena(here: Here) -> str:
    """A lead of the harbour, and two people of an organisation that is about to go."""
    here.people["lena"] = await here.server.member("lena", "harbour", "lead")
    here.people["max"] = await here.server.member("max", "chandlers", "manager")
    await here.server.organisation("divers")
    for name in ("nell", "odin"):
        await join(here, name, "divers")
    _, listed = await here.server.local("GET", "members")
    for name in ("lena", "max"):
        here.services[name] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith(f"@{name}:"))
    return "lena"


async def standing(here: Here, name: str) -> str:
    _, body = await here.server.local("GET", "members")
    return next(str(m["standing"]) for m in body["members"] if m["user_id"].startswith(f"@{name}:"))


async def test_a_lead_takes_out_a_member(here: Here, lena: str) -> None:
    await join(here, "gus", "harbour")
    room = here.services[lena]
    asked = await here.answer(lena, await says(here, lena, room, "!offboard @gus"), room)
    assert "Gus (@gus) concerns 1 member, with 0 memberships in 0 groups." in asked and "cannot be undone" in asked
    assert await standing(here, "gus") == "active"
    await tap(here, lena, await last_of_steward(here, lena, "(@gus) concerns"))
    assert await last_of_steward(here, lena, "Done: Gus (@gus) is off-boarded")
    assert await standing(here, "gus") == "removed"
    assert "leads for members of their own organisation" in await here.asked(lena, "!offboard @finn")
    assert "Only stewards and managers can do this" in await here.asked(lena, "!offboard organisation chandlers")


async def test_a_manager_takes_out_an_organisation_by_a_form(here: Here, lena: str, ana: Visitor) -> None:
    manager = await here.sign_in("max")
    page = await fill(manager, "offboard-organisation", organisation="none")
    assert page.status == 400 and "There is no organisation with this id." in page.text
    page = await fill(manager, "offboard-organisation", organisation="divers")
    assert page.status == 200 and "you are asked" in page.text
    question = await last_of_steward(here, "max", "Divers (divers) concerns 2 members")
    assert [await standing(here, name) for name in ("nell", "odin")] == ["active", "active"]
    await tap(here, "max", question)
    assert await last_of_steward(here, "max", "Done: Divers (divers) is off-boarded: 2 members")
    assert [await standing(here, name) for name in ("nell", "odin")] == ["removed", "removed"]
    assert (await ana.get("/commands/offboard")).status == 404, "she leads nobody"


async def test_lists_of_members(here: Here, lena: str) -> None:
    asked = await here.say(lena, "!members")
    told = await here.answer(lena, asked)
    assert "(@lena): lead" in told and "(@ana)" in told and "@finn" not in told
    assert "Everybody was here within 90 days." in await here.asked(lena, "!dormant")
    refused = await here.asked("ana", "!members")
    assert "leads for members of their own organisation" in refused


async def test_a_lead_invites_in_chat_and_by_a_form(here: Here, lena: str, ana: Visitor) -> None:
    told = await here.asked(lena, "!invite --expires 1d")
    token = re.search(r"registration token, write (\S+)\.\n", told)
    assert token and "Hand this to 1 new member of Harbour" in told
    status, body = await register(here.server, token[1], "quinn")
    assert status == 200, body
    assert await standing(here, "quinn") == "active"

    lead = await here.sign_in(lena)
    page = await fill(lead, "invite", uses="2")
    assert page.status == 200 and "you are asked" in page.text
    await tap(here, lena, await last_of_steward(here, lena, "On the portal you asked for !invite --uses 2"))
    assert await last_of_steward(here, lena, "Hand this to 2 new members of Harbour")
    assert "2 uses left" in await here.asked(lena, "!invite list")
    assert "Managers can do this, and leads" in await here.asked("ana", "!invite")
    assert (await ana.get("/commands/invite")).status == 404


async def test_a_lead_confirms_the_members_by_a_tap(here: Here, lena: str) -> None:
    """The day's job is brought forward, and the accounts are made older than they are."""
    here.server.change("UPDATE users SET creation_ts = creation_ts - ?", 91 * 86_400)
    here.server.change("DELETE FROM belisha_recertification_begun")
    here.server.change("INSERT INTO belisha_recertification_begun (id, day) VALUES (1, 0)")
    url = yaml.safe_load(here.bots.config.read_text())["database"]
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as database, database:
        changed = database.execute("UPDATE job SET due = 1 WHERE name = 'recertification' AND state = 'pending'")
        assert changed.rowcount == 1
    question = await last_of_steward(here, lena, "Do the members of Harbour still belong to it?")
    await tap(here, lena, question)
    assert await last_of_steward(here, lena, "of Harbour (harbour) confirmed")
    here.server.change("UPDATE users SET creation_ts = creation_ts + ?", 91 * 86_400)
    confirmed = {row["localpart"] for row in here.server.query("SELECT localpart FROM belisha_confirmed")}
    active = "SELECT localpart FROM belisha_member WHERE organisation_id = 'harbour' AND standing = 'active'"
    assert confirmed >= {row["localpart"] for row in here.server.query(active)} and "finn" not in confirmed


async def test_the_first_steps_in_chat_and_on_a_page(here: Here, ana: Visitor) -> None:
    told = await here.asked("ben", "!start")
    assert "First steps" in told and "recovery key" in told and "write !rules" not in told, "there are no rules here"
    assert "no rules of its own" in await here.asked("ben", "!rules")
    page = await fill(ana, "start")
    assert page.status == 200 and "First steps" in page.text and "recovery key" in page.text
    page = await fill(ana, "rules")
    assert page.status == 200 and "no rules of its own" in page.text
