"""What may not be said, changed or seen is refused with a reason that a member understands."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import nio
import pytest

from tests.support.community import LABEL_KEY, Community, assert_refused, assert_sentence, label_of, unique
from tests.support.logs import logged
from tests.support.server import request
from tests.synapse.samples import text

Json = dict[str, Any]


# --- Above the ceiling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [text("TLP:RED The pump"), text("The pump", **{LABEL_KEY: {"label": "TLP:RED"}})])
async def test_red_in_an_open_group_is_refused_in_words_a_member_understands(
    community: Community, content: Json
) -> None:
    status, body = await community.put("ana", "open", content)
    assert_refused(status, body, "ABOVE_CEILING", rule="L3", label="TLP:RED")
    assert "TLP:RED" in body["error"] and "TLP:GREEN" in body["error"]
    assert "direct chat" in body["error"], "it says what to do instead"
    assert "pump" not in body["error"], "it does not quote"
    by_nio = await community.refused(content)
    assert (by_nio.status_code, by_nio.message) == (body["errcode"], body["error"])


@pytest.mark.parametrize(
    ("kind", "label", "allowed"),
    [
        ("open", "TLP:AMBER", False),
        ("closed", "TLP:AMBER", True),
        ("closed", "TLP:AMBER+STRICT", False),
        ("closed", "TLP:RED", False),
        ("strict", "TLP:AMBER+STRICT", True),
        ("strict", "TLP:RED", False),
        ("named", "TLP:RED", True),
        ("service", "TLP:AMBER+STRICT", True),
        ("service", "TLP:RED", False),
    ],
)
async def test_every_kind_of_room_has_its_ceiling(community: Community, kind: str, label: str, allowed: bool) -> None:
    status, body = await community.put("ana", kind, text(f"{label} The pump"))
    if allowed:
        assert status == 200, body
    else:
        assert_refused(status, body, "ABOVE_CEILING", rule="L3", label=label)


async def test_after_correction_the_same_transaction_id_works(community: Community) -> None:
    transaction, room = unique("corrected"), community.rooms["open"]
    first = await community["ana"].room_send(room, "m.room.message", text("TLP:RED The pump"), tx_id=transaction)
    assert isinstance(first, nio.RoomSendError) and first.status_code == "ORG.BELISHA.ABOVE_CEILING"
    second = await community["ana"].room_send(room, "m.room.message", text("TLP:GREEN The pump"), tx_id=transaction)
    assert isinstance(second, nio.RoomSendResponse), second
    assert label_of(await community.read(second.event_id)) == "TLP:GREEN"


async def test_what_was_refused_is_nowhere(community: Community) -> None:
    secret = unique("unheard-of-")
    await community.refused(text(f"TLP:RED {secret}"))
    messages = await community["finn"].room_messages(community.rooms["open"], limit=20)
    assert isinstance(messages, nio.RoomMessagesResponse)
    assert secret not in str([event.source for event in messages.chunk])
    assert secret not in await logged(community), "no content in the logs"


@pytest.mark.parametrize(
    "body", ["TLP:PURPLE x", "AMBER: x", "TLP:AMBR x", "Not for onward sharing", "TLP\u200b:RED x"]
)
async def test_what_is_nearly_a_label_is_refused_and_the_valid_ones_are_named(community: Community, body: str) -> None:
    status, answer = await community.put("ana", "named", text(body))
    assert_refused(status, answer, "UNKNOWN_LABEL", rule="L1")
    for label in ("TLP:RED", "TLP:AMBER+STRICT", "TLP:AMBER", "TLP:GREEN", "TLP:CLEAR"):
        assert label in answer["error"]


# --- Types that are not on the list -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event_type", ["com.example.note", "m.room.message.feedback", "m.room.bot.options", "m", "m.call.invite"]
)
async def test_unknown_types_and_calls_are_refused(community: Community, event_type: str) -> None:
    status, body = await community.put("ana", "closed", {"body": "x"}, event_type=event_type)
    assert_refused(status, body, "CALLS_OFF" if "call" in event_type else "UNKNOWN_TYPE", rule="L1")


async def test_unknown_state_is_refused(community: Community) -> None:
    status, body = await community.state("ana", "closed", "com.example.note", {"body": "x"})
    assert_refused(status, body, "UNKNOWN_TYPE", rule="L1")


async def test_reactions_votes_and_redactions_carry_no_label_and_little_text(community: Community) -> None:
    event_id = await community.sent(text("Vote"), "closed")
    relates = {"rel_type": "m.annotation", "event_id": event_id, "key": "\N{THUMBS UP SIGN}"}
    told = await community.told({"m.relates_to": relates}, "closed", event_type="m.reaction")
    assert LABEL_KEY not in told
    for key in ("x" * 65, "TLP:RED pump", 7, None):
        bad = {"m.relates_to": {**relates, "key": key}}
        status, body = await community.put("ana", "closed", bad, event_type="m.reaction")
        assert 400 <= status < 404 and body["errcode"] and body["error"], body
    room = quote(community.rooms["closed"])
    path = f"/_matrix/client/v3/rooms/{room}/redact/{quote(event_id)}/{unique('redact')}"
    status, body = await request(community["ana"], "PUT", path, {"reason": "TLP:RED the pump"})
    assert_refused(status, body, "NOT_PUBLIC", rule="R3", label="TLP:RED")


# --- State ------------------------------------------------------------------------------------------------------

POLICY = {"kind": "named", "default": "TLP:RED", "ceiling": "TLP:RED", "organisations": [], "purpose": "discussion"}


@pytest.mark.parametrize("event_type", ["org.belisha.room", "org.belisha.named"])
@pytest.mark.parametrize("kind", ["open", "closed", "strict", "named"])
async def test_policy_state_of_a_client_is_refused(community: Community, kind: str, event_type: str) -> None:
    by = "cora" if kind == "strict" else "ana"
    content = POLICY if event_type == "org.belisha.room" else {"members": ["ana", "ben", "emil"]}
    status, body = await community.state(by, kind, event_type, content)
    assert_refused(status, body, "POLICY_STATE", rule="R1")
    status, body = await community.put(by, kind, content, event_type=event_type)
    assert status == 403 and body["errcode"].startswith("ORG.BELISHA."), body


async def test_policy_cannot_be_redacted(community: Community) -> None:
    room = community.rooms["closed"]
    _, state = await request(community["ana"], "GET", f"/_matrix/client/v3/rooms/{quote(room)}/state")
    policy = next(event for event in state if event["type"] == "org.belisha.room")  # type: ignore[index]
    answer = await community["ana"].room_redact(room, policy["event_id"])  # type: ignore[index]
    assert isinstance(answer, nio.RoomRedactError) and answer.status_code == "ORG.BELISHA.KEPT"


@pytest.mark.parametrize("kind", ["open", "closed", "strict", "named"])
@pytest.mark.parametrize(
    ("event_type", "content"),
    [
        ("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}),
        ("m.room.history_visibility", {"history_visibility": "world_readable"}),
        ("m.room.guest_access", {"guest_access": "can_join"}),
        ("m.room.name", {"name": "TLP:AMBER pumps"}),
        ("m.room.topic", {"topic": "TLP:RED pumps"}),
        ("m.room.tombstone", {"replacement_room": "!x:belisha.localhost", "body": "moved"}),
        ("im.vector.modular.widgets", {"url": "https://elsewhere.example/", "type": "m.custom"}),
        ("m.room.join_rules", {"join_rule": "restricted", "allow": []}),
    ],
    ids=["encryption", "history", "guests", "name", "topic", "tombstone", "widget", "join rule"],
)  # fmt: skip
async def test_state_that_no_room_may_have(community: Community, kind: str, event_type: str, content: Json) -> None:
    by = "cora" if kind == "strict" else "ana"
    status, body = await community.state(by, kind, event_type, content)
    assert status == 403, body
    assert_sentence(body["error"])
    # Somebody without the power for it hears that from Synapse, everybody else hears the rule.
    assert body["errcode"].startswith("ORG.BELISHA.") or body["errcode"] == "M_FORBIDDEN"
    if kind == "named":
        assert body["errcode"].startswith("ORG.BELISHA."), body


async def test_upgrades_by_hand_are_refused(community: Community) -> None:
    for by, kind in (("ana", "closed"), ("finn", "named")):
        path = f"/_matrix/client/v3/rooms/{quote(community.rooms[kind])}/upgrade"
        for version in ("11", "12"):
            status, body = await request(community[by], "POST", path, {"new_version": version})
            assert status == 403, body


async def test_steward_bot_keeps_its_place_and_power(community: Community) -> None:
    room = community.rooms["closed"]
    steward = community.id("steward")
    kicked = await community["ana"].room_kick(room, steward)
    assert isinstance(kicked, nio.RoomKickError)
    _, levels = await request(
        community["ana"], "GET", f"/_matrix/client/v3/rooms/{quote(room)}/state/m.room.power_levels/"
    )
    assert levels["users"][community.id("ana")] == 95 and levels["users"][steward] == 100
    raised = {**levels, "users": {**levels["users"], community.id("ben"): 100}}
    status, _ = await community.state("ana", "closed", "m.room.power_levels", raised)
    assert status == 403


# --- Who may come in --------------------------------------------------------------------------------------------


async def test_strict_group_is_for_its_organisations_only(community: Community) -> None:
    room = community.rooms["strict"]
    invited = await community["cora"].room_invite(room, community.id("emil"))
    assert isinstance(invited, nio.RoomInviteError) and invited.status_code == "ORG.BELISHA.OTHER_ORGANISATION"
    assert_sentence(invited.message)
    joined = await community["emil"].join(room)
    assert isinstance(joined, nio.JoinError) and joined.status_code.startswith(("ORG.BELISHA.", "M_FORBIDDEN"))
    knocked = await community["emil"].room_knock(room)
    assert isinstance(knocked, nio.RoomKnockError), knocked
    assert knocked.status_code == "ORG.BELISHA.OTHER_ORGANISATION"
    knocked = await community["ben"].room_knock(room)
    assert isinstance(knocked, nio.RoomKnockResponse), "a member of a listed organisation may ask"
    assert isinstance(await community["ben"].room_leave(room), nio.RoomLeaveResponse)


async def test_named_room_is_for_the_named_only(community: Community) -> None:
    room = community.rooms["named"]
    for outsider in ("ben", "steward"):
        invited = await community["ana"].room_invite(room, community.id(outsider))
        assert isinstance(invited, nio.RoomInviteError)
        assert invited.status_code in ("ORG.BELISHA.NOT_NAMED", "ORG.BELISHA.NO_BOTS_HERE")
    assert isinstance(await community["ben"].join(room), nio.JoinError)
    assert isinstance(await community["ben"].room_knock(room), nio.RoomKnockError)


async def test_service_room_is_for_two(community: Community) -> None:
    invited = await community["steward"].room_invite(community.rooms["service"], community.id("ben"))
    assert isinstance(invited, nio.RoomInviteError) and invited.status_code == "ORG.BELISHA.TWO_ONLY"


async def test_closed_group_wants_an_invitation(community: Community) -> None:
    assert isinstance(await community["finn"].join(community.rooms["closed"]), nio.JoinError)
