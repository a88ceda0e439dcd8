"""Acts about legal holds: one asks, another confirms (rules E1, M2 and P3)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from synapse.module_api import LoggingTransaction
from synapse.module_api.errors import SynapseError

from belisha.acts.holds import HOLD_ACTS
from belisha.policy import holds as policy
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person
from synapse_modules import hold_tables as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.hold_tables import Hold
from synapse_modules.holds import check_second
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry_tables import Known, read_all


class HoldActs:
    """What commands do about holds."""

    acts = tuple(str(act.act) for act in HOLD_ACTS)

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._registry = parts.registry
        self._audit = parts.audit
        self._holds = parts.holds
        self._rooms = parts.rooms
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        act, arguments = str(command.asked.command.act), command.asked.arguments
        if act == "hold_list":
            return await self._list(command, record)
        room_id = await self._room(str(arguments["room"])) if act == "hold_room" else None
        told: list[Json] = []

        def decide(txn: LoggingTransaction, known: Known) -> tuple[()]:
            record.not_ended(txn)
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            if "hold" not in arguments:
                told.append(self._ask(txn, known, asker, arguments, room_id, record))
                return ()
            hold = self._waiting(txn, asker, str(arguments["hold"]))
            step = {"hold_confirm": self._confirm, "hold_release": self._release, "hold_open": self._open}[act]
            told.append(record.done(txn, hold=hold.id, **step(txn, known, asker, hold)))
            return ()

        await self._registry.change_as_decided(decide)
        await self._holds.catch_up()
        return told[-1]

    def _ask(
        self,
        txn: LoggingTransaction,
        known: Known,
        asker: Person,
        arguments: Mapping[str, Any],
        room_id: str | None,
        record: Record,
    ) -> Json:
        days = {name: str(arguments[name]) for name in ("ends", "from", "to") if name in arguments}
        since, until = policy.start_of(days.get("from", "")), policy.end_of(days.get("to", ""))
        ends, now = policy.end_of(days["ends"]), int(self._clock())
        if ends is None or ("from" in days and since is None) or ("to" in days and until is None):
            raise refused(_NO_DAY)
        raise_if_refused(policy.decide_asking(asker, now=now, ends=ends, since=since, until=until))
        member = None
        if "member" in arguments:
            member = self._registry.address(str(arguments["member"]))
            localpart = member[1:].partition(":")[0]
            if localpart not in known.members or self._registry.user_id(localpart) != member:
                raise refused(_NO_MEMBER)
        reason, quiet = str(arguments["reason"]).strip(), int("quiet" in arguments)
        hold = Hold(secrets.token_hex(4), room_id, member, since, until, reason, quiet, ends, asker.user_id, now)
        tables.put(txn, hold)
        self._note(txn, asker, "hold asked", hold)
        self._holds.tell_managers(txn, known, hold, "asked", but=asker.user_id)
        return record.done(txn, hold=hold.id)

    def _waiting(self, txn: LoggingTransaction, asker: Person, hold_id: str) -> Hold:
        """A hold that has not ended; for who must not know of it there is none."""
        hold = tables.by_id(txn, hold_id)
        if (
            hold is None
            or hold.ended_at is not None
            or not asker.roles & {"manager", "operator"}
            or policy.is_quiet_about(asker, hold.member, quiet=bool(hold.quiet))
        ):
            raise refused(policy.NO_HOLD)
        return hold

    def _confirm(self, txn: LoggingTransaction, known: Known, asker: Person, hold: Hold) -> Json:
        now = int(self._clock())
        if hold.confirmed_at is not None or not self._waits(hold.asked_at) or hold.ends <= now:
            raise refused(policy.NO_HOLD)
        check_second(known, asker.user_id, hold.asked_by, hold)
        # The second after this one: what was withdrawn in the same second as the yes may have been so before it.
        hold = hold._replace(confirmed_by=asker.user_id, confirmed_at=now + 1)
        tables.put(txn, hold)
        self._note(txn, asker, "hold begun", hold)
        self._holds.tell_managers(txn, known, hold, "begun", but=asker.user_id)
        return {"done": "begun", "ends": hold.ends}

    def _release(self, txn: LoggingTransaction, known: Known, asker: Person, hold: Hold) -> Json:
        if hold.member == asker.user_id != hold.asked_by:
            raise refused(_ABOUT_YOU)
        if hold.is_active and hold.release_by not in (None, asker.user_id) and self._waits(hold.release_at):
            check_second(known, asker.user_id, str(hold.release_by), hold)
            self._holds.end(txn, known, hold, asker.user_id)
            return {"done": "ended"}
        if hold.confirmed_at is None:  # who has asked takes it back alone, and so does anybody who says no
            self._holds.end(txn, known, hold, asker.user_id)
            return {"done": "ended"}
        tables.put(txn, hold._replace(release_by=asker.user_id, release_at=int(self._clock())))
        self._note(txn, asker, "hold release asked", hold)
        self._holds.tell_managers(txn, known, hold._replace(release_by=asker.user_id), "release", but=asker.user_id)
        return {"done": "waits"}

    def _open(self, txn: LoggingTransaction, known: Known, asker: Person, hold: Hold) -> Json:
        now = int(self._clock())
        if not hold.is_active:
            raise refused(policy.NO_HOLD)
        if hold.open_by not in (None, asker.user_id) and self._waits(hold.open_at):
            check_second(known, asker.user_id, str(hold.open_by), hold)
            agreed = hold._replace(open_by=None, open_at=None, open_until=now + policy.OPEN_S, opened_at=None)
            tables.put(txn, agreed)
            self._note(txn, asker, "hold open agreed", hold)
            self._holds.tell_managers(txn, known, agreed, "agreed", but=asker.user_id)
            return {"done": "agreed"}
        if hold.member == asker.user_id:
            raise refused(_ABOUT_YOU)
        asked = hold._replace(open_by=asker.user_id, open_at=now)
        tables.put(txn, asked)
        self._note(txn, asker, "hold open asked", hold)
        self._holds.tell_managers(txn, known, asked, "open", but=asker.user_id)
        return {"done": "waits"}

    def _waits(self, since: int | None) -> bool:
        return since is not None and since > self._clock() - policy.WAITS_S

    def _note(self, txn: LoggingTransaction, asker: Person, what: str, hold: Hold) -> None:
        self._audit.append(txn, asker.user_id, kind="act", what=what, phase="done", rule="E1", item=hold.id)

    async def _room(self, named: str) -> str:
        """A room by its id or address; that there is one is not looked at, so that nobody learns of one by this."""
        try:
            return await self._rooms.named(named)
        except SynapseError as error:
            raise (refused(_NO_ROOM) if error.code == HTTPStatus.NOT_FOUND else error) from None

    async def _list(self, command: Command, record: Record) -> Json:
        def read(txn: LoggingTransaction) -> list[Json]:
            known = Known(*read_all(txn))
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            if not asker.roles & {"manager", "operator"}:
                raise refused(policy.NO_HOLD)
            return [
                self._told(txn, hold)
                for hold in tables.listed(txn, int(self._clock()))
                if not policy.is_quiet_about(asker, hold.member, quiet=bool(hold.quiet))
            ]

        return {**record.outcome, "holds": await self._api.run_db_interaction("belisha_hold_list", read)}

    def _told(self, txn: LoggingTransaction, hold: Hold) -> Json:
        events, files = tables.counted(txn, hold.id)
        return {
            "id": hold.id,
            "room_id": hold.room_id,
            "member": hold.member,
            "since": None if hold.since is None else policy.day_of(hold.since + 1),
            "until": None if hold.until is None else policy.day_of(hold.until),
            "reason": hold.reason,
            "quiet": bool(hold.quiet),
            "ends": policy.day_of(hold.ends),
            "asked_by": hold.asked_by,
            "confirmed_by": hold.confirmed_by,
            "release_by": hold.release_by if self._waits(hold.release_at) else None,
            "open_by": hold.open_by if self._waits(hold.open_at) else None,
            "kept": events + files,
        }


_NO_DAY: Final = refuse("E1", "MALFORMED", "There is no such day. Please write it such as 2027-06-30.")
_NO_MEMBER: Final = refuse("E1", "NO_SUCH_MEMBER", "There is no member with this address. Please look it up again.")
_NO_ROOM: Final = refuse(
    "E1", "NO_SUCH_ROOM", "No room has this address. Please look it up again, or name it by its id."
)
_ABOUT_YOU: Final = refuse("M2", "ABOUT_YOU", "This hold is about you, so others decide about it.")
