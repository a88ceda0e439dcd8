"""Untrusted Matrix JSON becomes frozen values here, once, or a typed error; nothing downstream indexes into content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from belisha.html import MOST_UNFOLDING, clean, unfolding
from belisha.tlp import Label

LABEL_KEY: Final = "org.belisha.tlp"
#: In a redaction, the label that the item was first given, as the server wrote it: the item itself has lost it.
GIVEN_KEY: Final = "org.belisha.given"
#: In a redaction of an edit, the item that was edited, as the server wrote it: the edit has lost that.
ITEM_KEY: Final = "org.belisha.item"
#: What a bot's message is, `report` or `result`, for Element's module, which draws more than text. It allows nothing.
CARD_KEY: Final = "org.belisha.card"

# Keys whose values people read, at any depth (MSC1767 text and captions, MSC3381 questions and answers among them).
_TEXT_KEYS: Final = frozenset(
    {
        "body",
        "caption",
        "description",
        "name",
        "title",
        "topic",
        "reason",
        "displayname",
        "filename",
        "m.text",
        "m.caption",
    }
    # Previews of links that the sender's client wrote (MSC4095), and the contact of a notice.
    | {"og:title", "og:description", "og:site_name", "admin_contact"}
    | {"org.matrix.msc1767.text", "org.matrix.msc1767.message", "org.matrix.msc1767.caption", "m.message"}
)
_HTML_KEYS: Final = frozenset({"formatted_body", "org.matrix.msc1767.html", "m.html"})
#: MSC3381: the unstable key, the final one, and what matrix-events-sdk writes under the final event type.
_POLL_START: Final = ("org.matrix.msc3381.poll.start", "m.poll", "m.poll.start")
#: Message types whose `body` is a caption or the name of a file (Matrix 1.10, media captions).
FILE_MESSAGES: Final = frozenset({"m.image", "m.file", "m.audio", "m.video"})


#: Characters of the reason of a relabel act.
LONGEST_REASON: Final = 500


class MalformedEvent(Exception):
    """Content that no client should send; the message is one sentence for its sender."""


class UnknownLabel(Exception):
    """The label key names something that is no TLP label."""


class Relation(NamedTuple):
    """What an event refers to, all as event ids: the event it edits, and every event it answers."""

    replaces: str | None = None
    parents: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every event that gives its label on."""
        return self.parents if self.replaces is None else (self.replaces, *self.parents)


class RelabelAct(NamedTuple):
    """What a relabel act asks for: a label for an item, and the reason that its sender gives."""

    item: str
    label: Label
    reason: str | None = None


class Text(NamedTuple):
    """One human-readable string of an event."""

    value: str
    is_html: bool = False


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MalformedEvent(f"`{name}` must be an object. Please update your client or leave it out.")
    return value


def _event_id(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.startswith("$") or "\0" in value:
        raise MalformedEvent(f"`{name}` must be an event id, which begins with “$”.")
    return value


def relation_of(content: Mapping[str, Any]) -> Relation:
    """What `m.relates_to` says: edits (m.replace), replies, threads and references.

    Raises:
        MalformedEvent: where a part has another type than the Matrix specification gives it.
    """
    if "m.relates_to" not in content:
        return Relation()
    relates = _mapping(content["m.relates_to"], "m.relates_to")
    parents: list[str] = []
    replaces = None
    rel_type = relates.get("rel_type")
    if rel_type is not None:
        if not isinstance(rel_type, str):
            raise MalformedEvent("`rel_type` must be a text.")
        target = _event_id(relates.get("event_id"), "m.relates_to.event_id")
        if rel_type == "m.replace":
            replaces = target
        else:
            parents.append(target)
    if "m.in_reply_to" in relates:
        reply = _mapping(relates["m.in_reply_to"], "m.in_reply_to")
        parents.append(_event_id(reply.get("event_id"), "m.in_reply_to.event_id"))
    return Relation(replaces, tuple(dict.fromkeys(parents)))


def explicit_label(content: Mapping[str, Any]) -> Label | None:
    """The label that the label key carries; None where there is no key.

    Raises:
        MalformedEvent: where the key is not `{"label": "…"}`.
        UnknownLabel: where it names no TLP label.
    """
    if LABEL_KEY not in content:
        return None
    value = content[LABEL_KEY]
    if not isinstance(value, Mapping) or not isinstance(value.get("label"), str):
        raise MalformedEvent(f'`{LABEL_KEY}` must be an object such as {{"label": "TLP:AMBER"}}.')
    label = Label.parse(value["label"])
    if label is None:
        raise UnknownLabel(f"“{value['label'][:40]}” is not a label.")
    return label


def relabel_act(content: Mapping[str, Any]) -> RelabelAct:
    """What an `org.belisha.relabel` event asks for.

    Raises:
        MalformedEvent: where a part is missing or has another type.
        UnknownLabel: where it names no TLP label.
    """
    relates = _mapping(content.get("m.relates_to"), "m.relates_to")
    if relates.get("rel_type") != "m.reference":
        raise MalformedEvent("A relabel act refers to its item by `rel_type` “m.reference”.")
    item = _event_id(relates.get("event_id"), "m.relates_to.event_id")
    if not isinstance(content.get("label"), str):
        raise MalformedEvent("A relabel act needs `label`, such as “TLP:AMBER”.")
    label = Label.parse(content["label"])
    if label is None:
        raise UnknownLabel(f"“{content['label'][:40]}” is not a label.")
    reason = content.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > LONGEST_REASON):
        raise MalformedEvent(f"`reason` must be a text of at most {LONGEST_REASON} characters.")
    return RelabelAct(item, label, reason)


def written_label(content: Mapping[str, Any]) -> Label | None:
    """The label of a stored event, or None where it has none that can be read (redacted, or from before labels)."""
    value = content.get(LABEL_KEY)
    return Label.parse(value.get("label")) if isinstance(value, Mapping) else None


def texts_of(content: Mapping[str, Any]) -> Iterator[Text]:
    """Every human-readable string of a content event, at any depth, in no particular order."""
    return (Text(value, is_html) for value, is_text, is_html in _strings(content) if is_text or is_html)


def walk_strings(content: Mapping[str, Any]) -> Iterator[str]:
    """Every string that `texts_of` leaves out: what programs read, and people do not."""
    return (value for value, is_text, is_html in _strings(content) if not (is_text or is_html))


def _strings(content: Mapping[str, Any]) -> Iterator[tuple[str, bool, bool]]:
    """Every string of a content; whether people read it, and whether as HTML."""
    stack: list[tuple[object, bool, bool]] = [(content, False, False)]
    while stack:
        value, is_text, is_html = stack.pop()
        if isinstance(value, str):
            yield value, is_text, is_html
        elif isinstance(value, Mapping):
            mime_html = value.get("mimetype") == "text/html"
            for key, inner in value.items():
                html = key in _HTML_KEYS or (mime_html and key == "body")
                # A text key's own structure (MSC1767 lists of {body, mimetype}) is walked like any other.
                stack.append((inner, key in _TEXT_KEYS, html))
        elif isinstance(value, list | tuple):
            stack.extend((inner, is_text, is_html) for inner in value)


def clean_html(content: dict[str, Any]) -> None:
    """Cleans every string of a content that `texts_of` reads as HTML, in place, at any depth.

    Raises:
        MalformedEvent: where tags are piled up so that the cleaned HTML would be many times larger.
    """
    unfolded = 0
    stack: list[Any] = [content]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            mime_html = value.get("mimetype") == "text/html"
            for key, inner in value.items():
                if isinstance(inner, str) and (key in _HTML_KEYS or (mime_html and key == "body")):
                    unfolded += unfolding(inner)
                    if unfolded > MOST_UNFOLDING:
                        raise MalformedEvent("This message has too much formatting in it. Please send it plainer.")
                    value[key] = clean(inner)
        stack.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())


def check_message(content: Mapping[str, Any]) -> None:
    """Checks the parts of m.room.message that are read and written here (`m.new_content` of an edit too).

    Raises:
        MalformedEvent: naming the part and what it must be.
    """
    for key in ("msgtype", "body"):
        if not isinstance(content.get(key), str):
            raise MalformedEvent(f"A message needs `{key}`, a text.")
    for key in ("formatted_body", "filename", "format"):
        if key in content and not isinstance(content[key], str):
            raise MalformedEvent(f"`{key}` must be a text.")
    if not isinstance(content.get("m.new_content", {}), Mapping):
        raise MalformedEvent("`m.new_content` must be an object.")  # what it says could not carry its label


def poll_start_of(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The poll of a start event under any of its names (MSC3381), None where there is none to read."""
    return next((content[key] for key in _POLL_START if isinstance(content.get(key), Mapping)), None)


def has_attachment_key(content: Mapping[str, Any]) -> bool:
    """Whether any attachment is encrypted: an `EncryptedFile` (Matrix 1.16, section 11.13.1.5) in any place."""
    stack: list[object] = [content]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            if "key" in value and "iv" in value and "url" in value:
                return True
            stack.extend(value.values())
        elif isinstance(value, list | tuple):
            stack.extend(value)
    return any(key in content for key in ("file", "thumbnail_file"))
