"""Announcements: the button under each, who has acknowledged it, and one reminder after three days."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from belisha.acts.announcements import ACKNOWLEDGES
from belisha.policy.muted import told as moment
from belisha.translation import _
from bots.kernel.answers import Block, Link, Strong, Typed, notice, paragraph, points, say
from bots.kernel.bot import Context, Job, Needs, Unacknowledged
from bots.kernel.calls import Answer, Call, Outcome
from bots.kernel.effects import Effect, React, Schedule, Send
from bots.steward.groups import link_to

#: Begins the names of its jobs.
REMIND: Final = "remind "
#: After so long, in seconds, those are reminded who have not acknowledged it.
AFTER_S: Final = 3 * 86_400.0


def link_of(room_id: str, event_id: str, text: str) -> Link:
    """A link by which every client opens a message."""
    address, _question, query = link_to(room_id, text).address.partition("?")
    return Link(text, f"{address}/{event_id}?{query}")


def announced(_call: Call, outcome: Outcome, context: Context) -> Answer:
    """Puts the button under an announcement, and has those reminded who do not tap it."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    room_id, event_id = str(done["room_id"]), str(done["event_id"])
    effects: Sequence[Effect] = (
        React(event_id, ACKNOWLEDGES[0], room=room_id),
        Schedule(f"{REMIND}{event_id}", context.now + AFTER_S, {"event_id": event_id, "after": ""}),
    )
    return Answer(
        (
            paragraph(_("Done: it is announced in your name: "), link_of(room_id, event_id, _("look at it"))),
            say(
                _("Who has read it taps ✅. After three days I remind the others, once. {status} tells how many."),
                status=Typed("!announce status"),
            ),
        ),
        effects,
    )


def status(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Tells how many have acknowledged the newest announcements, by organisation."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    blocks: list[Block] = []
    for one in done.get("announcements") or ():
        blocks += _one(one)
    return Answer(tuple(blocks) or (paragraph(_("Nothing was announced so far.")),))


def _one(one: Mapping[str, Any]) -> Sequence[Block]:
    counts = [
        (str(each["name"]), int(each["acknowledged"]), int(each["of"])) for each in one.get("organisations") or ()
    ]
    all_, of = sum(count for _name, count, _of in counts), sum(most for _name, _count, most in counts)
    link = link_of(str(one["room_id"]), str(one["event_id"]), _("Announcement"))
    told = say(
        _("{announcement} of {moment} by {member}: {count} of {of} have acknowledged it."),
        announcement=link,
        moment=moment(int(one["at"])),
        member=Typed(f"@{one['by']}"),
        count=Strong(str(all_)),
        of=str(of),
    )
    lines = [(Typed(name), ": ", _("{count} of {of}").format(count=count, of=most)) for name, count, most in counts]
    return (told, points(lines)) if lines else (told,)


def job_needs(job: Job) -> Needs | None:
    """What must be known for a reminder; None where a job is none."""
    if not job.name.startswith(REMIND):
        return None
    return Needs(unacknowledged=(str(job.arguments["event_id"]), str(job.arguments["after"])))


def remind(job: Job, context: Context) -> Sequence[Effect]:
    """Reminds those who have not acknowledged an announcement, in their own rooms; the rest of many by a next job."""
    left, event_id = context.unacknowledged, str(job.arguments["event_id"])
    if not isinstance(left, Unacknowledged):
        return ()  # it was taken back
    link = link_of(left.room_id, event_id, _("an announcement"))
    blocks = (
        paragraph(_("The people who run the community ask you to read "), link, "."),
        paragraph(_("Tap ✅ under it when you have. I do not remind you again.")),
    )
    effects: list[Effect] = [
        Send(notice(blocks), room=room, once=f"{REMIND}{event_id} {room}", waits=True) for room in left.service_rooms
    ]
    if left.onward is not None:
        effects.append(Schedule(job.name, context.now, {"event_id": event_id, "after": left.onward}))
    return effects


#: Who tells how an act ended.
TOLD: Final[Mapping[str, Callable[[Call, Outcome, Context], Answer]]] = {
    "announce": announced,
    "announce_status": status,
}
