"""What is counted with the real bots and the portal: visits and sign-ins, told to their member alone, and let go."""

from __future__ import annotations

import pytest

from tests.portal.support import Here
from tests.portal.test_own_account import newcomer
from tests.support.community import unique
from tests.support.patience import until


async def test_a_member_sees_what_is_counted_and_has_it_deleted(here: Here) -> None:
    name = await newcomer(here)
    assert "You opened the portal" not in await here.asked(name, "!metrics mine")
    visitor = await here.sign_in(name)
    for _ in range(2):
        assert (await visitor.get("/commands")).status == 200
    told = await here.asked(name, "!metrics mine")
    assert "You opened the portal" in told and "You signed in" in told
    other = await here.asked("ana", "!metrics mine")
    assert name not in other
    assert "You are counted no more" in await here.asked(name, "!metrics optout")
    assert (await visitor.get("/commands")).status == 200
    assert "nothing is kept of what you do" in await here.asked(name, "!metrics mine")
    assert "You are counted from now on" in await here.asked(name, "!metrics optin")


async def test_that_a_search_found_nothing_is_counted_and_not_what_for(here: Here) -> None:
    name, nothing = await newcomer(here), "nothing was found"
    visitor = await here.sign_in(name)
    assert (await visitor.get("/search")).status == 200, "the empty page is no search"
    assert "You searched" not in await here.asked(name, "!metrics mine")
    skill = unique("splicing")
    await here.asked("ben", f"!profile expertise + {skill}")
    assert "<h3>" in (await visitor.get(f"/search?q={skill}")).text
    told = await here.asked(name, "!metrics mine")
    assert "You searched on the portal" in told and nothing not in told
    word = unique("nowhere")
    assert "<h3>" not in (await visitor.get(f"/search?q={word}")).text
    told = await here.asked(name, "!metrics mine")
    assert nothing in told and word not in told


@pytest.mark.full
@pytest.mark.nightly  # it waits for a minute
async def test_the_module_is_asked_every_minute(here: Here) -> None:
    name = await newcomer(here)

    async def is_told() -> bool:
        return "Your account was made" in await here.asked(name, "!metrics mine")

    await until(is_told)
