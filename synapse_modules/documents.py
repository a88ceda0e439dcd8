"""The library: which files the members' groups share, read anew with each question (rules P2 and E1).

There is no copy of it but of the text in files (`text_rows`): what is redacted, withdrawn, relabelled or erased, and
whoever has left a group, is so in the next answer. Rooms of named people take no part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from synapse.module_api import ModuleApi

from belisha.document_search import score, words_of
from belisha.document_versions import Shared, chains, claims
from belisha.policy.people import Person
from belisha.policy.rooms import Kind
from belisha.tlp import Label
from synapse_modules import document_rows as rows
from synapse_modules.document_excerpts import Excerpts
from synapse_modules.document_rows import Share
from synapse_modules.readers import Item, Readers
from synapse_modules.registry import Registry

#: So many files stand on a page, and so many pages are turned through.
PAGE: Final = 20
PAGES: Final = 50
#: So many files of others are told of beside a chain of versions.
_OTHERS: Final = 20
_GROUPS: Final = (Kind.OPEN, Kind.CLOSED)
_PINNED: Final = ("m.room.pinned_events", "")


class _Read(NamedTuple):
    """A file that the member can read, and what may be told of it now."""

    share: Share
    item: Item


class Documents:
    """Answers for one member at a time."""

    def __init__(self, api: ModuleApi, readers: Readers, registry: Registry) -> None:
        self._api = api
        self._readers = readers
        self._registry = registry
        self._excerpts = Excerpts(api, readers)

    async def found(
        self, person: Person, query: str, room_id: str | None, page: int, *, excerpts: int = 0
    ) -> dict[str, Any]:
        """The files that fit, those first that fit best, then the newest; none that the member cannot read.

        Of each chain of versions it is the newest. In one group, what is pinned there stands before all else.

        Args:
            person: who asks.
            query: words of the name, the description, the tags or the text, in any order.
            room_id: the one group to look in; None for all of theirs.
            page: from 1 on.
            excerpts: for how many of the page a line is told that has the words; it is written down as a preview is.
        """
        shelf = await self._shelf(person, room_id)
        words, fits = words_of(query), []
        inside = await self._excerpts.inside(person.user_id, shelf.shares, words)
        for share in shelf.shares:
            how_well = score(share.document, words, inside.get(share.event_id))
            if how_well is not None:
                is_first = room_id is not None and share.event_id in await shelf.pinned(room_id)
                fits.append((not is_first, -how_well, share))
        wanted, shown = min(max(page, 1), PAGES) * PAGE, []
        seen: set[str] = set()
        for _, _, share in sorted(fits, key=lambda one: one[:2]):  # which leaves those alike in their order: by time
            if share.event_id in seen or await shelf.readable(share) is None:
                continue
            newest, chain = await shelf.newest(share)
            seen |= chain
            shown.append(newest)
            if len(shown) > wanted:
                break
        on_page = shown[wanted - PAGE : wanted]
        lines = await self._excerpts.lines(person.user_id, on_page[: max(excerpts, 0)], words, inside)
        return {
            "documents": [
                {**await self._told(one, shelf), "excerpt": lines.get(one.share.event_id)} for one in on_page
            ],
            "more": len(shown) > wanted,
            "label": _strictest(on_page),
        }

    async def one(self, person: Person, room_id: str | None, event_id: str) -> dict[str, Any] | None:
        """One file with its versions and what others share as such, and for who uploaded it with who has it.

        None where the member cannot read it.
        """
        shelf = await self._shelf(person, room_id)
        share = next((share for share in shelf.shares if share.event_id == event_id), None)
        item = None if share is None else await shelf.readable(share)
        if share is None or item is None:
            return None
        versions = await shelf.chain(share)
        others = (await shelf.claims(versions))[:_OTHERS]
        own = [one.share.document.media_id for one in versions if one.share.uploader == person.user_id]
        return {
            "document": await self._told(_Read(share, item), shelf),
            "versions": [await self._told(one, shelf) for one in versions],
            "others": [await self._told(one, shelf) for one in others],
            "opened": [await self._opening(*row) for row in await self._opened(own)],
            "is_source": share.uploader == person.user_id,
            "label": _strictest((*versions, *others)),
        }

    async def _shelf(self, person: Person, room_id: str | None) -> _Shelf:
        found: Sequence[Share] = ()
        if person.belongs and "\0" not in (room_id or ""):
            found = await self._api.run_db_interaction(
                "belisha_documents", rows.shares, self._api.server_name, person.user_id, room_id
            )
        members = await self._registry.members()
        known = {share.sender: members.get(Person(share.sender).localpart) for share in found}
        organisations = {user_id: member.organisation for user_id, member in known.items() if member is not None}
        return _Shelf(self._api, self._readers, person, found, organisations)

    async def _told(self, one: _Read, shelf: _Shelf) -> dict[str, Any]:
        share, item = one
        return {
            "room_id": share.room_id,
            "event_id": share.event_id,
            "media_id": share.document.media_id,
            "name": share.document.name,
            "description": share.document.description,
            "tags": list(share.document.tags),
            "media_type": share.document.media_type,
            "size": share.size,
            "at": share.at,
            "label": str(item.label),
            "originals": not item.room.sources_only,
            "previews": item.room.has_previews,
            "pinned": share.event_id in await shelf.pinned(share.room_id),
            # Whoever passes on what somebody else has uploaded is not its source.
            "uploaded_by": None if share.sender == share.uploader else await self._person(share.uploader),
            **await self._person(share.sender),
        }

    async def _opening(self, user_id: str, part: str, label: str, at: int) -> dict[str, Any]:
        return {**await self._person(user_id), "part": part, "label": label, "at": at}

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
            "belisha_documents_opened", rows.opened, tuple(media_ids)
        )
        return found


class _Shelf:
    """The files of one question; each is decided about once, when something depends on it."""

    def __init__(
        self,
        api: ModuleApi,
        readers: Readers,
        person: Person,
        shares: Sequence[Share],
        organisations: Mapping[str, str],
    ) -> None:
        self.shares = shares
        self._api = api
        self._readers = readers
        self._person = person
        self._chained: Mapping[str, Shared] = {one.event_id: rows.as_chained(one, organisations) for one in shares}
        self._together: dict[str, list[Share]] = {}
        self._of = chains(tuple(self._chained.values()))
        for share in shares:
            self._together.setdefault(self._of[share.event_id], []).append(share)
        self._items: dict[str, Item | None] = {}
        self._pins: dict[str, frozenset[str]] = {}

    async def readable(self, share: Share) -> Item | None:
        """The file as the member may read it now; None where they cannot."""
        if share.event_id not in self._items:
            item = await self._readers.item(self._person.user_id, share.room_id, share.event_id)
            self._items[share.event_id] = item if item is not None and item.room.kind in _GROUPS else None
        return self._items[share.event_id]

    async def newest(self, share: Share) -> tuple[_Read, frozenset[str]]:
        """The newest version of a file that the member can read, and the events of those for which it stands."""
        together = self._together[self._of[share.event_id]]
        if any(self._chained[one.event_id].answers for one in together):
            versions = await self.chain(share)
            return versions[0], frozenset(one.share.event_id for one in versions)
        # Alike by name alone: no version is needed to join two others.
        for one in together:
            if (item := await self.readable(one)) is not None:
                return _Read(one, item), frozenset(each.event_id for each in together)
        raise ValueError("the file itself is one of them")

    async def chain(self, share: Share) -> Sequence[_Read]:
        """The versions of a file that the member can read, itself among them, the newest first.

        What they cannot read joins no two chains.
        """
        there = await self._all_readable(self._together[self._of[share.event_id]])
        of = chains([self._chained[one.share.event_id] for one in there])
        return [one for one in there if of[one.share.event_id] == of[share.event_id]]

    async def claims(self, versions: Sequence[_Read]) -> Sequence[_Read]:
        """What others share under a name of these, or as a new version of one."""
        chain = [self._chained[one.share.event_id] for one in versions]
        known = {one.event_id for one in claims(chain, tuple(self._chained.values()))}
        return await self._all_readable([share for share in self.shares if share.event_id in known])

    async def pinned(self, room_id: str) -> frozenset[str]:
        """The events that are pinned in a group of the member's."""
        if room_id not in self._pins:
            state = (await self._api.get_room_state(room_id, [_PINNED])).get(_PINNED)
            pinned = None if state is None else state.content.get("pinned")
            names = pinned if isinstance(pinned, Sequence) and not isinstance(pinned, str) else ()
            self._pins[room_id] = frozenset(str(name) for name in names)
        return self._pins[room_id]

    async def _all_readable(self, shares: Sequence[Share]) -> Sequence[_Read]:
        found = [(share, await self.readable(share)) for share in shares]
        return [_Read(share, item) for share, item in found if item is not None]


def _strictest(shown: Sequence[_Read]) -> str | None:
    labels: list[Label] = [item.label for _, item in shown]
    return str(max(labels)) if labels else None
