"""belisha.yaml: what is accepted, and what is refused with which line and remedy."""

import re
from pathlib import Path

import pytest

from belisha.resources import shipped
from belisha.settings import LABEL_CHOICES, Settings, SettingsError, all_keys, load, parse
from belisha.tlp import Label

EXAMPLE = shipped("config", "belisha.example.yaml")
TEXT = EXAMPLE.read_text(encoding="utf-8")
LEVEL = TEXT[: TEXT.index("level: INFO")].count("\n") + 1  # the line on which it stands


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def refused(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def test_the_example_loads_as_it_is() -> None:
    settings = load(EXAMPLE)
    assert settings.server_name == "belisha.localhost"
    assert settings.public_url is None
    assert settings.community.host.category == "charity"
    assert dict(settings.labels.markings) == {
        "OFFICIAL-SENSITIVE": "TLP:AMBER",
        "SECRET": "refuse",
        "TOP SECRET": "refuse",
    }
    assert settings.files.max_upload_size == "50M"


def test_settings_cannot_be_changed() -> None:
    settings = load(EXAMPLE)
    with pytest.raises(ValueError, match="frozen"):
        settings.server_name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.labels.markings["X"] = "refuse"  # type: ignore[index]


def test_every_optional_section_may_be_left_out() -> None:
    short = TEXT[: TEXT.index("# How Traffic Light")]
    full = TEXT.replace('"OFFICIAL-SENSITIVE": "TLP:AMBER"', "").replace('"SECRET": refuse', "")
    assert parse(short).rooms == load(EXAMPLE).rooms
    assert parse(short).labels.badge == parse(full.replace('"TOP SECRET": refuse', "{}")).labels.badge


@pytest.mark.parametrize("key", all_keys())
def test_every_key_stands_in_the_example_with_a_comment(key: str) -> None:
    depth, name = key.count("."), key.rpartition(".")[2]
    lines = TEXT.splitlines()
    found = [number for number, line in enumerate(lines) if re.match(rf"{'  ' * depth}{name}:", line)]
    assert found, f"{key} is missing in the example"
    assert any(lines[number - 1].lstrip().startswith("#") for number in found), f"{key} has no comment"


def test_the_labels_are_those_of_the_core() -> None:
    assert [*map(str, sorted(Label)), "refuse"] == list(LABEL_CHOICES)


CASES = {
    "an Alertmanager without its port": (
        "alertmanager: null",
        "alertmanager: http://127.0.0.1:9093",
        "watching.alertmanager: 'http://127.0.0.1:9093' is no host with a port; write both",
    ),
    "a collector with more than its name": (
        "    server: null",
        "    server: logs.harbour.uk/x",
        "audit.syslog.server: 'logs.harbour.uk/x' is no server's name; write it without a port, such as logs.",
    ),
    "an authority for no collector": (
        "    ca: null",
        "    ca: collector.pem",
        "audit.syslog.ca: there is no collector for which this would be; fill in audit.syslog.server, or write null",
    ),
    "a key without its certificate": (
        "    key: null",
        "    key: here.pem",
        "audit.syslog.key: the key is of no use without the certificate; fill in audit.syslog.certificate, or write",
    ),
    "unknown key": (
        "badge: always",
        "badgge: always",
        "line 42: labels.badgge: Belisha knows no such key; write badge if that is meant, or remove the line.",
    ),
    "key in another section": (
        "calls: false",
        "max_upload_size: 3M",
        "line 56: rooms.max_upload_size: Belisha knows no such key; move it to files.max_upload_size.",
    ),
    "key like no other": (
        "calls: false",
        "zzz: 3",
        "rooms.zzz: Belisha knows no such key; remove it, or use one of: encrypted_named_rooms, calls.",
    ),
    "missing key": ("    category: charity\n", "", "line 23: community.host.category: this key is missing"),
    "placeholder": ("id: host", "id: CHANGE_ME", "line 25: community.host.id: 'CHANGE_ME' is a placeholder"),
    "example domain": ("belisha.localhost\n", "chat.example.org\n", "line 7: server_name: 'chat.example.org' is a pl"),
    "example URL": ("public_url: null", "public_url: https://example.com", "is a placeholder"),
    "angle brackets": ('"Community host"', '"<your name>"', "is a placeholder"),
    "contradiction": (
        "public_url: null",
        "public_url: https://chat.belisha.community",
        "line 7: server_name: 'belisha.localhost' means this machine only",
    ),
    "two like markings": ('"SECRET": refuse', '"top-secret": refuse', "'TOP SECRET' and 'top-secret' read alike"),
    "marking of a label": ('"SECRET": refuse', '"TLP:RED": refuse', "'TLP:RED' is a TLP label itself"),
    "no such label": ('"SECRET": refuse', '"SECRET": TLP:PURPLE', "line 47: labels.markings.SECRET: 'TLP:PURPLE'"),
    "key twice": ("labels:", "labels: {}\nlabels:", "line 40: labels stands here a second time (first on line 39)"),
    "choice": ("charity\n", "party\n", "'party' is not one of the choices; write 'government', 'academia', 'ind"),
    "truth": ("calls: false", "calls: 'no'", "line 56: rooms.calls: 'no' is neither true nor false; write true or"),
    "number for text": ('name: "Belisha community"', "name: 7", "line 16: community.name: 7 is not text; put it in"),
    "no section": ("files:\n", "files: big\nfiles_:\n", "files: this must hold keys of its own"),
    "size": ("50M\n", "50MB\n", "line 61: files.max_upload_size: '50MB' is no size; write a number with K, M or G"),
    "huge size": ("50M\n", "50G\n", "50G is out of range; write a size from 64K to 4G."),
    "time zone": ("Europe/London", "Europe/Lodnon", "is no time zone; write Europe/London if that is meant."),
    "bot's name": ("localpart: manager", "localpart: belisha_x", "names that begin with belisha_ belong to the bots"),
    "server's voice": ("localpart: manager", "localpart: admin", "would pass for the server's own voice"),
    "upper case": ("localpart: manager", "localpart: Manager", "'Manager' is no account name"),
    "URL as name": ("belisha.localhost\n", "https://chat.belisha.uk\n", "write the bare name"),
    "odd server name": ("belisha.localhost\n", "Chat_1\n", "'Chat_1' is no Matrix server name"),
    "plain http": ("public_url: null", "public_url: http://chat.belisha.uk", "http:// would send passwords in clear"),
    "path": ("public_url: null", "public_url: https://chat.belisha.uk/x", "write https://chat.belisha.uk."),
    "invisible": ('"Community host"', '"Community\u202ehost"', "holds an invisible character (U+202E)"),
    "label in a name": ('"Community host"', '"Host TLP:RED"', "a name carries no TLP label"),
    "no list of gateways": (
        "gateways: []",
        "gateways: https://matrix.org/_matrix/push/v1/notify",
        "is not a list; write [] for none",
    ),
    "gateway without its path": (
        "gateways: []",
        "gateways: ['https://matrix.org']",
        "push.gateways.0: 'https://matrix.org' is no push gateway; write its whole address, ending in",
    ),
    "gateway in clear": (
        "gateways: []",
        "gateways: ['http://push.charity.uk/_matrix/push/v1/notify']",
        "use https:// for any other machine",
    ),
    "mail from nobody": ("  host: null\n", "  host: mail.charity.uk\n", "mail.sender: mail needs an address"),
    "mail for nobody": ("  ceiling: TLP:GREEN", "  ceiling: TLP:CLEAR", "mail.ceiling: 'TLP:CLEAR' is not one of"),
    "mail for everything": ("  ceiling: TLP:GREEN", "  ceiling: TLP:RED", "mail.ceiling: 'TLP:RED' is not one of"),
    "duty without mail": ("  mail: null\n", "  mail: duty@charity.uk\n", "escalation: nobody can be mailed"),
    "steward without mail": ("stewards: []", "stewards: [s@charity.uk]", "escalation: nobody can be mailed"),
    "pager in clear": ("webhook: null", "webhook: http://pager.charity.uk/x", "http:// would show everybody"),
    "pager with a password": ("webhook: null", "webhook: https://a:b@pager.charity.uk/x", "this is no web address"),
    "signing nothing": (
        "webhook_secret_file: null",
        "webhook_secret_file: secrets/x",
        "there is no webhook whose calls",
    ),
    "no time to look": ("minutes: 10", "minutes: 0", "escalation.minutes"),
    "no address": ("  manager: null", "  manager: 'M m@charity.uk'", "is no mail address; write it bare"),
    "element in clear": ("element_origins: []", "element_origins: ['http://e.charity.uk']", "use https://"),
    "element with a path": ("element_origins: []", "element_origins: ['https://e.charity.uk/x']", "write https://e."),
    "element as a host": ("element_origins: []", "element_origins: ['https://E; script-src *']", "is no origin"),
    "element without a server": (
        "none.\n  public_url: null",
        "none.\n  public_url: https://chat.charity.uk",
        "element.public_url: browsers elsewhere would load Element and find no homeserver",
    ),
    "policy in clear": ("policies: {}", "policies: {'Privacy': 'http://charity.uk/p'}", "lets anybody on the way"),
    "policy that is a script": ("policies: {}", "policies: {'Privacy': 'javascript:x'}", "is no page's address"),
    "policy out of its place": ("policies: {}", "policies: {'Privacy': 'https://c.uk/\">x'}", "is no page's address"),
    "indentation": ("level: INFO", "level: INFO\n three: 3", f"line {LEVEL + 1}: this is not YAML"),
    "alias": ("calls: false", "calls: *other", "line 56: *other is a YAML alias; write the value out instead."),
    "number as key": ("calls: false", "7: false", "line 56: this key is not text; put the key in quotation marks."),
    "no label": ("items: {}", "items: {'TLP:PURPLE': 3}", "is not one of the choices"),
    "no days": ("items: {}", "items: {'TLP:RED': 0}", "write 1 to 36500"),
    "scanner elsewhere": (
        "  clamav: null",
        "  clamav: 10.0.0.5:3310",
        "members' files would cross the network in clear",
    ),
    "scanner that is nowhere": ("  clamav: null", "  clamav: clamd", "files.clamav: 'clamd' cannot be used"),
    "scan without a scanner": (
        "  scan: none",
        "  scan: required",
        "files.scan: there is no scanner that could be asked",
    ),
    "scanner without a scan": (
        "  clamav: null",
        "  clamav: /run/clamd",
        "files.clamav: this scanner would never be asked",
    ),
    "scan as a truth": ("  scan: none", "  scan: true", "is not one of the choices; write 'none', 'best_effort' or"),
    "no patience": ("  scan_seconds: 30", "  scan_seconds: 0", "is no time that people wait; write 1 to 300 seconds"),
    "matcher in clear": ("    matcher: null", "    matcher: http://m.charity.uk/x", "what is uploaded; use https://"),
    "matcher with a password": ("    matcher: null", "    matcher: https://a:b@m.charity.uk", "is no web address"),
    "matcher without an address": ("    matcher: null", "    matcher: matcher", "'matcher' is no web address"),
    "secret for nobody": (
        "    matcher_secret_file: null",
        "    matcher_secret_file: secrets/x",
        "there is no matcher that this would be shown to",
    ),
    "list that is a folder": ("    list: null", "    list: known/", "is no path of a file"),
    "no file": ("revocations: null", "revocations: /mnt/", "is no path of a file"),
    "bad date": ("calls: false", "calls: 2000-99-99", "line 56: this value cannot be read"),
}


def test_mail_crosses_no_network_in_clear() -> None:
    text = TEXT.replace("  host: null", "  host: mail.charity.uk").replace("  sender: null", "  sender: b@charity.uk")
    assert parse(text).mail.host == "mail.charity.uk"
    assert "mail.tls: mail to mail.charity.uk would cross" in str(refused(text.replace("  tls: tls", "  tls: none")))
    assert parse(text.replace("  tls: tls", "  tls: none").replace("mail.charity.uk", "127.0.0.1")).mail.tls == "none"


@pytest.mark.parametrize("other", ["\npublic_url: null", "  element_origins: []"])
def test_the_portal_shares_its_origin_with_nothing(other: str) -> None:
    """A page of another program there could read and send what the portal's own pages may."""
    text = TEXT.replace("  public_url: null", "  public_url: http://127.0.0.1:9000", 1)
    same = other.replace("null", "http://127.0.0.1:9000/").replace("[]", "['http://127.0.0.1:9000']")
    assert "portal.public_url: the portal would share its origin" in str(refused(text.replace(other, same)))
    assert parse(text).portal.public_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize("other", ["\npublic_url: null", "  public_url: null"])
def test_element_shares_its_origin_with_nothing(other: str) -> None:
    """Element keeps its members' tokens in its origin's storage, where any page of that origin reads them."""
    before, section, after = TEXT.partition("\nelement:\n")
    text = before + section + after.replace("public_url: null", "public_url: http://127.0.0.1:9000", 1)
    assert parse(text).element.public_url == "http://127.0.0.1:9000"
    same = text.replace(other, other.replace("null", "http://127.0.0.1:9000/"), 1)
    assert "element.public_url: Element would share its origin" in str(refused(same))


@pytest.mark.parametrize(("old", "new", "said"), CASES.values(), ids=CASES)
def test_a_mistake_is_refused_with_its_line_and_remedy(old: str, new: str, said: str) -> None:
    problems = refused(changed(old, new) if TEXT.count(old) == 1 else TEXT.replace(old, new, 1))
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize("text", ["", "[]", "7", "a: [", "\x00", "- *a", "---\na: 1\n---\nb: 2\n", "{{ x }}: 1"])
def test_what_is_no_settings_file_is_refused_and_never_crashes(text: str) -> None:
    assert refused(text)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = changed("badge: always", "badge: never_").replace("calls: false", "calls: 3").replace("id: host", "id: H")
    lines = [int(re.match(r"line (\d+)", problem)[1]) for problem in refused(text)]  # type: ignore[index]
    assert lines == sorted(lines)
    assert len(lines) == 3


GOOD = [
    ("belisha.localhost\n", "belisha.localhost:8448\n"),
    ("\npublic_url: null", "\npublic_url: http://127.0.0.1:9000/"),
    ("be https.\n  public_url: null", "be https.\n  public_url: https://portal.charity.uk"),
    ("none.\n  public_url: null", "none.\n  public_url: http://127.0.0.1:9001"),
    ("policies: {}", 'policies: {"Privacy": "https://charity.uk/privacy?x=1#a", "Rules": "http://localhost/r"}'),
    ("theme: light", "theme: dark"),
    ("element_origins: []", "element_origins: ['https://element.charity.uk', 'http://localhost:8080']"),
    ('"Community host"', '"Hôpital Saint-Éloi (Équipe 2)"'),
    ("Europe/London", "America/Argentina/Ushuaia"),
    ("alertmanager: null", "alertmanager: watch.charity.uk:9093"),
    ("50M\n", "1048576\n"),
    ('"SECRET": refuse', '"SECRET": TLP:AMBER+STRICT'),
]


@pytest.mark.parametrize(("old", "new"), GOOD, ids=[new for _, new in GOOD])
def test_other_good_values(old: str, new: str) -> None:
    assert isinstance(parse(changed(old, new)), Settings)


def test_a_real_community() -> None:
    text = changed("belisha.localhost\n", "sharing.charity.uk\n")
    settings = parse(text.replace("\npublic_url: null", "\npublic_url: https://matrix.sharing.charity.uk/"))
    assert settings.public_url == "https://matrix.sharing.charity.uk"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: caf\u00e9".encode("latin-1"))
    with pytest.raises(SettingsError, match="not UTF-8"):
        load(tmp_path / "latin.yaml")
