"""Labels: order, spelling, colours, badge and identifiers, each against the standard's own values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha import tlp
from belisha.tlp import Label

labels = st.sampled_from(list(Label))


def test_the_order_is_that_of_first() -> None:
    names = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
    assert [str(label) for label in sorted(Label)] == names


@given(labels, labels, labels)
def test_order_laws(a: Label, b: Label, c: Label) -> None:
    assert (a <= b) or (b <= a)
    assert not (a <= b and b <= c) or a <= c
    assert (a <= b and b <= a) == (a == b)
    assert max(a, max(b, c)) == max(max(a, b), c)
    assert max(a, b) == max(b, a)


@given(labels, st.booleans(), st.text(alphabet=" \t\n", max_size=3))
def test_parse_and_format_round_trip(label: Label, upper: bool, space: str) -> None:
    text = str(label) if upper else str(label).lower()
    assert Label.parse(space + text + space) is label


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.integers()), st.binary()))
def test_anything_else_is_no_label(value: object) -> None:
    known = isinstance(value, str) and value.strip().upper() in {*map(str, Label), "TLP:WHITE"}
    assert known or Label.parse(value) is None


def test_white_of_version_1_is_clear() -> None:
    assert Label.parse("TLP:WHITE") is Label.CLEAR


@pytest.mark.parametrize(
    ("label", "colour"),
    [
        (Label.RED, "#FF2B2B"),
        (Label.AMBER, "#FFC000"),
        (Label.AMBER_STRICT, "#FFC000"),
        (Label.GREEN, "#33FF00"),
        (Label.CLEAR, "#FFFFFF"),
    ],
)
def test_colours_are_those_of_first(label: Label, colour: str) -> None:
    assert label.colour == colour
    assert tlp.html_badge(label) == f'<span data-mx-bg-color="#000000" data-mx-color="{colour}">[{label}]</span> '


@given(labels, st.text())
def test_a_badge_comes_off_again(label: Label, body: str) -> None:
    assert tlp.without_badge(tlp.badge(label) + body) == body
    assert tlp.without_badge(tlp.badge(label) + body, label) == body


def test_only_the_badge_of_the_named_label_comes_off() -> None:
    assert tlp.without_badge("[TLP:AMBER] x", Label.GREEN) == "[TLP:AMBER] x"
    assert tlp.without_badge("[TLP:AMBER+STRICT] x") == "x"
    assert tlp.without_badge("[TLP:PURPLE] x") == "[TLP:PURPLE] x"


STIX = {
    "94868c89-83c2-464b-929b-a1a8aa3c8487": Label.CLEAR,
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": Label.GREEN,
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": Label.AMBER,
    "939a9414-2ddd-4d32-a0cd-375ea402b003": Label.AMBER_STRICT,
    "e828b379-4e03-4974-9ac4-e53a884c97c1": Label.RED,
}
STIX_TLP1 = {
    "613f2e26-407d-48c7-9eca-b8e91df99dc9": Label.CLEAR,
    "34098fce-860f-48ae-8e50-ebd3cc5e41da": Label.GREEN,
    "f88d31f6-486f-44da-b317-01333bde0b82": Label.AMBER,
    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Label.RED,
}


def test_stix_ids_both_ways() -> None:
    assert {tlp.stix_id(label): label for label in Label} == {f"marking-definition--{i}": v for i, v in STIX.items()}
    for identifier, label in (STIX | STIX_TLP1).items():
        assert tlp.from_stix(f"marking-definition--{identifier}") is label
        assert tlp.from_stix(identifier) is None


def test_misp_tags_both_ways() -> None:
    tags = ["tlp:clear", "tlp:green", "tlp:amber", "tlp:amber+strict", "tlp:red"]
    assert [tlp.misp_tag(label) for label in sorted(Label)] == tags
    assert [tlp.from_misp(tag) for tag in tags] == sorted(Label)
    assert tlp.from_misp("tlp:white") is Label.CLEAR
    assert tlp.from_misp("tlp:ex:chr") is None


def test_a_kept_label_is_itself_and_what_cannot_be_read_is_the_strictest() -> None:
    assert [Label.kept(str(label)) for label in Label] == list(Label)
    assert Label.kept("TLP:PURPLE") is Label.kept(None) is Label.RED
