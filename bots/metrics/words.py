"""What is said about being counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from belisha.metrics.facts import Fact
from belisha.translation import _, marked
from bots.kernel.answers import Block, Table, Typed, paragraph, say
from bots.metrics.book import KEPT_DAYS
from bots.metrics.commands import OPT_IN, OPT_OUT

#: What a member did, by action.
DID: Final = {
    "invited": marked("Your account was made"),
    "signed_in": marked("You signed in"),
    "completed_profile": marked("You said in your profile what you do"),
    "joined": marked("You joined a group"),
    "read": marked("You read in a group, with read receipts that others can see"),
    "posted": marked("You wrote in a group"),
    "answered": marked("You answered somebody in a group"),
    "reacted": marked("You reacted to a message"),
    "voted": marked("You voted (what for is not counted)"),
    "downloaded": marked("You opened a file above TLP:GREEN in a group"),
    "viewed": marked("You opened the portal"),
    "searched": marked("You searched on the portal (what for is not counted)"),
    "found_nothing": marked("You searched on the portal and nothing was found (what for is not counted)"),
    "reported": marked("You reported something (what is not counted)"),
    "acknowledged": marked("A steward looked after what you had reported (who is not counted)"),
    "left": marked("You left the community"),
}


def mine(facts: Sequence[Fact], *, opted_out: bool, journeys: bool = False) -> Sequence[Block]:
    """What is counted about a member, what that is good for, and whether the order of it is looked at."""
    if opted_out:
        return (
            paragraph(_("You are not counted: nothing is kept of what you do, and what was is deleted.")),
            say(_("To be counted again, write {command}."), command=Typed(OPT_IN.example)),
        )
    stop = say(_("To be counted no more, and have this deleted, write {command}."), command=Typed(OPT_OUT.example))
    if not facts:
        return (paragraph(_("Nothing is counted about you so far.")), stop)
    days, times = Counter[str](), Counter(fact.action for fact in facts)
    days.update(action for action, _day in {(fact.action, fact.day) for fact in facts})
    first = {fact.action: fact.day for fact in reversed(facts)}
    rows = [
        (_(DID[action]), str(times[action]), str(days[action]), first[action].isoformat())
        for action in DID
        if action in times
    ]
    heads = (_("What"), _("Times"), _("On days"), _("First"))
    how = _(
        "It stands under a pseudonym, with the day, the group, the label and your organisation: no text, and not whom "
        "you answered. Facts are deleted after {count} days. Figures about fewer than five members are shown to nobody."
    )
    order = _("In which order members do these things is looked at too: what comes next, and how newcomers begin.")
    more = (paragraph(order),) if journeys else ()
    return (
        paragraph(_("This is counted about you:")),
        Table(heads, tuple(rows)),
        say(how, count=KEPT_DAYS),
        *more,
        stop,
    )


def opted_out() -> Sequence[Block]:
    """A member is counted no more."""
    return (
        paragraph(_("You are counted no more. What was counted about you is deleted, within a minute everywhere.")),
        paragraph(_("Figures that were shown before stay as they are: each is about five members or more.")),
        say(_("To be counted again, write {command}."), command=Typed(OPT_IN.example)),
    )


def opted_in() -> Sequence[Block]:
    """A member is counted again."""
    told = _("You are counted from now on, as somebody new: what you did before is not known any more.")
    return (paragraph(told), say(_("To see what is counted, write {command}."), command=Typed("!metrics mine")))
