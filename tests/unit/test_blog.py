"""What counts as a post, what is read in it, and what a page may show of it, however it was written."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.blog.article import LONGEST_TITLE, article_of, is_answer, may_be_post, opening, shown
from belisha.blog.difference import compared
from belisha.tags import MOST_TAGS
from belisha.tlp import Label, badge, html_badge

Json = dict[str, Any]


def plain(body: str) -> Json:
    return {"msgtype": "m.text", "body": body}


def formatted(html: str, body: str = "x") -> Json:
    return {"msgtype": "m.text", "body": body, "format": "org.matrix.custom.html", "formatted_body": html}


def served(body: str, label: Label = Label.AMBER) -> Json:
    """A text as the server stores it: with the badge, in colour too."""
    escaped = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    return formatted(html_badge(label) + escaped, badge(label) + body)


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (plain("# Tides"), "Tides"),
        (plain("### Tides ###\ntext"), "Tides"),
        (plain("Tides\n=====\ntext"), "Tides"),
        (served("# Tides & <b>\n\ntext"), "Tides & <b>"),
        (plain("[TLP:GREEN] # Tides"), "Tides"),
        (plain("TLP:AMBER\n\n# Tides"), "Tides"),
        (plain("[TLP:GREEN] TLP:AMBER+STRICT\n# Tides"), "Tides"),
        (formatted("<h1>Ti<b>d</b>es</h1><p>x</p>"), "Tides"),
        (formatted(html_badge(Label.GREEN) + "<h2>Tides</h2>x"), "Tides"),
        (formatted("<p>TLP:GREEN</p><h1>Tides</h1>"), "Tides"),
        (formatted("<h1>Tides</h1>", "# something else"), "Tides"),
        (plain("# " + "x" * 3000), "x" * LONGEST_TITLE),
        (plain("# \u202eTides\u2066 \u200b"), "Tides"),
        (plain("Tides"), None),
        (plain("#Tides"), None),
        (plain("Well\n\n# Tides"), None),
        (plain("# \u200b"), None),
        (plain("TLP:AMBER and more\n\n# Tides"), None),
        (formatted("<p>Well</p><h1>Tides</h1>"), None),
        (formatted("<img src='mxc://x/y'><h1>Tides</h1>"), None),
        (formatted("<p>no</p>", "# Tides"), None),
        ({"msgtype": "m.notice", "body": "# Tides"}, None),
        ({"msgtype": "m.text", "body": 7}, None),
        ({}, None),
    ],
)
def test_a_post_begins_with_a_heading(content: Json, title: str | None) -> None:
    found = article_of(content)
    assert (None if found is None else found.title) == title
    assert title is None or may_be_post(content), "what is asked first misses none"


@pytest.mark.parametrize(
    ("relation", "answers"),
    [
        ({"rel_type": "m.thread", "event_id": "$x"}, True),
        ({"rel_type": "m.replace", "event_id": "$x"}, True),
        ({"m.in_reply_to": {"event_id": "$x"}}, True),
        ({}, False),
        ("?", False),
    ],
)
def test_what_belongs_to_another_message_is_no_post(relation: object, answers: bool) -> None:
    assert is_answer({**plain("# Tides"), "m.relates_to": relation}) is answers


def test_tags_are_words_of_the_text_and_neither_code_nor_addresses() -> None:
    found = article_of(
        plain(
            "# Tides #title\n\n#One, (#two-three) `#code` https://x.example/#frag #room:server.example #42 a#b"
            "\n\n    #include\n\n#ONE #Über [#link](https://x.example) &#35;"
        )
    )
    assert found is not None and found.tags == ("One", "two-three", "Über")
    many = article_of(plain("# Tides\n\n" + " ".join(f"#t{number}" for number in range(10_000))))
    assert many is not None and len(many.tags) == MOST_TAGS


def test_a_page_has_headings_in_order_and_nothing_from_outside() -> None:
    found = article_of(
        plain("# T\n\n# A\n\n##### B\n\n![one](mxc://here/1) ![two](https://evil.example/2) ![](mxc://here/3)"),
        lambda address: f"/pictures/{address[-1]}" if address.startswith("mxc://here/") else None,
    )
    assert found is not None
    assert re.findall(r"<h(\d)", found.html) == ["2", "3"], "below the page's own, and none is left out"
    assert '<img src="/pictures/1" alt="one" loading="lazy">' in found.html
    assert "[two]" in found.html and "evil.example" not in found.html
    assert 'src="/pictures/3" alt="A picture without a description"' in found.html


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<a href='jAvAsCrIpT:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<img src='mxc://here/1' alt='\"><script>alert(1)</script>'>",
    "<p style='background:url(//evil)'>x</p><form action=/sign-out><input name=form>",
    "<h1 id=content>x</h1><base href='//evil/'><meta http-equiv=refresh content='0;//evil'>",
    "<details open ontoggle=alert(1)>x</details>",
    "<code class='language-x\" onclick=alert(1)'>x</code>",
    "</div></main></body><iframe src='//evil'></iframe>",
    "<span class='chip chip-red'>TLP:RED</span>",
    "<a><b>" * 400,
    "<blockquote>" * 3000 + "deep",
    "<h1>a<b><h1>c</h1></b></h1></h1>",
]
_TAGS = set(
    "h2 h3 h4 h5 h6 p blockquote ul ol li hr br div table thead tbody tr th td caption pre details summary".split()
)
_TAGS |= set("del a sup sub b i u strong em s strike code span img".split())
_ATTRIBUTES = {"href", "target", "rel", "src", "alt", "title", "loading", "start", "class"}


class _Checked(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, tag
        for name, value in attrs:
            assert name in _ATTRIBUTES, name
            if name == "src":
                assert (value or "").startswith("/pictures/")
            if name == "href":
                assert re.match(r"(?:https?|mailto|matrix):", value or ""), value
            if name == "class":
                assert value == "no-picture" or re.fullmatch(r"language-[\w+#.-]+", value or ""), value


def assert_harmless(html: str) -> None:
    checked = _Checked()
    checked.feed(html)
    checked.close()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_markup_is_taken_out_of_posts_and_comments(hostile: str) -> None:
    found = article_of(formatted(f"<h1>T</h1>{hostile}<p>end</p>"), lambda _address: "/pictures/1")
    assert found is None or found.title == "T"
    if found is not None:
        assert_harmless(found.html)
    assert_harmless(shown(formatted(hostile), lambda _address: "/pictures/1").html)
    assert_harmless(shown(plain(hostile), lambda _address: "/pictures/1").html)
    written = article_of(plain(f"# T\n\n{hostile}"), lambda _address: "/pictures/1")
    assert written is not None
    assert_harmless(written.html)


@given(st.text(st.sampled_from("<>/\"'=&;#[]()!*_`~-:\n ah1impg"), max_size=120))
def test_no_text_at_all_makes_a_page_load_or_run_anything(text: str) -> None:
    for content in (formatted(f"<h1>T</h1>{text}"), plain(f"# T\n\n{text}"), formatted(text), plain(text)):
        found = article_of(content, lambda _address: "/pictures/1")
        if found is not None:
            assert_harmless(found.html)
        assert_harmless(shown(content, lambda _address: "/pictures/1").html)


def test_a_post_as_long_as_an_event_may_be_is_read() -> None:
    for text in ("word " * 12_000, "*" * 60_000, "[" * 60_000, "> " * 30_000, "- a\n" * 15_000, "#t " * 20_000):
        found = article_of(plain(f"# T\n\n{text}"))
        assert found is not None and found.title == "T" and len(found.excerpt) <= 300


def test_a_difference_shows_lines_and_in_them_words() -> None:
    lines = compared("one\ntwo three four\nfive\nsix\nseven\neight", "one\ntwo 3 four\nfive\nsix\nseven\neight\nnine")
    told = [(line.sort, [(piece.sort, piece.text) for piece in line.pieces]) for line in lines]
    assert told == [
        ("same", [("same", "one")]),
        ("gone", [("same", "two"), ("gone", "three"), ("same", "four")]),
        ("new", [("same", "two"), ("new", "3"), ("same", "four")]),
        ("same", [("same", "five")]),
        ("same", [("same", "six")]),
        ("same", [("same", "seven")]),
        ("same", [("same", "eight")]),
        ("new", [("new", "nine")]),
    ]
    assert compared("a\nb", "a\nb") == () or all(line.sort == "skip" for line in compared("a\nb", "a\nb"))
    far = compared("\n".join(map(str, range(100))), "\n".join(map(str, [*range(100), "x"])))
    assert [line.sort for line in far] == ["skip", "same", "same", "new"]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_a_difference_says_how_the_one_became_the_other(old: list[str], new: list[str]) -> None:
    lines = compared("\n".join(old), "\n".join(new))
    gone, came = (
        Counter(" ".join(piece.text for piece in line.pieces) for line in lines if line.sort == sort)
        for sort in ("gone", "new")
    )
    assert Counter(old) + came == Counter(new) + gone


def test_two_texts_that_have_nothing_in_common_are_compared_at_once() -> None:
    old, new = (" \n".join(f"{side} {number % 7}" for number in range(30_000)) for side in ("a", "b"))
    assert sum(line.sort == "new" for line in compared(old, new)) == 30_000


def shared(name: str, caption: str | None = None, **more: Any) -> Json:
    """A file as the server stores it: its name apart from its caption, which has the badge."""
    body = f"[TLP:GREEN] {name if caption is None else caption}"
    return {"msgtype": "m.file", "body": body, "filename": name, "url": "mxc://here/abc", **more}


@pytest.mark.parametrize(
    ("content", "title", "text"),
    [
        (shared("tide_tables.md"), "tide tables", ""),
        (shared("Tides.MARKDOWN"), "Tides", ""),
        (shared("tides.md", "# The tides\n\nof a year"), "The tides", "of a year"),
        (shared("tides.md", "of a year"), "tides", "of a year"),
        (shared(".md"), ".md", ""),
        (shared("tides.pdf", "# The tides"), None, ""),
        (shared("tides.md", msgtype="m.image"), None, ""),
        (shared("tides.md", url="https://evil.example/tides.md"), None, ""),
        (shared("tides.md", url=7), None, ""),
    ],
)
def test_a_markdown_file_is_a_post_called_by_its_caption_or_its_name(
    content: Json, title: str | None, text: str
) -> None:
    found = article_of(content)
    assert may_be_post(content) is (found is not None)
    assert (None, "") if found is None else (found.title, found.text) == (title, text)
    assert (found is None) is (title is None)
    assert found is None or found.attachment == "mxc://here/abc"


@pytest.mark.parametrize("make", [plain, served, lambda body: formatted(f"<h1>T</h1><p>{'x' * 9000}</p>", body)])
def test_the_beginning_of_a_post_is_enough_to_know_it(make: Any) -> None:
    whole = make("# T\n\n" + "a\n" * 30_000)
    cut = opening(whole)
    found, all_of_it = article_of(cut), article_of(whole)
    assert found is not None and all_of_it is not None and found.title == all_of_it.title == "T"
    assert found.excerpt == all_of_it.excerpt and len(found.text) <= 4000
