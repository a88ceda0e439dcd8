"""What members type into the directory, drawn from what the members of a synthetic community know."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from bench.community import Person

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def two_words(draw: random.Random, community: Sequence[Person]) -> str:
    """Two words of a tag that somebody has: so the more usual a topic is, the more often it is asked for."""
    while True:
        tags = draw.choice(community).fields["expertise"]
        found = re.findall(r"\w+", draw.choice(tags))
        if len(found) >= 2:
            return " ".join(found[:2])


def begun(draw: random.Random, community: Sequence[Person]) -> str:
    """The same in the middle of typing: one word and the beginning of the next, or the beginning of the first."""
    first, second = two_words(draw, community).split()
    if draw.random() < 0.5:
        return f"{first} {second[: draw.randint(2, max(2, len(second) - 1))]}"
    return first[: draw.randint(2, max(2, len(first) - 1))]


def misspelt(draw: random.Random, community: Sequence[Person]) -> str:
    """Two words, the longer of them with a letter too few, too many, another, or two swapped."""
    while True:
        pair = two_words(draw, community).split()
        longer = max(pair, key=len)
        if len(longer) >= 6:
            break
    place, letter = draw.randrange(1, len(longer) - 1), draw.choice(_LETTERS)
    wrong = draw.choice(
        (
            longer[:place] + longer[place + 1 :],
            longer[:place] + letter + longer[place:],
            longer[:place] + letter + longer[place + 1 :],
            longer[:place] + longer[place + 1] + longer[place] + longer[place + 2 :],
        )
    )
    return " ".join(wrong if word is longer else word for word in pair)
