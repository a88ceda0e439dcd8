"""A database as it was at one moment, whichever keeps it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Copied:
    """One moment of a database.

    Attributes:
        name: the file that it becomes in the archive.
        counts: the number of rows that this file has of every table.
        media: the files of members that the database knows of; empty for the bots'.
        pseudonyms: user ids and pseudonyms, which the file has not; empty for the bots'.
        opened: gives the file's bytes.
    """

    name: str
    counts: Mapping[str, int]
    media: frozenset[str]
    pseudonyms: tuple[tuple[str, str], ...]
    opened: Callable[[], AbstractContextManager[BinaryIO]]
