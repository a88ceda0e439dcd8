"""What changed between two versions of a text, for people: lines, and within changed lines the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

#: More lines, or words in a changed line, are not compared one by one: difflib's time grows with their square.
_MOST_LINES: Final = 600
_MOST_WORDS: Final = 300
_AROUND: Final = 2  # lines that are the same, shown around a change

Sort = Literal["same", "gone", "new"]


class Piece(NamedTuple):
    """Some words of a line, and what became of them."""

    sort: Sort
    text: str


class Line(NamedTuple):
    """A line of a comparison: `skip` stands for lines that are the same and not shown."""

    sort: Literal["same", "gone", "new", "skip"]
    pieces: tuple[Piece, ...]


def compared(before: str, after: str) -> tuple[Line, ...]:
    """The lines of two texts, with what is gone before what is new; lines far from any change are left out."""
    old, new = before.splitlines(), after.splitlines()
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    lines = [_same(line) for line in old[:head]]
    lines += _middle(old[head : len(old) - tail], new[head : len(new) - tail])
    lines += [_same(line) for line in old[len(old) - tail :]] if tail else []
    return tuple(_near(lines))


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _middle(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    if max(len(old), len(new)) > _MOST_LINES:
        yield from (Line("gone", (Piece("gone", line),)) for line in old)
        yield from (Line("new", (Piece("new", line),)) for line in new)
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=True).get_opcodes():
        if tag == "equal":
            yield from (_same(line) for line in old[a:b])
        elif tag == "replace" and b - a == d - c:
            for one, other in zip(old[a:b], new[c:d], strict=True):
                yield from _words(one, other)
        else:
            yield from (Line("gone", (Piece("gone", line),)) for line in old[a:b])
            yield from (Line("new", (Piece("new", line),)) for line in new[c:d])


def _words(old: str, new: str) -> Iterator[Line]:
    """A changed line, as it was and as it is."""
    one, other = old.split(" "), new.split(" ")
    if max(len(one), len(other)) > _MOST_WORDS:
        yield Line("gone", (Piece("gone", old),))
        yield Line("new", (Piece("new", new),))
        return
    was: list[Piece] = []
    became: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, one, other, autojunk=True).get_opcodes():
        if tag == "equal":
            was.append(Piece("same", " ".join(one[a:b])))
            became.append(Piece("same", " ".join(other[c:d])))
            continue
        if b > a:
            was.append(Piece("gone", " ".join(one[a:b])))
        if d > c:
            became.append(Piece("new", " ".join(other[c:d])))
    yield Line("gone", tuple(was))
    yield Line("new", tuple(became))


def _same(line: str) -> Line:
    return Line("same", (Piece("same", line),))


def _near(lines: Sequence[Line]) -> Iterator[Line]:
    changed = [place for place, line in enumerate(lines) if line.sort != "same"]
    near = {place for at in changed for place in range(at - _AROUND, at + _AROUND + 1)}
    skipping = False
    for place, line in enumerate(lines):
        if place in near:
            skipping = False
            yield line
        elif not skipping:
            skipping = True
            yield Line("skip", ())
