"""Which text of an event a member has written: without badge and quotations, and with mentions as addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from belisha.html import linked_text
from belisha.tlp import without_badge

_FALLBACK: Final = re.compile(r"> .*\n(?:>.*\n)*\n?")
#: A link to a member, a room or an event: matrix.to, the community's own Element, and Matrix URIs.
_LINK: Final = re.compile(r"https?://[^/\s]+/#/(?:user/|room/)?(?P<target>[@#!$][^?\s]+)(?:\?.*)?")
_URI: Final = re.compile(r"matrix:(?P<sort>u|r|roomid)/(?P<id>[^/?\s]+)(?:/e/(?P<event>[^/?\s]+))?(?:\?.*)?")
_SIGILS: Final = {"u": "@", "r": "#", "roomid": "!"}


def spoken(content: Mapping[str, Any]) -> str | None:
    """What a member typed in an `m.room.message`; None for what is no text of a member's.

    A mention is a link in the formatted text and only a name in the plain one: where there is one, the formatted text
    counts, with each link's target in its place. Edits are not read: a message counts as it was when it was sent.
    """
    relates = content.get("m.relates_to")
    relates = relates if isinstance(relates, Mapping) else {}
    body = content.get("body")
    if content.get("msgtype") != "m.text" or relates.get("rel_type") == "m.replace" or not isinstance(body, str):
        return None
    body = without_badge(body)
    if isinstance(relates.get("m.in_reply_to"), Mapping):
        body = without_badge(_FALLBACK.sub("", body, count=1) if body.startswith("> ") else body)
    return _with_mentions(body, content.get("formatted_body")) if body.lstrip().startswith("!") else body


def answered(content: Mapping[str, Any]) -> str | None:
    """The id of the event that a message answers (specification, Rich replies); a thread's fallback is no answer."""
    relates = content.get("m.relates_to")
    relates = relates if isinstance(relates, Mapping) else {}
    reply = relates.get("m.in_reply_to")
    event_id = reply.get("event_id") if isinstance(reply, Mapping) else None
    if relates.get("rel_type") == "m.thread" and relates.get("is_falling_back") is True:
        return None
    return event_id if isinstance(event_id, str) else None


def address_of(link: str) -> str | None:
    """The id or alias that a link leads to, with an event's behind it as `ROOM/EVENT`; None for any other text."""
    link = unquote(link)
    if found := _URI.fullmatch(link):
        address = _SIGILS[found["sort"]] + found["id"]
        return f"{address}/${found['event']}" if found["event"] else address
    found = _LINK.fullmatch(link)
    return found["target"] if found else None


def _with_mentions(body: str, formatted: object) -> str:
    if not isinstance(formatted, str) or "<a" not in formatted:
        return body
    text = linked_text(formatted, address_of)  # the server has cleaned it, and knows its length
    text = without_badge(text).strip() if text is not None else ""
    return text if text.startswith("!") else body
