"""The benchmarks can be run, and the engines of the policy benchmark agree; times are left to the benchmarks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import BENCHES, main
from bench.policy_inputs import distinct_inputs
from bench.report import Bar, Result
from bench.send_load import contents
from bench.stats import bootstrap, trimmed_geometric_mean
from tests.support.sampling import sampled

pytestmark = pytest.mark.more

ROOT = Path(__file__).resolve().parents[2]


def test_every_benchmark_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    runnable = {path.stem for path in (ROOT / "bench").glob("*.py") if "\ndef run(*, quick: bool" in path.read_text()}
    assert runnable == set(BENCHES)
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in BENCHES)
    documented = (ROOT / "docs" / "benchmarks.md").read_text()
    assert all(f"\n## bench {name}" in documented for name in BENCHES)


def test_sizes_are_for_the_benchmarks_that_take_them(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (["policy", "--kills", "4"], "--kills is for crash only"),
        (["ingest", "--kills", "4"], "--kills is for crash only"),
        (["send", "--events", "4"], "--events is for crash and ingest only"),
        (["crash", "--kills", "1"], "invalid"),
        (["crash", "--events", "many"], "invalid"),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert said in capsys.readouterr().err


def test_policy_prints_one_object_and_the_engines_agree() -> None:
    """A disagreement would end it with 1."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "policy", "--quick", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"bench", "figures", "ratios", "machine"}
    assert answer["bench"] == "policy"
    assert answer["figures"]["inputs"] >= 10_000
    assert 0.2 < answer["figures"]["allowed_share"] < 0.8
    for name in ("decide_us", "casbin_us", "cedar_us"):
        assert answer["figures"][name] > 0
    assert answer["ratios"]["faster_than_best_peer"] > 0
    assert answer["machine"]["cores"] > 0


def test_inputs_are_distinct_and_the_same_every_time() -> None:
    inputs = distinct_inputs(2000)
    assert len(set(inputs)) == 2000
    assert inputs == distinct_inputs(2000)


def test_texts_are_the_same_for_the_same_seed() -> None:
    one, other = contents(7, ["$parent"]), contents(7, ["$parent"])
    drawn = [next(one) for _ in range(500)]
    assert drawn == [next(other) for _ in range(500)]
    replies = sum("m.relates_to" in content for content in drawn)
    marked = sum("TLP:" in content["body"] for content in drawn)
    assert 25 <= replies <= 75
    assert 25 <= marked <= 75


def test_an_interval_holds_its_value_and_a_stall_is_left_out() -> None:
    ratios = [0.98, 0.99, 1.0, 1.0, 1.0, 1.0, 1.0, 1.01, 1.02, 3.0]
    found = bootstrap(ratios, trimmed_geometric_mean)
    assert 0.97 < found.low <= found.value <= found.high
    assert found.value == pytest.approx(1.0, abs=0.01)
    assert trimmed_geometric_mean([0.5, 2.0]) == pytest.approx(1.0)


def test_a_missed_bar_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Result("x", {"slow": 4.0}, {"quick": 2.0}, {"slow": Bar(most=3.0), "quick": Bar(least=1.0)}).show()
    shown = capsys.readouterr().out
    assert "MISSED" in shown
    assert "kept" in shown


@pytest.mark.full
@pytest.mark.parametrize("name", sampled(("directory", "relevance"), ("relevance",)))
def test_the_directory_is_measured(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every search of it must find somebody, or it ends with 1."""
    assert main([name, "--quick", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    if name == "directory":
        assert {f"{on}_{what}_p95_ms" for on in ("sqlite", "postgres") for what in ("words", "prefix", "typo")} <= set(
            answer["figures"]
        )
        assert "page_render_p95_ms" in answer["figures"]
        assert {f"{on}_hidden_vs_none" for on in ("sqlite", "postgres")} <= set(answer["ratios"])
    else:
        assert answer["figures"]["queries"] >= 30
        assert answer["figures"]["ndcg10"] >= 0.85
        assert answer["ratios"]["vs_plain_bm25"] > 1


def test_judgements_know_nothing_of_the_search() -> None:
    for name in ("judgements", "community", "community_words"):
        assert not re.search(
            r"import .*(belisha|bots)|from (belisha|bots)", (ROOT / "bench" / f"{name}.py").read_text()
        )


def test_the_metrics_agree_with_both_databases(capsys: pytest.CaptureFixture[str]) -> None:
    """A series or cohort in which DuckDB, SQLite and the roll-ups differ would end it with 1."""
    assert main(["metrics", "--quick", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"all_series_ms", "facts_per_s", "duckdb_all_series_ms", "sqlite_all_series_ms"} <= set(answer["figures"])
    assert answer["figures"]["members_met"] > 1000
    assert answer["ratios"]["faster_than_duckdb"] > 0
    assert answer["machine"]["versions"]["duckdb"]
