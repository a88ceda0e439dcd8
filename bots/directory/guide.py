"""The guide through one's own profile: it asks for one part after the other, and takes plain words as the answer.

What it waits for stands in a row, so that it goes on after a restart. Each answer is in the profile at once and said,
with who sees it: whoever stops, or just goes away, knows what was written down and what was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from belisha.acts.questions import says
from belisha.directory.fields import FIELDS
from belisha.directory.written import NotSo, changed
from belisha.translation import _
from bots.directory import profiles, words
from bots.directory.profiles import Kept
from bots.directory.tables import guide
from bots.kernel import questions
from bots.kernel.answers import Block, Typed, paragraph, reply, say
from bots.kernel.bot import Context
from bots.kernel.desk import could_not_ask
from bots.kernel.effects import Effect, Send
from bots.kernel.events import Event
from bots.kernel.listed import Listed
from bots.kernel.store import insert_on

#: For so long, in seconds, it waits for each answer; what somebody says to the bot later is not meant for it.
HOLDS_S: Final = 1800.0


def begin(context: Context, listed: Listed, room_id: str) -> Sequence[Block]:
    """Asks for the first part that says nothing; begins anew where it was under way.

    Args:
        context: the occasion.
        listed: whose profile, as the registry has them now.
        room_id: their own room with the bot.
    """
    connection, user_id = context.database, listed.user_id
    profiles.enlist(connection, listed)
    forget(connection, user_id)
    connection.execute(guide.delete().where(guide.c.asked_at < context.now - HOLDS_S))
    return _ask(context, user_id, room_id, profiles.kept_of(connection, user_id))


def forget(connection: sa.Connection, user_id: str) -> None:
    """Ends it; nothing happens where it is not under way."""
    connection.execute(guide.delete().where(guide.c.user_id == user_id))


def concerns(event: Event) -> bool:
    """Whether an event may be an answer: anything that a member writes and that is no command."""
    if event.type != "m.room.message" or event.state_key is not None:
        return False
    text = (event.spoken or "").strip()
    return bool(text) and not (text.startswith("!") and text[1:2].isalpha())


def hear(event: Event, context: Context, bot: str) -> Sequence[Effect] | None:
    """Takes an answer; None where nobody is asked, or something else is meant.

    Args:
        event: what was said.
        context: the occasion.
        bot: the bot's name, whose questions a yes or a no may answer.
    """
    if not concerns(event):
        return None
    mine = (guide.c.user_id == event.sender, guide.c.room_id == event.room_id)
    row = context.database.execute(sa.select(guide.c.field, guide.c.asked_at).where(*mine)).one_or_none()
    if row is None or row.field not in FIELDS:
        return None
    text, at = event.spoken or "", event.sent_at / 1000
    if says(text) is not None and questions.waits(context, bot, event):
        return None
    if at > row.asked_at + HOLDS_S:
        forget(context.database, event.sender)
        late = _("It is a while since I asked you that, so I have not written it down. {guide} goes on from there.")
        return (_say(event, [say(late, guide=Typed("!profile guide"))]),)
    return (*_answered(event, context, row.field, text, early=at < row.asked_at),)


def _answered(event: Event, context: Context, asked: str, text: str, *, early: bool) -> list[Effect]:
    connection, word = context.database, text.strip().rstrip(".!").casefold()
    listed = profiles.listed_of_all(connection, [event.sender]).get(event.sender)
    if listed is None:
        return [_say(event, [paragraph(could_not_ask())])]
    kept, effects, blocks = profiles.kept_of(connection, event.sender), list[Effect](), list[Block]()
    if word in ("stop", _("stop"), "cancel", _("cancel")):
        forget(connection, event.sender)
        return [_say(event, [paragraph(_("I ask no further.")), *words.so_far(kept)])]
    after = asked
    if early:
        blocks.append(paragraph(_("You wrote that before I asked, so I have not written it down.")))
        after = ""
    elif word == "help":
        blocks.append(say(_("For all that you can ask me, write {help}."), help=Typed("!help")))
        after = ""
    elif word not in ("skip", _("skip")):
        try:
            value = changed(FIELDS[asked], kept.fields.get(asked, ()), text)
        except NotSo as wrong:
            blocks.append(paragraph(str(wrong)))
            after = ""
        else:
            effects.append(profiles.change(connection, listed, context.now, {asked: value}))
            kept = profiles.kept_of(connection, event.sender)
            blocks += words.changed(asked, kept)
    following = _ask(context, event.sender, event.room_id, kept, after=after, again="" if after else asked)
    return [*effects, _say(event, [*blocks, *following])]


def _ask(
    context: Context, user_id: str, room_id: str, kept: Kept, *, after: str = "", again: str = ""
) -> Sequence[Block]:
    """Asks for the first part behind one that says nothing, or for one again; ends it where there is none."""
    order = list(FIELDS)
    left = [one for one in order[order.index(after) + 1 if after else 0 :] if one not in kept.fields]
    if not left and not again:
        forget(context.database, user_id)
        return words.guided(kept)
    field = again or left[0]
    row = {"user_id": user_id, "room_id": room_id, "field": field, "asked_at": context.now}
    insert = insert_on(context.database, guide).values(row)
    context.database.execute(insert.on_conflict_do_update(index_elements=["user_id"], set_=row))
    return words.asks(field, kept)


def _say(event: Event, blocks: Sequence[Block]) -> Send:
    return Send(reply(event, blocks))
