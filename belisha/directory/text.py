"""How the directory reads words: the same on every database, so that both find the same.

A word has a surface, as it is corrected and shown, and a key, as it is compared: without its ending, and in ASCII
letters, digits and `_` alone. Databases get keys only: no text of a person is ever part of their query languages.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Final, NamedTuple

#: Characters of a text that are read, which is more than a profile's longest field has.
MOST_CHARACTERS: Final = 4000
_LETTERS: Final = string.ascii_lowercase
_LONGEST: Final = 40  # characters of a word; what is longer is cut
_WORD: Final = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
#: Endings that are taken off where so many letters stay, the first that fits: hashing, detection, moderator.
_ENDINGS: Final = (("ing", 4), ("ion", 4), ("or", 5), ("ed", 4))


class Word(NamedTuple):
    """A word as it is shown, and as it is compared."""

    surface: str
    key: str


def words(text: str) -> list[Word]:
    """The words of a text in its order; characters of Chinese and Japanese count one by one."""
    return [Word(found, key(found)) for found in _WORD.findall(fold(text))]


def fold(text: str) -> str:
    """What counts as the same letters: case, width, accents and invisible characters make no difference."""
    some = storable(text[:MOST_CHARACTERS])
    if some.isascii():
        return some.lower()
    wide = unicodedata.normalize("NFKC", some).casefold()
    parts = unicodedata.normalize("NFKD", wide)
    return "".join(part for part in parts if unicodedata.category(part) not in ("Mn", "Cf"))


def storable(text: str) -> str:
    """A text that both databases take: without NUL, and without halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def key(surface: str) -> str:
    """The key of one folded word; beginnings of words have beginnings of keys where no ending is taken off."""
    cut = surface[:_LONGEST]
    return _stem(cut) if cut.isascii() else f"_{cut.encode('utf-8', 'replace').hex()}"


def _stem(word: str) -> str:
    """English endings off, more carefully than Porter's algorithm: tags are short, and names are among them."""
    if len(word) > 3 and word.isalpha():
        word = _singular(word)
        for ending, least in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= least:
                word = word.removesuffix(ending)
                break
        if len(word) > 4:
            word = word.removesuffix("e")
    return word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def deletions(surface: str) -> set[str]:
    """The word itself and all that lack one of its letters: two words one edit apart have one of these in common.

    That is symmetric deletion (W. Garbe, SymSpell): unlike shared trigrams it misses no single edit, also in a word of
    four letters, and is looked up by equality.
    """
    return {surface, *(surface[:place] + surface[place + 1 :] for place in range(len(surface)))}


def edits(surface: str) -> set[str]:
    """Every word that is one edit apart from one of ASCII letters and digits: some 55 for each letter.

    It is for where there is no vocabulary, whose words others would have written (P. Norvig, “How to Write a Spelling
    Corrector”).
    """
    halves = [(surface[:place], surface[place:]) for place in range(len(surface) + 1)]
    lacking = {one + other[1:] for one, other in halves if other}
    swapped = {one + other[1] + other[0] + other[2:] for one, other in halves if len(other) > 1}
    changed = {one + letter + other[1:] for one, other in halves if other for letter in _LETTERS}
    longer = {one + letter + other for one, other in halves for letter in _LETTERS}
    return (lacking | swapped | changed | longer) - {surface, ""}


def one_edit_apart(one: str, other: str) -> bool:
    """Whether a letter more, less, or other, or two neighbours swapped, make one word of the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, of = one[start:], other[start:]
    if len(rest) == len(of):
        return rest[1:] == of[1:] or (rest[:2] == of[1::-1] and rest[2:] == of[2:])
    return rest[1:] == of if len(rest) > len(of) else rest == of[1:]
