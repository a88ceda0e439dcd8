"""Polls by commands: a member's command becomes a poll in their own name, once; and who may end one (rule P3)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction

from belisha.acts.polls import POLL_ACTS, POLL_KEY
from belisha.events import LABEL_KEY
from belisha.policy.decision import By
from belisha.policy.membership import decide_standing
from belisha.policy.polls import NO_POLL, decide_anonymous, decide_ending
from belisha.polls.card import CARD_TYPE, card_content, is_card, place_of
from belisha.polls.wire import START, start_content
from belisha.tlp import Label
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.locks import alone
from synapse_modules.parts import Parts
from synapse_modules.polls import Polls
from synapse_modules.refusal import as_client, raise_if_refused, refused

_LOCK: Final = "belisha_poll"
#: Random bytes of a poll's place on the portal.
_PLACE_BYTES: Final = 16


class PollActs:
    """What commands begin and end.

    Synapse stores the poll in a transaction of its own. So a call that is repeated after a crash looks first whether
    the poll of this command was stored. What ends one is proved and decided here, and then written in the bot's name.
    """

    acts = tuple(str(act.act) for act in POLL_ACTS)

    def __init__(self, parts: Parts, portal: str) -> None:
        """Takes the module's parts, and the portal's address for members' browsers."""
        self._portal = portal
        self._api = parts.api
        self._hooks = parts.hooks
        self._polls = Polls(parts)
        self._readers = parts.readers
        self._registry = parts.registry

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        if command.asked.command.act == "poll_open":
            return await self._open(command, record)
        return await self._decide(command, record)

    async def _open(self, command: Command, record: Record) -> Json:
        async with alone(self._api, self._hooks, _LOCK, command.events[-1]):
            await self._api.run_db_interaction("belisha_act", record.not_ended)
            self._registry.look_again()
            raise_if_refused(decide_standing(await self._registry.person(command.sender.user_id)))
            found = await self._find(command) or await self._send(command)

            def settle(txn: LoggingTransaction) -> Json:
                return record.done(txn, room_id=command.room_id, **found)

            outcome: Json = await self._api.run_db_interaction("belisha_poll_begun", settle)
            return outcome

    async def _decide(self, command: Command, record: Record) -> Json:
        found = await self._polls.find(command.sender.user_id, command.room_id, str(command.target))
        if found is None:
            raise refused(NO_POLL)
        decision = decide_ending(command.sender, found.start.sender, command.power, ended=bool(found.ends))
        raise_if_refused(decision)
        told = {
            "event_id": found.start.event_id,
            "room_id": command.room_id,
            "maker": found.start.sender,
            "at": found.start.sent_at,
            "anonymous": found.start.anonymous,
        }

        def settle(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            return record.done(txn, **told)

        outcome: Json = await self._api.run_db_interaction("belisha_poll_decided", settle)
        return outcome

    async def _send(self, command: Command) -> Json:
        """Sends it as the member's own client would: every rule about content holds for it."""
        asked = command.asked.arguments
        question, *answers = asked["poll"]
        most = min(int(asked.get("multi", 1)), len(answers))
        if asked.get("anonymous"):
            voters = await self._polls.voters(command.room_id)
            raise_if_refused(decide_anonymous(len(voters), by_organisation="by" in asked))
            place = secrets.token_urlsafe(_PLACE_BYTES)
            address = f"{self._portal}/ballots/{place}"
            kind, content = CARD_TYPE, card_content(question, answers, most, place, address, command.events[-1])
        else:
            kind = START[0]
            content = {**start_content(question, answers, most), POLL_KEY: {"command": command.events[-1]}}
        if (label := await self._label(command)) is not None:
            content[LABEL_KEY] = {"label": str(label)}
        event = {"type": kind, "room_id": command.room_id, "sender": command.sender.user_id, "content": content}
        sent = await as_client(self._api.create_and_send_event_into_room(event))
        return _begun(sent.event_id, int(sent.origin_server_ts), content)

    async def _label(self, command: Command) -> Label | None:
        """The label that is asked for, and never a laxer one than the command itself was given by who wrote it."""
        asked = Label.parse(str(command.asked.arguments.get("label")))
        item = await self._readers.item(command.sender.user_id, command.room_id, command.events[0])
        given = None if item is None or item.by is By.ROOM else item.label
        return max((label for label in (asked, given) if label is not None), default=None)

    async def _find(self, command: Command) -> Json | None:
        kind = CARD_TYPE if command.asked.arguments.get("anonymous") else START[0]
        sender, known = command.sender.user_id, command.events[-1]
        found: Json | None = await self._api.run_db_interaction(
            "belisha_poll_find", _sent_by, command.room_id, sender, command.place, known, kind
        )
        return found


def _begun(event_id: str, at: int, content: Mapping[str, Any]) -> Json:
    """What is told of a poll that was begun."""
    anonymous = {"anonymous": True, "place": place_of(content)} if is_card(CARD_TYPE, content) else {}
    return {"event_id": event_id, "at": at, **anonymous}


def _sent_by(txn: LoggingTransaction, room_id: str, sender: str, after: int, command_id: str, kind: str) -> Json | None:
    txn.execute(
        "SELECT events.event_id, events.origin_server_ts, event_json.json FROM events"
        " JOIN event_json ON event_json.event_id = events.event_id"
        " WHERE events.room_id = ? AND events.sender = ? AND events.stream_ordering > ? AND events.type = ?",
        (room_id, sender, after, kind),
    )
    for event_id, at, text in txn.fetchall():
        content = json.loads(text).get("content", {})
        found = content.get(POLL_KEY)
        if isinstance(found, dict) and found.get("command") == command_id:
            return _begun(str(event_id), int(at), content)
    return None
