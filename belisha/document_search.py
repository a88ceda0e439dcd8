"""How well a file answers what somebody looks for: by its name, description, tags and text, one file at a time.

A file is looked at by itself: no vocabulary is made of many, so what the asker cannot read takes no part (rule P2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from belisha.directory.query import SHORTEST_MISSPELT
from belisha.directory.text import MOST_CHARACTERS, Word, one_edit_apart, words
from belisha.documents import Document, folded

#: So many words of a question count.
_WORDS: Final = 8
#: What a word of a question counts: as a whole word, the beginning of one, a part of the name, or misspelt.
_WHOLE, _BEGINNING, _PART, _MISSPELT = 8, 6, 4, 1
#: What it counts where it stands inside of the file alone, as a whole word or as the beginning of one.
INSIDE_WHOLE, INSIDE_BEGINNING = 3, 2
#: What is in the name or among the tags counts so much more than what is in the description.
_IN_NAME: Final = 1


def words_of(query: str) -> Sequence[str]:
    """What is looked for: every one of these is to be found."""
    return folded(query).split()[:_WORDS]


def index_of(text: str) -> str:
    """The keys of a text's words, each once and with a space on either side, in which `inside_of` finds them."""
    parts = (
        line[start : start + MOST_CHARACTERS]
        for line in text.splitlines()
        for start in range(0, len(line), MOST_CHARACTERS)
    )
    keys = sorted({word.key for part in parts for word in words(part)})
    return f" {' '.join(keys)} " if keys else ""


def asked_inside(query: Sequence[str]) -> Sequence[Word]:
    """The words of a question that are looked for inside of files: all but tags, each once."""
    asked = [word for part in query if not _is_tag(part) for word in words(part)]
    return tuple({word.key: word for word in asked}.values())


def sought(word: Word) -> tuple[str, str]:
    """What an index of `index_of` has where it has the word as a whole, and where as the beginning of one.

    One letter begins too much: it is looked for as a whole.
    """
    whole = f" {word.key} "
    return whole, f" {word.key}" if len(word.surface) > 1 else whole


def score(document: Document, query: Sequence[str], inside: Mapping[str, int] | None = None) -> int | None:
    """How well a file answers, or None where it does not: a sum over the words; 0 where none was asked for.

    Args:
        document: the file.
        query: from `words_of`; a word with # is a tag, and nothing else.
        inside: what words count that stand inside of the file, by their keys; None where that is not looked for.
    """
    if not query:
        return 0
    tags = [folded(tag) for tag in document.tags]
    name = (*words(document.name), *(one for tag in tags for one in words(tag)))
    described = words(document.description)
    total = 0
    for word in query:
        if _is_tag(word):
            found = _WHOLE + _IN_NAME if word[1:] in tags else 0
        else:
            found = _best(
                word, document, (*name, *(one for tag in tags for one in words(tag))), described, inside or {}
            )
        if not found:
            return None
        total += found
    return total


def _is_tag(word: str) -> bool:
    return word.startswith("#") and len(word) > 1


def _best(
    asked: str, document: Document, name: Sequence[Word], described: Sequence[Word], inside: Mapping[str, int]
) -> int:
    """What one word of a question counts; 0 where it is not to be found."""
    part = _PART if asked in folded(document.name) else 0
    spelled = words(asked)
    if not spelled:
        return part
    # “tide-tables” is two words: both are to be found, and the worse one counts.
    return max(
        part, min(max(_in(one, name, _IN_NAME), _in(one, described, 0), inside.get(one.key, 0)) for one in spelled)
    )


def _in(asked: Word, there: Sequence[Word], more: int) -> int:
    best = 0
    for word in there:
        if word.key == asked.key:
            return _WHOLE + more
        if word.surface.startswith(asked.surface) and len(asked.surface) > 1:
            best = max(best, _BEGINNING + more)
        elif len(asked.surface) >= SHORTEST_MISSPELT and one_edit_apart(asked.surface, word.surface):
            best = max(best, _MISSPELT + more)
    return best
