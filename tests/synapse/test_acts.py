"""Commands that act, handed over as the bots do (P3): each once as meant, and every way to cheat.

A cheat that is refused is followed by the command as it was meant, which succeeds: so what refused it was the cheat.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, assert_sentence, unique
from tests.support.ledger import known_everywhere
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import text
from tests.synapse.test_room_freezing import V3, freeze, group, policy, send

Json = dict[str, Any]
ACTS = "/_synapse/client/org.belisha/v1/acts"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members are frozen and its groups changed."""
    here = await make_community(tmp_path_factory.mktemp("acts") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


# --- Setting up --------------------------------------------------------------------------------------------------


async def newcomer(community: Community, organisation: str = "harbour", *roles: str) -> str:
    name = unique("nils")
    community.people[name] = await community.server.member(name, organisation, *roles)
    return name


async def typed(community: Community, by: str, room: str, body: str, **content: Any) -> str:
    """Sends a message as a member does; its event id."""
    path = f"{V3}/rooms/{quote(room)}/send/m.room.message/{unique('c')}"
    status, answer = await request(community[by], "PUT", path, {**text(body), **content})
    assert status == 200, answer
    return str(answer["event_id"])


async def hand_over(
    community: Community, room: str, event: object, act: str, arguments: Json | None = None, by: str = "steward"
) -> tuple[int, Json]:
    """What a bot does with a command; without the `names` that come with the end of some."""
    body = {"room_id": room, "event_id": event, "act": act, "arguments": arguments or {}}
    status, answer = await request(community[by], "POST", ACTS, body)
    if answer.get("errcode") == "ORG.BELISHA.CANNOT_DECIDE":  # bots ask again: PostgreSQL may have had too many at once
        await asyncio.sleep(1)
        status, answer = await request(community[by], "POST", ACTS, body)
    return status, {key: value for key, value in answer.items() if key != "names"}


async def asks(community: Community, by: str, room: str, body: str, act: str, arguments: Json) -> tuple[int, Json]:
    """A member's command, sent and handed over."""
    return await hand_over(community, room, await typed(community, by, room, body), act, arguments)


async def freezes(community: Community, by: str, whom: str, room: str, act: str = "freeze") -> tuple[int, Json]:
    return await asks(community, by, room, f"!{act} @{whom}", f"member_{act}", {"member": f"@{whom}"})


def stored(community: Community, statement: str, *values: object) -> list[Any]:
    return [tuple(row.values()) for row in community.server.query(statement, *values)]


def is_frozen(community: Community, name: str) -> bool:
    found = stored(community, "SELECT standing FROM belisha_member WHERE localpart = ?", name)
    return bool(found == [("frozen",)])


def done(answer: tuple[int, Json], act: str) -> None:
    told = {key: value for key, value in answer[1].items() if key != "names"}
    assert (answer[0], told) == (200, {"outcome": "done", "act": act}), answer


async def reads(community: Community, name: str) -> int:
    return (await request(community[name], "GET", f"{V3}/joined_rooms"))[0]


# --- As meant ----------------------------------------------------------------------------------------------------


async def test_a_maintainer_changes_the_group(community: Community) -> None:
    room = await group(community, "closed", "ben")
    command = {"kind": "closed", "organisations": ["harbour"], "purpose": "documents"}
    body = "!group policy closed --organisations harbour --purpose documents"
    assert_refused(*await asks(community, "ben", room, body, "room_policy", command), "NOT_YOURS", rule="R1")
    assert (await policy(community, room))["organisations"] == []
    done(await asks(community, "ana", room, body, "room_policy", command), "room_policy")
    now = await policy(community, room)
    assert (now["organisations"], now["purpose"], now["ceiling"]) == (["harbour"], "documents", "TLP:AMBER+STRICT")
    # The commands before are AMBER, as everything here: the group holds them and is not opened.
    answer = await asks(community, "ana", room, "!group policy open", "room_policy", {"kind": "open"})
    assert_refused(*answer, "HOLDS_STRICTER", rule="R1")
    assert (await policy(community, room))["kind"] == "closed"


async def test_only_stewards_list_organisations_other_than_their_own(community: Community) -> None:
    room = await group(community, "closed", "cora")
    body, command = (
        "!group policy closed --organisations harbour,coastguard",
        {"kind": "closed", "organisations": ["harbour", "coastguard"]},
    )
    assert_refused(*await asks(community, "ana", room, body, "room_policy", command), "ORGANISATIONS", rule="R1")
    done(await asks(community, "cora", room, body, "room_policy", command), "room_policy")
    assert (await policy(community, room))["organisations"] == ["harbour", "coastguard"]


async def test_a_group_is_widened_by_a_command_which_its_source_widens_with_it(community: Community) -> None:
    room = await group(community, "closed")
    event = await typed(community, "ana", room, "TLP:GREEN !group policy open")
    assert_refused(*await hand_over(community, room, event, "room_policy", {"kind": "open"}), "NO_COMMAND", rule="P3")
    done(await asks(community, "ana", room, "!group policy open", "room_policy", {"kind": "open"}), "room_policy")
    assert (await policy(community, room))["kind"] == "open"


async def test_a_command_widens_nothing_but_itself(community: Community) -> None:
    room = await group(community, "closed")
    other = await group(community, "closed")
    await typed(community, "ana", room, "Pump 4 is off")
    event = await typed(community, "ana", room, "!group policy open")
    assert_refused(*await hand_over(community, other, event, "room_policy", {"kind": "open"}), "NO_COMMAND", rule="P3")
    answer = await hand_over(community, room, event, "room_policy", {"kind": "open"})
    assert_refused(*answer, "HOLDS_STRICTER", rule="R1")
    assert {(await policy(community, one))["kind"] for one in (room, other)} == {"closed"}


async def test_a_maintainer_upgrades_the_group_once(community: Community) -> None:
    room = await group(community, "closed", "ben")
    assert_refused(*await asks(community, "ben", room, "!group upgrade", "room_upgrade", {}), "NOT_YOURS", rule="R1")
    event = await typed(community, "ana", room, "!group upgrade")
    answers = [await hand_over(community, room, event, "room_upgrade", {}) for _ in range(2)]
    assert answers[0] == answers[1]
    done(answers[0], "room_upgrade")
    upgrades = stored(community, "SELECT new_room_id FROM belisha_upgrade WHERE old_room_id = ?", room)
    assert len(upgrades) == 1
    new = upgrades[0][0]
    assert (await policy(community, new))["kind"] == "closed"


async def test_a_member_chooses_who_may_write_directly(community: Community) -> None:
    await newcomer(community)  # so that nobody else's choice changes
    name = await newcomer(community, "university")
    here = await _service_room(community, name)
    group_room = await group(community, "closed", name)
    choice = {"choice": "introductions"}
    answer = await asks(community, name, group_room, "!direct-chats introductions", "direct_chats", choice)
    assert_refused(*answer, "NOT_HERE", rule="P3")
    done(await asks(community, name, here, "!direct-chats introductions", "direct_chats", choice), "direct_chats")
    await known_everywhere()
    request_ = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id(name)]}
    assert_refused(*await community.create("finn", request_), "NOT_INTRODUCED", rule="M1")
    done(
        await asks(community, name, here, "!direct-chats my groups", "direct_chats", {"choice": "my-groups"}),
        "direct_chats",
    )
    await known_everywhere()
    assert_refused(*await community.create("finn", request_), "NOT_INTRODUCED", rule="M1")
    assert (await community.create("ana", request_))[0] == 200, "they share a group"


async def test_a_steward_freezes_and_thaws_a_group(community: Community) -> None:
    room = await group(community, "closed", "cora")
    own = await _service_room(community, "cora")
    assert_refused(*await asks(community, "ana", room, "!group freeze", "room_freeze", {}), "NOT_YOURS", rule="R1")
    done(await asks(community, "cora", room, "!group freeze", "room_freeze", {}), "room_freeze")
    assert_refused(*await send(community, room, "ana"), "FROZEN_GROUP")
    done(await asks(community, "cora", own, f"!group thaw {room}", "room_thaw", {"room": room}), "room_thaw")
    assert (await send(community, room, "ana"))[0] == 200
    assert_refused(*await asks(community, "cora", own, "!group freeze", "room_freeze", {}), "NO_CHANGE", rule="R1")
    for other in (community.rooms["named"], community.rooms["service"], "!nowhere:belisha.localhost", "#nowhere"):
        answer = await asks(community, "cora", own, f"!group freeze {other}", "room_freeze", {"room": other})
        assert (answer[0], answer[1]["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND"), "all are alike"
    home = {"room": "#announcements"}
    assert_refused(
        *await asks(community, "cora", own, "!group freeze #announcements", "room_freeze", home), "NO_CHANGE"
    )


async def test_who_freezes_and_thaws_members(community: Community) -> None:
    room = await group(community, "open", "ben", "cora", "dina", "mona")
    harbour, coastguard = await newcomer(community), await newcomer(community, "coastguard")
    done(await freezes(community, "ben", harbour, room), "member_freeze")
    assert await reads(community, harbour) == 401, "its sessions are gone"
    assert_refused(*await freezes(community, "ben", coastguard, room), "NOT_YOURS", rule="M1")
    assert_refused(*await freezes(community, "dina", coastguard, room), "NOT_YOURS", rule="M1")
    done(await freezes(community, "ben", harbour, room, "thaw"), "member_thaw")
    assert not is_frozen(community, harbour)

    for by in ("cora", "mona"):
        done(await freezes(community, "ben", harbour, room), "member_freeze")
        done(await freezes(community, by, harbour, room), "member_freeze")
        done(await freezes(community, "ben", harbour, room), "member_freeze")
        assert_refused(*await freezes(community, "ben", harbour, room, "thaw"), "FROZEN_ABOVE", rule="M1")
        assert is_frozen(community, harbour)
        done(await freezes(community, by, harbour, room, "thaw"), "member_thaw")
    assert (await community.server.local("PUT", f"standing/members/{harbour}", {"standing": "frozen"}))[0] == 200
    assert_refused(*await freezes(community, "ben", harbour, room, "thaw"), "FROZEN_ABOVE", rule="M1")

    assert_refused(*await freezes(community, "ben", "ben", room), "NOT_YOURSELF", rule="M1")
    assert_refused(*await freezes(community, "ben", "mona", room), "MODERATES", rule="M1")
    assert_refused(*await freezes(community, "cora", "mona", room), "MODERATES", rule="M1")
    for nobody in ("nobody", "belisha_steward", "ben:elsewhere.example"):
        assert_refused(*await freezes(community, "cora", nobody, room), "NO_SUCH_MEMBER", rule="M1")
    other = await newcomer(community, "harbour", "manager")
    assert_refused(*await freezes(community, "cora", other, room), "MODERATES", rule="M1")
    done(await freezes(community, "mona", other, room), "member_freeze")
    assert_refused(*await freezes(community, "cora", other, room, "thaw"), "MODERATES", rule="M1")
    assert not any(is_frozen(community, name) for name in ("ben", "mona", "dina", coastguard))


@pytest.mark.full
async def test_two_managers_who_freeze_each_other(community: Community) -> None:
    other = await newcomer(community, "university", "manager")
    room = await group(community, "open", "mona", other)
    pairs = (("mona", other), (other, "mona"))
    commands = [(await typed(community, by, room, f"!freeze @{whom}"), whom) for by, whom in pairs]
    answers = await asyncio.gather(
        *(hand_over(community, room, event, "member_freeze", {"member": f"@{whom}"}) for event, whom in commands)
    )
    assert sorted(status for status, _ in answers) == [200, 403]
    assert is_frozen(community, "mona") != is_frozen(community, other)
    await community.server.local("PUT", "standing/members/mona", {"standing": "active"})
    await community.server.local("PUT", f"standing/members/{other}", {"standing": "removed"})
    await community["mona"].close()
    community.people["mona"] = await community.server.sign_in("mona")


@pytest.mark.full
async def test_a_manager_freezes_and_thaws_an_organisation(community: Community) -> None:
    await community.server.organisation("divers")
    name = await newcomer(community, "divers", "lead")
    room = await group(community, "open", "ben", "cora", name, "mona")
    command = ("!freeze organisation divers", "organisation_freeze", {"organisation": "divers"})
    assert_refused(*await asks(community, "ben", room, *command), "NOT_YOURS", rule="M1")
    assert_refused(*await asks(community, name, room, *command), "NOT_YOURS", rule="M1")
    done(await asks(community, "mona", room, *command), "organisation_freeze")
    assert await reads(community, name) == 401
    thaw = ("!thaw organisation divers", "organisation_thaw", {"organisation": "divers"})
    done(await asks(community, "cora", room, *thaw), "organisation_thaw")
    await community[name].close()
    community.people[name] = await community.server.sign_in(name)
    assert await reads(community, name) == 200
    own = ("!freeze organisation harbour", "organisation_freeze", {"organisation": "harbour"})
    assert_refused(*await asks(community, "mona", room, *own), "NOT_YOURSELF", rule="M1")
    assert_refused(*await asks(community, "cora", room, *own), "MODERATES", rule="M1")
    none = ("!freeze organisation none", "organisation_freeze", {"organisation": "none"})
    assert_refused(*await asks(community, "mona", room, *none), "NO_SUCH_ORGANISATION", rule="M1")


# --- Once --------------------------------------------------------------------------------------------------------


async def test_a_command_is_carried_out_once(community: Community) -> None:
    name = await newcomer(community)
    room = await group(community, "open", "cora")
    event = await typed(community, "cora", room, f"!freeze @{name}")
    call = (community, room, event, "member_freeze", {"member": f"@{name}"})
    for answer in await asyncio.gather(*(hand_over(*call) for _ in range(5))):
        done(answer, "member_freeze")
    assert stored(community, "SELECT count(*) FROM belisha_act WHERE event_id = ?", event) == [(1,)]
    done(await freezes(community, "cora", name, room, "thaw"), "member_thaw")
    done(await hand_over(*call), "member_freeze")
    assert not is_frozen(community, name), "it was thawed since, and stays so"
    assert_refused(*await hand_over(community, room, event, "member_thaw", {}), "DIFFERS", rule="P3")
    other = await group(community, "open")
    assert_refused(*await hand_over(community, other, event, "member_freeze", {}), "DIFFERS", rule="P3")


async def test_a_refusal_stays_one_and_is_kept_without_words_of_the_command(community: Community) -> None:
    room = await group(community, "closed", "cora")
    body = "!group policy closed --organisations secretplan"
    event = await typed(community, "cora", room, body)
    call = (community, room, event, "room_policy", {"kind": "closed", "organisations": ["secretplan"]})
    first = await hand_over(*call)
    assert_refused(*first, "UNKNOWN_ORGANISATION", rule="R1")
    await community.server.organisation("secretplan")
    assert await hand_over(*call) == first
    assert stored(community, "SELECT count(*) FROM belisha_act WHERE outcome LIKE '%secretplan%'") == [(0,)]


async def test_a_group_is_frozen_once(community: Community) -> None:
    room = await group(community, "closed", "cora")
    event = await typed(community, "cora", room, "!group freeze")
    for answer in await asyncio.gather(*(hand_over(community, room, event, "room_freeze") for _ in range(3))):
        done(answer, "room_freeze")
    assert (await freeze(community, room, "active"))[0] == 200
    done(await hand_over(community, room, event, "room_freeze"), "room_freeze")
    assert (await send(community, room, "ana"))[0] == 200, "it was thawed since, and stays so"


# --- Cheats ------------------------------------------------------------------------------------------------------

#: Makes of a room, a steward in it and the command what is handed over instead.
Cheat = Callable[[Community, str, str, str], Awaitable[tuple[str, str]]]


async def _no_event(_here: Community, room: str, _by: str, _body: str) -> tuple[str, str]:
    return room, "$nothing"


async def _another_room(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    return room, await typed(here, by, await group(here, "open", by), body)


async def _edited_into_it(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    event = await typed(here, by, room, "hello")
    await typed(here, by, room, f"* {body}", **_edit(event, body))
    return room, event


async def _the_edit_itself(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    event = await typed(here, by, room, "hello")
    return room, await typed(here, by, room, body, **_edit(event, body))


async def _edited_since(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    event = await typed(here, by, room, body)
    await typed(here, by, room, "* never mind", **_edit(event, "never mind"))
    return room, event


async def _redacted(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    event = await typed(here, by, room, body)
    path = f"{V3}/rooms/{quote(room)}/redact/{quote(event)}/{unique('r')}"
    assert (await request(here[by], "PUT", path, {}))[0] == 200
    return room, event


async def _in_a_quotation(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    before = await typed(here, by, room, "hello")
    relates = {"m.relates_to": {"m.in_reply_to": {"event_id": before}}}
    return room, await typed(here, by, room, f"> <@a:b> {body}\n\nno", **relates)


async def _in_html_only(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    html = {"format": "org.matrix.custom.html", "formatted_body": f"<p>{body}</p>"}
    return room, await typed(here, by, room, "hello", **html)


async def _a_notice(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    return room, await typed(here, by, room, body, msgtype="m.notice")


async def _by_the_bot(here: Community, room: str, _by: str, body: str) -> tuple[str, str]:
    return room, await typed(here, "steward", room, body)


async def _in_a_sentence(here: Community, room: str, by: str, body: str) -> tuple[str, str]:
    return room, await typed(here, by, room, f"do not write {body}")


async def _as_state(here: Community, room: str, by: str, _body: str) -> tuple[str, str]:
    path = f"{V3}/rooms/{quote(room)}/state/m.room.member/{quote(here.id(by))}"
    status, answer = await request(here[by], "GET", f"{path}?format=event")
    assert status == 200, answer
    return room, str(answer["event_id"])


def _edit(event: str, body: str) -> Json:
    return {"m.new_content": text(body), "m.relates_to": {"rel_type": "m.replace", "event_id": event}}


@pytest_asyncio.fixture(scope="module")
async def somebody(community: Community) -> str:
    """A member whom a lead may freeze."""
    return await newcomer(community)


@pytest_asyncio.fixture
async def victim(community: Community, somebody: str) -> str:
    """The same, thawed, however the test before ended."""
    status, body = await community.server.local("PUT", f"standing/members/{somebody}", {"standing": "active"})
    assert status == 200, body
    return somebody


@pytest.mark.parametrize(
    "cheat",
    [
        _no_event,
        _another_room,
        _edited_into_it,
        pytest.param(_the_edit_itself, marks=pytest.mark.full),
        _edited_since,
        _redacted,
        _in_a_quotation,
        pytest.param(_in_html_only, marks=pytest.mark.full),
        _a_notice,
        _by_the_bot,
        pytest.param(_in_a_sentence, marks=pytest.mark.full),
        pytest.param(_as_state, marks=pytest.mark.full),
    ],
    ids=lambda cheat: cheat.__name__.strip("_"),
)
async def test_what_is_no_command_of_a_member(community: Community, victim: str, cheat: Cheat) -> None:
    room = community.rooms["open"]
    handed, event = await cheat(community, room, "ben", f"!freeze @{victim}")
    arguments = {"member": f"@{victim}"}
    answer = await hand_over(community, handed, event, "member_freeze", arguments)
    assert_refused(*answer, "NO_COMMAND", rule="P3")
    assert not is_frozen(community, victim)
    done(await freezes(community, "ben", victim, room), "member_freeze")
    done(await freezes(community, "ben", victim, room, "thaw"), "member_thaw")


@pytest.mark.parametrize(
    ("act", "arguments"),
    [
        ("member_freeze", {"member": "@ana"}),
        pytest.param("member_freeze", {}, marks=pytest.mark.full),
        pytest.param("member_freeze", None, marks=pytest.mark.full),
        ("member_freeze", {"member": "@{victim}", "more": 1}),
        pytest.param("member_freeze", ["@{victim}"], marks=pytest.mark.full),
        ("member_thaw", {"member": "@{victim}"}),
        pytest.param("room_freeze", {}, marks=pytest.mark.full),
        pytest.param("unheard_of", {"member": "@{victim}"}, marks=pytest.mark.full),
    ],
)
async def test_what_the_member_did_not_ask_for(community: Community, victim: str, act: str, arguments: Any) -> None:
    room = community.rooms["open"]
    event = await typed(community, "ben", room, f"!freeze @{victim}")
    if isinstance(arguments, dict):
        arguments = {key: str(value).format(victim=victim) for key, value in arguments.items()}
    body = {"room_id": room, "event_id": event, "act": act, "arguments": arguments}
    assert_refused(*await request(community["steward"], "POST", ACTS, body), "DIFFERS", rule="P3")
    assert not is_frozen(community, victim) and not is_frozen(community, "ana")
    body |= {"act": "member_freeze", "arguments": {"member": f"@{victim}"}}
    done(await request(community["steward"], "POST", ACTS, body), "member_freeze")
    done(await freezes(community, "ben", victim, room, "thaw"), "member_thaw")


async def test_a_command_holds_for_ten_minutes(community: Community, victim: str) -> None:
    room = community.rooms["open"]
    event = await typed(community, "ben", room, f"!freeze @{victim}")
    call = (community, room, event, "member_freeze", {"member": f"@{victim}"})
    shift = "UPDATE events SET received_ts = received_ts + ? WHERE event_id = ?"
    community.server.change(shift, -601_000, event)
    assert_refused(*await hand_over(*call), "TOO_OLD", rule="P3")
    # What its sender, or a bot, says of the time is not asked.
    community.server.change("UPDATE events SET origin_server_ts = 1 WHERE event_id = ?", event)
    community.server.change(shift, 601_000 - 540_000, event)
    done(await hand_over(*call), "member_freeze")
    done(await freezes(community, "ben", victim, room, "thaw"), "member_thaw")


async def test_what_was_lost_since_does_not_count(community: Community, victim: str) -> None:
    room = await group(community, "open", "cora")
    for change, code in (
        (("PUT", "members/{}", {"name": "X", "organisation": "harbour", "roles": ["member"]}), "NOT_YOURS"),
        (("PUT", "standing/members/{}", {"standing": "frozen"}), "FROZEN"),
        (("PUT", "standing/members/{}", {"standing": "removed"}), "FROZEN"),
    ):
        lead = await newcomer(community, "harbour", "lead")
        await request(community["ana"], "POST", f"{V3}/rooms/{quote(room)}/invite", {"user_id": community.id(lead)})
        assert (await request(community[lead], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
        event = await typed(community, lead, room, f"!freeze @{victim}")
        method, path, body = change
        assert (await community.server.local(method, path.format(lead), body))[0] == 200
        assert_refused(*await hand_over(community, room, event, "member_freeze", {"member": f"@{victim}"}), code)
    lead = await newcomer(community, "harbour", "lead")
    assert (await request(community[lead], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    event = await typed(community, lead, room, f"!freeze @{victim}")
    call = (community, room, event, "member_freeze", {"member": f"@{victim}"})
    assert (await request(community[lead], "POST", f"{V3}/rooms/{quote(room)}/leave", {}))[0] == 200
    assert_refused(*await hand_over(*call), "LEFT", rule="P3")
    assert not is_frozen(community, victim)
    assert (await request(community[lead], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    done(await hand_over(*call), "member_freeze")
    done(await freezes(community, "cora", victim, room, "thaw"), "member_thaw")


async def test_a_maintainer_no_more(community: Community) -> None:
    room = await group(community, "closed")
    event = await typed(community, "ana", room, "!group policy closed --purpose blog")
    levels = (await request(community["ana"], "GET", f"{V3}/rooms/{quote(room)}/state/m.room.power_levels/"))[1]
    levels["users"][community.id("ana")] = 94
    path = f"{V3}/rooms/{quote(room)}/state/m.room.power_levels/"
    assert (await request(community["ana"], "PUT", path, levels))[0] == 200
    command = {"kind": "closed", "purpose": "blog"}
    assert_refused(*await hand_over(community, room, event, "room_policy", command), "NOT_YOURS", rule="R1")


async def test_nobody_but_our_bots_hands_over(community: Community, victim: str) -> None:
    room = community.rooms["open"]
    event = await typed(community, "ben", room, f"!freeze @{victim}")
    arguments = {"member": f"@{victim}"}
    for by in ("ben", "mona", "cora"):
        answer = await hand_over(community, room, event, "member_freeze", arguments, by)
        assert_refused(*answer, "NOT_A_BOT", rule="P3")
    body = {"room_id": room, "event_id": event, "act": "member_freeze", "arguments": arguments}
    async with aiohttp.ClientSession() as session, session.post(community.server.url + ACTS, json=body) as answer:
        assert answer.status == 401
    status, _ = await request(community["steward"], "POST", f"{ACTS}?user_id={quote(community.id('ben'))}", body)
    assert status == 403
    bot = "belisha_polls"
    login = {"type": "m.login.application_service", "username": bot, "inhibit_login": True}
    assert (await request(community["steward"], "POST", f"{V3}/register", login))[0] == 200
    masked = f"{ACTS}?user_id={quote(f'@{bot}:{community.server.name}')}"
    status, said = await request(community["steward"], "POST", masked, body)
    assert (status, said["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND"), "it is not in that room"
    assert not is_frozen(community, victim)
    done(await request(community["steward"], "POST", ACTS, body), "member_freeze")
    done(await freezes(community, "ben", victim, room, "thaw"), "member_thaw")


async def test_rooms_that_no_bot_speaks_of(community: Community) -> None:
    for room in (community.rooms["named"], await _service_room(community, "dina"), "!nowhere:belisha.localhost"):
        is_named = room == community.rooms["named"]
        event = await typed(community, "ana", room, "!group freeze") if is_named else "$event"
        status, body = await hand_over(community, room, event, "room_freeze")
        expected = (403, "ORG.BELISHA.NO_COMMAND") if not is_named and "nowhere" not in room else (
            404, "ORG.BELISHA.NOT_FOUND")  # fmt: skip
        assert (status, body["errcode"]) == expected
    own = await _service_room(community, "mona")
    answer = await asks(community, "mona", own, "!group policy open", "room_policy", {"kind": "open"})
    assert_refused(*answer, "NOT_HERE", rule="P3")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"room_id": 1, "event_id": "$x", "act": "x"}',
        b'{"room_id": "!x", "event_id": ["$x"], "act": "x"}',
        b'{"room_id": "\\ud800", "event_id": "\\ud800", "act": "\\ud800"}',
        b'{"room_id": "!x\\u0000", "event_id": "$x", "act": "x"}',
        b"\xff",
    ],
)
async def test_what_no_bot_sends_is_an_error_of_the_caller(community: Community, body: bytes) -> None:
    status, answer = await request(community["steward"], "POST", ACTS, body)
    assert status in (400, 403, 404), answer
    assert_sentence(answer["error"])


async def test_a_command_that_says_too_little_gets_its_usage(community: Community) -> None:
    answer = await asks(community, "ben", community.rooms["open"], "!freeze Dina", "member_freeze", {})
    assert_refused(*answer, "INCOMPLETE", rule="P3")
    assert "!freeze @user" in answer[1]["error"]


async def _service_room(community: Community, name: str) -> str:
    _, body = await community.server.local("GET", "members")
    return next(str(m["service_room"]) for m in body["members"] if m["user_id"] == community.id(name))
