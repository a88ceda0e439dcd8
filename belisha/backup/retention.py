"""The names of archives, and which of them are kept: the newest of each of the last days, weeks and months."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_SUFFIX: Final = ".tar.age"


@dataclass(frozen=True)
class Keep:
    """Of how many of the latest days, weeks and months that have a backup the newest one is kept."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 6


def names(server_name: str, made: int) -> tuple[str, str]:
    """The names of the two archives of one backup: of the data, and of the keys.

    Args:
        server_name: whose it is; one folder may hold those of several.
        made: when it was begun, in seconds since 1970.
    """
    stem = f"{server_name.replace(':', '_')}-{datetime.fromtimestamp(made, UTC).strftime(_STAMP)}"
    return f"{stem}{_SUFFIX}", keys_of(f"{stem}{_SUFFIX}")


def keys_of(name: str) -> str:
    """The name of the archive of keys that belongs to one of data."""
    return f"{name.removesuffix(_SUFFIX)}.keys{_SUFFIX}"


def to_delete(found: Iterable[str], server_name: str, keep: Keep) -> list[str]:
    """Which files of a folder are archives of this community's that are kept no longer; the newest one always is.

    The data goes first, so that what a crash leaves is keys without data, and those go the next time.
    """
    there = set(found)
    stems = {stem: at for name in there if (stem := _stem(name)) and (at := _made(stem, server_name)) is not None}
    whole = sorted((at, stem) for stem, at in stems.items() if f"{stem}{_SUFFIX}" in there)
    if not whole:
        return []
    kept = {whole[-1][1]}
    periods: tuple[tuple[int, Callable[[datetime], Hashable]], ...] = (
        (keep.daily, lambda at: at.date()),
        (keep.weekly, lambda at: at.isocalendar()[:2]),
        (keep.monthly, lambda at: (at.year, at.month)),
    )
    for count, period in periods:
        newest = {period(at): stem for at, stem in whole}
        kept |= set(list(newest.values())[len(newest) - min(count, len(newest)) :])
    newest_at = whole[-1][0]
    gone = sorted(stem for stem, at in stems.items() if stem not in kept and at <= newest_at)
    both = [name for stem in gone for name in (f"{stem}{_SUFFIX}", keys_of(f"{stem}{_SUFFIX}"))]
    return [name for name in both if name in there]


def newest(found: Iterable[str], server_name: str) -> datetime | None:
    """When the newest backup of this community was begun of which both archives are there; None where none is."""
    there = set(found)
    made = [
        _made(_stem(name), server_name)
        for name in there
        if name == f"{_stem(name)}{_SUFFIX}" and keys_of(name) in there
    ]
    return max((at for at in made if at is not None), default=None)


def is_archive(name: str, server_name: str) -> bool:
    """Whether a name is one that an archive of this community has."""
    return bool(stem := _stem(name)) and _made(stem, server_name) is not None


def is_part_of(name: str, server_name: str) -> bool:
    """Whether a file is what a backup of this community left that was killed."""
    stem = _stem(name.removeprefix(".").removesuffix(".part"))
    return name.startswith(".") and name.endswith(".part") and bool(stem) and _made(stem, server_name) is not None


def _stem(name: str) -> str:
    if not name.endswith(_SUFFIX):
        return ""
    return name.removesuffix(_SUFFIX).removesuffix(".keys")


def _made(stem: str, server_name: str) -> datetime | None:
    found = re.fullmatch(re.escape(server_name.replace(":", "_")) + r"-(\d{8}T\d{6}Z)", stem)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
