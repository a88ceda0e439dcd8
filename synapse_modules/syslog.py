"""Sends the audit log to the community's collector, from the table and by position: in order, and nothing is lost.

How far each chain has come is moved when a delivery has been read. What goes wrong in between sends it once more, and
so does a kill; the same record is the same message, so a collector drops what it has. Nothing waits in memory, and
nobody waits for the collector: one process sends, in a thread of its own.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.audit import Record
from belisha.syslog import framed, message
from synapse_modules import metrics
from synapse_modules.audit import Audit
from synapse_modules.refusal import FAILURES, where
from synapse_modules.registry import Registry
from synapse_modules.rooms import Rooms
from synapse_modules.screening.threads import Threads
from synapse_modules.sessions import Sessions
from synapse_modules.sign_in import SignIn
from synapse_modules.syslog_tls import Collector, NotDeliveredError, deliver

logger = logging.getLogger(__name__)

EVERY_MS: Final = 2_000
#: Records in one delivery, and deliveries in one turn.
_AT_ONCE: Final = 500
_IN_A_TURN: Final = 20
#: Seconds between two tries while the collector is away: the first, and the longest.
_WAIT, _LONGEST_WAIT = 2.0, 60.0
#: What was delivered so many seconds before the collector went away is sent again: it may have gone with it.
_AGAIN: Final = 60.0
#: When somebody should look, in seconds; as the alert has it.
_LATE: Final = 3600

#: How far chains have come: the number of the last record sent.
Positions = Mapping[str, int]


class Syslog:
    """What goes to the collector, where there is one."""

    def __init__(
        self,
        api: ModuleApi,
        to: Collector | None,
        audit: Audit,
        registry: Registry,
        sign_in: SignIn,
        rooms: Rooms,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._to = to
        self._rooms = rooms
        self._clock = clock
        self._sessions = Sessions(api, audit, registry, sign_in)
        # One sends, one looks for who asks whether it works.
        self._threads = Threads(api, 2, "belisha_syslog")
        self._lately: deque[tuple[float, Positions]] = deque()
        self._wait = 0.0
        self._not_before = 0.0

    def start(self) -> None:
        """Writes down sessions from now on, and sends, where there is a collector."""
        if self._to is None:
            return
        self._sessions.start()
        if self._api.should_run_background_tasks():
            self._api.looping_background_call(self._turn, EVERY_MS, self._to, desc="belisha_syslog")

    async def problems(self) -> list[str]:
        """Why the collector would take nothing now, and whether it is far behind; asked at this moment."""
        if self._to is None:
            return []
        try:
            await self._threads.do(deliver, self._to, ())
        except NotDeliveredError as error:
            return [str(error)]
        self._not_before = 0.0
        rows, seconds = await self._behind(self._to)
        if seconds <= _LATE:
            return []
        return [
            f"The collector {self._to} is {seconds // 60} minutes and {rows} records behind. Look again in a minute."
        ]

    async def _turn(self, to: Collector) -> None:
        if not self._rooms.ready:
            return  # nor are the tables
        try:
            if time.monotonic() >= self._not_before:
                await self._send(to)
            rows, seconds = await self._behind(to)
            metrics.syslog_behind(rows, seconds)
        except NotDeliveredError as error:
            await self._put_off(to, error)
        except FAILURES as error:
            logger.error("The audit log could not be sent, trying again: %s", where(error))

    async def _send(self, to: Collector) -> None:
        for _ in range(_IN_A_TURN):
            before, records = await self._api.run_db_interaction("belisha_syslog", _next, str(to))
            if not records:
                return
            frames = [framed(message(record, self._api.server_name)) for record in records]
            await self._threads.do(deliver, to, frames)
            # Afterwards: a kill in between sends them twice.
            after = {record.writer: record.number for record in records}
            await self._api.run_db_interaction("belisha_syslog", _move, str(to), after)
            self._remember(before)
            if self._wait:
                logger.warning("The collector of the audit log is there again")
                self._wait = 0.0
            if len(records) < _AT_ONCE:
                return

    def _remember(self, before: Positions) -> None:
        now = time.monotonic()
        self._lately.append((now, before))
        while self._lately[0][0] < now - _AGAIN:
            self._lately.popleft()

    async def _put_off(self, to: Collector, error: NotDeliveredError) -> None:
        """Waits longer each time; what was delivered just before may have gone with a collector that was killed."""
        if not self._wait:
            logger.warning("The audit log waits for its collector. %s", error)
        self._wait = min(max(_WAIT, 2 * self._wait), _LONGEST_WAIT)
        self._not_before = time.monotonic() + self._wait
        since = time.monotonic() - _AGAIN
        lately = [before for at, before in self._lately if at >= since]
        self._lately.clear()
        try:
            if lately:
                await self._api.run_db_interaction("belisha_syslog", _move, str(to), lately[0])
            rows, seconds = await self._behind(to)
            metrics.syslog_behind(rows, seconds)
        except FAILURES as failure:
            logger.error("How far the audit log has come could not be read: %s", where(failure))

    async def _behind(self, to: Collector) -> tuple[int, int]:
        """How many records wait, and for how many seconds the oldest has."""
        rows, oldest = await self._api.run_db_interaction("belisha_syslog", _waiting, str(to))
        return rows, 0 if oldest is None else max(0, int(self._clock()) - oldest)


def _positions(txn: LoggingTransaction, collector: str) -> dict[str, int]:
    """How far each chain has come; a collector of another name has nothing, and gets all."""
    txn.execute(
        "SELECT head.writer, COALESCE(sent.number, -1), head.number FROM belisha_audit_head AS head"
        " LEFT JOIN belisha_syslog AS sent ON sent.writer = head.writer AND sent.collector = ?",
        (collector,),
    )
    return {str(writer): int(number) for writer, number, last in txn.fetchall() if number < last}


def _next(txn: LoggingTransaction, collector: str) -> tuple[Positions, Sequence[Record]]:
    """Where the chains are that go on, and the next records: each chain in its order, the oldest of all first."""
    before = _positions(txn, collector)
    chains = []
    for writer, number in before.items():
        txn.execute(
            "SELECT writer, number, at, entry, mac FROM belisha_audit WHERE writer = ? AND number > ?"
            " ORDER BY number LIMIT ?",
            (writer, number, _AT_ONCE),
        )
        chains.append([Record(str(row[0]), int(row[1]), int(row[2]), str(row[3]), str(row[4])) for row in txn])
    merged = heapq.merge(*chains, key=lambda record: record.at)
    return before, list(itertools.islice(merged, _AT_ONCE))


def _move(txn: LoggingTransaction, collector: str, positions: Positions) -> None:
    for writer, number in positions.items():
        txn.execute(
            "INSERT INTO belisha_syslog (collector, writer, number) VALUES (?, ?, ?)"
            " ON CONFLICT (collector, writer) DO UPDATE SET number = excluded.number",
            (collector, writer, number),
        )


def _waiting(txn: LoggingTransaction, collector: str) -> tuple[int, int | None]:
    rows, oldest = 0, None
    for writer, number in _positions(txn, collector).items():
        txn.execute(
            "SELECT head.number, one.at FROM belisha_audit_head AS head"
            " JOIN belisha_audit AS one ON one.writer = head.writer WHERE head.writer = ? AND one.number > ?"
            " ORDER BY one.number LIMIT 1",
            (writer, number),
        )
        for last, at in txn.fetchall():
            rows += int(last) - number
            oldest = int(at) if oldest is None else min(oldest, int(at))
    return rows, oldest
