"""The mark of a data folder that was restored and is not open yet: what has ended since would be back."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from belisha.backup.archive import sync_folder
from belisha.cli.errors import CommandError, command
from belisha.secrets import write_private

MARK = "restore.json"
#: The journal as it was at the restore: what is restored adds to the other one, as things were at the backup.
JOURNAL = "restore-journal.jsonl"
#: On a server: the folder whose community is being brought there.
MIGRATING = "migrating"


@dataclass(frozen=True)
class Closed:
    """A restore that has not come to its end.

    Attributes:
        archive: the name of its archive of data.
        made: when that backup was begun, in seconds since 1970.
        journal: whether the copied journal of revocations is to be replayed; False where somebody does without one.
        filled: whether the databases are; a folder of `belisha up` comes with its own.
        at: the moment that its databases are restored to, as ISO 8601; None for the backup's own.
    """

    archive: str
    made: int
    journal: bool
    filled: bool = True
    at: str | None = None


def close(data: Path, closed: Closed) -> None:
    """Marks a folder, so that nothing but `belisha restore` starts what is in it."""
    write_private(data / MARK, json.dumps(asdict(closed)) + "\n")
    sync_folder(data)


def read(data: Path) -> Closed | None:
    """The mark of a folder; None where it has none.

    Raises:
        CommandError: it has one that cannot be read, which opens nothing.
    """
    try:
        said = json.loads((data / MARK).read_text(encoding="utf-8"))
        return Closed(
            str(said["archive"]),
            int(said["made"]),
            said["journal"] is not False,
            said.get("filled") is not False,
            said.get("at"),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandError(
            f"{data / MARK} cannot be read, so the restore of this folder has not ended.",
            "Restore it anew into another folder.",
        ) from None


def open_again(data: Path) -> None:
    """Takes the mark away."""
    (data / MARK).unlink()
    (data / JOURNAL).unlink(missing_ok=True)
    sync_folder(data)


def migrating(home: Path) -> str | None:
    """Which folder's community is being brought onto the server; None where none is."""
    try:
        return (home / MIGRATING).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def begin_migrating(home: Path, data: Path) -> None:
    """Marks a server, so that nothing but `belisha migrate` starts what is in it."""
    write_private(home / MIGRATING, f"{data}\n")
    sync_folder(home)


def end_migrating(home: Path) -> None:
    """Takes the mark away."""
    (home / MIGRATING).unlink()
    sync_folder(home)


def refuse(data: Path) -> None:
    """Sees that a folder may be started.

    Raises:
        CommandError: its restore, or a migration into it, has not ended.
    """
    if (coming := migrating(data)) is not None:
        raise CommandError(
            f"The migration of {coming} has not ended.",
            f"Give the same command again: {command()} migrate --data {coming} --into {data}",
        )
    if (closed := read(data)) is not None:
        raise CommandError(
            f"The restore of {data} has not ended: what was taken back since the backup could be read again.",
            f"Give the same command again: {command()} restore …/{closed.archive} --identity FILE --data {data}"
            + (f" --at {closed.at}" if closed.at else ""),
        )
