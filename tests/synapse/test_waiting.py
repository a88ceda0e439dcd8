"""Who waits to be let in, with a real Synapse: knocks, sign-ups, who decides, races, and a kill (M1, M2)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import pytest
import pytest_asyncio

from belisha.acts.waiting import WAITING_KEY
from belisha.policy.waiting import LATE_S, OVER_S
from synapse_modules.waiting import Waiting
from tests.support.community import Community, assert_refused, unique, wish
from tests.support.ledger import known_everywhere
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.test_acts import asks, freezes, hand_over, newcomer, stored, typed
from tests.synapse.test_audit import chained
from tests.synapse.test_groups import own_room
from tests.synapse.test_questions import taps
from tests.synapse.test_reports import stewards_room
from tests.synapse.test_room_freezing import V3, group
from tests.synapse.waits import (
    TURN,
    asks_in,
    decides,
    how_it_ended,
    knock,
    knocks,
    lone,
    membership,
    organisation_of,
    queue,
    sign_up,
    turn,
    waits_for,
)

pytestmark = pytest.mark.more


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members knock, are frozen and bound, and time passes."""
    here = await make_community(tmp_path_factory.mktemp("waiting") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


# --- Knocks ------------------------------------------------------------------------------------------------------


async def test_a_knock_is_told_to_those_who_decide_and_to_nobody_else(community: Community) -> None:
    room = await group(community, "closed", "ben")
    one = await knocks(community, "finn", room)
    assert one["tell"] == [await own_room(community, "ana"), await stewards_room(community)]
    assert (one["sort"], one["name"], one["room_id"]) == ("knock", "Finn (Chandlers)", room)
    assert one["own_room"] == await own_room(community, "finn") and not one["late"]
    assert await waits_for(community, room) == [one], "asked again, it is the same"
    for by, sees in (("ana", True), ("cora", True), ("mona", True), ("ben", False), ("finn", False)):
        assert ("@finn" in await queue(community, by)) == sees, by
    for by in ("ben", "finn"):  # a member of the group without the power, and who knocks themselves
        code = "NOT_YOURSELF" if by == "finn" else "NOBODY_WAITS"
        assert_refused(*await decides(community, by, "let-in", "@finn", member="@finn"), code, rule="M1")
    assert membership(community, "finn", room) == "knock"
    answer = await decides(community, "ana", "let-in", f"@finn --group {room}", member="@finn", group=room)
    assert answer[0] == 200 and (answer[1]["ended"], answer[1]["by"]) == ("let in", "ana"), answer
    assert answer[1]["name"] == "Finn (Chandlers)"
    (kept,) = stored(community, "SELECT outcome FROM belisha_act WHERE act = 'let_in' AND outcome LIKE '%@finn%'")
    assert "Finn" not in str(kept) and "room_name" not in str(kept), "names are told and not kept (rule E1)"
    assert membership(community, "finn", room) == "invite"
    assert await waits_for(community, room) == []
    assert (await request(community["finn"], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200


async def test_who_is_turned_away_may_ask_again(community: Community) -> None:
    room = await group(community, "closed")
    one = await knocks(community, "finn", room)
    said = {"member": "@finn", "reason": "Not this one"}
    words = '@finn --reason "Not this one"'
    assert (await decides(community, "cora", "turn-away", words, **said))[0] == 200, "a steward who is not in it"
    assert membership(community, "finn", room) == "leave"
    found = await how_it_ended(community, one["id"])
    assert (found["ended"], found["by"], found["by_command"]) == ("turned away", "cora", True)
    again = await knocks(community, "finn", room)
    assert again["id"] != one["id"]
    above = {"member": "@finn", "reason": "TLP:RED nobody"}
    assert_refused(
        *await decides(community, "ana", "turn-away", '@finn --reason "TLP:RED nobody"', **above), "NOT_PUBLIC"
    )
    assert (await decides(community, "ana", "turn-away", "@finn", member="@finn"))[0] == 200


async def test_what_is_decided_in_a_client_counts_too(community: Community) -> None:
    for act, how, by in (("invite", "let in", "ana"), ("kick", "turned away", "ana"), ("leave", "taken back", None)):
        room = await group(community, "closed")
        one = await knocks(community, "finn", room)
        who, body = ("finn", {}) if act == "leave" else ("ana", {"user_id": community.id("finn")})
        assert (await request(community[who], "POST", f"{V3}/rooms/{quote(room)}/{act}", body))[0] == 200
        found = await how_it_ended(community, one["id"])
        assert (found["ended"], found["by"], found["by_command"]) == (how, by, False)
        late = await decides(community, "ana", "let-in", f"@finn --group {room}", member="@finn", group=room)
        assert_refused(*late, "DONE_ALREADY", rule="M1")


async def test_what_is_written_in_a_group_is_about_that_group_alone(community: Community) -> None:
    here, there = await group(community, "closed"), await group(community, "closed")
    await knocks(community, "finn", there)
    for act in ("let-in", "turn-away"):
        assert_refused(*await decides(community, "ana", act, "@finn", room=here, member="@finn"), "NOBODY_WAITS")
    assert membership(community, "finn", there) == "knock"
    assert (await decides(community, "ana", "let-in", "@finn", room=there, member="@finn"))[0] == 200
    assert membership(community, "finn", there) == "invite"


async def test_of_two_at_once_one_decides_and_the_other_is_told(community: Community) -> None:
    room = await group(community, "closed")
    one = await knocks(community, "finn", room)
    body = f"Finn asks.\n• !let-in @finn --group {room}\n• !turn-away @finn --group {room} --reason …"
    places = {"ana": await own_room(community, "ana"), "cora": await stewards_room(community)}
    calls = []
    for (by, place), (key, act) in zip(places.items(), (("🤝", "let_in"), ("🙅", "turn_away")), strict=True):
        path = f"{V3}/rooms/{quote(place)}/send/m.room.message/{unique('card')}"
        content = {"msgtype": "m.text", "body": body, WAITING_KEY: {"id": one["id"]}}
        _, sent = await request(community["steward"], "PUT", path, content)
        calls.append((place, await taps(community, by, place, sent["event_id"], key), act))
    answers = await asyncio.gather(*(hand_over(community, *call) for call in calls))
    assert sorted(status for status, _ in answers) == [200, 403], answers
    (won,) = [answer for status, answer in answers if status == 200]
    (lost,) = [answer for answer in answers if answer[0] == 403]
    assert_refused(*lost, "DONE_ALREADY", rule="M1")
    assert f"@{won['by']}" in lost[1]["error"]
    assert membership(community, "finn", room) == ("invite" if won["ended"] == "let in" else "leave")
    again = [await hand_over(community, *call) for call in calls]
    kept = [
        (status, {key: answer[key] for key in answer if key not in ("name", "room_name")}) for status, answer in answers
    ]
    assert again == kept, "repeated, each ends as it did, without the names"


async def test_a_card_stands_for_what_it_shows(community: Community) -> None:
    """A bot that was taken over shows one and names another, or has somebody tap what is no card of its own."""
    room = await group(community, "closed")
    shown, hidden = await knocks(community, "finn", room), await knocks(community, "emil", room)
    place = await own_room(community, "ana")
    body = f"Finn asks.\n• !let-in @finn --group {room}"
    for by, about, text in (
        ("steward", hidden["id"], body),
        ("steward", shown["id"], "Tap here"),
        ("steward", None, body),
        ("ana", shown["id"], body),
    ):
        path = f"{V3}/rooms/{quote(place)}/send/m.room.message/{unique('card')}"
        content = {"msgtype": "m.text", "body": text, WAITING_KEY: {"id": about}}
        _, sent = await request(community[by], "PUT", path, content)
        answer = await hand_over(
            community, place, await taps(community, "ana", place, sent["event_id"], "🤝"), "let_in"
        )
        assert_refused(*answer, "NOBODY_WAITS", rule="M1")
    path = f"{V3}/rooms/{quote(place)}/send/m.room.message/"
    # One that is edited shows what the edit says.
    content = {"msgtype": "m.text", "body": body, WAITING_KEY: {"id": shown["id"]}}
    _, sent = await request(community["steward"], "PUT", path + unique("card"), content)
    change = {"m.new_content": {"msgtype": "m.text", "body": "• !let-in @anna"}, "msgtype": "m.text", "body": "*"}
    change["m.relates_to"] = {"rel_type": "m.replace", "event_id": sent["event_id"]}
    assert (await request(community["steward"], "PUT", path + unique("edit"), change))[0] == 200
    tap = await taps(community, "ana", place, sent["event_id"], "🤝")
    assert_refused(*await hand_over(community, place, tap, "let_in"), "NOBODY_WAITS", rule="M1")
    assert {membership(community, name, room) for name in ("finn", "emil")} == {"knock"}
    # The same tap on a card that is one, of whoever has no right to it.
    path = f"{V3}/rooms/{quote(place)}/send/m.room.message/{unique('card')}"
    content = {"msgtype": "m.text", "body": body, WAITING_KEY: {"id": shown["id"]}}
    _, sent = await request(community["steward"], "PUT", path, content)
    tap = await taps(community, "ana", place, sent["event_id"], "🤝")
    assert_refused(*await hand_over(community, place, tap, "turn_away"), "DIFFERS", rule="P3")
    assert (await hand_over(community, place, tap, "let_in"))[0] == 200
    assert membership(community, "finn", room) == "invite"
    assert (await decides(community, "ana", "turn-away", "@emil", member="@emil"))[0] == 200


async def test_whom_the_rules_keep_out_does_not_get_as_far_as_knocking(community: Community) -> None:
    """Refused at once, in a client and by the bot alike, with a reason that says nothing of the group."""
    body = {"name": "Sealed orders", "initial_state": [wish("closed", "harbour")]}
    listed = str((await community.create("ana", body))[1]["room_id"])
    banned = await group(community, "closed")
    await asks(community, "ana", banned, "!ban @finn", "member_ban", {"member": "@finn"})
    await until(lambda: membership(community, "finn", banned) == "ban")
    frozen = await newcomer(community)
    assert (await freezes(community, "cora", frozen, await own_room(community, "cora")))[0] == 200
    await known_everywhere()
    open_group = await group(community, "closed")
    for by, room in (("finn", listed), ("finn", banned), (frozen, open_group)):
        status, answer = await knock(community, by, room)
        assert status in (401, 403), (by, answer)
        assert "Sealed" not in str(answer) and "Pier" not in str(answer)
        assert membership(community, by, room) != "knock"
    assert_refused(*await knock(community, "finn", listed), "OTHER_ORGANISATION", rule="M1")
    for room in (listed, banned):
        status, answer = await decides(community, "finn", "group join", room, room=None)
        assert status in (403, 404), answer
    assert all(one["room_id"] not in (listed, banned) for one in (await turn(community))["waiting"])


async def test_who_is_frozen_while_they_wait_waits_no_more(community: Community) -> None:
    name, room = await newcomer(community), await group(community, "closed")
    one = await knocks(community, name, room)
    assert (await freezes(community, "cora", name, await own_room(community, "cora")))[0] == 200
    await until(lambda: membership(community, name, room) == "leave")
    assert (await how_it_ended(community, one["id"]))["ended"] == "gone"


async def test_a_frozen_group_and_an_archived_one_let_nobody_in(community: Community) -> None:
    room = await group(community, "closed")
    await knocks(community, "finn", room)
    own = await own_room(community, "cora")
    assert (await asks(community, "cora", own, f"!group freeze {room}", "room_freeze", {"room": room}))[0] == 200
    said = {"member": "@finn", "group": room}
    assert_refused(
        *await decides(community, "ana", "let-in", f"@finn --group {room}", **said), "FROZEN_GROUP", rule="R1"
    )
    assert (await asks(community, "cora", own, f"!group thaw {room}", "room_thaw", {"room": room}))[0] == 200
    assert (await asks(community, "ana", room, "!group archive", "group_archive", {}))[0] == 200
    assert await waits_for(community, room) == []


async def test_a_knock_on_what_was_archived_is_over_and_they_can_knock_again(community: Community) -> None:
    room = await group(community, "closed")
    one = await knocks(community, "finn", room)
    assert (await asks(community, "ana", room, "!group archive", "group_archive", {}))[0] == 200
    assert (await how_it_ended(community, one["id"]))["ended"] == "gone"
    assert membership(community, "finn", room) == "leave", "no knock is left that nobody is told of any more"
    own = await own_room(community, "ana")
    assert (await asks(community, "ana", own, f"!group unarchive {room}", "group_unarchive", {"room": room}))[0] == 200
    again = await knocks(community, "finn", room)
    assert again["id"] != one["id"]
    assert (await decides(community, "ana", "turn-away", "@finn", member="@finn"))[0] == 200


async def test_a_knock_that_came_while_others_were_looked_at_waits_on(community: Community) -> None:
    """Of two who look at once, the slower one, which read the knocks before this one came, does not end it."""
    room = await group(community, "closed")
    one = await knocks(community, "finn", room)
    names = SimpleNamespace(user_id=community.id, steward=community.id("steward"))
    slower: Any = Waiting(*[cast("Any", names)] * 4)
    with closing(sqlite3.connect(community.server.data / "homeserver.db", timeout=30)) as database, database:
        slower._bring_into_line(database.cursor(), [], {})
    assert await waits_for(community, room) == [one]
    assert (await decides(community, "ana", "turn-away", "@finn", member="@finn"))[0] == 200


async def test_who_knocks_anew_is_not_turned_away_by_what_became_of_the_old_knock(community: Community) -> None:
    """A kill between the end of one knock and what it makes of the membership, and a new knock in between."""
    room = await group(community, "closed")
    one = await knocks(community, "finn", room)
    assert (await request(community["finn"], "POST", f"{V3}/rooms/{quote(room)}/leave", {}))[0] == 200
    again = await knocks(community, "finn", room)
    community.server.change("UPDATE belisha_waiting SET ended = 'over', pending = 1 WHERE id = ?", one["id"])
    assert await waits_for(community, room) == [again]
    assert membership(community, "finn", room) == "knock"
    assert stored(community, "SELECT pending FROM belisha_waiting WHERE id = ?", one["id"]) == [(0,)]
    assert (await decides(community, "ana", "turn-away", "@finn", member="@finn"))[0] == 200


async def test_who_is_muted_in_a_group_decides_about_nobody_there(community: Community) -> None:
    """Whoever cannot invite in a client cannot from their own room with the bot."""
    keeper = await newcomer(community)
    room = await group(community, "closed", by=keeper)
    await knocks(community, "finn", room)
    said = {"member": f"@{keeper}", "time": 3600, "group": room}
    words = f"!mute @{keeper} 1h --group {room}"
    own = await own_room(community, "cora")
    assert (await asks(community, "cora", own, words, "member_mute", said))[0] == 200
    await known_everywhere()
    about = {"member": "@finn", "group": room}
    for act in ("let-in", "turn-away"):
        assert_refused(*await decides(community, keeper, act, f"@finn --group {room}", **about), "MUTED", rule="M1")
    assert membership(community, "finn", room) == "knock"
    assert (await decides(community, "cora", "turn-away", f"@finn --group {room}", **about))[0] == 200


async def test_a_day_and_two_weeks(community: Community) -> None:
    room = await group(community, "closed")
    one = await knocks(community, "finn", room)
    back = "UPDATE belisha_waiting SET at = at - ? WHERE id = ?"
    community.server.change(back, LATE_S, one["id"])
    (again,) = await waits_for(community, room)
    assert again["late"] and again["id"] == one["id"]
    community.server.change(back, OVER_S - LATE_S, one["id"])
    found = await how_it_ended(community, one["id"])
    assert (found["ended"], found["by"]) == ("over", None)
    assert membership(community, "finn", room) == "leave"


async def test_what_a_kill_cut_short_is_done_at_the_next_start(community: Community) -> None:
    """Decided, and killed before Synapse was asked: as the rows are then."""
    room = await group(community, "closed")
    one = await knocks(community, "finn", room)
    community.server.kill()
    community.server.change(
        "UPDATE belisha_waiting SET ended = 'let in', by_member = 'ana', ended_at = at, command_id = '$x', pending = 1"
        " WHERE id = ?",
        one["id"],
    )
    await community.server.start()
    await until(lambda: membership(community, "finn", room) == "invite")
    await until(lambda: stored(community, "SELECT pending FROM belisha_waiting WHERE id = ?", one["id"]) == [(0,)])


# --- Sign-ups ----------------------------------------------------------------------------------------------------


async def test_an_account_asks_its_organisation_and_is_bound_by_its_lead(community: Community) -> None:
    name, one = await sign_up(community)
    assert one["tell"] == [await own_room(community, "ben")], "its lead, and no steward"
    assert (one["words"], one["organisation_name"]) == ("Anna of the night watch", "Harbour")
    for table in community.server.tables():
        if table.startswith("belisha_"):
            assert "night watch" not in str(community.server.query(f"SELECT * FROM {table}"))  # noqa: S608 - tables
    for by in ("ana", "emil", "dina"):
        assert f"@{name}" not in await queue(community, by)
        assert_refused(*await decides(community, by, "let-in", f"@{name}", member=f"@{name}"), "NOBODY_WAITS")
    for by in ("ben", "cora", "mona"):
        assert f"@{name}" in await queue(community, by)
    words = f'@{name} --name "Anna Keller"'
    status, answer = await decides(community, "ben", "let-in", words, member=f"@{name}", name="Anna Keller")
    assert status == 200 and (answer["ended"], answer["own_room"]) == ("let in", one["own_room"]), answer
    assert organisation_of(community, name) == [("harbour", '["member"]')]
    await known_everywhere()
    profile = await request(community["ana"], "GET", f"{V3}/profile/{quote(community.id(name))}")
    assert profile[1]["displayname"] == "Anna Keller (Harbour)"
    assert await own_room(community, name) == one["own_room"], "the room with the bot stays"
    assert_refused(*await asks_in(community, name, one["own_room"]), "BELONGS_ALREADY", rule="M1")
    await chained(community)
    log = stored(community, "SELECT entry FROM belisha_audit WHERE entry LIKE '%let in%'")
    assert sum(one["id"] in str(entry) for entry in log) == 2, "who let in, and whom"


async def test_where_there_is_no_lead_the_stewards_are_asked(community: Community) -> None:
    name, one = await sign_up(community, "university")
    assert one["tell"] == [await stewards_room(community)]
    assert_refused(*await decides(community, "ben", "let-in", f"@{name}", member=f"@{name}"), "NOBODY_WAITS")
    assert (await decides(community, "cora", "let-in", f"@{name}", member=f"@{name}"))[0] == 200
    assert organisation_of(community, name) == [("university", '["member"]')]


async def test_of_an_organisation_that_there_is_not_nobody_is_told_and_who_asks_learns_nothing(
    community: Community,
) -> None:
    (one, first), (two, second) = await lone(community), await lone(community)
    answers = [await asks_in(community, one, first, "harbour"), await asks_in(community, two, second, "nowhere")]
    assert {(status, *sorted(body)) for status, body in answers} == {(200, "act", "outcome", "until")}
    (none,) = [each for each in (await turn(community))["waiting"] if each["member"] == f"@{two}"]
    assert none["tell"] == []
    assert (await decides(community, "mona", "let-in", f"@{two}", member=f"@{two}"))[0] == 403
    assert organisation_of(community, two) == []


async def test_who_is_turned_away_stays_confined_and_does_not_ask_for_ever(community: Community) -> None:
    name, one = await sign_up(community)
    room = one["own_room"]
    assert_refused(*await asks_in(community, name, room), "WAITS_ALREADY", rule="M1")
    for times in range(5):
        assert (await decides(community, "ben", "turn-away", f"@{name}", member=f"@{name}"))[0] == 200
        answer = await asks_in(community, name, room)
        if times == 4:
            assert_refused(*answer, "TOO_OFTEN", rule="M1")
        else:
            assert answer[0] == 200
    assert organisation_of(community, name) == []
    made = await community.create(name, {"preset": "private_chat"})
    assert_refused(*made, "NOT_A_MEMBER", rule="M1")


async def test_what_an_account_writes_is_fit_for_who_reads_it(community: Community) -> None:
    name, room = await lone(community)
    assert_refused(*await asks_in(community, name, room, words="TLP:RED I am Anna"), "NOT_PUBLIC", rule="R3")
    assert_refused(*await asks_in(community, name, room, words="I am Anna\nTLP:AMBER"), "NOT_PUBLIC", rule="R3")
    assert_refused(*await asks_in(community, name, room, words="x" * 501), "NOT_PUBLIC", rule="R3")
    status, _ = await asks_in(community, name, room, words="<b>Anna</b> !freeze @ben")
    assert status == 200


async def test_what_an_account_wrote_and_redacts_waits_no_more(community: Community) -> None:
    """Words that are taken back are taken back from whoever was asked too (rule E1)."""
    name, one = await sign_up(community)
    path = f"{V3}/rooms/{quote(one['own_room'])}/redact/{quote(one['id'])}/{unique('taken')}"
    assert (await request(community[name], "PUT", path, {}))[0] == 200
    ended = await how_it_ended(community, one["id"])
    assert ended["ended"] == "taken back" and "words" not in ended
    assert_refused(*await decides(community, "ben", "let-in", f"@{name}", member=f"@{name}"), "DONE_ALREADY", rule="M1")


async def test_of_two_leads_at_once_one_binds_and_the_account_has_one_organisation(community: Community) -> None:
    name, _one = await sign_up(community)
    places = {by: await own_room(community, by) for by in ("ben", "mona", "cora")}
    calls = [
        (place, await typed(community, by, place, f"!let-in @{name}"), "let_in", {"member": f"@{name}"})
        for by, place in places.items()
    ]
    answers = await asyncio.gather(*(hand_over(community, *call) for call in calls))
    assert sorted(status for status, _ in answers) == [200, 403, 403], answers
    assert all(body["errcode"].endswith("DONE_ALREADY") for status, body in answers if status == 403)
    assert organisation_of(community, name) == [("harbour", '["member"]')]


async def test_a_name_that_cannot_be_is_refused_with_the_way_out(community: Community) -> None:
    name, _ = await sign_up(community)
    said = {"member": f"@{name}", "name": "Ben"}
    status, answer = await decides(community, "ben", "let-in", f"@{name} --name Ben", **said)
    assert_refused(status, answer, "NAME", rule="M3")
    assert "--name" in answer["error"] and organisation_of(community, name) == []
    assert (await decides(community, "ben", "turn-away", f"@{name}", member=f"@{name}"))[0] == 200


async def test_who_was_bound_by_another_way_is_welcomed_by_that_organisation_alone(community: Community) -> None:
    for asked, how in (("harbour", "let in"), ("chandlers", "gone")):
        name, one = await sign_up(community, asked)
        body = {"organisation": "harbour", "name": unique("Gus"), "roles": ["member"]}
        status, answer = await community.server.local("PUT", f"members/{name}", body)
        assert status == 200, answer
        assert (await how_it_ended(community, one["id"]))["ended"] == how


async def test_whose_organisation_was_removed_comes_back_by_another(community: Community) -> None:
    server, name = community.server, unique("orphan")
    await server.organisation("pilots")
    community.people[name] = await server.member(name, "pilots", "member", "lead")
    room = await own_room(community, name)
    assert (await server.local("PUT", "standing/organisations/pilots", {"standing": "removed"}))[0] == 200
    await known_everywhere()
    assert (await asks_in(community, name, room))[0] == 200
    assert (await decides(community, "ben", "let-in", f"@{name}", member=f"@{name}"))[0] == 200
    assert organisation_of(community, name) == [("harbour", '["member"]')], "and leads nobody by it"


async def test_only_bots_ask_what_waits(community: Community) -> None:
    assert_refused(*await request(community["mona"], "POST", TURN, {}), "NOT_A_BOT", rule="P3")
