"""What of a community goes into a backup, and where it lies: in a data folder here, on a server in `server.py`."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from belisha.cli import data_folder, restored
from belisha.cli.backup import sqlite
from belisha.cli.backup.copied import Copied
from belisha.cli.backup.work import WORK
from belisha.secrets import FOLDER
from belisha.settings import Settings

#: The file of the audit log's heads.
HEADS: Final = "audit-heads.jsonl"
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
    HEADS: "is read before the log that it is about",
    WORK: "is where databases are copied to",
    restored.MARK: "is of a restore that has just ended",
    restored.JOURNAL: "is of a restore that has just ended",
    "demo.lock": "is of a run",
}
#: The keys of the audit log and of pseudonyms, and what seals second factors and legal holds: in the archive of keys
#: alone.
KEYS: Final = ("audit", "metrics", "factor", "hold")
#: The one of them that a community lacks until this version has started once; a backup is what comes before that.
_MADE_LATER: Final = "hold"
_OF_SQLITE: Final = ("-wal", "-shm", "-journal")


class Sources(Protocol):
    """A community: what of it goes into a backup, by its name in the archive and its path."""

    @property
    def data(self) -> Path:
        """The folder that its command line names, absolute."""
        ...

    @property
    def settings(self) -> Settings:
        """Its belisha.yaml."""
        ...

    @property
    def journal(self) -> Path | None:
        """The journal of revocations, which is never restored from a backup; None where there is none."""
        ...

    @property
    def scratch(self) -> Path:
        """Where the folder for copies is made."""
        ...

    @property
    def inside(self) -> tuple[Path, ...]:
        """Folders that would be lost with it."""
        ...

    def copied(self, name: str, work: Path) -> AbstractContextManager[Copied]:
        """One moment of a database, `bots` or `synapse`."""
        ...

    def heads(self) -> Iterator[tuple[str, Path]]:
        """The heads of the audit log."""
        ...

    def apart(self) -> Iterator[tuple[str, Path]]:
        """The keys that are kept apart."""
        ...

    def files(self) -> Iterator[tuple[str, Path]]:
        """Settings, secrets and all that is no database."""
        ...

    def media(self, known: Collection[str]) -> Iterator[tuple[str, Path]]:
        """Files of members with their thumbnails, as far as they are known: nobody could erase others."""
        ...


@dataclass(frozen=True)
class Folder:
    """The community of a data folder, as `belisha up` has it."""

    data: Path
    settings: Settings
    journal: Path | None

    @property
    def synapse(self) -> Path:
        """Synapse's database."""
        return self.data / "homeserver.db"

    @property
    def scratch(self) -> Path:
        """As `Sources` says."""
        return self.data

    @property
    def inside(self) -> tuple[Path, ...]:
        """As `Sources` says."""
        return (self.data,)

    def copied(self, name: str, work: Path) -> AbstractContextManager[Copied]:
        """As `Sources` says."""
        return sqlite.copied(self.synapse if name == "synapse" else self.data / "bots.db", work, name)

    def heads(self) -> Iterator[tuple[str, Path]]:
        """As `Sources` says."""
        yield HEADS, self.data / HEADS

    def apart(self) -> Iterator[tuple[str, Path]]:
        """As `Sources` says."""
        for name in keys_of(self.data):
            yield f"{FOLDER}/{name}", self.data / FOLDER / name

    def files(self) -> Iterator[tuple[str, Path]]:
        """As `Sources` says."""
        return below(self.data, LEFT_OUT, {path for _, path in self.apart()} | {self.journal})

    def media(self, known: Collection[str]) -> Iterator[tuple[str, Path]]:
        """As `Sources` says."""
        return media(self.data, known)


def keys_of(folder: Path) -> list[str]:
    """The names of the keys that a community has."""
    return [name for name in KEYS if name != _MADE_LATER or (folder / FOLDER / name).exists()]


def below(folder: Path, left_out: Collection[str], but: Collection[Path | None] = ()) -> Iterator[tuple[str, Path]]:
    """Every file of a folder, by its path there; without what is left out or hidden at its top, and links."""
    for top in sorted(folder.iterdir()):
        plain = next((top.name.removesuffix(end) for end in _OF_SQLITE if top.name.endswith(end)), top.name)
        if plain in left_out or top.name.startswith(".") or top.is_symlink():
            continue
        for path in sorted(top.rglob("*")) if top.is_dir() else (top,):
            if path.is_file() and not path.is_symlink() and path not in but:
                yield str(path.relative_to(folder)), path


def media(folder: Path, known: Collection[str]) -> Iterator[tuple[str, Path]]:
    """Files of members below a folder in which Synapse's `media` is, as far as they are known."""
    for part in ("local_content", "local_thumbnails"):
        for path in sorted((folder / "media" / part).glob("??/??/*")):
            if "".join(path.relative_to(folder / "media" / part).parts) in known:
                for file in (path,) if path.is_file() else sorted(path.iterdir()):
                    yield str(file.relative_to(folder)), file


def of(data: Path) -> Sources:
    """What a folder is the community of.

    Raises:
        CommandError: its settings have mistakes.
    """
    data = data.expanduser().absolute().resolve()
    if "service_manager" in data_folder.read_run(data):
        from belisha.cli.backup.server import of_server  # PostgreSQL's client would stay in memory otherwise

        return of_server(data)
    return of_folder(data)


def of_folder(data: Path) -> Folder:
    """The community of `belisha up`.

    Raises:
        CommandError: its settings have mistakes.
    """
    settings = data_folder.read_settings(data / data_folder.SETTINGS)
    named = settings.backup.revocations
    return Folder(data, settings, data / named if named else None)
