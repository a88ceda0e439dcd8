"""The sample community's story: `config/demo/community.yaml` as frozen values, checked as a whole.

Knows nothing of servers: what stands here is who there is, which rooms, and what is said in them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from belisha import yaml_lines
from belisha.resources import shipped

Kind = Literal["open", "closed", "named"]
Purpose = Literal["discussion", "blog", "documents", "announcements"]
Category = Literal["government", "academia", "industry", "charity"]
Role = Literal["lead", "steward", "manager"]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Text = Annotated[str, Field(min_length=1)]
ProfilePart = Literal["role", "about", "expertise", "interests", "challenges", "languages"]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class StoryError(Exception):
    """The story cannot be told as it is written; `problems` holds one sentence for each mistake."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__(f"{path} cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = tuple(problems)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Organisation(_Part):
    """An organisation; the one with `host` runs the community."""

    id: Key
    name: Name
    category: Category
    domains: tuple[str, ...] = ()
    host: bool = False


class Account(_Part):
    """A member's account; without a role an ordinary member. `profile` is what they say of themselves, part by part."""

    localpart: Key
    name: Name
    organisation: Key
    roles: tuple[Role, ...] = ()
    profile: Mapping[ProfilePart, Text] = Field(default_factory=dict)

    def said_to_the_steward(self) -> Iterator[Message]:
        """The commands by which they say it, as they type them in their own room."""
        for part, text in self.profile.items():
            yield Message(by=self.localpart, says=f"!profile {part} {text}")


class Entry(_Part):
    """One thing that `by` does in a room; `id` lets later entries of the room point at it."""

    by: Key
    id: Key | None = None

    def relations(self) -> tuple[str, ...]:
        """The ids of the entries that this one relates to."""
        return ()

    def texts(self) -> tuple[str, ...]:
        """What a reader of the room reads of it, as it was typed."""
        return ()

    def digest(self) -> str:
        """A name that stays the same however the entries around it change."""
        written = json.dumps(self.model_dump(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(written.encode()).hexdigest()[:16]


class Message(Entry):
    """A text, on its own, as a reply, or in the thread below an entry."""

    says: Text
    replies: Key | None = None
    thread: Key | None = None

    def relations(self) -> tuple[str, ...]:
        """The parent of a reply, the first message of a thread."""
        return tuple(parent for parent in (self.replies, self.thread) if parent)

    def texts(self) -> tuple[str, ...]:
        """The text."""
        return (self.says,)


class File(Message):
    """A file from `files/` with its caption (`says`)."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Edit(Entry):
    """A correction of one's own message."""

    edits: Key
    says: Text

    def relations(self) -> tuple[str, ...]:
        """What is corrected."""
        return (self.edits,)

    def texts(self) -> tuple[str, ...]:
        """The new text."""
        return (self.says,)


class Poll(Entry):
    """A poll with its answers by id."""

    poll: Text
    answers: Annotated[dict[Key, Text], Field(min_length=2, max_length=20)]

    def texts(self) -> tuple[str, ...]:
        """The question and the answers."""
        return (self.poll, *self.answers.values())


class Vote(Entry):
    """A vote in a poll; a second one by the same member replaces the first."""

    votes: Key
    answer: Key

    def relations(self) -> tuple[str, ...]:
        """The poll."""
        return (self.votes,)


class PollEnd(Entry):
    """The end of a poll by the member who began it."""

    ends: Key
    says: Text

    def relations(self) -> tuple[str, ...]:
        """The poll."""
        return (self.ends,)

    def texts(self) -> tuple[str, ...]:
        """The result in words."""
        return (self.says,)


class Reaction(Entry):
    """A reaction to a message."""

    reacts: Annotated[str, Field(min_length=1, max_length=16)]
    to: Key

    def relations(self) -> tuple[str, ...]:
        """What is reacted to."""
        return (self.to,)


#: The key that tells what an entry is; `says` comes last because others carry it too.
_TOLD_BY: dict[str, type[Entry]] = {
    "file": File,
    "edits": Edit,
    "poll": Poll,
    "votes": Vote,
    "ends": PollEnd,
    "reacts": Reaction,
    "says": Message,
}


def _told_by(entry: Any) -> str | None:
    keys = entry if isinstance(entry, dict) else type(entry).model_fields if isinstance(entry, Entry) else ()
    return next((key for key in _TOLD_BY if key in keys), None)


AnyEntry = Annotated[
    Annotated[File, Tag("file")]
    | Annotated[Edit, Tag("edits")]
    | Annotated[Poll, Tag("poll")]
    | Annotated[Vote, Tag("votes")]
    | Annotated[PollEnd, Tag("ends")]
    | Annotated[Reaction, Tag("reacts")]
    | Annotated[Message, Tag("says")],
    Discriminator(
        _told_by,
        custom_error_type="unknown_entry",
        custom_error_message=f"an entry has one of: {', '.join(_TOLD_BY)}",
    ),
]


class Room(_Part):
    """A room, its people and its talk; a `built_in` one is there before the story begins."""

    key: Key
    alias: Key | None = None
    name: Name | None = None
    topic: str | None = None
    kind: Kind
    purpose: Purpose
    organisations: tuple[Key, ...] = ()
    maker: Key
    members: tuple[Key, ...]
    built_in: bool = False
    talk: tuple[AnyEntry, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """The maker and the members."""
        return (self.maker, *self.members)


class Story(_Part):
    """The whole sample community."""

    name: Name
    organisations: tuple[Organisation, ...]
    accounts: tuple[Account, ...]
    rooms: tuple[Room, ...]

    @property
    def host(self) -> Organisation:
        """The organisation that runs the community."""
        return next(organisation for organisation in self.organisations if organisation.host)

    @property
    def manager(self) -> Account:
        """The community's first manager, whom `belisha up` makes."""
        return next(account for account in self.accounts if "manager" in account.roles)

    def entries(self) -> Iterator[tuple[Room, Entry]]:
        """Everything that happens, in order."""
        for room in self.rooms:
            for entry in room.talk:
                yield room, entry


def default_folder() -> Path:
    """Where the shipped story is."""
    return shipped("config", "demo")


def read(folder: Path) -> Story:
    """Reads `community.yaml` in `folder`; whether the story can be told is in `rules`.

    Raises:
        StoryError: anything that is wrong with it, all mistakes at once as far as they can be told.
    """
    path = folder / "community.yaml"
    try:
        document = yaml_lines.read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoryError(path, [f"it cannot be read ({error.strerror}); is the installation complete?"]) from None
    except yaml_lines.YamlProblem as problem:
        raise StoryError(path, [f"line {problem.line}: {problem.what}; {problem.remedy}"]) from None
    try:
        return Story.model_validate(document.value)
    except ValidationError as error:
        raise StoryError(path, [_sentence(document, found) for found in error.errors()]) from None


def _sentence(document: yaml_lines.Document, found: Any) -> str:
    # Pydantic names the union's member inside the path; it is no part of the document.
    where = tuple(
        part for i, part in enumerate(found["loc"]) if not (i and part in _TOLD_BY and found["loc"][i - 2] == "talk")
    )
    return f"line {document.line(where)}: {'.'.join(map(str, where)) or 'the whole'}: {found['msg']}"
