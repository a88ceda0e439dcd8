"""An urgent report that nobody looks after: whom to tell, step by step, until somebody does. No content is told.

The first step comes so many minutes after the report, each next one as many after the one before: after as many again
where the bots were down meanwhile, so that whoever is told has the time to act before the next is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from belisha.policy.muted import told as moment
from belisha.translation import _
from bots.kernel.answers import Link, Strong, notice, paragraph, plain, say
from bots.kernel.bot import Context, Job
from bots.kernel.config import Escalation as Settings
from bots.kernel.effects import Effect, Hook, Mail, Schedule, Send, Unschedule
from bots.steward.tables import report

#: Begins the names of its jobs.
ESCALATE: Final = "escalate "


@dataclass(frozen=True, slots=True)
class _Step:
    """Whom one step tells besides the stewards' room."""

    mail: str | None = None
    webhook: bool = False


class Escalation:
    """Tells one after the other."""

    def __init__(self, settings: Settings, portal: str) -> None:
        """Knows whom to tell.

        Args:
            settings: The addresses, and after how long.
            portal: The portal's address; empty where there is none.
        """
        self._after = settings.minutes * 60.0
        self._portal = portal
        first = _Step(settings.mail, settings.webhook is not None)
        later = [*settings.stewards, *([settings.manager] if settings.manager else [])]
        self._steps = (first, *(_Step(address) for address in later))

    def begin(self, number: int, since: float) -> Schedule:
        """Has the first step taken, unless somebody looks after the report before that."""
        return Schedule(f"{ESCALATE}{number}", since + self._after, {"number": number, "step": 0})

    @staticmethod
    def end(number: int) -> Unschedule:
        """Has no further step taken."""
        return Unschedule(f"{ESCALATE}{number}")

    def run(self, job: Job, context: Context) -> Sequence[Effect]:
        """Takes a step that is due, where nobody looks after the report yet."""
        number, step = int(job.arguments["number"]), int(job.arguments["step"])
        waiting = (report.c.number == number, report.c.looked_after.is_(sa.false()))
        row = context.database.execute(sa.select(report).where(*waiting)).one_or_none()
        if row is None or step >= len(self._steps):
            return ()
        told, once = self._steps[step], f"{ESCALATE}{number} {step}"
        effects: list[Effect] = [Send(self._in_room(number, row.since), room=row.room_id, once=f"{once} room")]
        if told.mail is not None:
            effects.append(self._mail(told.mail, number, row.since, f"{once} mail"))
        if told.webhook:
            effects.append(Hook(self._call(number, row.since, step), once=f"{once} webhook"))
        if step + 1 < len(self._steps):
            at = max(job.due, context.now) + self._after
            effects.append(Schedule(job.name, at, {"number": number, "step": step + 1}))
        return effects

    def _in_room(self, number: int, since: float) -> dict[str, Any]:
        head = _("Report {number} is urgent, and nobody looks after it.").format(number=number)
        blocks = (
            paragraph(Strong(head)),
            say(_("It came at {moment}: tap 👀 on its card."), moment=moment(int(since))),
        )
        return notice(blocks) | {"msgtype": "m.text"}

    def _mail(self, to: str, number: int, since: float, once: str) -> Mail:
        subject = _("Report {number} is urgent, and nobody looks after it").format(number=number)
        blocks = [
            say(_("An urgent report came in at {moment}, and nobody looks after it yet."), moment=moment(int(since))),
            paragraph(_("What it is about stands in the stewards' room and on the portal, and in no mail.")),
        ]
        if self._portal:
            link = Link(_("The report"), f"{self._portal}/reports/{number}")
            blocks.append(paragraph(link))
        return Mail(to, subject, f"{plain(blocks)}\n", once=once)

    def _call(self, number: int, since: float, step: int) -> dict[str, Any]:
        link = {"link": f"{self._portal}/reports/{number}"} if self._portal else {}
        return {"what": "org.belisha.report.waiting", "number": number, "since": int(since), "step": step + 1, **link}
