"""Commands by which members begin polls and end them: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import GROUPS, Argument, Command
from belisha.commands.values import LABEL, YES, choice, number
from belisha.polls.asked import QUESTION
from belisha.polls.deadlines import DEADLINE
from belisha.polls.wire import MOST_ANSWERS
from belisha.translation import marked

#: Key of a poll, with the command that asked for it; it says nothing by itself.
POLL_KEY: Final = "org.belisha.poll"

# Whoever began a poll may be anybody: who may end it, `belisha.policy.polls` decides.
POLL_ACTS: Final = (
    Command(
        ("poll",),
        marked("begins a poll in this group, in your name"),
        '!poll "When do we meet?" | Monday | Tuesday --closes "Friday 17:00"',
        (
            Argument("poll", QUESTION, marked("the question and the answers, with | between them")),
            Argument("closes", DEADLINE, marked("when it closes by itself"), required=False, flag=True),
            Argument(
                "multi", number(1, MOST_ANSWERS), marked("how many answers one may choose"), required=False, flag=True
            ),
            Argument(
                "by",
                choice("organisation"),
                marked("whether each organisation has one vote besides"),
                required=False,
                flag=True,
            ),
            Argument(
                "quorum", number(1, 100_000), marked("how many have to vote for it to count"), required=False, flag=True
            ),
            Argument(
                "anonymous",
                YES,
                marked("whether nobody is to know how anybody voted: one votes on the portal"),
                required=False,
                flag=True,
            ),
            Argument("label", LABEL, marked("its label, where it is not the group's"), required=False, flag=True),
            Argument(
                "voters",
                choice("opening", "closing"),
                marked("whose votes count: of those who are in the group when it opens, or when it closes"),
                required=False,
                flag=True,
            ),
        ),
        where=GROUPS,
        is_about_room=True,
        act="poll_open",
        on_page=marked("begins a poll in a group, in your name"),
        title=marked("Begin a poll"),
        page="/polls/new",
    ),
    Command(
        ("poll", "close"),
        marked("closes the poll that you answer, and counts it"),
        "!poll close",
        where=GROUPS,
        is_answer=True,
        act="poll_close",
        on_page=marked("closes a poll, and counts it"),
        title=marked("Close a poll"),
    ),
    Command(
        ("poll", "extend"),
        marked("has the poll that you answer close at another moment"),
        "!poll extend Friday 17:00",
        (Argument("closes", DEADLINE, marked("when it closes by itself")),),
        where=GROUPS,
        is_answer=True,
        act="poll_extend",
        on_page=marked("has a poll close at another moment"),
        title=marked("Have a poll close at another moment"),
    ),
    Command(
        ("poll", "cancel"),
        marked("takes back the poll that you answer, without a result"),
        "!poll cancel",
        where=GROUPS,
        is_answer=True,
        act="poll_cancel",
        on_page=marked("takes back a poll, without a result"),
        title=marked("Cancel a poll"),
    ),
)
