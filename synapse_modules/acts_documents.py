"""Acts on files that a group shares: a caption in their source's name, a pin, calling one back (rules P3 and E1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from synapse.events import EventBase
from synapse.module_api import LoggingTransaction

from belisha.acts.documents import DOCUMENT_ACTS, NOTHING
from belisha.documents import document_of, name_and_caption
from belisha.events import LABEL_KEY
from belisha.policy.documents import NO_FILE, decide_calling_back, decide_describing, decide_pinning
from belisha.policy.membership import decide_standing
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.hooks_searching import SearchingHooks
from synapse_modules.locks import alone
from synapse_modules.parts import Parts
from synapse_modules.redactions import Redactions
from synapse_modules.refusal import as_client, raise_if_refused, refused

_LOCK: Final = "belisha_document"
_MESSAGE: Final = "m.room.message"
#: What an edit says anew, or what the server writes.
_WRITTEN_ANEW: Final = frozenset({"body", "format", "formatted_body", "m.mentions", "m.relates_to", LABEL_KEY})


class _File(NamedTuple):
    """The message that a command answers: as it was sent, what it says now, and the file that it shares."""

    event: EventBase
    content: Mapping[str, Any]
    media_id: str


class DocumentActs:
    """What commands do to files.

    Synapse stores an event in a transaction of its own. So a call that is repeated after a crash looks first whether
    what it was to store is there, behind the command.
    """

    acts = tuple(str(act.act) for act in DOCUMENT_ACTS)

    def __init__(self, parts: Parts) -> None:
        self._api = parts.api
        self._files = parts.files
        self._hooks = parts.hooks
        self._readers = parts.readers
        self._registry = parts.registry
        self._redactions = Redactions(parts.api, parts.hooks, parts.ledger, parts.own, parts.about.steward)
        self._searching = SearchingHooks(parts.api)

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        async with alone(self._api, self._hooks, _LOCK, str(command.target)):
            await self._api.run_db_interaction("belisha_act", record.not_ended)
            self._registry.look_again()
            raise_if_refused(decide_standing(await self._registry.person(command.sender.user_id)))
            told = await self._done(command)

            def settle(txn: LoggingTransaction) -> Json:
                return record.done(txn, **told)

            outcome: Json = await self._api.run_db_interaction("belisha_document_act", settle)
            return outcome

    async def _done(self, command: Command) -> Json:
        act = command.asked.command.act
        if act == "document_withdraw" and await self._is_taken_back_since(command):
            return {"taken_back": True}
        file = await self._file(command)
        if file is None:
            raise refused(NO_FILE)
        if act == "document_describe":
            raise_if_refused(decide_describing(command.sender, file.event.sender))
            await self._describe(command, file)
            return {}
        if act == "document_pin":
            raise_if_refused(decide_pinning(command.sender, command.power))
            return {"event_id": file.event.event_id}
        return {"taken_back": await self._withdraw(command, file)}

    async def _file(self, command: Command) -> _File | None:
        item = await self._readers.item(command.sender.user_id, command.room_id, str(command.target))
        event = None if item is None else await self._hooks.event(item.event_id)
        if event is None:
            return None
        edit = (await self._searching.edits([event.event_id])).get(event.event_id)
        new = None if edit is None else edit.get_dict()["content"].get("m.new_content")
        content = new if isinstance(new, dict) else event.get_dict()["content"]
        document = document_of(content, self._api.server_name) if event.type == _MESSAGE else None
        return None if document is None else _File(event, content, document.media_id)

    # --- Describing --------------------------------------------------------------------------------------------

    async def _describe(self, command: Command, file: _File) -> None:
        """Edits the message in its sender's name, as their own client would: every rule about edits holds for it."""
        name, _ = name_and_caption(file.content)
        said = command.asked.arguments["text"]
        body = name if said == NOTHING else said
        new = {key: value for key, value in file.content.items() if key not in _WRITTEN_ANEW}
        new |= {"body": body, "filename": name, "m.mentions": {}}
        since = await self._hooks.related(file.event.event_id, _MESSAGE, after=command.place)
        if any(_says(edit, name, said) for _, edit in since):
            return
        content = {
            **new,
            "body": f"* {body}",
            "m.new_content": new,
            "m.relates_to": {"rel_type": "m.replace", "event_id": file.event.event_id},
        }
        sender, room_id = command.sender.user_id, command.room_id
        event = {"type": _MESSAGE, "room_id": room_id, "sender": sender, "content": content}
        await as_client(self._api.create_and_send_event_into_room(event))

    # --- Calling back ------------------------------------------------------------------------------------------

    async def _withdraw(self, command: Command, file: _File) -> bool:
        """Closes the file, and takes back its uploader's own messages with it where it is they who ask.

        Returns:
            Whether the message that the command answers is taken back too.
        """
        uploader = await self._files.uploader(file.media_id)
        # Its bytes are erased already where a crash came between: then it is about the message alone.
        raise_if_refused(decide_calling_back(command.sender, uploader or file.event.sender))
        if uploader is not None:
            await self._files.withdraw(command.sender, file.media_id)
        asker = command.sender.user_id
        own: list[str] = await self._api.run_db_interaction("belisha_document_own", _shared_by, file.media_id, asker)
        # The one that says whether all is done goes last.
        last = file.event.event_id
        done = {each: await self._redactions.redact(each) for each in sorted(own, key=lambda each: each == last)}
        return done.get(last, False)

    async def _is_taken_back_since(self, command: Command) -> bool:
        found: bool = await self._api.run_db_interaction(
            "belisha_document_gone", _redacted_since, str(command.target), command.sender.user_id, command.place
        )
        return found


def _says(edit: EventBase, name: str, said: str) -> bool:
    new = edit.get_dict()["content"].get("m.new_content")
    if not isinstance(new, dict) or edit.internal_metadata.is_redacted():
        return False
    return name_and_caption(new) == (name, "" if said == NOTHING else said)


def _shared_by(txn: LoggingTransaction, media_id: str, sender: str) -> list[str]:
    txn.execute(
        "SELECT DISTINCT share.item_id FROM belisha_share AS share JOIN events ON events.event_id = share.item_id"
        " WHERE share.media_id = ? AND share.sealed = 0 AND events.sender = ?",
        (media_id, sender),
    )
    return [str(row[0]) for row in txn.fetchall()]


def _redacted_since(txn: LoggingTransaction, event_id: str, sender: str, place: int) -> bool:
    txn.execute(
        "SELECT 1 FROM redactions JOIN events ON events.event_id = redactions.event_id"
        " WHERE redactions.redacts = ? AND events.sender = ? AND events.stream_ordering > ?",
        (event_id, sender, place),
    )
    return txn.fetchone() is not None
