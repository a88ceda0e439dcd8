"""Every rule taken out once: what it stops, and the cells that must then turn red; the table of the threat model."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

Json = dict[str, Any]


class Mutation(NamedTuple):
    """One rule without which some cells are not refused any more.

    Attributes:
        rule: its id.
        without: what is taken out: a name in `tests.synapse.mutants.SWITCHES`, a start-up mutant or a setting.
        stops: what it stops, in a few words.
        cells: the cells that must turn red; each is asked with the rule and without it.
        besides: a name in SWITCHES that closes these cells as well, and is taken out with it.
    """

    rule: str
    without: str
    stops: str
    cells: tuple[str, ...]
    besides: str = ""


#: Reading and acting cells are `servlet method · kind · standing`; the others are names in `ABUSES` and `SEEN`.
MUTATIONS: Final = (
    Mutation("L1", "types", "an event of a type on no list", ("an unknown type",)),
    Mutation("L1", "places", "room state sent as a message", ("room state in the timeline",)),
    Mutation("L1", "keys", "text in the key of room state", ("text as a state key",)),
    Mutation("L1", "protocol texts", "text beside a reaction", ("a note in a reaction",)),
    Mutation("L1", "to device", "text from device to device", ("text to a device",)),
    Mutation("L1", "device names", "text as the name of a device", ("text as a device's name",)),
    Mutation("L2", "markers", "a marker in the text that is not read", ("RED in the text of a closed group",)),
    Mutation("L2", "insides", "a marker inside a file that does not count", ("RED inside a file in a closed group",)),
    Mutation("L2", "parents", "an answer below what it answers", ("GREEN in answer to AMBER",)),
    Mutation("L3", "ceilings", "an item above its room's ceiling", ("RED by its key in an open group",)),
    Mutation("L4", "relabel", "another's item lowered", ("another's label lowered",)),
    Mutation("L4", "kept", "a decision redacted", ("a relabel act redacted",)),
    Mutation("R1", "policy", "a policy written by hand", ("a policy by hand",)),
    Mutation("R1", "upgrades", "an upgrade by hand", ("an upgrade by hand",)),
    Mutation("R1", "power", "power for whoever comes in", ("power for everybody",)),
    Mutation("R1", "join rules", "a closed group that anybody may join", ("a public closed group",)),
    Mutation("R1", "widening", "a group opened over what it holds", ("a group with AMBER in it opened",)),
    Mutation("R2", "history", "a room that is world-readable", ("a world-readable room",)),
    Mutation("R2", "guests", "guests", ("guests let in",)),
    Mutation(
        "R2",
        "WithoutDoors",
        "rooms told without a token",
        ("RoomSummaryRestServlet GET · closed · no token", "ClientDirectoryListServer GET · closed · no token"),
    ),
    Mutation(
        "R2",
        "require_auth_for_profile_requests",
        "members told without a token",
        ("ProfileRestServlet GET · closed · no token",),
    ),
    Mutation("R3", "names", "a name above GREEN", ("a RED room name", "a RED reason to knock")),
    Mutation("R4", "encryption", "a room whose labels cannot be read", ("encryption turned on",)),
    Mutation("R5", "widgets", "a page of somebody else's", ("a widget from elsewhere",)),
    Mutation(
        "M1",
        "membership",
        "whoever does not fit a room",
        ("another organisation invited", "KnockRoomAliasServlet POST · strict · administrator"),
    ),
    Mutation(
        "M1",
        "requests",
        "requests of who is frozen, or has no organisation",
        (
            "ProfileRestServlet GET · closed · frozen",
            "UserDirectorySearchRestServlet POST · closed · no organisation",
        ),
    ),
    Mutation(
        "M1",
        "events",
        "single events after one left",
        (
            "RoomEventServlet GET · closed · left",
            "RoomEventServlet GET · named · banned",
            "EventRestServlet GET · closed · kicked",
        ),
    ),
    Mutation("M1", "mutes", "whoever is muted", ("a muted member heard",)),
    Mutation("M1", "context", "what stood around an event", ("RoomEventContextServlet GET · named · kicked",)),
    Mutation("M1", "state at", "who was in a room", ("RoomMemberListRestServlet GET · named · banned",)),
    Mutation("M1", "notifications", "messages one was notified of", ("NotificationsServlet GET · closed · left",)),
    Mutation(
        "M1",
        "feeds",
        "a feed that goes on from before one left",
        ("SyncRestServlet GET · closed · left", "SyncRestServlet GET · named · no organisation"),
    ),
    Mutation("M1", "sliding feeds", "the same of sliding sync", ("SlidingSyncRestServlet POST · closed · kicked",)),
    Mutation("M1", "receipts", "who reads in a room that one is not in", ("receipts told to who is only invited",)),
    Mutation("M1", "typing", "who types in a room that one is not in", ("typing told to who is only invited",)),
    Mutation(
        "M1",
        "bundles",
        "what was written around a message while one was away",
        ("an edit from while one was away", "an answer in a thread from while one was away"),
    ),
    Mutation(
        "M1",
        "forget_rooms_on_leave",
        "the timeline after one left",
        ("RoomMessageListRestServlet GET · closed · left", "RoomMessageListRestServlet GET · named · kicked"),
        besides="departed",
    ),
    Mutation("M1", "departed", "the timeline after a knock taken back", ("a group read by who only knocked",)),
    Mutation(
        "M2",
        "WithoutDoors",
        "a flag in the database that makes an administrator",
        (
            "the admin API",
            "an administrator's whois",
            "another's profile, by an administrator",
            "RoomAliasListServlet GET · closed · administrator",
        ),
    ),
    Mutation("M3", "profile", "fields of a profile written by its owner", ("a role of one's own making",)),
    Mutation("M3", "enable_set_displayname", "a name of one's own choice", ("another name",)),
    Mutation(
        "F1",
        "files",
        "a file that was shared with others",
        (
            "DownloadResource GET · closed · outsider",
            "DownloadResource GET · named · left",
            "ThumbnailResource GET · closed · kicked",
        ),
    ),
    Mutation(
        "F1",
        "sharing",
        "a file that is not one's own to share, or cannot be shared there",
        ("a foreign file named in a room", "a program among documents"),
    ),
    Mutation("F1", "pictures", "a file of somebody else's shown to everyone", ("a foreign file as one's picture",)),
    Mutation("P1", "bots", "a bot in a room of named people", ("a bot invited to named people",)),
    Mutation("P2", "gateways", "notifications to a gateway that is not listed", ("a foreign push gateway",)),
    Mutation("P2", "counts", "a number that tells of what is not shown", ("a count of what a search may not show",)),
    Mutation(
        "P2",
        "portal edits",
        "an edit that the portal's search may not show",
        ("an edit from while one was away, by the portal's search",),
    ),
    Mutation("P3", "commands", "a bot that speaks for a member", ("an act that nobody asked for",)),
    Mutation("X1", "undecided", "what could not be decided", ("a message while the check fails",)),
)
#: What a mutation changes at the start: settings of Synapse, as YAML that comes behind the rendered ones.
SETTINGS: Final = {
    "forget_rooms_on_leave": "forget_rooms_on_leave: false",
    "require_auth_for_profile_requests": "require_auth_for_profile_requests: false",
    "enable_set_displayname": "enable_set_displayname: true",
}
AT_START: Final = frozenset({"WithoutDoors", *SETTINGS})
