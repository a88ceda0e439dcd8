"""What Prometheus is given: every alert is for people, asks for what there is, and nothing of it is on a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from belisha import prometheus as core
from belisha.cli import ports, prometheus
from belisha.cli.errors import CommandError
from belisha.cli.main import main
from belisha.render import Place, render
from belisha.resources import shipped
from belisha.secrets import Secrets
from belisha.settings import load
from tests.unit.test_docs import CODE, METRIC, ROOT

PLACE = Place(Path("/srv/belisha"), 8008, 8010, 8011)
WITH = Place(Path("/srv/belisha"), 8008, 8010, 8011, serves_prometheus=True)
SECRETS = Secrets(as_token="a", hs_token="h", pepper="p")
#: What is not ours: of Prometheus itself, and of each process.
OTHERS = {"up", "process_start_time_seconds"}
COMPARED = re.compile(r"^(?P<number>.+) (?P<operator>[<>]) (?P<limit>[0-9.]+)$", re.DOTALL)


def rules(kind: str) -> list[dict[str, Any]]:
    """The rules of a file, of all its groups."""
    read = yaml.safe_load(shipped("config", "prometheus", f"{kind}.yaml").read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


RECORDING, ALERTS = rules("recording"), rules("alerts")


def config(place: Place) -> dict[str, Any]:
    return dict(yaml.safe_load(render(load(shipped("config", "belisha.example.yaml")), place, SECRETS)[core.CONFIG]))


def series() -> set[str]:
    """The names under which our metrics are stored."""
    names = set()
    for file in CODE:
        for kind, name in METRIC.findall(file.read_text(encoding="utf-8")):
            names |= {f"{name}_total"} if kind == "Counter" else {name, f"{name}_bucket"}
    return names


def test_each_asks_for_what_there_is() -> None:
    known = series() | OTHERS | {rule["record"] for rule in RECORDING}
    for rule in (*RECORDING, *ALERTS):
        if re.fullmatch(r"vector\([0-9.]+\)", rule["expr"]):
            continue
        bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|clamp_min) \([^)]*\)", "", rule["expr"])
        asked = set(re.findall(r"[a-z_:0-9]*(?:belisha|process|up)[a-z_:0-9]*", bare))
        assert asked and asked <= known, (rule, asked - known)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_is_for_people(alert: dict[str, Any]) -> None:
    assert COMPARED.match(alert["expr"]), "one number, and its limit"
    assert alert["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    told = alert["annotations"]
    assert set(told) == {"summary", "description", "action", "runbook"}
    for text in (told["summary"], told["description"], told["action"]):
        assert re.match(r"^[A-Z{`“].*\.$", text) or text.endswith("`."), text
    page, _, anchor = told["runbook"].partition("#")
    headings = re.findall(r"^## (\w+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert alert["alert"] in headings and anchor == alert["alert"].lower()


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    page = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == sorted(alert["alert"] for alert in ALERTS)
    for alert in ALERTS:
        _, _, section = page.partition(f"## {alert['alert']}\n\n")
        assert section.startswith(f"{alert['labels']['severity'].title()}."), alert["alert"]


@pytest.mark.parametrize("place", [PLACE, WITH])
def test_only_this_machine_is_asked(place: Place) -> None:
    jobs = {job["job_name"]: job["static_configs"][0] for job in config(place)["scrape_configs"]}
    assert jobs["synapse"] == {"targets": ["127.0.0.1:8011"], "labels": {"instance": "main"}}
    assert jobs["bots"] == {"targets": ["127.0.0.1:8010"], "labels": {"instance": "main"}}
    assert ("prometheus" in jobs) is place.serves_prometheus
    assert {port for job in jobs.values() for port in job["targets"]} <= {f"127.0.0.1:{n}" for n in (8010, 8011, 8013)}


def test_it_listens_on_this_machine_and_keeps_its_data_in_the_folder() -> None:
    program = prometheus.program("/usr/bin/prometheus", WITH)
    assert "--web.listen-address=127.0.0.1:8013" in program.command
    assert "--storage.tsdb.path=/srv/belisha/prometheus" in program.command
    assert "--web.cors.origin=http://127\\.0\\.0\\.1:8013" in program.command
    assert not [part for part in program.command if "enable" in part], "neither stopped nor changed over HTTP"
    assert str(WITH.rendered) in " ".join(program.command), "by which a killed run's are found"


def test_without_the_program_one_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="no program “prometheus”"):
        prometheus.find()
    for detach in ([], ["--detach"]):
        assert main(["up", "--data", str(tmp_path / "data"), "--with-prometheus", *detach]) == 1
        assert "apt-get install --no-install-recommends prometheus" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_its_port_is_needed_only_where_it_runs() -> None:
    assert ports.further(8008, serves_element=False, serves_prometheus=False) == ()
    assert ports.further(8008, serves_element=True, serves_prometheus=True) == (8012, 8013)
