"""What is said of polls: the result in one sentence and a table, and what else there is to know about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from belisha.polls.tally import Tally, most_chosen
from belisha.polls.wire import Start
from belisha.translation import _, many
from bots.charts.bars import Bar, Bars
from bots.kernel.answers import Block, Link, Strong, Table, Words, in_html, paragraph, plain, points, say

#: A poll of a client may be as long as an event may be, and its result must fit into one as text and as HTML. So it is
#: said with that many characters of each answer and so many organisations, or else with fewer.
_MEASURES: Final = ((340, 60), (80, 30), (24, 10))
_MOST_BYTES: Final = 48_000  # of 65,536; label, badge and the rest need some


@dataclass(frozen=True, slots=True)
class Result:
    """What a poll came to, and what was asked of it."""

    start: Start
    tally: Tally
    names: Mapping[str, str]
    """Of organisations, by id."""
    quorum: int | None = None
    due: float | None = None
    """When it was due, in seconds since 1970, where it closed by itself."""
    edited_late: bool = False
    """Whether it was edited after the first vote."""
    longest: int = _MEASURES[0][0]
    """How many characters are said of an answer."""
    listed: int = _MEASURES[0][1]
    """How many organisations are listed."""


def moment(at: float, zone: ZoneInfo) -> str:
    """A moment by the community's clock."""
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M} ({zone.key})"


def result(found: Result, zone: ZoneInfo) -> Sequence[Block]:
    """The whole message, as much of it as fits into an event."""
    blocks: Sequence[Block] = ()
    for longest, listed in _MEASURES:
        blocks = _result(replace(found, longest=longest, listed=listed), zone)
        if len(f"{plain(blocks)}{in_html(blocks)}".encode()) < _MOST_BYTES:
            break
    return blocks


def _result(found: Result, zone: ZoneInfo) -> Sequence[Block]:
    blocks: list[Block] = [
        say(_("The poll is closed: {question}"), question=Strong(_short(found.start.question, found.longest))),
        paragraph(sentence(found)),
        table(found),
    ]
    if found.tally.organisations:
        blocks.append(paragraph(_("By organisation, each with one vote:")))
        blocks.append(points(_organisations(found)))
    blocks += [paragraph(one) for one in notes(found, zone)]
    return blocks


def sentence(found: Result) -> str:
    """The result in one sentence."""
    tally, texts = found.tally, _texts(found)
    if not tally.voters:
        return _("Nobody has voted.")
    if found.quorum is not None and not quorum_is_met(found):
        template = _("It does not count: {voters} of the {quorum} who are needed have voted.")
        return template.format(voters=tally.voters, quorum=found.quorum)
    leading = tally.leading()
    votes, voters = tally.counts[leading[0]], tally.voters
    if len(leading) == 1:
        template = _("“{answer}” has the most votes: {votes} of {voters}.")
        return template.format(answer=texts[leading[0]], votes=votes, voters=voters)
    names = ", ".join(f"“{texts[one]}”" for one in leading)
    return _("{answers} have the same number of votes: {votes} of {voters} each.").format(
        answers=names, votes=votes, voters=voters
    )


def moved(poll: Link) -> Block:
    """What is said first of a poll whose group has moved."""
    return say(_("This poll was open in {poll} when the group moved here, which ended it."), poll=poll)


def moved_for_maker(room: Link) -> Block:
    """What is said to whoever began it."""
    template = _("Your poll was open when its group moved, which ended it. What it came to stands in {room}.")
    return say(template, room=room)


def chart(found: Result) -> Bars:
    """The same as a bar chart, as far as it can be said in an event too; a full bar is everybody who has voted."""
    drawn = _chart(found)
    for longest, _listed in _MEASURES[1:]:
        blocks = in_words(drawn)
        if len(f"{plain(blocks)}{in_html(blocks)}".encode()) < _MOST_BYTES:
            break
        drawn = _chart(replace(found, longest=longest))
    return drawn


def _chart(found: Result) -> Bars:
    tally, organised = found.tally, found.tally.by_organisation
    counts = quorum_is_met(found)
    leading = tally.leading() if counts else ()
    voting = len(tally.organisations)
    bars = []
    for option in found.start.options:
        count = tally.counts[option.id]
        second = None if organised is None else organised[option.id]
        said = "" if second is None else _("{count} of {all}").format(count=second, all=voting)
        is_first = option.id in leading
        bars.append(
            Bar(
                _short(option.text, found.longest),
                count,
                f"{count} ({_share(count, tally.voters)})",
                is_first,
                second,
                said,
            )
        )
    if split := sum(one.split for one in tally.organisations):
        said = _("{count} of {all}").format(count=split, all=voting)
        bars.append(Bar(_("(split: no single answer)"), None, "", second=split, second_said=said))
    return Bars(
        title=_short(found.start.question, found.longest),
        told=sentence(found),
        bars=tuple(bars),
        whole=tally.voters,
        second_whole=voting,
        notes=_quorum(found),
        key=None if organised is None else (_("Votes"), _("Organisations, each with one vote")),
    )


def quorum_is_met(found: Result) -> bool:
    """Whether as many have voted as are needed."""
    return found.quorum is None or found.tally.voters >= found.quorum


def _quorum(found: Result) -> list[str]:
    """What is said of a quorum that is met; one that is missed is the result itself."""
    if found.quorum is None or not found.tally.voters or not quorum_is_met(found):
        return []
    template = _("It counts: {voters} have voted, of whom {quorum} were needed.")
    return [template.format(voters=found.tally.voters, quorum=found.quorum)]


def in_words(drawn: Bars) -> Sequence[Block]:
    """What a chart shows, for those who do not see it."""
    lines = []
    for bar in drawn.bars:
        said = [bar.said] if bar.value is not None else []
        if bar.second is not None:
            said.append(_("organisations: {count}").format(count=bar.second_said))
        lines.append((f"{' '.join(bar.name.split())}: {'; '.join(said)}",))
    told = paragraph(_("The result as a picture. {sentence}").format(sentence=drawn.told))
    return (told, points(lines), *(paragraph(note) for note in drawn.notes))


def _share(count: int, voters: int) -> str:
    return f"{round(100 * count / voters) if voters else 0} %"


def table(found: Result) -> Table:
    """The answers with their votes."""
    tally = found.tally
    organised = tally.by_organisation
    heads = [_("Answer"), _("Votes"), _("Share")] + ([] if organised is None else [_("Organisations")])
    rows = []
    for option in found.start.options:
        count = tally.counts[option.id]
        more = [] if organised is None else [str(organised[option.id])]
        rows.append((_short(option.text, found.longest), str(count), _share(count, tally.voters), *more))
    return Table(tuple(heads), tuple(rows))


def _organisations(found: Result) -> list[tuple[Words, ...]]:
    texts, lines = _texts(found), list[tuple[Words, ...]]()
    for vote in found.tally.organisations[: found.listed]:
        chosen = ", ".join(texts[one] for one in vote.choices) or _("split")
        voters = many("{count} vote", "{count} votes", vote.voters)
        lines.append((Strong(found.names.get(vote.organisation, vote.organisation)), f" ({voters}): {chosen}"))
    if more := len(found.tally.organisations) - len(lines):
        lines.append((many("… and {count} more.", "… and {count} more.", more),))
    leading = most_chosen(found.tally.by_organisation or {})
    if leading:
        names = ", ".join(texts[one] for one in leading)
        lines.append((_("Most organisations: {answers}").format(answers=names),))
    return lines


def notes(found: Result, zone: ZoneInfo) -> list[str]:
    """What else there is to know, in sentences."""
    tally, told = found.tally, list[str]()
    if found.edited_late:
        told.append(
            _("It was edited after the first vote. It is counted as it was before that, and so it stands here.")
        )
    told += _quorum(found)
    if found.start.most > 1:
        told.append(_("One could choose up to {count} answers.").format(count=found.start.most))
    if found.due is not None:
        told.append(_("It was due at {moment}; later votes do not count.").format(moment=moment(found.due, zone)))
    if tally.late:
        told.append(many("{count} vote came too late.", "{count} votes came too late.", tally.late))
    if tally.spoiled:
        told.append(
            many("{count} vote was taken back or spoiled.", "{count} votes were taken back or spoiled.", tally.spoiled)
        )
    if tally.not_eligible:
        told.append(
            many(
                "{count} vote is of somebody who is not among the voters, and does not count.",
                "{count} votes are of people who are not among the voters, and do not count.",
                tally.not_eligible,
            )
        )
    return told


def _texts(found: Result) -> dict[str, str]:
    return {option.id: _short(option.text, found.longest) for option in found.start.options}


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
