"""Excerpts: short, on one line, around the word that was looked for."""

from hypothesis import given
from hypothesis import strategies as st

from belisha.excerpt import excerpt, marked

LONG = "The harbour master " * 20 + "saw the lightship adrift " + "and told nobody of it " * 20


def test_a_short_text_is_given_whole_on_one_line() -> None:
    assert excerpt("The tide\n\nis  out", "tide") == "The tide is out"


def test_of_a_long_one_the_piece_around_the_word() -> None:
    piece = excerpt(LONG, "LIGHTSHIP")
    assert "saw the lightship adrift" in piece
    assert piece.startswith("…") and piece.endswith("…")
    assert all(word in LONG.split() for word in piece.strip("…").split()), "no word is cut"


def test_without_the_word_its_beginning() -> None:
    assert excerpt(LONG, "buoy").startswith("The harbour master")
    assert excerpt(LONG, "").endswith("…")


@given(text=st.text(max_size=600), words=st.text(max_size=20), most=st.integers(20, 200))
def test_it_is_never_longer_and_never_breaks_the_line(text: str, words: str, most: int) -> None:
    piece = excerpt(text, words, most)
    assert len(piece) <= most
    assert "\n" not in piece


def test_words_are_marked_where_a_word_begins_with_them() -> None:
    assert marked("Tides and untidy tide-tables", "tide AND x") == [
        ("Tide", True),
        ("s ", False),
        ("and", True),
        (" untidy ", False),
        ("tide", True),
        ("-tables", False),
    ]
    assert marked("a+b", "+ a") == [("a+b", False)]


@given(text=st.text(max_size=200), words=st.text(max_size=30))
def test_marking_changes_nothing(text: str, words: str) -> None:
    assert "".join(part for part, _ in marked(text, words)) == text
