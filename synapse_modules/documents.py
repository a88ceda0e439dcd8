"""The library: which files the members' groups share, read anew with each question (rules P2 and E1).

There is no copy of it: what is redacted, withdrawn, relabelled or erased, and whoever has left a group, is so in the
next answer. Rooms of named people take no part.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.documents import Document, document_of, fits, words_of
from belisha.policy.people import Person
from belisha.policy.rooms import Kind
from belisha.tlp import Label
from synapse_modules.readers import Item, Readers
from synapse_modules.registry import Registry

#: So many files stand on a page, and so many pages are turned through.
PAGE: Final = 20
PAGES: Final = 50
#: So many of the newest shares are looked through for one question.
_LOOKED_AT: Final = 2_000
#: So many downloads of one file are told of.
_OPENED: Final = 500
_GROUPS: Final = (Kind.OPEN, Kind.CLOSED)


class _Share(NamedTuple):
    document: Document
    event_id: str
    room_id: str
    uploader: str
    at: int
    size: int


class Documents:
    """Answers for one member at a time."""

    def __init__(self, api: ModuleApi, readers: Readers, registry: Registry) -> None:
        self._api = api
        self._readers = readers
        self._registry = registry

    async def found(self, person: Person, query: str, room_id: str | None, page: int) -> dict[str, Any]:
        """The files whose names fit, newest first, each in its newest version; none that the member cannot read.

        Args:
            person: who asks.
            query: words that are in the name, in any order.
            room_id: the one group to look in; None for all of theirs.
            page: from 1 on.
        """
        words, shown, seen = words_of(query), [], set()
        wanted = min(max(page, 1), PAGES) * PAGE
        for share in await self._shares(person, room_id):
            key = (share.room_id, share.document.key)
            if key in seen or not fits(share.document.name, words):
                continue
            item = await self._readable(person, share)
            if item is None:
                continue
            seen.add(key)
            shown.append((share, item))
            if len(shown) > wanted:
                break
        on_page = shown[wanted - PAGE : wanted]
        return {
            "documents": [await self._told(share, item) for share, item in on_page],
            "more": len(shown) > wanted,
            "label": _strictest(on_page),
        }

    async def one(self, person: Person, room_id: str, event_id: str) -> dict[str, Any] | None:
        """One file with its other versions, and for who uploaded it with who has it; None where they cannot read it."""
        shares = await self._shares(person, room_id)
        asked = next((share for share in shares if share.event_id == event_id), None)
        item = None if asked is None else await self._readable(person, asked)
        if asked is None or item is None:
            return None
        versions = []
        for share in shares:
            if share.document.key == asked.document.key and (other := await self._readable(person, share)):
                versions.append((share, other))
        own = [share.document.media_id for share, _ in versions if share.uploader == person.user_id]
        return {
            "document": await self._told(asked, item),
            "versions": [await self._told(*version) for version in versions],
            "opened": [await self._opening(*row) for row in await self._opened(own)],
            "is_source": asked.uploader == person.user_id,
            "label": _strictest(versions),
        }

    async def _readable(self, person: Person, share: _Share) -> Item | None:
        item = await self._readers.item(person.user_id, share.room_id, share.event_id)
        return item if item is not None and item.room.kind in _GROUPS else None

    async def _shares(self, person: Person, room_id: str | None) -> Sequence[_Share]:
        """What the rooms share that the member is in, newest first, each item once, as it is since its last edit."""
        if not person.belongs or "\0" in (room_id or ""):
            return ()
        rows = await self._api.run_db_interaction("belisha_documents", _rows, person.user_id, room_id)
        found: dict[str, _Share] = {}
        for media_id, item_id, room, uploader, at, size, text in rows:
            document = document_of(json.loads(text).get("content", {}), self._api.server_name)
            if document is not None and document.media_id == media_id and item_id not in found:
                found[item_id] = _Share(document, item_id, room, uploader, int(at), int(size or 0))
        return sorted(found.values(), key=lambda share: (-share.at, share.event_id))

    async def _told(self, share: _Share, item: Item) -> dict[str, Any]:
        return {
            "room_id": share.room_id,
            "event_id": share.event_id,
            "media_id": share.document.media_id,
            "name": share.document.name,
            "media_type": share.document.media_type,
            "size": share.size,
            "at": share.at,
            "label": str(item.label),
            "originals": not item.room.sources_only,
            **await self._person(share.uploader),
        }

    async def _opening(self, user_id: str, part: str, label: str, at: int) -> dict[str, Any]:
        return {**await self._person(user_id), "part": part, "label": label, "at": int(at)}

    async def _person(self, user_id: str) -> dict[str, Any]:
        member = (await self._registry.members()).get(user_id[1:].partition(":")[0])
        organisation = None if member is None else (await self._registry.organisations()).get(member.organisation)
        return {
            "user_id": user_id,
            "by": user_id if member is None else member.name,
            "organisation": None if organisation is None else organisation.name,
        }

    async def _opened(self, media_ids: Sequence[str]) -> Sequence[tuple[str, str, str, int]]:
        if not media_ids:
            return ()
        found: Sequence[tuple[str, str, str, int]] = await self._api.run_db_interaction(
            "belisha_documents_opened", _opened, tuple(media_ids)
        )
        return found


def _strictest(shown: Sequence[tuple[_Share, Item]]) -> str | None:
    labels: list[Label] = [item.label for _, item in shown]
    return str(max(labels)) if labels else None


_ROWS: Final = (
    "SELECT share.media_id, share.item_id, share.room_id, media.user_id, event.origin_server_ts, media.media_length,"
    " content.json FROM local_current_membership AS member"
    " JOIN belisha_share AS share ON share.room_id = member.room_id AND share.sealed = 0"
    " JOIN belisha_file AS file ON file.media_id = share.media_id AND file.state = 'shared'"
    " JOIN local_media_repository AS media ON media.media_id = share.media_id AND media.quarantined_by IS NULL"
    " JOIN events AS event ON event.event_id = share.event_id AND event.rejection_reason IS NULL"
    " JOIN event_json AS content ON content.event_id = share.event_id"
    " WHERE member.user_id = ? AND member.membership = 'join'{here}"
    " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts IN (share.event_id, share.item_id))"
    " ORDER BY share.since DESC, event.stream_ordering DESC LIMIT ?"
)


def _rows(txn: LoggingTransaction, user_id: str, room_id: str | None) -> list[tuple[Any, ...]]:
    here, values = ("", (user_id,)) if room_id is None else (" AND member.room_id = ?", (user_id, room_id))
    txn.execute(_ROWS.format(here=here), (*values, _LOOKED_AT))
    return list(txn.fetchall())


def _opened(txn: LoggingTransaction, media_ids: tuple[str, ...]) -> list[tuple[Any, ...]]:
    marks = ", ".join("?" for _ in media_ids)
    txn.execute(
        "SELECT user_id, part, label, MAX(at) FROM belisha_download"  # noqa: S608 - question marks
        f" WHERE media_id IN ({marks}) AND part <> 'thumbnail' GROUP BY user_id, part, label"
        " ORDER BY MAX(at) DESC LIMIT ?",
        (*media_ids, _OPENED),
    )
    return list(txn.fetchall())
