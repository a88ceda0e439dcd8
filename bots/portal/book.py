"""The directory as the portal's pages read and change it: each question with what the member may see at that moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from belisha.directory.fields import Visibility
from belisha.directory.values import Answer, Facets, Hit
from bots.directory import profiles, search
from bots.directory.profiles import Kept, Shown
from bots.directory.tables import directory_member
from bots.kernel.bot import Context
from bots.kernel.by_form import ByForm
from bots.kernel.effects import Effect
from bots.kernel.listed import Listed, Sight
from bots.kernel.store import Store

_BOT = "steward"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits.

    Attributes:
        answer: what the search says.
        kept: what the members of the page have written, by user id; to be shown as far as the asker may see it.
        organisations: the names of the organisations of the hits and of the facet, by id.
    """

    answer: Answer
    kept: Mapping[str, Kept]
    organisations: Mapping[str, str]


class Book:
    """Reads from the bots' store, and writes by the steward, in the kernel's transaction."""

    def __init__(
        self,
        store: Store,
        by_form: ByForm,
        now: Callable[[], float] = time.time,
        completed: profiles.Completed | None = None,
    ) -> None:
        """Works on an open store; `completed` is what is done about a profile that says something."""
        self._store = store
        self._by_form = by_form
        self._now = now
        self._completed = completed

    async def kept(self, user_id: str) -> Kept:
        """What a member has written."""
        return await self._store.read(lambda connection: profiles.kept_of(connection, user_id))

    async def seen(self, listed: Listed, sight: Sight) -> Shown:
        """A profile as who asks may see it."""
        return profiles.seen(await self.kept(listed.user_id), listed, sight)

    async def save(
        self,
        listed: Listed,
        fields: Mapping[str, tuple[str, ...]],
        chosen: Mapping[str, Visibility],
        once: str,
    ) -> None:
        """Changes a profile, once for each `once`."""

        def work(context: Context) -> Sequence[Effect]:
            return (profiles.change(context.database, listed, context.now, fields, chosen, self._completed),)

        await self._by_form.tell(_BOT, f"profile {listed.user_id} {once}", work)

    async def find(self, query: str, sight: Sight, facets: Facets, page: int) -> Found:
        """Finds members by what the asker may read."""

        def read(connection: sa.Connection) -> Found:
            answer = search.search(connection, query, profiles.asker_of(sight), self._now(), facets, page)
            kept = profiles.kept_of_all(connection, [hit.user_id for hit in answer.hits])
            named = {*answer.counts.get("organisation", ()), facets.organisation} - {""}
            return Found(answer, kept, profiles.organisations(connection, named))

        return await self._store.read(read)

    async def matches(self, sight: Sight, most: int) -> Mapping[str, Sequence[Hit]]:
        """For each of the asker's challenges, who could help."""
        return await self._store.read(lambda connection: profiles.matches(connection, sight, self._now(), most))

    async def suggest(self, field_id: str, begins: str) -> Sequence[str]:
        """Tags that begin so, of those that the community may read."""
        return await self._store.read(lambda connection: search.suggest(connection, field_id, begins))

    async def public(self, sight: Sight) -> Sequence[Shown]:
        """What the whole community sees of everybody who is listed and may act, in the order of the names."""

        def read(connection: sa.Connection) -> Sequence[Shown]:
            users = connection.scalars(
                sa.select(directory_member.c.user_id).where(directory_member.c.standing == "active")
            ).all()
            listed = profiles.listed_of_all(connection, set(users) - sight.absent)
            kept = profiles.kept_of_all(connection, listed)
            nothing = Kept()
            return [
                Shown(one, kept.get(one.user_id, nothing).shown({Visibility.COMMUNITY}))
                for one in sorted(listed.values(), key=lambda one: (one.name.casefold(), one.user_id))
            ]

        return await self._store.read(read)

    async def synonyms(self) -> Sequence[tuple[str, ...]]:
        """The groups of terms that mean the same."""
        return await self._store.read(search.synonyms)

    async def add_synonyms(self, terms: Sequence[str]) -> None:
        """Says that terms mean the same.

        Raises:
            ValueError: with a sentence.
        """
        await self._store.write(lambda connection: search.add_synonyms(connection, terms))

    async def remove_synonym(self, term: str) -> bool:
        """Takes a term out of its group; whether it was in one."""
        return await self._store.write(lambda connection: search.remove_synonym(connection, term))
