"""The rendered configuration: complete, hardened, and made of options that Synapse really has."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from belisha.render import FILES, Place, render, write
from belisha.resources import shipped
from belisha.secrets import Secrets
from belisha.settings import Settings, load, parse
from bots.kernel.config import Escalation, Mail

EXAMPLE = shipped("config", "belisha.example.yaml")
TEXT = EXAMPLE.read_text(encoding="utf-8")
PLACE = Place(Path("/srv/belisha"), 8008, 8010, 8011)
SECRETS = Secrets(as_token="as-1", hs_token="hs-1", pepper="pepper-1")


def rendered(settings: Settings | None = None, place: Place = PLACE) -> dict[str, str]:
    return render(settings or load(EXAMPLE), place, SECRETS)


def homeserver(settings: Settings | None = None) -> dict[str, Any]:
    return dict(yaml.safe_load(rendered(settings)["homeserver.yaml"]))


def test_render_is_pure_and_complete() -> None:
    assert rendered() == rendered()
    assert tuple(rendered()) == FILES


@pytest.mark.parametrize(
    ("option", "value"),
    {
        "federation_domain_whitelist": [],
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "allow_guest_access": False,
        "enable_registration": True,
        "registration_requires_token": True,
        "enable_registration_token_3pid_bypass": False,
        "require_auth_for_profile_requests": True,
        "limit_profile_requests_to_users_who_share_rooms": False,
        "include_profile_data_on_invite": True,
        "push": {"enabled": True, "include_content": False},
        "room_prejoin_state": {"disable_default_event_types": True, "additional_event_types": []},
        "url_preview_enabled": False,
        "email": {},
        "redaction_retention_period": "1h",
        "forget_rooms_on_leave": True,
        "default_room_version": "11",
        "enable_set_displayname": False,
        "enable_set_avatar_url": True,
        "enable_3pid_changes": False,
        "inhibit_user_in_use_error": True,
        "presence": {"enabled": False},
        "encryption_enabled_by_default_for_room_type": "off",
        "allow_public_rooms_without_auth": False,
        "allow_public_rooms_over_federation": False,
        "report_stats": False,
        "dynamic_thumbnails": False,
        "max_upload_size": "50M",
        "allow_per_room_profiles": False,
        "serve_server_wellknown": False,
        "enable_authenticated_media": True,
        "experimental_features": {},
        "public_baseurl": "http://127.0.0.1:8008/",
        "media_store_path": "/srv/belisha/media",
        "signing_key_path": "/srv/belisha/secrets/signing.key",
    }.items(),
)
def test_synapse_is_hardened(option: str, value: object) -> None:
    assert homeserver()[option] == value


def test_synapse_listens_to_clients_on_this_machine_only() -> None:
    listener, metrics = homeserver()["listeners"]
    assert listener["bind_addresses"] == metrics["bind_addresses"] == ["127.0.0.1"]
    assert [resource["names"] for resource in listener["resources"]] == [["client", "openid"]]
    assert (metrics["type"], metrics["port"], homeserver()["enable_metrics"]) == ("metrics", 8011, True)


def test_every_option_exists_in_the_installed_synapse() -> None:
    """A misspelt option would silently do nothing: Synapse ignores what it does not know."""
    synapse = find_spec("synapse")
    assert synapse is not None and synapse.origin is not None
    source = "".join(path.read_text() for path in (Path(synapse.origin).parent / "config").glob("*.py"))
    known = set(re.findall(r"[\"']([a-z_0-9.]+)[\"']", source))
    known |= {part for name in known for part in name.split(".")}  # rate limits are read as "rc_login.address"
    free = {"modules", "extra_well_known_client_content", "room_list_publication_rules"}
    unknown = set()
    for option, value in homeserver().items():
        unknown |= {option} - known
        if isinstance(value, dict) and option not in free:
            unknown |= set(value) - known
    assert not unknown


def test_every_departure_has_its_reason_beside_it() -> None:
    lines = shipped("config", "templates", "homeserver.yaml.j2").read_text(encoding="utf-8").splitlines()
    blocks, commented = 0, False
    for line in lines:
        if re.match(r"\s*#", line):
            commented = True
        elif not line.strip():
            commented = False
        elif re.match(r"[a-z_0-9]+:", line):
            blocks += 1
            assert commented, f"no reason above: {line}"
    assert blocks > 50


def test_the_module_gets_its_settings() -> None:
    (module,) = homeserver()["modules"]
    assert module["module"] == "synapse_modules.module.BelishaModule"
    assert module["config"] == {
        "secret_file": "/srv/belisha/secrets/module_api",
        "portal_secret_file": "/srv/belisha/secrets/portal_api",
        "audit_key_file": "/srv/belisha/secrets/audit",
        "audit_heads": "/srv/belisha/audit-heads.jsonl",
        "bots": {"steward": "belisha_steward"},
        "community_name": "Belisha community",
        "badge": "always",
        "markings": {"OFFICIAL-SENSITIVE": "TLP:AMBER", "SECRET": "refuse", "TOP SECRET": "refuse"},
        "encrypted_named_rooms": False,
        "calls": False,
        "push_gateways": [],
        "retention": {},
        "unshared_days": 7,
        "screening": {
            "clamav": None,
            "scan": "none",
            "seconds": 30,
            "known_list": None,
            "matcher": None,
            "matcher_secret_file": None,
            "matcher_seconds": 5,
        },
        "revocations": None,
        "strict_hooks": False,
        "recertification_days": 90,
        "portal_origin": "http://127.0.0.1:8009",
        "syslog": None,
        "hold_key": "",
        "sign_in": {
            "second_factor": False,
            "by_organisation": False,
            "enrol_until": None,
            "key_file": "/srv/belisha/secrets/factor",
        },
    }


def test_the_bots_are_one_exclusive_service() -> None:
    registration = yaml.safe_load(rendered()["registration.yaml"])
    assert registration["namespaces"]["users"] == [{"exclusive": True, "regex": "@belisha_.*"}]
    assert registration["namespaces"]["rooms"] == []
    assert registration["rate_limited"] is False
    assert registration["receive_ephemeral"] is True
    assert registration["sender_localpart"] == "belisha_steward"
    assert registration["url"] == "http://127.0.0.1:8010"
    assert (registration["as_token"], registration["hs_token"]) == ("as-1", "hs-1")


def test_the_bots_configuration_is_the_agreed_one() -> None:
    assert yaml.safe_load(rendered()["bots.yaml"]) == {
        "homeserver": "http://127.0.0.1:8008",
        "server_name": "belisha.localhost",
        "as_token_file": "/srv/belisha/secrets/as_token",
        "hs_token_file": "/srv/belisha/secrets/hs_token",
        "listen": {"host": "127.0.0.1", "port": 8010},
        "database": "sqlite:////srv/belisha/bots.db",
        "log": {"file": "/srv/belisha/logs/bots.log", "level": "INFO"},
        "bots": {"steward": "belisha_steward"},
        "time_zone": "Europe/London",
        "language": "en-GB",
        "markings": {"OFFICIAL-SENSITIVE": "TLP:AMBER", "SECRET": "refuse", "TOP SECRET": "refuse"},
        "rules_file": None,
        "mail": None,
        "escalation": {"minutes": 10, "mail": None, "webhook": None, "stewards": [], "manager": None},
        "portal": {
            "listen": {"host": "127.0.0.1", "port": 8009},
            "public_url": "http://127.0.0.1:8009",
            "element_origins": [],
            "secret_file": "/srv/belisha/secrets/portal_api",
            "community": "Belisha community",
            "second_factor": False,
            "by_organisation": False,
            "rc_address": {"per_second": 20, "burst_count": 300},
            "rc_member": {"per_second": 5, "burst_count": 120},
            "rc_sign_in": {"per_second": 0.1, "burst_count": 60},
        },
        "ballot_keys": "/srv/belisha/ballot-keys",
        "metrics_key_file": "/srv/belisha/secrets/metrics",
        "metrics_journeys": False,
        "metrics_pulse": True,
    }


def test_who_looks_at_uploads_is_handed_to_the_module() -> None:
    def module(text: str) -> dict[str, Any]:
        return dict(homeserver(parse(text))["modules"][0]["config"]["screening"])

    text = TEXT.replace("  scan: none", "  scan: best_effort").replace("  clamav: null", "  clamav: /run/clamd.ctl")
    text = text.replace("    list: null", "    list: known.txt").replace("matcher: null", "matcher: https://m.uk/q")
    text = text.replace("matcher_secret_file: null", "matcher_secret_file: /etc/m").replace(
        "scan_seconds: 30", "scan_seconds: 60"
    )
    assert module(text) == {
        "clamav": "/run/clamd.ctl",
        "scan": "best_effort",
        "seconds": 60,
        "known_list": "/srv/belisha/known.txt",
        "matcher": "https://m.uk/q",
        "matcher_secret_file": "/etc/m",
        "matcher_seconds": 5,
    }


def test_the_collector_of_the_audit_log_is_handed_to_the_module() -> None:
    text = TEXT.replace("    server: null", "    server: logs.charity.uk").replace("    ca: null", "    ca: ca.pem")
    text = text.replace("    certificate: null", "    certificate: /etc/c.pem").replace(
        "    key: null", "    key: k.pem"
    )
    config = yaml.safe_load(rendered(parse(text))["homeserver.yaml"])["modules"][0]["config"]
    assert config["syslog"] == {
        "server": "logs.charity.uk",
        "port": 6514,
        "ca": "/srv/belisha/ca.pem",
        "certificate": "/etc/c.pem",
        "key": "/srv/belisha/k.pem",
    }


def test_whom_to_tell_of_a_waiting_report_is_handed_to_the_bots() -> None:
    text = TEXT.replace("  host: null", "  host: mail.charity.uk").replace("  sender: null", "  sender: b@charity.uk")
    text = text.replace("  webhook: null", "  webhook: https://pager.charity.uk/x").replace("minutes: 10", "minutes: 5")
    text = text.replace("  webhook_secret_file: null", "  webhook_secret_file: secrets/pager")
    text = text.replace("  stewards: []", "  stewards: [s@charity.uk, t@charity.uk]")
    told = Escalation.model_validate(yaml.safe_load(rendered(parse(text))["bots.yaml"])["escalation"])
    assert told.webhook is not None and told.webhook.url == "https://pager.charity.uk/x"
    assert told.webhook.secret_file == Path("/srv/belisha/secrets/pager")
    assert (told.minutes, told.mail, told.stewards) == (5, None, ("s@charity.uk", "t@charity.uk"))


@pytest.mark.parametrize(
    ("path", "file"), [("rules.txt", "/srv/belisha/rules.txt"), ("/etc/rules.txt", "/etc/rules.txt")]
)
def test_the_rules_lie_in_the_data_folder_or_where_they_are_said_to(path: str, file: str) -> None:
    text = TEXT.replace("  rules: null", f"  rules: {path}")
    assert yaml.safe_load(rendered(parse(text))["bots.yaml"])["rules_file"] == file


def test_the_mail_server_is_handed_to_the_bots() -> None:
    text = TEXT.replace("  host: null", "  host: mail.charity.uk").replace("  sender: null", "  sender: b@charity.uk")
    text = text.replace("  password_file: null", "  password_file: secrets/mail")
    mail = yaml.safe_load(rendered(parse(text))["bots.yaml"])["mail"]
    assert Mail.model_validate(mail).password_file == Path("/srv/belisha/secrets/mail")
    assert (mail["host"], mail["port"], mail["tls"], mail["sender"]) == (
        "mail.charity.uk",
        465,
        "tls",
        "b@charity.uk",
    )


def test_secrets_stand_only_where_they_must() -> None:
    holding = {path for path, text in rendered().items() if re.search("as-1|hs-1|pepper-1", text)}
    assert holding == {"homeserver.yaml", "registration.yaml"}
    assert "as-1" not in repr(SECRETS)


@pytest.mark.parametrize("encrypted", [False, True])
def test_element_makes_no_encrypted_rooms_unless_named_ones_may_be(encrypted: bool) -> None:
    text = TEXT.replace("encrypted_named_rooms: false", f"encrypted_named_rooms: {str(encrypted).lower()}")
    client = json.loads(rendered(parse(text))["well-known/client"])
    expected = {"default": False} if encrypted else {"default": False, "force_disable": True}
    assert client["io.element.e2ee"] == expected
    assert homeserver(parse(text))["extra_well_known_client_content"]["io.element.e2ee"] == expected


def test_element_asks_nobody_else_how_callers_reach_each_other() -> None:
    """Its own way out is a server of matrix.org, and `.well-known` the only place that shuts it."""
    for told in (json.loads(rendered()["well-known/client"]), homeserver()["extra_well_known_client_content"]):
        assert told["io.element.voip"] == {"disable_fallback_ice": True}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://matrix.charity.uk", "matrix.charity.uk:443"),
        ("https://matrix.charity.uk:8448", "matrix.charity.uk:8448"),
    ],
)
def test_well_known_of_a_real_community(url: str, host: str) -> None:
    text = TEXT.replace("server_name: belisha.localhost", "server_name: charity.uk")
    files = rendered(parse(text.replace("\npublic_url: null", f"\npublic_url: {url}")))
    assert json.loads(files["well-known/client"])["m.homeserver"] == {"base_url": url}
    assert json.loads(files["well-known/server"]) == {"m.server": host}
    assert yaml.safe_load(files["homeserver.yaml"])["public_baseurl"] == f"{url}/"


@pytest.mark.parametrize("name", ['a "b" {{ c }} #d: e', "Ünï — 🚲", "%(asctime)s", "yes", "{% raw %}", "a\\nb"])
def test_no_name_can_leave_its_place(name: str, tmp_path: Path) -> None:
    text = TEXT.replace('"Belisha community"', json.dumps(name, ensure_ascii=False))
    place = Place(tmp_path / 'o\'dd "dir" #1', 8008, 8010, 8011)
    files = render(parse(text), place, SECRETS)
    for path in FILES:
        assert path.endswith((".html", ".js")) or yaml.safe_load(files[path])
    server = yaml.safe_load(files["homeserver.yaml"])
    assert server["modules"][0]["config"]["community_name"] == name
    assert server["media_store_path"] == str(place.data_dir / "media")
    assert yaml.safe_load(files["bots.yaml"])["database"] == f"sqlite:///{place.data_dir / 'bots.db'}"


def test_debug_never_logs_texts_or_tokens() -> None:
    logs = yaml.safe_load(rendered(parse(TEXT.replace("level: INFO", "level: DEBUG")))["log.yaml"])
    assert logs["root"]["level"] == "DEBUG"
    for logger in ("synapse.storage.SQL", "synapse.appservice", "synapse.http.client"):
        assert logs["loggers"][logger]["level"] == "INFO"


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_the_reasons_of_refusals_are_not_logged(level: str) -> None:
    """Synapse writes them at INFO, and “TLP:PURPLE,and-more” is quoted in one."""
    logs = yaml.safe_load(rendered(parse(TEXT.replace("level: INFO", f"level: {level}")))["log.yaml"])
    assert logs["loggers"]["synapse.http.server"]["level"] == "WARNING"
    assert logs["loggers"]["synapse.handlers.search"]["level"] == "WARNING", "what members look for"


def test_write_is_private_and_leaves_what_is_right_alone(tmp_path: Path) -> None:
    paths = write(rendered(), tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in paths] == list(FILES)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in paths)
    before = paths[0].stat().st_ino
    write(rendered(), tmp_path)
    assert paths[0].stat().st_ino == before
    paths[0].write_text("changed by hand", encoding="utf-8")
    write(rendered(), tmp_path)
    assert paths[0].read_text(encoding="utf-8") == rendered()["homeserver.yaml"]
