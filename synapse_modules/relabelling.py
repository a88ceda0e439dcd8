"""Labels over an item's life: relabel acts, edits that raise, redactions (rules L2 and L4).

Before an act is accepted the ledger has it (`check_…`). What follows from an accepted one (`follow`) is done by the
process that runs background tasks, once: it looks first whether it was done already, so a crash costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from synapse.events import EventBase
from synapse.module_api import ModuleApi, StateMap
from synapse.module_api.errors import SynapseError

from belisha.events import (
    GIVEN_KEY,
    ITEM_KEY,
    LABEL_KEY,
    MalformedEvent,
    Relation,
    UnknownLabel,
    relabel_act,
    relation_of,
    written_label,
)
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import By, Decision, refuse
from belisha.policy.people import Person
from belisha.policy.relabel import decide_relabel
from belisha.policy.rooms import Room
from belisha.policy.state import Surroundings, decide_public_text
from belisha.policy.types import CONTENT, NEVER_REDACTED, RELABEL
from belisha.tlp import ALL_LABELS, Label
from synapse_modules import labelling
from synapse_modules.files import Files
from synapse_modules.hooks import NO_TARGET, Hooks
from synapse_modules.ledger import BY_SOURCE, BY_STEWARD, EDIT_KEY, Ledger, Row, new_row, target_of
from synapse_modules.own_events import OwnEvents
from synapse_modules.refusal import malformed, refused
from synapse_modules.sizes import PDU_LIMIT
from synapse_modules.snapshot import room_of
from synapse_modules.words import Words

logger = logging.getLogger(__name__)

Json = dict[str, Any]

#: How often what a crash or a failure left over is caught up, in milliseconds.
CATCH_UP_MS: Final = 15_000
_BATCH: Final = 500
#: What an event keeps free below Synapse's limit for everything besides its content.
_ENVELOPE_BYTES: Final = 4096
_REDACTION: Final = "m.room.redaction"
_MEMBER: Final = "m.room.member"
_FOLLOWED: Final = (*sorted(CONTENT), RELABEL, _REDACTION, _MEMBER)


class Relabelling:
    """Checks acts that change labels, and carries out what follows from them."""

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        ledger: Ledger,
        about: Surroundings,
        badge: str,
        own: OwnEvents,
        files: Files,
        words: Words,
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._ledger = ledger
        self._about = about
        self._badge = badge
        self._items = hooks.one_at_a_time("belisha_items")
        self._own = own
        self._files = files
        self._words = words

    # --- Before acceptance -------------------------------------------------------------------------------------

    async def check_act(self, event: EventBase, state: StateMap[EventBase], room: Room, sender: Person) -> Json:
        """Decides about a relabel act and begins it in the ledger; the event as it is to be stored.

        Raises:
            SynapseError: 400 where it is malformed, 403 with the reason where it is refused.
        """
        try:
            act = relabel_act(event.content)
        except MalformedEvent as error:
            raise malformed(str(error)) from None
        except UnknownLabel as error:
            raise refused(refuse("L1", "UNKNOWN_LABEL", f"{error} Use one of {ALL_LABELS}.")) from None
        if act.reason is not None:
            _raise_if_refused(decide_public_text(act.reason, "reason", self._about.markers))
        self._hooks.check_may_send(event, state)
        target = await self._hooks.event(act.item)
        row = None
        if target is not None and target.room_id == event.room_id and not target.internal_metadata.is_redacted():
            if target.type in CONTENT and relation_of(target.content).replaces is not None:
                raise refused(_NAMES_AN_EDIT)
            row = await self._ledger.row_for(target) if target.type in CONTENT else None
        if row is None:
            raise refused(_NO_ITEM)
        is_source = row.source == event.sender
        decision = decide_relabel(
            room,
            row.label,
            act.label,
            is_source=is_source,
            is_steward="steward" in sender.roles,
            raised_from=row.raised_from,
        )
        _raise_if_refused(decision)
        if not await self._ledger.begin(row, act.label, event.sender):
            raise refused(_BEING_CHANGED)
        draft: Json = event.get_dict()
        draft["content"] = _act_content(row.event_id, act.label, BY_SOURCE if is_source else BY_STEWARD)
        if act.reason:
            draft["content"]["reason"] = act.reason
        return draft

    async def check_relation(self, event: EventBase, state: StateMap[EventBase], relation: Relation) -> Json | None:
        """Refuses edits that clients ignore; what the item shows before, where it was relabelled, else None.

        Who may not write in the room is told nothing of what they answer or edit.

        Raises:
            SynapseError: 403 with the reason, or 400 for an edit that names no item as it was first sent.
        """
        if relation.all:
            self._hooks.check_may_send(event, state)
        original = None if relation.replaces is None else await self._hooks.event(relation.replaces)
        if original is None or original.room_id != event.room_id:
            return None
        if original.internal_metadata.is_redacted():
            raise refused(_IS_REDACTED)
        if original.sender != event.sender:
            raise refused(_NOT_YOUR_EDIT)
        if original.type != event.type or relation_of(original.content).replaces is not None:
            raise malformed("An edit names a message as it was first sent, and has the same type.")
        row = await self._ledger.row(original.event_id)
        return await self._shown(original) if row is not None and row.acts_until else None

    async def carry_out(self, event: EventBase, item: str, label: Label) -> None:
        """Begins the relabel act that an accepted edit with a stricter label stands for: ledger first, then the edit.

        Raises:
            SynapseError: where another change of this item is under way.
        """
        original = await self._hooks.event(item)
        row = None if original is None else await self._ledger.row_for(original)
        if row is None or label <= row.effective:
            return
        if not await self._ledger.begin(row, label, event.sender):
            raise refused(_BEING_CHANGED)

    async def check_redaction(self, event: EventBase, state: StateMap[EventBase]) -> Json:
        """Writes a row for what is redacted, and into the redaction its first label; the event as it is to be stored.

        Raises:
            SynapseError: 403 where the event is kept for good, 400 where none is named.
        """
        redacts = target_of(event)
        if not isinstance(redacts, str):
            raise malformed(NO_TARGET)
        self._hooks.check_may_send(event, state)
        target = await self._hooks.event(redacts)
        if target is not None and target.type in NEVER_REDACTED:
            raise refused(_KEPT)
        draft: Json = event.get_dict()
        for key in (GIVEN_KEY, ITEM_KEY):
            draft["content"].pop(key, None)
        if target is None or target.room_id != event.room_id or target.type not in CONTENT:
            return draft
        item = relation_of(target.content).replaces
        if item is not None:
            draft["content"][ITEM_KEY] = item
        elif self._hooks.may_redact(event, target, state):
            row = await self._ledger.row_for(target)
            if row is not None:
                await self._ledger.open([row])
                draft["content"][GIVEN_KEY] = str(row.given)
        return draft

    async def raise_again(self, event_id: str, label: Label) -> bool:
        """Gives an item a stricter label that a restore lost; whether it had to be raised."""
        original = await self._hooks.event(event_id)
        row = None if original is None else await self._ledger.row_for(original)
        if row is None or label <= row.effective:
            return False
        for sender in (self._about.steward, row.source):
            if not await self._ledger.begin(row, label, sender):
                raise refused(_BEING_CHANGED)
            if await self._send(sender, row.room_id, RELABEL, _act_content(event_id, label, BY_STEWARD)):
                return True
        return False

    # --- After acceptance --------------------------------------------------------------------------------------

    async def follow(self, event: EventBase) -> None:
        """Does what follows from a stored event; may be repeated."""
        try:
            if event.type == RELABEL:
                await self._follow_item(relabel_act(event.content).item)
            elif event.type == _REDACTION:
                await self._follow_redaction(event)
            elif event.type in CONTENT:
                edited = relation_of(event.content).replaces
                if edited is not None:
                    await self._follow_edit(event, edited)
                elif (row := new_row(event)) is not None and row.label > Label.GREEN:
                    await self._ledger.open([row])
        except (MalformedEvent, UnknownLabel):
            logger.warning("An event of type %s cannot be read", event.type)

    async def catch_up(self, follow_member: Callable[[EventBase], Awaitable[None]]) -> None:
        """Follows up what a crash or a failure left over, memberships too, and ends changes whose act never came."""
        async with self._items.queue(None):
            position, until = await self._ledger.followed(), self._hooks.newest_position()
            while found := await self._hooks.events_between(position, until, _FOLLOWED, _BATCH):
                plain = [event for _, event in found if event.type in CONTENT]
                await self._ledger.open(list(_strict_rows(plain)))
                for _, event in found:
                    if event.type == _MEMBER:
                        await follow_member(event)
                    elif event.type not in CONTENT or (
                        written_label(event.content) and "m.relates_to" in event.content
                    ):
                        await self.follow(event)
                position = found[-1][0]
                await self._ledger.set_followed(position)
            if until > position:
                await self._ledger.set_followed(until)
            for row in await self._ledger.unsettled():
                await self._follow_item(row.event_id)
            await self._ledger.give_up_pending()

    async def _follow_item(self, item: str) -> None:
        async with self._items.queue(item):
            original = await self._hooks.event(item)
            row = None if original is None else await self._ledger.row(item)
            if original is None or row is None:
                return
            row = await self._ledger.settle(row)
            if row.badge_due is not None:
                await self._show_label(original, row)
                await self._ledger.badge_done(row)

    async def _follow_edit(self, edit: EventBase, item: str) -> None:
        """Posts the act that a raising edit stands for; takes an edit out that came after the redaction."""
        async with self._items.queue(item):
            original = await self._hooks.event(item)
            if original is None or original.sender != edit.sender:
                return
            if original.internal_metadata.is_redacted():
                await self._redact((edit.sender, self._about.steward), edit)
                return
            label, row = written_label(edit.content), await self._ledger.row_for(original)
            if label is None or row is None or label <= row.label or not _is_claimed(edit):
                return
            acts = await self._hooks.related(item, RELABEL)
            if any(act.content.get(EDIT_KEY) == edit.event_id for _, act in acts):
                return
            await self._ledger.open([row])
            content = _act_content(item, label, BY_SOURCE) | {EDIT_KEY: edit.event_id}
            for sender in (edit.sender, self._about.steward):
                if await self._send(sender, edit.room_id, RELABEL, content):
                    return
            logger.error("An edit raised a label, and nobody in its room could record it")

    async def _follow_redaction(self, redaction: EventBase) -> None:
        """Redacts the edits of what was redacted, which hold its text, and closes the files that it shared."""
        target = await self._hooks.event(str(target_of(redaction)))
        if target is None or target.room_id != redaction.room_id or not target.internal_metadata.is_redacted():
            return
        await self._words.forget(target.event_id)
        await self._files.follow_redaction(target.event_id)
        item = redaction.content.get(ITEM_KEY)
        if isinstance(item, str):
            await self._show_again(item)
        async with self._items.queue(target.event_id):
            await self._ledger.mark_redacted(target.event_id)
            for _, event in await self._hooks.related(target.event_id):
                if event.type in CONTENT and relation_of(event.content).replaces == target.event_id:
                    await self._redact((redaction.sender, event.sender, self._about.steward), event)

    async def _show_again(self, item: str) -> None:
        """Shows the label of a relabelled item again, where the edit that showed it was redacted."""
        async with self._items.queue(item):
            original, row = await self._hooks.event(item), await self._ledger.row(item)
            if original is not None and row is not None and row.acts_until and row.pending is None:
                await self._show_label(original, row)

    async def _redact(self, senders: Iterable[str], edit: EventBase) -> None:
        for sender in senders:
            if await self._send(sender, edit.room_id, _REDACTION, {"redacts": edit.event_id}):
                return
        logger.error("An edit of a redacted message could not be redacted: nobody in its room may")

    async def _show_label(self, original: EventBase, row: Row) -> None:
        """Shows a new label, once: by an edit in the source's name, or else by an answer."""
        if original.internal_metadata.is_redacted():
            return
        shown = await self._shown(original)
        is_editable = labelling.is_editable(original.type, original.content)
        since = await self._hooks.related(row.event_id, after=row.acts_until)
        if any(_is_relabelled(event, row.label) for _, event in since) or (
            is_editable and written_label(shown) == row.label
        ):
            return
        state = await self._api.get_room_state(row.room_id, [(POLICY_TYPE, ""), ("m.room.encryption", "")])
        room = room_of(state)
        if room is None:
            return
        if is_editable:
            badge = labelling.wants_badge(self._badge, room, original.type, shown, row.label)
            edit = labelling.relabelled(
                row.event_id, shown, row.label, badge=badge, largest=PDU_LIMIT - _ENVELOPE_BYTES
            )
            if edit is not None and await self._send(row.source, row.room_id, original.type, edit):
                return
        act = None if row.badge_due is None else await self._hooks.event(row.badge_due)
        others = () if act is None else (act.sender,)
        for sender in dict.fromkeys((self._about.steward, row.source, *others)):
            notice = labelling.relabel_notice(row.event_id, row.label)
            if await self._send(sender, row.room_id, "m.room.message", notice):
                return
        logger.warning("A label was changed, and nobody who could show it is in the room")

    async def _shown(self, original: EventBase) -> Json:
        """What clients show of an item: the new content of its newest edit, or its own."""
        newest = await self._hooks.newest_edit(original.event_id)
        content: Json = (newest or original).get_dict()["content"]
        new = content.get("m.new_content")
        return new if newest is not None and isinstance(new, dict) else content

    async def _send(self, sender: str, room_id: str, event_type: str, content: Json) -> bool:
        """Sends one of the module's own acts; False where Synapse refuses it to this sender for good."""
        try:
            with self._own.sending(sender, room_id, event_type, content):
                await self._api.create_and_send_event_into_room(
                    {"type": event_type, "room_id": room_id, "sender": sender, "content": content}
                )
        except SynapseError as error:
            if error.code >= 500 or error.code == 429 or error.errcode.endswith("CANNOT_DECIDE"):
                raise
            return False
        return True


def _strict_rows(events: Iterable[EventBase]) -> Iterable[Row]:
    for event in events:
        try:
            row = new_row(event)
        except MalformedEvent:
            continue
        if row is not None and row.label > Label.GREEN:
            yield row


def _act_content(item: str, label: Label, by: str) -> Json:
    return {"m.relates_to": {"rel_type": "m.reference", "event_id": item}, "label": str(label), "by": by}


def _is_claimed(edit: EventBase) -> bool:
    """Whether an edit has its label from its own text or key, and not from the item."""
    value = edit.content.get(LABEL_KEY)
    return value is not None and value.get("by") not in (By.PARENT.value, By.RELABEL.value)


def _is_relabelled(event: EventBase, label: Label) -> bool:
    """Whether the module itself wrote this to show a label: members' own content is never labelled “by relabel”."""
    value = event.content.get(LABEL_KEY)
    return written_label(event.content) == label and value is not None and value.get("by") == By.RELABEL.value


def _raise_if_refused(decision: Decision) -> None:
    if not decision.allowed:
        raise refused(decision)


_KEPT: Final = refuse("L4", "KEPT", "A room's sharing rules and decisions are kept and cannot be removed.")
_NO_ITEM: Final = refuse(
    "L4", "NO_ITEM", "There is nothing here to relabel: please name a message of this room that was not redacted."
)
_NAMES_AN_EDIT: Final = refuse("L4", "NO_ITEM", "This names an edit. Please name the message as it was first sent.")
_BEING_CHANGED: Final = refuse(
    "L4", "BEING_CHANGED", "Its label is being changed at this moment. Please try again in a few seconds."
)
_IS_REDACTED: Final = refuse(
    "L4", "REDACTED", "This message was redacted, so it cannot be edited any more. Please post it anew."
)
_NOT_YOUR_EDIT: Final = refuse(
    "L4", "NOT_YOURS", "Only who wrote a message can edit it. Please answer it, or relabel it as a steward."
)
