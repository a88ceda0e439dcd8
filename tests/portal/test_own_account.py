"""What members do about their own account, with the real bots: quiet hours, devices, leaving; in chat and by forms."""

from __future__ import annotations

from tests.portal.support import Here
from tests.portal.test_commands import fill, last_of_steward, tap
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

V3 = "/_matrix/client/v3"


async def newcomer(here: Here) -> str:
    name = unique("nora")
    here.people[name] = await here.server.member(name, "harbour")
    _, listed = await here.server.local("GET", "members")
    here.services[name] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith(f"@{name}:"))
    return name


async def test_quiet_hours_by_a_form_and_in_chat(here: Here) -> None:
    name = await newcomer(here)
    visitor = await here.sign_in(name)
    page = await fill(visitor, "quiet", hours="22:00-07:00")
    assert page.status == 200 and "Between 22:00 and 07:00" in page.text
    assert "Between 22:00 and 07:00" in await here.asked(name, "!quiet")
    assert "at any hour" in await here.asked(name, "!quiet off")
    page = await fill(visitor, "quiet", hours="never")
    assert page.status == 400 and "22:00-07:00, or off" in page.text


async def test_devices_are_listed_and_signed_out(here: Here) -> None:
    name = await newcomer(here)
    client = here.people[name]
    assert client.device_id in await here.asked(name, "!devices")
    assert "signed out at once" in await here.asked(name, f"!devices end {client.device_id}")
    await here.say(name, "no")
    assert await last_of_steward(here, name, "Nothing was done.")
    assert (await request(client, "GET", f"{V3}/joined_rooms"))[0] == 200
    assert "signed out at once" in await here.asked(name, f"!devices end {client.device_id}")
    await here.say(name, "yes")

    async def is_out() -> bool:
        return (await request(client, "GET", f"{V3}/joined_rooms"))[0] == 401

    await until(is_out)


async def test_who_leaves_is_signed_out_of_everything(here: Here) -> None:
    name = await newcomer(here)
    visitor = await here.sign_in(name)
    assert (await visitor.get("/")).status == 200
    page = await fill(visitor, "leave-community", member="@ana")
    assert page.status == 400 and "That is not your own address" in page.text
    assert "That is not your own address" in await here.asked(name, "!leave-community @ana")
    page = await fill(visitor, "leave-community", member=f"@{name}")
    assert page.status == 200 and "you are asked" in page.text
    question = await last_of_steward(here, name, "On the portal you asked for !leave-community")
    await tap(here, name, question)

    async def is_out() -> bool:
        return (await request(here.people[name], "GET", f"{V3}/joined_rooms"))[0] in (401, 403)

    await until(is_out)
    assert (await visitor.get("/")).status == 303, "the portal too"
