"""What the module tells of a poll, as a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from belisha.polls.card import parse_poll
from belisha.polls.wire import MalformedPoll, Response, parse_response
from bots.kernel.bot import Moved, PollFacts, Unknown


def poll_facts(answer: Mapping[str, Any]) -> PollFacts | Unknown:
    """Reads what the module tells of a poll."""
    raw, voters, ends, label = (answer.get(key) for key in ("poll", "voters", "ends", "label"))
    if not isinstance(raw, dict) or not isinstance(voters, dict) or not isinstance(ends, list):
        return Unknown()
    try:
        start = parse_poll(raw)
    except MalformedPoll:
        return Unknown()
    responses: list[Response] = []
    for order, one in enumerate(answer.get("responses") or ()):
        try:
            responses.append(parse_response(one, start.event_id, order))
        except MalformedPoll:
            continue
    return PollFacts(
        start=start,
        label=label if isinstance(label, str) else "",
        responses=tuple(responses),
        ends=tuple(sorted(one for one in ends if isinstance(one, int))),
        opening=_texts(voters.get("opening")),
        closing=_texts(voters.get("closing")),
        organisations=_texts(answer.get("organisations")),
        service_rooms=_texts(answer.get("service_rooms")),
        edited_late=answer.get("edited_late") is True,
        carries_files=answer.get("carries_files") is True,
        moved=_moved(answer.get("moved")),
    )


def _moved(value: object) -> Moved | None:
    room_id = value.get("room_id") if isinstance(value, dict) else None
    return Moved(room_id, value["done"] is True) if isinstance(value, dict) and isinstance(room_id, str) else None


def _texts(value: object) -> dict[str, str]:
    return {key: one for key, one in value.items() if isinstance(one, str)} if isinstance(value, dict) else {}
