"""Bar charts: what stands in them at their size, whatever members have written, and without colours."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bots.charts.bars import MOST_BARS, BadChart, Bar, Bars, from_json
from bots.charts.drawing import WIDTH, png
from bots.charts.lettering import fonts_for, lines, one_line

Pixels = npt.NDArray[np.uint8]
TWO = Bars(
    "When?", "“Monday” has the most votes: 3 of 4.", (Bar("Monday", 3, "3", leads=True), Bar("Friday", 1, "1")), 4
)
EDGE, FULL = 32, 706
DARK, LIGHT, TRACK = (11, 83, 148), (143, 179, 217), (229, 231, 235)
WHITE = 255


def picture(chart: Bars) -> Pixels:
    """Rows of pixels, each with its three colours."""
    return np.asarray(Image.open(io.BytesIO(png(chart))).convert("RGB"))


def extent(found: Pixels, colour: tuple[int, int, int]) -> int:
    """How many pixels wide what has a colour is, at most."""
    columns = np.nonzero((found == colour).all(axis=2).any(axis=0))[0]
    return int(columns[-1] - columns[0] + 1) if len(columns) else 0


def test_bars_are_as_long_as_what_they_count() -> None:
    found = picture(TWO)
    assert found.shape[1] == WIDTH
    assert abs(extent(found[:170], DARK) - FULL * 3 / 4) <= 3 and abs(extent(found, LIGHT) - FULL / 4) <= 4
    assert (found[[0, 0, -1, -1], [0, -1, 0, -1]] == WHITE).all(), "a card of its own, on whatever page"


def test_it_is_read_without_colours() -> None:
    """What leads differs in grey by far, and so does the second sort of bars, by its stripes."""
    weights = (0.299, 0.587, 0.114)
    lead, other = (sum(w * c for w, c in zip(weights, colour, strict=True)) for colour in (DARK, LIGHT))
    levels = set((picture(TWO)[:, EDGE + 20] @ weights).round().astype(int).tolist())
    assert {round(lead), round(other)} <= levels and other - lead > 80
    bars = tuple(replace(bar, second=1, second_said="1 of 2") for bar in TWO.bars)
    striped = picture(replace(TWO, bars=bars, second_whole=2, key=("a", "b")))[-50:, EDGE + 4 : EDGE + 300]
    changes = (abs(np.diff((striped @ weights), axis=1)) > 60).sum(axis=1)
    assert changes.max() > 20


def test_nothing_of_when_or_by_what_it_was_drawn_is_in_it() -> None:
    first, second = png(TWO), png(TWO)
    assert first == second
    assert Image.open(io.BytesIO(first)).info.keys() <= {"dpi"}


@pytest.mark.parametrize(
    "name",
    [
        "a long answer that goes on and on " * 10,
        "x" * 340,
        "e" + "\u0301" * 20_000,
        "שלום עולם (12)",
        "مرحبا بالعالم",
        "🍕👩‍👩‍👧‍👦 é 東京",
        "$x_1^2$ \\frac{",
        "\u202egnorw\u202c \u2066a",
        "a\nb\tc\0\ud800",
        "",
        "<b>&amp;</b>",
    ],
)
def test_no_answer_breaks_it(name: str) -> None:
    bars = (Bar(name, 1, "1 (100 %)", leads=True), Bar("Other", 0, "0 (0 %)"))
    chart = from_json(json.loads(json.dumps(Bars(name, name, bars, 1).as_json())))
    found = picture(chart)
    assert found.shape[1] == WIDTH and found.shape[0] < 1000
    assert (found[:, :8] == WHITE).all() and (found[:, -8:] == WHITE).all(), "nothing runs over the edge"
    assert abs(extent(found, DARK) - FULL) <= 2


@pytest.mark.parametrize("count", [1, 2, 20, MOST_BARS])
def test_it_grows_with_its_bars(count: int) -> None:
    bars = tuple(Bar(f"Answer {number}", 0, "0 (0 %)") for number in range(count))
    found = picture(Bars("Which?", "Nobody has voted.", bars, 0))
    assert extent(found, TRACK) >= FULL - 2 and len(found) > 60 * count


@pytest.mark.parametrize(
    "wrong",
    [
        {"bars": [{"name": "a", "value": 5, "said": ""}]},
        {"bars": [{"name": "a", "value": -1, "said": ""}]},
        {"bars": []},
        {"bars": [{"name": "a", "value": 0, "said": ""}] * (MOST_BARS + 1)},
        {"bars": [{"name": "a"}]},
        {"bars": None},
        {"key": ["one"]},
        {"more": 1},
    ],
)
def test_what_is_no_chart_is_refused(wrong: dict[str, object]) -> None:
    assert from_json(TWO.as_json()) == TWO
    with pytest.raises(BadChart):
        from_json({**TWO.as_json(), **wrong})


@given(st.text(max_size=120), st.integers(3, 40), st.integers(1, 5))
def test_lines_fit_and_say_all_that_they_can(text: str, width: int, most: int) -> None:
    found = lines(text, width, len, most)
    assert 1 <= len(found) <= most and all(len(line) <= width for line in found)
    joined = "".join("".join(found).split())
    whole = "".join(one_line(text).split())
    assert joined == whole or (found[-1].endswith("…") and whole.startswith(joined[:-1]))


def test_a_sign_that_the_font_lacks_is_looked_for_on_the_machine() -> None:
    assert fonts_for(["Monday", "שלום", "مرحبا", "Ünïcödé \u200d"]) == ["DejaVu Sans"]
    assert fonts_for(["\U000e0fff"])[0] == "DejaVu Sans", "and where nothing has it, a placeholder stands for it"
