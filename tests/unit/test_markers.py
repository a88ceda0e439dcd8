"""Reading markers out of text, exactly as the vocabulary says: what is one, what is none, what is an error."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.lookalikes import fold
from belisha.markers import NOTHING, MarkerReader, Reading
from belisha.tlp import Label

READER = MarkerReader({"OFFICIAL-SENSITIVE": Label.AMBER, "SECRET": None, "TOP SECRET": None})
SPELLINGS = {
    Label.RED: ["RED"],
    Label.AMBER_STRICT: ["AMBER+STRICT", "AMBER STRICT", "AMBER-STRICT"],
    Label.AMBER: ["AMBER"],
    Label.GREEN: ["GREEN"],
    Label.CLEAR: ["CLEAR", "WHITE"],
}
ACCEPTED = [
    (label, form.format(word))
    for label, words in SPELLINGS.items()
    for word in words
    for form in ("TLP:{}", "[TLP:{}]", "(TLP:{})", "TLP: {}", "TLP-{}", "TLP {}")
]


@pytest.mark.parametrize(("label", "marker"), ACCEPTED)
@pytest.mark.parametrize("form", ["{}", "{} behind it", "  {}", "🔥 {} x", "⚠️ {}", "({}", "text\n{}", "a\nb\n{}\n"])
@pytest.mark.parametrize("change", [str, str.lower, str.title])
def test_every_accepted_spelling_in_label_position(label: Label, marker: str, form: str, change: type) -> None:
    assert READER.read(form.format(change(marker))) == Reading(label)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "the TLP:RED rules say",
        "What is TLP:AMBER+STRICT?",
        "text\nTLP:RED and more on the last line",
        "TLP:RED".join(["a", "b"]),
        "TLP is neither a classification nor a licence",
        "TLP 2.0 says so",
        "TLP-trained staff",
        "clear",
        "!tlp red",
        "!tlp",
        "Green",
        "ok\nAmber",
        "Secret Santa is on Friday",
        "do not share passwords by mail",
        "🔥" * 10_000,
        "مرحبا بالجميع",
    ],
)
def test_a_mention_is_no_marker(text: str) -> None:
    assert READER.read(text) == NOTHING


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("TLP:PURPLE x", None),
        ("[TLP:BLUE] x", None),
        ("TLP:AMBERGRIS", None),
        ("TLP:", None),
        ("text\nTLP:PURPLE", None),
        ("TLP:GREEN TLP:PURPLE x", None),
        ("TLP:AMBRE x", Label.AMBER),
        ("TLP:YELLOW", Label.AMBER),
        ("TLPRED", Label.RED),
        ("TLP::RED", Label.RED),
        ("TLP;GREEN", Label.GREEN),
        ("TLP:AMBER+", Label.AMBER),
        ("TLP:AMBER STRICTLY", Label.AMBER_STRICT),
        ("AMBER: x", Label.AMBER),
        ("[AMBER] x", Label.AMBER),
        ("(red)", Label.RED),
        ("text\n[GREEN]", Label.GREEN),
        ("amber+strict: x", Label.AMBER_STRICT),
        ("not for onward sharing", Label.RED),
        ("Not for onward sharing. The figures are", Label.RED),
        ("The figures are\nInternal use only", Label.AMBER_STRICT),
    ],
)
def test_near_misses_are_errors_that_name_the_label_probably_meant(text: str, meant: Label | None) -> None:
    reading = READER.read(text)
    assert reading.label is None
    assert reading.problem is not None
    assert "is not a label" in reading.problem
    assert (f"did you mean {meant}?" in reading.problem) if meant is not None else ("did you" not in reading.problem)
    for label in Label:
        assert str(label) in reading.problem


@pytest.mark.parametrize(
    "text",
    [
        "ＴＬＰ：ＲＥＤ x",
        "TLР:RED x",  # Cyrillic er
        "ТLP:RED",  # Cyrillic te
        "T\u200bLP:RED",
        "\u200bTLP:RED",
        "\u202eTLP:RED",
        "TLP:R\u00adED",
        "TLP\u2236RED",
        "ᴛʟᴘ:ʀᴇᴅ",
        "🇹🇱🇵:RED",
        "𝐓𝐋𝐏:𝐑𝐄𝐃",
        "text\nTLР:RED",
        "TLP:GREEN TLР:RED",
    ],
)
def test_a_marker_that_only_looks_like_one_is_refused(text: str) -> None:
    reading = READER.read(text)
    assert reading.label is None
    assert reading.problem is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OFFICIAL-SENSITIVE: the list", Reading(Label.AMBER)),
        ("OFFICIAL-SENSITIVE TLP:GREEN", Reading(Label.AMBER)),
        ("TLP:GREEN x\nOFFICIAL-SENSITIVE", Reading(Label.AMBER)),
        ("OFFICIAL-SENSITIVE TLP:RED", Reading(Label.RED)),
        ("SECRETS of good chairing", NOTHING),
    ],
)
def test_markings_of_other_schemes(text: str, expected: Reading) -> None:
    assert READER.read(text) == expected


@pytest.mark.parametrize("text", ["SECRET", "SECRET: x", "TOP SECRET", "text\nTOP SECRET", "TLP:GREEN SECRET x"])
def test_refused_markings(text: str) -> None:
    problem = READER.read(text).problem
    assert problem is not None
    assert "may not be shared here" in problem


def test_the_stricter_end_wins() -> None:
    assert READER.read("TLP:GREEN x\nTLP:AMBER") == Reading(Label.AMBER)
    assert READER.read("TLP:AMBER x\nTLP:GREEN") == Reading(Label.AMBER)
    assert READER.read("TLP:AMBER, TLP:RED x") == Reading(Label.RED)


@given(st.lists(st.sampled_from(list(Label)), min_size=1))
def test_of_several_texts_the_strictest_counts(labels: list[Label]) -> None:
    assert READER.read_all(f"{label} text" for label in labels) == Reading(max(labels))


@given(st.text())
def test_any_text_has_one_outcome(text: str) -> None:
    reading = READER.read(text)
    assert reading.label is None or reading.problem is None
    assert reading.problem is None or reading.problem.endswith(".")


@given(st.sampled_from(list(Label)), st.text())
def test_a_marker_in_front_is_never_overlooked(label: Label, text: str) -> None:
    reading = READER.read(f"{label}\n{text}")
    assert reading.problem is not None or (reading.label is not None and reading.label >= label)


@given(st.text(alphabet=st.characters(min_codepoint=0x80), min_size=1))
def test_folding_leaves_nothing_invisible(text: str) -> None:
    assert not any(unicodedata.category(char) == "Cf" for char in fold(text))


@given(st.text(alphabet=st.characters(max_codepoint=0x7F)))
def test_ascii_is_folded_to_itself(text: str) -> None:
    assert fold(text) == text
