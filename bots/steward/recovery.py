"""What the steward says of a code that gives an account back: to who asked for it, and nobody else."""

from __future__ import annotations

from collections.abc import Callable

from belisha.policy.muted import told as moment
from belisha.translation import _
from bots.kernel.answers import Link, Typed, paragraph, points, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call, Outcome


def telling(portal: str) -> Callable[[Call, Outcome, Context], Answer]:
    """Who tells how it ended; `portal` is the portal's address, empty where there is none."""

    def made(_call: Call, outcome: Outcome, _context: Context) -> Answer:
        """The code, and what to do with it."""
        done = outcome.done
        if done is None:
            return Answer((paragraph(outcome.refused),))
        member, code = Typed(str(done.get("member", ""))), done.get("code")
        if not portal:
            return Answer((paragraph(_("There is no portal here to set a password on. Please ask the operators.")),))
        if not isinstance(code, str):
            lost = _(
                "I made a code for {member}, and its answer was lost. Nobody has seen it. Please ask me once more."
            )
            return Answer((say(lost, member=member),))
        page = Link(_("this page"), f"{portal}/recover")
        return Answer(
            (
                say(
                    _("Give this code to {member} yourself, face to face or by a telephone number that you know:"),
                    member=member,
                ),
                points([(Typed(code),)]),
                say(
                    _("On {page} they type their address, the code, and a new password. You must not learn that one."),
                    page=page,
                ),
                say(
                    _("It holds until {until}, and once. They and the stewards are told that you made it."),
                    until=moment(int(done.get("expires") or 0)),
                ),
            )
        )

    return made
