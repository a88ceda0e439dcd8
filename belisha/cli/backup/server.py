"""What of a server goes into a backup, and where `belisha render --host` and the playbook have put it."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from belisha.cli import data_folder
from belisha.cli.backup import postgresql
from belisha.cli.backup.copied import Copied
from belisha.cli.backup.postgresql import Database
from belisha.cli.backup.sources import HEADS, LEFT_OUT, below, keys_of, media
from belisha.host import FILES, Folders
from belisha.secrets import FOLDER
from belisha.settings import Settings

#: The folder of the configuration, as archives name it; those of the services are called like their parts.
CONFIGURATION: Final = "configuration"
#: The services whose state a backup has; what Element is served from is installed anew from its archive.
STATES: Final = ("synapse", "bots")
#: What of the configuration is made anew from belisha.yaml and the secrets.
_RENDERED: Final = (*FILES, "host", "well-known")


@dataclass(frozen=True)
class Server:
    """A server's community; its attributes and methods are those of `Sources`."""

    data: Path
    settings: Settings
    journal: Path | None
    folders: Folders

    @property
    def scratch(self) -> Path:
        """As `Sources` says."""
        folder = self.folders.state / "backup"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def inside(self) -> tuple[Path, ...]:
        """As `Sources` says."""
        return (self.data, *(self.folders.state / part for part in FILES))

    def copied(self, name: str, work: Path) -> AbstractContextManager[Copied]:
        """As `Sources` says."""
        return postgresql.copied(Database(name, self.folders.postgresql))

    def heads(self) -> Iterator[tuple[str, Path]]:
        """As `Sources` says."""
        yield f"synapse/{HEADS}", self.folders.state / "synapse" / HEADS

    def apart(self) -> Iterator[tuple[str, Path]]:
        """As `Sources` says."""
        for name in keys_of(self.data):
            yield f"{CONFIGURATION}/{FOLDER}/{name}", self.data / FOLDER / name

    def files(self) -> Iterator[tuple[str, Path]]:
        """As `Sources` says."""
        apart = {path for _, path in self.apart()}
        left_out = (set(LEFT_OUT) - {data_folder.RUN}) | set(_RENDERED)  # it says which ports the server has
        yield from _within(CONFIGURATION, below(self.data, left_out, apart | {self.journal}))
        for part in STATES:
            folder = self.folders.state / part
            if folder.is_dir():
                yield from _within(part, below(folder, LEFT_OUT, {self.journal}))

    def media(self, known: Collection[str]) -> Iterator[tuple[str, Path]]:
        """As `Sources` says."""
        return _within("synapse", media(self.folders.state / "synapse", known))


def of_server(data: Path) -> Server:
    """The community of the server whose configuration is in a folder.

    Raises:
        CommandError: its settings have mistakes.
    """
    folders = Folders(configuration=data)
    settings = data_folder.read_settings(data / data_folder.SETTINGS)
    named = settings.backup.revocations
    return Server(data, settings, folders.state / "synapse" / named if named else None, folders)


def _within(folder: str, files: Iterator[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    return ((f"{folder}/{name}", path) for name, path in files)
