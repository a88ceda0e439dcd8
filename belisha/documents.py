"""What a message that carries a file says of it, as the library lists it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from belisha.events import LABEL_KEY
from belisha.stamping.order import tidy_name
from belisha.tlp import without_badge

#: Messages whose file is what they are about (Matrix 1.16, 11.2.1).
KINDS: Final = ("m.file", "m.image", "m.video", "m.audio")
#: So many words of a question count.
_WORDS: Final = 8


class Document(NamedTuple):
    """A file that was shared: the id of its bytes, its name, and what its uploader's client says of it."""

    media_id: str
    name: str
    media_type: str

    @property
    def key(self) -> str:
        """What files have alike that are versions of each other: their name, however it is written."""
        return folded(self.name)


def document_of(content: Mapping[str, Any], server: str) -> Document | None:
    """The file that a message is about; of an edit, the one that it brings. None where it is about none."""
    new = content.get("m.new_content")
    content = new if isinstance(new, Mapping) else content
    url, info = content.get("url"), content.get("info")
    if content.get("msgtype") not in KINDS or not isinstance(url, str):
        return None
    media_id = url.removeprefix(f"mxc://{server}/")
    if media_id == url or not media_id:
        return None
    # The server writes the name beside the badge where a client had it in the body alone.
    name = next((one for key in ("filename", "body") if isinstance(one := content.get(key), str) and one), "")
    kind = info.get("mimetype") if isinstance(info, Mapping) else None
    is_labelled = isinstance(content.get(LABEL_KEY), Mapping)
    name = tidy_name(without_badge(name) if is_labelled else name)
    return Document(media_id, name, kind if isinstance(kind, str) and len(kind) < 100 else "")


def folded(text: str) -> str:
    """The text without differences that a reader does not see."""
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(query: str) -> Sequence[str]:
    """What is looked for: every one of these is in a name."""
    return folded(query).split()[:_WORDS]


def fits(name: str, words: Sequence[str]) -> bool:
    """Whether every word is somewhere in the name."""
    found = folded(name)
    return all(word in found for word in words)
