"""What goes from device to device, what devices are called, and where notifications go."""

from __future__ import annotations

from typing import Any

import pytest

from belisha.markers import MarkerReader
from belisha.policy.channels import (
    ANY_CLIENT,
    LARGEST_TO_DEVICE,
    LONGEST_REASON,
    MOST_DEVICES,
    decide_device_id,
    decide_pusher,
    decide_to_device,
    device_name,
    pusher_data,
)
from belisha.policy.people import Person
from belisha.policy.types import CONTENT, PROTOCOL, TO_DEVICE

MARKERS = MarkerReader({})
ANA = Person("@ana:x", "harbour")
GATEWAY = "https://matrix.org/_matrix/push/v1/notify"


def verdict(
    message_type: str = "m.room_key_request", messages: Any = None, sender: Person = ANA, reachable: str = "@ben:x"
) -> tuple[bool, str, str | None]:
    given = {"@ben:x": {"D": {"action": "request"}}} if messages is None else messages
    decision = decide_to_device(message_type, given, sender, {reachable}, MARKERS)
    return decision.allowed, decision.rule, decision.code


@pytest.mark.parametrize("message_type", sorted(TO_DEVICE))
def test_keys_and_verifications_pass(message_type: str) -> None:
    assert verdict(message_type)[0]


@pytest.mark.parametrize("message_type", [*sorted((CONTENT | PROTOCOL) - TO_DEVICE), "com.example.chat", "", "m.room"])
def test_no_other_type_passes(message_type: str) -> None:
    assert verdict(message_type) == (False, "L1", "UNKNOWN_TYPE")


def test_only_to_people_one_shares_a_room_with_and_to_oneself() -> None:
    assert verdict(reachable="@finn:x") == (False, "M1", "NO_SHARED_ROOM")
    assert verdict(messages={"@ben:x": {"D": {}}, "@emil:x": {"D": {}}}) == (False, "M1", "NO_SHARED_ROOM")
    assert verdict(messages={"@ana:x": {"*": {}}}, reachable="@finn:x")[0]


@pytest.mark.parametrize("sender", [Person("@belisha_steward:x", is_bot=True), Person("@new:x")])
def test_neither_bots_nor_accounts_without_an_organisation_send(sender: Person) -> None:
    assert verdict(sender=sender, messages={sender.user_id: {"D": {}}}) == (False, "M1", "NOT_A_MEMBER")


@pytest.mark.parametrize("messages", [None, [], "x", {"@ben:x": []}, {"@ben:x": {"D": "text"}}, {"@ben:x": None}])
def test_what_is_no_message_is_refused(messages: Any) -> None:
    decision = decide_to_device("m.dummy", messages, ANA, {"@ben:x"}, MARKERS)
    assert (decision.allowed, decision.code) == (False, "MALFORMED")


def test_it_is_no_more_than_keys_need() -> None:
    fits = {"ciphertext": "x" * (LARGEST_TO_DEVICE - 100)}
    assert verdict("m.room.encrypted", {"@ben:x": {"D": fits}})[0]
    assert verdict("m.room.encrypted", {"@ben:x": {"D": {"ciphertext": "x" * LARGEST_TO_DEVICE}}})[2] == "TOO_MUCH_TEXT"
    assert verdict("m.dummy", {"@ben:x": {str(n): {} for n in range(MOST_DEVICES)}})[0]
    assert verdict("m.dummy", {"@ben:x": {str(n): {} for n in range(MOST_DEVICES + 1)}})[2] == "TOO_MUCH_TEXT"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("The user cancelled.", None),
        ("TLP:AMBER the raid is at nine", "NOT_PUBLIC"),
        ("x" * (LONGEST_REASON + 1), "TOO_MUCH_TEXT"),
        ({"text": "x"}, "MALFORMED"),
    ],
)
def test_a_reason_is_short_and_public(reason: object, code: str | None) -> None:
    assert verdict("m.key.verification.cancel", {"@ben:x": {"D": {"reason": reason}}})[2] == code


@pytest.mark.parametrize(
    ("proposed", "name"),
    [
        ("app.element.io: Chrome on Linux", "Element Web"),
        ("Element X Android", "Element X Android"),
        ("ELEMENT  X  iOS 25.1", "Element X iOS"),
        ("Element Desktop: macOS", "Element Desktop"),
        ("matrix-nio", "matrix-nio"),
        ("TLP:RED the raid is at nine", ANY_CLIENT),
        ("TLP:RED the raid, by Element", "Element Web"),
        ("", ANY_CLIENT),
        (None, ANY_CLIENT),
        (7, ANY_CLIENT),
    ],
)
def test_a_device_is_called_by_its_client(proposed: object, name: str) -> None:
    assert device_name(proposed) == name


def test_a_device_id_says_nothing() -> None:
    for good in (None, "ABCDEFGHIJ", "belisha", "a-b_c.d~e+f/g="):
        assert decide_device_id(good).allowed
    for bad in ("the raid is at nine", "TLP:RED", "x" * 49, "", "ö"):
        assert not decide_device_id(bad).allowed


@pytest.mark.parametrize(
    ("kind", "data", "allowed"),
    [
        ("http", {"url": GATEWAY}, True),
        ("http", {"url": GATEWAY + "/"}, False),
        ("http", {"url": "https://matrix.org@evil.net/_matrix/push/v1/notify"}, False),
        ("http", {"url": "https://evil.net/_matrix/push/v1/notify"}, False),
        ("http", {"url": [GATEWAY]}, False),
        ("http", {}, False),
        ("http", None, False),
        ("email", {"url": GATEWAY}, False),
        (None, {"url": GATEWAY}, False),
    ],
)
def test_notifications_go_to_listed_gateways_only(kind: object, data: object, allowed: bool) -> None:
    assert decide_pusher(kind, data, {GATEWAY}).allowed is allowed
    assert not decide_pusher(kind, data, ()).allowed


def test_a_gateway_learns_ids_only() -> None:
    data = {"url": GATEWAY, "format": "full", "default_payload": {"aps": {}}}
    assert pusher_data(data) == {**data, "format": "event_id_only"}
