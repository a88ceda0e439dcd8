"""What a page's commands leave open (ISO 32000-2, 8.4.2), so that a stamp drawn behind them stands where it is meant.

A page may save the state more often than it restores it, or the other way about, and readers draw it all the same. What
is drawn behind such a page would be turned, scaled, cut off or hidden.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from belisha.stamping.order import Unstampable, Unstamped

#: How deep brackets may stand in a text before a page is given up.
_DEEP: Final = 6


def _text_pattern(depth: int) -> bytes:
    inside = rb"|" + _text_pattern(depth - 1) if depth else b""
    return rb"\((?:[^()\\]|\\." + inside + rb")*+\)"


_END: Final = rb"(?=[\x00\t\n\f\r ]|\Z)"
#: What has no commands in it: texts, comments, texts in hexadecimal, pictures in the line.
_WITHOUT: Final = re.compile(
    _text_pattern(_DEEP) + rb"|%[^\r\n]*|<[0-9A-Fa-f\s]*>"
    rb"|(?<![^\s)>\]}])BI\s(?:(?!\sID\s).)*+\sID\s(?:(?!\sEI" + _END + rb").)*+\sEI" + _END,
    re.DOTALL,
)
_COMMAND: Final = re.compile(rb"(?<![^\x00\s)>\]}])(?:q|Q|BT|ET|BMC|BDC|EMC)(?![^\x00\s()<>\[\]{}/%])")
_STEP: Final = {b"q": 1, b"Q": -1}
_MARKS: Final = {b"BMC": 1, b"BDC": 1, b"EMC": -1}


class Balance(NamedTuple):
    """What stands before and behind a page's commands, so that the state behind is the one before.

    Attributes:
        before: how often the state is to be saved first.
        behind: how often it is to be restored in the end.
        is_text: whether a text object is still open.
        marked: how many marked passages are (one of a hidden layer would hide what follows).
    """

    before: int
    behind: int
    is_text: bool
    marked: int


def balance_of(commands: bytes) -> Balance:
    """Counts what a page's commands open and close.

    Raises:
        Unstampable: where that cannot be told.
    """
    bare = _WITHOUT.sub(b" ", commands)
    if b"(" in bare:
        raise Unstampable(Unstamped.BROKEN)
    depth = lowest = marked = 0
    is_text = False
    for command in _COMMAND.findall(bare):
        depth += _STEP.get(command, 0)
        lowest = min(lowest, depth)
        marked = max(0, marked + _MARKS.get(command, 0))
        is_text = command == b"BT" or (is_text and command != b"ET")
    before = 1 - lowest
    return Balance(before, before + depth, is_text, marked)
