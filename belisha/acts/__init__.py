"""Acts that members ask for by a command and the module carries out: one table for bots, portal and module.

A bot reads a command to hand it over; the module reads the same event again and trusts its own reading alone (rule P3).
"""

from __future__ import annotations

from typing import Final

from belisha.acts.announcements import ANNOUNCE_ACTS
from belisha.acts.contact import CONTACT_ACTS
from belisha.acts.documents import DOCUMENT_ACTS
from belisha.acts.exports import EXPORT_ACTS
from belisha.acts.figures import FIGURE_ACTS
from belisha.acts.freezing import FREEZING_ACTS
from belisha.acts.groups import GROUP_ACTS
from belisha.acts.holds import HOLD_ACTS
from belisha.acts.introductions import INTRODUCTION_ACTS
from belisha.acts.labels import LABEL_ACTS
from belisha.acts.moderation import MODERATION_ACTS
from belisha.acts.own import OWN_ACTS
from belisha.acts.people import PEOPLE_ACTS
from belisha.acts.polls import POLL_ACTS
from belisha.acts.recovery import RECOVERY_ACTS
from belisha.acts.reports import REPORT_ACTS
from belisha.acts.waiting import WAITING_ACTS
from belisha.commands import reading
from belisha.commands.reading import Asked, Problem

ACTS: Final = (
    *GROUP_ACTS,
    *FREEZING_ACTS,
    *PEOPLE_ACTS,
    *LABEL_ACTS,
    *MODERATION_ACTS,
    *REPORT_ACTS,
    *ANNOUNCE_ACTS,
    *POLL_ACTS,
    *CONTACT_ACTS,
    *OWN_ACTS,
    *WAITING_ACTS,
    *RECOVERY_ACTS,
    *INTRODUCTION_ACTS,
    *EXPORT_ACTS,
    *DOCUMENT_ACTS,
    *FIGURE_ACTS,
    *HOLD_ACTS,
)


def read(text: str) -> Asked | Problem | None:
    """The act that a text asks for; None where it begins with no act's words."""
    found = reading.read(text, ACTS)
    return found if isinstance(found, Asked | Problem) else None
