"""Decides which requests an account may make at all, before any of them is answered (rule M1).

An account without an organisation signs in and talks to the steward bot. It is told what it may do by a list, so that
whatever a newer Synapse adds is closed to it.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from belisha.policy.decision import Decision
from belisha.policy.membership import BELONGS, decide_standing
from belisha.policy.people import Person

_CLIENT: Final = re.compile(r"/_matrix/client/(?:api/v1|r0|v\d+|unstable)/(.*)")
#: What anybody may do who has a token: end it.
_LEAVING: Final = re.compile(r"logout(?:/all)?")
#: The rest of the address for accounts without an organisation; `{own}` stands for their own user id. Synapse itself
#: holds the addresses of rooms to those that the account is in, which is the room with the bot alone.
_CONFINED: Final = (
    re.compile(
        r"(?:account/(?:whoami|password)|capabilities|joined_rooms|sync|events|notifications|devices(?:/[^/]+)?)"
    ),
    re.compile(r"(?:org\.matrix\.simplified_msc3575/sync|delete_devices|pushers(?:/set)?|pushrules(?:/.*)?)"),
    re.compile(r"(?:keys/(?:upload|signatures/upload|device_signing/upload)(?:/[^/]+)?|room_keys/.*)"),
    re.compile(
        r"rooms/[^/]+/(?:(?:send|state|event|context|typing|receipt|relations|redact)(?:/.*)?"
        r"|messages|members|joined_members|read_markers|threads|join|leave|forget)"
    ),
    re.compile(r"user/(?P<own>[^/]+)/(?:filter|account_data|rooms)(?:/.*)?"),
)
_OWN_PROFILE: Final = re.compile(r"profile/(?P<own>[^/]+)(?:/[^/]+)?")


def decide_request(person: Person, method: str, path: str) -> Decision:
    """Decides whether an account may make a request; `path` as it came, with its percent signs."""
    if person.belongs:
        return BELONGS
    rest = _CLIENT.fullmatch(path)
    if rest is not None:
        if _LEAVING.fullmatch(rest[1]):
            return BELONGS
        if not person.frozen and _is_for_the_confined(person, method, rest[1]):
            return BELONGS
    elif path == "/_matrix/client/versions":
        return BELONGS
    return decide_standing(person)


def _is_for_the_confined(person: Person, method: str, rest: str) -> bool:
    patterns = (*_CONFINED, _OWN_PROFILE) if method == "GET" else _CONFINED
    for pattern in patterns:
        match = pattern.fullmatch(rest)
        if match is not None:
            return "own" not in pattern.groupindex or unquote(match["own"]) == person.user_id
    return False
