"""Where a server keeps PostgreSQL's log and base copies, for whom they are encrypted, and whom to ask."""

from dataclasses import dataclass
from pathlib import Path

from belisha.backup import segments
from belisha.cli import data_folder
from belisha.cli.backup.postgresql import Database
from belisha.cli.errors import CommandError
from belisha.host import FOLDERS


@dataclass(frozen=True)
class Administration(Database):
    """PostgreSQL itself, as its own account reaches it."""

    part: str = "postgres"
    socket: Path = FOLDERS.postgresql

    @property
    def name(self) -> str:
        """Of the database that is always there."""
        return "postgres"

    @property
    def role(self) -> str:
        """As Debian calls it, like the account."""
        return "postgres"


@dataclass(frozen=True)
class Keeping:
    """What of belisha.yaml is about it.

    Attributes:
        folder: where it goes, beside the archives.
        publics: the keys that it is encrypted to, the innermost first; two where the archive of keys has its own.
        days: for how many days back any moment can be restored.
        postgresql: whom to ask.
    """

    folder: Path
    publics: tuple[str, ...]
    days: int
    postgresql: Administration = Administration()


def of_server(data: Path) -> Keeping:
    """What the settings of a server say.

    Raises:
        CommandError: they have mistakes, or keep nothing.
    """
    settings = data_folder.read_settings(data / data_folder.SETTINGS).backup
    if settings.folder is None or settings.recipient is None or not settings.continuous_days:
        raise CommandError(
            "This server keeps nightly backups alone.",
            "Write backup.folder, backup.recipient and backup.continuous_days into belisha.yaml, and run the playbook.",
        )
    folder = Path(settings.folder)
    if not folder.is_dir():
        raise CommandError(f"The folder for backups, {folder}, is not there.", "Mount or make it.")
    outer, inner = settings.recipient, settings.keys_recipient
    publics = (outer,) if inner in (None, outer) else (str(inner), outer)
    return Keeping(folder / segments.FOLDER, publics, settings.continuous_days)


def own(folder: Path) -> Path:
    """The folder, made where it is not there yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
