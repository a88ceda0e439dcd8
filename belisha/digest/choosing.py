"""Which conversations a digest tells of, which entries may be told at this moment, and how many of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from belisha.digest.values import Digest, Entry, Group, Message, Reading, Shown, Talk, Told, Why
from belisha.tlp import Label

#: So many entries are told one by one; of the others it is told how many there are.
MOST: Final = 12
#: A conversation is busy from so many new messages on, by so many people at least.
BUSY: Final = 5
BUSY_PEOPLE: Final = 2
#: So many messages of a conversation are looked at; of more it is told that there are more.
COUNTED: Final = 10
#: So many items may be asked about for one digest.
ITEMS: Final = 200
#: A fact of entries of conversations: that not all messages were counted.
MORE: Final = "more"

_ORDER: Final = {why: place for place, why in enumerate(Why)}


def arranged(messages: Iterable[Message], apart: Collection[str] = ()) -> dict[str, dict[str | None, Talk]]:
    """The conversations of each room, by thread; of all members' digests of one moment it is done once.

    Args:
        messages: what was written, whoever wrote it, in the order of arrival.
        apart: messages that are told for another reason.
    """
    found: dict[str, dict[str | None, Talk]] = {}
    for one in messages:
        talk = found.setdefault(one.room_id, {}).setdefault(one.thread, Talk([], [], {}))
        talk.last[one.sender] = max(one.at, talk.last.get(one.sender, 0))
        if one.event_id not in apart:
            talk.messages.append(one)
            talk.arrivals.append(one.arrived)
    return found


def conversations(
    talks: Mapping[str, Mapping[str | None, Talk]],
    about: Reading,
    groups: Mapping[str, Group],
    took_part: Collection[str],
    apart: Collection[str] = (),
) -> list[Entry]:
    """Threads, and main conversations of groups, in which there is much that is new to a member.

    A thread in which they took part counts from its first new message on; whatever else, when it is busy. What they
    wrote in a conversation themselves shows that they knew it until then.

    Args:
        talks: the conversations of rooms, by room id and thread.
        about: who reads, and of what time they are told.
        groups: the groups that they are in now, by room id.
        took_part: the roots of the threads that they began or wrote in.
        apart: messages that are told for another reason.
    """
    entries: list[Entry] = []
    for room_id, told in talks.items():
        if (group := groups.get(room_id)) is None:
            continue
        for thread, talk in told.items():
            first, end = bisect_right(talk.arrivals, about.since), bisect_right(talk.arrivals, about.until)
            is_theirs = thread is not None and thread in took_part
            if end - first < (1 if is_theirs else BUSY):
                continue
            # Nothing of their own is among these: what they wrote last is seen.
            seen = max(group.seen_until(thread), talk.last.get(about.reader, 0))
            new = [one for one in talk.messages[first:end] if one.at > seen and one.event_id not in apart]
            if not new or not (is_theirs or _is_busy(len(new), {one.sender for one in new})):
                continue
            facts = {"thread": "yes"} if thread is not None else {}
            facts |= {MORE: "yes"} if len(new) > COUNTED else {}
            items = tuple(one.event_id for one in new[:COUNTED])
            entries.append(Entry(Why.TALK if is_theirs else Why.BUSY, room_id, items, -float(len(new)), facts))
    return entries


def _is_busy(count: int, people: Collection[str]) -> bool:
    return count >= BUSY and len(people) >= BUSY_PEOPLE


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """Entries as they stand in a digest: by reason, then by what matters most within it."""
    return sorted(entries, key=lambda one: (_ORDER[one.why], one.at, one.room_id, one.items))


def within(entries: Iterable[Entry], most: int = ITEMS) -> list[Entry]:
    """The first entries, in their order, whose items can all be asked about at once."""
    kept: list[Entry] = []
    left = most
    for one in ordered(entries):
        if len(one.items) <= left:
            left -= len(one.items)
            kept.append(one)
    return kept


def decided(entries: Iterable[Entry], told: Mapping[str, Told], groups: Mapping[str, Group]) -> list[Shown]:
    """What of these entries the reader may have at this moment, as the module has just decided (rule P2).

    Args:
        entries: what was chosen before.
        told: the items that the reader can read now, by event id; whatever is not there takes no part in anything.
        groups: the groups that they are in now.
    """
    shown: list[Shown] = []
    for one in entries:
        if one.room_id and one.room_id not in groups:
            continue
        place = groups[one.room_id].name if one.room_id else ""
        items = tuple(item for item in one.items if item in told)
        if one.items and not _still_holds(one, items, told):
            continue
        names = tuple(dict.fromkeys(told[item].name for item in items if told[item].name))
        label = max((told[item].label for item in items), default=Label.GREEN)
        shown.append(Shown(replace(one, items=items), max(label, Label.GREEN), place, names))
    return shown


def carried(
    entries: Iterable[Entry], told: Mapping[str, Told], groups: Mapping[str, Group], ceiling: Label
) -> tuple[list[Shown], int]:
    """The same for what may carry labels up to a ceiling alone, and in how many groups there is something above it.

    What is above takes no part in anything but that number.
    """
    below = {item: one for item, one in told.items() if one.label <= ceiling}
    chosen = list(entries)
    shown = decided(chosen, told, groups)
    above = {one.entry.room_id for one in shown if any(told[item].label > ceiling for item in one.entry.items)}
    return decided(chosen, below, groups), len(above)


def _still_holds(entry: Entry, items: Sequence[str], told: Mapping[str, Told]) -> bool:
    if entry.why is Why.POLL:
        return bool(items) and not told[items[0]].voted
    if entry.why is Why.BUSY:
        return len(items) >= BUSY
    return bool(items)


def shortened(shown: Sequence[Shown], most: int = MOST) -> Digest:
    """At most so many entries, and how many others there are; one more is not worth a line that says so."""
    kept = shown if len(shown) <= most + 1 else shown[:most]
    rest: dict[str, int] = {}
    for one in shown[len(kept) :]:
        rest[one.place] = rest.get(one.place, 0) + 1
    return Digest(tuple(kept), rest, max((one.label for one in shown), default=Label.GREEN))
