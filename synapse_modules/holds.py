"""Legal holds: keeps what is withdrawn under them, ends them, and tells of them (rules E1 and M2).

Synapse holds the text of a redacted event for an hour (`redaction_retention_period`); within seconds of it a sealed
copy is kept here. Nothing that shows anything to anybody reads these rows: only an operator's command does, once two
people agreed.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.acts.holds import HOLD_KEY
from belisha.kept import EVENT, Place, seal
from belisha.policy import holds as policy
from belisha.policy.people import Standing
from synapse_modules import hold_tables as tables
from synapse_modules.audit import Audit
from synapse_modules.held_files import HeldFiles
from synapse_modules.hold_tables import Hold, Note
from synapse_modules.hooks import Hooks
from synapse_modules.leftovers import Leftovers
from synapse_modules.own_messages import message_with
from synapse_modules.refusal import FAILURES, malformed, raise_if_refused, refused, where
from synapse_modules.registry import Registry
from synapse_modules.registry_tables import Known, is_active, read_all
from synapse_modules.rooms import Rooms

logger = logging.getLogger(__name__)

Json = dict[str, Any]
_LOCK: Final = "belisha_hold"
#: How many rows an operator is given at once; of a file each is half a megabyte and more.
_PAGE: Final = 8
_START: Final = ("", "", -1)


class Holds:
    """All holds; the process that does background work follows them."""

    #: How often it is looked for what was withdrawn, in milliseconds.
    every_ms: Final = 5_000

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        registry: Registry,
        rooms: Rooms,
        audit: Audit,
        public: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`public` is the key to seal with (`belisha.kept`)."""
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._audit = audit
        self._public = public
        self._clock = clock
        self._leftovers = Leftovers(api)
        #: What keeps files; in every process that serves them.
        self.files = HeldFiles(api, audit, public, clock)

    async def catch_up(self) -> None:
        """Keeps what was withdrawn, ends what is over, and tells what there is to tell; each may be repeated."""
        try:
            await self._keep()
            await self._api.run_db_interaction("belisha_holds_over", self._end_what_is_over)
            await self._leftovers.clear()
            for note in await self._api.run_db_interaction("belisha_hold_notes", tables.notes):
                await self._tell(note)
        except FAILURES as error:
            logger.error("What legal holds ask for is still to be done, trying again soon: %s", where(error))

    async def _keep(self) -> None:
        after = (0, "")
        while found := await self._api.run_db_interaction("belisha_hold_withdrawn", tables.withdrawn, after):
            for _, redaction, hold, event_id, sender, text in found:
                event = await self._hooks.event(event_id)
                if event is not None and event.internal_metadata.is_redacted():
                    await self._api.run_db_interaction(
                        "belisha_hold_keep", self._keep_event, Place(hold, EVENT, event_id, 0), redaction, sender, text
                    )
            after = found[-1][0], found[-1][1]

    def _keep_event(self, txn: LoggingTransaction, place: Place, redaction: str, sender: str, text: str) -> None:
        now = int(self._clock())
        plain = json.dumps({"event": json.loads(text), "event_id": place.id, "redacted_by": redaction, "kept_at": now})
        if tables.keep(txn, place, seal(self._public, place, plain.encode()), now):
            tables.tell(txn, place.hold, "kept", sender, now)
            self._audit.append(
                txn, kind="act", what="hold kept", phase="done", rule="E1", item=place.hold, event=place.id
            )

    def _end_what_is_over(self, txn: LoggingTransaction) -> None:
        now = int(self._clock())
        for hold in tables.over(txn, now):
            self.end(txn, Known(*read_all(txn)), hold, None)
        for hold in tables.in_review(txn, now):
            self.tell_managers(txn, Known(*read_all(txn)), hold, "review")

    def end(self, txn: LoggingTransaction, known: Known, hold: Hold, by: str | None) -> None:
        """Ends a hold in its transaction: what it kept is erased, and managers are told."""
        tables.end(txn, hold, by, int(self._clock()))
        self._leftovers.note()
        self._audit.append(txn, by, kind="act", what="hold ended", phase="done", rule="E1", item=hold.id)
        self.tell_managers(txn, known, hold, "ended" if hold.is_active else "lapsed", but=by or "")

    def tell_managers(self, txn: LoggingTransaction, known: Known, hold: Hold, step: str, but: str = "") -> None:
        """Notes that every manager and operator is told of a step, but who took it, and who must not know of it."""
        for member in known.members.values():
            person = known.person(self._registry.user_id(member.localpart))
            runs = person.roles & {"manager", "operator"} and is_active(member, known.organisations)
            if (
                runs
                and person.user_id != but
                and not policy.is_quiet_about(person, hold.member, quiet=bool(hold.quiet))
            ):
                tables.tell(txn, hold.id, step, person.user_id, int(self._clock()))

    # --- For operators -------------------------------------------------------------------------------------------

    async def listed(self) -> Json:
        """Every hold, for the command line."""

        def read(txn: LoggingTransaction) -> list[Json]:
            found = []
            for hold in tables.listed(txn, int(self._clock())):
                events, files = tables.counted(txn, hold.id)
                found.append({**hold._asdict(), "events": events, "files": files})
            return found

        return {"holds": await self._api.run_db_interaction("belisha_holds", read)}

    async def take_out(self, hold_id: str, body: Mapping[str, Any]) -> Json:
        """The next of what a hold keeps, sealed as it is; the first page is audited, and managers are told.

        Raises:
            SynapseError: 403 where two have not agreed within a day; 400 for a place that is none.
        """
        after = body.get("after")
        if after is not None and not (
            isinstance(after, list) and list(map(type, after)) == [str, str, int] and after[0] and after[1]
        ):
            raise malformed("`after` is a place: kind, id and part; or null for the first page.")

        def read(txn: LoggingTransaction) -> list[tuple[Place, str]]:
            now = int(self._clock())
            hold = tables.by_id(txn, hold_id)
            if hold is None or not hold.is_active:
                raise refused(policy.NO_HOLD)
            if (hold.open_until or 0) <= now or (after is not None and hold.opened_at is None):
                raise refused(policy.NOT_AGREED)
            if after is None:
                tables.put(txn, hold._replace(opened_at=now))
                self._audit.append(txn, kind="act", what="hold opened", phase="done", rule="E1", item=hold.id)
                self.tell_managers(txn, Known(*read_all(txn)), hold, "opened")
            place = _START if after is None else (str(after[0]), str(after[1]), int(after[2]))
            return tables.page(txn, hold_id, place, _PAGE)

        found = await self._api.run_db_interaction("belisha_hold_open", read)
        return {"rows": [[place.kind, place.id, place.part, sealed] for place, sealed in found]}

    # --- Telling -------------------------------------------------------------------------------------------------

    async def _tell(self, note: Note) -> None:
        lock = await self._hooks.try_lock(_LOCK, " ".join(map(str, note)))
        if lock is None:  # another process is at it
            return
        async with lock:
            hold: Hold | None = await self._api.run_db_interaction("belisha_hold_by", tables.by_id, note.hold)
            member = (await self._registry.members()).get(note.who[1:].partition(":")[0])
            room_id = None if member is None or member.standing is Standing.REMOVED else member.service_room
            if hold is not None and room_id is not None:
                await self._say(room_id, _said(hold, note), note._asdict())
            await self._api.run_db_interaction("belisha_hold_told", tables.is_told, note)

    async def _say(self, room_id: str, said: str, facts: Json) -> None:
        if await self._api.run_db_interaction(
            "belisha_hold_said", message_with, room_id, self._rooms.steward, HOLD_KEY, facts
        ):
            return
        content = {"msgtype": "m.text", "body": said, HOLD_KEY: facts}
        await self._api.create_and_send_event_into_room(
            {"type": "m.room.message", "room_id": room_id, "sender": self._rooms.steward, "content": content}
        )


def check_second(known: Known, second_id: str, first_id: str, hold: Hold) -> None:
    """Holds the second of two to the rules, as both are now.

    Raises:
        SynapseError: 403 with the reason.
    """
    names = [known.members[one[1:].partition(":")[0]].name for one in (second_id, first_id) if _is_known(known, one)]
    alike = len(names) == 2 and policy.are_alike(*names)
    raise_if_refused(policy.decide_second(known.person(second_id), known.person(first_id), hold.member, alike=alike))


def _is_known(known: Known, user_id: str) -> bool:
    return user_id[1:].partition(":")[0] in known.members


def _said(hold: Hold, note: Note) -> str:
    """What is told; it names people and ids, and nothing of what is kept."""
    day, asked, also = policy.day_of(hold.ends), _name(hold.asked_by), f"Look at it by !hold list; its id is {hold.id}."
    match note.step:
        case "kept" if hold.ended_at is None:
            return (
                "Something that you sent was withdrawn, and is gone for everybody here. A sealed copy of it is kept "
                f"until {day} at the latest, under a legal hold, on this basis: {hold.reason}. So is what you withdraw "
                "there until then. Nobody can read it here: it takes two people who run the community, and an "
                "operator, to open it, and both stand in the audit log. You may ask the managers what is kept of you "
                "(article 15 of the GDPR), object to it (article 21), and complain to the data protection authority."
            )
        case "kept":
            return (
                f"A legal hold has ended. It was on this basis: {hold.reason}. Sealed copies of something that you "
                "sent, and that was withdrawn, were kept under it; they are erased now. You were not told before, "
                "since those who asked for it said that a law forbids it. You may ask the managers about it (article "
                "15 of the GDPR), and complain to the data protection authority."
            )
        case "asked":
            return f"{asked} asks for a legal hold, and a second person has to confirm it within a week. {also}"
        case "begun":
            return f"A legal hold is in force until {day}: {asked} asked, {_name(hold.confirmed_by)} confirmed. {also}"
        case "release":
            return f"{_name(hold.release_by)} asks to end a legal hold. A second person has to agree. {also}"
        case "open":
            return f"{_name(hold.open_by)} asks to have opened what a legal hold keeps. A second has to agree. {also}"
        case "agreed":
            return f"Two people agreed that an operator may take out, within a day, what a legal hold keeps. {also}"
        case "opened":
            return f"An operator has taken out what a legal hold keeps. {also}"
        case "review":
            return (
                f"A legal hold of {asked} is in force until {day}. Is it still needed? If not, end it by "
                f"!hold release {hold.id}. {also}"
            )
        case "lapsed":
            return (
                f"The legal hold {hold.id} was declined, taken back, or confirmed by nobody in time: it keeps nothing."
            )
        case _:
            return f"The legal hold {hold.id} has ended, and all that it kept is erased."


def _name(user_id: str | None) -> str:
    return (user_id or "").partition(":")[0]
