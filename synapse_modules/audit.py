"""Writes the audit log (rule A1): one chain for each process, in Synapse's database, without content.

What is written with a change is written in its transaction, beside the chain: transactions that run at once would each
want the chain's next place. Every half a second this process puts what has come together into its chain, in order.
Refusals are gathered for as long, so that whoever is refused a thousand times costs one row and a count.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.audit import NOTHING, WRITERS, Head, Record, hidden, mac_of, seal_of, written
from belisha.policy.types import CONTENT, PROTOCOL
from belisha.syslog import SESSION
from synapse_modules import refusal
from synapse_modules.refusal import FAILURES, PREFIX, where

logger = logging.getLogger(__name__)

FLUSH_EVERY_MS: Final = 500
#: For how long the same refusal is counted in one row, in seconds.
_COUNTED_FOR: Final = 60
_KNOWN_TYPES: Final = CONTENT | PROTOCOL
_PAGE: Final = 1000
MAIN: Final = "main"
_MONTH: Final = 30 * 86_400
#: What waits for so long, in seconds, is left by a process that has not come back.
_LEFT_AFTER: Final = 600


@dataclass
class _Counted:
    """The same refusal: how often since it was written, and when that was."""

    count: int = 0
    since: float = float("-inf")


class Audit:
    """The log of one process."""

    def __init__(self, api: ModuleApi, key: str, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._key = key.encode()
        self._clock = clock
        self.writer = api.worker_name or MAIN
        #: In the order in which they were written, after a restart too.
        self._ids = itertools.count(time.time_ns())
        #: The acts of this run; those of an earlier one that are open were cut short.
        self._acts: set[str] = set()
        self._begun = False
        self._counted: dict[tuple[tuple[str, str], ...], _Counted] = {}
        refusal.on_refusal = self._note_refusal

    def start(self) -> None:
        """Begins to write what is gathered."""
        self._api.looping_background_call(self.flush, FLUSH_EVERY_MS, desc="belisha_audit", run_on_all_instances=True)

    # --- Writing -----------------------------------------------------------------------------------------------

    def append(self, txn: LoggingTransaction, who: str | None = None, **entry: Any) -> None:
        """Writes one record, in the transaction of what it is about.

        Args:
            txn: the transaction.
            who: the user id of whom it is about, which is written as a pseudonym.
            entry: ids, names of this code and counts; no content.
        """
        if who is not None:
            entry["who"] = _pseudonym(txn, who)
        txn.execute(
            "INSERT INTO belisha_audit_waiting (writer, id, at, entry) VALUES (?, ?, ?, ?)",
            (self.writer, next(self._ids), int(self._clock()), written(entry)),
        )

    async def record(self, who: str | None = None, **entry: Any) -> None:
        """Writes one record by itself."""
        await self._api.run_db_interaction("belisha_audit", lambda txn: self.append(txn, who, **entry))

    @asynccontextmanager
    async def act(self, what: str, who: str | None = None, **ids: Any) -> AsyncIterator[None]:
        """Writes that something is intended, before it, and that it was done or has failed, after it."""
        act = f"{self.writer}:{secrets.token_hex(8)}"
        self._acts.add(act)
        await self.record(who, kind="act", what=what, phase="intended", act=act, **ids)
        try:
            yield
        except FAILURES:
            await self.record(kind="act", what=what, phase="failed", act=act)
            raise
        await self.record(kind="act", what=what, phase="done", act=act)

    # --- Refusals ----------------------------------------------------------------------------------------------

    def _note_refusal(self, error: SynapseError, asked: refusal.Asked) -> None:
        code = error.errcode.removeprefix(PREFIX)
        about = {"kind": "refusal", "what": code, "rule": str(error.error_dict(None).get("org.belisha.rule", ""))}
        about |= {"who": asked.user_id or "", "room": asked.room_id or "", "type": self._type(asked.event_type)}
        self._note(about)

    def denied(self, user_id: str, media_id: str, *, is_known: bool) -> None:
        """Notes that a file was not given to somebody; who guesses ids of files that are not there costs one row."""
        about = {"what": "file", "file": media_id} if is_known else {"what": "no such file"}
        self._note({"kind": "denial", "rule": "F1", "who": user_id, **about})

    def not_let_in(self, what: str, method: str, user_id: str | None) -> None:
        """Notes that a password was not taken; None for an account that is not there, of whatever name."""
        about = {"who": user_id} if user_id is not None else {"account": "unknown"}
        self._note({"kind": SESSION, "what": what, "method": method, **about})

    def _note(self, about: dict[str, str]) -> None:
        key = tuple(sorted((name, value) for name, value in about.items() if value))
        self._counted.setdefault(key, _Counted()).count += 1

    def _type(self, event_type: str | None) -> str:
        if event_type is None or event_type in _KNOWN_TYPES:
            return event_type or ""
        return hidden(self._key, event_type)

    async def flush(self) -> None:
        """Puts what has come together into the chain; where that fails, it is done the next time."""
        if not self._begun:
            await self._begin()
        now = time.monotonic()
        due = {
            key: each.count for key, each in self._counted.items() if each.count and now - each.since >= _COUNTED_FOR
        }

        def write(txn: LoggingTransaction) -> None:
            for key, count in due.items():
                entry: dict[str, Any] = dict(key)
                self.append(txn, entry.pop("who", None), **entry, count=count)
            self._chain(txn)

        try:
            await self._api.run_db_interaction("belisha_audit_chain", write)
        except FAILURES as error:
            logger.error("The audit log could not be written, trying again: %s", where(error))
            return
        for key, count in due.items():
            counted = self._counted[key]
            counted.count, counted.since = counted.count - count, now
        self._counted = {
            key: each for key, each in self._counted.items() if each.count or now - each.since < _COUNTED_FOR
        }

    # --- The chain ---------------------------------------------------------------------------------------------

    def _chain(self, txn: LoggingTransaction) -> None:
        """Puts what waits into this process's chain; the main one takes what a process left that never came back."""
        left = self._clock() - _LEFT_AFTER if self.writer == MAIN else 0
        txn.execute(
            "SELECT writer, id, at, entry FROM belisha_audit_waiting WHERE writer = ? OR at < ?"
            " ORDER BY id, writer LIMIT ?",
            (self.writer, left, _PAGE),
        )
        waiting = txn.fetchall()
        if not waiting:
            return
        last = _head(txn, self.writer) or self._start_chain(txn)
        for writer, number, at, entry in waiting:
            last = self._put(txn, last, int(at), str(entry))
            txn.execute("DELETE FROM belisha_audit_waiting WHERE writer = ? AND id = ?", (writer, number))

    def _start_chain(self, txn: LoggingTransaction) -> Head:
        """Begins the chain of this process, and registers its start in the chain of the writers."""
        now, nothing = int(self._clock()), Head(self.writer, -1, NOTHING, "")
        start = self._put(txn, nothing, now, written({"kind": "start", "writer": self.writer}))
        writers = _head(txn, WRITERS) or Head(WRITERS, -1, NOTHING, "")
        self._put(txn, writers, now, written({"kind": "writer", "writer": self.writer, "start": start.mac}))
        return start

    def _put(self, txn: LoggingTransaction, last: Head, at: int, entry: str) -> Head:
        number = last.number + 1
        mac = mac_of(self._key, last.writer, number, at, entry, last.mac)
        head = Head(last.writer, number, mac, seal_of(self._key, last.writer, number, mac))
        act = Record(last.writer, number, at, entry, mac).said.get("act")
        txn.execute(
            "INSERT INTO belisha_audit (writer, number, at, entry, mac, act) VALUES (?, ?, ?, ?, ?, ?)",
            (head.writer, number, at, entry, mac, act),
        )
        txn.execute(
            "INSERT INTO belisha_audit_head (writer, number, mac, seal) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (writer) DO UPDATE SET number = excluded.number, mac = excluded.mac, seal = excluded.seal",
            head,
        )
        return head

    # --- Reading -----------------------------------------------------------------------------------------------

    async def heads(self) -> list[Head]:
        """How far every chain has come."""
        return (await self.ends())[0]

    async def ends(self) -> tuple[list[Head], list[str]]:
        """How far every chain has come, and every chain that has records."""
        ends: tuple[list[Head], list[str]] = await self._api.run_db_interaction("belisha_audit_heads", _ends)
        return ends

    async def page(self, writer: str, first: int) -> list[Record]:
        """The next records of one chain."""
        records: list[Record] = await self._api.run_db_interaction("belisha_audit_page", _page, writer, first)
        return records

    async def acts(self) -> list[Record]:
        """Every record of an act of the last month, of all chains."""
        since = int(self._clock()) - _MONTH
        records: list[Record] = await self._api.run_db_interaction("belisha_audit_acts", _acts, since)
        return records

    async def names(self) -> dict[str, str]:
        """Who stands behind each pseudonym."""
        names: dict[str, str] = await self._api.run_db_interaction("belisha_audit_names", _names)
        return names

    async def forget(self, user_id: str) -> bool:
        """Erases who stands behind somebody's pseudonym, for good; their next record gets a new one."""
        done: bool = await self._api.run_db_interaction("belisha_audit_forget", _forget, user_id)
        return done

    async def _begin(self) -> None:
        """Writes which acts of this process a crash cut short; until that works, nothing else is flushed."""
        try:
            cut: int = await self._api.run_db_interaction("belisha_audit_cut", self._cut_short)
        except FAILURES as error:
            logger.info("The audit log has not begun yet: %s", where(error))
            return
        self._begun = True
        if cut:
            logger.warning("%d acts were cut short by the end of the last run; the audit log names them", cut)

    def _cut_short(self, txn: LoggingTransaction) -> int:
        self._chain(txn)
        txn.execute(
            "SELECT entry FROM belisha_audit WHERE writer = ? AND act IS NOT NULL ORDER BY number",
            (self.writer,),
        )
        acts: dict[str, str] = {}
        for (entry,) in txn.fetchall():
            said = Record(self.writer, 0, 0, entry, "").said
            if not str(said.get("act", "")).startswith(f"{self.writer}:") or said["act"] in self._acts:
                continue
            if said["phase"] == "intended":
                acts[said["act"]] = said["what"]
            else:
                acts.pop(said["act"], None)
        for act, what in acts.items():
            self.append(txn, kind="act", what=what, phase="cut short", act=act)
        self._chain(txn)
        return len(acts)


def _head(txn: LoggingTransaction, writer: str) -> Head | None:
    txn.execute("SELECT writer, number, mac, seal FROM belisha_audit_head WHERE writer = ?", (writer,))
    row = txn.fetchone()
    return None if row is None else Head(str(row[0]), int(row[1]), str(row[2]), str(row[3]))


def _ends(txn: LoggingTransaction) -> tuple[list[Head], list[str]]:
    txn.execute("SELECT writer, number, mac, seal FROM belisha_audit_head ORDER BY writer")
    heads = [Head(str(row[0]), int(row[1]), str(row[2]), str(row[3])) for row in txn.fetchall()]
    txn.execute("SELECT DISTINCT writer FROM belisha_audit")
    return heads, sorted({str(row[0]) for row in txn.fetchall()} | {head.writer for head in heads})


def _page(txn: LoggingTransaction, writer: str, first: int) -> list[Record]:
    txn.execute(
        "SELECT writer, number, at, entry, mac FROM belisha_audit WHERE writer = ? AND number >= ?"
        " ORDER BY number LIMIT ?",
        (writer, first, _PAGE),
    )
    return [Record(str(row[0]), int(row[1]), int(row[2]), str(row[3]), str(row[4])) for row in txn.fetchall()]


def _acts(txn: LoggingTransaction, since: int) -> list[Record]:
    txn.execute(
        "SELECT writer, number, at, entry, mac FROM belisha_audit WHERE act IS NOT NULL AND at > ?"
        " ORDER BY writer, number",
        (since,),
    )
    return [Record(str(row[0]), int(row[1]), int(row[2]), str(row[3]), str(row[4])) for row in txn.fetchall()]


def _pseudonym(txn: LoggingTransaction, user_id: str) -> str:
    txn.execute(
        "INSERT INTO belisha_pseudonym (user_id, pseudonym) VALUES (?, ?) ON CONFLICT (user_id) DO NOTHING",
        (user_id, f"p-{secrets.token_hex(8)}"),
    )
    txn.execute("SELECT pseudonym FROM belisha_pseudonym WHERE user_id = ?", (user_id,))
    ((pseudonym,),) = txn.fetchall()
    return str(pseudonym)


def _names(txn: LoggingTransaction) -> dict[str, str]:
    txn.execute("SELECT pseudonym, user_id FROM belisha_pseudonym")
    return {str(row[0]): str(row[1]) for row in txn.fetchall()}


def _forget(txn: LoggingTransaction, user_id: str) -> bool:
    txn.execute("DELETE FROM belisha_pseudonym WHERE user_id = ?", (user_id,))
    return int(txn.rowcount) == 1
