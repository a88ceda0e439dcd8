"""Whether a community that means to have backups has one that is new enough to be of use."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from belisha.backup import segments
from belisha.backup.place import is_away
from belisha.backup.retention import newest
from belisha.cli import data_folder
from belisha.cli.away import sending
from belisha.cli.errors import CommandError, command

#: One night may fail; that a second one did is to be seen.
OLDEST: Final = timedelta(hours=49)


def look(data: Path, now: float | None = None) -> dict[str, list[str]]:
    """What is wrong with the backups that belisha.yaml names a folder for; nothing at all is told where it names none.

    Args:
        data: the data folder.
        now: seconds since 1970.
    """
    path = data / data_folder.SETTINGS
    settings = data_folder.read_settings(path) if path.exists() else None
    if settings is None or settings.backup.folder is None:
        return {}
    folder: Path | str = data / settings.backup.folder
    problems = []
    try:
        if is_away(settings.backup.folder):
            folder = settings.backup.folder
            names = sending.of_settings(settings, data).names()
        else:
            names = [one.name for one in Path(folder).iterdir()]
        found = newest(names, settings.server_name)
    except CommandError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"The folder of backups, {folder}, cannot be read ({error.strerror}): mount or make it.")
    else:
        at = datetime.fromtimestamp(time.time() if now is None else now, UTC)
        if found is None:
            problems.append(f"There is no whole backup in {folder}. Make one: {command()} backup --data {data}")
        elif at - found > OLDEST:
            problems.append(
                f"The newest backup in {folder} is of {found:%Y-%m-%d %H:%M} UTC: what runs them has failed."
            )
    if settings.backup.continuous_days and not problems:
        problems += _continuous(Path(folder) / segments.FOLDER, at)
    if settings.backup.revocations is None:
        problems.append("backup.revocations is null: a restore would bring back what was taken back since the backup.")
    return {"there is a backup of the last two days, and a journal for its restore": problems}


def _continuous(folder: Path, at: datetime) -> list[str]:
    """What is wrong where any moment is to be restored."""
    try:
        found = [base for there in folder.iterdir() for base in segments.bases(one.name for one in there.iterdir())]
    except OSError as error:
        return [f"{folder} cannot be read ({error.strerror}): systemctl start belisha-base makes a base copy."]
    if not found or at - max(found).ended > OLDEST:
        return ["No base copy of PostgreSQL is of the last two days: journalctl -u belisha-base says why."]
    return []
