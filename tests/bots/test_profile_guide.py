"""The guide through one's own profile: plain words are answers, and what is written down is said."""

from __future__ import annotations

import pytest

from bots.directory import guide
from bots.directory.tables import guide as waiting
from bots.directory.tables import profile_field
from bots.kernel.effects import Publish
from bots.kernel.store import Store
from tests.bots.test_directory import OF, Here, entered, listed


@pytest.fixture
async def here(store: Store) -> Here:
    found = Here(store)
    await found.list_all(*(entered(name) for name in OF))
    return found


async def written(here: Here) -> dict[str, str]:
    return {row["field"]: row["value"] for row in await here.rows(profile_field)}


async def test_an_empty_profile_is_filled_in_answer_by_answer(here: Here) -> None:
    first = await here.ask("ana", "!profile")
    assert "What do you do?" in first and "For example: Threat analyst" in first and "skip" in first and "stop" in first
    assert await written(here) == {}
    said = await here.ask("ana", "Pilot boats & ice")
    assert "Role: Pilot boats & ice. Seen by the whole community." in said and "What should others know" in said
    assert here.published == [Publish(listed("ana").user_id, {"role": ("Pilot boats & ice",)})]
    assert "What can others ask you about?" in await here.ask("ana", "Skip.") and here.published == []
    here.restart()
    assert "Expertise: sonar, tides" in await here.ask("ana", "sonar, tides")
    said = await here.ask("ana", "!profile challenges + fog")
    assert "Challenges: fog" in said, "commands are commands in between"
    assert "Which languages" in await here.ask("ana", "skip"), "what says something meanwhile is not asked for"
    assert "May others ask you" in await here.ask("ana", "Welsh")
    said = await here.ask("ana", "always")
    assert "It is one of open to requests, limited, not now." in said and "May others ask you" in said
    assert "Availability: limited" in await here.ask("ana", "Limited")
    said = await here.ask("ana", "by radio")
    assert "Contact: by radio. Seen by those in a group with you." in said and "That is all" in said
    assert "Role: Pilot boats & ice" in said and "Languages: Welsh" in said
    assert (await written(here)).keys() == {"role", "expertise", "challenges", "languages", "availability", "contact"}
    assert await here.rows(waiting) == []
    assert await here.silent("ana", "by mail") and (await written(here))["contact"] == '["by radio"]'


async def test_it_ends_where_somebody_wants_it_to_and_says_what_there_is(here: Here) -> None:
    await here.ask("ana", "!profile role Diver")
    assert "!profile guide" in await here.ask("ana", "!profile"), "who has written something is not asked unbidden"
    assert await here.rows(waiting) == []
    assert "What should others know" in await here.ask("ana", "!profile guide")
    assert "I ask no further" in await here.ask("ana", "Cancel.")
    await here.ask("ana", "!profile guide")
    said = await here.ask("ana", "stop")
    assert "I ask no further" in said and "Role: Diver" in said
    assert await here.rows(waiting) == [] and await here.silent("ana", "I run the desk")
    assert await written(here) == {"role": '["Diver"]'}
    await here.ask("ana", "!profile guide")
    await here.ask("ana", "!profile erase")
    assert "your profile is empty" in await here.ask("ana", "yes"), "a yes is for what was asked by then"
    assert await here.rows(waiting) == []


async def test_who_has_just_come_is_guided_before_the_registry_is_read(store: Store) -> None:
    here = Here(store)
    await here.ask("ana", "!profile guide")
    assert "Role: Diver" in await here.ask("ana", "Diver") and "Diver" in await here.ask("finn", "!whois @ana", "ana")


async def test_only_what_is_meant_for_it_is_written_down(here: Here) -> None:
    await here.ask("ana", "!profile guide")
    assert await here.silent("finn", "Pirate"), "nobody else is asked"
    said = await here.ask("ana", "TLP:RED raid on Monday")
    assert "cannot be TLP:RED" in said and "What do you do?" in said
    said = await here.ask("ana", "hello?", at=here.now - 60)
    assert "before I asked" in said and "What do you do?" in said
    assert "!help" in await here.ask("ana", "help")
    assert await written(here) == {}
    asked = here.now
    here.now += 86_400
    assert "Role: Diver" in await here.ask("ana", "Diver", at=asked + 60), (
        "what was said while the bots were down counts"
    )
    here.now += guide.HOLDS_S + 1
    assert "not written it down" in await here.ask("ana", "see you") and await here.silent("ana", "see you")
    assert await written(here) == {"role": '["Diver"]'}
    await here.ask("ana", "!profile guide")
    await here.list_all(entered("ana", "removed"), revision="2")
    assert await here.rows(waiting) == []
