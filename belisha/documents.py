"""What a message that carries a file says of it, as the library lists it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from belisha.directory.written import plain
from belisha.events import LABEL_KEY
from belisha.stamping.order import tidy_name
from belisha.tags import tags_in
from belisha.tlp import without_badge

#: Messages whose file is what they are about (Matrix 1.16, 11.2.1).
KINDS: Final = ("m.file", "m.image", "m.video", "m.audio")
#: So much of a description is shown, in characters.
LONGEST_DESCRIPTION: Final = 1000
#: How a caption or a name begins that says: this is another version of the file which it answers.
_NEW_VERSION: Final = ("new version", "new-version", "new_version")


class Document(NamedTuple):
    """A file that was shared, as its message says.

    Attributes:
        media_id: the id of its bytes.
        name: its name.
        media_type: what its uploader's client says that it is.
        description: its caption (Matrix 1.10, media captions), as one line; empty where it has none.
        tags: the hashtags in that.
        answers: the event that its message answers; of an edit, none is known.
    """

    media_id: str
    name: str
    media_type: str
    description: str = ""
    tags: tuple[str, ...] = ()
    answers: str | None = None

    @property
    def key(self) -> str:
        """What files have alike that are versions of each other: their name, however it is written."""
        return folded(self.name)

    @property
    def is_new_version(self) -> bool:
        """Whether it says so itself, of what it answers."""
        return any(folded(text).lstrip().startswith(_NEW_VERSION) for text in (self.description, self.name))


def document_of(content: Mapping[str, Any], server: str) -> Document | None:
    """The file that a message is about; of an edit, the one that it brings. None where it is about none."""
    new, answers = content.get("m.new_content"), _answered(content)
    content = new if isinstance(new, Mapping) else content
    url, info = content.get("url"), content.get("info")
    if content.get("msgtype") not in KINDS or not isinstance(url, str):
        return None
    media_id = url.removeprefix(f"mxc://{server}/")
    if media_id == url or not media_id:
        return None
    name, caption = name_and_caption(content)
    kind = info.get("mimetype") if isinstance(info, Mapping) else None
    media_type = kind if isinstance(kind, str) and len(kind) < 100 else ""
    caption = caption[:LONGEST_DESCRIPTION]
    return Document(media_id, tidy_name(name), media_type, plain(caption), tags_in(caption), answers)


def name_and_caption(content: Mapping[str, Any]) -> tuple[str, str]:
    """The name of a message's file, and what else the message says, without the badge."""
    is_labelled = isinstance(content.get(LABEL_KEY), Mapping)
    body, filename = content.get("body"), content.get("filename")
    said = body if isinstance(body, str) else ""
    said = without_badge(said) if is_labelled else said
    # The server writes the name beside the badge where a client had it in the body alone.
    if not isinstance(filename, str) or not filename:
        return said, ""
    filename = without_badge(filename) if is_labelled else filename
    return filename, "" if said == filename else said.strip()


def folded(text: str) -> str:
    """The text without differences that a reader does not see."""
    return unicodedata.normalize("NFKC", text).casefold()


def _answered(content: Mapping[str, Any]) -> str | None:
    relates = content.get("m.relates_to")
    reply = relates.get("m.in_reply_to") if isinstance(relates, Mapping) else None
    event_id = reply.get("event_id") if isinstance(reply, Mapping) else None
    return event_id if isinstance(event_id, str) else None
