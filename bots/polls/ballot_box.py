"""Where sealed ballots are kept until they are counted; who has voted, and how, only the poll's key tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from belisha.polls.ballots import Ballot
from belisha.polls.sealing import NONCE_BYTES, BallotKey, BrokenSeal
from bots.kernel.store import Store
from bots.polls.key_files import KeyFiles
from bots.polls.tables import ballot, ballot_list, poll


class Closed(Exception):
    """The poll takes no ballots any more."""


def voted(connection: sa.Connection, keys: KeyFiles, kept: Mapping[str, Any], voters: Collection[str]) -> set[str]:
    """Those of some people who have voted.

    Raises:
        LostKey: nobody can tell any more.
    """
    if not kept["has_key"]:
        return set()
    key = keys.read(kept["event_id"])
    rows = sa.select(ballot.c.link).where(ballot.c.event_id == kept["event_id"])
    links = {bytes(link) for link in connection.execute(rows).scalars()}
    return {voter for voter in voters if key.link(voter) in links}


def unsealed(
    connection: sa.Connection, keys: KeyFiles, kept: Mapping[str, Any], voters: Collection[str]
) -> tuple[list[Ballot], int]:
    """The ballots of those who may vote, and how many of theirs cannot be opened.

    Raises:
        LostKey: none can.
    """
    found, damaged = unsealed_of(connection, keys, kept, voters)
    return list(found.values()), damaged


def unsealed_of(
    connection: sa.Connection, keys: KeyFiles, kept: Mapping[str, Any], voters: Collection[str]
) -> tuple[dict[str, Ballot], int]:
    """The same, by voter: for who counts by what is known of voters, and keeps nothing of it.

    Raises:
        LostKey: none can be opened.
    """
    if not kept["has_key"]:
        return {}, 0
    key = keys.read(kept["event_id"])
    theirs = {key.link(voter): voter for voter in voters}
    rows = sa.select(ballot.c.link, ballot.c.sealed).where(ballot.c.event_id == kept["event_id"])
    found, damaged = dict[str, Ballot](), 0
    for link, sealed in connection.execute(rows):
        if (voter := theirs.get(bytes(link))) is None:
            continue
        try:
            found[voter] = key.unseal(bytes(link), bytes(sealed))
        except BrokenSeal:
            damaged += 1
    return found, damaged


def put(connection: sa.Connection, keys: KeyFiles, key: BallotKey, event_id: str, voter: str, mine: Ballot) -> None:
    """Seals a ballot, in the place of the voter's earlier one."""
    link = key.link(voter)
    sealed = key.seal(link, mine, keys.random_bytes(NONCE_BYTES))
    connection.execute(ballot.delete().where(ballot.c.event_id == event_id, ballot.c.link == link))
    connection.execute(ballot.insert().values(event_id=event_id, link=link, sealed=sealed))


def emptied(connection: sa.Connection, event_id: str) -> None:
    """Takes all ballots of a poll away."""
    connection.execute(ballot.delete().where(ballot.c.event_id == event_id))


class BallotBox:
    """The portal's way to ballots."""

    def __init__(self, store: Store, keys: KeyFiles, now: Callable[[], float] = time.time) -> None:
        """Keeps ballots in an open store, and their keys in files."""
        self._store = store
        self._keys = keys
        self._now = now

    async def poll_at(self, place: str) -> Mapping[str, Any] | None:
        """The row of the anonymous poll that is voted on there."""
        query = sa.select(poll).where(poll.c.place == place)
        found = await self._store.read(lambda connection: connection.execute(query).mappings().one_or_none())
        return None if found is None else dict(found)

    async def has_voted(self, kept: Mapping[str, Any], voter: str) -> bool:
        """Whether somebody has voted in an open poll.

        Raises:
            LostKey: nobody can tell any more.
        """
        return bool(await self._store.read(lambda connection: voted(connection, self._keys, kept, (voter,))))

    async def cast(self, event_id: str, voter: str, once: str, choices: Sequence[int]) -> str:
        """Takes a ballot in the place of the voter's earlier one; the receipt.

        Args:
            event_id: the poll.
            voter: who votes, who may: the module said so a moment ago.
            once: what a form that is sent twice carries twice.
            choices: as in `Ballot`; valid for this poll.

        Raises:
            Closed: it was closed meanwhile.
            LostKey: nobody can count this poll any more.
        """

        def work(connection: sa.Connection) -> str:
            # The row's lock keeps closing and other replicas apart from this; SQLite has one writer anyway.
            query = sa.select(poll).where(poll.c.event_id == event_id).with_for_update()
            kept = connection.execute(query).mappings().one()
            is_over = kept["closes"] is not None and self._now() > kept["closes"]
            if kept["state"] != "open" or is_over:
                raise Closed
            key = self._key(connection, event_id, has_key=kept["has_key"])
            mine = Ballot(key.receipt(voter, once), tuple(sorted(choices)))
            put(connection, self._keys, key, event_id, voter, mine)
            return mine.receipt

        return await self._store.write(work)

    def _key(self, connection: sa.Connection, event_id: str, *, has_key: bool) -> BallotKey:
        if has_key:
            return self._keys.read(event_id)
        key = self._keys.make(event_id)
        connection.execute(poll.update().where(poll.c.event_id == event_id).values(has_key=True))
        return key

    async def published(self, event_id: str) -> bytes | None:
        """The list of ballots, once its hash was announced; None before that."""
        query = sa.select(ballot_list.c.listed).where(ballot_list.c.event_id == event_id, ballot_list.c.is_published)
        found = await self._store.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return None if found is None else bytes(found)
