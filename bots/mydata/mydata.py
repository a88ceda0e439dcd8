"""`!mydata`: hands what the bots hold about a member to the module, which makes the copy, and says where to take it.

The bots give their part and get nothing: the copy has what was written in rooms of named people (rule P1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from belisha.acts.exports import MYDATA, MYDATA_FOR
from belisha.held import KnownAs, Own
from belisha.policy.exports import KEPT_S
from belisha.translation import _
from bots.kernel.answers import Block, Typed, notice, paragraph, say
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.calls import Acting, Answer, Call, Entry, Outcome
from bots.kernel.effects import Contribute, Effect, Send
from bots.kernel.events import Event
from bots.kernel.rules import Rule
from bots.kernel.tables import metadata
from bots.mydata.held import HELD
from bots.steward import named

_DAYS: Final = KEPT_S // 86_400
#: Under this stands what is counted about the member.
COUNTED: Final = "counted by the metrics"
Counted = Callable[[sa.Connection, str], list[dict[str, Any]]]
#: Under this the copy says what the bots hold and do not give, and why.
_NOT_GIVEN: Final = "not given by the bots"


class MyData:
    """Copies of members' data, as a part of the steward."""

    entries: Sequence[Entry] = ()
    rules: Mapping[str, Rule] = {}

    def __init__(self, portal: str = "", counted: Counted | None = None) -> None:
        """Knows the portal's address; empty where there is none.

        Args:
            portal: It.
            counted: What the metrics keep about a member, whom their tables do not name; None where nothing is counted.
        """
        self._portal = portal
        self._counted = counted
        self.acts: Mapping[str, Acting] = {
            str(MYDATA.act): Acting(self._made, check=self._check),
            str(MYDATA_FOR.act): Acting(self._made_for, check=self._check),
        }

    def _check(self, _call: Call, _context: Context) -> str | None:
        if self._portal:
            return None
        return _("This community has no portal, on which a copy is taken. Please ask those who run it.")

    def _made(self, _call: Call, outcome: Outcome, context: Context) -> Answer:
        if outcome.done is None:
            return Answer((paragraph(outcome.refused),))
        said = paragraph(_("A copy of what is held about you is being made."))
        return Answer((said, *self._where()), (self._part(outcome.done, context),))

    def _made_for(self, call: Call, outcome: Outcome, context: Context) -> Answer:
        done = outcome.done
        if done is None:
            return Answer((paragraph(outcome.refused),))
        can_take = done.get("belongs", True)
        effects: list[Effect] = [self._part(done, context)]
        room = done.get("own_room")
        if isinstance(room, str):
            made = paragraph(_("A manager has a copy made of what is held about you, as you asked."))
            where = self._where() if can_take else [paragraph(_("Those who run the community hand it to you."))]
            effects.append(Send(notice((made, *where)), room=room, once=f"mydata {done['export']}"))
        who = named.member(done, call.arguments["member"])
        said = _(
            "A copy of what is held about {member} is being made. Only they can take it, on the portal; they are told."
        )
        if not can_take:
            said = _(
                "A copy of what is held about {member} is being made. They cannot take it on the portal: when it is "
                "whole, in a few minutes, an operator takes it by {command} and hands it to them."
            )
        return Answer((say(said, member=who, command=Typed("belisha member export")),), effects)

    def _part(self, done: Mapping[str, Any], context: Context) -> Contribute:
        room = done.get("own_room")
        own = Own(str(done["member"]), room if isinstance(room, str) else None)
        sections = gathered(context.database, own)
        if self._counted and (counted := self._counted(context.database, own.user_id)):
            sections[COUNTED] = counted
        return Contribute(own.user_id, str(done["export"]), sections)

    def _where(self) -> Sequence[Block]:
        kept = _("It can be taken for {count} days. What others wrote is not in it, and nobody else can read it.")
        return (
            say(_("See how far it is, and take it: {link}"), link=Typed(f"{self._portal}/mydata")),
            say(kept, count=_DAYS),
        )

    # --- Nothing else concerns it --------------------------------------------------------------------------------

    def needs(self, event: Event) -> Needs | None:
        """No event but commands concerns it."""
        return None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """See `needs`."""
        return None

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """See `needs`."""
        return ()

    def job_needs(self, job: Job) -> Needs | None:
        """There are no jobs of its own."""
        return None

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """See `job_needs`."""
        return None


def gathered(connection: sa.Connection, own: Own) -> dict[str, list[dict[str, Any]]]:
    """What the bots hold about a member, by sections."""
    found: dict[str, list[dict[str, Any]]] = {}
    for held in HELD:
        if not held.section:
            continue
        table = metadata.tables[held.table]
        theirs = sa.or_(*(_is(table.c[column], held.known_as, own) for column in held.mine))
        columns = [table.c[name] for name in dict.fromkeys((*held.give, *held.masked))]
        rows = connection.execute(sa.select(*columns).where(theirs).order_by(*columns)).mappings()
        if given := [held.row(dict(row), own) for row in rows]:
            found.setdefault(held.section, []).extend(given)
    found[_NOT_GIVEN] = [{"table": held.table, "why": held.left} for held in HELD if held.left]
    return found


def _is(column: sa.ColumnElement[str], known_as: KnownAs, own: Own) -> sa.ColumnElement[bool]:
    if known_as is KnownAs.OWN_ROOM:
        return column == own.service_room if own.service_room else sa.false()
    if known_as is KnownAs.FORM:
        return sa.func.substr(column, 1, len(own.form)) == own.form
    return column.in_(own.names)
