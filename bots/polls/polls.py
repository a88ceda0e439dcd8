"""What the bot does about polls: remembers when one closes, ends it once, counts it once, and tells late voters.

A poll is ended by an event in the bot's name, and counted only when that is stored: by a job that reads all votes anew.
Both have a key of their own (`Send.once`), so that whatever closes a poll twice ends and counts it once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from random import SystemRandom
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.policy.polls import NO_POLL, NOT_BY_ORGANISATION
from belisha.polls.deadlines import NoDeadline, deadline
from belisha.polls.wire import END, RESPONSE, end_content, poll_of
from belisha.translation import _
from bots.kernel.answers import Block, Link, Typed, notice, paragraph, say
from bots.kernel.bot import Context, Job, Needs, PollFacts
from bots.kernel.calls import Acting, Answer, Call, Entry, Outcome
from bots.kernel.effects import Effect, Redact, Schedule, Send, Unschedule
from bots.kernel.events import TOMBSTONE, Event
from bots.kernel.rules import Rule
from bots.polls import anonymous, anonymous_words, reminders, results, words
from bots.polls.anonymous import AnonymousPolls
from bots.polls.commands import EXPORT
from bots.polls.counting import kept_of, until
from bots.polls.key_files import KeyFiles
from bots.polls.reminders import REMIND
from bots.polls.tables import poll
from bots.steward.announcements import link_of

#: Begin the names of jobs.
DUE: Final = "poll due "
COUNT: Final = "poll count "
LATE: Final = "poll late "
_REDACTION: Final = "m.room.redaction"
_NO_POLL: Final = Answer((paragraph(NO_POLL.reason),))
#: How often the end is looked for before the votes are counted without it, and the first pause, in seconds.
_TRIES: Final = 10
_PAUSE: Final = 1.0


class Polls:
    """Polls of all groups."""

    rules: Mapping[str, Rule] = {}

    def __init__(self, zone: ZoneInfo, portal: str = "", keys: KeyFiles | None = None) -> None:
        """Knows its surroundings.

        Args:
            zone: The zone of the clock on the community's wall.
            portal: The portal's address; empty where there is none.
            keys: Where the keys of anonymous polls are; without them and the portal there are no such polls.
        """
        self._zone = zone
        self._portal = portal
        is_whole = keys is not None and portal
        self._anonymous = AnonymousPolls(keys, portal, zone, SystemRandom()) if keys and is_whole else None
        self.entries: Sequence[Entry] = (Entry(EXPORT, self._export), reminders.entry())
        self.acts: Mapping[str, Acting] = {
            "poll_open": Acting(self._opened, self._problem),
            "poll_close": Acting(self._closed),
            "poll_extend": Acting(self._extended, self._problem),
            "poll_cancel": Acting(self._cancelled),
        }

    # --- Commands ------------------------------------------------------------------------------------------------

    def _problem(self, call: Call, context: Context) -> str | None:
        """Why a poll cannot be as it is asked for."""
        if call.arguments.get("anonymous") and self._anonymous is None:
            return _("There is no portal here, so nobody could vote in an anonymous poll. Please begin an open one.")
        if call.arguments.get("anonymous") and "by" in call.arguments:
            return _(NOT_BY_ORGANISATION)
        text = call.arguments.get("closes")
        if text is not None:
            try:
                self._moment(str(text), context.now)
            except NoDeadline as wrong:
                return str(wrong)
        return None

    def _moment(self, text: str, now: float) -> float:
        return deadline(text, now, self._zone)

    def _opened(self, call: Call, outcome: Outcome, context: Context) -> Answer:
        done = outcome.done
        if done is None:
            return _refused(outcome)
        asked, closes, begun = call.arguments, None, int(done["at"]) / 1000
        if "closes" in asked:
            try:
                closes = self._moment(asked["closes"], begun)
            except NoDeadline:  # the moment came between the command and its poll
                closes = begun
        kept = {
            **_adopted(context, done),  # whoever was quick has closed it already
            "closes": closes,
            "by_organisation": "by" in asked,
            "quorum": asked.get("quorum"),
            "voters": asked.get("voters", "closing"),
            "place": done.get("place"),
        }
        _set(context, kept, **kept)
        if kept["state"] != "open":
            return Answer()
        due = () if closes is None else _due(kept, begun, closes)
        more = self._anonymous.opened(context, kept) if self._anonymous and anonymous.is_anonymous(kept) else ()
        return Answer(self._rules_of(kept), (*due, *more))

    def _closed(self, call: Call, outcome: Outcome, context: Context) -> Answer:
        if outcome.done is None:
            return _refused(outcome)
        if _is_no_poll(context, outcome.done):
            return _NO_POLL
        kept = _adopted(context, outcome.done)
        if kept["state"] != "open":
            return Answer((paragraph(_("That poll is closed already.")),))
        told = paragraph(_("Done: the poll is closed. The result follows in the group."))
        is_elsewhere = call.answer_in != kept["room_id"]
        return Answer((told,) if is_elsewhere else (), _end(context, kept, None))

    def _extended(self, call: Call, outcome: Outcome, context: Context) -> Answer:
        if outcome.done is None:
            return _refused(outcome)
        if _is_no_poll(context, outcome.done):
            return _NO_POLL
        kept = _adopted(context, outcome.done)
        if kept["state"] != "open":
            return Answer((paragraph(_("That poll is closed, and is not opened again. Please begin another.")),))
        try:
            closes = self._moment(call.arguments["closes"], context.now)
        except NoDeadline as wrong:
            return Answer((paragraph(str(wrong)),))
        _set(context, kept, closes=closes)
        told = say(_("Done: the poll closes at {moment}."), moment=words.moment(closes, self._zone))
        return Answer((told,), _due(kept, context.now, closes))

    def _cancelled(self, call: Call, outcome: Outcome, context: Context) -> Answer:
        if outcome.done is None:
            return _refused(outcome)
        if _is_no_poll(context, outcome.done):
            return _NO_POLL
        kept = _adopted(context, outcome.done)
        if kept["state"] != "open":
            return Answer((paragraph(_("That poll is closed already.")),))
        _set(context, kept, state="cancelled")
        more = anonymous.cancelled(context, kept) if anonymous.is_anonymous(kept) else ()
        effects = (
            Redact(kept["event_id"], _("The poll was cancelled."), room=kept["room_id"]),
            *_over(kept),
            *more,
        )
        return Answer((paragraph(_("Done: the poll is taken back, without a result.")),), effects)

    def _export(self, call: Call, _context: Context) -> Answer:
        """Where the votes are to be had: who may, the module says when they are asked for."""
        if not self._portal:
            return Answer((paragraph(_("There is no portal here, from which polls are exported.")),))
        where = f"{self._portal}/polls/{quote(call.room_id, safe='')}/{quote(str(call.target), safe='')}"
        return Answer(
            (
                paragraph(
                    _("The result on a page, and the votes as a file, for whoever began the poll and for stewards: "),
                    *(Link(_("page"), f"{where}/result"), ", "),
                    *(Link(_("table (CSV)"), f"{where}/votes.csv"), ", ", Link("JSON", f"{where}/votes.json")),
                ),
            )
        )

    def _rules_of(self, kept: Mapping[str, Any]) -> Sequence[Block]:
        """What is said under a new poll."""
        blocks: list[Block] = []
        if kept["closes"] is None:
            blocks.append(say(_("The poll is open. To close it, answer it with {close}."), close=Typed("!poll close")))
        else:
            closes = words.moment(kept["closes"], self._zone)
            blocks.append(say(_("The poll is open, and closes at {moment}."), moment=closes))
        if kept["by_organisation"]:
            blocks.append(paragraph(_("I count it twice: plainly, and with one vote for each organisation.")))
        if kept["quorum"] is not None:
            blocks.append(say(_("It counts if {count} have voted."), count=int(kept["quorum"])))
        if kept["voters"] == "opening":
            blocks.append(paragraph(_("Who is in the group now may vote; who comes later may not.")))
        if anonymous.is_anonymous(kept):
            blocks.append(anonymous_words.rules())
        return blocks

    # --- Events --------------------------------------------------------------------------------------------------

    def needs(self, event: Event) -> Needs | None:
        """Ends, votes, redactions and moves of groups concern polls; nothing of the network is needed to know which."""
        is_one = event.type in (*END, *RESPONSE, _REDACTION) and event.state_key is None
        return Needs() if is_one or _is_move(event) else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Counts a poll that a client has ended, has who votes too late told, takes a result back with its poll."""
        if self.needs(event) is None:
            return None
        if _is_move(event):
            return _all_ended(event, context)
        is_redaction = event.type == _REDACTION
        target = event.text("redacts") if is_redaction else poll_of(event.content)
        kept = kept_of(context.database, target or "")
        if kept is None or kept["room_id"] != event.room_id:
            return None if is_redaction else ()
        if anonymous.is_anonymous(kept):  # no event ends it, or is a vote in it
            return (*_over(kept), *anonymous.taken_back(context, kept)) if is_redaction else ()
        if is_redaction:
            return _taken_back(context, kept)
        if event.type in END:
            return (_count(kept, context.now, 0),) if kept["state"] == "open" else ()
        is_over = kept["state"] != "open" or (kept["closes"] is not None and event.sent_at > kept["closes"] * 1000)
        if not is_over:
            return ()
        about = {"event_id": kept["event_id"], "room_id": kept["room_id"], "voter": event.sender}
        return (Schedule(f"{LATE}{kept['event_id']} {event.sender}", context.now, about),)

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """Takes a result back with its poll, where that was redacted in the steward's own name (rule E1)."""
        kept = kept_of(context.database, event.text("redacts") or "") if event.type == _REDACTION else None
        return () if kept is None or kept["state"] == "cancelled" else self.handle(event, context) or ()

    # --- Jobs ----------------------------------------------------------------------------------------------------

    def job_needs(self, job: Job) -> Needs | None:
        """To count a poll, and to tell a voter, it must be known as it is."""
        if not job.name.startswith((COUNT, LATE, anonymous.TURNOUT, anonymous.PUBLISH)):
            return reminders.job_needs(job)
        return Needs(poll=(str(job.arguments["room_id"]), str(job.arguments["event_id"])))

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Ends a poll that is due, counts one that is ended, or tells somebody of one; None for other jobs."""
        if not job.name.startswith((DUE, COUNT, LATE, REMIND, *anonymous.JOBS)):
            return None
        kept = kept_of(context.database, str(job.arguments["event_id"]))
        if kept is None:
            return ()
        if job.name.startswith(DUE):
            return _end(context, kept, job.due) if kept["state"] == "open" else ()
        if job.name.startswith(REMIND):
            link = link_of(kept["room_id"], kept["event_id"], _("a poll"))
            has_voted = self._voted(kept, context)
            if has_voted is None:
                return (*_over(kept), *anonymous.lost(context, kept))
            return reminders.remind(job, kept, context, link, self._zone, has_voted)
        if job.name.startswith(LATE):
            return self._late(job, kept, context)
        if job.name.startswith(anonymous.JOBS):
            return self._anonymous_one.run(job, kept, context)
        return self._counted(job, kept, context)

    def _counted(self, job: Job, kept: Mapping[str, Any], context: Context) -> Sequence[Effect]:
        if kept["state"] not in ("open", "closing"):
            return ()
        facts, tries = context.poll, int(job.arguments.get("tries", 0))
        if not isinstance(facts, PollFacts):
            _set(context, kept, state="cancelled")  # it was taken back
            return (*_over(kept), *(anonymous.cancelled(context, kept) if anonymous.is_anonymous(kept) else ()))
        is_ended = bool(facts.ends) or anonymous.is_anonymous(kept)  # an anonymous one is closed by no event
        if not is_ended and kept["state"] == "open":
            return ()  # who ended it may not
        is_moving = facts.moved is not None and not facts.moved.done  # who goes over later might not see the result
        if (not is_ended or is_moving) and tries < _TRIES:
            return (_count(kept, context.now + _PAUSE * 2**tries, tries + 1),)
        told_in = None if facts.moved is None else facts.moved.room_id
        kept = {**kept, "told_in": told_in}
        _set(context, kept, told_in=told_in)
        if anonymous.is_anonymous(kept):
            return (*_over(kept), *self._anonymous_one.counted(kept, context, facts))
        _set(context, kept, state="counted")
        return (*results.told(facts, kept, context, self._zone), *_over(kept))

    @property
    def _anonymous_one(self) -> AnonymousPolls:
        if self._anonymous is None:
            raise LookupError("there are anonymous polls, and neither portal nor keys in the configuration")
        return self._anonymous

    def _voted(self, kept: Mapping[str, Any], context: Context) -> Collection[str] | None:
        """Those who have voted; None where nobody can tell any more."""
        if not isinstance(context.poll, PollFacts):
            return ()
        if anonymous.is_anonymous(kept):
            return self._anonymous_one.voted(context, kept, tuple(context.poll.closing))
        return {one.sender for one in context.poll.responses}

    def _late(self, job: Job, kept: Mapping[str, Any], context: Context) -> Sequence[Effect]:
        facts, voter = context.poll, str(job.arguments["voter"])
        if not isinstance(facts, PollFacts) or (room := facts.service_rooms.get(voter)) is None:
            return ()
        over = until(facts, kept, context.now)
        if not any(one.sender == voter and one.sent_at > over for one in facts.responses):
            return ()  # it was on its way when the poll was closed
        blocks = (paragraph(_("Your vote came after the end of that poll, so it does not count.")),)
        return (Send(notice(blocks), room=room, once=f"{LATE}{kept['event_id']} {voter}"),)


def _refused(outcome: Outcome) -> Answer:
    return Answer((paragraph(outcome.refused),))


def _due(kept: Mapping[str, Any], now: float, closes: float) -> Sequence[Effect]:
    about = {"event_id": kept["event_id"], "room_id": kept["room_id"]}
    due = Schedule(f"{DUE}{kept['event_id']}", closes, about)
    return (due, *(reminders.planned(kept, now, closes) or (Unschedule(f"{REMIND}{kept['event_id']}"),)))


def _over(kept: Mapping[str, Any]) -> Sequence[Effect]:
    """What is not to come any more."""
    return (Unschedule(f"{DUE}{kept['event_id']}"), Unschedule(f"{REMIND}{kept['event_id']}"))


def _count(kept: Mapping[str, Any], at: float, tries: int) -> Schedule:
    about = {"event_id": kept["event_id"], "room_id": kept["room_id"], "tries": tries}
    return Schedule(f"{COUNT}{kept['event_id']}", at, about)


def _end(context: Context, kept: Mapping[str, Any], due: float | None) -> Sequence[Effect]:
    """Ends a poll, and has it counted; `due` where it closes by itself."""
    _set(context, kept, state="closing", ended_at=due)
    event_id = kept["event_id"]
    if anonymous.is_anonymous(kept):
        return (*_over(kept), *anonymous.over(kept), _count(kept, context.now, 0))
    return (
        Send(
            end_content(event_id, _("The poll is closed.")),
            type=END[0],
            room=kept["room_id"],
            once=f"poll end {event_id}",
        ),
        *_over(kept),
        _count(kept, context.now, 0),
    )


def _is_move(event: Event) -> bool:
    return event.type == TOMBSTONE and event.state_key == ""


def _all_ended(event: Event, context: Context) -> Sequence[Effect]:
    """Ends what is open in a group that has moved: nobody can vote there any more."""
    is_open = (poll.c.room_id == event.room_id) & (poll.c.state == "open")
    found = context.database.execute(sa.select(poll).where(is_open).order_by(poll.c.event_id)).mappings().all()
    return [effect for row in found for effect in _end(context, dict(row), None)]


def _taken_back(context: Context, kept: Mapping[str, Any]) -> Sequence[Effect]:
    """What follows when a poll is redacted: its words stand in the result too (rule E1)."""
    was_counted = kept["state"] == "counted"
    _set(context, kept, state="cancelled")
    return (*_over(kept), *(results.taken_back(kept, context) if was_counted else ()))


def _is_no_poll(context: Context, done: Mapping[str, Any]) -> bool:
    """Whether a message only looks like the card of an anonymous poll: those that are one have a row here."""
    return done.get("anonymous") is True and kept_of(context.database, str(done["event_id"])) is None


def _adopted(context: Context, done: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of a poll; one that was begun in a client is known from here on."""
    event_id = str(done["event_id"])
    if (kept := kept_of(context.database, event_id)) is not None:
        return kept
    context.database.execute(poll.insert().values(event_id=event_id, room_id=str(done["room_id"])))
    return kept_of(context.database, event_id) or {}


def _set(context: Context, kept: Mapping[str, Any], **values: Any) -> None:
    context.database.execute(poll.update().where(poll.c.event_id == kept["event_id"]).values(values))
