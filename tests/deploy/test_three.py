"""Three servers, as far as one machine can tell: who listens where, and whom each lets in."""

from __future__ import annotations

import configparser
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from belisha.cli import trial_cluster
from belisha.cli.errors import CommandError
from belisha.host import Folders
from tests.deploy.hosted import COUNTS, rendered, settings
from tests.deploy.test_playbook import ANSIBLE
from tests.deploy.three import ADDRESSES, PARTS, ROLE, defaults, template


@pytest.fixture(scope="module")
def ports() -> list[str]:
    return rendered(settings(*COUNTS))["host/ports"].text.split()


def test_every_port_that_nginx_and_prometheus_ask_has_a_way_to_the_application(ports: list[str]) -> None:
    found = rendered(settings(*COUNTS))
    asked = set(re.findall(r"server 127\.0\.0\.1:(\d+)", found["host/nginx.conf"].text))
    watched = set(re.findall(r'"127\.0\.0\.1:(\d+)"', found["host/prometheus/prometheus.yaml"].text))
    assert asked | watched - {"8013"} == set(ports), "8013 is Prometheus itself"
    replication = {
        str(port)
        for path, file in found.items()
        if re.fullmatch(r"synapse/workers/\w+\.yaml", path)
        for port in [yaml.safe_load(file.text)["worker_listeners"][1]["port"]]
    }
    assert replication and not replication & set(ports), "Synapse's processes ask each other on their machine alone"


@pytest.mark.parametrize("part", PARTS)
def test_each_way_ends_on_this_machine_and_knows_who_is_at_the_other_end(part: str, ports: list[str]) -> None:
    text = template("stunnel.conf", part, ports)
    head, *services = re.split(r"\n\[[\w-]+\]\n", text)
    for line in ("sslVersion = TLSv1.3", "verifyChain = yes", "CAfile = /etc/belisha/link/ca.pem", "setuid = stunnel4"):
        assert f"\n{line}\n" in head
    assert ("\nclient = yes\n" in head) == (part == "web")
    other = {"application": "web", "database": "web", "web": "application"}[part]
    for service in services:
        told = dict(line.split(" = ") for line in service.splitlines() if " = " in line)
        here, there = (told[one].rpartition(":")[0] for one in ("accept", "connect"))
        assert told["checkHost"] in (other, "database" if part == "web" else other)
        if part == "web":
            assert here == "127.0.0.1" and there == ADDRESSES[told["checkHost"]]
        else:
            assert here == ADDRESSES[part] and there == "127.0.0.1"
    assert len(services) == {"application": len(ports), "web": len(ports) + 1, "database": 1}[part]


@pytest.mark.parametrize("part", PARTS)
def test_the_packet_filter_lets_in_the_one_that_has_to_ask_and_nobody_else(
    part: str, ports: list[str], tmp_path: Path
) -> None:
    if part == "application":
        extra = tmp_path / "host" / "nftables.d"
        extra.mkdir(parents=True)
        (extra / "link.nft").write_text(template("application.nft", part, ports))
        text = rendered(settings(*COUNTS), folders=Folders(configuration=tmp_path))["host/nftables.conf"].text
        text = re.sub(r"skuid belisha-\w+", "skuid root", text)  # this machine has no such accounts
    else:
        text = template("nftables.conf", part, ports)
    (tmp_path / "nftables.conf").write_text(text)
    script = f"nft --file {tmp_path / 'nftables.conf'} && nft list chain inet belisha input"
    listed = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", script],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.returncode == 0, listed.stderr
    assert "policy drop" in listed.stdout
    found = re.findall(r"(?:ip saddr (\S+) )?tcp dport (\{[^}]*\}|\d+) accept", listed.stdout)
    let_in = {(source, port) for source, given in found for port in re.findall(r"\d+", given)}
    public = {("", "22"), ("", "80"), ("", "443")}
    assert (
        let_in
        == {
            "application": public | {(ADDRESSES["web"], port) for port in ports},
            "web": public,
            "database": {("", "22"), (ADDRESSES["application"], "5432"), (ADDRESSES["web"], "9100")},
        }[part]
    )


def test_the_database_is_asked_by_the_application_alone_and_by_no_password(ports: list[str]) -> None:
    lines = [line.split() for line in template("pg_hba.conf", "database", ports).splitlines() if line[0] != "#"]
    beyond = [line for line in lines if line[0] != "local"]
    assert [line[0] for line in beyond] == ["hostssl", "hostssl"]
    assert all(line[3:] == [f"{ADDRESSES['application']}/32", "cert", "map=belisha"] for line in beyond)
    assert {line[3] for line in lines if line[0] == "local"} == {"peer"}
    assert {(line[1], line[2]) for line in beyond} == {
        ("belisha_synapse", "belisha-synapse"), ("belisha_bots", "belisha-bots")
    }  # fmt: skip
    listens = template("postgresql-link.conf", "database", ports)
    assert f"listen_addresses = '{ADDRESSES['database']}'" in listens and "ssl = on" in listens
    mapped = [line.split() for line in template("pg_ident.conf", "database", ports).splitlines() if line[0] != "#"]
    assert {line[1] for line in mapped} == {"application"}
    bouncer = configparser.ConfigParser()
    bouncer.read_string(template("pgbouncer.ini", "application", ports))
    told = bouncer["pgbouncer"]
    assert (told["listen_addr"], told["unix_socket_dir"]) == ("", "/run/postgresql")
    assert (told["pool_mode"], told["server_tls_sslmode"]) == ("session", "verify-full")
    files = [told[f"server_tls_{name}_file"] for name in ("ca", "cert", "key")]
    assert {Path(one).parent for one in files} == {Path("/etc/pgbouncer")}, "a restore has /etc/belisha moved away"
    assert told["log_stats"] == "0", "who asks how much is in no log"
    local = [line.split() for line in template("hba.conf", "application", ports).splitlines() if line[0] != "#"]
    assert all(line[0] == "local" and line[3] == "peer" for line in local) and len(local) == 2


def test_a_server_that_is_gone_without_a_word_is_noticed_within_half_a_minute(ports: list[str]) -> None:
    """PgBouncer waits for two minutes by itself, and the system for two hours, with every lock held meanwhile."""
    bouncer = configparser.ConfigParser()
    bouncer.read_string(template("pgbouncer.ini", "application", ports))
    told = {name: int(value) for name, value in bouncer["pgbouncer"].items() if value.isdigit()}
    assert told["server_login_retry"] == 1, "members wait for no more than the database itself takes"
    assert told["server_connect_timeout"] <= told["query_wait_timeout"] <= 10
    assert told["tcp_user_timeout"] <= 30_000
    assert told["tcp_keepidle"] + told["tcp_keepintvl"] * told["tcp_keepcnt"] <= 30
    listens = template("postgresql-link.conf", "database", ports)
    kept = dict(re.findall(r"^(tcp_\w+) = (\d+)$", listens, re.MULTILINE))
    assert int(kept["tcp_user_timeout"]) <= 30_000
    idle, interval, count = (int(kept[f"tcp_keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * count <= 30


def _tasks(name: str) -> dict[str, Any]:
    found = yaml.safe_load((ROLE / "tasks" / f"{name}.yml").read_text(encoding="utf-8"))
    return {task["name"]: task for task in found}


def test_what_listens_between_the_servers_waits_for_its_address_and_never_gives_up() -> None:
    """At the start of a machine its private address may come later; systemd gives up after five attempts."""
    written = [
        task["ansible.builtin.copy"]
        for name in ("install", "application", "database")
        for task in _tasks(name).values()
        if ".service.d/" in task.get("ansible.builtin.copy", {}).get("dest", "")
    ]
    units = {Path(one["dest"]).parent.name: one["content"] for one in written}
    assert set(units) == {"stunnel@.service.d", "pgbouncer.service.d", "postgresql@.service.d"}
    for content in units.values():
        unit = content.partition("[Unit]")[2].partition("[Service]")[0]
        assert "\nAfter=network-online.target\n" in unit and "\nStartLimitIntervalSec=0" in unit
    assert "\nBefore=postgresql.service\n" in units["pgbouncer.service.d"], "for that is what Synapse waits"


def test_nothing_is_open_for_a_moment_while_it_is_installed() -> None:
    tasks = _tasks("install")
    names = list(tasks)
    installed = names.index("Install Debian's packages")
    for earlier in (
        "Have what tells of the machine listen on it alone",
        "Have PostgreSQL's package bring programs and no database",
    ):
        assert names.index(earlier) < installed
    apt = tasks["Install Debian's packages"]["ansible.builtin.apt"]
    assert "force-confold" in apt["dpkg_options"] and "base_update_lists" in apt["update_cache"]
    load = tasks["Load the packet filter now and at each start"]["ansible.builtin.systemd_service"]
    assert "reloaded" in load["state"], "a filter that is stopped lets everybody in"


def test_what_is_made_for_one_server_is_refused_before_anything_is_changed() -> None:
    asserted = str([task.get("ansible.builtin.assert") for task in _tasks("validate").values()])
    for setting in (
        "continuous_days | default(0, true) | int == 0",
        "replicas | default(1, true) | int == 1",
        "pgbouncer",
    ):
        assert setting in asserted
    # The way to try a version there needs PostgreSQL's own programs, which the client's package lacks.
    assert "postgresql" in defaults()["link_packages"]["application"]


def test_a_version_is_not_tried_where_there_are_only_the_programs_of_a_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "17" / "bin").mkdir(parents=True)
    (tmp_path / "17" / "bin" / "psql").touch()
    monkeypatch.setattr(trial_cluster, "_INSTALLED", tmp_path)
    with pytest.raises(CommandError, match="PostgreSQL's server is missing here"), trial_cluster.running(tmp_path, []):
        pass


def test_what_leaves_the_applications_server_has_no_secret_in_it() -> None:
    found = rendered(settings(*COUNTS))
    for paths in defaults()["link_files"].values():
        for path in paths:
            assert found[path].mode == 0o644 and found[path].owner is None, path
            assert not any(secret in found[path].text for secret in ("as-1", "hs-1", "pepper-1"))


def test_the_inventory_has_one_server_of_each_kind_with_an_address_of_its_own() -> None:
    groups = yaml.safe_load((ANSIBLE / "inventories" / "three" / "hosts.yml").read_text())["all"]["children"]
    addresses = {group: [one["link_address"] for one in there["hosts"].values()] for group, there in groups.items()}
    assert addresses == {part: [address] for part, address in ADDRESSES.items()}
    three = (ANSIBLE / "three.yml").read_text()
    assert three.index("tasks_from: validate") < three.index("- role: base")
    assert three.index("tasks_from: listeners") > three.index("- role: proxy")
    roles = {role for there in defaults()["link_roles_of"].values() for role in there}
    assert roles | {"base", "link"} == {path.name for path in (ANSIBLE / "roles").iterdir()}


@pytest.mark.parametrize(("address", "counts"), [("127.0.0.2", False), ("127.0.0.1", True), ("0.0.0.0", True)])  # noqa: S104 - it is asked, not opened for long
def test_what_leads_to_synapse_from_another_server_is_not_in_its_place(address: str, counts: bool) -> None:
    """It has the same port at the private address: while Synapse is away, as before a restore, it is there alone."""
    tasks = yaml.safe_load((ANSIBLE / "roles/synapse/tasks/validate.yml").read_text())
    (command,) = (one["ansible.builtin.command"] for one in tasks if one.get("register") == "synapse_port")
    with socket.create_server((address, 0)) as listener:
        asked = jinja2.Template(command).render(base_port=listener.getsockname()[1])
        done = subprocess.run(asked.split(), capture_output=True, text=True, check=True)
    assert bool(done.stdout) == counts, done.stdout
