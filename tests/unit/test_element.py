"""Element's rendered files: each key with its reason, nothing that leads outside, and the page before one signs in."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from belisha.render import Place, render
from belisha.resources import shipped
from belisha.secrets import Secrets
from belisha.settings import Settings, load, parse
from tests.written import element_page
from tests.written.element_page import REAL, known

EXAMPLE = shipped("config", "belisha.example.yaml")
#: Element's own list (`UIFeature.ts`), which the package does not have.
FLAGS = set(
    "advancedEncryption urlPreviews widgets locationSharing voip feedback registration passwordReset deactivate"
    " shareQrCode shareSocial identityServer thirdPartyId advancedSettings roomHistorySettings"
    " timelineEnableRelativeDates allowCreatingPublicRooms allowCreatingPublicSpaces allowChatExport".split()
)


def rendered(settings: Settings, serves_element: bool = False) -> dict[str, str]:
    place = Place(Path("/srv/belisha"), 8008, 8010, 8011, serves_element=serves_element)
    return render(settings, place, Secrets(as_token="a", hs_token="h", pepper="p"))


def config(settings: Settings, serves_element: bool = False) -> dict[str, object]:
    return dict(json.loads(rendered(settings, serves_element)["element/config.json"]))


def test_the_page_has_every_key_with_its_reason() -> None:
    page = element_page.PAGE.read_text(encoding="utf-8")
    assert page == element_page.written(page), "run `make tables`"
    for settings in REAL:
        found = element_page.keys(settings)
        assert len({key.path for key in found}) == len(found) > 30, "no key twice"
        assert all(len(key.why) > 10 or key.why == "As above." for key in found)


@pytest.mark.parametrize("settings", [load(EXAMPLE), *REAL], ids=["one machine", "real", "with everything"])
def test_nothing_leads_outside(settings: Settings) -> None:
    files = rendered(settings)
    urls = re.findall(r"[a-z]+://[^\s\"'<>]+", files["element/config.json"] + files["element/belisha/welcome.html"])
    assert len(urls) >= 3
    for url in urls:
        host = urlsplit(url).hostname or ""
        assert host == "127.0.0.1" or host == "charity.uk" or host.endswith(".charity.uk"), url
    given, absent = known(settings)
    outside = {"default_is_url", "bug_report_endpoint_url", "posthog", "sentry", "map_style_url"}
    assert outside <= set(absent) and not outside & set(given)
    # Where these are left out, or Jitsi is empty, Element takes its maker's.
    assert (given["integrations_ui_url"], given["integrations_rest_url"]) == ("", "")
    assert given["jitsi"] == {"preferred_domain": "jitsi.invalid"}
    assert "m.identity_server" not in json.dumps(given)


def test_one_server_and_no_guests() -> None:
    given = config(REAL[0])
    assert given["default_server_config"] == {
        "m.homeserver": {"base_url": "https://matrix.charity.uk", "server_name": "charity.uk"}
    }
    for key in ("disable_custom_urls", "disable_guests", "disable_3pid_login"):
        assert given[key] is True, key


def test_encryption_and_calls_are_offered_where_the_settings_allow_them() -> None:
    for settings, offered in zip(REAL, (False, True), strict=True):
        given = config(settings)
        flags = given["setting_defaults"]
        assert isinstance(flags, dict)
        assert flags["UIFeature.advancedEncryption"] is flags["UIFeature.voip"] is offered
        assert given["element_call"] == {"disable": True}
        assert given["enable_client_well_known_lookups"] is True, "what forbids encryption is told there alone"
        assert {name.removeprefix("UIFeature.") for name in flags if name.startswith("UIFeature.")} <= FLAGS
    assert config(load(EXAMPLE))["enable_client_well_known_lookups"] is False, "nothing is served there"


def test_links_lead_to_the_communitys_own_element() -> None:
    assert config(REAL[0])["permalink_prefix"] == "https://chat.charity.uk"
    assert config(REAL[0])["modules"] == ["https://chat.charity.uk/belisha/tlp.js"]
    assert "modules" not in config(load(EXAMPLE)), "its address is not known"
    assert config(load(EXAMPLE), serves_element=True)["permalink_prefix"] == "http://127.0.0.1:8012"
    assert "permalink_prefix" not in config(load(EXAMPLE))


def test_the_portal_shows_itself_in_the_communitys_own_element_first() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    others = parse(text.replace("element_origins: []", "element_origins: ['https://e.uk', 'http://127.0.0.1:8012']"))

    def origins(settings: Settings, served: bool) -> object:
        return yaml.safe_load(rendered(settings, served)["bots.yaml"])["portal"]["element_origins"]

    assert origins(load(EXAMPLE), False) == []
    assert origins(load(EXAMPLE), True) == ["http://127.0.0.1:8012"]
    assert origins(others, True) == ["http://127.0.0.1:8012", "https://e.uk"]
    assert origins(REAL[0], True) == ["https://chat.charity.uk"]


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.heading = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "h1" and not self.heading:
            self.heading = data


@pytest.mark.parametrize("name", ["a < \"b\" & 'c'", "a & b", "Ünï — 🚲"])
def test_the_first_page_says_whose_it_is_and_how_to_come_in(name: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace('"Belisha community"', json.dumps(name, ensure_ascii=False))
    page = _Page(rendered(parse(text))["element/belisha/welcome.html"])
    assert page.heading == name
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "link", "form"}
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == ["#/login", "#/register", "http://127.0.0.1:8009"]
    assert config(parse(text))["brand"] == name
