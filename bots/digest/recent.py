"""What was written lately in groups, read once for the many members whose digests are made of one moment.

It holds ids, for half a minute of use and a minute at most (rule E1), and allows nothing: of each item is decided when
it is told (rule P2).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from belisha.digest.choosing import arranged
from belisha.digest.values import Message, Talk
from bots.blog.tables import post
from bots.digest.facts import KEPT_S, SETTLES_S
from bots.digest.tables import digest_message

#: For so many seconds a group is not read anew.
HOLDS_S: Final = 30.0
#: So many messages are held; where a community writes more, those of the groups that were asked for last.
MOST: Final = 100_000

# Made once: a statement costs more to be made than to be executed, and thousands of digests are made in one half hour.
_MESSAGE: Final = digest_message.c
_MESSAGES: Final = (
    sa.select(*(_MESSAGE[name] for name in Message._fields), _MESSAGE.is_file)
    .where(_MESSAGE.room_id.in_(sa.bindparam("rooms", expanding=True)), _MESSAGE.at > sa.bindparam("since"))
    .order_by(_MESSAGE.arrived, _MESSAGE.event_id)
)
_POSTS: Final = (
    sa.select(
        post.c.event_id,
        post.c.room_id,
        post.c.author,
        post.c.sent_at,
        sa.func.coalesce(_MESSAGE.arrived, post.c.sent_at),
    )
    .outerjoin(digest_message, _MESSAGE.event_id == post.c.event_id)
    .where(post.c.room_id.in_(sa.bindparam("rooms", expanding=True)), post.c.sent_at > sa.bindparam("since"))
    .order_by(post.c.sent_at, post.c.event_id)
)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written in one group, in the order of arrival; posts by the server's time.

    Attributes:
        talks: its conversations without posts, by thread.
        files: messages that bring a file.
        posts: posts, each of which is a message too.
        count: how many messages these are.
    """

    talks: Mapping[str | None, Talk] = field(default_factory=dict)
    files: Sequence[Message] = ()
    posts: Sequence[Message] = ()
    count: int = 0


class Recent:
    """Reads what was written in groups since two weeks, each group once in half a minute."""

    def __init__(self, most: int = MOST) -> None:
        """Holds nothing yet; `most` is how many messages it may hold."""
        self._most = most
        self._held: dict[str, tuple[float, Written]] = {}
        """With when each was read, in seconds since 1970; the longest ago asked for first."""

    def of(self, connection: sa.Connection, rooms: Collection[str], until: float, now: float) -> Mapping[str, Written]:
        """What was written in these rooms, at least all that had arrived at a moment.

        Args:
            connection: the caller's transaction.
            rooms: their ids.
            until: that moment, in seconds since 1970.
            now: the time, likewise.
        """
        found, missing = dict[str, tuple[float, Written]](), list[str]()
        for room in rooms:
            held = self._held.pop(room, None)
            if held is not None and until + SETTLES_S <= held[0] <= now < held[0] + HOLDS_S:
                found[room] = held
            else:
                missing.append(room)
        if missing:
            found |= {room: (now, one) for room, one in self._read(connection, missing, now).items()}
        self._held |= found
        if missing:
            self._thin()
        return {room: one for room, (_, one) in found.items()}

    def forget(self) -> None:
        """Holds nothing any more."""
        self._held.clear()

    def _read(self, connection: sa.Connection, rooms: Sequence[str], now: float) -> dict[str, Written]:
        about = {"rooms": rooms, "since": int((now - KEPT_S) * 1000)}
        posts, files = dict[str, list[Message]](), dict[str, list[Message]]()
        messages = list[Message]()
        for row in connection.execute(_POSTS, about):
            posts.setdefault(row.room_id, []).append(Message(*row))
        for *of_message, is_file in connection.execute(_MESSAGES, about):
            messages.append(one := Message(*of_message))
            if is_file:
                files.setdefault(one.room_id, []).append(one)
        talks = arranged(messages, {one.event_id for told in posts.values() for one in told})
        counts: dict[str, int] = {room: len(told) for room, told in posts.items()}
        for one in messages:
            counts[one.room_id] = counts.get(one.room_id, 0) + 1
        return {
            room: Written(talks.get(room, {}), files.get(room, ()), posts.get(room, ()), counts.get(room, 0))
            for room in rooms
        }

    def _thin(self) -> None:
        count = sum(one.count for _, one in self._held.values())
        for room in list(self._held):
            if count <= self._most:
                return
            count -= self._held.pop(room)[1].count
