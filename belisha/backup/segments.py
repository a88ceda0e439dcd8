"""What lies beside the nightly archives where any moment can be restored: base copies, and the log of what came after.

PostgreSQL writes each change into its write-ahead log first, in segments of 16 MiB; a base copy of the whole server and
every segment after it are what any later moment can be made of (its manual, "Continuous Archiving"). Names alone are
judged here: which segments belong together, where one is missing, and what nothing needs any longer.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

#: The folder of all of it, beside the archives; in it one for each server of PostgreSQL, named by its identifier.
FOLDER: Final = "continuous"
#: Where PostgreSQL hands its segments over.
SOCKET: Final = "/run/belisha-wal.sock"
#: What ends every file that is kept.
SUFFIX: Final = ".age"
#: Bytes of a segment, unless PostgreSQL was set up otherwise.
USUAL_SIZE: Final = 16 * 1024 * 1024
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
_HANDED_OVER: Final = re.compile(r"[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history")
_KEPT: Final = re.compile(rf"({_HANDED_OVER.pattern})\.([0-9a-f]{{32}}){re.escape(SUFFIX)}")
_BASE: Final = re.compile(r"base-(\d{8}T\d{6}Z)-([0-9A-F]{24})\.tar\.gz" + re.escape(SUFFIX))
_SYSTEM: Final = re.compile(r"[0-9]{1,20}")
#: XLogLongPageHeaderData of PostgreSQL's access/xlog_internal.h: how a segment begins, up to the size of its segments.
_HEADER: Final = struct.Struct("<HHIQIxxxxQI")


class NotOurs(ValueError):
    """What was handed over is no piece of PostgreSQL's log; the message says why, in a few words."""


@dataclass(frozen=True, order=True)
class Base:
    """A base copy.

    Attributes:
        ended: when it was whole: moments from then on can be restored.
        start: the segment with which its log begins.
        name: its file.
    """

    ended: datetime
    start: str
    name: str


@dataclass(frozen=True)
class Chain:
    """The segments after a base copy, without a gap.

    Attributes:
        names: the files, in their order.
        missing: the segment that is not there while later ones are; None where nothing is missing.
    """

    names: tuple[str, ...]
    missing: str | None


def check(name: str, system: str, data: bytes) -> None:
    """Sees that something is what it is called.

    Args:
        name: as PostgreSQL has it (`%f`).
        system: the server's identifier.
        data: all of it.

    Raises:
        NotOurs: it is not.
    """
    if not _HANDED_OVER.fullmatch(name):
        raise NotOurs("it is not called like a piece of PostgreSQL's log")
    if not _SYSTEM.fullmatch(system):
        raise NotOurs("the server's identifier is none")
    if not _SEGMENT.fullmatch(name):
        return
    size, found = header(data)
    if found != system:
        raise NotOurs("it is of another server")
    if len(data) != size:
        raise NotOurs(f"it has {len(data)} bytes instead of {size}")


def header(data: bytes) -> tuple[int, str]:
    """The size that a segment has to have, and the identifier of its server.

    Raises:
        NotOurs: it does not begin like one.
    """
    if len(data) < _HEADER.size:
        raise NotOurs("it is too short")
    *_, system, size = _HEADER.unpack_from(data)
    return size, str(system)


def kept_as(name: str, digest: str) -> str:
    """The file that a piece is kept in.

    Args:
        name: as PostgreSQL has it.
        digest: the SHA-256 of what stands in it, so that the same once more is known to be the same.
    """
    return f"{name}.{digest[:32]}{SUFFIX}"


def of_kept(file: str) -> tuple[str, str] | None:
    """The name and the digest's beginning of a file; None for another one."""
    found = _KEPT.fullmatch(file)
    return (found[1], found[3]) if found else None


def base_name(ended: datetime, start: str) -> str:
    """The file of a base copy."""
    return f"base-{ended.astimezone(UTC).strftime(_STAMP)}-{start}.tar.gz{SUFFIX}"


def bases(found: Iterable[str]) -> list[Base]:
    """The base copies among files, the oldest first."""
    matches = (match for name in found if (match := _BASE.fullmatch(name)))
    return sorted(Base(datetime.strptime(one[1], _STAMP).replace(tzinfo=UTC), one[2], one[0]) for one in matches)


def is_handed_over(found: Iterable[str], start: str) -> bool:
    """Whether all that a base copy needs is there: PostgreSQL hands over a note of it after its last segment."""
    return any(kept and re.fullmatch(rf"{start}\.[0-9A-F]{{8}}\.backup", kept[0]) for kept in map(of_kept, found))


def chain(found: Iterable[str], base: Base, size: int = USUAL_SIZE) -> Chain:
    """The segments from a base copy on, up to the first that is missing.

    Args:
        found: names of files.
        base: the base copy.
        size: bytes of a segment.
    """
    there = {kept[0]: name for name in found if (kept := of_kept(name)) and _SEGMENT.fullmatch(kept[0])}
    mine = {name for name in there if name[:8] == base.start[:8]}
    names, segment = [], base.start
    while segment in there:
        names.append(there[segment])
        segment = after(segment, size)
    return Chain(tuple(names), segment if any(name > segment for name in mine) or not names else None)


def after(segment: str, size: int = USUAL_SIZE) -> str:
    """The name of the segment that follows."""
    log, number = int(segment[8:16], 16), int(segment[16:], 16) + 1
    if number == (1 << 32) // size:
        log, number = log + 1, 0
    return f"{segment[:8]}{log:08X}{number:08X}"


def to_delete(found: Iterable[str], now: datetime, days: int) -> list[str]:
    """Which files no moment of the last days needs.

    Args:
        found: names of files.
        now: the present.
        days: for how many days back any moment can be restored.
    """
    there = list(found)
    all_bases = bases(there)
    old = [one for one in all_bases if one.ended <= now - timedelta(days=days)]
    kept = all_bases[max(0, len(old) - 1) :]
    if not kept:
        return []
    oldest = min(one.start[8:] for one in kept)
    gone = [one.name for one in all_bases if one not in kept]
    for name in there:
        piece = of_kept(name)
        if piece and not piece[0].endswith(".history") and piece[0][8:24] < oldest:
            gone.append(name)
    return sorted(gone)
