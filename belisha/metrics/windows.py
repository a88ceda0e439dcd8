"""How many members were active in each of many overlapping windows, without uniting every window anew.

The union over a window has no running form: a member who leaves it at one end may still be in it. So blocks of the
window's length are united from their ends to their middle once (van Herk, 1992; Gil and Werman, 1993, there for
maxima), and every window is the end of one block and the beginning of the next: three unions a day, however long the
window is.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyroaring import BitMap


def distinct_in_windows(days: Sequence[BitMap], length: int) -> list[int]:
    """How many members are in each window of `length` days, from the first such days to the last.

    Args:
        days: the members of each day, in order; `n` of them have `n - length + 1` windows, or none.
        length: of a window, in days; at least 1.

    Raises:
        ValueError: the length is below 1.
    """
    if length < 1:
        raise ValueError(f"A window of {length} days holds nothing.")
    if length == 1:
        return [len(day) for day in days]
    heads = _united(days, length)
    tails = _united_back(days, length)
    return [
        tails[first].union_cardinality(heads[first + length - 1]) if first % length else len(tails[first])
        for first in range(len(days) - length + 1)
    ]


def _united(days: Sequence[BitMap], length: int) -> list[BitMap]:
    """For each day what its block has from its beginning to this day."""
    found: list[BitMap] = []
    for number, day in enumerate(days):
        found.append(day if number % length == 0 else found[-1] | day)
    return found


def _united_back(days: Sequence[BitMap], length: int) -> list[BitMap]:
    """For each day what its block has from this day to its end; an unfinished last block ends with the last day."""
    found: list[BitMap] = []
    for number in range(len(days) - 1, -1, -1):
        begins = number % length == length - 1 or not found
        found.append(days[number] if begins else found[-1] | days[number])
    return found[::-1]
