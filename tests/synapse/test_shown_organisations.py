"""Which organisations stand in the figures by name: a lead's choice, at once, and told to managers alone (M2, P2)."""

from __future__ import annotations

import json
from typing import Any

from tests.support.community import Community, assert_refused
from tests.support.portal import ask_as_portal
from tests.synapse.test_acts import asks, hand_over, newcomer, stored, typed
from tests.synapse.test_groups import own_room

Json = dict[str, Any]


async def chooses(community: Community, by: str, choice: str) -> tuple[int, Json]:
    body = f"!metrics organisation {choice}"
    return await asks(community, by, await own_room(community, by), body, "organisation_figures", {"choice": choice})


async def shown_to(community: Community, name: str) -> list[Json]:
    status, answer = await ask_as_portal(community, {"user_id": community.id(name)}, name="shown_organisations")
    assert status == 200 and set(answer) == {"organisations"}
    return list(answer["organisations"])


async def test_an_organisation_is_named_while_a_lead_of_it_wants_it(community: Community) -> None:
    lead, manager = await newcomer(community, "university", "lead"), await newcomer(community, "harbour", "manager")
    member = await newcomer(community, "university")
    assert await shown_to(community, manager) == []
    for who in (member, manager, await newcomer(community, "harbour", "steward", "operator")):
        assert_refused(*await chooses(community, who, "show"), "NOT_YOURS", rule="M2")
    room = await own_room(community, lead)
    event = await typed(community, lead, room, "!metrics organisation show")
    forged = await hand_over(community, room, event, "organisation_figures", {"choice": "hide"})
    assert_refused(*forged, "DIFFERS", rule="P3")
    for _ in range(2):  # what is asked for twice is done once
        status, answer = await hand_over(community, room, event, "organisation_figures", {"choice": "show"})
        assert status == 200 and answer["shown"] is True
    (named,) = await shown_to(community, manager)
    assert named == {"id": "university", "name": answer["organisation"]}
    for who in (lead, member, await newcomer(community, "university", "steward", "operator")):
        assert await shown_to(community, who) == [], "who reads no figures is not told who lets themselves be named"

    async def becomes(*roles: str) -> None:
        change = {"organisation": "university", "name": "Lou", "roles": list(roles)}
        assert (await community.server.local("PUT", f"members/{lead}", change))[0] == 200

    others = [
        row[0]
        for row in stored(community, "SELECT localpart, roles FROM belisha_member WHERE organisation_id = 'university'")
        if "lead" in row[1] and row[0] != lead
    ]
    await becomes()
    assert await shown_to(community, manager) == ([named] if others else []), "without a lead who could take it back"
    await becomes("lead")
    assert await shown_to(community, manager) == [named]
    assert (await chooses(community, lead, "hide"))[0] == 200
    assert await shown_to(community, manager) == [], "with the very next question"
    kept = stored(community, "SELECT entry FROM belisha_audit UNION ALL SELECT entry FROM belisha_audit_waiting")
    acts = [one for (entry,) in kept if (one := json.loads(entry)).get("organisation") == "university"]
    acts = [one for one in acts if one["what"].endswith("_organisation")]
    assert sorted(one["what"] for one in acts) == ["hide_organisation", "show_organisation"]
    assert all(one["organisation"] == "university" and lead not in json.dumps(one) for one in acts)
