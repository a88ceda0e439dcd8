"""The same decisions in pycasbin and cedarpy, each written as its documentation leads a competent user to.

Both are told the label that an item's sources come to: neither language has a maximum, so their users resolve it first.
What may differ from server to server, whether calls are allowed, is a second set of policies, as it is a second file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import casbin
import cedarpy
from casbin.model import FastModel
from casbin.util.log import disabled_logging

from belisha.policy.decide import Claims
from belisha.policy.rooms import KINDS, Room
from belisha.policy.types import CALLS, CONTENT, MODULE_STATE, PROTOCOL
from bench.policy_inputs import Input

_ENCRYPTED_TYPE: Final = "m.room.encrypted"
_PLAIN_PROTOCOL: Final = PROTOCOL - MODULE_STATE - CALLS
#: Kinds of room as the peers know them; encrypted ones are told apart because m.room.encrypted needs one.
_CARRYING: Final = tuple(kind.value for kind, rules in KINDS.items() if rules.carries_content)
_NOT_CARRYING: Final = (*(kind.value for kind, rules in KINDS.items() if not rules.carries_content), "none")
_ENCRYPTED: Final = "+encrypted"


def _kind(room: Room | None) -> str:
    if room is None:
        return "none"
    return room.kind.value + _ENCRYPTED if room.encrypted else room.kind.value


def _resolve(room: Room | None, claims: Claims) -> tuple[int, int, bool]:
    """Label and ceiling as numbers, and whether an edit asks for a laxer label than its original has."""
    if room is None:
        return 0, 0, False
    explicit, text, file, parent, is_edit, _ = claims
    found = [label for label in (explicit, text, file, parent) if label is not None]
    asked = [label for label in (explicit, text) if label is not None]
    laxer = is_edit and parent is not None and bool(asked) and max(asked) < parent
    return int(max(found) if found else room.default), int(room.ceiling), laxer


# --- pycasbin ---------------------------------------------------------------------------------------------------

# The order of what is compared matters: pycasbin parses and walks the expression anew on every call. The type is not
# compared again, because FastEnforcer has filtered the policies by type and kind; one comparison with the policy has
# to stay, since without a policy the expression is evaluated with empty values.
_CASBIN_MODEL: Final = """
[request_definition]
r = type, kind, label, ceiling, laxer
[policy_definition]
p = type, kind, labelled
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.kind == p.kind && (p.labelled == "no" || r.label <= r.ceiling && !r.laxer)
"""

CasbinRequest = tuple[bool, tuple[str, str, int, int, bool]]


def casbin_request(item: Input) -> CasbinRequest:
    """Which policies to ask, and what."""
    label, ceiling, laxer = _resolve(item.room, item.claims)
    return item.calls, (item.event_type, _kind(item.room), label, ceiling, laxer)


class Casbin:
    """FastEnforcer, keyed by event type and kind of room: the quickest of its enforcers that forget each answer."""

    def __init__(self) -> None:
        self._enforcers = {calls: self._enforcer(calls=calls) for calls in (False, True)}
        disabled_logging()

    @staticmethod
    def _enforcer(*, calls: bool) -> casbin.FastEnforcer:
        model = FastModel((0, 1))
        model.load_model_from_text(_CASBIN_MODEL)
        enforcer = casbin.FastEnforcer(model, cache_key_order=(0, 1))
        every = [kind + suffix for kind in (*_CARRYING, *_NOT_CARRYING) for suffix in ("", _ENCRYPTED)]
        for event_type in CONTENT:
            for kind in _CARRYING:
                enforcer.add_policy(event_type, kind + _ENCRYPTED, "yes")
                if event_type != _ENCRYPTED_TYPE:
                    enforcer.add_policy(event_type, kind, "yes")
        for event_type in _PLAIN_PROTOCOL | (CALLS if calls else frozenset()):
            for kind in every:
                enforcer.add_policy(event_type, kind, "no")
        return enforcer

    def allows(self, calls: bool, request: tuple[str, str, int, int, bool]) -> bool:
        """Whether it allows one request."""
        allowed: bool = self._enforcers[calls].enforce(*request)
        return allowed


# --- cedarpy ----------------------------------------------------------------------------------------------------

_CEDAR_POLICIES: Final = """
@id("L3")
permit (principal, action in Action::"content", resource in Kind::"carrying")
when { context.label <= context.ceiling && !context.laxer };

@id("R4")
permit (principal, action == Action::"m.room.encrypted", resource in Kind::"encrypted")
when { context.label <= context.ceiling && !context.laxer };

@id("L1")
permit (principal, action in Action::"protocol", resource);
"""
_CEDAR_CALLS: Final = """
@id("calls")
permit (principal, action in Action::"calls", resource);
"""

CedarRequest = tuple[bool, dict[str, Any]]


def cedar_request(item: Input) -> CedarRequest:
    """Which policies to ask, and what. Ids as objects and the context as JSON: measured, the quickest forms."""
    label, ceiling, laxer = _resolve(item.room, item.claims)
    return item.calls, {
        "principal": {"type": "User", "id": "member"},
        "action": {"type": "Action", "id": item.event_type},
        "resource": {"type": "Kind", "id": _kind(item.room)},
        "context": json.dumps({"label": label, "ceiling": ceiling, "laxer": laxer}),
    }


def _entities() -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for group, types in (
        ("content", CONTENT - {_ENCRYPTED_TYPE}),
        ("protocol", _PLAIN_PROTOCOL),
        ("calls", CALLS),
    ):
        groups |= {("Action", event_type): [group] for event_type in sorted(types)}
    groups |= {("Kind", kind): ["carrying"] for kind in _CARRYING}
    groups |= {("Kind", kind + _ENCRYPTED): ["carrying", "encrypted"] for kind in _CARRYING}
    return [
        {
            "uid": {"type": kind, "id": name},
            "attrs": {},
            "parents": [{"type": kind, "id": parent} for parent in parents],
        }
        for (kind, name), parents in groups.items()
    ]


class Cedar:
    """cedarpy, with policies and entities parsed once, one by one or a batch at a time; or from text each time."""

    def __init__(self) -> None:
        self._texts = {False: _CEDAR_POLICIES, True: _CEDAR_POLICIES + _CEDAR_CALLS}
        self._policies = {calls: cedarpy.PolicySet.from_str(text) for calls, text in self._texts.items()}
        self._entities_text = json.dumps(_entities())
        self._entities = cedarpy.Entities.from_json_str(self._entities_text)

    def allows(self, calls: bool, request: dict[str, Any]) -> bool:
        """Whether it allows one request."""
        return bool(cedarpy.is_authorized(request, self._policies[calls], self._entities).allowed)

    def allows_each(self, requests: Sequence[CedarRequest]) -> list[bool]:
        """Whether it allows each of several requests, asked with as few calls as their settings allow."""
        answers = [False] * len(requests)
        for setting in (False, True):
            numbers = [number for number, (calls, _) in enumerate(requests) if calls is setting]
            results = cedarpy.is_authorized_batch(
                [requests[number][1] for number in numbers], self._policies[setting], self._entities
            )
            for number, result in zip(numbers, results, strict=True):
                answers[number] = result.allowed
        return answers

    def allows_from_text(self, calls: bool, request: dict[str, Any]) -> bool:
        """Whether it allows one request, with policies and entities parsed for it, as its first example does."""
        return bool(cedarpy.is_authorized(request, self._texts[calls], self._entities_text).allowed)
