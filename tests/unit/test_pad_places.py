"""Places in a pad's text: each letter is found where it is, whatever is around it; made-up ones are refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from bots.pads.places import Copy, Place, place_of
from bots.pads.updates import MalformedUpdate, read_place, read_update

#: Who writes, where (as a share of the text), and what; or how much to delete; now and then all come to know it.
ACTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.floats(0, 1),
        st.one_of(st.text("aé😀\n", min_size=1, max_size=4), st.integers(1, 4)),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)
CLIENTS = (11, 12, 500_000)


def spread(docs: list[Doc[Text]]) -> None:
    for doc in docs:
        for other in docs:
            doc.apply_update(other.get_update())


@given(ACTS)
def test_every_letter_is_found_where_it_is(acts: list[tuple[int, float, str | int, bool]]) -> None:
    docs: list[Doc[Text]] = [Doc(client_id=client) for client in CLIENTS]
    texts = [doc.get("text", type=Text) for doc in docs]
    for writer, share, what, is_told in acts:
        shown = str(texts[writer])
        at = round(share * len(shown))
        first = len(shown[:at].encode())
        if isinstance(what, str):
            texts[writer].insert(first, what)
        elif at < len(shown):
            del texts[writer][first : first + len(shown[at : at + what].encode())]
        if is_told:
            spread(docs)
    spread(docs)
    update = docs[0].get_update()
    copy, read = Copy((update,)), read_update(update)
    assert copy.text == str(texts[1])
    gone = {(run.client, clock) for run in read.deleted for clock in range(run.clock, run.end)}
    before: dict[int, int] = {}
    for run in read.written:
        for clock in range(run.clock, run.end):
            if any("😀" in str(what) for _, _, what, _ in acts):
                copy = Copy((update,))  # some of these places are between halves
            first, behind = (copy.index(Place(run.client, clock, is_behind)) for is_behind in (False, True))
            assert 0 <= first <= behind <= len(copy.text)
            if (run.client, clock) in gone:
                assert first == behind, "a letter that was deleted has no width"
            else:
                assert behind == first + 1
                before[first] = before.get(first, 0) + len(copy.text[first].encode("utf-16-le")) // 2
    widths = {at: len(letter.encode("utf-16-le")) // 2 for at, letter in enumerate(copy.text)}
    assert before == {at: width * width for at, width in widths.items()}, "and no two are at one place"


def test_what_is_replaced_is_one_members_change() -> None:
    doc: Doc[Text] = Doc(client_id=5)
    text = doc.get("text", type=Text)
    text += "é😀 at seven"
    copy = Copy((doc.get_update(),))
    doc.apply_update(copy.replaced(1, 5, "é at", 7))
    assert str(text) == "éé at seven"
    doc.apply_update(Copy((doc.get_update(),)).replaced(0, 2, "", 7))
    assert str(text) == " at seven"
    assert [run.client for run in read_update(copy.replaced(0, 0, "x", 7)).written] == [7]


def test_the_texts_ends_are_places() -> None:
    doc: Doc[Text] = Doc(client_id=5)
    text = doc.get("text", type=Text)
    text += "Tide"
    copy = Copy((doc.get_update(),))
    end, begin = (place_of(base64.b64encode(b"\1\4text" + side).decode()) for side in (b"\0", b"\x41"))
    assert (copy.index(begin), copy.index(end)) == (0, 4)
    assert Copy(()).index(begin) == Copy(()).index(end) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"\0", b"\0\5\0", b"\0\5\0\2", b"\0\5\0\0\0", b"\1\4next\0", b"\1\4text", b"\2\5\0\0", b"\3",
        b"\0" + b"\xff" * 9,
    ],
)  # fmt: skip
def test_made_up_places_are_refused(wrong: bytes) -> None:
    with pytest.raises(MalformedUpdate):
        read_place(wrong)


def test_nobodys_letters_are_refused() -> None:
    doc: Doc[Text] = Doc(client_id=5)
    text = doc.get("text", type=Text)
    text += "Tide"
    for client, clock in ((5, 4), (6, 0), (5, 2**52)):
        with pytest.raises(MalformedUpdate):
            Copy((doc.get_update(),)).index(Place(client, clock, True))
    for wrong in ("no base64", "AA", "é", ""):
        with pytest.raises(MalformedUpdate):
            place_of(wrong)
