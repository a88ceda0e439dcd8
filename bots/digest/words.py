"""The words of a digest; its lines are each source's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from belisha.digest.values import Digest, Why
from belisha.translation import _, many
from bots.digest.commands import DIGEST
from bots.digest.source import Source
from bots.kernel.answers import Block, Strong, Typed, Words, paragraph, points, say
from bots.polls.words import moment


def digest(told: Digest, lines: Mapping[Why, Source], since: float, zone: ZoneInfo, above: int = 0) -> Sequence[Block]:
    """The whole message; no word in it is out of a message.

    Args:
        told: What it tells of.
        lines: Who says the line of an entry, by its reason.
        since: From when on, in seconds since 1970.
        zone: Where the times are read.
        above: In how many groups there is something that it may not carry.
    """
    rows: list[Sequence[Words]] = [lines[one.entry.why].line(one, zone) for one in told.shown]
    blocks: list[Block] = [paragraph(Strong(_("What is new for you")))]
    if rows:
        blocks += [say(_("Since {moment}:"), moment=moment(since, zone)), points(rows)]
    if told.rest:
        more = ", ".join(
            _("{count} more in {group}").format(count=count, group=group)
            if group
            else _("{count} others").format(count=count)
            for group, count in told.rest.items()
        )
        blocks.append(say(_("And {more}."), more=more))
    if above:
        count = many("{count} of your groups", "{count} of your groups", above)
        told_of = _("Something new in {count} is above what mail may carry: you find it in Element.")
        blocks.append(say(told_of, count=count))
    blocks.append(say(_("To have this more or less often, write {digest}."), digest=Typed(DIGEST.name)))
    return blocks
