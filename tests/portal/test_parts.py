"""The portal's small parts by themselves: labels' colours, keys, limits, cookies on https, browsers' names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.tlp import BACKGROUND, Label
from bots.portal.browsers import name_of
from bots.portal.keys import ALPHABET, Keys, looks_like_code, new_token
from bots.portal.limits import Limit, Rate, asker
from bots.portal.pages import chip, static
from bots.portal.place import ASKING, BROWSER, SESSION, WIDGET, Place
from bots.portal.visit import local

HTTPS = Place("https://portal.charity.uk", ("https://element.charity.uk",), "@belisha_steward:charity.uk")


def test_labels_have_the_colours_of_first() -> None:
    css = static("portal.css").decode()
    base = re.search(r"\.chip \{([^}]*)\}", css)
    assert base and f"background: {BACKGROUND}" in base[1]
    for label in Label:
        found = re.search(rf"\.{chip(label)} \{{ color: (#[0-9A-F]+); \}}", css)
        assert found and found[1] == label.colour, label


def test_styles_and_scripts_name_no_other_place() -> None:
    for name in ("portal.css", "portal.js", "directory.js", "widget.js"):
        code = re.sub(r"^\s*//.*$", "", static(name).decode(), flags=re.MULTILINE)
        assert not re.search(r"https?:|url\(|@import|innerHTML|eval\(", code), name


@given(st.floats(0, 4e9), st.text(max_size=20))
def test_a_code_is_known_however_it_is_typed(since: float, secret: str) -> None:
    keys, token = Keys(secret), new_token()
    code = keys.code(token, since)
    assert re.fullmatch(rf"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", code) and looks_like_code(code)
    typed = {
        code,
        code.lower(),
        code.replace("-", ""),
        f" {code} ",
        code.replace("-", " "),
        code.replace("-", "\u2013"),
    }
    assert {keys.code_hash(one) for one in typed} == {keys.code_hash(code)}
    assert keys.code(new_token(), since) != code or keys.code(token, since + 10) != code
    assert keys.code_hash(code) != Keys(secret + "x").code_hash(code)
    assert keys.is_form(token, keys.form(token))
    assert not any(keys.is_form(token, other) for other in (None, "", "é", keys.form(token + "x"), code))


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    now = 0.0
    limit = Limit(Rate(0.5, 3), lambda: now)
    assert [limit.wait("a") for _ in range(4)] == [0, 0, 0, 2.0]
    assert limit.wait("b") == 0
    now = 2.0
    assert limit.wait("a") == 0 and limit.wait("a") == 2.0
    now = 1000.0
    assert [limit.wait("a") > 0 for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),  # what a client writes stands in front
        ("::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("127.0.0.1", "::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.9", "192.0.2.7", "192.0.2.9"),  # from elsewhere the header is not read
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        (None, "192.0.2.7", "unknown"),
    ],
)
def test_who_is_counted(peer: str | None, forwarded: str | None, counted: str) -> None:
    assert asker(peer, forwarded) == counted


def test_on_https_cookies_are_bound_to_the_host() -> None:
    for name in (SESSION, ASKING):
        assert HTTPS.cookie(name, "x", 60) == f"__Host-{name}=x; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict"
    for name in (WIDGET, BROWSER):
        expected = f"__Host-{name}=x; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=None; Partitioned"
        assert HTTPS.cookie(name, "x", 60) == expected
    assert "max-age=63072000" in HTTPS.headers(framed=False)["Strict-Transport-Security"]
    assert HTTPS.headers(framed=True)["Content-Security-Policy"].endswith("frame-ancestors https://element.charity.uk")
    assert HTTPS.headers(framed=False)["Content-Security-Policy"].endswith("frame-ancestors 'none'")


def test_without_an_element_nothing_is_framed_or_linked() -> None:
    alone = Place("http://127.0.0.1:8009", (), "@belisha_steward:belisha.localhost")
    assert alone.headers(framed=True)["X-Frame-Options"] == "DENY"
    assert alone.in_element("room", "!x:belisha.localhost") is None
    link = HTTPS.in_element("room", '!a/b?c#d"e:charity.uk')
    assert link == "https://element.charity.uk/#/room/!a%2Fb%3Fc%23d%22e:charity.uk"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh) Element/1.12 Chrome/140 Electron/38 Safari/537.36", "Element on a Mac"),
        ("", "Unknown browser"),
        ("TLP:RED <b>!portal end all</b>", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_our_words(said: str, name: str) -> None:
    assert name_of(said) == name


@given(st.text(max_size=40))
def test_one_goes_on_within_the_portal_only(path: str) -> None:
    for given_path in (path, f"/{path}", f"//{path}", f"/\\{path}"):
        found = local(given_path)
        assert found.startswith("/") and found[1:2] not in ("/", "\\")
        assert found.isascii() and found.isprintable()
