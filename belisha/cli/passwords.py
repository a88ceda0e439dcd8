"""Passwords of new members, with their second factors: each in a file of its own that only the operator can read."""

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from belisha.cli import data_folder
from belisha.cli.errors import CommandError
from belisha.cli.first_run import has_passwords, new_key, readable_password, shown_key
from belisha.secrets import write_private
from belisha.settings import Settings


class PasswordFile:
    """A new password, written down before the account exists: one that nobody knows is worse than a file too many.

    Use it with `with`: where the account cannot be made, the file goes again. Where members sign in by their
    organisations, there is neither password nor file.
    """

    def __init__(self, data: Path, localpart: str) -> None:
        self.path = self.folder(data) / f"{localpart.replace('/', '=2f')}.json"
        self.text = readable_password() if has_passwords(_settings(data)) else None
        """The password; None where there are none."""
        self.key = new_key(_settings(data))
        """The key of the member's app, in base32; None where there is no second factor."""
        self._more = shown_key(_settings(data), localpart, self.key)
        self._localpart = localpart

    @staticmethod
    def folder(data: Path) -> Path:
        """Where the passwords of a data folder are."""
        return data.expanduser().absolute().resolve() / "passwords"

    def __enter__(self) -> Self:
        if self.text is None:
            return self
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            written = {"localpart": self._localpart, "password": self.text, **self._more}
            write_private(self.path, json.dumps(written, indent=2) + "\n")
        except OSError as error:
            raise CommandError(f"{self.path} cannot be written ({error.strerror}).") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, CommandError):
            self.drop()

    def drop(self) -> None:
        """Takes the file away: the password is nobody's."""
        self.path.unlink(missing_ok=True)


def _settings(data: Path) -> Settings | None:
    """How members of a data folder sign in; None where nothing says so."""
    path = data.expanduser().absolute() / data_folder.SETTINGS
    return data_folder.read_settings(path) if path.exists() else None
