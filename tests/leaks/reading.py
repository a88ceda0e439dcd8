"""What reads: the requests of each route, and what the routes show to a member of the room, as data.

A route that is in neither `SHOWS` nor `NEVER_SHOWS` fails the battery, and so does one that shows something else than
is said here.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from tests.leaks.ground import Ground, Place
from tests.leaks.places import MEMBER, PIN, READER
from tests.leaks.words import NAMES, SEARCHED
from tests.support.routes import Route, client_routes

Json = dict[str, Any]

#: What a request needs to be one, by the end of its path.
QUERIES: Final = {
    "/messages": "?dir=b&limit=200",
    "/v3/sync": "?timeout=0&full_state=true&filter="
    + quote('{"room":{"include_leave":true,"timeline":{"limit":200},"state":{"lazy_load_members":true}}}'),
    "/v3/events": "?timeout=0&room_id={room_id}&from={since}",
    "/initialSync": "?limit=200",
    "/context/{event_id}": "?limit=100",
    "/timestamp_to_event": "?ts=0&dir=f",
    "/publicRooms": "?limit=100",
    "/notifications": "?limit=100",
    "/mutual_rooms": "?user_id={other}",
    "/relations/{parent_id}/{relation_type}/{event_type}": "?limit=100",
    "/members": "?not_membership=ban",
    "/keys/changes": "?from={since}&to={since}",
    "/media/thumbnail/{server_name}/{media_id}": "?width=32&height=32&method=crop",
    "/room_keys/keys/{room_id}/{session_id}": "?version={version}",
}
#: Requests that read although they are POST.
READING: Final[Mapping[str, Json]] = {
    "SearchRestServlet": {
        "search_categories": {
            "room_events": {
                "search_term": SEARCHED,
                "filter": {"limit": 200},
                "event_context": {"before_limit": 5, "after_limit": 5, "include_profile": True},
                "include_state": True,
            }
        }
    },
    "SlidingSyncRestServlet": {
        "lists": {"all": {"ranges": [[0, 99]], "timeline_limit": 200, "required_state": [["*", "*"]]}},
        "room_subscriptions": {"{room_id}": {"timeline_limit": 200, "required_state": [["*", "*"]]}},
        "extensions": {"account_data": {"enabled": True}, "receipts": {"enabled": True}, "typing": {"enabled": True}},
    },
    "PublicRoomListRestServlet": {"limit": 100},
    "UserDirectorySearchRestServlet": {"search_term": "zq"},
    "KeyQueryServlet": {"device_keys": {"{member}": []}},
    "OneTimeKeyServlet": {"one_time_keys": {"{member}": {"{device_id}": "signed_curve25519"}}},
}
#: Asked once for each event, since one is named; the others are asked once for each room.
BY_EVENT: Final = frozenset(
    {"RoomEventServlet", "RoomEventContextServlet", "RelationPaginationServlet", "EventRestServlet"}
)
#: Asked once for each file: of one that is shared, and of one whose item was redacted.
BY_FILE: Final = frozenset({"DownloadResource", "ThumbnailResource"})
#: More ways to ask the same routes: tokens from before one left or of somebody else, other directions, filters.
WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "SyncRestServlet": (
        "?timeout=0&since={before}&filter=" + quote('{"room":{"timeline":{"limit":200}}}'),
        "?timeout=0&since={members_since}&full_state=true",
        "?timeout=0&since={since}&filter=" + quote('{"room":{"include_leave":true,"timeline":{"limit":200}}}'),
        "?timeout=0&filter={filter_id}&full_state=true",
        "?timeout=0&full_state=true&user_id={member}",
    ),
    "SlidingSyncRestServlet": ("?timeout=0&pos={position}", "?timeout=0"),
    "RoomMessageListRestServlet": (
        "?dir=f&limit=200&from={before}",
        "?dir=b&limit=200&from={members_since}",
        "?dir=b&limit=200&user_id={member}",
        "?dir=f&limit=200&filter=" + quote('{"lazy_load_members":true,"types":["m.room.message"]}'),
    ),
    "RoomMemberListRestServlet": ("?at={before}", "?at={since}", "?at={members_since}&membership=join"),
    "EventStreamRestServlet": (
        "?timeout=0&from={before}&room_id={room_id}",
        "?timeout=0&from={before}",
        "?timeout=0&from={members_since}&room_id={room_id}",
    ),
    "InitialSyncRestServlet": ("?limit=200&archived=true",),
    "RoomHierarchyRestServlet": ("?suggested_only=false&max_depth=5&limit=50",),
    "TimestampLookupRestServlet": ("?ts=99999999999999&dir=b",),
    "NotificationsServlet": ("?limit=100&only=highlight",),
    "RelationPaginationServlet": ("?recurse=true&dir=f",),
    "ThreadsServlet": ("?include=participated",),
    "DownloadResource": ("?timeout_ms=0&user_id={member}", "?admin_unsafely_bypass_quarantine=true"),
    "ThumbnailResource": ("?width=800&height=600&method=scale&animated=true&user_id={member}",),
}

_TIMELINE: Final = frozenset(
    {"body", "formatted", "caption", "filename", "question", "answer", "edited", "thread", "later"}
)
_OWN: Final = frozenset({"account", "inroom", "tag", "rule"})
#: servlet -> the parts that it shows to members of the rooms, over all rooms and labels together.
SHOWS: Final[Mapping[str, frozenset[str]]] = {
    "AccountDataServlet": frozenset({"account"}),
    "DownloadResource": frozenset({"file"}),
    "EventRestServlet": _TIMELINE | {"event"},
    "EventStreamRestServlet": _TIMELINE | NAMES | {"event", "room", "account", "inroom", "tag"},
    "GetFilterRestServlet": frozenset({"filter"}),
    "InitialSyncRestServlet": _TIMELINE | NAMES | {"event", "room", "account", "inroom", "tag"},
    "JoinedRoomsRestServlet": frozenset({"room"}),
    "NotificationsServlet": (_TIMELINE - {"question", "answer", "edited"}) | {"event", "room"},
    "PushRuleRestServlet": frozenset({"rule"}),
    "RelationPaginationServlet": frozenset({"edited", "event"}),
    "RoomAccountDataServlet": frozenset({"inroom"}),
    "RoomAliasListServlet": frozenset({"alias"}),
    "RoomEventContextServlet": _TIMELINE | NAMES | {"event"},
    "RoomEventServlet": _TIMELINE | {"event"},
    "RoomHierarchyRestServlet": NAMES,
    "RoomInitialSyncRestServlet": _TIMELINE | NAMES | {"event", "inroom", "tag"},
    "RoomKeysNewVersionServlet": frozenset({"backup"}),
    "RoomKeysServlet": frozenset({"key"}),
    "RoomKeysVersionServlet": frozenset({"backup"}),
    "RoomMessageListRestServlet": _TIMELINE | NAMES | {"event"},
    "RoomStateEventRestServlet": frozenset({"name"}),
    "RoomStateRestServlet": NAMES,
    "RoomSummaryRestServlet": NAMES,
    "SearchRestServlet": _TIMELINE | NAMES | {"event", "room"},
    "SlidingSyncRestServlet": _TIMELINE | NAMES | _OWN | {"event"},
    "SyncRestServlet": _TIMELINE | NAMES | _OWN | {"event", "room"},
    "TagListServlet": frozenset({"tag"}),
    "ThreadsServlet": frozenset({"body", "formatted", "thread", "event"}),
    "UserMutualRoomsServlet": frozenset({"room"}),
}
#: Which parts these show depends on how much happened at the same time.
VARIES: Final = frozenset({"EventStreamRestServlet"})
#: servlet -> what it tells by answering at all: members are answered 200, and others are refused.
TELLS: Final[Mapping[str, str]] = {
    "JoinedRoomMemberListRestServlet": "who is in the room",
    "RoomMemberListRestServlet": "who is in the room",
    "RoomStateRestServlet": "the room's state",
    "RoomStateEventRestServlet": "the room's state",
    "RoomMessageListRestServlet": "the timeline",
    "RoomInitialSyncRestServlet": "the timeline",
    "RoomEventServlet": "one event",
    "RoomEventContextServlet": "one event",
    "EventRestServlet": "one event",
    "TimestampLookupRestServlet": "when something was said",
    "RelationPaginationServlet": "what was answered",
    "ThreadsServlet": "what was answered",
    "RoomAliasListServlet": "the room's addresses",
    "AccountDataServlet": "an account's own data",
    "RoomAccountDataServlet": "an account's own data",
    "TagListServlet": "an account's own data",
    "GetFilterRestServlet": "an account's own data",
    "DeviceRestServlet": "an account's own data",
    "DownloadResource": "a file",
    "ThumbnailResource": "a file, in small",
}
_OFF: Final = "it is an experiment of Synapse's that is off"
_ABOUT_ONESELF: Final = "it speaks of the asker's own account"
_ABOUT_THE_SERVER: Final = "it speaks of the server, and of no room or member"
_PUBLIC: Final = "it speaks of what the whole community may know"
_ELSEWHERE: Final = "no address, telephone or sign-in by others is known here"
#: servlet -> why no answer of it ever shows a word.
NEVER_SHOWS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "AppserviceRoomMembershipRestServlet",
            "DehydratedDeviceEventsServlet",
            "DehydratedDeviceV2Servlet",
            "DelayedEventServlet",
            "DelayedEventsServlet",
            "MSC4388CreateRendezvousServlet",
            "MSC4388UpdateRendezvousServlet",
            "MatrixRTCRestServlet",
            "RetentionConfigurationServlet",
            "ThreadSubscriptionsPaginationRestServlet",
            "ThreadSubscriptionsRestServlet",
        ),
        _OFF,
    ),
    **dict.fromkeys(
        (
            "AccountValidityRenewServlet",
            "AddThreepidEmailSubmitTokenServlet",
            "AuthMetadataServlet",
            "AuthRestServlet",
            "CasTicketServlet",
            "RegistrationSubmitTokenServlet",
            "RegistrationTokenValidityRestServlet",
            "SsoRedirectServlet",
            "ThirdPartyLocationServlet",
            "ThirdPartyProtocolServlet",
            "ThirdPartyProtocolsServlet",
            "ThirdPartyUserServlet",
            "UsernameAvailabilityRestServlet",
        ),
        _ELSEWHERE,
    ),
    **dict.fromkeys(
        (
            "DeviceRestServlet",
            "DevicesRestServlet",
            "LegacyPushersRemoveRestServlet",
            "PushersRestServlet",
            "ThreepidRestServlet",
            "WhoamiRestServlet",
        ),
        _ABOUT_ONESELF,
    ),
    **dict.fromkeys(
        (
            "CapabilitiesRestServlet",
            "LoginRestServlet",
            "MediaConfigResource",
            "PasswordPolicyServlet",
            "VersionsRestServlet",
            "VoipRestServlet",
        ),
        _ABOUT_THE_SERVER,
    ),
    **dict.fromkeys(
        (
            "ClientDirectoryServer",
            "KeyChangesServlet",
            "KeyQueryServlet",
            "OneTimeKeyServlet",
            "PresenceStatusRestServlet",
            "ProfileFieldRestServlet",
            "ProfileRestServlet",
            "PublicRoomListRestServlet",
            "UnstableProfileFieldRestServlet",
            "UserDirectorySearchRestServlet",
        ),
        _PUBLIC,
    ),
    "OpenIdUserInfo": "it tells who a member is to whom the member gave a token for that, as a widget is given one",
    "ClientDirectoryListServer": "whether a room whose id is known stands in the list of rooms",
    **dict.fromkeys(
        (
            "JoinedRoomMemberListRestServlet",
            "RoomMemberListRestServlet",
            "ThumbnailResource",
            "TimestampLookupRestServlet",
        ),
        "what it shows is no word of a member: it is held by `TELLS`",
    ),
    **dict.fromkeys(("PreviewURLServlet", "PreviewUrlResource"), "previews of links are off"),
}


class Request(NamedTuple):
    """One request of a route, ready to be made."""

    route: Route
    path: str
    body: Json | None
    #: Whether it names the room, by its id or one of its events: then the asker knows that there is one.
    names_room: bool


def reading_routes() -> list[Route]:
    """Every route of clients and media that reads."""
    return [
        route
        for route in dict.fromkeys(client_routes())
        if route.method == "GET" or (route.method == "POST" and route.servlet in READING)
    ]


def requests_of(route: Route, ground: Ground, place: Place, who: str) -> Iterator[Request]:
    """The requests of a route about one room: one, or one for each event that members can name."""
    usual = next((query for end, query in QUERIES.items() if route.path.endswith(end)), "")
    events = [event for parts in place.events.values() for event in parts.values()] or ["$none"]
    ways = (usual, *WAYS.get(route.servlet, ()))
    files = [file for both in place.files.values() for file in both] or ["none"]
    named = itertools.product(
        events if route.servlet in BY_EVENT else events[:1], files if route.servlet in BY_FILE else files[:1]
    )
    for (event, file), way in itertools.product(named, ways):
        template = route.path + way
        values = {**values_of(ground, place, who), "event_id": event, "parent_id": event, "thread_root_id": event}
        values["media_id"] = file
        body = READING.get(route.servlet) if route.method == "POST" else None
        if body is not None:
            body = json.loads(_fill(json.dumps(body), values))
            if "{position}" in way:
                body["conn_id"] = "past"  # a feed begun anew without one would end this one
        names = any(f"{{{name}}}" in template + json.dumps(body or {}) for name in ("room_id", "room_identifier"))
        path = fill_path(template, values)
        yield Request(route, path, body, names or place.room in json.dumps(body or {}) or "event_id" in template)


def values_of(ground: Ground, place: Place, who: str) -> dict[str, str]:
    """What stands for the parts of a path, of ana's where it can be somebody's."""
    return {
        "room_id": place.room,
        "room_identifier": place.room,
        "room_alias": f"#stewards:{ground.community.server.name}",
        "member": ground.id(MEMBER),
        "user_id": ground.id(MEMBER),
        "target_user_id": ground.id(MEMBER),
        "account_data_type": PIN,
        "other": ground.id(READER),
        "since": ground.since.get(who, ground.since[MEMBER]),
        "before": ground.before.get(who, ground.before[MEMBER]),
        "position": ground.position.get(who, "0/s1"),
        "members_since": ground.since[MEMBER],
        "field_name": "displayname",
        "path": "pushrules/",
        "server_name": ground.community.server.name,
        "relation_type": "m.replace",
        "event_type": "m.room.message",
        "txn_id": "t1",
        "receipt_type": "m.read",
        "file_name": "sample",
        **ground.own,
    }


def fill_path(template: str, values: Mapping[str, str]) -> str:
    """A path with its named parts filled in and encoded; parts that nothing is known of keep their name."""
    quoted = {name: quote(value, safe="/" if name == "path" else "") for name, value in values.items()}
    return _fill(template, quoted).replace("{", "").replace("}", "")


def _fill(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template
