"""The report of a month: frozen once, when the month has been decided about, and told to the managers.

What is frozen is a document of words and of numbers that were decided to be shown (`belisha.metrics.respect`). It names
no member and no group, since what a group is called is asked whenever a page shows it (rule P2); and it has no
annotation, which a manager may take away again (rule E1). So nothing in it ever has to be taken out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.metrics.advice import advice
from belisha.metrics.days import Period, day_of, month_of
from belisha.metrics.respect import SETTLED, Name, Release
from belisha.tlp import Label
from belisha.translation import _
from bots.kernel.answers import Block as Said
from bots.kernel.answers import Link, paragraph, points, say
from bots.metrics.contents import SECTIONS
from bots.metrics.figures import Figures
from bots.metrics.publishing import read
from bots.metrics.sections import Asked, Block, month_name
from bots.metrics.tables import progress, report

#: Which sections are in it, in order; of those with groups the plots that name none.
_SECTIONS: Final = ("overview", "growth", "retention", "organisations")
_BESIDE: Final = {"groups": ("answers", "labels"), "trust": ("reports",)}
#: So much of what a month says stands in the message.
_TOLD: Final = 3


def freeze(connection: sa.Connection, now: float, zone: ZoneInfo, community: str = "") -> Period | None:
    """Writes the reports that are due; the newest month of them.

    A month's is due when its active members have been decided about. The first report is of the newest such month;
    from then on each month has one, also where the bots were down meanwhile.

    Args:
        connection: a transaction that writes.
        now: seconds since 1970.
        zone: of the community's clock.
        community: what it is called.
    """
    today = day_of(int(now * 1000), zone)
    last = connection.execute(sa.select(sa.func.max(report.c.month))).scalar_one()
    release = read(connection)
    over = {
        name.period for name in release if name[1:] == ("active", "") and name.period == month_of(name.period.first)
    }
    due = sorted(one for one in over if one.last + SETTLED < today and (last is None or one.first.toordinal() > last))
    if last is None:
        due = due[-1:]
    sample = bool(connection.execute(sa.select(progress.c.sample)).scalar_one())
    for month in due:
        made = document_of(release, month, today, community, sample=sample)
        row = {"month": month.first.toordinal(), "made": today.toordinal(), "document": json.dumps(made)}
        connection.execute(report.insert().values(row))
    return due[-1] if due else None


def document_of(release: Release, month: Period, made: date, community: str, *, sample: bool = False) -> dict[str, Any]:
    """A report, as JSON can carry it.

    Args:
        release: everything that was decided; what is later than the month is left out.
        month: a whole month.
        made: the day on which it is made.
        community: what the community is called.
        sample: whether the numbers are of a made-up community.
    """
    until = {name: one for name, one in release.items() if name.period.last <= month.last}
    asked = Asked(Figures(until), month, {})
    blocks = [one for key in _SECTIONS for one in SECTIONS[key][1](asked)]
    blocks += [one for key, slugs in _BESIDE.items() for one in SECTIONS[key][1](asked) if one.slug in slugs]
    return {
        "title": f"{community or 'The community'}: {month_name(month)}",
        "community": community,
        "month": month.first.isoformat(),
        "made": made.isoformat(),
        "label": str(Label.AMBER),
        "sample": sample,
        "told": f"The report of {month_name(month)} for those who run the community, made on {made.isoformat()}.",
        "words": _WORDS,
        "advice": [
            {"rule": one.rule, "changed": one.changed, "why": one.why, "tries": one.tries}
            for one in advice(release, month)
        ],
        "numbers": {part: _number(release, month, *name) for part, name in NUMBERS.items()},
        "blocks": [_plain(one) for one in blocks if one.rows],
    }


#: The few numbers, by what they are called.
NUMBERS: Final[Mapping[str, tuple[str, str]]] = {
    "Active members": ("active", ""),
    "Were there the month before": ("growth", "returning"),
    "Came, or came back": ("growth", "came"),
    "Wrote something": ("reading", "contributed"),
}
#: What stands between the words and numbers of a PDF.
_WORDS: Final = {
    "says": "What the numbers say",
    "nothing": "Too few of this month's numbers may be shown to say anything of it.",
    "why": "Why that may be:",
    "tries": "What to try:",
    "numbers": "The numbers",
    "rule": (
        "A number is shown where it, and whatever can be worked out from it and the others, is about five members of"
        " two organisations at least. A dash stands for one that is not. No member and no group is named."
    ),
    "below": "The table below has the same numbers.",
    "what": "What",
}


def message(made: Mapping[str, Any], portal: str) -> Sequence[Said]:
    """What managers are told when a report is there.

    Args:
        made: the document.
        portal: the address of the portal; empty where there is none.
    """
    month = date.fromisoformat(made["month"])
    blocks: list[Said] = [say(_("The report of {month} is there."), month=f"{month:%B %Y}")]
    if lines := [(one["changed"],) for one in made["advice"][:_TOLD]]:
        blocks.append(points(lines))
    if portal:
        address = f"{portal}/metrics/report?month={month:%Y-%m}"
        told = _("Why that may be, what to try, and all plots as a PDF: {page}.")
        blocks.append(say(told, page=Link(_("the report"), address)))
    else:
        blocks.append(paragraph(_("The portal, which shows the whole report, is not set up here.")))
    return tuple(blocks)


def _number(release: Release, month: Period, measure: str, part: str) -> int | None:
    found = release.get(Name(month, measure, part))
    return None if found is None else found.members


def _plain(block: Block) -> dict[str, Any]:
    """A block as JSON can carry it, without the columns in which nothing stands."""
    keeps = [place for place in range(len(block.heads)) if any(row[place] != "" for row in block.rows)]
    return {
        "title": block.title,
        "told": block.told,
        "svg": block.svg,
        "heads": [block.heads[place] for place in keeps],
        "rows": [[row[place] for place in keeps] for row in block.rows],
    }
