"""`!portal`: what a member confirms and ends in their own chat with the steward.

The command is the proof of who signs in: it is taken from that chat alone, and the answer tells which browser it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.commands.declaration import Argument, Command
from belisha.commands.values import TEXT
from belisha.translation import _, many, marked
from bots.kernel.answers import Block, Typed, paragraph, points, say
from bots.kernel.bot import Context, Needs
from bots.kernel.calls import Answer, Call, Entry
from bots.portal.keys import Keys, looks_like_code
from bots.portal.sessions import CODE_HOLDS, end, end_all, open_of
from bots.portal.tables import session, wrong_code

PORTAL = Command(
    ("portal",),
    marked("signs you in to the portal by the code that it shows you, lists your sessions there, or ends them"),
    "!portal sessions",
    (Argument("code", TEXT, marked("the code, or “sessions”, or “end” and a session's number"), required=False),),
    title=marked("See and end my sessions"),
    page="/sessions",
)
_WRONG_ALLOWED = 8


class _Why(Enum):
    UNKNOWN = "unknown"
    TOO_OFTEN = "too often"
    OTHER_ACCOUNT = "other account"


class PortalCommand:
    """Answers `!portal` of one member at a time, in the kernel's transaction."""

    def __init__(self, keys: Keys, public_url: str, zone: ZoneInfo) -> None:
        """Knows the portal.

        Args:
            keys: The portal's keys.
            public_url: Where members find it.
            zone: The zone of the times that are told.
        """
        self._keys = keys
        self.public_url = public_url
        self._zone = zone

    def entry(self) -> Entry:
        """The command as the steward answers it."""
        # Nobody is signed in by a server that cannot say who they are.
        return Entry(PORTAL, self.answer, Needs(patient=True))

    def answer(self, call: Call, context: Context) -> Answer:
        """Does what the command asks for, and says so."""
        return Answer(self._answer(str(call.arguments.get("code", "")), call, context))

    def _answer(self, argument: str, call: Call, context: Context) -> Sequence[Block]:
        words = argument.split()
        asked = words[0].casefold() if words else ""
        if not call.is_alone:
            if words and looks_like_code(argument):  # others have seen it: it shall let nobody in
                _spoil(context.database, self._keys.code_hash(argument))
            return (
                paragraph(_("Please write that in your own chat with me, where nobody else reads it.")),
                paragraph(_("A code that was written here does not work any more: ask the portal for a new one.")),
            )
        if asked == "sessions" and len(words) == 1:
            return self._sessions(call.user_id, context)
        if asked == "end" and len(words) == 2:
            return _end(words[1].casefold(), call.user_id, context)
        if words:
            return self._sign_in(argument, call, context)
        return (
            say(_("Open {address} in your browser. It shows you a code."), address=Typed(self.public_url)),
            say(_("Then write {portal} and that code here, and the page goes on."), portal=Typed("!portal")),
        )

    def _sign_in(self, code: str, call: Call, context: Context) -> Sequence[Block]:
        found = _confirm(context.database, self._keys.code_hash(code), call, context.now)
        if found is _Why.TOO_OFTEN:
            return (paragraph(_("Those were too many wrong codes. Please wait a quarter of an hour, then try again.")),)
        if found is _Why.OTHER_ACCOUNT:
            return (paragraph(_("That code belongs to a page on which somebody else is signed in. Nothing was done.")),)
        if isinstance(found, _Why):
            return (
                paragraph(_("I do not know that code. It may be mistyped, used already, or older than 15 minutes.")),
                paragraph(_("Look at the page again: it shows the present code, or a new one.")),
            )
        return self.signing_in(*found)

    def signing_in(self, number: int, browser: str, since: float) -> Sequence[Block]:
        """What is said to who has confirmed a browser."""
        return (
            say(
                _("You are signing in to the portal with {browser}, which asked for it at {time}."),
                browser=browser,
                time=self._time(since),
            ),
            paragraph(_("The page goes on by itself; if it does not, press Continue on it.")),
            say(
                _("Was it not you, or did somebody give you that code? Then write {end} now, and it is out."),
                end=Typed(f"!portal end {number}"),
            ),
        )

    def _sessions(self, user_id: str, context: Context) -> Sequence[Block]:
        rows = context.database.execute(open_of(user_id, context.now)).all()
        if not rows:
            return (paragraph(_("You are not signed in to the portal anywhere.")),)
        return (
            paragraph(_("You are signed in to the portal here:")),
            points([(self._session(row),) for row in rows]),
            say(
                _("To end one, write {one}; for all of them {all}."),
                one=Typed(f"!portal end {rows[0].number}"),
                all=Typed("!portal end all"),
            ),
        )

    def _session(self, row: sa.Row[tuple[object, ...]]) -> str:
        text = _("{number}: {browser}, since {opened}, last used {seen}")
        if row.widget:
            text = _("{number}: {browser} inside Element, since {opened}, last used {seen}")
        opened, seen = self._time(row.opened_at), self._time(row.seen_at)
        return text.format(number=row.number, browser=row.browser, opened=opened, seen=seen)

    def _time(self, seconds: float) -> str:
        return datetime.fromtimestamp(seconds, self._zone).strftime("%H:%M")


def _end(which: str, user_id: str, context: Context) -> Sequence[Block]:
    if which == "all":
        count = end_all(context.database, user_id, context.now)
        return (
            paragraph(
                many(
                    "Done: you are signed out of the portal everywhere ({count} session).",
                    "Done: you are signed out of the portal everywhere ({count} sessions).",
                    count,
                )
            ),
        )
    if which.isdecimal() and len(which) < 16 and end(context.database, user_id, context.now, int(which)):
        return (say(_("Done: session {number} has ended."), number=which),)
    text = _("You have no session of that number. Write {sessions} to see which there are.")
    return (say(text, sessions=Typed("!portal sessions")),)


def _confirm(connection: sa.Connection, code_hash: str, call: Call, now: float) -> tuple[int, str, float] | _Why:
    """Marks what a code stands for as this member's; its number, its browser and when that asked."""
    if _guesses(connection, call.user_id, now) >= _WRONG_ALLOWED:
        return _Why.TOO_OFTEN
    # What was sent long ago and only comes now counts for nothing: its member is not at the screen any more.
    holds = (session.c.code_since > now - CODE_HOLDS, session.c.ended_at.is_(None), session.c.confirmed_at.is_(None))
    row = connection.execute(session.select().where(session.c.code_hash == code_hash, *holds)).one_or_none()
    if row is None:
        _count(connection, call.user_id, now)
        return _Why.UNKNOWN
    if row.user_id not in (None, call.user_id):
        return _Why.OTHER_ACCOUNT
    return confirm_row(connection, row, call.user_id, call.answer_in, call.event_id or "", now) or _Why.UNKNOWN


def confirm_row(
    connection: sa.Connection, row: sa.Row[tuple[object, ...]], user_id: str, room_id: str, event_id: str, now: float
) -> tuple[int, str, float] | None:
    """Marks what a code or a picture stands for as a member's, by the event that proves it; None where it is over."""
    if row.code_since is None or row.code_since <= now - CODE_HOLDS:
        return None
    values = {
        "user_id": user_id,
        "confirmed_at": now,
        "code_hash": None,
        "picture": None,
        "command_room": room_id,
        "command_event": event_id,
    }
    once = (session.c.number == row.number, session.c.code_hash == row.code_hash, session.c.confirmed_at.is_(None))
    if connection.execute(session.update().where(*once).values(values)).rowcount != 1:
        return None
    return row.number, row.browser, row.code_since


def _spoil(connection: sa.Connection, code_hash: str) -> None:
    connection.execute(session.update().where(session.c.code_hash == code_hash).values(code_hash=None))


def _guesses(connection: sa.Connection, user_id: str, now: float) -> int:
    recent = (wrong_code.c.user_id == user_id, wrong_code.c.since > now - CODE_HOLDS)
    return connection.scalar(sa.select(wrong_code.c.count).where(*recent)) or 0


def _count(connection: sa.Connection, user_id: str, now: float) -> None:
    mine = wrong_code.c.user_id == user_id
    if _guesses(connection, user_id, now):
        connection.execute(wrong_code.update().where(mine).values(count=wrong_code.c.count + 1))
    else:
        connection.execute(wrong_code.delete().where(mine))
        connection.execute(wrong_code.insert().values(user_id=user_id, count=1, since=now))
