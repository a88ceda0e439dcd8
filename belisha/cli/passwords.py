"""Passwords of new members: each in a file of its own that only the operator can read."""

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from belisha.cli.errors import CommandError
from belisha.cli.first_run import readable_password
from belisha.secrets import write_private


class PasswordFile:
    """A new password, written down before the account exists: one that nobody knows is worse than a file too many.

    Use it with `with`: where the account cannot be made, the file goes again.
    """

    def __init__(self, data: Path, localpart: str) -> None:
        self.path = self.folder(data) / f"{localpart.replace('/', '=2f')}.json"
        self.text = readable_password()
        self._localpart = localpart

    @staticmethod
    def folder(data: Path) -> Path:
        """Where the passwords of a data folder are."""
        return data.expanduser().absolute().resolve() / "passwords"

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            written = {"localpart": self._localpart, "password": self.text}
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
