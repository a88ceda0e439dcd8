"""What stands in an archive: the list that ends it, without which it is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal, get_args

Kind = Literal["data", "keys"]
#: The one way to write archives that there has been; another is not guessed at.
FORMAT: Final = 1
#: The manifest's own name in the archive; no file of a community is called so.
NAME: Final = "belisha-manifest.json"


class NoManifest(ValueError):
    """A text that is no manifest; the message says why, in a few words."""


@dataclass(frozen=True)
class Entry:
    """One file of the archive.

    Attributes:
        name: its path, relative and with slashes.
        size: bytes.
        sha256: of all its bytes, in hexadecimal digits.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The list.

    Attributes:
        kind: `data`, or `keys` for the archive of the keys alone.
        backup: the random name that both archives of one backup have in common.
        made: when it was begun, in seconds since 1970.
        server_name: whose community it is.
        version: the Belisha that wrote it.
        tables: for each database (`bots`, `synapse`) the number of rows of each table.
        entries: every file.
    """

    kind: Kind
    backup: str
    made: int
    server_name: str
    version: str
    tables: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()

    def text(self) -> str:
        """The manifest as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"


def parse(text: str) -> Manifest:
    """A manifest out of its text.

    Raises:
        NoManifest: it is none, or of another format.
    """
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise NoManifest(f"it is of format {said['format']!r}, and this Belisha reads {FORMAT}")
        entries = tuple(Entry(str(one["name"]), int(one["size"]), str(one["sha256"])) for one in said["entries"])
        if said["kind"] not in get_args(Kind):
            raise NoManifest(f"its kind is {said['kind']!r}")
        tables = {
            str(database): {str(table): int(count) for table, count in counts.items()}
            for database, counts in said["tables"].items()
        }
        texts = {key: str(said[key]) for key in ("backup", "server_name", "version")}
        return Manifest(kind=said["kind"], made=int(said["made"]), tables=tables, entries=entries, **texts)
    except NoManifest:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoManifest(f"it cannot be read ({type(error).__name__})") from None
