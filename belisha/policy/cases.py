"""Decision cases kept as data: one item in one room, and what is decided about it. The tests and the CLI run the same.

A case is a mapping with any of the keys of `Case.parse`; `expect` says what the decision must be, part by part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from belisha.markers import MarkerReader
from belisha.policy.decide import Claims, decide
from belisha.policy.decision import Decision, refuse
from belisha.policy.rooms import Kind, Purpose, Room, encrypted, kind_of, room_of
from belisha.tlp import ALL_LABELS, Label

_KEYS: Final = frozenset(
    {"name", "kind", "organisations", "purpose", "encrypted", "type", "label", "text", "file", "parent"}
    | {"edit", "calls", "expect"}
)
_EXPECTED: Final = frozenset({"verdict", "rule", "code", "label", "by", "reason"})


class CaseError(ValueError):
    """A case that cannot be read; the message says which part and what it must be."""


class Case(NamedTuple):
    """One item in one room. `text` is what its sender wrote; labels are None where nobody claimed one."""

    name: str
    room: Room | None
    event_type: str = "m.room.message"
    label: Label | None = None
    text: str = ""
    file: Label | None = None
    parent: Label | None = None
    is_edit: bool = False
    calls: bool = False
    expect: Mapping[str, str] = {}

    @classmethod
    def parse(cls, raw: object) -> Case:
        """Reads one case.

        Raises:
            CaseError: naming the part that is wrong.
        """
        if not isinstance(raw, Mapping):
            raise CaseError("a case is a mapping")
        unknown = set(raw) - _KEYS
        if unknown:
            raise CaseError(f"“{sorted(unknown)[0]}” is no key of a case; the keys are {', '.join(sorted(_KEYS))}")
        expect = {key: str(value) for key, value in (raw.get("expect") or {}).items()}
        if set(expect) - _EXPECTED:
            raise CaseError(f"`expect` has the keys {', '.join(sorted(_EXPECTED))}")
        return cls(
            name=str(raw.get("name", "")),
            room=_room(raw),
            event_type=str(raw.get("type", "m.room.message")),
            label=_label(raw, "label"),
            text=str(raw.get("text", "")),
            file=_label(raw, "file"),
            parent=_label(raw, "parent"),
            is_edit=bool(raw.get("edit", False)),
            calls=bool(raw.get("calls", False)),
            expect=expect,
        )

    def decide(self, markers: MarkerReader) -> Decision:
        """What the policy decides about it."""
        reading = markers.read(self.text)
        if reading.problem:
            return refuse("L1", "UNKNOWN_LABEL", reading.problem)
        claims = Claims(self.label, reading.label, self.file, self.parent, self.is_edit)
        return decide(self.room, self.event_type, claims, calls=self.calls)

    def failures(self, markers: MarkerReader) -> list[str]:
        """What differs from what is expected, a sentence each."""
        decision = self.decide(markers)
        given = as_text(decision)
        return [
            f"{key} is {given.get(key, 'none')}, expected {value}"
            for key, value in self.expect.items()
            if (value not in given["reason"] if key == "reason" else given.get(key, "none") != value)
        ]


def as_text(decision: Decision) -> dict[str, str]:
    """The parts of a decision as text, without those that it does not have."""
    parts = {
        "verdict": decision.verdict.value,
        "rule": decision.rule,
        "label": decision.label,
        "by": decision.by.value if decision.by else None,
        "code": decision.code,
        "reason": decision.reason,
    }
    return {key: str(value) for key, value in parts.items() if value is not None}


def _label(raw: Mapping[str, Any], key: str) -> Label | None:
    value = raw.get(key)
    if value is None:
        return None
    label = Label.parse(value)
    if label is None:
        raise CaseError(f"“{value}” is not a label ({key}); the labels are {ALL_LABELS}")
    return label


def _room(raw: Mapping[str, Any]) -> Room | None:
    if raw.get("kind") in (None, "none"):
        return None
    try:
        kind, purpose = kind_of(raw["kind"]), Purpose(str(raw.get("purpose", Purpose.DISCUSSION)))
    except ValueError:
        kinds = ", ".join(kind.value for kind in Kind)
        raise CaseError(f"“{raw['kind']}” is no kind of room; the kinds are {kinds} (or none)") from None
    room = room_of(kind, tuple(raw.get("organisations") or ()), purpose)
    return encrypted(room) if raw.get("encrypted") else room
