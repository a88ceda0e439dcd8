"""Which files an event names, what a file is, and who may open, share and show it (rule F1)."""

from __future__ import annotations

import itertools

import pytest

from belisha.events import MalformedEvent
from belisha.files import Address, address_of, files_in
from belisha.inside import Finding, Reason
from belisha.policy.files import (
    Brought,
    File,
    Share,
    State,
    brought_by,
    decide_avatar,
    decide_copy,
    decide_download,
    decide_preview,
    decide_share,
)
from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Media, room_of, to_state
from belisha.policy.rooms import from_state as policy_of
from belisha.sniff import HEAD, is_document, is_picture, is_sound_or_film, sniff
from belisha.tlp import Label
from tests.support.files import png

ANA = Person("@ana:x", "harbour")
BEN = Person("@ben:x", "harbour")
FROZEN = Person("@ben:x", "harbour", frozen=True)
STRANGER = Person("@sam:x")
ADDRESS = "mxc://belisha.localhost/AbC_-1"
CLOSED = room_of(Kind.CLOSED)


def file(state: State = State.SHARED, *shares: Share, **more: object) -> File:
    return File("@ana:x", state, "text/plain", has_bytes=True, shares=shares, inside=Finding())._replace(**more)


IN, OUT = Share(Label.AMBER, is_in=True), Share(Label.GREEN, is_in=False)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"url": ADDRESS}, 1),
        ({"file": {"url": ADDRESS, "key": {}}}, 1),
        ({"info": {"thumbnail_url": ADDRESS, "thumbnail_file": {"url": ADDRESS}}}, 1),
        ({"formatted_body": f'<img src="{ADDRESS}">'}, 1),
        ({"formatted_body": f"<a href='{ADDRESS}'>x</a>"}, 1),
        ({"formatted_body": f"{ADDRESS}"}, 0),
        ({"body": ADDRESS, "filename": ADDRESS}, 0),
        ({"m.text": [{"body": ADDRESS}, {"mimetype": "text/html", "body": f'<img src="{ADDRESS}">'}]}, 1),
        ({"body": {"url": ADDRESS}}, 1),
        ({"a": [[{"b": ADDRESS}], "x"]}, 1),
        ({"url": "https://example.org/x"}, 0),
        ({"url": 7, "info": None}, 0),
    ],
)
def test_an_event_names_what_clients_would_load(content: dict[str, object], found: int) -> None:
    assert len(files_in(content)) == found


@pytest.mark.parametrize(
    "text", ["mxc://", "mxc:x", "MXC://a/b", " mxc://a/b", "mxc://a/b/c", "mxc://a/b?c", "mxc://a/b#c", "mxc://a/../b"]
)
def test_what_is_nearly_an_address_is_refused(text: str) -> None:
    assert address_of(text) is None
    for content in ({"url": text}, {"formatted_body": f'<img src="{text}">'}):
        with pytest.raises(MalformedEvent):
            files_in(content)


def test_an_address_has_two_parts() -> None:
    assert address_of(ADDRESS) == Address("belisha.localhost", "AbC_-1")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (png(), "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "video/x-msvideo"),
        (b"%PDF-1.7", "application/pdf"),
        (b"junk before it %PDF-1.7", "application/pdf"),
        (b"{\\rtf1 x}", "application/rtf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "application/vnd.openxmlformats"),
        (
            b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.textPK",
            "application/vnd.oasis.opendocument.text",
        ),
        (b"PK\x03\x04" + bytes(26) + b"evil.exe", "application/zip"),
        (b"", "text/plain"),
        ("Grüße".encode(), "text/plain"),
        ("Grüße".encode("cp1252"), "text/plain"),
        (b"\xff\xfe" + "Grüße".encode("utf-16-le"), "text/plain"),
        (b"x" * (HEAD - 1) + "ü".encode()[:1], "text/plain"),
        (b'{"a": 1}', "text/plain"),
        (b"  <!DOCTYPE HTML><p>", "text/html"),
        (b'<?xml version="1.0"?>\n<!-- x --><svg/>', "text/html"),
        (b"MZ\x90\x00", "application/octet-stream"),
        (b"\x7fELF\x02\x01", "application/octet-stream"),
        (b"OggS\x00", "audio/ogg"),
    ],
)
def test_a_file_is_what_its_first_bytes_say(head: bytes, kind: str) -> None:
    assert sniff(head[:HEAD]) == kind
    is_none = kind in ("application/octet-stream", "application/zip", "text/html") or is_sound_or_film(kind)
    assert is_document(kind) != is_none
    assert is_picture(kind) == kind.startswith("image/")


def test_comments_without_end_are_read_once() -> None:
    """In one way, of 2^n: it is read in Synapse itself, where nothing could end it."""
    assert sniff((b"<?xml>" + b"<!---->" * 580 + b"x")[:HEAD]) == "text/plain"


def test_every_state_is_open_to_whom_it_should_be() -> None:
    open_to = {
        State.PENDING: {ANA},
        State.SHARED: {ANA},
        State.AVATAR: {ANA, BEN},
        State.WITHDRAWN: set(),
    }
    for state, person in itertools.product(State, (ANA, BEN, FROZEN, STRANGER)):
        found = decide_download(person, file(state, is_drawn=state is State.AVATAR))
        assert found.allowed == (person in open_to[state]), (state, person)
    for person in (ANA, BEN):
        assert not decide_download(person, file(State.AVATAR)).allowed, "what its file says besides is for nobody"
        assert not decide_download(person, None).allowed
    assert decide_download(BEN, file(State.SHARED, OUT, IN)).label is Label.AMBER
    assert not decide_download(BEN, file(State.SHARED, OUT)).allowed
    assert not decide_download(FROZEN, file(State.SHARED, IN)).allowed
    assert not decide_download(BEN, file(State.PENDING, IN)).allowed
    assert not decide_download(BEN, file(State.SHARED, IN._replace(sources_only=True))).allowed
    assert decide_download(ANA, file(State.SHARED, IN._replace(sources_only=True))).allowed


def test_where_originals_are_their_sources_others_are_told_of_copies() -> None:
    """Who is in the room alone: to everybody else there is no such file."""
    kept_in, kept_out = IN._replace(sources_only=True), OUT._replace(sources_only=True)
    assert decide_download(BEN, file(State.SHARED, kept_in, OUT)).code == "COPIES_ONLY"
    assert decide_download(BEN, file(State.SHARED, kept_in, IN)).allowed
    assert decide_download(BEN, file(State.SHARED, kept_out)).code == "NOT_FOUND"
    assert decide_download(FROZEN, file(State.SHARED, kept_in)).code == "NOT_FOUND"


def test_who_gets_a_copy() -> None:
    kept_in = IN._replace(sources_only=True)
    for shares, allowed in (((IN,), {ANA, BEN}), ((kept_in, OUT), {ANA, BEN}), ((OUT,), {ANA}), ((), set())):
        for person in (ANA, BEN, FROZEN, STRANGER):
            decision = decide_copy(person, file(State.SHARED, *shares))
            assert decision.allowed == (person in allowed), (shares, person)
            assert not decision.allowed or decision.label is file(State.SHARED, *shares).label
    for state in State:
        if state is not State.SHARED:
            assert not decide_copy(ANA, file(state, IN)).allowed
    assert not decide_copy(ANA, None).allowed


def test_who_sees_how_a_file_begins() -> None:
    """Whoever may have a copy, where a room of theirs that shares it has previews: one without files has none."""
    kept_in, bare_in, bare_out = (
        IN._replace(sources_only=True),
        IN._replace(has_previews=False),
        OUT._replace(has_previews=False),
    )
    for shares, allowed in (
        ((IN,), {ANA, BEN}),
        ((kept_in, bare_out), {ANA, BEN}),
        ((bare_in, IN), {ANA, BEN}),
        ((bare_in,), set()),
        ((bare_in, OUT), set()),
        ((OUT,), set()),
        ((), set()),
    ):
        for person in (ANA, BEN, FROZEN, STRANGER):
            decision = decide_preview(person, file(State.SHARED, *shares))
            assert decision.allowed == (person in allowed), (shares, person)
            assert not decision.allowed or decision.label is file(State.SHARED, *shares).label
    for state in State:
        if state is not State.SHARED:
            assert not decide_preview(ANA, file(state, IN)).allowed
    assert not decide_preview(ANA, None).allowed
    assert CLOSED.has_previews and CLOSED._replace(media=Media.DOCUMENTS).has_previews
    assert not CLOSED._replace(media=Media.NONE).has_previews


def test_what_was_redacted_everywhere_is_closed_to_its_uploader() -> None:
    assert not decide_download(ANA, file(was_redacted=True)).allowed
    assert decide_download(ANA, file(State.SHARED, OUT, was_redacted=True)).allowed


def test_every_refusal_to_open_is_the_same() -> None:
    refusals = {
        decide_download(person, one)
        for person, one in ((BEN, None), (BEN, file()), (FROZEN, file()), (ANA, file(State.WITHDRAWN)))
    }
    assert len(refusals) == 1 and not refusals.pop().allowed


@pytest.mark.parametrize(
    ("person", "one", "code"),
    [
        (ANA, file(State.PENDING), None),
        (ANA, file(State.SHARED, OUT), None),
        (BEN, file(State.SHARED, IN), None),
        (BEN, file(State.SHARED, OUT), "FILE_NOT_YOURS"),
        (BEN, file(State.PENDING), "FILE_NOT_YOURS"),
        (BEN, file(State.WITHDRAWN), "FILE_NOT_YOURS"),
        (BEN, None, "FILE_NOT_YOURS"),
        (ANA, file(State.WITHDRAWN), "FILE_WITHDRAWN"),
        (BEN, file(State.AVATAR), "FILE_IS_AVATAR"),
        (ANA, file(State.PENDING, has_bytes=False), "FILE_NOT_READY"),
        (ANA, file(State.PENDING, kind=None), "FILE_NOT_READY"),
        (ANA, file(State.PENDING, kind="application/zip"), "NOT_A_DOCUMENT"),
    ],
)
def test_who_may_share(person: Person, one: File | None, code: str | None) -> None:
    assert decide_share(person, CLOSED, one).code == code


def test_what_others_share_keeps_its_label() -> None:
    assert brought_by(ANA, CLOSED, file(State.SHARED, IN)) == Brought()
    assert brought_by(BEN, CLOSED, file(State.SHARED, IN)) == Brought(Label.AMBER)


AMBER, GREEN, RED = Finding(Label.AMBER), Finding(Label.GREEN), Finding(Label.RED)
UNREAD, CUT = Finding(not_checked=Reason.ENCRYPTED), Finding(Label.RED, Reason.BROKEN)


@pytest.mark.parametrize(
    ("person", "inside", "brought"),
    [
        (ANA, Finding(), Brought()),
        (ANA, GREEN, Brought(Label.GREEN, is_marked=True)),
        (ANA, RED, Brought(Label.RED, is_marked=True)),
        (ANA, UNREAD, Brought(Label.AMBER, not_checked=Reason.ENCRYPTED)),  # the ceiling of a closed group
        (ANA, CUT, Brought(Label.RED, is_marked=True, not_checked=Reason.BROKEN)),
        (ANA, Finding(Label.GREEN, Reason.BROKEN), Brought(Label.AMBER, not_checked=Reason.BROKEN)),
        (BEN, GREEN, Brought(Label.AMBER)),  # it was shared as that
        (BEN, AMBER, Brought(Label.AMBER, is_marked=True)),
        (BEN, RED, Brought(Label.RED, is_marked=True)),
        (BEN, None, Brought(Label.AMBER)),
    ],
)
def test_the_strictest_of_what_a_file_says_and_was_shared_as(
    person: Person, inside: Finding | None, brought: Brought
) -> None:
    assert brought_by(person, CLOSED, file(State.SHARED, IN, inside=inside)) == brought


def test_what_was_decided_about_since_claims_nothing_anew() -> None:
    for inside in (RED, UNREAD, CUT):
        kept = brought_by(ANA, CLOSED, file(State.SHARED, IN, inside=inside), is_known=True)
        assert kept == Brought(not_checked=inside.not_checked)
    assert brought_by(BEN, CLOSED, file(State.SHARED, IN, inside=RED), is_known=True) == Brought(Label.AMBER)


def test_of_several_files_the_strictest_counts() -> None:
    one, other = Brought(Label.AMBER), Brought(Label.RED, is_marked=True, not_checked=Reason.BROKEN)
    assert one.joined(other) == other.joined(one) == other
    assert Brought().joined(one) == one.joined(Brought()) == one
    assert Brought(not_checked=Reason.ENCRYPTED).joined(one) == Brought(Label.AMBER, not_checked=Reason.ENCRYPTED)


@pytest.mark.parametrize("inside", [None, Finding(forbidden="SECRET"), Finding(Label.RED, None, "SECRET")])
def test_what_is_unread_or_forbidden_is_not_shared(inside: Finding | None) -> None:
    decision = decide_share(ANA, CLOSED, file(State.PENDING, inside=inside))
    assert decision.code == ("FILE_NOT_READY" if inside is None else "FORBIDDEN_MARKING")
    assert inside is None or "SECRET" in decision.reason


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("media", Media)
def test_groups_carry_what_their_policy_says_and_other_rooms_anything(kind: Kind, media: Media) -> None:
    room = room_of(kind)._replace(media=media)
    programs, texts = (
        decide_share(ANA, room, file(State.PENDING, kind=each)) for each in ("application/octet-stream", "text/plain")
    )
    is_group = kind in (Kind.OPEN, Kind.CLOSED)
    assert texts.allowed == (not is_group or media is not Media.NONE)
    assert programs.allowed == (not is_group or media is Media.ANY)


@pytest.mark.parametrize(
    ("person", "one", "code"),
    [
        (ANA, file(State.PENDING, kind="image/png"), None),
        (BEN, file(State.PENDING, kind="image/png"), "FILE_NOT_YOURS"),
        (BEN, file(State.AVATAR, kind="image/png"), None),
        (ANA, file(State.PENDING, kind="text/plain"), "NOT_A_PICTURE"),
        (ANA, file(State.PENDING, kind="image/png", inside=None), "FILE_NOT_READY"),
        (ANA, file(State.PENDING, kind="image/png", inside=Finding(not_checked=Reason.TWO_KINDS)), "NOT_CHECKED"),
        (ANA, file(State.PENDING, kind="image/png", inside=Finding(Label.AMBER)), "NOT_CHECKED"),
        (ANA, file(State.PENDING, kind="image/png", inside=Finding(Label.GREEN)), None),
        (ANA, file(State.PENDING, kind="image/png", inside=Finding(forbidden="SECRET")), "NOT_CHECKED"),
        (BEN, file(State.AVATAR, kind="image/png", inside=None), None),
        (ANA, file(State.PENDING, kind="image/png", has_bytes=False), "FILE_NOT_READY"),
        (ANA, file(State.SHARED, IN, kind="image/png"), "FILE_IS_SHARED"),
        (BEN, file(State.SHARED, IN, kind="image/png"), "FILE_NOT_YOURS"),
        (ANA, file(State.WITHDRAWN), "FILE_WITHDRAWN"),
        (ANA, None, "FILE_NOT_YOURS"),
    ],
)
def test_who_may_show_a_picture(person: Person, one: File | None, code: str | None) -> None:
    assert decide_avatar(person, one).code == code


def test_a_policy_says_what_is_unlike_a_new_room() -> None:
    assert {"media", "originals"} & set(to_state(CLOSED)) == set()
    room = CLOSED._replace(media=Media.NONE, sources_only=True)
    assert to_state(room).items() >= {"media": "none", "originals": "source"}.items()
    assert policy_of(to_state(room), is_encrypted=False) == room
    unreadable = policy_of({**to_state(CLOSED), "media": 7, "originals": {}}, is_encrypted=False)
    assert unreadable is not None and (unreadable.media, unreadable.sources_only) == (Media.NONE, True)
