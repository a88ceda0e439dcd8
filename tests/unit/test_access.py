"""Which requests an account may make: a member all of them, one without an organisation few, a frozen one none (M1)."""

from __future__ import annotations

import pytest

from belisha.policy.access import decide_request
from belisha.policy.membership import decide_act, decide_membership, decide_stay
from belisha.policy.people import Person
from belisha.policy.rooms import Kind, room_of

MEMBER = Person("@ann:x", "alpha", frozenset({"member"}))
STRAY = Person("@stray:x")
FROZEN = MEMBER._replace(frozen=True)
BOT = Person("@belisha_steward:x", is_bot=True)
V3 = "/_matrix/client/v3"

FOR_THE_CONFINED = [
    ("GET", f"{V3}/sync"),
    ("POST", "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"),
    ("GET", f"{V3}/account/whoami"),
    ("PUT", f"{V3}/rooms/!a:x/send/m.room.message/1"),
    ("GET", f"{V3}/rooms/!a:x/messages"),
    ("POST", f"{V3}/rooms/!a:x/leave"),
    ("POST", f"{V3}/keys/upload"),
    ("POST", f"{V3}/user/%40stray%3Ax/filter"),
    ("PUT", f"{V3}/user/@stray:x/account_data/m.direct"),
    ("GET", f"{V3}/profile/@stray:x"),
    ("GET", f"{V3}/profile/@stray:x/displayname"),
]
FOR_MEMBERS = [
    ("POST", f"{V3}/createRoom"),
    ("POST", f"{V3}/join/!a:x"),
    ("POST", f"{V3}/knock/!a:x"),
    ("POST", f"{V3}/rooms/!a:x/invite"),
    ("GET", f"{V3}/publicRooms"),
    ("POST", f"{V3}/user_directory/search"),
    ("POST", f"{V3}/search"),
    ("GET", f"{V3}/profile/@ann:x"),
    ("GET", f"{V3}/profile/@ann:x/displayname"),
    ("PUT", f"{V3}/profile/@stray:x/avatar_url"),
    ("PUT", f"{V3}/user/@ann:x/account_data/m.direct"),
    ("POST", f"{V3}/keys/query"),
    ("PUT", f"{V3}/sendToDevice/m.room.encrypted/1"),
    ("GET", "/_matrix/client/v1/rooms/!a:x/hierarchy"),
    ("GET", "/_matrix/client/v1/room_summary/!a:x"),
    ("GET", f"{V3}/directory/room/%23a%3Ax"),
    ("GET", "/_matrix/client/v1/media/download/x/a"),
    ("GET", "/_matrix/client/v1/media/config"),
    ("POST", "/_matrix/media/v3/upload"),
    ("POST", "/_matrix/media/v1/create"),
    ("GET", "/_synapse/client/org.belisha/v1/audience"),
    ("GET", "/something/new"),
    ("GET", f"{V3}/sync/../createRoom"),
]
LEAVING = [("POST", f"{V3}/logout"), ("POST", f"{V3}/logout/all")]


@pytest.mark.parametrize(("method", "path"), FOR_THE_CONFINED + FOR_MEMBERS + LEAVING)
def test_members_and_bots_may_ask_for_everything(method: str, path: str) -> None:
    assert decide_request(MEMBER, method, path).allowed
    assert decide_request(BOT, method, path).allowed


@pytest.mark.parametrize(("method", "path"), FOR_THE_CONFINED + LEAVING)
def test_what_the_confined_may_ask_for(method: str, path: str) -> None:
    assert decide_request(STRAY, method, path).allowed


@pytest.mark.parametrize(("method", "path"), FOR_MEMBERS)
def test_what_the_confined_may_not_ask_for(method: str, path: str) -> None:
    decision = decide_request(STRAY, method, path)
    assert (decision.allowed, decision.rule, decision.code) == (False, "M1", "NOT_A_MEMBER")


@pytest.mark.parametrize(("method", "path"), FOR_THE_CONFINED + FOR_MEMBERS)
@pytest.mark.parametrize("person", [FROZEN, STRAY._replace(frozen=True)])
def test_who_is_frozen_may_ask_for_nothing(person: Person, method: str, path: str) -> None:
    decision = decide_request(person, method, path)
    assert (decision.allowed, decision.rule, decision.code) == (False, "M1", "FROZEN")


@pytest.mark.parametrize(("method", "path"), LEAVING)
def test_everybody_may_sign_out(method: str, path: str) -> None:
    assert decide_request(FROZEN, method, path).allowed


@pytest.mark.parametrize("kind", list(Kind))
def test_who_is_frozen_stays_nowhere_and_comes_in_nowhere(kind: Kind) -> None:
    room, named = room_of(kind), frozenset({"ann"})
    assert decide_stay(room, FROZEN, named).allowed is (kind is Kind.SERVICE)
    assert decide_stay(room, MEMBER, named).allowed
    for membership in ("invite", "join", "knock"):
        decision = decide_membership(
            room, FROZEN, membership, sender_id=FROZEN.user_id, named=named, present=frozenset()
        )
        assert decision.code == "FROZEN"


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("is_state", [False, True])
def test_who_may_write(kind: Kind, is_state: bool) -> None:
    room = room_of(kind)
    assert decide_act(MEMBER, room, is_state=is_state).allowed
    assert not decide_act(FROZEN, room, is_state=is_state).allowed
    assert decide_act(STRAY, room, is_state=is_state).allowed is (kind is Kind.SERVICE and not is_state)


def test_a_list_of_organisations_ends_the_stay_of_others() -> None:
    room = room_of(Kind.CLOSED, ("beta",))
    assert not decide_stay(room, MEMBER, frozenset()).allowed
    assert decide_stay(room, MEMBER._replace(organisation="beta"), frozenset()).allowed
