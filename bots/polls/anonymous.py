"""What the bot does about anonymous polls: takes them in, tells the turnout, closes, counts and publishes them, once.

Closing goes in steps, each in a transaction of its own, so that a crash between any two loses and doubles nothing:

1. The poll is `closing`: no ballot is taken any more.
2. All ballots are opened in memory, and the sorted list of receipts and choices is stored; the sealed ones are deleted,
   the list's hash is announced, and the poll is `counted`.
3. The key is destroyed.
4. When the hash stands in the room, the list and the result are published; the result's picture follows by itself.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.events import CARD_KEY, LABEL_KEY
from belisha.polls import ballots
from belisha.polls.wire import Start
from belisha.tlp import Label
from bots.kernel.answers import Block, notice
from bots.kernel.bot import Context, Job, PollFacts
from bots.kernel.effects import Effect, Redact, Schedule, Send, Sent, Unschedule, transaction_id
from bots.kernel.outbox import was_sent
from bots.polls import anonymous_words, results, words
from bots.polls.ballot_box import emptied, unsealed, voted
from bots.polls.key_files import KeyFiles, LostKey
from bots.polls.results import RESULT
from bots.polls.tables import ballot_list, poll

#: Begin the names of jobs.
TURNOUT: Final = "poll turnout "
DESTROY: Final = "poll key "
PUBLISH: Final = "poll publish "
JOBS: Final = (TURNOUT, DESTROY, PUBLISH)
#: Begin the keys under which each is told once.
_HASH: Final = "poll hash "
#: How long it takes on average until the turnout is looked at again, in seconds: a part of the time that is left.
_PARTS: Final = 12
_SHORTEST_S, _LONGEST_S, _ANYHOW_S = 600.0, 21_600.0, 10_800.0
_LONGEST_PAUSE_S: Final = 3600.0


def is_anonymous(kept: Mapping[str, Any]) -> bool:
    """Whether a poll's row is that of an anonymous one."""
    return kept["place"] is not None


def cancelled(context: Context, kept: Mapping[str, Any]) -> Sequence[Effect]:
    """Takes all ballots away, and has the key destroyed; a list that is published goes too."""
    _set(context, kept, state="cancelled")
    emptied(context.database, kept["event_id"])
    context.database.execute(ballot_list.delete().where(ballot_list.c.event_id == kept["event_id"]))
    return (_destroyed(context, kept), *over(kept), Unschedule(f"{PUBLISH}{kept['event_id']}"))


def over(kept: Mapping[str, Any]) -> Sequence[Effect]:
    """What is not to come any more once it is closed."""
    return (Unschedule(f"{TURNOUT}{kept['event_id']}"),)


def lost(context: Context, kept: Mapping[str, Any]) -> Sequence[Effect]:
    """Cancels a poll whose key is lost, and says so; not one that was closed meanwhile, whose key is gone rightly."""
    mine = sa.select(poll.c.state).where(poll.c.event_id == kept["event_id"]).with_for_update()
    if context.database.execute(mine).scalar_one() not in ("open", "closing"):
        return ()
    return (*cancelled(context, kept), _said(kept, anonymous_words.key_lost(), f"{RESULT}{kept['event_id']}"))


def taken_back(context: Context, kept: Mapping[str, Any]) -> Sequence[Effect]:
    """What follows when its card is redacted: its words stand in the result too (rule E1)."""
    was_counted, event_id = kept["state"] == "counted", kept["event_id"]
    keys = (_HASH, RESULT) if was_counted else ()
    told = (Sent(transaction_id(context.me, f"{key}{event_id}", 0)) for key in keys if _was_said(context, key, kept))
    shown = results.picture_taken_back(kept, context) if was_counted else ()
    return (*cancelled(context, kept), *(Redact(one, room=_room_of(kept)) for one in told), *shown)


class AnonymousPolls:
    """Anonymous polls of all groups."""

    def __init__(self, keys: KeyFiles, portal: str, zone: ZoneInfo, dice: random.Random) -> None:
        """Knows where keys are, the portal's address, the clock on the wall, and what makes delays random."""
        self._keys = keys
        self._portal = portal
        self._zone = zone
        self._dice = dice

    def opened(self, context: Context, kept: Mapping[str, Any]) -> Sequence[Effect]:
        """What follows from a new one."""
        return (self._look_later(context, kept, 0),)

    def voted(self, context: Context, kept: Mapping[str, Any], voters: Sequence[str]) -> set[str] | None:
        """Those of some people who have voted; None where the key is lost."""
        try:
            return voted(context.database, self._keys, kept, voters)
        except LostKey:
            return None

    def run(self, job: Job, kept: Mapping[str, Any], context: Context) -> Sequence[Effect]:
        """Does one of `JOBS`."""
        if job.name.startswith(DESTROY):
            self._keys.destroy(kept["event_id"])
            return ()
        if job.name.startswith(TURNOUT):
            return self._turnout(job, kept, context)
        return self._published(job, kept, context)

    def counted(self, kept: Mapping[str, Any], context: Context, facts: PollFacts) -> Sequence[Effect]:
        """Opens the ballots of those who may vote, stores the list, and announces its hash."""
        event_id, may = kept["event_id"], voters(kept, facts)
        if len(may) < ballots.FEWEST_VOTERS:
            words_of = anonymous_words.too_few(facts.start.question)
            told = _said(kept, words_of, f"{RESULT}{event_id}", facts.label)
            return (*cancelled(context, kept), told)
        try:
            found, damaged = unsealed(context.database, self._keys, kept, may)
        except LostKey:
            return lost(context, kept)
        valid = [one for one in found if ballots.is_valid(facts.start, one.choices)]
        label = Label.parse(facts.label) or max(Label)
        listed = ballots.ballot_list(facts.start, label, valid, damaged + len(found) - len(valid))
        _set(context, kept, state="counted")
        context.database.execute(ballot_list.insert().values(event_id=event_id, listed=listed))
        emptied(context.database, event_id)
        return (
            _said(kept, anonymous_words.announced(ballots.digest(listed)), f"{_HASH}{event_id}", facts.label),
            _destroyed(context, kept),
            *over(kept),
            _publish(kept, context.now, 0),
        )

    def _published(self, job: Job, kept: Mapping[str, Any], context: Context) -> Sequence[Effect]:
        mine, tries = ballot_list.c.event_id == kept["event_id"], int(job.arguments["tries"])
        row = context.database.execute(sa.select(ballot_list).where(mine)).mappings().one_or_none()
        if row is None or row["is_published"]:
            return ()
        if not isinstance(facts := context.poll, PollFacts):
            return cancelled(context, kept)  # it was taken back
        if not was_sent(context, "steward", f"{_HASH}{kept['event_id']}"):
            return (_publish(kept, context.now + min(_LONGEST_PAUSE_S, 0.5 * 2**tries), tries + 1),)
        context.database.execute(ballot_list.update().where(mine).values(is_published=True))
        listed = bytes(row["listed"])
        found, damaged = ballots.read_list(listed)
        result = result_of(facts.start, found, kept, edited_late=facts.edited_late)
        link = f"{self._portal}/ballots/{kept['place']}"
        blocks = anonymous_words.result(result, self._zone, link, ballots.digest(listed), damaged)
        said = _said(kept, blocks, f"{RESULT}{kept['event_id']}", facts.label, {CARD_KEY: "result"})
        if not facts.carries_files:
            return (said,)
        return (said, results.picture(result, kept, context, _about_card(kept, facts.label)))

    def _turnout(self, job: Job, kept: Mapping[str, Any], context: Context) -> Sequence[Effect]:
        """Says how many quarters have voted, at moments that follow from no ballot."""
        facts, told = context.poll, int(job.arguments["told"])
        if kept["state"] != "open" or not isinstance(facts, PollFacts):
            return ()
        may = voters(kept, facts)
        found = self.voted(context, kept, tuple(may))
        if found is None:
            return lost(context, kept)
        step = max(told, ballots.turnout_step(len(found), len(may)))
        said = () if step == told else (_said(kept, anonymous_words.turnout(step), f"{job.name} {step}"),)
        return (*said, *(() if step == 4 else (self._look_later(context, kept, step),)))

    def _look_later(self, context: Context, kept: Mapping[str, Any], told: int) -> Schedule:
        left = None if kept["closes"] is None else kept["closes"] - context.now
        pause = _ANYHOW_S if left is None else min(_LONGEST_S, max(_SHORTEST_S, left / _PARTS))
        at = context.now + pause * self._dice.uniform(0.5, 1.5)
        return Schedule(f"{TURNOUT}{kept['event_id']}", at, {**_about(kept), "told": told})


def result_of(
    start: Start, listed: Sequence[ballots.Ballot], kept: Mapping[str, Any], *, edited_late: bool
) -> words.Result:
    """What the ballots of a list come to."""
    counted = ballots.count(start, listed)
    return words.Result(start, counted, {}, kept["quorum"], kept["ended_at"], edited_late)


def voters(kept: Mapping[str, Any], facts: PollFacts) -> frozenset[str]:
    """Who may vote: of those in the group now, all, or those who were there at the opening."""
    return frozenset(facts.closing if kept["voters"] == "closing" else facts.opening.keys() & facts.closing.keys())


def _about(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {"event_id": kept["event_id"], "room_id": kept["room_id"]}


def _destroyed(context: Context, kept: Mapping[str, Any]) -> Schedule:
    """Never in the transaction that needs it no more: that could still be rolled back."""
    return Schedule(f"{DESTROY}{kept['event_id']}", context.now, _about(kept))


def _publish(kept: Mapping[str, Any], at: float, tries: int) -> Schedule:
    return Schedule(f"{PUBLISH}{kept['event_id']}", at, {**_about(kept), "tries": tries})


def _said(
    kept: Mapping[str, Any],
    blocks: Sequence[Block],
    once: str,
    label: str | None = None,
    more: Mapping[str, str] | None = None,
) -> Send:
    """A message that answers the card, so that it has the card's label at least (rule L2).

    In the room that its group has moved to it answers nothing that stands there, and brings the label along.
    """
    return Send({**notice(blocks), **(more or {}), **_about_card(kept, label)}, room=_room_of(kept), once=once)


def _about_card(kept: Mapping[str, Any], label: str | None) -> dict[str, Any]:
    if kept["told_in"] is None:
        return {"m.relates_to": {"m.in_reply_to": {"event_id": kept["event_id"]}}}
    return {} if label is None else {LABEL_KEY: {"label": label}}


def _room_of(kept: Mapping[str, Any]) -> str:
    return str(kept["told_in"] or kept["room_id"])


def _was_said(context: Context, key: str, kept: Mapping[str, Any]) -> bool:
    return was_sent(context, "steward", f"{key}{kept['event_id']}") is not None


def _set(context: Context, kept: Mapping[str, Any], **values: Any) -> None:
    context.database.execute(poll.update().where(poll.c.event_id == kept["event_id"]).values(values))
