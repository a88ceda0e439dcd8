"""The result of a poll as it is told: a message with a sentence and a table, and behind it a picture of the same.

Two messages, since a picture has to be uploaded and looked at, and groups may carry no files: the result waits for
neither. Both answer the poll, so both have its label at least (rule L2), and both go with it (rule E1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from belisha.events import CARD_KEY, LABEL_KEY
from belisha.translation import _
from bots.kernel.answers import notice
from bots.kernel.bot import Context, PollFacts
from bots.kernel.effects import Effect, Picture, Redact, Send, Sent, transaction_id
from bots.kernel.outbox import was_said
from bots.polls import words
from bots.polls.counting import count
from bots.steward.announcements import link_of
from bots.steward.groups import link_to

#: Begin the keys under which a result, its picture, and to its maker where it is, are told once.
RESULT: Final = "poll result "
PICTURE: Final = "poll picture "
MOVED: Final = "poll moved "
_FILE_NAME: Final = "poll.png"
_BOT: Final = "steward"  # in whose name the polls speak


def result_of(facts: PollFacts, kept: Mapping[str, Any], now: float) -> words.Result:
    """What a poll comes to; `now`, in seconds since 1970, is the end of one that has none yet."""
    counted = count(facts, kept, now)
    return words.Result(facts.start, counted, facts.organisations, kept["quorum"], kept["ended_at"], facts.edited_late)


def told(facts: PollFacts, kept: Mapping[str, Any], context: Context, zone: ZoneInfo) -> Sequence[Effect]:
    """Tells the result where the poll is, or where its group is now; `kept["told_in"]` says so."""
    found = result_of(facts, kept, context.now)
    event_id, room, moved = kept["event_id"], _room_of(kept), kept["told_in"] is not None
    blocks = words.result(found, zone)
    # In another room it answers nothing that stands there, and brings the poll's label along.
    about: dict[str, Any] = {"m.relates_to": {"m.in_reply_to": {"event_id": event_id}}}
    if moved:
        about = {LABEL_KEY: {"label": facts.label}}
        blocks = (words.moved(link_of(kept["room_id"], event_id, _("the room from before"))), *blocks)
    effects: list[Effect] = [Send(notice(blocks) | {CARD_KEY: "result"} | about, room=room, once=f"{RESULT}{event_id}")]
    if facts.carries_files:
        effects.append(picture(found, kept, context, about))
    own = facts.service_rooms.get(facts.start.sender)
    if moved and own is not None:
        told_maker = notice((words.moved_for_maker(link_to(room, _("its new room"))),))
        effects.append(Send(told_maker, room=own, once=f"{MOVED}{event_id}"))
    return effects


def picture(found: words.Result, kept: Mapping[str, Any], context: Context, about: dict[str, Any]) -> Picture:
    """The result drawn, behind the message that tells it; `about` is what that message answers, or its label."""
    event_id, drawn = kept["event_id"], words.chart(found)
    content = notice(words.in_words(drawn)) | about | {"filename": _FILE_NAME}
    after = Sent(transaction_id(context.me, f"{RESULT}{event_id}", 0))
    return Picture(drawn.as_json(), content, room=_room_of(kept), after=after, once=f"{PICTURE}{event_id}")


def taken_back(kept: Mapping[str, Any], context: Context) -> Sequence[Effect]:
    """Takes back what was told: the poll's words stand in it."""
    event_id, room = kept["event_id"], _room_of(kept)
    told_in = Sent(transaction_id(context.me, f"{RESULT}{event_id}", 0))
    return (Redact(told_in, room=room), *picture_taken_back(kept, context))


def picture_taken_back(kept: Mapping[str, Any], context: Context) -> Sequence[Effect]:
    """Takes the picture of a result back, where there is one."""
    event_id = kept["event_id"]
    if not was_said(context, _BOT, f"{PICTURE}{event_id}"):
        return ()
    drawn = Sent(transaction_id(context.me, f"{PICTURE}{event_id}", 0))
    return (Redact(drawn, room=_room_of(kept), of_picture=True),)


def _room_of(kept: Mapping[str, Any]) -> str:
    return str(kept["told_in"] or kept["room_id"])
