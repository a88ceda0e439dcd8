"""Signing in by a tap: the browser shows a picture, and the member taps the same one in their own chat.

Whoever only presses what comes, without a browser before them, has to guess the picture, and has one try.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from belisha.translation import _, marked
from bots.kernel.answers import Block, frame_of, framed, notice, paragraph, say
from bots.kernel.bot import Context, Needs
from bots.kernel.effects import Effect, React, Send, Sent
from bots.kernel.events import Event
from bots.kernel.questions import NotSentYet
from bots.kernel.tables import outbox
from bots.portal.command import PortalCommand, confirm_row
from bots.portal.tables import session

#: Emoji of one code point each, and what people call them.
PICTURES: Final = {
    "🐳": marked("whale"),
    "🌲": marked("tree"),
    "🚲": marked("bicycle"),
    "🔑": marked("key"),
    "🎈": marked("balloon"),
    "🍋": marked("lemon"),
    "🐢": marked("turtle"),
    "🏠": marked("house"),
    "🎸": marked("guitar"),
    "🌙": marked("moon"),
    "🚀": marked("rocket"),
    "🐝": marked("bee"),
}
#: Among so many a member chooses.
_SHOWN: Final = 5
_NO: Final = "❌"


def picture() -> str:
    """A picture for a browser to show."""
    return secrets.choice(list(PICTURES))


def asking(room_id: str, browser: str, since: str, picture: str) -> Sequence[Effect]:
    """The message with its pictures, in a member's own room."""
    others = random.SystemRandom().sample([one for one in PICTURES if one != picture], _SHOWN - 1)
    shown = sorted([picture, *others])
    blocks = (
        say(
            _("{browser} asked at {time} to be signed in to the portal as you."),
            browser=browser,
            time=since,
        ),
        paragraph(
            _("If it is you, tap the picture that your browser shows. If it is not, tap ❌: nobody gets in then.")
        ),
    )
    taps = [React(Sent(0), key, room=room_id) for key in (*shown, _NO)]
    return (Send(notice(blocks), room=room_id), *taps)


class Approval:
    """Hears which picture a member taps."""

    def __init__(self, command: PortalCommand) -> None:
        """Answers as the command does that does the same.

        Args:
            command: What answers `!portal`.
        """
        self._command = command

    def needs(self, event: Event) -> Needs | None:
        """What must be known to handle an event; None where it is no tap on a picture."""
        return Needs() if _tapped(event) is not None else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Lets the browser in whose picture was tapped; None where the event is about something else."""
        tapped = _tapped(event)
        row = None if tapped is None else _row(event, context, tapped[1])
        if tapped is None or row is None:
            return None
        key = tapped[0]
        if row.code_since is None or row.confirmed_at is not None:
            return ()
        if key != row.picture:
            over = {"ended_at": context.now, "code_hash": None, "picture": None}
            context.database.execute(session.update().where(session.c.number == row.number).values(over))
            return _say(event, _refused(key))
        found = confirm_row(context.database, row, event.sender, event.room_id, event.event_id, context.now)
        return _say(event, self._command.signing_in(*found)) if found else ()


def _tapped(event: Event) -> tuple[str, str] | None:
    key, target = event.relation.get("key"), event.relation.get("event_id")
    if event.type != "m.reaction" or not isinstance(key, str) or not isinstance(target, str):
        return None
    key = key.replace("\ufe0f", "")
    return (key, target) if key in PICTURES or key == _NO else None


def _row(event: Event, context: Context, target: str) -> sa.Row[tuple[object, ...]] | None:
    """What the tapped message asked this member.

    Raises:
        NotSentYet: it may be one whose sending is not stored yet.
    """
    mine = (session.c.asked_of == event.sender, session.c.ended_at.is_(None))
    rows = context.database.execute(
        sa.select(session, outbox.c.state, outbox.c.result)
        .join(outbox, outbox.c.effect_id == session.c.asked_by)
        .where(*mine, outbox.c.lane == event.room_id)
    ).all()
    found = next((row for row in rows if row.result == target), None)
    if found is None and any(row.state == "pending" for row in rows):
        raise NotSentYet
    return found


def _refused(key: str) -> Sequence[Block]:
    if key == _NO:
        return (
            paragraph(_("Good that you looked. Nobody was signed in, and that page has to begin anew.")),
            paragraph(_("If somebody asked you to tap a picture, please tell the people who run the community.")),
        )
    return (
        paragraph(_("That is not the picture that the browser shows, so nobody was signed in. Load its page anew.")),
    )


def _say(event: Event, blocks: Sequence[Block]) -> Sequence[Effect]:
    # A reaction is nothing that could be answered: the message that was tapped is.
    target = str(event.relation["event_id"])
    return (Send(framed(blocks, {**frame_of(event), "m.relates_to": {"m.in_reply_to": {"event_id": target}}})),)
