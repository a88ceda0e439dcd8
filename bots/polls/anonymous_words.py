"""What is said of anonymous polls in their groups."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from belisha.polls.ballots import FEWEST_VOTERS, is_unanimous
from belisha.translation import _, many
from bots.kernel.answers import Block, Link, Strong, Typed, paragraph, say
from bots.polls import words


def rules() -> Block:
    """What is said under a new one."""
    return paragraph(
        _("It is anonymous: one votes on the portal, by the link on its card, and can change it until it closes."),
        " ",
        _("Now and then I say how many quarters of those who may vote have voted."),
    )


def turnout(step: int) -> Sequence[Block]:
    """So many quarters have voted; 4 are all."""
    if step == 4:
        return (paragraph(_("All who may vote have voted; they can change their votes until the poll closes.")),)
    told = (
        _("At least a quarter of those who may vote have voted."),
        _("At least half of those who may vote have voted."),
        _("At least three quarters of those who may vote have voted."),
    )
    return (paragraph(told[step - 1]),)


def announced(digest: str) -> Sequence[Block]:
    """The hash of the list, before anybody sees the list."""
    return (
        paragraph(_("The poll is closed, and no vote can be changed any more. The list of ballots follows.")),
        say(_("Its SHA-256, by which a list that was changed would show: {digest}"), digest=Typed(digest)),
    )


def result(found: words.Result, zone: ZoneInfo, link: str, digest: str, damaged: int) -> Sequence[Block]:
    """The result, with where the list is."""
    blocks = list(words.result(found, zone))
    if is_unanimous(found.tally):
        blocks.append(paragraph(_("All who voted chose the same. That this would be shown was said beforehand.")))
    if damaged:
        template = many(
            "{count} ballot could not be opened: somebody has changed it. Please ask those who run this place.",
            "{count} ballots could not be opened: somebody has changed them. Please ask those who run this place.",
            damaged,
        )
        blocks.append(paragraph(template))
    blocks.append(
        say(
            _("Find your own ballot by your code in {list}. The SHA-256 of its file is {digest}, as announced above."),
            list=Link(_("the list of ballots"), link),
            digest=Typed(digest),
        )
    )
    return blocks


def too_few(question: str) -> Sequence[Block]:
    """Why there is no result."""
    return (
        say(_("The poll is closed: {question}"), question=Strong(question)),
        paragraph(
            _(
                "There is no result: by now fewer than {count} may vote, so nobody's vote would be hidden among the "
                "others. All ballots are destroyed."
            ).format(count=FEWEST_VOTERS)
        ),
    )


def key_lost() -> Sequence[Block]:
    """Why it was cancelled."""
    return (
        paragraph(
            _(
                "This poll is cancelled: the key that its ballots were sealed with is lost, so nobody can count them, "
                "nor learn how anybody voted. Please begin another."
            )
        ),
    )
