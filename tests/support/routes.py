"""Every REST servlet of the installed Synapse as requests that can be made, found by introspection.

A servlet whose addresses cannot be read off it stands in `BY_HAND`; one that is in neither fails the test.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import synapse.rest.admin
import synapse.rest.client
import synapse.rest.media
from synapse.federation.transport.server import OpenIdUserInfo
from synapse.http.servlet import RestServlet

_METHODS: Final = ("GET", "PUT", "POST", "DELETE")
_ABSTRACT: Final = frozenset({"TransactionRestServlet", "BaseUploadServlet", "RestServlet"})
_CLIENT: Final = "/_matrix/client/v3"

#: Servlets that make their addresses when they are registered.
BY_HAND: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "OpenIdUserInfo": (("GET", "/_matrix/federation/v1/openid/userinfo?access_token=none"),),
    "JoinRoomAliasServlet": (("POST", f"{_CLIENT}/join/{{room_id}}"), ("PUT", f"{_CLIENT}/join/{{room_id}}/t1")),
    "RoomCreateRestServlet": (("POST", f"{_CLIENT}/createRoom"), ("PUT", f"{_CLIENT}/createRoom/t1")),
    "RoomForgetRestServlet": (
        ("POST", f"{_CLIENT}/rooms/{{room_id}}/forget"),
        ("PUT", f"{_CLIENT}/rooms/{{room_id}}/forget/t1"),
    ),
    "RoomMembershipRestServlet": tuple(
        (method, f"{_CLIENT}/rooms/{{room_id}}/{act}{'' if method == 'POST' else '/t1'}")
        for act in ("join", "leave", "invite", "kick", "ban", "unban")
        for method in ("POST", "PUT")
    ),
    "RoomRedactEventRestServlet": (
        ("PUT", f"{_CLIENT}/rooms/{{room_id}}/redact/{{event_id}}/t1"),
        ("POST", f"{_CLIENT}/rooms/{{room_id}}/redact/{{event_id}}"),
    ),
    "RoomSendEventRestServlet": (
        ("PUT", f"{_CLIENT}/rooms/{{room_id}}/send/m.room.message/t1"),
        ("POST", f"{_CLIENT}/rooms/{{room_id}}/send/m.room.message"),
    ),
    "SendServerNoticeServlet": (
        ("POST", "/_synapse/admin/v1/send_server_notice"),
        ("PUT", "/_synapse/admin/v1/send_server_notice/t1"),
    ),
    "RoomStateEventRestServlet": tuple(
        (method, f"{_CLIENT}/rooms/{{room_id}}/state/{event_type}/")
        for method in ("GET", "PUT")
        for event_type in ("m.room.name", "org.belisha.room", "m.room.power_levels")
    ),
}


class Route(NamedTuple):
    """One request: `path` has the names of its parts in braces."""

    servlet: str
    method: str
    path: str


def servlets(*packages: Any) -> list[type[RestServlet]]:
    """Every servlet class under packages of Synapse, imported for the purpose."""
    for package in packages:
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    prefixes = tuple(package.__name__ for package in packages)
    found = {cls for cls in _below(RestServlet) if cls.__module__.startswith(prefixes)}
    return sorted(
        (cls for cls in found if cls.__name__ not in _ABSTRACT), key=lambda cls: (cls.__module__, cls.__name__)
    )


def client_routes() -> list[Route]:
    """The routes of clients and media."""
    # Of federation, the `openid` listener resource serves this one route.
    found = (*servlets(synapse.rest.client, synapse.rest.media), OpenIdUserInfo)
    return [route for cls in found for route in _routes_of(cls)]


def admin_routes() -> list[Route]:
    """The routes of Synapse's admin API."""
    return [route for cls in servlets(synapse.rest.admin) for route in _routes_of(cls)]


def without_a_route() -> list[str]:
    """Servlets for which neither introspection nor `BY_HAND` gives a request; a new one of Synapse shows here."""
    every = servlets(synapse.rest.client, synapse.rest.media, synapse.rest.admin)
    return [f"{cls.__module__}.{cls.__name__}" for cls in every if not list(_routes_of(cls))]


def _below(cls: type[RestServlet]) -> Iterator[type[RestServlet]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _below(sub)


def _routes_of(cls: type[RestServlet]) -> Iterator[Route]:
    patterns = getattr(cls, "PATTERNS", ())
    if not patterns or not isinstance(patterns, list | tuple):
        yield from (Route(cls.__name__, method, path) for method, path in BY_HAND.get(cls.__name__, ()))
        return
    for path in dict.fromkeys(_path(pattern.pattern) for pattern in patterns):
        for method in _METHODS:
            if hasattr(cls, f"on_{method}"):
                yield Route(cls.__name__, method, path)


def _path(pattern: str) -> str:
    """A path that the pattern matches, named parts in braces; the newest stable version, optional parts there."""
    path = pattern.removeprefix("^").removesuffix("$")
    path = re.sub(r"\((?:api/v1\|)?(?:r0\|)?(v3|v1)(?:\|[^)?]*)?\)", r"\1", path)
    path = path.replace("(v1|unstable)", "v1").replace("(r0|v3|v1)", "v3")
    while True:
        shorter = re.sub(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)", r"{\1}", path)
        shorter = re.sub(r"\(((?:[^()|])*)\)\??", r"\1", shorter)
        shorter = re.sub(r"\(([^()|?]+)\|[^()]*\)", r"\1", shorter)
        if shorter == path:
            break
        path = shorter
    return re.sub(r"\\(.)", r"\1", path).replace("$", "")
