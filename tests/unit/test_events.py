"""Untrusted content: parsed into values, or a sentence about what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.events import (
    MalformedEvent,
    Relation,
    UnknownLabel,
    check_message,
    explicit_label,
    has_attachment_key,
    relation_of,
    texts_of,
    written_label,
)
from belisha.html import clean, visible_text
from belisha.tlp import Label

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, Relation()),
        ({"m.relates_to": {}}, Relation()),
        ({"m.relates_to": {"rel_type": "m.replace", "event_id": "$a"}}, Relation("$a")),
        ({"m.relates_to": {"rel_type": "m.thread", "event_id": "$a"}}, Relation(None, ("$a",))),
        ({"m.relates_to": {"m.in_reply_to": {"event_id": "$b"}}}, Relation(None, ("$b",))),
        (
            {"m.relates_to": {"rel_type": "m.thread", "event_id": "$a", "m.in_reply_to": {"event_id": "$b"}}},
            Relation(None, ("$a", "$b")),
        ),
    ],
)
def test_relations(content: dict[str, Any], expected: Relation) -> None:
    assert relation_of(content) == expected


@pytest.mark.parametrize(
    "relates",
    [
        "text",
        3,
        None,
        ["$a"],
        {"rel_type": 3, "event_id": "$a"},
        {"rel_type": "m.replace"},
        {"rel_type": "m.replace", "event_id": 3},
        {"rel_type": "m.thread", "event_id": "a"},
        {"m.in_reply_to": "$a"},
        {"m.in_reply_to": {"event_id": None}},
    ],
)
def test_malformed_relations_are_a_sentence(relates: object) -> None:
    with pytest.raises(MalformedEvent, match=r"\.$"):
        relation_of({"m.relates_to": relates})


@pytest.mark.parametrize("value", [4, None, "TLP:RED", ["TLP:RED"], {}, {"label": 4}, {"label": None}, True])
def test_a_malformed_label_key(value: object) -> None:
    with pytest.raises(MalformedEvent):
        explicit_label({"org.belisha.tlp": value})


def test_the_label_key() -> None:
    assert explicit_label({}) is None
    assert explicit_label({"org.belisha.tlp": {"label": "tlp:amber+strict"}}) is Label.AMBER_STRICT
    with pytest.raises(UnknownLabel):
        explicit_label({"org.belisha.tlp": {"label": "TLP:PURPLE"}})


@given(json_values)
def test_a_stored_label_is_read_or_missing_never_an_error(value: object) -> None:
    assert written_label({"org.belisha.tlp": value}) in (None, *Label)


@given(st.dictionaries(st.sampled_from(["body", "m.text", "m.relates_to", "url", "x", "mimetype"]), json_values))
def test_reading_texts_takes_any_json(content: dict[str, Any]) -> None:
    found = [text.value for text in texts_of(content)]
    if isinstance(content.get("body"), str):
        assert content["body"] in found
    has_attachment_key(content)


def test_texts_at_any_depth() -> None:
    content = {
        "body": "a",
        "formatted_body": "b",
        "url": "mxc://not/a/text",
        "m.new_content": {"body": "c", "info": {"mimetype": "no/text"}},
        "org.matrix.msc3381.poll.start": {
            "question": {"org.matrix.msc1767.text": "d"},
            "answers": [{"id": "no", "org.matrix.msc1767.text": "e"}],
        },
        "m.text": [{"body": "f"}, {"body": "g", "mimetype": "text/html"}],
    }
    assert {text.value for text in texts_of(content)} == set("abcdefg")
    assert {text.value for text in texts_of(content) if text.is_html} == {"b", "g"}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"msgtype": "m.text"},
        {"body": "x"},
        {"msgtype": 3, "body": "x"},
        {"msgtype": "m.text", "body": None},
        {"msgtype": "m.text", "body": "x", "formatted_body": 3},
        {"msgtype": "m.file", "body": "x", "filename": []},
        {"msgtype": "m.text", "body": "x", "m.new_content": "TLP:RED x"},
    ],
)
def test_malformed_messages(content: dict[str, Any]) -> None:
    with pytest.raises(MalformedEvent):
        check_message(content)


def test_attachment_keys_in_every_place() -> None:
    key = {"key": {"k": "…"}, "iv": "…", "url": "mxc://a/b"}
    assert has_attachment_key({"file": key})
    assert has_attachment_key({"info": {"thumbnail_file": key}})
    assert has_attachment_key({"m.new_content": {"file": key}})
    assert not has_attachment_key({"url": "mxc://a/b", "info": {"size": 3}})


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ("a<br>b", "a\nb"),
        ("<b>TLP</b>:<i>RED</i> x", "TLP:RED x"),
        ("TLP<wbr>:RED", "TLP:RED"),
        ("TLP<!-- hidden -->:RED", "TLP:RED"),
        ("&#84;LP:RED", "TLP:RED"),
        ("<p>one</p><p>TLP:RED</p>", "one\nTLP:RED"),
        ("<mx-reply>old words TLP:RED</mx-reply>new", "new"),
        ("<script>TLP:RED</script>x", "x"),
        ('<img alt="TLP:RED" src="mxc://a/b">', "TLP:RED"),
        ("<table><tr><td>TLP:</td><td>RED</td></tr></table>", "TLP:RED"),
        ("<x-y>TLP:RED</x-y>", "TLP:RED"),
        ("<svg><style><b>TLP:RED", "TLP:RED"),
    ],
)
def test_the_text_that_a_reader_sees(html: str, seen: str) -> None:
    assert visible_text(clean(html)) == seen


def test_colours_that_imitate_a_badge_are_taken_out() -> None:
    imitation = '<span data-mx-bg-color="#000001" data-mx-color="#33FE00">[TLP:GREEN]</span> x'
    assert clean(imitation) == "<span>[TLP:GREEN]</span> x"
    assert clean('<font color="#33ff00">tlp</font>') == "<font>tlp</font>"
    rainbow = '<span data-mx-color="#ff0000">r</span>'
    assert clean(rainbow) == rainbow
    assert "bg-color" not in clean('<span data-mx-bg-color="#112233">plain</span>')


@given(st.text())
def test_cleaning_is_stable_and_reading_takes_anything(html: str) -> None:
    once = clean(html)
    assert clean(once) == once
    visible_text(once)
