"""Turns the story into what a member's client would send for it: event contents, requests for rooms."""

from __future__ import annotations

import html
import mimetypes
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from belisha.cli.demo.story import Edit, Entry, File, Message, Poll, PollEnd, Reaction, Room, Vote
from belisha.policy.creation import POLICY_TYPE

Json = dict[str, Any]

POLL_START = "org.matrix.msc3381.poll.start"
POLL_RESPONSE = "org.matrix.msc3381.poll.response"
POLL_END = "org.matrix.msc3381.poll.end"
TEXT = "org.matrix.msc1767.text"  # MSC1767, as MSC3381's unstable form uses it
_PRESETS = {"open": "public_chat", "closed": "private_chat", "named": "trusted_private_chat"}
_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_PNG_SIZE = slice(16, 24)  # width and height of the IHDR chunk, which always comes first


def creation_of(room: Room, organisation: Callable[[str], str] = str) -> Json:
    """The body of `/createRoom` for a room, without alias and invitations.

    Args:
        room: what to make.
        organisation: gives the id that an organisation of the story has on the server.
    """
    wish = {
        "kind": room.kind,
        "organisations": [organisation(name) for name in room.organisations],
        "purpose": room.purpose,
    }
    texts = {key: value for key, value in (("name", room.name), ("topic", room.topic)) if value}
    return texts | {
        "preset": _PRESETS[room.kind],
        "initial_state": [{"type": POLICY_TYPE, "state_key": "", "content": wish}],
    }


def event_type(entry: Entry) -> str:
    """The Matrix event type that an entry is sent as."""
    match entry:
        case Poll():
            return POLL_START
        case Vote():
            return POLL_RESPONSE
        case PollEnd():
            return POLL_END
        case Reaction():
            return "m.reaction"
        case _:
            return "m.room.message"


def content_of(
    entry: Entry,
    events: Mapping[str, str],
    senders: Mapping[str, str],
    last_in_thread: Mapping[str, str],
    mxc: str,
    files: Path,
) -> Json:
    """The content of an entry's event.

    Args:
        entry: what to send.
        events: the event ids of the room's earlier entries, by entry id.
        senders: the user ids of their authors, by entry id.
        last_in_thread: the event id of the newest message of each thread, by the id of its first entry.
        mxc: the address of an uploaded file; empty for entries without one.
        files: the folder of the story's files.
    """
    match entry:
        case Poll():
            return _poll(entry)
        case Vote():
            return {"m.relates_to": _about(events[entry.votes]), POLL_RESPONSE: {"answers": [entry.answer]}}
        case PollEnd():
            return {"m.relates_to": _about(events[entry.ends]), POLL_END: {}, TEXT: entry.says}
        case Reaction():
            return {
                "m.relates_to": {
                    "rel_type": "m.annotation",
                    "event_id": events[entry.to],
                    "key": entry.reacts,
                }
            }
        case Edit():
            new = _text(entry.says)
            fallback = {key: f"* {value}" if key in {"body", "formatted_body"} else value for key, value in new.items()}
            replaced = {"rel_type": "m.replace", "event_id": events[entry.edits]}
            return fallback | {"m.new_content": new, "m.relates_to": replaced}
        case Message():
            content = _file(entry, mxc, files) if isinstance(entry, File) else _text(entry.says)
            return content | _relation(entry, events, senders, last_in_thread)
        case _:
            raise TypeError(f"{type(entry).__name__} is no entry that can be sent")


def _about(event_id: str) -> Json:
    return {"rel_type": "m.reference", "event_id": event_id}


def _text(markdown: str) -> Json:
    """A text as Element sends it: HTML only where the Markdown says more than its letters."""
    content: Json = {"msgtype": "m.text", "body": markdown, "m.mentions": {}}
    rendered = _MARKDOWN.render(markdown).strip()
    plain = html.escape(markdown, quote=False).replace('"', "&quot;")
    if rendered != f"<p>{plain}</p>":
        inner = rendered.removeprefix("<p>").removesuffix("</p>")
        content |= {
            "format": "org.matrix.custom.html",
            "formatted_body": rendered if "<p>" in inner or not rendered.startswith("<p>") else inner,
        }
    return content


def _file(entry: File, mxc: str, files: Path) -> Json:
    data = (files / entry.file).read_bytes()
    mime = mimetype(entry.file)
    info: Json = {"mimetype": mime, "size": len(data)}
    if mime == "image/png":
        info["w"], info["h"] = struct.unpack(">II", data[_PNG_SIZE])
    return {
        "msgtype": "m.image" if mime.startswith("image/") else "m.file",
        "body": entry.says,
        "filename": entry.file,
        "url": mxc,
        "info": info,
        "m.mentions": {},
    }


def mimetype(name: str) -> str:
    """The media type of a file by its name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _relation(
    entry: Message, events: Mapping[str, str], senders: Mapping[str, str], last_in_thread: Mapping[str, str]
) -> Json:
    """Rich replies and threads (Matrix 1.4, `m.thread` with the reply that older clients show)."""
    if entry.thread:
        latest = last_in_thread.get(entry.thread, events[entry.thread])
        replied = events[entry.replies] if entry.replies else latest
        return {
            "m.relates_to": {
                "rel_type": "m.thread",
                "event_id": events[entry.thread],
                "is_falling_back": entry.replies is None,
                "m.in_reply_to": {"event_id": replied},
            }
        }
    if entry.replies:
        return {
            "m.relates_to": {"m.in_reply_to": {"event_id": events[entry.replies]}},
            "m.mentions": {"user_ids": [senders[entry.replies]]} if senders[entry.replies] else {},
        }
    return {}


def _poll(entry: Poll) -> Json:
    """MSC3381 in its unstable form, the one that clients send and read."""
    answers = [{"id": name, TEXT: text} for name, text in entry.answers.items()]
    spelt_out = "\n".join([entry.poll, *(f"{i}. {text}" for i, text in enumerate(entry.answers.values(), start=1))])
    return {
        POLL_START: {
            "question": {TEXT: entry.poll, "body": entry.poll, "msgtype": "m.text"},
            "kind": "org.matrix.msc3381.poll.disclosed",
            "max_selections": 1,
            "answers": answers,
        },
        TEXT: spelt_out,
    }
