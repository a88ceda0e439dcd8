"""What a member writes to begin a poll: a question and its answers, parted by | or on lines of their own."""

from __future__ import annotations

import re
from typing import Final

from belisha.commands.values import LONGEST, Field, Type, Wrong
from belisha.polls.wire import MOST_ANSWERS
from belisha.translation import marked

FEWEST_ANSWERS: Final = 2
#: The most characters of one answer, which clients show on a button.
LONGEST_ANSWER: Final = 340
_QUOTED: Final = re.compile('["“„«»](.*)["”“»«]', re.DOTALL)


def _parts(text: str) -> list[str] | Wrong:
    if len(text) > LONGEST:
        return Wrong(marked("That is too long: please stay below {count} characters."), (("count", str(LONGEST)),))
    parts = [_plain(part) for part in re.split(r"[|\n]", text)]
    question, *answers = [part for part in parts if part] or [""]
    if not question or len(answers) < FEWEST_ANSWERS:
        return Wrong(marked("A poll needs a question and at least two answers, with | between them."))
    if len(answers) > MOST_ANSWERS:
        return Wrong(marked("A poll has at most {count} answers."), (("count", str(MOST_ANSWERS)),))
    if len({answer.casefold() for answer in answers}) < len(answers):
        return Wrong(marked("Two of these answers are the same. Please make them differ."))
    if any(len(answer) > LONGEST_ANSWER for answer in answers):
        return Wrong(marked("An answer is longer than {count} characters."), (("count", str(LONGEST_ANSWER)),))
    return [question, *answers]


def _plain(part: str) -> str:
    part = " ".join(part.split())
    found = _QUOTED.fullmatch(part)
    return found[1].strip() if found else part


#: The question, then the answers, as a list of texts.
QUESTION: Final = Type(_parts, Field.LINES, takes_rest=True, shown="QUESTION | A | B")
