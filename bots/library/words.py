"""What is said of files in chat. Names are members' own words: they stand as links, and never begin a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from belisha.translation import _, marked
from bots.kernel.answers import Block, Link, Strong, Words, paragraph, points, say
from bots.kernel.shelf import Paper, Shelf

#: So many files are listed in an answer.
LISTED: Final = 10
_MOST_WHO: Final = 30
#: What somebody did with a file, by the part of it that they had.
_OPENED: Final = marked("{name} opened the original at {label}, {when}")
_DONE: Final = {
    "copy": marked("{name} saved a copy at {label}, {when}"),
    "preview": marked("{name} saw how it begins at {label}, {when}"),
    "excerpt": marked("{name} found a line of it by its words at {label}, {when}"),
}


def place(portal: str, paper: Paper) -> str:
    """The portal's page of a file; without a portal, its message."""
    if not portal:
        return f"https://matrix.to/#/{paper.room_id}/{paper.event_id}"
    return f"{portal}/documents/{quote(paper.room_id, safe='')}/{quote(paper.event_id, safe='')}"


def found(shelf: Shelf, words: str, portal: str) -> Sequence[Block]:
    """A list of files, each with its label, and where the others are."""
    if not shelf.papers:
        return (
            paragraph(
                _("Your groups share no file that has that.")
                if words
                else _("Your groups have shared no files so far.")
            ),
        )
    blocks: list[Block] = [points([_line(paper, portal) for paper in shelf.papers[:LISTED]])]
    if (shelf.more or len(shelf.papers) > LISTED) and portal:
        query = f"?{urlencode({'q': words})}" if words else ""
        blocks.append(paragraph(Link(_("More of them on the portal"), f"{portal}/documents{query}")))
    return (*blocks, _goes())


def info(shelf: Shelf, portal: str) -> Sequence[Block]:
    """One file: who shared it where, and what it is."""
    (paper,) = shelf.papers
    blocks: list[Block] = [points([_line(paper, portal)])]
    if paper.uploaded_by is not None:
        blocks.append(say(_("{name} had uploaded it."), name=paper.uploaded_by))
    if paper.description:
        blocks.append(say(_("It says: “{caption}”"), caption=paper.description))
    if paper.pinned:
        blocks.append(paragraph(_("It is pinned in its group.")))
    return (*blocks, _goes())


def versions(shelf: Shelf, portal: str) -> Sequence[Block]:
    """The versions of a file, and apart from them what other organisations share as the same."""
    blocks: list[Block] = [points([_line(paper, portal) for paper in shelf.versions[:LISTED]])]
    if shelf.others:
        blocks.append(paragraph(_("Other organisations share these as the same; they are not from whoever shared it:")))
        blocks.append(points([_line(paper, portal) for paper in shelf.others[:LISTED]]))
    return (*blocks, _goes())


def who(shelf: Shelf) -> Sequence[Block]:
    """Who has a file, for who has uploaded it."""
    (paper,) = shelf.papers
    if not shelf.is_source:
        return (paragraph(_("Only who has uploaded a file is told who has it.")),)
    if not shelf.opened:
        nobody = _("Nobody has opened {name} above TLP:GREEN so far. Below that it is not written down.")
        return (say(nobody, name=Strong(paper.name)), _goes())
    lines = [
        (_(_DONE.get(one.part, _OPENED)).format(name=one.by, label=one.label, when=_day(one.at)),)
        for one in shelf.opened[:_MOST_WHO]
    ]
    return (say(_("Of {name} and its versions:"), name=Strong(paper.name)), points(lines), _goes())


def _line(paper: Paper, portal: str) -> tuple[Words, ...]:
    told = _("{size}, by {name} in “{group}”, {when}").format(
        size=_size(paper.size),
        name=paper.by,
        group=paper.group or _("a group without a name"),
        when=_day(paper.at / 1000),
    )
    return (Strong(str(paper.label)), ": ", Link(paper.name, place(portal, paper)), f", {told}")


def _size(count: int) -> str:
    return f"{max(count, 1000) / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _goes() -> Block:
    return paragraph(_("I take this answer back in an hour, or when one of these files changes."))
