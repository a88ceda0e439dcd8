"""Hashtags in texts of members: how posts and files are sorted by whoever writes them."""

from __future__ import annotations

import re
from typing import Final

from belisha.directory.written import plain

#: So many tags of one text count.
MOST_TAGS: Final = 10
_TAG: Final = re.compile(r"(?<![\w&#/:.])#([^\W\d_][\w-]{0,39})(?![\w:-])")


def tags_in(text: str) -> tuple[str, ...]:
    """The tags of a text, in the order in which they were written, each once, however it is capitalised."""
    found: dict[str, str] = {}
    for one in _TAG.finditer(text):
        tag = plain(one[1])
        if tag:
            found.setdefault(tag.casefold(), tag)
        if len(found) == MOST_TAGS:
            break
    return tuple(found.values())
