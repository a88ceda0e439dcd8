"""What the module tells for one member's digest, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from belisha.digest.values import Group, Told, Wait
from belisha.tlp import Label


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """What a digest may tell a member at this moment.

    Attributes:
        groups: the groups that they are in, by room id.
        waits: who waits for their decision.
        told: of the items that were asked about, those that they can read, by event id.
        domains: the mail domains of their organisation.
    """

    groups: Mapping[str, Group] = field(default_factory=dict)
    waits: tuple[Wait, ...] = ()
    told: Mapping[str, Told] = field(default_factory=dict)
    domains: tuple[str, ...] = ()


def facts_of(answer: Mapping[str, Any], asked: Sequence[tuple[str, str]]) -> DigestFacts | None:
    """Reads what the module tells; None where it is something else."""
    groups, waits, items = (answer.get(key) for key in ("groups", "waiting", "items"))
    if not isinstance(groups, list) or not isinstance(waits, list) or not isinstance(items, list):
        return None
    found, domains = [_group(one) for one in groups], answer.get("domains")
    alike = dict[tuple[object, ...], Told | None]()  # of up to 200 items, by few writers: most are told alike
    told = {event_id: _told(one, alike) for (_, event_id), one in zip(asked, items, strict=False)}
    return DigestFacts(
        {one.room_id: one for one in found if one is not None},
        tuple(wait for one in waits if (wait := _wait(one)) is not None),
        {event_id: one for event_id, one in told.items() if one is not None},
        tuple(one for one in domains if isinstance(one, str)) if isinstance(domains, list) else (),
    )


def _group(value: object) -> Group | None:
    if not isinstance(value, dict) or not isinstance(value.get("room_id"), str):
        return None
    read, since = value.get("read"), value.get("since")
    known = {key: at for key, at in read.items() if isinstance(at, int)} if isinstance(read, dict) else {}
    # Without the moment of their coming nothing there is new to them.
    return Group(value["room_id"], str(value.get("name") or ""), since, known) if isinstance(since, int) else None


def _wait(value: object) -> Wait | None:
    count = value.get("count") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(count, int):
        return None
    sort, *others = (str(value.get(key) or "") for key in ("sort", "name", "room_id", "event_id"))
    return Wait(sort, count, *others)


def _told(value: object, alike: dict[tuple[object, ...], Told | None]) -> Told | None:
    if not isinstance(value, dict):
        return None
    key = (value.get("label"), name if isinstance(name := value.get("name"), str) else "", value.get("voted") is True)
    if not isinstance(key[0], str):
        return None
    if key not in alike:
        label = Label.parse(key[0])
        alike[key] = None if label is None else Told(label, str(key[1]), bool(key[2]))
    return alike[key]
