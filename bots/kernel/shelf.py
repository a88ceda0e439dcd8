"""What the module tells of files that groups share, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belisha.tlp import Label


@dataclass(frozen=True, slots=True)
class Paper:
    """A file, as its reader may be told of it now.

    Attributes:
        room_id: its group.
        event_id: the message that shares it.
        name: its name.
        description: its caption; empty where it has none.
        label: its label.
        by: who has shared it, with their organisation.
        uploaded_by: who had uploaded it, where that is somebody else.
        group: the name of the group; empty where it has none.
        size: in bytes.
        at: when it was shared, in milliseconds since 1970.
        pinned: whether its group has pinned it.
    """

    room_id: str
    event_id: str
    name: str
    description: str
    label: Label
    by: str
    uploaded_by: str | None
    group: str
    size: int
    at: int
    pinned: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """Somebody who has a file, or of it `part`, as the module calls it. `at` in seconds since 1970."""

    by: str
    part: str
    label: str
    at: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """An answer: the files that were found, or one with what belongs to it.

    Attributes:
        papers: what was found; of one file, itself.
        more: whether there are more.
        versions: of one file, those that its reader can read, the newest first.
        others: what other organisations share as the same.
        opened: who has it; for its source alone.
        is_source: whether the reader has uploaded it.
    """

    papers: tuple[Paper, ...]
    more: bool = False
    versions: tuple[Paper, ...] = ()
    others: tuple[Paper, ...] = ()
    opened: tuple[Opening, ...] = ()
    is_source: bool = False


def shelf_of(answer: Mapping[str, Any]) -> Shelf | None:
    """Reads what is told of files; None where it cannot be read."""
    try:
        if "documents" in answer:
            return Shelf(_papers(answer["documents"]), answer.get("more") is True)
        return Shelf(
            (_paper(answer["document"]),),
            versions=_papers(answer["versions"]),
            others=_papers(answer["others"]),
            opened=tuple(
                Opening(_who(one), str(one["part"]), str(one["label"]), int(one["at"])) for one in answer["opened"]
            ),
            is_source=answer.get("is_source") is True,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _papers(listed: Any) -> tuple[Paper, ...]:
    return tuple(_paper(one) for one in listed)


def _paper(one: Mapping[str, Any]) -> Paper:
    uploader = one["uploaded_by"]
    return Paper(
        str(one["room_id"]),
        str(one["event_id"]),
        str(one["name"]),
        str(one["description"]),
        # A label that cannot be read counts as the strictest.
        Label.kept(one["label"]),
        _who(one),
        None if uploader is None else _who(uploader),
        str(one.get("group") or ""),
        int(one["size"]),
        int(one["at"]),
        one["pinned"] is True,
    )


def _who(one: Mapping[str, Any]) -> str:
    by, organisation = str(one["by"]), one.get("organisation")
    return f"{by} ({organisation})" if organisation else by
