"""Updates of pads are read strictly, and what a pad may hold and is labelled follows rules (L2, L3); no store."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map, Text

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.pads.document import Document
from bots.pads.rules import (
    LONGEST,
    MOST_CLIENTS,
    MOST_WRITTEN,
    Labelled,
    Refused,
    check,
    check_length,
    labelled,
    title,
    words_label,
)
from bots.pads.updates import (
    ASK,
    CHANGE,
    MalformedUpdate,
    Run,
    Update,
    frame,
    number,
    read_frame,
    read_state,
    read_update,
)

ANA, BEN = "@ana:x", "@ben:x"
READER = MarkerReader({"OFFICIAL-SENSITIVE": Label.AMBER, "SECRET": None})
#: Acts of an editor: where (as a share of the text), and what to write there, or how much to delete.
ACTS = st.lists(
    st.tuples(st.floats(0, 1), st.one_of(st.text(max_size=6).filter(lambda one: one.isprintable()), st.integers(1, 9))),
    max_size=30,
)


class Writer:
    """Somebody's editor, by pycrdt itself."""

    def __init__(self) -> None:
        self.doc: Doc[Text] = Doc()
        self.text = self.doc.get("text", type=Text)
        self.made: list[bytes] = []
        self.doc.observe(lambda event: self.made.append(event.update))

    def act(self, share: float, what: str | int) -> None:
        # pycrdt counts bytes of UTF-8: begin where a letter begins.
        text = str(self.text)
        at = round(share * len(text))
        begin = len(text[:at].encode())
        if isinstance(what, str):
            self.text.insert(begin, what)
        elif at < len(text):
            del self.text[begin : begin + len(text[at : at + what].encode())]


def one(words: str = "Tide tables") -> tuple[bytes, int]:
    """An update that writes something, and its client."""
    writer = Writer()
    writer.text += words
    return writer.made[0], writer.doc.client_id


@given(ACTS, ACTS)
def test_whatever_editors_write_is_read_as_it_is(mine: list, theirs: list) -> None:
    a, b = Writer(), Writer()
    for who, acts in ((a, mine), (b, theirs)):
        for share, what in acts:
            who.act(share, what)
    a.doc.apply_update(b.doc.get_update())
    for writer in (a, b):
        for made in (*writer.made, writer.doc.get_update()):
            read_update(made)
    state = read_state(a.doc.get_state())
    whole = read_update(a.doc.get_update())
    assert {run.client: run.end for run in whole.written} == state
    assert whole.letters == len(str(a.text).encode("utf-16-le")) // 2


@given(ACTS, st.integers(0, 2**32))
def test_no_broken_bytes_get_past(acts: list, seed: int) -> None:
    """Cut short, with bytes changed or added: read as something that is checked, or refused with a sentence."""
    writer, chance = Writer(), random.Random(seed)  # noqa: S311 - broken bytes need no secrets
    writer.act(0, "Tide tables")
    for share, what in acts:
        writer.act(share, what)
    whole = writer.doc.get_update()
    for _ in range(20):
        broken = bytearray(whole[: chance.randrange(len(whole) + 1)] if chance.random() < 0.3 else whole)
        for _ in range(chance.randrange(3)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        broken += chance.randbytes(chance.choice((0, 0, 3)))
        document = Document((), {})
        try:
            document.take_in(bytes(broken), ANA)
        except Refused as refused:
            assert str(refused).endswith("."), refused
        else:
            assert read_state(document.vector) == document._state, "nothing of it waits for what never comes"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "ends in the middle"),
        (b"\x00", "ends in the middle"),
        (b"\x00\x00\x00", "goes on behind its end"),
        (b"\xff\xff\xff\xff\x07\x00", "announces more than it has"),
        (b"\x01\x01\x01\x00\x04\x01\x04text\xff\xff\xff\xff\x7f", "announces more than it has"),
        (b"\x01\x01\x01\x00\x04\x01\x04text\x02\xc3\x28\x00", "letters that are none"),
        (b"\x01\x01\x01\x00\x04\x01\x05other\x01a\x00", "elsewhere"),
        (b"\x01\x01\x01\x00\x04\x00\x01\x00\x01a\x00", "elsewhere"),
        (b"\x01\x01\x01\x00\x24\x01\x04text\x01k\x01a\x00", "elsewhere"),
        (b"\x01\x01\x01\x00\x04\x01\x04text\x00\x00", "writes nothing"),
        (b"\x01\x01\x01\x00\x00\x00\x00", "writes nothing"),
        (b"\x01\x01\x01\x00\x0a\x05\x00", "elsewhere"),
        (b"\x01\x01\x01\x00\x03\x01\x04text\x01a\x00", "something else than letters"),
        (b"\x01\x01\x01\x00\x07\x01\x04text\x02\x00", "something else than letters"),
        (b"\x01\x01\x01\x00\x00" + b"\xff" * 7 + b"\x1f\x00", "number that no editor writes"),
        (b"\x01\x01\x01\x01\x00" + b"\xff" * 7 + b"\x0f\x00", "number that no editor writes"),
        (b"\x80" * 12, "does not end"),
    ],
)
def test_what_is_no_writing_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(MalformedUpdate, match=why):
        read_update(data)


def test_other_things_than_text_are_refused() -> None:
    doc: Doc = Doc()
    doc["text"] = Map({"a": 1})
    with pytest.raises(MalformedUpdate):
        read_update(doc.get_update())


def test_frames_and_numbers_are_read_as_they_are_written() -> None:
    for value in (0, 127, 128, 300, 2**32, 2**53 - 1):
        assert read_state(b"\x01" + number(value) + number(value)) == {value: value}
    assert read_frame(frame(CHANGE, b"x" * 200)) == (CHANGE, b"x" * 200)
    for broken in (b"", b"\x01\x00\x00", b"\x00\x03\x00", b"\x00\x00\x05ab", frame(ASK, b"") + b"\x00"):
        with pytest.raises(MalformedUpdate):
            read_frame(broken)


def test_nobody_writes_in_somebody_elses_name() -> None:
    made, client = one()
    document = Document((), {})
    assert document.take_in(made, ANA) == (made, {client: ANA})
    more = Writer()
    more.doc.apply_update(made)
    assert document.take_in(made, BEN) == (None, {}), "what is there already is nobody's news"
    forged = Doc(client_id=client)
    forged.apply_update(made)
    forged.get("text", type=Text).insert(0, "I agree: ")
    with pytest.raises(Refused, match="somebody else has written it"):
        document.take_in(forged.get_update(), BEN)
    assert document.take_in(forged.get_update(), ANA)[0]
    assert document.text == "I agree: Tide tables"


def test_what_builds_on_nothing_is_refused_and_changes_nothing() -> None:
    writer = Writer()
    writer.text += "Tide"
    writer.text += " tables"
    del writer.text[0:2]
    document = Document((), {})
    for made in writer.made[1:]:
        with pytest.raises(Refused, match="never arrived here"):
            document.take_in(made, ANA)
    # In order by its numbers, and yet it hangs on itself: each of two letters stands behind the other.
    circle = b"\x02\x01\x05\x00\x84\x06\x00\x01a\x01\x06\x00\x84\x05\x00\x01b\x00"
    read_update(circle)
    with pytest.raises(Refused, match="could not be put together"):
        document.take_in(circle, ANA)


def test_who_may_not_write_may_have_nothing_to_say() -> None:
    made, _ = one()
    document = Document((), {})
    assert document.take_in(b"\x00\x00", BEN, closed="You are muted.") == (None, {})
    with pytest.raises(Refused, match=r"You are muted\."):
        document.take_in(made, BEN, closed="You are muted.")
    assert document.text == ""


def test_a_pad_is_full_one_day() -> None:
    update = Update((Run(1, 0, 1),), (), 1)
    with pytest.raises(Refused, match="it is full"):
        check(update, {2: MOST_WRITTEN}, {2: ANA}, ANA)
    with pytest.raises(Refused, match="it is full"):
        check(update, {}, dict.fromkeys(range(2, MOST_CLIENTS + 2), ANA), ANA)
    assert check(update, {2: MOST_WRITTEN - 1}, {}, ANA) == {1: 1}
    check_length("x" * LONGEST)
    with pytest.raises(Refused, match="at most 100,000 characters"):
        check_length("x" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("text", "item", "ceiling", "label", "note"),
    [
        ("Tide tables", Label.GREEN, Label.AMBER, Label.GREEN, ""),
        ("TLP:AMBER Tide tables", Label.GREEN, Label.AMBER, Label.AMBER, ""),
        ("# TLP:AMBER\nTide tables", Label.GREEN, Label.AMBER, Label.AMBER, ""),
        ("Tide tables\nTLP:AMBER", Label.GREEN, Label.AMBER, Label.AMBER, ""),
        ("OFFICIAL-SENSITIVE", Label.GREEN, Label.AMBER, Label.AMBER, ""),
        ("TLP:GREEN Tide tables", Label.GREEN, Label.AMBER, Label.GREEN, ""),
        ("TLP:CLEAR Tide tables", Label.GREEN, Label.AMBER, Label.GREEN, "its source can lower it"),
        ("TLP:AM", Label.GREEN, Label.AMBER, Label.AMBER, "Until then it counts as TLP:AMBER"),
        ("TLP:PURPLE", Label.RED, Label.AMBER, Label.RED, "Until then it counts as TLP:RED"),
    ],
)
def test_a_pad_has_the_strictest_label_of_its_message_and_its_text(
    text: str, item: Label, ceiling: Label, label: Label, note: str
) -> None:
    found = labelled(text, item, ceiling, READER)
    assert (found.label, note in found.note, bool(found.note)) == (label, True, bool(note))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("TLP:RED Tide tables", "this group carries TLP:AMBER at most"),
        ("TLP:AMBER+STRICT", "this group carries TLP:AMBER at most"),
        ("SECRET", "keep it off this platform"),
    ],
)
def test_no_text_says_that_it_is_stricter_than_its_group_carries(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        labelled(text, Label.GREEN, Label.AMBER, READER)
    assert labelled("Tide tables", Label.RED, Label.AMBER, READER) == Labelled(Label.RED)


def test_comments_raise_a_pad_and_are_refused_above_the_ceiling() -> None:
    with pytest.raises(Refused, match="this group carries TLP:AMBER at most"):
        words_label("TLP:RED the admiral drowned", Label.GREEN, Label.AMBER, READER)
    for wrong in ("TLP:PURPLE", "SECRET: the admiral drowned"):
        with pytest.raises(Refused):
            words_label(wrong, Label.GREEN, Label.AMBER, READER)
    assert words_label("TLP:AMB", Label.GREEN, Label.AMBER, READER, is_typed=True) == Label.AMBER, "it may mean that"
    with pytest.raises(Refused):
        words_label("SECRET: the admiral drowned", Label.GREEN, Label.AMBER, READER, is_typed=True)
    assert words_label("TLP:AMBER\nWhich ones?", Label.GREEN, Label.AMBER, READER) == Label.AMBER
    assert words_label("Which ones?", Label.GREEN, Label.AMBER, READER) == Label.CLEAR
    raised = labelled("Tide tables", Label.GREEN, Label.AMBER, READER, Label.AMBER)
    assert raised.label == Label.AMBER and "Comments or suggestions here are TLP:AMBER" in raised.note
    assert labelled("Tide tables", Label.AMBER, Label.AMBER, READER, Label.GREEN) == Labelled(Label.AMBER)
    with pytest.raises(Refused, match="A comment here is TLP:AMBER"):
        labelled("Tide tables", Label.GREEN, Label.GREEN, READER, Label.AMBER)


def test_a_pad_is_called_by_its_first_words() -> None:
    assert title("\n  ## Tide   tables \nat seven") == "Tide tables"
    assert (title(""), title("#\n\n"), title("\0a\u202eb")) == ("", "", "a b")
    assert len(title("x" * 500)) == 100
