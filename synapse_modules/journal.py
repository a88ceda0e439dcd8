"""Writes the journal of revocations, which lies where a restore of this machine does not bring it back (rule E1).

Everything comes out of the database, from where the journal was last: so a crash repeats a few lines, which does no
harm, and loses none. Without a path nothing is written.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, Final

from synapse.events import EventBase
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.events import MalformedEvent, UnknownLabel, relabel_act
from belisha.policy.people import Standing
from belisha.policy.types import RELABEL
from belisha.revocations import Revocation, What, roles_text
from belisha.tlp import Label
from synapse_modules import hold_tables
from synapse_modules import registry_tables as tables
from synapse_modules.file_rows import FileRows
from synapse_modules.hooks import Hooks
from synapse_modules.hooks_people import PeopleHooks
from synapse_modules.ledger import target_of
from synapse_modules.metrics import CANNOT_DECIDE
from synapse_modules.redactions import Redactions
from synapse_modules.refusal import FAILURES, where
from synapse_modules.registry import Registry
from synapse_modules.registry_errors import RegistryError
from synapse_modules.relabelling import Relabelling
from synapse_modules.rights import Rights

logger = logging.getLogger(__name__)

EVERY_MS: Final = 2_000
_REDACTION: Final = "m.room.redaction"
_MEMBER: Final = "m.room.member"
_TYPES: Final = (RELABEL, _REDACTION, _MEMBER)
_BATCH: Final = 500
_LONGEST_LINE: Final = 4096
_ONE_AT_A_TIME: Final = threading.Lock()
#: How long is waited before a line that could not be replayed is tried again, in seconds.
_AGAIN_S: Final = (0.5, 2.0, 8.0)


class Journal:
    """The journal, and what a restore does with it; written by the process that does background work."""

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        registry: Registry,
        rows: FileRows,
        redactions: Redactions,
        relabelling: Relabelling,
        rights: Rights,
        path: Path | None,
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._people = PeopleHooks(api)
        self._registry = registry
        self._rows = rows
        self._redactions = redactions
        self._relabelling = relabelling
        self._rights = rights
        self._path = path
        self._busy = False
        #: As the journal has it already, in this run of the process.
        self._standings: dict[tuple[str, str], str] = {}
        self._roles: dict[str, str] = {}
        if path is not None:
            api.register_password_auth_provider_callbacks(on_logged_out=self._note_session)

    async def _note_session(self, user_id: str, device_id: str | None, _token: str) -> None:
        if device_id is not None:
            await self._api.run_db_interaction("belisha_session_ended", _note_session, user_id, device_id)

    # --- Writing -----------------------------------------------------------------------------------------------

    async def write(self) -> None:
        """Adds what has ended since the last time; where that fails, it is added the next time."""
        if self._path is None or self._busy:
            return
        self._busy = True
        try:
            await self._write(self._path)
        except FAILURES as error:
            logger.error("The journal of revocations could not be written, trying again: %s", where(error))
        finally:
            self._busy = False

    async def _write(self, path: Path) -> None:
        until = self._hooks.newest_position()
        position = await self._api.run_db_interaction("belisha_journal", _position)
        while found := await self._hooks.events_between(position, until, _TYPES, _BATCH):
            lines = [one for _, event in found if (one := _of_event(event)) is not None]
            await self._append(path, lines)
            position = found[-1][0]
            await self._api.run_db_interaction("belisha_journal", _set_position, position)
        files = await self._rows.to_journal(_BATCH)
        sessions = await self._api.run_db_interaction("belisha_journal", _sessions)
        holds = await self._api.run_db_interaction("belisha_journal", hold_tables.to_journal)
        standings, roles = await self._changed_people()
        await self._append(
            path,
            [
                *(Revocation(What.FILE, (media_id,)) for media_id in files),
                *(Revocation(What.SESSION, session) for session in sessions),
                *(Revocation(What.HOLD, (one,)) for one in holds),
                *(Revocation(What.STANDING, key, now) for key, now in standings.items()),
                *(Revocation(What.ROLES, (name,), now) for name, now in roles.items()),
            ],
        )
        self._standings |= standings
        self._roles |= roles
        await self._rows.journalled(files)
        await self._api.run_db_interaction("belisha_journal", hold_tables.journalled, holds)
        await self._api.run_db_interaction("belisha_journal", _forget_sessions, sessions)

    async def _append(self, path: Path, revocations: list[Revocation]) -> None:
        # In a thread: another machine's disk may hang, and Synapse may not.
        await self._api.defer_to_thread(_append, path, revocations)

    async def _changed_people(self) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
        """Standings and roles that the journal does not have; those of all members once in each run of the process.

        Who has no role is written down, too: what a role was taken from while this process was being killed is told so.
        """
        organisations, members = await self._api.run_db_interaction("belisha_journal", tables.read_all)
        now = {("organisations", key): one.standing.value for key, one in organisations.items()}
        now |= {("members", key): one.standing.value for key, one in members.items()}
        usual = Standing.ACTIVE.value
        standings = {key: standing for key, standing in now.items() if self._standings.get(key, usual) != standing}
        roles = {name: roles_text(one.roles) for name, one in members.items() if one.standing is not Standing.REMOVED}
        return standings, {name: text for name, text in roles.items() if self._roles.get(name) != text}

    async def note(self, revocation: Revocation) -> None:
        """Writes down at once what no later look at the database would find, before it is done.

        Raises:
            OSError: it cannot be written; then it must not be done, or a restore would bring it back.
        """
        if self._path is not None:
            await self._append(self._path, [revocation])

    # --- Replaying ---------------------------------------------------------------------------------------------

    async def replay(self, revocation: Revocation) -> bool:
        """Ends again what a restore brought back; whether there was anything to end. May be repeated.

        What fails, or cannot be decided at that moment, is tried again for some seconds: whoever restores stands before
        a community that is closed.

        Raises:
            SynapseError: it is refused.
        """
        act: Callable[[Revocation], Awaitable[bool]] = {
            What.FILE: self._withdraw,
            What.ITEM: self._redact,
            What.LABEL: self._raise,
            What.MEMBERSHIP: self._leave,
            What.STANDING: self._stand,
            What.PSEUDONYM: self._forget,
            What.ROLES: self._take_roles,
            What.SESSION: self._sign_out,
            What.HOLD: self._end_hold,
        }[revocation.what]
        for pause in _AGAIN_S:
            try:
                return await act(revocation)
            except FAILURES as error:
                if isinstance(error, SynapseError) and error.errcode != CANNOT_DECIDE:
                    raise
                logger.warning("A line of the journal is tried again: %s", where(error))
            await self._api.sleep(pause)
        return await act(revocation)

    async def _withdraw(self, one: Revocation) -> bool:
        return await self._rows.withdraw(one.ids[0]) is True

    async def _redact(self, one: Revocation) -> bool:
        event = await self._hooks.event(one.ids[0])
        if event is None or event.internal_metadata.is_redacted():
            return False
        return await self._redactions.redact(one.ids[0])

    async def _raise(self, one: Revocation) -> bool:
        label = Label.parse(one.now)
        return label is not None and await self._relabelling.raise_again(one.ids[0], label)

    async def _leave(self, one: Revocation) -> bool:
        room_id, user_id = one.ids
        if one.now != "left" or user_id not in await self._hooks.joined(room_id):
            return False
        await self._rights.remove(user_id, room_id)
        return True

    async def _stand(self, one: Revocation) -> bool:
        (kind, name), standing = one.ids, Standing(one.now)
        if standing is Standing.ACTIVE:
            return False
        set_standing = (
            self._registry.set_member_standing if kind == "members" else self._registry.set_organisation_standing
        )
        try:
            return await set_standing(name, standing)
        except RegistryError:  # not there yet at the time of the backup, or removed before
            return False

    async def _forget(self, one: Revocation) -> bool:
        gone: bool = await self._api.run_db_interaction("belisha_journal", _forget_pseudonym, one.ids[0])
        return gone

    async def _take_roles(self, one: Revocation) -> bool:
        member = (await self._registry.members()).get(one.ids[0])
        if member is None:
            return False
        kept = tuple(role for role in member.roles if role == "member" or role in one.now.split(",")) or ("member",)
        try:
            return kept != member.roles and (await self._registry.put_member(member._replace(roles=kept)))[1]
        except RegistryError:  # removed since
            return False

    async def _end_hold(self, one: Revocation) -> bool:
        now = int(time.time())
        return bool(await self._api.run_db_interaction("belisha_journal", hold_tables.end_again, one.ids[0], now))

    async def _sign_out(self, one: Revocation) -> bool:
        return await self._people.end_session(*one.ids)


def _of_event(event: EventBase) -> Revocation | None:
    if event.type == _REDACTION:
        return Revocation(What.ITEM, (str(target_of(event)),))
    if event.type == RELABEL:
        try:
            act = relabel_act(event.content)
        except (MalformedEvent, UnknownLabel):
            return None
        return Revocation(What.LABEL, (act.item,), str(act.label))
    membership = event.content.get("membership")
    if membership not in ("leave", "ban", "join"):
        return None
    return Revocation(
        What.MEMBERSHIP, (event.room_id, str(event.state_key)), "joined" if membership == "join" else "left"
    )


def _append(path: Path, revocations: list[Revocation]) -> None:
    """Adds lines to the journal and waits until they are on the disk; a line that a crash cut short goes first."""
    if not revocations:
        return
    with _ONE_AT_A_TIME, os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        _cut_to_whole_lines(file)
        file.write("".join(f"{one.line()}\n" for one in revocations).encode())
        file.flush()
        os.fsync(file.fileno())


def _cut_to_whole_lines(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _LONGEST_LINE)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        end = start if found < 0 else start + found + 1
        if found >= 0:
            break
    file.seek(end)
    file.truncate()


def _position(txn: LoggingTransaction) -> int:
    txn.execute("SELECT position FROM belisha_journal WHERE id = 1")
    (position,) = txn.fetchone() or (0,)
    return int(position)


def _set_position(txn: LoggingTransaction, position: int) -> None:
    txn.execute("UPDATE belisha_journal SET position = ? WHERE id = 1", (position,))


def _note_session(txn: LoggingTransaction, user_id: str, device_id: str) -> None:
    txn.execute(
        "INSERT INTO belisha_session_ended (user_id, device_id) VALUES (?, ?)"
        " ON CONFLICT (user_id, device_id) DO NOTHING",
        (user_id, device_id),
    )


def _forget_pseudonym(txn: LoggingTransaction, pseudonym: str) -> bool:
    txn.execute("DELETE FROM belisha_pseudonym WHERE pseudonym = ?", (pseudonym,))
    return int(txn.rowcount) == 1


def _sessions(txn: LoggingTransaction) -> list[tuple[str, str]]:
    txn.execute("SELECT user_id, device_id FROM belisha_session_ended LIMIT ?", (_BATCH,))
    return [(str(row[0]), str(row[1])) for row in txn.fetchall()]


def _forget_sessions(txn: LoggingTransaction, sessions: list[tuple[str, str]]) -> None:
    for session in sessions:
        txn.execute("DELETE FROM belisha_session_ended WHERE user_id = ? AND device_id = ?", session)
