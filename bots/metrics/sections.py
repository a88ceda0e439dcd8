"""The sections of the managers' pages: which numbers stand in which plot and table; pure. `contents` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from belisha.metrics.arrivals import FOLLOWED
from belisha.metrics.days import Period
from belisha.metrics.measures import CAME_BACK
from bots.charts import bars as charts
from bots.metrics import plots
from bots.metrics.figures import Figures
from bots.metrics.plots import WITHHELD

Number = int | float | None
_WEEKS: Final = 26
_TWO_DAYS: Final = 2 * 24 * 60
_MONTHS: Final = 12
_STEPS: Final = {
    "invited": "An account was made",
    "signed_in": "… signed in",
    "joined": "… has a profile and a group",
    "read": "… read there",
    CAME_BACK: "… came back in week two",
    "contributed": "… and wrote something",
}
#: What somebody may do in a group, by measure.
_IN_GROUPS: Final = {"wrote_in": "… wrote", "voted_in": "… voted", "opened_in": "… opened a file"}
#: Of those who wrote, by part of the measure.
_ANSWERS: Final = {
    "heard": "Had an answer",
    "unheard": "Had none to anything they wrote",
    "answerers": "Were the first to answer somebody",
}
_GROWTH: Final = {
    "returning": "Were there the month before",
    "came": "Came, or came back",
    "quiet": "Went quiet, or left",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One plot with its table.

    Attributes:
        slug: its part of an address.
        title: its heading.
        told: what it shows, in a sentence.
        svg: the plot.
        heads: of the table; the first is what each row is about.
        rows: of the table, in the order of the plot.
        words: those in the table that a picture shows as numbers.
    """

    slug: str
    title: str
    told: str
    svg: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str | Number, ...], ...]
    words: Mapping[str, int] = field(default_factory=dict)

    @property
    def chart(self) -> charts.Bars:
        """The table's numbers as bars, for a picture that leaves the portal; the last ones where they are many."""
        found = list[charts.Bar]()
        for row in self.rows:
            for head, value in zip(self.heads[1:], row[1:], strict=True):
                number = self.words.get(value) if isinstance(value, str) else value or 0
                if isinstance(number, int):
                    name = f"{row[0]}: {head}" if len(self.heads) > 2 else str(row[0])
                    found.append(charts.Bar(name, number, said(value)))
        drawn = tuple(found[-charts.MOST_BARS :])
        return charts.Bars(self.title, self.told, drawn, max((bar.value or 0 for bar in drawn), default=0) or 1)


def said(value: str | Number) -> str:
    """A number as it is shown; a dash where it is withheld."""
    return WITHHELD if value is None else f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked for: the numbers, the month, what groups are called, and which organisations are named.

    The last are those that let themselves be, by id and name, as is so at this moment: in no report that is kept.
    """

    figures: Figures
    month: Period
    group_names: Mapping[str, str]
    named: Sequence[tuple[str, str]] = ()

    @property
    def before(self) -> Period | None:
        """The month before, where anything was decided about it."""
        earlier = [one for one in self.figures.months if one.last < self.month.first]
        return earlier[-1] if earlier else None


def overview(asked: Asked) -> Sequence[Block]:
    """The few numbers that matter beside those of the month before, and their trend."""
    figures, month, before = asked.figures, asked.month, asked.before

    def both(name: str, number: Callable[[Period], Number]) -> tuple[str | Number, ...]:
        now, then = number(month), number(before) if before else None
        return (name, _as_share(now), _as_share(then), _change(now, then))

    rows = (
        both("Active members", lambda one: figures.number(one, "active")),
        *(both(text, lambda one, part=part: figures.number(one, "growth", part)) for part, text in _GROWTH.items()),  # type: ignore[misc]
        both("Wrote something", lambda one: figures.number(one, "reading", "contributed")),
        both("Read, and wrote nothing", lambda one: figures.number(one, "reading", "did_not")),
        both("Share of days on which the active ones came", lambda one: figures.figure(one, "active", "stickiness")),
        both("The busiest tenth's share of what was written", lambda one: figures.figure(one, "top_decile", "share")),
        both("Searched on the portal", lambda one: figures.number(one, "search", "searched")),
        both("… and once at least found nothing", lambda one: figures.number(one, "search", "found_nothing")),
    )
    heads = ("", month_name(month), month_name(before) if before else "The month before", "Change")
    bars = [plots.Bar(str(row[0]), row[1]) for row in rows if isinstance(row[1], int) or row[1] is None][:6]
    told = f"What members did in {month_name(month)}."
    return (Block("month", month_name(month), told, plots.bars(told, bars), heads, rows), _trend(figures))


def _as_share(value: Number) -> str | Number:
    """A share as one says it, `25 %`; a number of members as it is."""
    return f"{round(value * 100)} %" if isinstance(value, float) else value


def _change(now: Number, then: Number) -> str:
    """By how much a number changed: `+18 %`, of shares `+2 points`; empty where one of them is not shown."""
    if now is None or then is None or not then:
        return ""
    if isinstance(now, float):
        points = round(now * 100) - round(then * 100)
        return f"{points:+d} point{'' if abs(points) == 1 else 's'}"
    return f"{round((now - then) * 100 / then):+d} %"


def _trend(figures: Figures) -> Block:
    weeks = figures.weeks[-_WEEKS:]
    marks = {one.number: str(place) for place, one in enumerate(figures.annotations, 1)}
    columns, rows = [], []
    for week in weeks:
        value = figures.number(week, "active")
        here = [one for one in figures.annotations if one.day in week]
        columns.append(plots.Column(_day(week), value, ",".join(marks[one.number] for one in here)))
        notes = "; ".join(f"{marks[one.number]}: {one.text}" for one in here)
        rows.append((f"{_day(week)} {week.first.year}", value, notes))
    told = "Active members in each week, by the Monday on which it began."
    return Block(
        "weeks", "By week", told, plots.columns(told, columns), ("Week", "Active", "What happened"), tuple(rows)
    )


def growth(asked: Asked) -> Sequence[Block]:
    """Where each month's members came from, who wrote, and of which kind of organisation they are."""
    figures, months = asked.figures, asked.figures.months[-_MONTHS:]
    found = []
    for part, title in _GROWTH.items():
        told = f"{title}, by month."
        found.append(_by_month(figures, months, f"growth-{part}", title, told, "growth", part))
    told = "Members who wrote something that others can use, by month."
    found.append(_by_month(figures, months, "contributed", "Wrote something", told, "reading", "contributed"))
    kinds = {part: spoken(part) for part in figures.parts(asked.month, "category")}
    told = f"Active members in {month_name(asked.month)} by the category of their organisation."
    found.append(_parts(figures, asked.month, "categories", "By kind of organisation", told, "category", kinds))
    return found


def _by_month(
    figures: Figures, months: Sequence[Period], slug: str, title: str, told: str, measure: str, part: str
) -> Block:
    values = [(month_name(one), figures.number(one, measure, part)) for one in months]
    svg = plots.columns(told, [plots.Column(name[:3], value) for name, value in values])
    return Block(slug, title, told, svg, ("Month", "Members"), tuple(values))


def _parts(
    figures: Figures, month: Period, slug: str, title: str, told: str, measure: str, names: Mapping[str, str]
) -> Block:
    """The parts of a measure, the largest first and the withheld last."""
    found = figures.parts(month, measure)
    listed = [(names[part], found[part]) for part in found if part in names]
    values = sorted(listed, key=lambda one: (one[1] is None, -(one[1] or 0), one[0]))
    svg = plots.bars(told, [plots.Bar(*one) for one in values])
    return Block(slug, title, told, svg, ("", "Members"), tuple(values))


def retention(asked: Asked) -> Sequence[Block]:
    """How far newcomers come, and how long they stay."""
    figures = asked.figures
    # Of each quarter: of the last one up to the month that is asked for.
    earlier = [one for one in figures.months if one.first <= asked.month.first and figures.parts(one, "funnel")]
    parts = figures.parts(earlier[-1], "funnel") if earlier else {}
    steps = [(text, parts.get(step)) for step, text in _STEPS.items()]
    until = f"up to {month_name(earlier[-1])}" if earlier else "before a quarter's end"
    told = f"Of the members whose accounts were made in the twelve months {until}: how many …"
    svg = plots.bars(told, [plots.Bar(*one) for one in steps])
    funnel = Block("funnel", "First steps", told, svg, ("Step", "Members"), tuple(steps))
    behind, rows = FOLLOWED, list[tuple[str | Number, ...]]()
    for month in figures.months:
        cohort = figures.parts(month, "cohort")
        if cohort:
            rows.append((quarter_name(month), cohort.get(""), *(cohort.get(f"{one:02}", "") for one in behind)))
    told = "Newcomers of each quarter, and how many of them were active in the month so many months after it."
    heads = ("Quarter", "Newcomers", *(f"Month {one}" for one in behind))
    cells = [(str(row[0]), [one for one in row[1:] if not isinstance(one, float)]) for row in rows]
    return (funnel, Block("stay", "Who stays", told, plots.heat(told, heads[1:], cells), heads, tuple(rows)))


def groups(asked: Asked) -> Sequence[Block]:
    """Which groups are alive, and which labels are used."""
    figures, month = asked.figures, asked.month
    told = f"Members who were active in each group in {month_name(month)}."
    found = figures.parts(month, "group")
    names = {room: asked.group_names.get(room, f"A group you are not in ({n})") for n, room in enumerate(found, 1)}
    by_group = _parts(figures, month, "groups", "Groups", told, "group", names)
    told = f"Members who wrote under each label in {month_name(month)}."
    labels = {part: part for part in figures.parts(month, "label")}
    return (
        by_group,
        _in_groups(asked, names),
        _answers(asked),
        _parts(figures, month, "labels", "Labels", told, "label", labels),
    )


def _answers(asked: Asked) -> Block:
    """Whether who wrote was answered, and how soon, in all groups together."""
    figures = asked.figures
    month = figures.newest(asked.month, "asks")  # the last post of a month waits for a week
    parts = figures.parts(month, "asks")
    rows = [(name, parts.get(part)) for part, name in _ANSWERS.items()]
    told = f"Of the members who wrote in a group in {month_name(month)}: how many had an answer within seven days."
    minutes = figures.part_figure(month, "asks", "answerers", "minutes") if parts.get("heard") is not None else None
    wait = ("Half of the answers came within", WITHHELD if minutes is None else duration(int(minutes)))
    bars = plots.bars(told, [plots.Bar(*one) for one in rows])
    return Block("answers", "Answers", told, bars, ("", "Members"), (*rows, wait))


def _in_groups(asked: Asked, names: Mapping[str, str]) -> Block:
    """What the active members of each group did there, the groups in the order of the plot before it."""
    found = [asked.figures.parts(asked.month, measure) for measure in _IN_GROUPS]
    active = asked.figures.parts(asked.month, "group")
    listed = sorted(names, key=lambda room: (active[room] is None, -(active[room] or 0), names[room]))
    # What was never decided about, in months before there was this plot, looks like what is withheld.
    rows = [(names[room], [parts.get(room) for parts in found]) for room in listed]
    told = f"Of the members who were active in each group in {month_name(asked.month)}: how many …"
    heads = tuple(_IN_GROUPS.values())
    table = tuple((name, *cells) for name, cells in rows)
    return Block("in-groups", "In the groups", told, plots.heat(told, heads, rows), ("", *heads), table)


def month_name(month: Period) -> str:
    """A month in words: `March 2026`."""
    return f"{month.first:%B %Y}"


def quarter_name(month: Period) -> str:
    """The quarter that a month begins: `2026, Apr to Jun`."""
    last = month.first.replace(month=month.first.month + 2)
    return f"{month.first:%Y}, {month.first:%b} to {last:%b}"


def spoken(category: str) -> str:
    """A category as a page says it."""
    return "No organisation" if category == "none" else category.capitalize()


def duration(minutes: int) -> str:
    """Such as `40 minutes`, `5 hours` or `3 days`: rounded to what one would say."""
    for least, of, name in ((_TWO_DAYS, 24 * 60, "days"), (120, 60, "hours"), (0, 1, "minutes")):
        if minutes >= least:
            return f"{round(minutes / of)} {name}"
    raise ValueError(minutes)


def _day(week: Period) -> str:
    return f"{week.first.day} {week.first:%b}"
