"""Decides about files that events and profiles name (rule F1), and writes down which event shares which.

What is named is asked of the policy before the event is accepted (`check_…`); that it is shared is written when the
event has its final id, just before it is stored (`EventCreationHandler.create_new_client_event`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from synapse.events import EventBase
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.events import LABEL_KEY, MalformedEvent, relation_of, written_label
from belisha.files import Address, address_of, files_in
from belisha.policy.decision import By, Decision
from belisha.policy.files import (
    NOT_CHECKED,
    NOT_READY,
    NOT_YOURS,
    Brought,
    File,
    State,
    brought_by,
    decide_avatar,
    decide_share,
    decide_withdrawal,
)
from belisha.policy.people import Person
from belisha.policy.rooms import Room
from belisha.policy.types import CONTENT
from synapse_modules.file_rows import FileRows, Naming
from synapse_modules.portrait_rows import Portrait
from synapse_modules.portraits import Portraits
from synapse_modules.refusal import PREFIX, malformed, not_found, raise_if_refused, refused
from synapse_modules.registry import Registry
from synapse_modules.scan_rows import ScanRows

_ENCRYPTED: Final = "m.room.encrypted"
_NO_ADDRESS: Final = "A picture is named by its address, which begins with “mxc://”."


class Files:
    """What members do with files other than opening them; may be used in every process."""

    def __init__(
        self, api: ModuleApi, registry: Registry, rows: FileRows, scan_rows: ScanRows, portraits: Portraits
    ) -> None:
        self._api = api
        self._portraits = portraits
        self._server = api.server_name
        self._registry = registry
        self._rows = rows
        self._scan_rows = scan_rows

    # --- Before acceptance -------------------------------------------------------------------------------------

    async def brought(
        self, sender: Person, room: Room, content: Mapping[str, Any], decided: Mapping[str, Any] | None
    ) -> Brought:
        """What the files that a tidied content names bring to it.

        Args:
            sender: who shares them.
            room: where.
            content: what names them.
            decided: what the item showed before this edit, where it was relabelled: a marker inside a file that stands
                there has been decided about since.

        Raises:
            SynapseError: 403 where one of them is not the sender's to share, or cannot be shared now or here.
            MalformedEvent: where something is named that is no address.
        """
        known = frozenset(() if decided is None else files_in(decided))
        brought = Brought()
        for address in files_in(content):
            file = await self._file(address, sender.user_id)
            await self._raise_if_refused(decide_share(sender, room, file), address, file)
            if file is not None:
                brought = brought.joined(brought_by(sender, room, file, is_known=address in known))
        return brought

    async def _raise_if_refused(self, decision: Decision, address: Address, file: File | None) -> None:
        if decision is NOT_READY and file is not None and file.has_bytes:
            await self._scan_rows.want(address.media_id)
        raise_if_refused(decision)

    async def make_avatar(self, user_id: str, url: object) -> None:
        """Decides about a picture of a member or a room, and makes the file one; None and "" name none.

        Its bytes are drawn anew before anybody else sees them.

        Raises:
            SynapseError: 403 where the file is not theirs to show, or cannot be drawn, 400 where the address is none.
        """
        if url is None or url == "":
            return
        address = address_of(url) if isinstance(url, str) else None
        if address is None:
            raise malformed(_NO_ADDRESS)
        file = await self._file(address, user_id)
        await self._raise_if_refused(decide_avatar(await self._registry.person(user_id), file), address, file)
        if file is None or file.state is State.AVATAR:
            return
        drawn = await self._portraits.drawn(address.media_id)
        if drawn is Portrait.IMPOSSIBLE:
            raise refused(NOT_CHECKED)
        if drawn is Portrait.WANTED:
            raise refused(NOT_READY)
        if not await self._rows.make_avatar(address.media_id):
            raise refused(NOT_YOURS)

    async def make_pictures(self, user_id: str, content: Mapping[str, Any]) -> None:
        """The same of a room's picture, and its thumbnail.

        Raises:
            SynapseError: as `make_avatar`.
        """
        try:
            addresses = files_in(content)
        except MalformedEvent:
            raise malformed(_NO_ADDRESS) from None
        for address in addresses:
            await self.make_avatar(user_id, f"mxc://{address.server}/{address.media_id}")

    async def offer_avatar(self, user_id: str, url: object) -> None:
        """Makes a picture of a file that a membership names, where it can be one; a membership waits for no picture."""
        address = address_of(url) if isinstance(url, str) else None
        file = None if address is None else await self._file(address, user_id)
        if file is not None and file.state is State.PENDING:
            self._api.run_as_background_process("belisha_offer", self._try_making_avatar, user_id, url)

    async def _try_making_avatar(self, user_id: str, url: object) -> None:
        with contextlib.suppress(SynapseError):
            await self.make_avatar(user_id, url)

    async def _file(self, address: Address, user_id: str) -> File | None:
        # There are no other servers.
        return await self._rows.file(address.media_id, user_id) if address.server == self._server else None

    # --- As it is stored ---------------------------------------------------------------------------------------

    async def share(self, event: EventBase) -> None:
        """Writes which files an accepted event shares; it is about to be stored as it is.

        Raises:
            SynapseError: 403 where a file was withdrawn, or made a picture, since the event was checked.
        """
        if event.type not in CONTENT or event.is_state():
            return
        naming = _naming_of(event)
        if naming is None:
            return
        if event.type == _ENCRYPTED:
            await self._rows.share_sealed(naming)
        named = {address.media_id for address in files_in(event.get_dict()["content"])}
        if named and not await self._rows.share(naming, named):
            raise refused(NOT_READY)

    # --- Withdrawing -------------------------------------------------------------------------------------------

    async def withdraw(self, person: Person, media_id: str) -> None:
        """Withdraws a file for who uploaded it, or a steward: it is closed to everybody when this returns.

        Raises:
            SynapseError: 404, the same for what is not there and what is not theirs to withdraw.
        """
        uploader = await self._rows.uploader(media_id)
        if (
            not decide_withdrawal(person, uploader).allowed
            or await self._rows.withdraw(media_id, person.user_id) is None
        ):
            raise not_found()

    async def uploader(self, media_id: str) -> str | None:
        """Who uploaded a file; None where there is none, or it is erased."""
        return await self._rows.uploader(media_id)

    async def withdraw_by_operator(self, media_id: str) -> bool:
        """The same by who runs the machine; whether it was open before.

        Raises:
            SynapseError: 404 where there is none.
        """
        done = await self._rows.withdraw(media_id)
        if done is None:
            raise SynapseError(HTTPStatus.NOT_FOUND, "No file has this id here.", f"{PREFIX}NOT_FOUND")
        return done

    # --- Afterwards --------------------------------------------------------------------------------------------

    async def follow_redaction(self, event_id: str) -> None:
        """Closes what the redacted event was the last to share; may be repeated."""
        await self._rows.redacted(event_id)

    async def catch_up(self) -> None:
        """Takes out shares whose event never came."""
        await self._rows.give_up_unstored()


def _naming_of(event: EventBase) -> Naming | None:
    """The event as it shares files; None for the module's own, which shows a new label and shares nothing anew."""
    label, written = written_label(event.content), event.content.get(LABEL_KEY)
    if label is None or (isinstance(written, Mapping) and written.get("by") == By.RELABEL.value):
        return None
    try:
        item = relation_of(event.content).replaces
    except MalformedEvent:
        return None
    return Naming(event.event_id, item or event.event_id, event.room_id, event.sender, label)
