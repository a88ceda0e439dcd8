"""What `belisha render --host` writes: each service has its own secrets, and the settings have to be a server's."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from belisha.cli.main import main
from belisha.host import SECRETS as OWN
from belisha.host import HostError
from belisha.settings import SettingsError
from bots.kernel.config import Config
from tests.deploy.hosted import AWAY, BACKUPS, COUNTS, REPLICAS, URLS, rendered, settings, text


def test_each_service_has_files_of_its_own_account_and_only_its_secrets() -> None:
    found = rendered()
    for path, file in found.items():
        part = path.partition("/")[0]
        is_of_the_machine = part in ("host", "well-known")
        assert file.owner == (None if is_of_the_machine else f"belisha-{part}"), path
        assert file.mode == (0o644 if is_of_the_machine else 0o600), path
        if is_of_the_machine or part == "element":
            assert not any(secret in file.text for secret in ("as-1", "hs-1", "pepper-1")), path
    for part, names in OWN.items():
        assert {path.rpartition("/")[2] for path in found if path.startswith(f"{part}/secrets/")} == set(names)
    assert "signing.key" not in OWN["bots"] and "module_api" not in OWN["bots"]


def test_each_secret_that_a_configuration_names_is_there() -> None:
    found = rendered()
    named = {path for file in found.values() for path in re.findall(r"/etc/belisha/(\w+/secrets/[\w.]+)", file.text)}
    assert named and named <= set(found)


def test_synapse_and_the_bots_use_postgresql_by_its_socket_and_believe_the_web_server() -> None:
    found = rendered()
    homeserver = yaml.safe_load(found["synapse/homeserver.yaml"].text)
    assert homeserver["database"]["name"] == "psycopg2"
    assert (
        homeserver["database"]["args"]["host"] == "/run/postgresql" and "password" not in homeserver["database"]["args"]
    )
    assert homeserver["listeners"][0]["x_forwarded"] is True
    assert homeserver["listeners"][0]["bind_addresses"] == ["127.0.0.1"]
    assert homeserver["media_store_path"] == "/var/lib/belisha/synapse/media"
    assert homeserver["signing_key_path"] == "/etc/belisha/synapse/secrets/signing.key"
    log = yaml.safe_load(found["synapse/log.yaml"].text)
    assert log["handlers"]["file"]["filename"] == "/var/log/belisha/synapse/synapse.log"
    bots = Config.model_validate(yaml.safe_load(found["bots/bots.yaml"].text))
    assert bots.database == "postgresql://belisha-bots@/belisha_bots?host=/run/postgresql"
    assert str(bots.hs_token_file) == "/etc/belisha/bots/secrets/hs_token"
    assert str(bots.ballot_keys) == "/var/lib/belisha/bots/ballot-keys"


def test_prometheus_asks_every_process_of_this_machine_alone() -> None:
    asked = yaml.safe_load(rendered(settings(*COUNTS, *REPLICAS))["host/prometheus/prometheus.yaml"].text)
    targets = {
        (job["job_name"], config["labels"]["instance"]): config["targets"][0]
        for job in asked["scrape_configs"]
        for config in job["static_configs"]
    }
    assert all(target.startswith("127.0.0.1:") for target in targets.values())
    assert len(set(targets.values())) == len(targets)
    processes = {"main", "persister1", "persister2", "media1", "client1", "client2", "sync1"}
    assert {instance for job, instance in targets if job == "synapse"} == processes
    assert {instance for job, instance in targets if job == "bots"} == {"main", "replica2", "replica3"}
    assert {"node", "prometheus"} <= {job for job, _ in targets}
    for path in asked["rule_files"]:
        assert f"host/prometheus/{path}" in rendered()


def test_each_process_of_the_bots_has_ports_and_a_log_of_its_own_and_the_rest_is_the_same() -> None:
    found = rendered(settings(*COUNTS, *REPLICAS))
    listed = [line.split() for line in found["host/replicas"].text.splitlines()]
    assert [unit for unit, _ in listed] == ["belisha-bots.service", "belisha-bots@2.service", "belisha-bots@3.service"]
    paths = ("bots/bots.yaml", "bots/replicas/2.yaml", "bots/replicas/3.yaml")
    configs = [Config.model_validate(yaml.safe_load(found[path].text)) for path in paths]
    assert [str(one.listen.port) for one in configs] == [port for _, port in listed]
    portals = [one.portal.listen.port for one in configs if one.portal]
    registration = yaml.safe_load(found["synapse/registration.yaml"].text)
    delivery = int(registration["url"].rpartition(":")[2])
    workers = [
        int(port)
        for path, file in found.items()
        if "/workers/" in path
        for port in re.findall(r"port: (\d+)", file.text)
    ]
    taken = [delivery, *portals, *(one.listen.port for one in configs), *workers, *range(8011, 8014), 8008]
    assert len(set(taken)) == len(taken) and workers
    assert len({one.log.file for one in configs}) == 3
    own = {"listen", "log", "portal"}
    assert (
        configs[0].model_dump(exclude=own) == configs[1].model_dump(exclude=own) == configs[2].model_dump(exclude=own)
    )
    alone = rendered()
    assert alone["host/replicas"].text == "belisha-bots.service 8010\n"
    assert yaml.safe_load(alone["synapse/registration.yaml"].text)["url"] == "http://127.0.0.1:8010"
    assert not [path for path in alone if "bots@" in path or "bots/replicas" in path]
    assert "belisha_bots" not in alone["host/nginx.conf"].text


def test_a_community_without_an_element_has_no_service_for_it() -> None:
    found = rendered(settings(urls={key: url for key, url in URLS.items() if key != "element"}))
    assert not [path for path in found if "element" in path]
    assert "chat.harbour.test" not in found["host/nginx.conf"].text
    assert "belisha-element" not in found["host/nftables.conf"].text


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ({"portal": URLS["portal"]}, "public_url is missing"),
        ({"": URLS[""]}, "portal.public_url is missing"),
        ({**URLS, "portal": "https://portal.harbour.test:8443"}, "without port or path"),
        ({**URLS, "": "http://127.0.0.1:8008"}, "write https:// and a name alone"),
    ],
)
def test_settings_that_are_not_a_servers_are_refused_with_the_remedy(urls: dict[str, str], said: str) -> None:
    with pytest.raises(HostError, match=said):
        rendered(settings(urls=urls))


def test_egress_is_what_the_settings_name() -> None:
    closed = rendered()
    assert "dport 53" not in closed["host/nftables.conf"].text
    for unit in ("synapse", "bots"):
        assert "IPAddressDeny=any" in closed[f"host/belisha-{unit}.service"].text
    calling = rendered(
        settings(
            ("gateways: []", "gateways: [https://push.harbour.test:8443/_matrix/push/v1/notify]"),
            ("  host: null\n", "  host: mail.harbour.test\n"),
            ("  sender: null", "  sender: bots@harbour.test"),
            ("    server: null\n", "    server: logs.harbour.test\n"),
        )
    )
    rules = calling["host/nftables.conf"].text
    assert "meta skuid belisha-synapse tcp dport { 53, 6514, 8443 } accept" in rules
    assert "meta skuid belisha-bots tcp dport { 53, 465 } accept" in rules
    for unit in ("synapse", "bots"):
        assert "IPAddressDeny" not in calling[f"host/belisha-{unit}.service"].text


def test_a_server_has_a_unit_for_backups_where_they_have_a_folder_and_a_key() -> None:
    assert "host/belisha-backup.service" not in rendered()
    unit = rendered(settings(*BACKUPS))["host/belisha-backup.service"].text
    assert "\nReadWritePaths=/mnt/backups\n" in unit and "\nRequiresMountsFor=/mnt/backups\n" in unit
    for changes, said in (
        (BACKUPS[:1], "backup.recipient is not"),
        ((("  folder: null", "  folder: backups"), BACKUPS[1]), "write its whole path"),
    ):
        with pytest.raises(HostError, match=said):
            rendered(settings(*changes))


def test_a_unit_for_backups_reaches_the_network_only_where_they_go_to_a_bucket() -> None:
    unit = rendered(settings(*AWAY))["host/belisha-backup.service"].text
    assert "s3://" not in unit and "bucket.ini" not in unit, "what it needs it reads from belisha.yaml"
    assert "PrivateNetwork" not in unit and "ReadWritePaths=/" not in unit and "RequiresMountsFor" not in unit
    assert "\nPrivateNetwork=true\n" in rendered(settings(*BACKUPS))["host/belisha-backup.service"].text
    with pytest.raises(HostError, match="s3_credentials_file is relative"):
        rendered(settings(AWAY[0], ("  s3_credentials_file: null", "  s3_credentials_file: bucket.ini"), BACKUPS[1]))


def test_a_bucket_takes_no_continuous_copies() -> None:
    with pytest.raises(SettingsError, match=r"backup.continuous_days: PostgreSQL's log is copied continuously to a fo"):
        settings(*AWAY, ("continuous_days: 0", "continuous_days: 7"))


def test_the_journal_of_revocations_can_be_written_where_the_settings_want_it() -> None:
    of = settings(("revocations: null", "revocations: /mnt/journal/revocations.jsonl"))
    assert "\nReadWritePaths=/mnt/journal\n" in rendered(of)["host/belisha-synapse.service"].text
    assert "ReadWritePaths" not in rendered()["host/belisha-synapse.service"].text


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other accounts, which only root may")
def test_the_command_writes_only_what_has_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("belisha.cli.render_host.account", lambda name: 65534 if name else 0)
    config = tmp_path / "belisha.yaml"
    lines = text()
    config.write_text(lines)
    command = ["render", str(tmp_path / "etc"), "--host", "--config", str(config)]
    assert main([*command, "--dry-run"]) == 1
    assert "has no secrets yet" in capsys.readouterr().err
    assert main(command) == 0
    first = capsys.readouterr().out.split()
    assert str(tmp_path / "etc" / "synapse" / "homeserver.yaml") in first
    secret = tmp_path / "etc" / "bots" / "secrets" / "hs_token"
    assert (secret.stat().st_uid, secret.stat().st_mode & 0o777) == (65534, 0o600)
    assert (secret.parent.stat().st_uid, secret.parent.stat().st_mode & 0o777) == (65534, 0o700)
    assert main(command) == 0
    assert capsys.readouterr().out == ""
    secret.chmod(0o644)
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.split() == [str(secret)] and secret.stat().st_mode & 0o777 == 0o644
    config.write_text(lines.replace("server_name: harbour.test", "server_name: other.test"))
    assert main(command) == 1
    assert "It can never change: write server_name: harbour.test" in capsys.readouterr().err


def test_an_account_that_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "belisha.yaml"
    config.write_text(text())
    assert main(["render", str(tmp_path / "etc"), "--host", "--config", str(config)]) == 1
    assert "This machine has no account belisha-synapse" in capsys.readouterr().err
