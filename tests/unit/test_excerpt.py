"""Excerpts: short, on one line, around the word that was looked for."""

from hypothesis import given
from hypothesis import strategies as st

from belisha.excerpt import excerpt

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
