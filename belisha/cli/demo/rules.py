"""What makes a story tellable: its references lead somewhere, and it breaks no rule of the community."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from belisha.cli.demo.content import creation_of, event_type
from belisha.cli.demo.story import (
    Account,
    Edit,
    Entry,
    File,
    Message,
    Poll,
    PollEnd,
    Room,
    Story,
    StoryError,
    Vote,
    default_folder,
    read,
)
from belisha.markers import MarkerReader
from belisha.policy.creation import plan_room
from belisha.policy.decide import Claims, decide
from belisha.policy.decision import Decision
from belisha.policy.people import Person
from belisha.policy.rooms import Purpose, kind_of, room_of
from belisha.policy.state import Surroundings
from belisha.tlp import Label

_MARKERS = MarkerReader()
_ANYWHERE = Surroundings(_MARKERS, steward="", portal_origin="", encrypted_named_rooms=False)


def load(folder: Path | None = None) -> Story:
    """The story in `folder` (the shipped one by default), if it can be told.

    Raises:
        StoryError: anything that is wrong with it, all mistakes at once as far as they can be told.
    """
    folder = folder or default_folder()
    story = read(folder)
    if problems := problems_of(story, folder / "files"):
        raise StoryError(folder / "community.yaml", problems)
    return story


def problems_of(story: Story, files: Path) -> list[str]:
    """Every mistake, one sentence each; `files` is the folder of the files that are shared."""
    return [*_people(story), *_rooms(story), *_talk(story, files)]


def _people(story: Story) -> Iterator[str]:
    yield from _twice("organisation", (organisation.id for organisation in story.organisations))
    yield from _twice("account", (account.localpart for account in story.accounts))
    organisations = {organisation.id for organisation in story.organisations}
    for account in story.accounts:
        if account.organisation not in organisations:
            yield f"account {account.localpart}: there is no organisation {account.organisation}"
    hosts = [organisation.id for organisation in story.organisations if organisation.host]
    if len(hosts) != 1:
        yield f"exactly one organisation has host: true, not {len(hosts)}"
    managers = [account for account in story.accounts if "manager" in account.roles]
    if len(managers) != 1 or managers[0].organisation not in hosts:
        yield "exactly one account is manager, and its organisation is the host"


def _rooms(story: Story) -> Iterator[str]:
    yield from _twice("room", (room.key for room in story.rooms))
    yield from _twice("alias", (room.alias for room in story.rooms if room.alias))
    organisations = {organisation.id for organisation in story.organisations}
    accounts = {account.localpart: account for account in story.accounts}
    for room in story.rooms:
        where = f"room {room.key}"
        yield from (f"{where}: there is no account {name}" for name in room.people if name not in accounts)
        yield from (f"{where}: {twice}" for twice in _twice("person", room.people))
        if room.kind == "named" and (room.alias or room.name or room.topic):
            yield f"{where}: a named room has no alias, name or topic"
        if room.kind != "named" and not (room.alias and (room.name or room.built_in)):
            yield f"{where}: a group has an alias and a name"
        if not all(name in accounts for name in room.people):
            continue
        maker, *members = (_person(accounts[name]) for name in room.people)
        planned = plan_room(maker, members, creation_of(room), frozenset(organisations), _ANYWHERE)
        if isinstance(planned, Decision):
            yield f"{where}: {planned.reason}"


def _person(account: Account) -> Person:
    return Person(f"@{account.localpart}:demo", account.organisation, frozenset(account.roles))


def _talk(story: Story, files: Path) -> Iterator[str]:
    yield from _twice("entry", (f"{room.key}: {entry.digest()}" for room, entry in story.entries()))
    for room in story.rooms:
        earlier: dict[str, tuple[Entry, Label | None]] = {}
        for number, entry in enumerate(room.talk, start=1):
            where = f"room {room.key}, entry {number} (by {entry.by})"
            label, problems = _told(room, entry, earlier, files)
            yield from (f"{where}: {problem}" for problem in problems)
            if entry.id in earlier:
                yield f"{where}: the id {entry.id} stands in this room already"
            if entry.id:
                earlier[entry.id] = entry, label


def _told(
    room: Room, entry: Entry, earlier: dict[str, tuple[Entry, Label | None]], files: Path
) -> tuple[Label | None, list[str]]:
    """The label that an entry gets, and what is wrong with it."""
    if missing := [name for name in entry.relations() if name not in earlier]:
        return None, [f"nothing before it in this room has the id {name}" for name in missing]
    problems = list(_fits(room, entry, {name: earlier[name][0] for name in entry.relations()}))
    of_file: Label | None = None
    if isinstance(entry, File):
        if (files / entry.file).is_file():
            of_file = _label_in(files / entry.file)
        else:
            problems.append(f"there is no file files/{entry.file}")
    reading = _MARKERS.read_all(entry.texts())
    if reading.problem:
        problems.append(reading.problem)
    parents = [label for name in entry.relations() if (label := earlier[name][1]) is not None]
    claims = Claims(
        text=reading.label, file=of_file, parent=max(parents, default=None), is_edit=isinstance(entry, Edit)
    )
    decision = decide(room_of(kind_of(room.kind), room.organisations, Purpose(room.purpose)), event_type(entry), claims)
    if not decision.allowed:
        problems.append(decision.reason)
    return decision.label, problems


def _fits(room: Room, entry: Entry, parents: dict[str, Entry]) -> Iterator[str]:
    """Whether the entry's author may do this here, and to these earlier entries."""
    if entry.by not in room.people:
        yield f"{entry.by} is not in this room"
    if room.purpose == "announcements" and isinstance(entry, Message | Poll) and entry.by != room.maker:
        yield "only the manager posts announcements"
    for name, parent in parents.items():
        if isinstance(entry, Vote | PollEnd) and not isinstance(parent, Poll):
            yield f"{name} is no poll"
        elif isinstance(entry, Vote) and isinstance(parent, Poll) and entry.answer not in parent.answers:
            yield f"the poll {name} has no answer {entry.answer}"
        if isinstance(entry, Edit | PollEnd) and entry.by != parent.by:
            yield f"{name} is {parent.by}'s"
        if isinstance(entry, Edit) and not isinstance(parent, Message):
            yield f"{name} is no message that can be edited"
        if isinstance(entry, Message) and entry.thread == name and isinstance(parent, Message) and parent.thread:
            yield f"{name} is in a thread itself; name the thread's first message"


def _label_in(file: Path) -> Label | None:
    """The label on a text file's first line; other files are drawn with theirs in the caption."""
    if file.suffix not in {".csv", ".md"}:
        return None
    first, *_ = file.read_text(encoding="utf-8").splitlines() or [""]
    return _MARKERS.read(first).label


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    yield from (f"{what} {name} stands twice" for name, times in Counter(names).items() if times > 1)
