"""What `belisha demo` has done so far: each fact is in the data folder before the next step relies on it."""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from belisha.cli.errors import CommandError
from belisha.secrets import write_private

NAME, LOCK = "demo-progress.json", "demo.lock"


class Facts(BaseModel):
    """The record's content.

    Attributes:
        passwords: by localpart, written before the account is made.
        tokens: access tokens by localpart.
        rooms: room ids by the story's key.
        making: by the story's key, the rooms its maker was in before a room without an alias was asked for.
        media: mxc addresses by file name.
        events: event ids by room key and entry digest (`square/3f…`).
        complete: whether everything has been made once; from then on the community belongs to its members.
    """

    model_config = ConfigDict(extra="forbid")

    passwords: dict[str, str] = Field(default_factory=dict)
    tokens: dict[str, str] = Field(default_factory=dict)
    rooms: dict[str, str] = Field(default_factory=dict)
    making: dict[str, list[str]] = Field(default_factory=dict)
    media: dict[str, str] = Field(default_factory=dict)
    events: dict[str, str] = Field(default_factory=dict)
    complete: bool = False


class Record:
    """The facts and their file; change `facts`, then `save`."""

    def __init__(self, data: Path) -> None:
        self.path = data / NAME
        self.facts = Facts()
        if self.path.exists():
            try:
                self.facts = Facts.model_validate_json(self.path.read_bytes())
            except ValidationError:
                raise CommandError(
                    f"{self.path} is damaged, so it is not known what the sample community has already.",
                    "Name another folder: --data DIR (make: DATA=DIR).",
                ) from None

    def save(self) -> None:
        """Writes the facts, readable by the owner alone."""
        write_private(self.path, self.facts.model_dump_json(indent=1))


def write_if_changed(path: Path, text: str) -> None:
    """Writes a private file, unless it says the same already."""
    if not (path.exists() and path.read_text(encoding="utf-8") == text and path.stat().st_mode & 0o777 == 0o600):
        write_private(path, text)


@asynccontextmanager
async def held(data: Path) -> AsyncIterator[None]:
    """Waits until no other `belisha demo` works in the folder, and keeps others out meanwhile."""
    with (data / LOCK).open("a", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(0.2)  # the children are watched meanwhile
            else:
                break
        yield


def as_json(value: object) -> str:
    """JSON that a person can read, the same text for the same value."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
