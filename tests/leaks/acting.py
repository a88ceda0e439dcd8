"""What acts: requests that change a room or somebody's data, who may make them, and for whom they are made in vain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from tests.leaks.battery import Cell
from tests.leaks.ground import V3, Ground, Place
from tests.leaks.places import MEMBER, PIN, READER
from tests.support.community import unique
from tests.support.ledger import query
from tests.support.routes import Route

Json = dict[str, Any]

_ROOM: Final = f"{V3}/rooms/{{room_id}}"
_USER: Final = f"{V3}/user/{{member}}"
GROUPS: Final = ("open", "closed", "strict", "space")
_WITH_ITEMS: Final = ("open", "closed", "strict", "named", "service")
_ALL: Final = (*GROUPS, "named", "service")


class Act(NamedTuple):
    """One request that acts.

    Attributes:
        servlet: the class that answers it; several acts may have the same.
        method: of the request.
        path: with the names of its parts in braces.
        body: the same for everybody.
        entitled: to whom it is granted: the room's `maker`, its `member`, its `reader`, or somebody by name.
        kinds: the kinds of room in which it is granted to them; in all others it is closed to everybody.
        by_design: kind -> standings to whom it is granted too; they are not asked, since that would change them.
    """

    servlet: str
    method: str
    path: str
    body: Json
    entitled: str = "member"
    kinds: tuple[str, ...] = _ALL
    by_design: Mapping[str, tuple[str, ...]] = {}
    #: Kinds in which there is nothing to ask it of.
    not_in: tuple[str, ...] = ()
    #: Whether Synapse answers 200 to others too, and drops it: then the database is looked at.
    dropped: bool = False


_JOINING: Final = {
    "open": ("outsider", "other organisation", "administrator", "left", "kicked", "invitee"),
    **dict.fromkeys(("closed", "strict", "space", "named"), ("invitee",)),
}
_KNOCKING: Final = {
    "closed": ("outsider", "other organisation", "administrator", "left", "kicked", "knocker"),
    "strict": ("outsider", "left", "kicked", "knocker"),
}
_LEVELS: Final = f"{_ROOM}/state/m.room.power_levels/"
_TEXT: Final = {"msgtype": "m.text", "body": "Slack water"}

#: In this order for who may: what takes somebody out of the room comes last, and what closes it.
ROOM_ACTS: Final = (
    Act(
        "RoomSendEventRestServlet",
        "PUT",
        f"{_ROOM}/send/m.room.message/{{txn}}",
        _TEXT,
        kinds=_WITH_ITEMS,
        not_in=("space",),
    ),
    Act(
        "RoomSendEventRestServlet",
        "PUT",
        f"{_ROOM}/send/m.reaction/{{txn}}",
        {"m.relates_to": {"rel_type": "m.annotation", "event_id": "{event_id}", "key": "+1"}},
        kinds=_WITH_ITEMS,
        not_in=("space",),
    ),
    Act(
        "RoomSendEventRestServlet",
        "PUT",
        f"{_ROOM}/send/org.belisha.relabel/{{txn}}",
        {"m.relates_to": {"rel_type": "m.reference", "event_id": "{caption}"}, "label": "TLP:CLEAR"},
        kinds=_WITH_ITEMS,
        not_in=("space",),
    ),
    Act(
        "RoomRedactEventRestServlet",
        "PUT",
        f"{_ROOM}/redact/{{event_id}}/{{txn}}",
        {},
        kinds=_WITH_ITEMS,
        not_in=("space",),
    ),
    Act(
        "RoomStateEventRestServlet",
        "PUT",
        f"{_ROOM}/state/m.room.pinned_events/",
        {"pinned": ["{event_id}"]},
        "maker",
        _WITH_ITEMS,
        not_in=("space",),
    ),
    Act("RoomStateEventRestServlet", "PUT", _LEVELS, {"levels": "{levels}"}, "maker"),
    Act("RoomStateEventRestServlet", "PUT", f"{_ROOM}/state/org.belisha.room/", {"kind": "open"}, "maker", ()),
    Act("RoomTypingRestServlet", "PUT", f"{_ROOM}/typing/{{self}}", {"typing": True, "timeout": 1}),
    Act(
        "ReceiptRestServlet",
        "POST",
        f"{_ROOM}/receipt/m.read/{{event_id}}",
        {},
        kinds=_WITH_ITEMS,
        not_in=("space",),
        dropped=True,
    ),
    Act(
        "ReadMarkerRestServlet",
        "POST",
        f"{_ROOM}/read_markers",
        {"m.read": "{event_id}"},
        kinds=_WITH_ITEMS,
        not_in=("space",),
        dropped=True,
    ),
    Act(
        "ReportEventRestServlet",
        "POST",
        f"{_ROOM}/report/{{event_id}}",
        {"reason": "rude"},
        kinds=_WITH_ITEMS,
        not_in=("space",),
    ),
    Act(
        "RoomSendEventRestServlet", "POST", f"{_ROOM}/send/m.room.message", _TEXT, kinds=_WITH_ITEMS, not_in=("space",)
    ),
    Act("RoomRedactEventRestServlet", "POST", f"{_ROOM}/redact/{{caption}}", {}, kinds=_WITH_ITEMS, not_in=("space",)),
    Act("RoomMembershipRestServlet", "PUT", f"{_ROOM}/join/{{txn}}", {}, by_design=_JOINING),
    Act(
        "ClientDirectoryListServer", "PUT", f"{V3}/directory/list/room/{{room_id}}", {"visibility": "private"}, "maker"
    ),
    Act("ClientDirectoryServer", "PUT", f"{V3}/directory/room/{{alias}}", {"room_id": "{room_id}"}, "maker", GROUPS),
    Act("ClientDirectoryServer", "DELETE", f"{V3}/directory/room/{{alias}}", {}, "maker", GROUPS),
    Act("JoinRoomAliasServlet", "POST", f"{V3}/join/{{room_id}}", {}, by_design=_JOINING),
    Act("JoinRoomAliasServlet", "PUT", f"{V3}/join/{{room_id}}/{{txn}}", {}, by_design=_JOINING),
    Act("RoomMembershipRestServlet", "POST", f"{_ROOM}/join", {}, by_design=_JOINING),
    Act("KnockRoomAliasServlet", "POST", f"{V3}/knock/{{room_id}}", {}, "nia", tuple(_KNOCKING), _KNOCKING),
    Act("RoomMembershipRestServlet", "POST", f"{_ROOM}/invite", {"user_id": "{newcomer}"}, "maker", GROUPS),
    Act(
        "RoomMembershipRestServlet",
        "POST",
        f"{_ROOM}/leave",
        {},
        "tim",
        GROUPS,
        dict.fromkeys(_ALL, ("invitee", "knocker", "left", "kicked")),
        ("named", "service"),
    ),
    Act("RoomMembershipRestServlet", "POST", f"{_ROOM}/kick", {"user_id": "{target}"}, "maker"),
    Act("RoomMembershipRestServlet", "POST", f"{_ROOM}/ban", {"user_id": "{target}"}, "maker"),
    Act("RoomMembershipRestServlet", "POST", f"{_ROOM}/unban", {"user_id": "{target}"}, "maker"),
    Act("RoomUpgradeRestServlet", "POST", f"{_ROOM}/upgrade", {"new_version": "11"}, "maker", ("named",)),
)
#: On what is ana's alone, room or no room; asked once.
OWN_ACTS: Final = (
    Act("AccountDataServlet", "PUT", f"{_USER}/account_data/{PIN}", {"note": "x"}),
    Act("RoomAccountDataServlet", "PUT", f"{_USER}/rooms/{{room_id}}/account_data/{PIN}", {"note": "x"}),
    Act("TagServlet", "PUT", f"{_USER}/rooms/{{room_id}}/tags/u.x", {}),
    Act("TagServlet", "DELETE", f"{_USER}/rooms/{{room_id}}/tags/u.x", {}),
    Act("CreateFilterRestServlet", "POST", f"{_USER}/filter", {}),
    Act("IdTokenServlet", "POST", f"{_USER}/openid/request_token", {}),
    Act("RoomTypingRestServlet", "PUT", f"{_ROOM}/typing/{{member}}", {"typing": True, "timeout": 1}),
    Act("ProfileFieldRestServlet", "PUT", f"{V3}/profile/{{member}}/avatar_url", {"avatar_url": ""}),
    Act("ProfileFieldRestServlet", "PUT", f"{V3}/profile/{{member}}/displayname", {"displayname": "X"}, kinds=()),
    Act("ProfileFieldRestServlet", "DELETE", f"{V3}/profile/{{member}}/avatar_url", {}),
    Act(
        "DeviceRestServlet",
        "PUT",
        f"{V3}/devices/{{device_id}}",
        {"display_name": "x"},
        # An application service is given a device of that id, of its own.
        by_design={"named": ("bot",)},
    ),
    Act(
        "RoomKeysServlet",
        "PUT",
        f"{V3}/room_keys/keys/{{room_id}}/other?version={{version}}",
        {"first_message_index": 0, "forwarded_count": 0, "is_verified": True, "session_data": {"x": "x"}},
    ),
    Act(
        "SendToDeviceRestServlet",
        "PUT",
        f"{V3}/sendToDevice/m.dummy/{{txn}}",
        {"messages": {"{member}": {"*": {}}}},
        "reader",
    ),
)
_OFF: Final = "an experiment of Synapse's that is off; members are refused too"
_ONESELF: Final = "acts on the asker's own account and names nobody else"
_SIGN_IN: Final = "is for those who have no session yet, and ends without one"
#: Routes that act and are in no list above, each with the reason.
NOT_ASKED: Final[Mapping[tuple[str, str], str]] = {
    ("RoomStateEventRestServlet", "PUT"): "asked above",
    ("RoomForgetRestServlet", "PUT"): "takes the room out of the asker's own lists only",
    ("RoomForgetRestServlet", "POST"): "takes the room out of the asker's own lists only",
    (
        "ReportRoomRestServlet",
        "POST",
    ): "who is invited may report a room; it tells whether a known id is that of a room",
    ("ReportUserRestServlet", "POST"): "every member may report every other",
    ("RoomCreateRestServlet", "POST"): "makes a room of the asker's own; held in tests/synapse/test_creation.py",
    ("RoomCreateRestServlet", "PUT"): "makes a room of the asker's own; held in tests/synapse/test_creation.py",
    ("UnstableProfileFieldRestServlet", "PUT"): "another class at the address of ProfileFieldRestServlet",
    ("UnstableProfileFieldRestServlet", "DELETE"): "another class at the address of ProfileFieldRestServlet",
    ("RoomKeysServlet", "DELETE"): "removes of the asker's own backup",
    ("RoomKeysNewVersionServlet", "POST"): _ONESELF,
    ("RoomKeysVersionServlet", "PUT"): _ONESELF,
    ("RoomKeysVersionServlet", "DELETE"): _ONESELF,
    ("DeviceRestServlet", "DELETE"): "asks for the password of the device's owner",
    **dict.fromkeys(
        (
            ("DeleteDevicesRestServlet", "POST"),
            ("DeactivateAccountRestServlet", "POST"),
            ("PasswordRestServlet", "POST"),
            ("LogoutRestServlet", "POST"),
            ("LogoutAllRestServlet", "POST"),
            ("KeyUploadServlet", "POST"),
            ("SigningKeyUploadServlet", "POST"),
            ("SignaturesUploadServlet", "POST"),
            ("PushersSetRestServlet", "POST"),
            ("PushRuleRestServlet", "PUT"),
            ("PushRuleRestServlet", "DELETE"),
            ("PresenceStatusRestServlet", "PUT"),
            ("LoginTokenRequestServlet", "POST"),
            ("AccountValiditySendMailServlet", "POST"),
            ("CreateResource", "POST"),
            ("UploadServlet", "POST"),
            ("AsyncUploadServlet", "PUT"),
            ("ThreepidRestServlet", "POST"),
            ("ThreepidAddRestServlet", "POST"),
            ("ThreepidBindRestServlet", "POST"),
            ("ThreepidUnbindRestServlet", "POST"),
            ("ThreepidDeleteRestServlet", "POST"),
            ("EmailThreepidRequestTokenRestServlet", "POST"),
            ("MsisdnThreepidRequestTokenRestServlet", "POST"),
            ("AddThreepidMsisdnSubmitTokenServlet", "POST"),
            ("EmailPasswordRequestTokenRestServlet", "POST"),
        ),
        _ONESELF,
    ),
    **dict.fromkeys(
        (
            ("LoginRestServlet", "POST"),
            ("RefreshTokenServlet", "POST"),
            ("TokenRefreshRestServlet", "POST"),
            ("RegisterRestServlet", "POST"),
            ("RegisterAppServiceOnlyRestServlet", "POST"),
            ("EmailRegisterRequestTokenRestServlet", "POST"),
            ("MsisdnRegisterRequestTokenRestServlet", "POST"),
            ("AuthRestServlet", "POST"),
        ),
        _SIGN_IN,
    ),
    **dict.fromkeys(
        (
            ("ThreadSubscriptionsRestServlet", "PUT"),
            ("ThreadSubscriptionsRestServlet", "DELETE"),
            ("MSC4388CreateRendezvousServlet", "POST"),
            ("MSC4388UpdateRendezvousServlet", "PUT"),
            ("MSC4388UpdateRendezvousServlet", "DELETE"),
            ("MSC4108DelegationRendezvousServlet", "POST"),
            ("MSC4108RendezvousServlet", "POST"),
            ("DehydratedDeviceV2Servlet", "PUT"),
            ("DehydratedDeviceV2Servlet", "DELETE"),
            ("DehydratedDeviceEventsServlet", "POST"),
            ("UpdateDelayedEventServlet", "POST"),
            ("CancelDelayedEventServlet", "POST"),
            ("RestartDelayedEventServlet", "POST"),
            ("SendDelayedEventServlet", "POST"),
            ("UnstableAccountDataServlet", "DELETE"),
            ("UnstableRoomAccountDataServlet", "DELETE"),
            ("AccountStatusRestServlet", "POST"),
            ("UnstableOneTimeKeyServlet", "POST"),
        ),
        _OFF,
    ),
    **dict.fromkeys(
        (
            ("AppservicePingRestServlet", "POST"),
            ("AppserviceFederationProxyRestServlet", "POST"),
            ("ClientAppserviceDirectoryListServer", "PUT"),
            ("ClientAppserviceDirectoryListServer", "DELETE"),
        ),
        "is for application services alone",
    ),
}


def request_of(act: Act, ground: Ground, place: Place, who: str, levels: Json | None = None) -> tuple[str, Json]:
    """Path and body of an act about a room, by somebody."""
    events = next(reversed(place.events.values()), {})
    values = {
        "room_id": place.room,
        "event_id": events.get("body", "$none"),
        "caption": events.get("caption", "$none"),
        "txn": unique("act"),
        "self": ground.id(who),
        "member": ground.id(MEMBER),
        "target": ground.id(MEMBER if place.kind == "service" else READER),
        "newcomer": ground.id("tim"),
        "alias": f"#landing-{place.kind}:{ground.community.server.name}",
        **ground.own,
    }
    if act.path == _LEVELS:
        return _filled(act.path, values), levels or {"users": {ground.id(who): 100}}
    body: Json = json.loads(_filled(json.dumps(act.body), values, encoded=False))
    return _filled(act.path, values), body


def cells_of(act: Act, place: Place) -> Iterator[tuple[Cell, str]]:
    """Those who make the request in vain, each with their name."""
    for standing, who in place.standings.items():
        if place.kind not in act.not_in and standing not in act.by_design.get(place.kind, ()):
            yield Cell(act.servlet, act.method, place.kind, standing), who


def entitled(act: Act, place: Place) -> str | None:
    """Who may, in a room of this kind; None where nobody may."""
    if place.kind not in act.kinds:
        return None
    names = {"maker": place.maker, "member": MEMBER, "reader": READER}
    return names.get(act.entitled, act.entitled)


def events_of(ground: Ground, place: Place) -> set[str]:
    """The ids of every event of a room, out of Synapse's own table."""
    return {
        row["event_id"] for row in query(ground.community, "SELECT event_id FROM events WHERE room_id = ?", place.room)
    }


def readers_of(ground: Ground, place: Place) -> set[str]:
    """Who has a receipt in a room, out of Synapse's own table."""
    found = query(ground.community, "SELECT user_id FROM receipts_linearized WHERE room_id = ?", place.room)
    return {row["user_id"] for row in found}


def unlisted(routes: list[Route]) -> list[tuple[str, str]]:
    """The routes that act and stand in no list here."""
    known = {(act.servlet, act.method) for act in (*ROOM_ACTS, *OWN_ACTS)} | set(NOT_ASKED)
    return sorted({(route.servlet, route.method) for route in routes} - known)


def _filled(template: str, values: Mapping[str, str], *, encoded: bool = True) -> str:
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", quote(value, safe="") if encoded else value)
    return template
