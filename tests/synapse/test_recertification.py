"""Recertification with a real Synapse: days pass in its rows; who is asked, warned and frozen, and who may confirm."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from belisha.policy.recertification import ASKED, HOLDS, NOTICE, SPREAD, WARNED, baseline
from synapse_modules import activity
from tests.support.community import Community, assert_refused, unique
from tests.support.ledger import known_everywhere
from tests.support.patience import same_day, until
from tests.support.server import PASSWORD, ended, request
from tests.support.settled import make_community
from tests.synapse.rights import everything
from tests.synapse.test_acts import asks, freezes, hand_over, newcomer, stored
from tests.synapse.test_groups import own_room
from tests.synapse.test_questions import asks as question_in
from tests.synapse.test_questions import taps

pytestmark = pytest.mark.more

Json = dict[str, Any]
DAY = 86_400
TURN = "/_synapse/client/org.belisha/v1/recertification"


@pytest_asyncio.fixture
async def community(tmp_path_factory: Any) -> AsyncIterator[Community]:
    """A community of one test alone, for which months pass; it has begun with recertification today."""
    await same_day(240)
    here = await make_community(tmp_path_factory.mktemp("months") / "data")
    with ended(here.server):
        try:
            assert await turn(here) == {}
            yield here
        finally:
            await here.close()


def days_pass(community: Community, days: int) -> None:
    """Everything that recertification reckons with lies so many days further back."""
    change = community.server.change
    change("UPDATE users SET creation_ts = creation_ts - ?", days * DAY)
    change("UPDATE belisha_confirmed SET day = day - ?", days)
    change("UPDATE belisha_recertification_begun SET day = day - ?", days)
    change("UPDATE belisha_recertification SET asked = asked - ?, warned = warned - ?, ended = ended - ?", *[days] * 3)


async def turn(community: Community) -> dict[str, Json]:
    """A day has come; the round of each organisation."""
    status, body = await request(community["steward"], "POST", TURN, {})
    assert status == 200, body
    return {one["organisation"]: one for one in body["rounds"]}


async def left_to(community: Community, name: str) -> dict[str, int]:
    """Whom somebody is to confirm, as their digest tells it: how many, by organisation."""
    body = {"room_id": await own_room(community, name), "member": community.id(name), "items": []}
    status, answer = await request(community["steward"], "POST", TURN.replace("recertification", "digest"), body)
    assert status == 200, answer
    return {one["name"]: one["count"] for one in answer["waiting"] if one["sort"] == "members"}


def named(told: list[Json]) -> set[str]:
    return {one["member"].removeprefix("@") for one in told}


def frozen(community: Community) -> dict[str, str]:
    return dict(stored(community, "SELECT localpart, frozen_by FROM belisha_member WHERE standing = 'frozen'"))


def today() -> int:
    return activity.day_of(time.time())


async def confirms(community: Community, by: str, words: str = "", **arguments: Any) -> tuple[int, Json]:
    text = f"!members confirm {words}".strip()
    return await asks(community, by, await own_room(community, by), text, "members_confirm", arguments)


async def test_who_is_not_confirmed_is_asked_for_warned_and_frozen(community: Community) -> None:
    name = await newcomer(community)
    assert await turn(community) == {}, "nobody is due"
    days_pass(community, HOLDS - 2)  # not HOLDS - 1: midnight may have passed since the community was made
    assert await turn(community) == {}
    days_pass(community, 2)
    rounds = await turn(community)
    harbour = rounds["harbour"]
    assert set(rounds) == {"harbour", "coastguard", "university", "chandlers"}
    assert [one["user_id"] for one in harbour["answerers"]] == [community.id("ben")], "its lead"
    assert [one["user_id"] for one in rounds["university"]["answerers"]] == [community.id("mona")], "a manager"
    assert named(harbour["members"]) == {"ana", "ben", "mona", name} and harbour["count"] == 4
    assert named(harbour["unconfirmed"]) == {"ana", "ben", name}, "those who moderate are never due"
    assert (harbour["asked"], harbour["warned"]) == (activity.date_of(today()), None)
    assert harbour["freezes"] == activity.date_of(today() + ASKED + WARNED)
    assert await turn(community) == rounds, "asked again, it is the same"
    assert list((await left_to(community, "ben")).values()) == [3], "in their digest"
    assert await left_to(community, "ana") == {}, "who is no lead is asked for nothing"

    confirmed = await confirms(community, "ben", "@ana @ben", members=["@ana", "@ben"])
    assert confirmed == (200, {"outcome": "done", "act": "members_confirm", "organisation": "harbour", "count": 2,
                               "until": activity.date_of(today() + HOLDS)})  # fmt: skip
    assert named((await turn(community))["harbour"]["unconfirmed"]) == {name}
    assert list((await left_to(community, "ben")).values()) == [1]
    for other in ("coastguard", "chandlers"):
        assert (await confirms(community, "mona", f"--organisation {other}", organisation=other))[0] == 200
    assert (await turn(community))["chandlers"]["ended"] is not None

    days_pass(community, ASKED - 1)
    assert (await turn(community))["harbour"]["warned"] is None
    days_pass(community, 40)  # nobody was there for so long
    harbour = (await turn(community))["harbour"]
    assert (harbour["warned"], named(harbour["unconfirmed"])) == (activity.date_of(today()), {name})
    assert harbour["freezes"] == activity.date_of(today() + WARNED), "two weeks from now, not from then"
    days_pass(community, WARNED - 1)
    assert (await turn(community))["harbour"]["ended"] is None and frozen(community) == {}
    days_pass(community, 1)
    harbour = (await turn(community))["harbour"]
    assert (harbour["ended"], named(harbour["frozen"])) == (activity.date_of(today()), {name})
    assert frozen(community) == {name: "recertification", "emil": "recertification"}
    await known_everywhere()
    for status, _ in (await everything(community, name)).values():
        assert status in (401, 403), "as whoever is frozen"
    assert named((await turn(community))["harbour"]["frozen"]) == {name}, "told again, should it have been lost"
    log = "SELECT act, by_member, by_role FROM belisha_moderation WHERE member = ?"
    assert stored(community, log, name) == [("freeze", "belisha_steward", "recertification")]

    group = community.rooms["open"]
    assert (await freezes(community, "ben", name, group, "thaw"))[0] == 200, "their lead lets them in again"
    again = await turn(community)
    assert frozen(community) == {"emil": "recertification"}, "and that vouches for them"
    assert again["harbour"]["ended"] is not None


async def test_who_confirms_whom(community: Community) -> None:
    assert_refused(*await confirms(community, "ana"), "NOT_YOURS", rule="M1")
    other = {"organisation": "university"}
    assert_refused(*await confirms(community, "ben", "--organisation university", **other), "NOT_YOURS", rule="M1")
    for whom in ("@emil", "@nobody", "@ana:elsewhere.example"):
        answer = await confirms(community, "ben", f"@ben {whom}", members=["@ben", whom])
        assert_refused(*answer, "NO_SUCH_MEMBER", rule="M1")
    assert stored(community, "SELECT * FROM belisha_confirmed") == [], "nobody was confirmed with them"
    none = await confirms(community, "mona", "--organisation nowhere", organisation="nowhere")
    assert_refused(*none, "NO_SUCH_ORGANISATION", rule="M1")
    full = [community.id("ana")]
    assert (await confirms(community, "ben", full[0], members=full))[1]["count"] == 1
    assert (await confirms(community, "ben"))[1]["count"] == 3
    assert (await confirms(community, "cora", "--organisation university", **other))[1]["count"] == 1
    assert dict(stored(community, "SELECT localpart, day FROM belisha_confirmed")) == dict.fromkeys(
        ("ana", "ben", "mona", "emil"), today()
    )


async def test_a_bot_alone_brings_no_day_nearer(community: Community) -> None:
    days_pass(community, HOLDS)
    for _ in range(20):
        await turn(community)
    assert frozen(community) == {} and stored(community, "SELECT warned FROM belisha_recertification") == [(None,)] * 4
    assert_refused(*await request(community["ben"], "POST", TURN, {}), "NOT_A_BOT", rule="P3")


async def test_where_nobody_can_answer_nobody_is_frozen(community: Community) -> None:
    days_pass(community, HOLDS)
    await turn(community)
    days_pass(community, ASKED)
    await turn(community)
    for name in ("ben", "mona"):
        await community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"})
    await community.server.local("PUT", "standing/organisations/university", {"standing": "frozen"})
    days_pass(community, WARNED)
    assert all(one["ended"] is not None and not one["frozen"] for one in (await turn(community)).values())
    await community.server.local("PUT", "standing/members/mona", {"standing": "active"})
    await community.server.local("PUT", "standing/organisations/university", {"standing": "active"})
    rounds = await turn(community)
    assert {key for key, one in rounds.items() if one["ended"] is None} == {
        "harbour", "university", "chandlers", "coastguard",
    }  # fmt: skip
    assert all(one["warned"] is None for one in rounds.values() if one["ended"] is None), "they have all their time"
    assert frozen(community) == {"ben": "operator"}


async def test_a_question_of_weeks_ago_is_answered_by_a_tap(community: Community) -> None:
    """The lead's yes is the command; for other questions it would be too old."""
    room = await own_room(community, "ben")
    confirm, freeze = "!members confirm --organisation harbour", "!freeze @ana"
    questions = {text: await question_in(community, room, text) for text in (confirm, freeze)}
    for event in questions.values():
        community.server.change(
            "UPDATE events SET received_ts = received_ts - ? WHERE event_id = ?", 30 * DAY * 1000, event
        )
    arguments = {"organisation": "harbour"}
    yes = await taps(community, "ben", room, questions[freeze])
    assert_refused(*await hand_over(community, room, yes, "member_freeze", {"member": "@ana"}), "TOO_OLD", rule="P3")
    yes = await taps(community, "ben", room, questions[confirm])
    status, answer = await hand_over(community, room, yes, "members_confirm", arguments)
    assert (status, answer["count"]) == (200, 3)
    other = await question_in(community, room, confirm)
    community.server.change(
        "UPDATE events SET received_ts = received_ts - ? WHERE event_id = ?", 36 * DAY * 1000, other
    )
    yes = await taps(community, "ben", room, other)
    assert_refused(*await hand_over(community, room, yes, "members_confirm", arguments), "TOO_OLD", rule="P3")


async def test_a_question_of_another_lead_proves_nothing(community: Community) -> None:
    name = unique("lou")
    body = {"name": "Lou", "organisation": "university", "roles": ["lead"], "password": PASSWORD}
    assert (await community.server.local("PUT", f"members/{name}", body))[0] == 200
    community.people[name] = await community.server.sign_in(name)
    room = await own_room(community, name)
    yes = await taps(
        community, name, room, await question_in(community, room, "!members confirm --organisation harbour")
    )
    answer = await hand_over(community, room, yes, "members_confirm", {"organisation": "harbour"})
    assert_refused(*answer, "NOT_YOURS", rule="M1")
    assert stored(community, "SELECT * FROM belisha_confirmed") == []


async def test_who_is_frozen_leaves_their_rooms(community: Community) -> None:
    days_pass(community, HOLDS)
    await turn(community)
    days_pass(community, ASKED)
    await turn(community)
    days_pass(community, WARNED)
    await turn(community)
    assert set(frozen(community)) == {"ana", "ben", "dina", "emil", "finn"}
    members = "SELECT user_id FROM local_current_membership WHERE membership = 'join' AND room_id = ?"
    await until(lambda: {row[0] for row in stored(community, members, community.rooms["closed"])} <= {
        community.id("steward")
    })  # fmt: skip


async def test_an_older_community_begins_with_notice_and_one_after_the_other(community: Community) -> None:
    """As on the day of an upgrade: its accounts are older than a confirmation holds, and nobody was ever asked."""
    community.server.change("DELETE FROM belisha_recertification_begun")
    days_pass(community, 400)

    async def begins() -> dict[str, Json]:
        status, body = await request(community["steward"], "POST", TURN, {})
        assert status == 200 and body["rounds"] == [], body
        return {one["organisation"]: one for one in body["begins"]}

    told = await begins()
    assert set(told) == {"harbour", "coastguard", "university", "chandlers"}
    assert [one["user_id"] for one in told["harbour"]["answerers"]] == [community.id("ben")]
    first = {key: activity.date_of(baseline(key, today()) + HOLDS) for key in told}
    assert {key: one["first"] for key, one in told.items()} == first and len(set(first.values())) > 1
    assert await begins() == told, "told again, should it have been lost"
    days_pass(community, NOTICE - 1)
    assert set(await begins()) == set(told)
    waits = baseline("harbour", today()) + HOLDS - today() - (NOTICE - 1)
    days_pass(community, waits - 1)
    assert "harbour" not in await turn(community)
    days_pass(community, 1)
    assert (await turn(community))["harbour"]["asked"] == activity.date_of(today())
    assert frozen(community) == {}


async def test_switched_off_what_was_begun_ends_and_freezes_nobody(community: Community) -> None:
    days_pass(community, HOLDS + SPREAD)
    await turn(community)
    days_pass(community, ASKED)
    assert (await turn(community))["harbour"]["warned"] is not None
    path = community.server.place.rendered / "homeserver.yaml"
    written = path.read_text()
    for days, replaced in (("null", "90"), ("90", "null")):
        text = path.read_text()
        path.write_text(text.replace(f"recertification_days: {replaced}", f"recertification_days: {days}"))
        assert path.read_text() != text
        community.server.stop()
        await community.server.start()
        if days == "null":
            days_pass(community, WARNED)
            assert await turn(community) == {} and frozen(community) == {}
            answer = await confirms(community, "ben")
            assert answer[0] == 200 and answer[1]["until"] is None
            community.server.change("DELETE FROM belisha_confirmed")
    assert path.read_text() == written
    days_pass(community, 100)
    assert await turn(community) == {}, "it begins anew, with notice"
    assert frozen(community) == {}
