"""Whatever arrives, the answer is an errcode with a sentence, or an item with exactly one label; never a 500."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from belisha.policy.types import CONTENT
from belisha.tlp import Label, html_badge
from tests.support.community import CEILINGS, DEFAULTS, LABEL_KEY, Community, assert_badges, assert_sentence, label_of
from tests.support.server import request
from tests.synapse.malformed import CASES
from tests.synapse.samples import HTML, text

Json = dict[str, Any]

_LIMIT = 65_536


async def assert_answered(community: Community, content: Any, kind: str, event_type: str = "m.room.message") -> int:
    """The one claim of this file, about one event; its status."""
    status, body = await community.put("ana", kind, content, event_type=event_type)
    if status == 200:
        if event_type in CONTENT:
            label = Label.parse(label_of(await community.read(body["event_id"], kind)))
            assert label is not None and label <= CEILINGS[kind]
    else:
        assert status in (400, 403, 404, 413), (status, body)
        assert body["errcode"] and body["error"], body
        if body["errcode"].startswith("ORG.BELISHA."):
            assert_sentence(body["error"])
            assert body["errcode"] != "ORG.BELISHA.CANNOT_DECIDE", "it is decided, not given up"
    return status


@pytest.mark.parametrize(("event_type", "content"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_malformed_content_is_answered(community: Community, event_type: str, content: Any) -> None:
    await assert_answered(community, content, "closed", event_type)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":1' * 5_000, b'{"a":NaN}', b"nul"])
async def test_what_is_no_json_is_answered(community: Community, raw: bytes) -> None:
    status, body = await community.put("ana", "closed", raw)
    assert status in (400, 413) and body["errcode"], body


@pytest.mark.parametrize(
    ("content", "by"),
    [
        ({LABEL_KEY: 7}, "MALFORMED"),
        ({LABEL_KEY: ["TLP:RED"]}, "MALFORMED"),
        ({LABEL_KEY: None}, "MALFORMED"),
        ({LABEL_KEY: {"label": {"label": "TLP:RED"}}}, "MALFORMED"),
        ({LABEL_KEY: {"label": "TLP:PURPLE"}}, "UNKNOWN_LABEL"),
        ({"m.relates_to": "x"}, "MALFORMED"),
        ({"formatted_body": 7}, "MALFORMED"),
        ({"m.new_content": "TLP:RED x"}, "MALFORMED"),
    ],
)
async def test_what_the_label_hangs_on_is_refused_when_malformed(community: Community, content: Json, by: str) -> None:
    status, body = await community.put("ana", "closed", {**text("x"), **content})
    assert (status, body["errcode"]) == (403 if by == "UNKNOWN_LABEL" else 400, f"ORG.BELISHA.{by}")
    assert_sentence(body["error"])


# --- Imitated badges --------------------------------------------------------------------------------------------

_SPAN = '<span data-mx-bg-color="#000000" data-mx-color="#FF2B2B">[TLP:GREEN]</span>'


@pytest.mark.parametrize(
    "formatted",
    [
        f"{_SPAN} x",
        f"{_SPAN}{_SPAN} x",
        f"<p>{_SPAN} x</p>",
        f"<b>{_SPAN}</b> x",
        f"<strong><em>{_SPAN}</em> x</strong>",
        f"x <p>{_SPAN}</p>",
        f"x {_SPAN} y".replace("[TLP:GREEN]", "TLP:GREEN"),
        '<font data-mx-bg-color="#000000" color="#33FF00">[TLP:GREEN]</font> x',
        '<SPAN DATA-MX-BG-COLOR="#000000">TLP:GREEN</SPAN> x',
        '<span style="background:#000">x</span>',
        '<span data-mx-bg-color="#000000">x',
        '<div data-mx-bg-color="#000000">x</div>',
        html_badge(Label.GREEN) + html_badge(Label.CLEAR) + "x",
    ],
)
async def test_colours_of_a_badge_are_the_servers_alone(community: Community, formatted: str) -> None:
    content = await community.told(text("x", format=HTML, formatted_body=formatted), "closed")
    shown = content["formatted_body"]
    drawn = html_badge(Label.kept(label_of(content)))
    assert shown.removeprefix("<p>").startswith(drawn)
    rest = shown.replace(drawn, "", 1)
    assert not re.search("data-mx-bg-color|data-mx-color|<font|style=|background", rest, re.IGNORECASE), rest


@pytest.mark.parametrize("key", ["m.text", "org.matrix.msc1767.message"])
async def test_imitated_badge_in_extensible_html(community: Community, key: str) -> None:
    entries = [{"body": "[TLP:GREEN] x", "mimetype": "text/plain"}, {"body": f"{_SPAN} x", "mimetype": "text/html"}]
    content = await community.told(text("x", **{key: entries}), "closed")
    for entry in content[key]:
        assert "#FF2B2B" not in entry["body"]
        assert len(re.findall(r"\[TLP:", entry["body"])) == 1, entry
        assert entry["body"].count("data-mx-bg-color") <= 1


async def test_imitated_badge_in_extensible_html_key(community: Community) -> None:
    content = await community.told(text("x", **{"org.matrix.msc1767.html": f"{_SPAN} x"}), "closed")
    assert_badges(content)


# --- Size -------------------------------------------------------------------------------------------------------


async def overhead(community: Community, kind: str) -> int:
    """What Synapse counts of an event beside its content, in bytes."""
    event_id = await community.sent(text("measure"), kind)
    [row] = community.server.query("SELECT json FROM event_json WHERE event_id = ?", event_id)
    event = json.loads(row["json"])
    return canonical_bytes(event) - canonical_bytes(event["content"])


def canonical_bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


#: What the label itself needs, and the growth of the numbers in an event (depth) between two of them.
_LABEL_BYTES = 64


@pytest.mark.parametrize(
    "unit", ["a", "\N{ANCHOR}\ufe0f", "\N{LARGE YELLOW CIRCLE}", "\N{ARABIC LETTER AIN}", "<", "\\"]
)
@pytest.mark.parametrize("formatted", [False, True])
async def test_a_body_that_fitted_is_accepted_with_a_lesser_badge(
    community: Community, unit: str, formatted: bool
) -> None:
    def content(count: int) -> Json:
        body = unit * count
        return text(body, format=HTML, formatted_body="a" * len(body)) if formatted else text(body)

    room = _LIMIT - await overhead(community, "closed")
    step = canonical_bytes(content(2)) - canonical_bytes(content(1))
    largest = (room - _LABEL_BYTES - canonical_bytes(content(0))) // step
    told = await community.told(content(largest), "closed")
    assert label_of(told) == "TLP:AMBER"
    assert told["body"].removeprefix("[TLP:AMBER] ") == unit * largest
    told = await community.told(content(largest // 2 + 50), "closed")
    assert told["body"] == "[TLP:AMBER] " + unit * (largest // 2 + 50), "there is room for the plain badge"
    told = await community.told(content(largest // 8), "closed")
    assert_badges(told)
    assert "formatted_body" in told, "there is room for the badge in colour"
    status, body = await community.put("ana", "closed", content(room // step + 1))
    assert (status, body["errcode"]) == (413, "M_TOO_LARGE")


async def test_sizes_around_the_limit_are_never_a_500(community: Community) -> None:
    room = _LIMIT - await overhead(community, "closed")
    answers = [
        (size, await assert_answered(community, text("a" * size), "closed")) for size in range(room - 260, room + 40, 6)
    ]
    accepted = [status == 200 for _, status in answers]
    assert accepted == sorted(accepted, reverse=True), f"accepted up to a size, and refused above it: {answers}"


@pytest.mark.parametrize(
    "body",
    ["", " ", "\n\n", "שלום \N{ARABIC LETTER AIN}", "\u202eright to left\u202c", "\N{WAVING HAND SIGN}" * 10_000],
    ids=["empty", "space", "lines", "right to left", "override", "10,000 emoji"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["open", "named"])
async def test_odd_bodies_are_labelled(community: Community, kind: str, body: str) -> None:
    content = await community.told(text(body), kind)
    assert label_of(content) == DEFAULTS[kind]
    assert content["body"] == f"[{label_of(content)}] {body}"
    assert_badges(content)


async def test_half_a_character_is_refused_wherever_an_event_is_made(community: Community) -> None:
    status, body = await community.put("ana", "closed", text("a\ud800"))
    assert (status, body["errcode"]) == (400, "ORG.BELISHA.MALFORMED")
    assert_sentence(body["error"])
    status, body = await community.state("ana", "closed", "m.room.topic", {"topic": "\ud800"})
    assert status == 400, body
    status, body = await community.create("ana", {"name": "\ud800"})
    assert status == 400, body
    path = f"/_matrix/client/v3/rooms/{quote(community.rooms['closed'])}/kick"
    status, body = await request(community["ana"], "POST", path, {"user_id": community.id("dina"), "reason": "\ud800"})
    assert status == 400, body


# --- Anything at all --------------------------------------------------------------------------------------------

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
)
_WORDS = st.sampled_from(
    "TLP:RED|TLP:GREEN x|[TLP:AMBER] x|TLP:PURPLE|m.replace|m.thread|$x|$|m.text|m.file|text/html|!help|mxc://a/b|"
    "* [TLP:AMBER] x|<b>TLP:RED</b>|<span data-mx-bg-color='#000000'>[TLP:CLEAR]</span>|org.matrix.custom.html".split(
        "|"
    )
)
_KEYS = st.sampled_from(
    "body msgtype format formatted_body m.relates_to m.new_content rel_type event_id url m.in_reply_to label by m.text "
    "org.belisha.tlp org.matrix.msc1767.text org.matrix.msc1767.html mimetype filename file info m.mentions m.poll "
    "question answers key iv".split()
)
_ANYTHING = st.recursive(
    _SCALARS | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS | st.text(max_size=10), inner, max_size=6),
    max_leaves=20,
)
_CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "msgtype": st.just("m.text") | st.sampled_from(["m.file", "m.notice"]) | _ANYTHING,
        "body": _WORDS | st.text(max_size=60) | _ANYTHING,
        "formatted_body": _WORDS | _ANYTHING,
        "m.relates_to": _ANYTHING,
        "m.new_content": _ANYTHING,
        LABEL_KEY: _ANYTHING | st.fixed_dictionaries({"label": _WORDS}),
        "m.text": _ANYTHING,
        "filename": _ANYTHING,
        "url": _ANYTHING,
    },
) | st.dictionaries(_KEYS, _ANYTHING, max_size=5)


@settings(max_examples=max(150, settings.default.max_examples), deadline=None, suppress_health_check=list(HealthCheck))
@given(content=_CONTENTS, kind=st.sampled_from(["open", "strict", "named"]))
async def test_any_json_is_answered(community: Community, content: Json, kind: str) -> None:
    await assert_answered(community, content, kind)


async def test_the_log_tells_of_no_failure_of_ours(community: Community) -> None:
    """Runs behind the others of this file; nothing in them may have failed quietly."""
    for file in (community.server.data / "logs").glob("*.log"):
        log = file.read_text()
        assert "Could not decide" not in log
        for traceback in re.findall(r"Traceback \(most recent call last\):\n(?:[ \t]+.*\n)+.*", log):
            assert not re.search(r"synapse_modules|/belisha/", traceback), traceback
