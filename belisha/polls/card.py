"""The card of an anonymous poll: a message that says what is asked and where to vote. No vote is ever in the room."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

from belisha.acts.polls import POLL_KEY
from belisha.polls.ballots import FEWEST_VOTERS
from belisha.polls.wire import MOST_ANSWERS, START, MalformedPoll, Option, Start, parse_start
from belisha.translation import _, marked

CARD_TYPE: Final = "m.room.message"
_KEY: Final = "anonymous"
#: What voters are told beforehand, on the card and on the page where they vote.
UNANIMOUS: Final = marked("If all who vote choose the same, the result shows how each of them has voted.")


def card_content(
    question: str, answers: Sequence[str], most: int, place: str, address: str, command: str
) -> dict[str, Any]:
    """The content of a card.

    Args:
        question: what is asked.
        answers: the answers, which are known by their places from 1.
        most: how many of them one may choose.
        place: a random text by which the portal finds the poll.
        address: where one votes.
        command: the event of the command that asked for it.
    """
    told = (
        _("Anonymous poll: nobody sees how you vote."),
        _("Results are given if at least {count} may vote.").format(count=FEWEST_VOTERS),
        _(UNANIMOUS),
    )
    vote = _("Vote here: {address}").format(address=address)
    numbered = [f"{number}. {text}" for number, text in enumerate(answers, start=1)]
    items = "".join(f"<li>{html.escape(one)}</li>" for one in answers)
    href = html.escape(address)
    return {
        "msgtype": "m.text",
        # The question stands first, where a label in it counts.
        "body": "\n".join([question, *numbered, "", vote, " ".join(told)]),
        "format": "org.matrix.custom.html",
        "formatted_body": (
            f"<p><strong>{html.escape(question)}</strong></p><ol>{items}</ol>"
            f'<p><a href="{href}">{html.escape(_("Vote here"))}</a></p><p>{html.escape(" ".join(told))}</p>'
        ),
        "m.mentions": {},
        POLL_KEY: {
            "command": command,
            _KEY: {
                "place": place,
                # Under `body` whatever people read is read for labels (rule L2).
                "question": {"body": question},
                "answers": [{"body": text} for text in answers],
                "most": most,
            },
        },
    }


def is_card(event_type: str, content: Mapping[str, Any]) -> bool:
    """Whether an event looks like a card; that it is one, the bot knows, which had it made."""
    return event_type == CARD_TYPE and isinstance(_held(content), Mapping)


def place_of(content: Mapping[str, Any]) -> str:
    """Its place on the portal.

    Raises:
        MalformedPoll: it has none.
    """
    held = _held(content)
    place = held.get("place") if isinstance(held, Mapping) else None
    if not isinstance(place, str):
        raise MalformedPoll("The card does not say where to vote.")
    return place


def parse_card(raw: Mapping[str, Any]) -> Start:
    """The poll that a card tells of, as it was begun.

    Raises:
        MalformedPoll: it is none.
    """
    content = raw.get("content")
    held = _held(content) if isinstance(content, Mapping) else None
    if not isinstance(held, Mapping):
        raise MalformedPoll("The event holds no poll; it may have been taken back.")
    question, listed, most = _body(held.get("question")), held.get("answers"), held.get("most")
    answers = [_body(one) for one in listed] if isinstance(listed, list) else []
    texts = [one for one in answers if one is not None]
    ids = (raw.get("event_id"), raw.get("sender"))
    at = raw.get("origin_server_ts")
    is_whole = (
        question is not None
        and 2 <= len(texts) == len(answers) <= MOST_ANSWERS
        and isinstance(most, int)
        and 1 <= most <= len(texts)
        and isinstance(at, int)
        and all(isinstance(one, str) for one in ids)
    )
    if not is_whole:
        raise MalformedPoll("The card does not say what is asked.")
    options = tuple(Option(str(number), text) for number, text in enumerate(texts, start=1))
    # Checked above; the casts say so.
    return Start(str(ids[0]), str(ids[1]), int(str(at)), str(question), options, int(str(most)), False, True)


def parse_poll(raw: Mapping[str, Any]) -> Start:
    """The poll that an event begins, whichever of both kinds it is.

    Raises:
        MalformedPoll: it begins none.
    """
    return parse_start(raw) if raw.get("type") in START else parse_card(raw)


def _held(content: Mapping[str, Any]) -> object:
    poll = content.get(POLL_KEY)
    return poll.get(_KEY) if isinstance(poll, Mapping) else None


def _body(value: object) -> str | None:
    text = value.get("body") if isinstance(value, Mapping) else None
    return text if isinstance(text, str) else None
