"""The audit log: chains of records without content, each sealed with the one before, and what is wrong (A1).

Every process that writes has a chain of its own. The first record of each is registered in one more chain (`WRITERS`):
so a chain that is gone as a whole is missed. A sealed head says how far each has come, so that a lost end is missed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

#: The chain that registers all others.
WRITERS: Final = "(writers)"
#: What stands before a first record.
NOTHING: Final = ""

Entry = Mapping[str, Any]


class Record(NamedTuple):
    """One record: its chain, its place there from 0 on, seconds since 1970, the entry as JSON, and its seal."""

    writer: str
    number: int
    at: int
    entry: str
    mac: str

    @property
    def said(self) -> dict[str, Any]:
        """The entry; empty where it cannot be read."""
        try:
            said = json.loads(self.entry)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


class Head(NamedTuple):
    """How far a chain has come: the number and seal of its last record, sealed itself."""

    writer: str
    number: int
    mac: str
    seal: str


class Problem(NamedTuple):
    """Something that is not as it was written: in which chain, at which record, and what, in a sentence."""

    writer: str
    number: int
    what: str


def written(entry: Entry) -> str:
    """An entry as it is sealed and stored."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def mac_of(key: bytes, writer: str, number: int, at: int, entry: str, before: str) -> str:
    """The seal of a record behind the one whose seal is `before`."""
    return _hmac(key, "record", writer, str(number), str(at), before, entry)


def seal_of(key: bytes, writer: str, number: int, mac: str) -> str:
    """The seal of a head."""
    return _hmac(key, "head", writer, str(number), mac)


def hidden(key: bytes, text: str) -> str:
    """What stands for a text that a member wrote: the same for the same text, and nothing to read."""
    return f"hmac:{_hmac(key, 'text', text)[:16]}:{len(text)}"


def _hmac(key: bytes, *parts: str) -> str:
    message = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
    return hmac.new(key, message, hashlib.sha256).hexdigest()


# --- Verifying ----------------------------------------------------------------------------------------------------


def verify(key: bytes, records: Iterable[Record], heads: Iterable[Head], known: Iterable[Head] = ()) -> list[Problem]:
    """Everything that is not as it was written.

    Args:
        key: what the records are sealed with.
        records: all records there are, in any order.
        heads: the heads that stand beside them.
        known: heads that were kept elsewhere, such as those posted hourly.
    """
    chains: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        chains[record.writer].append(record)
    ends = {head.writer: head for head in heads}
    problems = []
    for writer in sorted({*chains, *ends}):
        chain = sorted(chains.get(writer, ()), key=lambda record: record.number)
        problems += _of_chain(key, writer, chain)
        problems += _of_end(key, writer, chain, ends.get(writer))
    problems += _of_registry(chains)
    problems += _of_known(key, chains, known)
    return problems


def _of_chain(key: bytes, writer: str, chain: Sequence[Record]) -> list[Problem]:
    problems: list[Problem] = []
    before: str | None = NOTHING
    there = {record.number: record for record in chain}
    strangers = [record for record in chain if record.number < 0]
    for number in range(max(there, default=-1) + 1):
        record = there.get(number)
        # Behind a record that is missing its seal is unknown: the next is taken as it stands.
        if record is not None and (before is None or _fits(key, record, number, before)):
            before = record.mac
            continue
        moved = None if before is None else _at(key, chain, number, before)
        if moved is not None:
            problems.append(Problem(writer, number, f"Record {number} was moved: it stands at {moved.number}."))
            before = moved.mac
        elif record is None:
            problems.append(Problem(writer, number, f"Record {number} is missing."))
            before = None
        else:
            problems.append(Problem(writer, number, f"Record {number} was altered."))
            before = record.mac
    problems += [Problem(writer, each.number, f"Record {each.number} was never written.") for each in strangers]
    return problems


def _fits(key: bytes, record: Record, number: int, before: str) -> bool:
    return hmac.compare_digest(record.mac, mac_of(key, record.writer, number, record.at, record.entry, before))


def _at(key: bytes, chain: Sequence[Record], number: int, before: str) -> Record | None:
    """The record that was written at a place, wherever it stands now."""
    return next((record for record in chain if _fits(key, record, number, before)), None)


def _of_end(key: bytes, writer: str, chain: Sequence[Record], head: Head | None) -> list[Problem]:
    last = chain[-1] if chain else None
    if head is None:
        return [Problem(writer, last.number if last else 0, "The head of this chain is missing.")]
    if not hmac.compare_digest(head.seal, seal_of(key, writer, head.number, head.mac)):
        return [Problem(writer, head.number, "The head of this chain was altered.")]
    if last is None:
        return [Problem(writer, 0, f"All {head.number + 1} records of this chain are missing.")]
    if last.number < head.number:
        return [
            Problem(writer, head.number, f"The last {head.number - last.number} records of this chain are missing.")
        ]
    if last.number > head.number:
        return [Problem(writer, last.number, f"Records after {head.number} were never written.")]
    return [] if last.mac == head.mac else [Problem(writer, last.number, "The last record is not the one of the head.")]


def _of_registry(chains: Mapping[str, Sequence[Record]]) -> list[Problem]:
    starts = {
        str(record.said.get("writer")): str(record.said.get("start"))
        for record in chains.get(WRITERS, ())
        if record.said.get("kind") == "writer"
    }
    problems = []
    for writer, start in sorted(starts.items()):
        first = next((record for record in chains.get(writer, ()) if record.number == 0), None)
        if first is None and writer not in chains:
            problems.append(Problem(writer, 0, "This chain is gone as a whole."))
        elif first is not None and first.mac != start:
            problems.append(Problem(writer, 0, "This chain does not begin with the record that was registered."))
    unknown = sorted(set(chains) - set(starts) - {WRITERS})
    return problems + [Problem(writer, 0, "This chain was never registered.") for writer in unknown]


def _of_known(key: bytes, chains: Mapping[str, Sequence[Record]], known: Iterable[Head]) -> list[Problem]:
    problems = []
    for head in known:
        if not hmac.compare_digest(head.seal, seal_of(key, head.writer, head.number, head.mac)):
            problems.append(Problem(head.writer, head.number, "A head that was kept elsewhere was altered."))
            continue
        found = next((one for one in chains.get(head.writer, ()) if one.number == head.number), None)
        if found is None or found.mac != head.mac:
            what = f"The log was rewritten: it does not hold record {head.number} as it was when its head was kept."
            problems.append(Problem(head.writer, head.number, what))
    return problems


def open_acts(records: Iterable[Record]) -> list[Record]:
    """Acts that were begun and have no end: under way, or cut short unseen; in the order of their time.

    An act can begin in one process and end in another, whose chains have no order among each other. So of the same
    second, beginnings count before ends.
    """
    begun: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda one: (one.at, not _is_begun(one), one.writer, one.number)):
        act = str(record.said.get("act", ""))
        if _is_begun(record):
            begun[act].append(record)
        elif "phase" in record.said and begun[act]:
            begun[act].pop(0)
    return sorted((one for some in begun.values() for one in some), key=lambda one: (one.at, one.writer, one.number))


def _is_begun(record: Record) -> bool:
    return record.said.get("phase") == "intended"
