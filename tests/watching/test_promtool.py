"""The rules, as promtool computes them: each alert comes when its cause has lasted, and only then."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from belisha.render import Place, render, write
from belisha.resources import shipped
from belisha.secrets import Secrets
from belisha.settings import load
from tests.unit.test_docs import ROOT
from tests.unit.test_prometheus import ALERTS

pytestmark = pytest.mark.full
HELD = "0+0x2000"
#: Minutes.
A_WHILE = 240
#: The buckets of something that happens sixty times a minute: within the first never, or always.
SLOW, QUICK = (HELD, "0+60x2000", "0+60x2000"), ("0+60x2000",) * 3


@dataclass(frozen=True)
class Case:
    """When an alert comes: after `fires` with the series of `wrong`, never with those of `well`.

    Attributes:
        wrong, well: values of each series, one a minute, in promtool's notation.
        fires: minutes after which it is there.
        not_yet: minutes after which it is not there yet; None where it comes at once.
    """

    wrong: dict[str, str]
    well: dict[str, str]
    fires: int
    not_yet: int | None


def gauge(series: str, wrong: float, well: float, fires: int, not_yet: int | None) -> Case:
    return Case({series: f"{wrong}+0x2000"}, {series: f"{well}+0x2000"}, fires, not_yet)


def histogram(name: str, slow: str, fires: int, not_yet: int) -> Case:
    """Everything takes longer than `slow` seconds, or nothing does."""

    def series(values: tuple[str, ...]) -> dict[str, str]:
        return {f'{name}_bucket{{le="{le}"}}': given for le, given in zip((slow, "60", "+Inf"), values, strict=True)}

    return Case(series(SLOW), series(QUICK), fires, not_yet)


def disk(free: float) -> dict[str, str]:
    return {
        'belisha_disk_free_bytes{of="data"}': f"{free}+0x2000",
        'belisha_disk_size_bytes{of="data"}': "100+0x2000",
        "belisha_bots_disk_free_bytes": "50+0x2000",
        "belisha_bots_disk_size_bytes": "100+0x2000",
    }


REFUSED = 'belisha_decisions_total{rule="L3", verdict="refuse"}'
CASES = {
    "BelishaSynapseDown": gauge('up{job="synapse"}', 0, 1, 3, 1),
    "BelishaHooksDegraded": gauge("belisha_degraded_hooks", 1, 0, 2, 0),
    "BelishaCannotDecide": Case(
        {'belisha_decisions_total{rule="X1", verdict="refuse"}': "0x2 1x2000"},
        {'belisha_decisions_total{rule="X1", verdict="refuse"}': "1x2000"},
        4,
        1,
    ),
    # A day of one refusal a minute, and then thirty; or a day of thirty.
    "BelishaRefusalsSurge": Case({REFUSED: "0+1x1440 1470+30x60"}, {REFUSED: "0+30x1500"}, 1460, 1441),
    "BelishaDecisionsSlow": histogram("belisha_decision_seconds", "0.5", 20, 10),
    "BelishaBudgetBurnsFast": gauge('up{job="synapse"}', 0, 1, 3, 1),
    "BelishaBudgetBurnsSlowly": gauge('up{job="synapse"}', 0, 1, 16, 14),
    "BelishaBotsDown": gauge('up{job="bots"}', 0, 1, 3, 1),
    "BelishaInboxStuck": gauge("belisha_bots_inbox_oldest_seconds", 301, 299, 2, 0),
    "BelishaOutboxLate": gauge("belisha_bots_outbox_lag_seconds", 901, 899, 6, 4),
    "BelishaDeadLetters": Case(
        {"belisha_bots_inbox_failed": HELD, "belisha_bots_outbox_failed": "1+0x2000"},
        {"belisha_bots_inbox_failed": HELD, "belisha_bots_outbox_failed": HELD},
        6,
        4,
    ),
    "BelishaDeliveriesRefused": Case(
        {'belisha_bots_transactions_rejected_total{reason="store"}': "0x2 1+1x2000"},
        {'belisha_bots_transactions_rejected_total{reason="store"}': "9x2000"},
        10,
        5,
    ),
    "BelishaMailFailing": Case(
        {'belisha_bots_effects_put_off_total{kind="mail"}': "0+1x2000"},
        {
            'belisha_bots_effects_put_off_total{kind="mail"}': HELD,
            'belisha_bots_effects_put_off_total{kind="send"}': "0+9x2000",
        },
        15,
        5,
    ),
    "BelishaBotsSlow": histogram("belisha_bots_handling_seconds", "2", 20, 10),
    "BelishaCheckersMissing": gauge('belisha_files_checker_up{checker="clamav"}', 0, 1, 6, 4),
    "BelishaSyslogBehind": gauge("belisha_syslog_behind_seconds", 3601, 3599, 6, 4),
    "BelishaFilesUnscanned": gauge("belisha_files_unscanned", 21, 20, 31, 29),
    "BelishaDiskNearlyFull": Case(disk(9), disk(11), 11, 9),
    "BelishaDiskFull": Case(disk(2), disk(4), 2, 0),
    # The clock is six seconds ahead of that of the test, which begins at 0.
    "BelishaClockOff": Case(
        {"belisha_bots_clock_seconds": "6+60x2000"}, {"belisha_bots_clock_seconds": "4+60x2000"}, 6, 4
    ),
    "BelishaRestartsOften": Case(
        {'process_start_time_seconds{job="bots"}': "0+60x5 300x2000"},
        {'process_start_time_seconds{job="bots"}': "0+60x2 120x2000"},
        5,
        3,
    ),
    # Two days and an hour, and no less; the clock of the test begins at 0.
    "BelishaBackupOld": gauge("belisha_backup_begun_seconds", -176_460, 0, 6, 4),
    "BelishaLogNotKept": gauge("belisha_wal_failing", 1, 0, 12, 9),
    "BelishaBaseOld": gauge("belisha_wal_base_seconds", -176_460, 0, 6, 4),
}  # fmt: skip


#: What happens in the examples of docs/slo.md, by objective.
DECIDED = 'belisha_decisions_total{rule="X1", verdict="refuse"}'
HAPPENS = {
    "synapse": {'up{job="synapse"}': "0x100"},
    # The mean of five looks, since a window of five minutes has six in one Prometheus and five in another.
    "bots": {'up{job="bots"}': "0.8x100"},
    "decided": {DECIDED: "0+2x100", 'belisha_decisions_total{rule="L3", verdict="allow"}': "0+98x100"},
    "quick": {
        'belisha_decision_seconds_bucket{le="0.5"}': "0+70x100",
        'belisha_decision_seconds_bucket{le="+Inf"}': "0+100x100",
    },
    "answered": {
        'belisha_bots_dead_letters_total{of="inbox"}': "0+3x100",
        "belisha_bots_events_handled_total": "0+1000x100",
    },
}


def expected(name: str, minutes: int, count: int) -> dict[str, Any]:
    samples = [{"labels": "{}", "value": count}] if count else []
    expr = f'count(ALERTS{{alertname="{name}", alertstate="firing"}})'
    return {"expr": expr, "eval_time": f"{minutes}m", "exp_samples": samples}


def test_of(name: str, case: Case) -> list[dict[str, Any]]:
    """What promtool is to find: the alert, and no alert."""

    def of(values: dict[str, str], expectations: list[dict[str, Any]]) -> dict[str, Any]:
        series = [{"series": one, "values": given} for one, given in values.items()]
        return {"name": name, "interval": "1m", "input_series": series, "promql_expr_test": expectations}

    before = [] if case.not_yet is None else [expected(name, case.not_yet, 0)]
    return [
        of(case.wrong, [*before, expected(name, case.fires, 1)]),
        of(case.well, [expected(name, case.fires, 0), expected(name, min(case.fires * 3, 1499), 0)]),
    ]


test_of.__test__ = False  # type: ignore[attr-defined]  # not one for pytest


def burns(objective: str, burn: str) -> dict[str, Any]:
    """What promtool is to find of an example of docs/slo.md."""
    # Rounded, since sums of fractions are not exact.
    expr = f'round(slo:belisha_burn:fast{{slo="{objective}"}}, 0.001)'
    sample = [{"labels": f'{{slo="{objective}"}}', "value": float(burn)}]
    series = [{"series": one, "values": given} for one, given in HAPPENS[objective].items()]
    test = {"expr": expr, "eval_time": "90m", "exp_samples": sample}
    return {"name": objective, "interval": "1m", "input_series": series, "promql_expr_test": [test]}


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_alert_comes_when_its_cause_has_lasted_and_only_then(tmp_path: Path) -> None:
    assert set(CASES) == {alert["alert"] for alert in ALERTS}
    (alert,) = (alert for alert in ALERTS if alert["alert"] == "BelishaDiskNearlyFull")
    text = {
        "name": "what people read",
        "interval": "1m",
        "input_series": [{"series": one, "values": given} for one, given in disk(9).items()],
        "alert_rule_test": [
            {
                "eval_time": "11m",
                "alertname": "BelishaDiskNearlyFull",
                "exp_alerts": [
                    {
                        "exp_labels": {"of": "data", "severity": "ticket"},
                        "exp_annotations": {**alert["annotations"], "summary": "The disk of data has 9% left."},
                    }
                ],
            }
        ],
    }
    rules = [str(shipped("config", "prometheus", f"{kind}.yaml")) for kind in ("recording", "alerts")]
    page = (ROOT / "docs" / "slo.md").read_text(encoding="utf-8")
    examples = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\d+) \|$", page, re.MULTILINE)
    assert [name for name, _ in examples] == list(HAPPENS)
    file = tmp_path / "tests.yaml"  # JSON is YAML

    def holds(rules: list[str], tests: list[dict[str, Any]]) -> bool:
        file.write_text(json.dumps({"rule_files": rules, "evaluation_interval": "1m", "tests": tests}))
        return "SUCCESS" in promtool("test", "rules", file)

    # Promtool computes every rule of a file each minute: what takes a day is by itself.
    long = {name: case for name, case in CASES.items() if case.fires > A_WHILE}
    short = [test for name, case in CASES.items() if name not in long for test in test_of(name, case)]
    assert holds(rules, [text, *(burns(*one) for one in examples), *short])
    for name, case in long.items():
        alone = tmp_path / f"{name}.yaml"
        rule = next(alert for alert in ALERTS if alert["alert"] == name)
        alone.write_text(json.dumps({"groups": [{"name": "alone", "rules": [rule]}]}))
        assert holds([str(alone)], test_of(name, case))


def test_the_rendered_configuration_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    for serves in (False, True):
        place = Place(tmp_path, 8008, 8010, 8011, serves_prometheus=serves)
        files = render(
            load(shipped("config", "belisha.example.yaml")), place, Secrets(as_token="a", hs_token="h", pepper="p")
        )
        write(files, place.rendered)
        assert "SUCCESS" in promtool("check", "config", place.rendered / "prometheus" / "prometheus.yaml")
