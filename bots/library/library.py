"""What the bot does about files: it answers questions about them, and leads to copies where groups give out only these.

It keeps nothing of any file but which of its answers name it: what it says, the module says at that moment (P2 and E1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Final
from urllib.parse import quote

from belisha.commands.reading import Asked
from belisha.commands.spoken import address_of
from belisha.documents import KINDS
from belisha.events import LABEL_KEY
from belisha.tlp import Label
from belisha.translation import _
from bots.kernel.answers import Link, notice, paragraph, say
from bots.kernel.bot import Context, Job, Needs, Policy
from bots.kernel.calls import Acting, Answer, Call, Entry
from bots.kernel.desk import could_not_ask
from bots.kernel.effects import Effect, Redact, Send, Sent, transaction_id
from bots.kernel.events import Event
from bots.kernel.outbox import was_said
from bots.kernel.rules import Rule
from bots.kernel.shelf import Paper, Shelf
from bots.library import acts, answers, words
from bots.library.commands import FIND, INFO, VERSIONS, WHO

#: The job that takes answers back, and how often it comes, in seconds.
TAKE_BACK: Final = "library take back"
_EVERY: Final = 20
_BOT: Final = "steward"  # in whose name it speaks
_REDACTION: Final = "m.room.redaction"


class Library:
    """The library, as a part of the steward."""

    rules: Mapping[str, Rule] = {TAKE_BACK: Rule(time(0), every=_EVERY)}

    def __init__(self, portal: str = "") -> None:
        """Knows the portal's address; empty where there is none, and so no copies."""
        self._portal = portal
        self.entries: Sequence[Entry] = (
            Entry(FIND, self._answer, documents=lambda asked: ("documents", str(asked.arguments.get("words", "")))),
            *(Entry(one, self._answer, documents=_one) for one in (INFO, VERSIONS, WHO)),
        )
        self.acts: Mapping[str, Acting] = acts.TOLD

    # --- Commands ------------------------------------------------------------------------------------------------

    def _answer(self, call: Call, context: Context) -> Answer:
        """Tells of files, by what the module says of them at this moment (rule P2), until one of them changes."""
        shelf = context.documents
        if not isinstance(shelf, Shelf):
            nothing = _("Your groups share no file that has that.") if shelf.no_such_room else could_not_ask()
            return Answer((paragraph(nothing),))
        papers: Sequence[Paper] = shelf.papers
        if call.command is FIND:
            blocks = words.found(shelf, str(call.arguments.get("words", "")), self._portal)
            papers = papers[: words.LISTED]
        elif call.command is INFO:
            blocks = words.info(shelf, self._portal)
        elif call.command is VERSIONS:
            blocks = words.versions(shelf, self._portal)
            papers = (*shelf.versions[: words.LISTED], *shelf.others[: words.LISTED])
        else:
            blocks, papers = words.who(shelf), papers if shelf.is_source else ()
        if not papers:
            return Answer(blocks)
        once = f"library says {context.occasion}"
        answers.remember(context, once, call.answer_in, papers)
        sent = replace(call.send(blocks), once=once)
        # The room's own label is AMBER; names of stricter files keep theirs.
        label = max(one.label for one in papers)
        if label > Label.AMBER:
            sent = replace(sent, content={**sent.content, LABEL_KEY: {"label": str(label)}})
        return Answer(effects=(sent,))

    # --- Events --------------------------------------------------------------------------------------------------

    def watches(self, event: Event) -> bool:
        """Whether an event may change a file that an answer names, whoever else it concerns."""
        return answers.changed(event) is not None

    def note(self, event: Event, context: Context) -> None:
        """Has such answers go."""
        answers.note(context, event)

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
        answers.note(context, event)
        return (self.handle(event, context) or ()) if event.type == _REDACTION else ()

    def job_needs(self, _job: Job) -> Needs | None:
        """Nothing is asked for its job."""
        return None

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Takes answers back whose time is over; None for other jobs."""
        return answers.due(context) if job.name == TAKE_BACK else None


def _one(asked: Asked) -> tuple[str, str]:
    """The file that a command names: a link to its message says where that is, else it is words."""
    about = str(asked.arguments["file"])
    return "document", address_of(about) or about


def _is_file(event: Event) -> bool:
    """Whether a message shares a file; an edit leaves the link where it is."""
    is_message = event.type == "m.room.message" and event.text("msgtype") in KINDS
    return is_message and event.text("url") is not None and event.relation.get("rel_type") != "m.replace"


def _once(room_id: str, event_id: str) -> str:
    # With the room: a redaction that names another room's event takes nothing back.
    return f"library {room_id} {event_id}"
