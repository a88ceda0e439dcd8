"""Which files are versions of each other: of one name in one group, or shared as a “new version” in answer to one.

Only files of one organisation are: in one chain the newest stands for all, and nobody's file may take the place of a
stranger's. What others share under that name, or as a version of it, stands beside it under their own names.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple


class Shared(NamedTuple):
    """A file as chains are made of it.

    Attributes:
        event_id: the message that shares it.
        place: its group.
        of: whose it is: an organisation, or somebody who is in none.
        key: its name, folded.
        answers: the file that it says it is a new version of.
        at: when it was shared.
    """

    event_id: str
    place: str
    of: Hashable
    key: str
    answers: str | None
    at: int


def chains(files: Sequence[Shared]) -> Mapping[str, str]:
    """For each file, which chain it is in: the id of one of its files, the same for all of them."""
    root: dict[str, str] = {one.event_id: one.event_id for one in files}

    def find(event_id: str) -> str:
        while root[event_id] != event_id:
            root[event_id] = root[root[event_id]]
            event_id = root[event_id]
        return event_id

    named: dict[tuple[str, Hashable, str], str] = {}
    known = {one.event_id: one for one in files}
    for one in files:
        root[find(one.event_id)] = find(named.setdefault((one.place, one.of, one.key), one.event_id))
        answered = known.get(one.answers or "")
        if answered is not None and _is_later(one, answered) and answered.of == one.of:
            root[find(one.event_id)] = find(answered.event_id)
    return {event_id: find(event_id) for event_id in root}


def claims(chain: Sequence[Shared], files: Sequence[Shared]) -> Sequence[Shared]:
    """The files of others that have the name of one of a chain, or say that they are a new version of one."""
    inside = {one.event_id: one for one in chain}
    names = {(one.place, one.key) for one in chain}
    return [
        one
        for one in files
        if one.event_id not in inside
        and ((one.place, one.key) in names or (one.answers in inside and _is_later(one, inside[str(one.answers)])))
    ]


def _is_later(one: Shared, answered: Shared) -> bool:
    return answered.place == one.place and answered.at <= one.at and answered.event_id != one.event_id
