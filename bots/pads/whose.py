"""Whose each passage of a pad is: not by what anybody says, but by the numbers under which it was written.

Yjs keeps with every letter the client that wrote it, and `pad_client` whose each client is. Looking up letter by letter
takes time that grows with the square of a hostile text, and guessing from a few of them is wrong where somebody has put
just as many letters in the place of another's. So the same text is put together once more out of other letters, each
of which stands for its writer.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Final, NamedTuple

from bots.pads.document import Document
from bots.pads.updates import rewritten

#: The letters that stand for writers: one UTF-16 unit each, and as many as there can be clients.
_FIRST: Final = 0x1000
_UTF_16: Final = "utf-16-le"


class Passage(NamedTuple):
    """So many characters that one member wrote; `by` is their user id, empty where that is known no more."""

    length: int
    by: str


def passages(state: bytes, owners: Mapping[int, str]) -> tuple[Passage, ...]:
    """Whose each part of a text is, in its order.

    Args:
        state: all that was written, as one update.
        owners: whose each client is.
    """
    people = {user_id: place for place, user_id in enumerate(dict.fromkeys(("", *owners.values())))}
    named = list(people)
    marks = {client: chr(_FIRST + people[user_id]) for client, user_id in owners.items()}
    marked = Document([rewritten(state, lambda client: marks.get(client, chr(_FIRST)))], {}).text
    units, at = Document([state], {}).text.encode(_UTF_16), 0
    found: list[Passage] = []
    for mark, letters in groupby(marked):
        begin, at = at, at + 2 * sum(1 for _ in letters)
        # Of a pair of surrogates, both halves are one client's.
        length = len(units[begin:at].decode(_UTF_16, "replace"))
        found.append(Passage(length, named[ord(mark) - _FIRST]))
    return tuple(found)
