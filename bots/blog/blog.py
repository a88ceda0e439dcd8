"""What the bot does for blogs: notices which messages are posts, forgets those that are gone, and lists them.

A post is a member's own message. What changes one is only noticed here; what it says is asked of the module, by a job
that can be done again and again. What somebody is told of posts is decided by the module at that moment (rule P2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any, Final
from urllib.parse import urlencode

from belisha.blog.article import article_of, is_answer, may_be_post, opening
from belisha.events import LABEL_KEY
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.rooms import Purpose
from belisha.tlp import Label
from bots.blog import index, listing, words
from bots.blog.commands import POSTS
from bots.blog.listing import Asked
from bots.kernel.answers import paragraph
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.calls import Acting, Answer, Call, Entry, call_from
from bots.kernel.desk import could_not_ask
from bots.kernel.effects import Effect, Schedule
from bots.kernel.events import REDACTION, Event
from bots.kernel.posts import Blog as Read
from bots.kernel.posts import PostFacts
from bots.kernel.rules import Rule

#: Names of jobs, or what they begin with.
READ: Final = "blog read "
LIST: Final = "blog list "
SWEEP: Final = "blog sweep"
#: So much of a post is indexed, in characters.
_INDEXED: Final = 20_000


class Blog:
    """Blogs, as a part of the steward."""

    rules: Mapping[str, Rule] = {SWEEP: Rule(time(0), every=60)}

    def __init__(self, portal: str = "") -> None:
        """Knows the portal's address; empty where there is none."""
        self._portal = portal
        self.acts: Mapping[str, Acting] = {}
        self.entries: Sequence[Entry] = (Entry(POSTS, self._posts),)

    # --- Events --------------------------------------------------------------------------------------------------

    def needs(self, event: Event) -> Needs | None:
        """What looks like a post, edits, and redactions; nothing of the network is needed to notice them."""
        return Needs() if event.type == REDACTION or _edited(event) or _is_written(event) else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Has a post read that is new or was changed; one that is taken back is forgotten with this event."""
        if event.type == REDACTION:
            return self._taken_back(event, context)
        if (edited := _edited(event)) is not None:
            known = index.known(context.database, edited)
            is_concerned = known is not None or may_be_post(_new_content(event))
            return (_read(event.room_id, edited, context.now),) if is_concerned else ()
        return (_read(event.room_id, event.event_id, context.now),) if _is_written(event) else None

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """Forgets the posts of a group that is no blog any more, and what was redacted in the steward's own name."""
        if event.type == REDACTION:
            return self._taken_back(event, context) or ()
        if event.type == POLICY_TYPE and event.content.get("purpose") != Purpose.BLOG.value:
            index.drop_all(context.database, event.room_id)
        return ()

    def _taken_back(self, event: Event, context: Context) -> Sequence[Effect] | None:
        target = event.text("redacts") or ""
        known = index.known(context.database, target)
        if known is None or known[0] != event.room_id:
            return None
        if known[1] == target:
            index.drop(context.database, target)
            return ()
        return (_read(*known, context.now),)  # an edit: what it changed is as it was

    # --- Commands ------------------------------------------------------------------------------------------------

    def _posts(self, call: Call, context: Context) -> Answer:
        """Which blogs somebody reads is asked for first, and about each post once more."""
        if call.asker.service_room is None:
            return Answer((paragraph(could_not_ask()),))
        kept: dict[str, Any] = {"call": call.to_json(), "items": [], "total": None}
        return Answer(effects=(Schedule(f"{LIST}{context.occasion}", context.now, kept),))

    # --- Jobs ----------------------------------------------------------------------------------------------------

    def job_needs(self, job: Job) -> Needs | None:
        """A post, or what a member reads."""
        if job.name.startswith(READ):
            return Needs(post=(str(job.arguments["room_id"]), str(job.arguments["event_id"])))
        if job.name.startswith(LIST):
            call = job.arguments["call"]
            items = tuple((str(room), str(event)) for room, event in job.arguments["items"])
            return Needs(blog=(str(call["service_room"]), str(call["user_id"]), items))
        return None

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Reads a post, or goes on with a list; None for other jobs."""
        if job.name == SWEEP:
            index.sweep(context.database)
            return ()
        if job.name.startswith(READ):
            _indexed(str(job.arguments["event_id"]), context)
            return ()
        return self._listed(job, context) if job.name.startswith(LIST) else None

    def _listed(self, job: Job, context: Context) -> Sequence[Effect]:
        call, blog = call_from(job.arguments["call"], (POSTS,)), context.blog
        if call is None:
            return ()
        if not isinstance(blog, Read):
            return (call.send((paragraph(could_not_ask()),)),)
        asked, total = asked_for(call.arguments), job.arguments["total"]
        if total is None:
            found = listing.listed(context.database, blog.since, asked)
            items = [(row.room_id, row.event_id) for row in found.rows]
            if items:
                kept = {**job.arguments, "items": items, "total": found.total}
                return (Schedule(f"{job.name} shown", context.now, kept),)
            total = 0
        cards = [card for card in blog.cards if card is not None]
        answer = call.send(words.listed(cards, blog.names, asked, int(total), self._portal))
        # The room's own label is AMBER; titles of stricter posts keep theirs.
        label = max((card.label for card in cards), default=Label.CLEAR)
        if label <= Label.AMBER:
            return (answer,)
        return (replace(answer, content={**answer.content, LABEL_KEY: {"label": str(label)}}),)


def asked_for(arguments: Mapping[str, Any]) -> Asked:
    """What a command looks for."""
    tag = str(arguments.get("tag", "")).removeprefix("#")
    return Asked(query=str(arguments.get("words", "")), tag=tag, page=int(arguments.get("page", 1)))


def address(portal: str, asked: Asked) -> str:
    """The portal's page with the same list."""
    wanted = {"q": asked.query, "tag": asked.tag, "author": asked.author, "group": asked.group}
    query = urlencode({key: value for key, value in wanted.items() if value})
    return f"{portal}/blog?{query}" if query else f"{portal}/blog"


def _indexed(event_id: str, context: Context) -> None:
    """Makes the index say of a post what the module says of it now."""
    facts = context.post
    article = article_of(opening(facts.content, _INDEXED)) if isinstance(facts, PostFacts) else None
    if article is None or not isinstance(facts, PostFacts):
        index.drop(context.database, event_id)
        return
    row = {
        "event_id": facts.event_id,
        "room_id": facts.room_id,
        "author": facts.sender,
        "sent_at": facts.sent_at,
    }
    index.put(context.database, article, row, facts.edits)


def _read(room_id: str, event_id: str, now: float) -> Schedule:
    return Schedule(f"{READ}{event_id}", now, {"room_id": room_id, "event_id": event_id})


def _is_written(event: Event) -> bool:
    is_message = event.type == "m.room.message" and event.state_key is None and not is_answer(event.content)
    return is_message and article_of(opening(event.content)) is not None


def _edited(event: Event) -> str | None:
    """The id of the message that an edit changes."""
    target = event.relation.get("event_id")
    is_edit = event.type == "m.room.message" and event.relation.get("rel_type") == "m.replace"
    return target if is_edit and isinstance(target, str) else None


def _new_content(event: Event) -> Mapping[str, Any]:
    changed = event.content.get("m.new_content")
    return changed if isinstance(changed, dict) else {}
