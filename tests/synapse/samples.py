"""One sample of every kind of content that members send, as clients send it, and the parts they are made of."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

MXC = "mxc://belisha.localhost/sample"
HTML = "org.matrix.custom.html"
_INFO = {"mimetype": "application/octet-stream", "size": 12}

#: id -> (event type, content)
SAMPLES: dict[str, tuple[str, Json]] = {
    "text": ("m.room.message", {"msgtype": "m.text", "body": "Buoy 7 is back in place"}),
    "text with html": (
        "m.room.message",
        {
            "msgtype": "m.text",
            "body": "Buoy **7** is back",
            "format": HTML,
            "formatted_body": "Buoy <strong>7</strong> is back",
        },
    ),
    "paragraphs": (
        "m.room.message",
        {"msgtype": "m.text", "body": "One\n\nTwo", "format": HTML, "formatted_body": "<p>One</p>\n<p>Two</p>\n"},
    ),
    "notice": ("m.room.message", {"msgtype": "m.notice", "body": "The tide table is new"}),
    "emote": ("m.room.message", {"msgtype": "m.emote", "body": "waves from the pier"}),
    "image": ("m.room.message", {"msgtype": "m.image", "body": "buoy.png", "url": MXC, "info": {"w": 4, "h": 4}}),
    "image with caption": (
        "m.room.message",
        {"msgtype": "m.image", "body": "Buoy 7, from the north", "filename": "buoy.png", "url": MXC},
    ),
    "file": ("m.room.message", {"msgtype": "m.file", "body": "tides.csv", "url": MXC, "info": _INFO}),
    "file with html caption": (
        "m.room.message",
        {
            "msgtype": "m.file",
            "body": "The *new* tides",
            "filename": "tides.csv",
            "format": HTML,
            "formatted_body": "The <em>new</em> tides",
            "url": MXC,
        },
    ),
    "audio": ("m.room.message", {"msgtype": "m.audio", "body": "horn.ogg", "url": MXC, "info": {"duration": 900}}),
    "voice message": (
        "m.room.message",
        {
            "msgtype": "m.audio",
            "body": "Voice message",
            "url": MXC,
            "org.matrix.msc1767.text": "Voice message",
            "org.matrix.msc1767.file": {"url": MXC, "name": "Voice message.ogg", "mimetype": "audio/ogg", "size": 9},
            "org.matrix.msc1767.audio": {"duration": 900, "waveform": [1, 2]},
            "org.matrix.msc3245.voice": {},
        },
    ),
    "video": ("m.room.message", {"msgtype": "m.video", "body": "surf.mp4", "url": MXC, "info": _INFO}),
    "location": (
        "m.room.message",
        {
            "msgtype": "m.location",
            "body": "The pier at geo:50.1,-5.1",
            "geo_uri": "geo:50.1,-5.1",
            "org.matrix.msc3488.location": {"uri": "geo:50.1,-5.1", "description": "The pier"},
            "org.matrix.msc1767.text": "The pier at geo:50.1,-5.1",
        },
    ),
    "an unknown message type": ("m.room.message", {"msgtype": "com.example.card", "body": "A card of some kind"}),
    "sticker": ("m.sticker", {"body": "A waving seal", "url": MXC, "info": {"w": 4, "h": 4}}),
    "poll start": (
        "org.matrix.msc3381.poll.start",
        {
            "org.matrix.msc1767.text": "When do we meet?\n1. Monday\n2. Tuesday",
            "org.matrix.msc3381.poll.start": {
                "kind": "org.matrix.msc3381.poll.disclosed",
                "max_selections": 1,
                "question": {"org.matrix.msc1767.text": "When do we meet?", "body": "When do we meet?"},
                "answers": [
                    {"id": "a", "org.matrix.msc1767.text": "Monday"},
                    {"id": "b", "org.matrix.msc1767.text": "Tuesday"},
                ],
            },
        },
    ),
    "poll start, final name": (
        "m.poll.start",
        {
            "m.text": [{"body": "When do we meet?\n1. Monday\n2. Tuesday"}],
            "m.poll": {
                "kind": "m.disclosed",
                "max_selections": 1,
                "question": {"m.text": [{"body": "When do we meet?"}]},
                "answers": [
                    {"m.id": "a", "m.text": [{"body": "Monday"}]},
                    {"m.id": "b", "m.text": [{"body": "Later"}]},
                ],
            },
        },
    ),
    "poll start, final type with the js-sdk's key": (
        "m.poll.start",
        {
            "m.text": "When do we meet?",
            "m.poll.start": {
                "question": {"m.text": "When do we meet?"},
                "answers": [{"id": "a", "m.text": "Monday"}, {"id": "b", "m.text": "Later"}],
            },
        },
    ),
}

#: Ends of a poll; the poll's event id is put in by the test.
POLL_ENDS: dict[str, tuple[str, Json]] = {
    "poll end": (
        "org.matrix.msc3381.poll.end",
        {
            "org.matrix.msc1767.text": "The poll has ended.",
            "body": "The poll has ended.",
            "org.matrix.msc3381.poll.end": {},
        },
    ),
    "poll end, final name": ("m.poll.end", {"m.text": [{"body": "The poll has ended."}], "m.poll.results": {"a": 1}}),
}


def text(body: str, **more: Any) -> Json:
    return {"msgtype": "m.text", "body": body, **more}


def html(body: str, formatted: str, **more: Any) -> Json:
    return text(body, format=HTML, formatted_body=formatted, **more)


def poll(question: str, *answers: str) -> Json:
    options = [{"id": str(number), "org.matrix.msc1767.text": answer} for number, answer in enumerate(answers)]
    start = {"question": {"org.matrix.msc1767.text": question}, "answers": options, "max_selections": 1}
    return {"org.matrix.msc1767.text": question, "org.matrix.msc3381.poll.start": start}


def edit(of: str, new: Json) -> Json:
    """An edit as Element sends it: the fallback with an asterisk, the new content whole."""
    fallback = {**new, "body": f"* {new['body']}"}
    if "formatted_body" in new:
        fallback["formatted_body"] = f"* {new['formatted_body']}"
    return {**fallback, "m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": of}}


def reply(to: str) -> Json:
    return {"m.relates_to": {"m.in_reply_to": {"event_id": to}}}


def thread(root: str) -> Json:
    in_reply = {"event_id": root}
    return {
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": in_reply,
        }
    }
