"""What of a community goes into a backup, and where it lies in a data folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from belisha.cli import data_folder, restored
from belisha.cli.backup.work import WORK
from belisha.cli.errors import CommandError
from belisha.secrets import FOLDER
from belisha.settings import Settings

#: What of a data folder is in no backup, and why.
LEFT_OUT: Final = {
    "homeserver.db": "is copied by SQLite",
    "bots.db": "is copied by SQLite",
    "bots.db.lock": "is empty",
    "media": "goes file by file, as far as Synapse's copied database knows of it",
    "rendered": "is made from belisha.yaml",
    "logs": "name who did what when, and are kept for a short time",
    "ballot-keys": "the keys of open anonymous polls: a copy would open votes for ever",
    "element": "is installed anew from its archive",
    "prometheus": "is numbers only, and no loss",
    "homeserver.pid": "is of a run",
    data_folder.RUN: "is of a run",
    data_folder.LOCK: "is of a run",
    "audit-heads.jsonl": "is read before the log that it is about",
    WORK: "is where databases are copied to",
    restored.MARK: "is of a restore that has just ended",
    restored.JOURNAL: "is of a restore that has just ended",
    "demo.lock": "is of a run",
}
#: The keys of the audit log, of pseudonyms, and of what second factors are sealed with: in the archive of keys alone.
KEYS: Final = ("audit", "metrics", "factor")
_OF_SQLITE: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Sources:
    """A data folder, as `belisha up` has it.

    Attributes:
        data: the folder, absolute.
        settings: its belisha.yaml.
        journal: the journal of revocations, which is never restored from a backup; None where there is none.
    """

    data: Path
    settings: Settings
    journal: Path | None

    @property
    def bots(self) -> Path:
        """The bots' database."""
        return self.data / "bots.db"

    @property
    def synapse(self) -> Path:
        """Synapse's database."""
        return self.data / "homeserver.db"

    @property
    def heads(self) -> Path:
        """The heads of the audit log."""
        return self.data / "audit-heads.jsonl"

    def apart(self) -> Iterator[tuple[str, Path]]:
        """The keys that are kept apart: name in the archive, and path."""
        for name in KEYS:
            yield f"{FOLDER}/{name}", self.data / FOLDER / name

    def files(self) -> Iterator[tuple[str, Path]]:
        """Settings, secrets and all that is no database: name in the archive, and path."""
        apart = {path for _, path in self.apart()}
        for top in sorted(self.data.iterdir()):
            plain = next((top.name.removesuffix(end) for end in _OF_SQLITE if top.name.endswith(end)), top.name)
            if plain in LEFT_OUT or top.name.startswith(".") or top.is_symlink():
                continue
            for path in sorted(top.rglob("*")) if top.is_dir() else (top,):
                if path.is_file() and not path.is_symlink() and path not in apart and path != self.journal:
                    yield str(path.relative_to(self.data)), path

    def media(self, known: set[str]) -> Iterator[tuple[str, Path]]:
        """Files of members with their thumbnails, as far as they are known: nobody could erase others."""
        for part in ("local_content", "local_thumbnails"):
            for path in sorted((self.data / "media" / part).glob("??/??/*")):
                if "".join(path.relative_to(self.data / "media" / part).parts) in known:
                    for file in (path,) if path.is_file() else sorted(path.iterdir()):
                        yield str(file.relative_to(self.data)), file


def of(data: Path) -> Sources:
    """What is in a data folder.

    Raises:
        CommandError: its settings have mistakes, or it is a server's.
    """
    data = data.expanduser().absolute().resolve()
    if "service_manager" in data_folder.read_run(data):
        raise CommandError(
            f"{data} is a server's, with PostgreSQL: `belisha backup` copies a folder of `belisha up`.",
            "docs/deploy.md says what to do on a server.",
        )
    settings = data_folder.read_settings(data / data_folder.SETTINGS)
    named = settings.backup.revocations
    return Sources(data, settings, data / named if named else None)
