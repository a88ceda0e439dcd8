"""Each member's digest, as a part of the steward: planned at their hour, chosen, decided about, and sent once.

A digest is two jobs. The first asks the module for the member's groups at that moment and chooses what may be new; the
second asks about each item chosen and says what the module still tells (rule P2). Between them there are ids alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.choosing import decided, ordered, shortened, within
from belisha.digest.values import Digest, Entry, Why
from belisha.events import LABEL_KEY
from bots.digest import choices, facts, words
from bots.digest.approvals import Approvals
from bots.digest.documents import Documents
from bots.digest.mentions import Mentions
from bots.digest.open_polls import OpenPolls
from bots.digest.people import People
from bots.digest.posts import Posts
from bots.digest.source import Asked, Source
from bots.digest.tables import digest_member, digest_mention
from bots.digest.talks import Talks
from bots.directory.tables import directory_member
from bots.kernel.answers import notice
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.calls import Acting
from bots.kernel.calls import Entry as Answered
from bots.kernel.digested import DigestFacts
from bots.kernel.effects import Effect, Schedule, Send
from bots.kernel.events import Event
from bots.kernel.listed import Sight
from bots.kernel.rules import Rule
from bots.kernel.store import insert_on
from bots.polls.key_files import KeyFiles

PLAN: Final = "digest plan"
#: Begin the names of the jobs for one member each.
CHOOSE: Final = "digest choose "
TELL: Final = "digest tell "
#: How many are begun in one minute.
AT_ONCE: Final = 500


class Digests:
    """The digests."""

    rules: Mapping[str, Rule] = {PLAN: Rule(time(0), every=60)}
    acts: Mapping[str, Acting] = {}

    def __init__(self, zone: ZoneInfo, keys: KeyFiles | None = None) -> None:
        """Knows the clock on the community's wall, and where the keys of anonymous polls are."""
        self._zone = zone
        #: The order is that in which they are asked; that of a digest's lines is `Why`.
        self._sources: Sequence[Source] = (
            Mentions(),
            OpenPolls(keys),
            Approvals(),
            Posts(),
            Documents(),
            Talks(),
            People(),
        )
        self._by_reason = {why: source for source in self._sources for why in source.reasons}
        self.entries: Sequence[Answered] = (
            Answered(choices.DIGEST, lambda call, context: choices.answer(call, context, zone)),
        )

    def watches(self, event: Event) -> bool:
        """Whether something of an event is kept, whoever else it concerns."""
        return facts.concerns(event)

    def note(self, event: Event, context: Context) -> None:
        """Keeps what digests need of it."""
        facts.note(context.database, event)

    def needs(self, event: Event) -> Needs | None:
        """No event is answered; see `watches`."""
        return None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """See `needs`."""
        return None

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """Nothing: what is still there is asked when a digest is made."""
        return ()

    def job_needs(self, job: Job) -> Needs | None:
        """What the module tells of the member at this moment, for the jobs of one member."""
        if not job.name.startswith((CHOOSE, TELL)):
            return None
        user_id, room = str(job.arguments["user"]), str(job.arguments["room"])
        if job.name.startswith(CHOOSE):
            return Needs(digest=(room, user_id, ()))
        items = tuple((one.room_id, item) for one in _entries(job) for item in one.items)
        return Needs(digest=(room, user_id, items), sight_for=(room, user_id))

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Plans, chooses or tells; None for other jobs."""
        if job.name == PLAN:
            return self._planned(context)
        if job.name.startswith(CHOOSE):
            return self._chosen(job, context)
        return self._told(job, context) if job.name.startswith(TELL) else None

    def _planned(self, context: Context) -> Sequence[Effect]:
        connection, now = context.database, context.now
        facts.thin(connection, now)
        _keep_in_step(connection, now, self._zone)
        query = (
            sa.select(digest_member, directory_member.c.service_room, directory_member.c.standing)
            .join(directory_member, directory_member.c.user_id == digest_member.c.user_id)
            .where(digest_member.c.due <= now)
            .order_by(digest_member.c.due)
            .limit(AT_ONCE)
        )
        effects: list[Effect] = []
        for row in connection.execute(query).mappings().all():
            due = choices.following(row["user_id"], row["every"], row["hour"], now, self._zone)
            mine = digest_member.c.user_id == row["user_id"]
            connection.execute(digest_member.update().where(mine).values(due=due))
            if row["every"] != choices.OFF and row["standing"] == "active" and row["service_room"] is not None:
                about = {"user": row["user_id"], "room": row["service_room"], "since": row["since"], "until": now}
                effects.append(Schedule(f"{CHOOSE}{row['user_id']}", now, {**about, "following": due}))
        return effects

    def _chosen(self, job: Job, context: Context) -> Sequence[Effect]:
        asked = _asked(job, context)
        if asked is None:
            return ()  # they may not act; what was new stays new until they may
        found = [one for source in self._sources if source.names_items for one in source.new(context.database, asked)]
        kept = [_kept(one) for one in within(found)]
        return (Schedule(f"{TELL}{asked.user_id}", context.now, {**job.arguments, "entries": kept}),)

    def _told(self, job: Job, context: Context) -> Sequence[Effect]:
        connection, asked = context.database, _asked(job, context)
        mine = digest_member.c.user_id == str(job.arguments["user"])
        row = connection.execute(digest_member.select().where(mine)).mappings().one_or_none()
        if asked is None or row is None or row["every"] == choices.OFF:
            return ()
        more = [one for source in self._sources if not source.names_items for one in source.new(connection, asked)]
        told = shortened(decided(ordered((*_entries(job), *more)), asked.facts.told, asked.facts.groups))
        connection.execute(digest_member.update().where(mine).values(since=asked.until))
        if not told.shown:
            return ()
        for source in self._sources:
            source.told(connection, asked.user_id, [one for one in told.shown if one.entry.why in source.reasons])
        content = notice(words.digest(told, self._by_reason, asked.since, self._zone)) | _label(told)
        once = f"digest {asked.user_id} {asked.until}"
        return (Send(content, room=str(job.arguments["room"]), once=once, waits=True),)


def _keep_in_step(connection: sa.Connection, now: float, zone: ZoneInfo) -> None:
    """Has a row for each member, and nothing of who is none any more (rule E1)."""
    listed = sa.select(directory_member.c.user_id)
    for table in (digest_member, digest_mention):
        connection.execute(table.delete().where(table.c.user_id.not_in(listed)))
    new = listed.where(
        directory_member.c.standing == "active",
        directory_member.c.service_room.is_not(None),
        directory_member.c.user_id.not_in(sa.select(digest_member.c.user_id)),
    )
    rows = [choices.beginning(user_id, now, zone) for user_id in connection.scalars(new)]
    if rows:
        connection.execute(insert_on(connection, digest_member).on_conflict_do_nothing(), rows)


def _label(told: Digest) -> dict[str, Any]:
    """The roll-up label, which the server draws on top; it is never below GREEN, nor above any item's own."""
    return {LABEL_KEY: {"label": str(told.label)}}


def _asked(job: Job, context: Context) -> Asked | None:
    arguments = job.arguments
    if not isinstance(context.digest, DigestFacts):
        return None
    sight = context.sight if isinstance(context.sight, Sight) else None
    since, until, following = (float(arguments[key]) for key in ("since", "until", "following"))
    return Asked(str(arguments["user"]), since, until, following, context.digest, sight)


def _kept(entry: Entry) -> dict[str, Any]:
    return {
        "why": entry.why.value,
        "room": entry.room_id,
        "items": list(entry.items),
        "at": entry.at,
        "facts": dict(entry.facts),
    }


def _entries(job: Job) -> list[Entry]:
    kept = job.arguments["entries"]
    return [Entry(Why(one["why"]), one["room"], tuple(one["items"]), one["at"], dict(one["facts"])) for one in kept]
