"""Text that is written to cost the server its time, or to show people a marker that the server does not read."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from belisha.html import TooMuchFormatting, clean, texts_in
from belisha.markers import MarkerReader

#: A message must not hold up everybody else's: how many plain loops (`loop`) it may cost, in time of the processor.
#: On the machine that this was measured on a loop takes some 15 ms, and the dearest text here some 60 of them.
LOOPS = 250
LIMIT = 64_000


def _seconds(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


@pytest.fixture(scope="module")
def loop() -> float:
    """What a plain loop of Python costs here."""
    return min(_seconds(lambda: sum(number % 7 for number in range(200_000))) for _ in range(5))


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0301" * 16_000 + "\u0323" * 16_000,
        "a" + "\u0301\u0323" * 16_000,
        ("\u0301" * 8 + "\uff9e") * 3_000,
        "\ufdfa" * 21_000,
        "TLP:RED " * 8_000,
        "TLP:" + " " * LIMIT + "x",
        "[" * LIMIT,
        "\u200b" * 21_000,
        "\u200d" * 21_000 + "a",
    ],
    ids=str.__len__,
)
def test_a_text_is_read_in_time_whatever_it_holds(text: str, loop: float) -> None:
    assert _seconds(lambda: MarkerReader({}).read(text)) < LOOPS * loop


@pytest.mark.parametrize("unit", ["<b>", "<div>", "<a><b><p>", "<ul><li>", "<b></p><p>", "<!--", "&a", "<", "<p a="])
def test_html_is_cleaned_in_time_or_refused(unit: str, loop: float) -> None:
    def read() -> None:
        try:
            texts_in(clean(unit * (LIMIT // len(unit))))
        except TooMuchFormatting:
            return

    assert _seconds(read) < LOOPS * loop


def test_html_that_unfolds_is_refused() -> None:
    fonts = "".join(f"<font color={number}>" for number in range(2_000))
    with pytest.raises(TooMuchFormatting):
        clean(f"<p>{fonts}x</p>" + "<p>x</p>" * 2_000)
    bold = "<p><b>x</b></p>" * 200
    assert clean(bold) == bold


@pytest.mark.parametrize("text", ["\u202eDER:PLT", "\u202eDER:PLT\u202c the pump", "the pump\n\u202eDER:PLT"])
def test_a_marker_that_is_shown_backwards_is_refused(text: str) -> None:
    assert MarkerReader({}).read(text).problem


def test_marks_over_a_letter_hide_no_marker() -> None:
    assert MarkerReader({}).read("T\u0301LP:RED" + "\u0301\u0323" * 100).problem


@pytest.mark.parametrize(
    "html", ["<font color='#FF2B2B'>[&#84;LP:RED]</font>", "<font color='#FF2B2B'>[T<b>LP</b>:RED]</font>"]
)
def test_no_colour_of_the_writer_stays_where_people_read_tlp(html: str) -> None:
    assert "color" not in clean("It says " + html)


@pytest.mark.parametrize(
    "html",
    [
        '<span data-mx-spoiler="TLP:RED">x</span>',
        '<img src="mxc://a/b" title="TLP:RED">',
        '<img src="mxc://a/b" alt="TLP:RED">',
        '<span data-mx-maths="TLP:RED">x</span>',
    ],
)
def test_attributes_that_clients_show_are_read(html: str) -> None:
    assert "TLP:RED" in texts_in(clean("Look: " + html))[1:]
