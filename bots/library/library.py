"""What the bot does about files: in groups that give out copies only, it answers each with the way to them.

It keeps nothing of any file: the page to which it leads asks the module (rules P2 and E1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import TEXT
from belisha.documents import KINDS
from belisha.translation import _, marked
from bots.kernel.answers import Link, notice, paragraph, say
from bots.kernel.bot import Context, Job, Needs, Policy
from bots.kernel.calls import Acting, Answer, Call, Entry
from bots.kernel.effects import Effect, Redact, Send, Sent, transaction_id
from bots.kernel.events import Event
from bots.kernel.outbox import was_said
from bots.kernel.rules import Rule

#: It answers with a link and no names: in a chat these would outlast their files (rule E1).
DOCS: Final = Command(
    ("docs",),
    marked("leads to the files of your groups, by words of their names"),
    "!docs tide tables",
    (Argument("words", TEXT, marked("words of the file's name"), required=False),),
    where=ALONE,
    title=marked("Find files of my groups"),
    page="/documents",
)
_BOT: Final = "steward"  # in whose name it speaks
_REDACTION: Final = "m.room.redaction"


class Library:
    """The library, as a part of the steward."""

    rules: Mapping[str, Rule] = {}
    acts: Mapping[str, Acting] = {}

    def __init__(self, portal: str = "") -> None:
        """Knows the portal's address; empty where there is none, and so no copies."""
        self._portal = portal
        self.entries: Sequence[Entry] = (Entry(DOCS, self._docs),)

    def _docs(self, call: Call, _context: Context) -> Answer:
        if not self._portal:
            return Answer((paragraph(_("There is no portal here. Please look for the file in its group.")),))
        words = str(call.arguments.get("words", ""))
        query = f"?{urlencode({'q': words})}" if words else ""
        link = Link(_("Documents"), f"{self._portal}/documents{query}")
        return Answer((say(_("The files of your groups stand on the portal: {link}."), link=link),))

    def needs(self, event: Event) -> Needs | None:
        """Files need the rules of their group as they are now: an original that nobody may open needs its link."""
        if event.state_key is not None or not self._portal:
            return None
        if event.type == _REDACTION:
            return Needs()
        return Needs(policy=True, fresh=True, patient=True) if _is_file(event) else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Puts the link under a file, and takes it back with it."""
        if event.type == _REDACTION:
            once = _once(event.room_id, event.text("redacts") or "")
            if not self._portal or not was_said(context, _BOT, once):
                return None
            return (Redact(Sent(transaction_id(context.me, once, 0)), room=event.room_id),)
        if self.needs(event) is None:
            return None
        policy = context.policy
        if not isinstance(policy, Policy) or not policy.copies_only or policy.kind not in ("open", "closed"):
            return None
        address = f"{self._portal}/documents/{quote(event.room_id, safe='')}/{quote(event.event_id, safe='')}"
        told = say(
            _("This group keeps originals to their sources. Everybody here can save {copy} of this file."),
            copy=Link(_("a copy with its label on it"), address),
        )
        # An answer has its parent's label at least (rule L2), and nothing of the file's own words is in it.
        about = {"m.relates_to": {"m.in_reply_to": {"event_id": event.event_id}}}
        return (Send(notice((told,)) | about, once=_once(event.room_id, event.event_id)),)

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """Takes a link back with a file that was redacted in the steward's own name (rule E1)."""
        return (self.handle(event, context) or ()) if event.type == _REDACTION else ()

    def job_needs(self, _job: Job) -> Needs | None:
        """Nothing: it has no jobs."""
        return None

    def run(self, _job: Job, _context: Context) -> Sequence[Effect] | None:
        """Nothing: every job is another's."""
        return None


def _is_file(event: Event) -> bool:
    """Whether a message shares a file; an edit leaves the link where it is."""
    is_message = event.type == "m.room.message" and event.text("msgtype") in KINDS
    return is_message and event.text("url") is not None and event.relation.get("rel_type") != "m.replace"


def _once(room_id: str, event_id: str) -> str:
    # With the room: a redaction that names another room's event takes nothing back.
    return f"library {room_id} {event_id}"
