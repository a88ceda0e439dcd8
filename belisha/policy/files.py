"""Decides who may open, share and show a file (rule F1). Pure: values in, a Decision out."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from belisha.inside import Finding, Reason
from belisha.policy.decision import Decision, Verdict, allow, refuse
from belisha.policy.people import Person
from belisha.policy.rooms import Media, Room
from belisha.sniff import is_document, is_picture
from belisha.tlp import Label


class State(StrEnum):
    """What a file is; never two of these."""

    #: Uploaded, or about to be, and named by no event: its uploader's alone.
    PENDING = "pending"
    #: Named by an event of a room.
    SHARED = "shared"
    #: The picture of a member or a room, which every member sees: small, and without what its file said besides.
    AVATAR = "avatar"
    #: Closed to everybody, for good.
    WITHDRAWN = "withdrawn"


class Share(NamedTuple):
    """One event that shares a file and is there, not redacted: for whom is asked may be in its room, or not."""

    label: Label
    is_in: bool
    #: Whether the room gives originals to their uploader only (`originals: source`).
    sources_only: bool = False
    #: Whether the room shows how its files begin: one that carries no files (any more) does not (`media: none`).
    has_previews: bool = True


class File(NamedTuple):
    """A file, as it is to one person at one moment.

    Attributes:
        uploader: the user id of who uploaded it.
        state: what it is.
        kind: its media type by its first bytes; None while they have not been looked at.
        has_bytes: whether it has been uploaded.
        shares: the events that share it.
        was_redacted: whether an event that shared it was redacted.
        inside: what was found in it; None while it has not been read to its end, or as far as it can be.
        is_drawn: whether its bytes were drawn anew, so that they say nothing but what is seen.
    """

    uploader: str
    state: State
    kind: str | None
    has_bytes: bool
    shares: tuple[Share, ...] = ()
    was_redacted: bool = False
    inside: Finding | None = None
    is_drawn: bool = False

    @property
    def label(self) -> Label | None:
        """The strictest label that it is shared with; None where no event shares it."""
        return max((share.label for share in self.shares), default=None)


_OPEN: Final = allow("F1", "The file is for this member.")
_CLOSED: Final = refuse("F1", "NOT_FOUND", "There is no such file here, or it is not for you.")

COPIES_ONLY: Final = refuse(
    "F1",
    "COPIES_ONLY",
    "This group gives out stamped copies and keeps the original to its source. Please open your copy on the portal, by "
    "the link that the bot has put under the file.",
)
NOT_YOURS: Final = refuse(
    "F1", "FILE_NOT_YOURS", "There is no such file here, or it is not yours to share. Please upload it yourself."
)
NOT_READY: Final = refuse(
    "F1",
    "FILE_NOT_READY",
    "This file has not arrived and been checked yet, so it was not shared. Please send it again in a moment.",
)
WITHDRAWN: Final = refuse(
    "F1", "FILE_WITHDRAWN", "This file was withdrawn, so it cannot be shared again. Please upload it anew to share it."
)
NOT_CHECKED: Final = refuse(
    "R3",
    "NOT_CHECKED",
    "Everyone would see this picture, and it could not be checked. Please use a plain PNG, JPEG, GIF or WebP picture.",
)
_IS_AVATAR: Final = refuse(
    "F1",
    "FILE_IS_AVATAR",
    "This file is somebody's or a room's picture, which everyone sees. Please upload it again to share it.",
)
_IS_SHARED: Final = refuse(
    "F1",
    "FILE_IS_SHARED",
    "This file is shared in a room, and everyone would see it as a picture. Please upload it again for that.",
)
_NO_PICTURE: Final = refuse("F1", "NOT_A_PICTURE", "Only a PNG, JPEG, GIF, WebP or similar picture can be shown there.")
_NO_FILES: Final = refuse("F1", "NO_FILES_HERE", "This group carries no files. Please share it in another group.")
_NO_DOCUMENT: Final = refuse(
    "F1",
    "NOT_A_DOCUMENT",
    "This group carries documents and pictures only, and this file is neither. Please share it in another group, or "
    "ask the group's maintainer.",
)


def decide_download(person: Person, file: File | None) -> Decision:
    """Decides whether a person may open a file now; the Decision's label is the file's.

    Whatever the reason, the refusal is the same: it does not tell whether the file exists. Only who is in a room where
    it stands and whose originals are their sources' is told so.
    """
    if file is None or not person.belongs or file.state is State.WITHDRAWN:
        return _CLOSED
    if file.state is State.AVATAR:
        # Of what was not drawn anew, everyone could learn where it was taken.
        return _OPEN if file.is_drawn else _CLOSED
    if person.user_id == file.uploader:
        # Once every event that shared it is redacted it is about to be withdrawn.
        return _labelled(file) if file.shares or not file.was_redacted else _CLOSED
    if file.state is not State.SHARED or not any(share.is_in for share in file.shares):
        return _CLOSED
    if all(share.sources_only for share in file.shares if share.is_in):
        return COPIES_ONLY
    return _labelled(file)


def decide_copy(person: Person, file: File | None) -> Decision:
    """Decides whether a person may have a stamped copy of a file now; the Decision's label stands on it.

    Whoever reads an event that shares the file may, its uploader too; a picture that everyone sees has no label.
    """
    if file is None or not person.belongs or file.state is not State.SHARED:
        return _CLOSED
    if any(share.is_in for share in file.shares) or (person.user_id == file.uploader and file.shares):
        return _labelled(file)
    return _CLOSED


def decide_preview(person: Person, file: File | None) -> Decision:
    """Decides whether a person may see how a file begins, small; the Decision's label stands on it.

    Whoever may have a copy may, where one of their rooms in which it is shared has previews.
    """
    decision = decide_copy(person, file)
    if file is None or not any(share.is_in and share.has_previews for share in file.shares):
        return _CLOSED
    return decision


class Brought(NamedTuple):
    """What the files that an item names bring to it (rule L2).

    Attributes:
        label: the strictest label of them; None where they bring none.
        is_marked: whether a marker inside one of them says that label.
        not_checked: why one of them could not be read; None where all were.
    """

    label: Label | None = None
    is_marked: bool = False
    not_checked: Reason | None = None

    def joined(self, other: Brought) -> Brought:
        """What both bring."""
        stricter = other if self.label is None or (other.label is not None and other.label > self.label) else self
        return Brought(stricter.label, stricter.is_marked, self.not_checked or other.not_checked)


def decide_share(person: Person, room: Room, file: File | None) -> Decision:
    """Decides whether a person may share a file in a room; what it brings to the item is `brought_by`'s."""
    if file is not None and file.state is State.AVATAR and person.belongs:
        return _IS_AVATAR
    if file is None or not decide_download(person, file).allowed:
        is_own = file is not None and file.uploader == person.user_id
        return WITHDRAWN if is_own else NOT_YOURS
    if not file.has_bytes or file.kind is None:
        return NOT_READY
    carried = room.carried_files
    if carried is Media.NONE:
        return _NO_FILES
    if carried is Media.DOCUMENTS and not is_document(file.kind):
        return _NO_DOCUMENT
    if file.inside is None:
        return NOT_READY
    return _OPEN if file.inside.forbidden is None else _forbidden(file.inside.forbidden)


def brought_by(person: Person, room: Room, file: File, *, is_known: bool = False) -> Brought:
    """What a file brings to an item of a person who may share it in that room (rule L2).

    What others share keeps the label that it has, and what a source shares anew has the label of that. A marker inside
    counts whoever shares it; what could not be read counts as the room's ceiling.

    Args:
        person: who shares it.
        room: where.
        file: it.
        is_known: whether the item has named the file before, and its label was decided about since (rule L4).
    """
    shared = Brought(None if file.uploader == person.user_id else file.label)
    if file.inside is None:
        return shared._replace(label=room.ceiling)
    not_checked = file.inside.not_checked
    if is_known:
        return shared._replace(not_checked=not_checked)
    marked = Brought(file.inside.label, file.inside.label is not None)
    unread = Brought(None if not_checked is None else room.ceiling, not_checked=not_checked)
    return marked.joined(shared).joined(unread)


def decide_withdrawal(person: Person, uploader: str | None) -> Decision:
    """Decides whether a person may withdraw a file: who uploaded it, or a steward; to others there is none."""
    is_theirs = uploader is not None and person.belongs and (person.user_id == uploader or "steward" in person.roles)
    return _OPEN if is_theirs else _CLOSED


def decide_avatar(person: Person, file: File | None) -> Decision:
    """Decides whether a person may show a file as their own or a room's picture; one that is shown already, anyone."""
    if file is not None and file.state is State.AVATAR and person.belongs:
        return _OPEN
    if file is None or not decide_download(person, file).allowed:
        is_own = file is not None and file.uploader == person.user_id
        return WITHDRAWN if is_own else NOT_YOURS
    if file.state is State.SHARED:
        return _IS_SHARED if file.uploader == person.user_id else NOT_YOURS
    if not file.has_bytes or file.kind is None:
        return NOT_READY
    if not is_picture(file.kind):
        return _NO_PICTURE
    if file.inside is None:
        return NOT_READY
    # There is no label that says who may not see a picture which everyone sees.
    is_plain = file.inside.not_checked is None and file.inside.forbidden is None
    return _OPEN if is_plain and (file.inside.label or Label.CLEAR) <= Label.GREEN else NOT_CHECKED


def _forbidden(marking: str) -> Decision:
    return refuse(
        "L2",
        "FORBIDDEN_MARKING",
        f"This file is marked {marking}, and such material may not be shared here. Please keep it off this platform.",
    )


def _labelled(file: File) -> Decision:
    return Decision(Verdict.ALLOW, "F1", _OPEN.reason, file.label)
