"""Each member's digest, as a part of the steward: planned at their hour, chosen, decided about, and sent once.

A job asks the module for the member's groups at that moment and chooses what may be new. What comes of that is a
letter, which is written when it is sent and again at each attempt: then each item is asked about, and what the module
still tells is said (rule P2). Until then there are ids alone. Once it is sent, another job notes that they were told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest import addresses
from belisha.digest.choosing import carried, decided, ordered, shortened, within
from belisha.digest.values import Digest, Entry, Shown, Why
from belisha.events import LABEL_KEY
from bots.digest import by_mail, choices, facts, mailbox, words
from bots.digest.approvals import Approvals
from bots.digest.commands import BOTH, CHAT, DIGEST, DIGEST_CODE, DIGEST_MAIL, MAIL, OFF
from bots.digest.documents import Documents
from bots.digest.mentions import Mentions
from bots.digest.open_polls import OpenPolls
from bots.digest.people import People
from bots.digest.posts import Posts
from bots.digest.recent import Recent
from bots.digest.source import Asked, Source
from bots.digest.tables import digest_address, digest_code_mail, digest_member, digest_mention
from bots.digest.talks import Talks
from bots.directory.tables import directory_member
from bots.kernel import quiet
from bots.kernel.answers import notice
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.calls import Acting
from bots.kernel.calls import Entry as Answered
from bots.kernel.digested import DigestFacts
from bots.kernel.effects import MAILED, Effect, Letter, Mail, Schedule
from bots.kernel.events import Event
from bots.kernel.letters import Said, Unwritten
from bots.kernel.listed import Sight
from bots.kernel.outbox import is_underway
from bots.kernel.rules import Rule
from bots.kernel.store import insert_on
from bots.polls.key_files import KeyFiles

PLAN: Final = "digest plan"
#: Begin the names of the jobs for one member each.
CHOOSE: Final = "digest choose "
#: Those of earlier versions, in which the letter of today was a job.
TELL: Final = "digest tell "
#: The name of the letters, and the key of the way that one goes: by chat, by mail alone, or by mail after chat (both).
LETTER: Final = "digest"
BY: Final = "by"
_BOT: Final = "steward"
#: When it is chosen anew, and how often it was; keys of what a letter's end tells.
_AGAIN: Final = "again"
_AT: Final = "at"
_ROUND: Final = "round"
#: After so many seconds it is looked again whether an earlier one is sent.
_PATIENCE_S: Final = 600.0
#: How many are begun in one minute.
AT_ONCE: Final = 500


class Digests:
    """The digests."""

    rules: Mapping[str, Rule] = {PLAN: Rule(time(0), every=60)}
    acts: Mapping[str, Acting] = {}

    def __init__(self, zone: ZoneInfo, keys: KeyFiles | None = None, box: mailbox.Mailbox | None = None) -> None:
        """Knows the clock on the community's wall, where the keys of anonymous polls are, and how mail is sent."""
        self._zone = zone
        self._mailbox = box or mailbox.Mailbox(None)
        self._recent = Recent()
        #: The order is that in which they are asked; that of a digest's lines is `Why`.
        self._sources: Sequence[Source] = (
            Mentions(),
            OpenPolls(keys),
            Approvals(),
            Posts(self._recent),
            Documents(self._recent),
            Talks(self._recent),
            People(),
        )
        self._by_reason = {why: source for source in self._sources for why in source.reasons}
        self.entries: Sequence[Answered] = (
            Answered(DIGEST, lambda call, context: choices.answer(call, context, zone, self._mailbox)),
            Answered(DIGEST_MAIL, self._mailbox.answer_mail, Needs(own_digest=True)),
            Answered(DIGEST_CODE, self._mailbox.answer_code, Needs(own_digest=True)),
        )

    def watches(self, event: Event) -> bool:
        """Whether something of an event is kept, whoever else it concerns."""
        return facts.concerns(event)

    def note(self, event: Event, context: Context) -> None:
        """Keeps what digests need of it."""
        facts.note(context.database, event, context.now)

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
        if job.name.startswith(CHOOSE):
            return Needs(digest=(str(job.arguments["room"]), str(job.arguments["user"]), ()))
        return None

    def letter_needs(self, letter: Job) -> Needs:
        """The same of each item, for what tells of them."""
        user_id, room = str(letter.arguments["user"]), str(letter.arguments["room"])
        items = tuple((one.room_id, item) for one in _entries(letter) for item in one.items)
        return Needs(digest=(room, user_id, items), sight_for=(room, user_id))

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Plans, chooses or tells, or hears how a mail ended; None for other jobs."""
        if job.name.startswith(MAILED) and mailbox.CODE_OF in job.arguments["then"]:
            return mailbox.code_ended(job.arguments["then"], job.arguments["ended"], context)
        if job.name == PLAN:
            return self._planned(context)
        if job.name.startswith(CHOOSE):
            return self._chosen(job, context)
        if job.name.startswith(MAILED):
            return self._mailed(job, context)
        return (_again(job.arguments, context.now),) if job.name.startswith(TELL) else None

    def _planned(self, context: Context) -> Sequence[Effect]:
        connection, now = context.database, context.now
        self._recent.forget()
        facts.thin(connection, now)
        mailbox.thin(connection, now)
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
            if row["every"] != OFF and row["standing"] == "active" and row["service_room"] is not None:
                effects.append(_choosing(row, now, due))
        return effects

    def _chosen(self, job: Job, context: Context) -> Sequence[Effect]:
        connection, user_id, room = context.database, str(job.arguments["user"]), str(job.arguments["room"])
        row = _row(connection, user_id)
        if row is None or row["every"] == OFF:
            return ()
        # Looked at before `since`: whoever ends the one has moved the other in the same transaction.
        if row["letter"] is not None and is_underway(context, _BOT, row["letter"]):
            return (_again(job.arguments, context.now + _PATIENCE_S),)  # else the two would tell the same
        row = _row(connection, user_id) or row
        asked = _asked(job, context, float(row["since"]))
        if asked is None or asked.until <= asked.since:
            return ()  # they may not act, so what was new stays new until they may; or they were told of that time
        way = self._mailbox.way(connection, user_id)
        end = None if way == MAIL else quiet.until(connection, room, context.now, self._zone)
        if end is not None:  # chosen anew then: what is taken back meanwhile is not told
            return (_again(job.arguments, end),)
        effects: list[Effect] = []
        if way != CHAT and (refused := self._mailbox.outside(connection, user_id, asked.facts.domains)):
            effects, way = [*refused], CHAT
        found = [one for source in self._sources if source.names_items for one in source.new(connection, asked)]
        by = MAIL if way == MAIL else CHAT
        arguments = {**job.arguments, "since": asked.since, "entries": [_kept(one) for one in within(found)], BY: by}
        once = f"digest {by} {user_id} {asked.until} {arguments.get(_ROUND, 0)}"
        mine = digest_member.c.user_id == user_id
        connection.execute(digest_member.update().where(mine).values(letter=once))
        where = None if by == MAIL else room
        return (*effects, Letter(LETTER, user_id, arguments, context.now + by_mail.LIFE_S, once=once, room=where))

    def _note(self, connection: sa.Connection, user_id: str, shown: Sequence[Shown]) -> None:
        for source in self._sources:
            source.told(connection, user_id, [one for one in shown if one.entry.why in source.reasons])

    def _all(self, connection: sa.Connection, job: Job, asked: Asked) -> list[Entry]:
        more = [one for source in self._sources if not source.names_items for one in source.new(connection, asked)]
        return ordered((*_entries(job), *more))

    # --- What is said and mailed -------------------------------------------------------------------------------

    def letter(self, letter: Job, context: Context) -> Mail | Said | Unwritten:
        """A digest as it may be said, or mailed, at this moment."""
        connection, asked, by = context.database, _asked(letter, context), letter.arguments.get(BY)
        row = _row(connection, str(letter.arguments["user"]))
        if asked is None or row is None or row["every"] == OFF:
            return Unwritten()  # what was new stays new
        if by in (CHAT, MAIL):
            room, way = str(letter.arguments["room"]), self._mailbox.way(connection, asked.user_id)
            end = None if by == MAIL else quiet.until(connection, room, context.now, self._zone)
            # They want quiet now, or another way, or that time is told: it is chosen anew.
            if end is not None or (way == MAIL) != (by == MAIL) or float(row["since"]) != asked.since:
                again = {**letter.arguments, _AT: context.now if end is None else end}
                return Unwritten({"letter": LETTER, "user": asked.user_id, _AGAIN: again})
        return self._in_chat(letter, context, asked) if by == CHAT else self._in_mail(letter, context, asked)

    def _in_chat(self, letter: Job, context: Context, asked: Asked) -> Said | Unwritten:
        told = shortened(decided(self._all(context.database, letter, asked), asked.facts.told, asked.facts.groups))
        about = {"letter": LETTER, BY: CHAT, "user": asked.user_id, "until": asked.until, "people": _people(told)}
        if not told.shown:
            return Unwritten(about)
        blocks = words.digest(told, self._by_reason, asked.since, self._zone)
        return Said(notice(blocks) | _label(told), {**about, "arguments": letter.arguments})

    def _in_mail(self, letter: Job, context: Context, asked: Asked) -> Mail | Unwritten:
        connection, post, by = context.database, self._mailbox.post, letter.arguments.get(BY)
        row = self._mailbox.confirmed(connection, asked.user_id)
        if post is None or row is None or row["way"] == CHAT:
            return Unwritten()
        if not addresses.is_within(row["address"], asked.facts.domains):
            return Unwritten()  # the next one tells of that
        entries = self._all(connection, letter, asked)
        shown, above = carried(entries, asked.facts.told, asked.facts.groups, post.ceiling)
        told = shortened(shown)
        about = {"user": asked.user_id, "until": asked.until, "handle": row["handle"], "people": _people(told)}
        then = {"letter": LETTER, BY: by, **about}
        if not told.shown and not above:
            return Unwritten(then)
        blocks = words.digest(told, self._by_reason, asked.since, self._zone, above)
        return replace(by_mail.written(post, row, blocks, told), then=then)

    def _mailed(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Notes that a member was told; by mail after that where they want both; or tells them by chat why not."""
        connection, then, ended = context.database, job.arguments["then"], job.arguments["ended"]
        if then.get("letter") != LETTER:
            return None
        user_id, by = str(then["user"]), then.get(BY)
        if _AGAIN in then:
            again = then[_AGAIN]
            return (_again({**again, _ROUND: again.get(_ROUND, 0) + 1}, float(again[_AT])),)
        if ended in ("sent", "unwritten"):
            self._was_told(connection, user_id, float(then["until"]), then["people"])
            wants_both = by == CHAT and ended == "sent" and self._mailbox.way(connection, user_id) == BOTH
            return (_after_chat(then, context.now),) if wants_both else ()
        was_alone = by in (CHAT, MAIL)
        said = mailbox.refused(connection, user_id, str(then["handle"])) if ended == "refused" else ()
        return (*said, *(self._anew(connection, user_id, context.now) if was_alone else ()))

    def _was_told(self, connection: sa.Connection, user_id: str, until: float, people: Sequence[str]) -> None:
        later = (digest_member.c.user_id == user_id) & (digest_member.c.since < until)
        connection.execute(digest_member.update().where(later).values(since=until))
        self._note(connection, user_id, [Shown(Entry(Why.PEOPLE, facts={"address": one})) for one in people])

    def _anew(self, connection: sa.Connection, user_id: str, now: float) -> Sequence[Effect]:
        """Has what a member was not told by mail be chosen again: it comes by chat where mail is refused."""
        query = (
            sa.select(digest_member, directory_member.c.service_room)
            .join(directory_member, directory_member.c.user_id == digest_member.c.user_id)
            .where(digest_member.c.user_id == user_id, digest_member.c.every != OFF)
        )
        row = connection.execute(query).mappings().one_or_none()
        return () if row is None or row["service_room"] is None else (_choosing(row, now, row["due"]),)


#: Made once: a statement costs more to be made than to be executed.
_OF_MEMBER: Final = digest_member.select().where(digest_member.c.user_id == sa.bindparam("user"))


def _row(connection: sa.Connection, user_id: str) -> sa.RowMapping | None:
    return connection.execute(_OF_MEMBER, {"user": user_id}).mappings().one_or_none()


def _choosing(row: sa.RowMapping, now: float, following: float) -> Schedule:
    until = now - facts.SETTLES_S
    about = {"user": row["user_id"], "room": row["service_room"], "since": row["since"], "until": until}
    return Schedule(f"{CHOOSE}{row['user_id']}", now, {**about, "following": following})


def _again(arguments: Mapping[str, Any], at: float) -> Schedule:
    """Has a digest be chosen anew at a time, in seconds since 1970."""
    about = {key: arguments[key] for key in ("user", "room", "since", "until", "following")}
    return Schedule(f"{CHOOSE}{about['user']}", at, {**about, _ROUND: arguments.get(_ROUND, 0)})


def _after_chat(then: Mapping[str, Any], now: float) -> Letter:
    """The mail with what was said by chat; who was named there may be named once more."""
    user_id, arguments = str(then["user"]), {**then["arguments"], BY: BOTH, "people": then["people"]}
    return Letter(LETTER, user_id, arguments, now + by_mail.LIFE_S, once=f"digest mail {user_id} {then['until']}")


def _people(told: Digest) -> list[str]:
    return [one.entry.facts["address"] for one in told.shown if one.entry.why is Why.PEOPLE]


def _keep_in_step(connection: sa.Connection, now: float, zone: ZoneInfo) -> None:
    """Has a row for each member, and nothing of who is none any more (rule E1)."""
    listed = sa.select(directory_member.c.user_id)
    for table in (digest_member, digest_mention, digest_address, digest_code_mail):
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


def _asked(job: Job, context: Context, since: float | None = None) -> Asked | None:
    """For whom a job or letter is; `since` in the place of the one that it was made with."""
    arguments = job.arguments
    if not isinstance(context.digest, DigestFacts):
        return None
    sight = context.sight if isinstance(context.sight, Sight) else None
    told, until, following = (float(arguments[key]) for key in ("since", "until", "following"))
    again = frozenset(arguments.get("people", ()))
    since = told if since is None else since
    return Asked(str(arguments["user"]), since, until, following, context.now, context.digest, sight, again)


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
