"""The dashboards are as their panels are, ask for what there is, and show no number of people."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from grafana_foundation_sdk.models.dashboard import Panel as Shown
from grafana_foundation_sdk.models.prometheus import Dataquery

from tests.unit.test_prometheus import OTHERS, RECORDING, WITH, config, series
from tests.written.dashboard_panels import DASHBOARDS, Board
from tests.written.dashboards import path, written

PANELS = [(board, panel) for board in DASHBOARDS for row in board.rows.values() for panel in row]
PROCESS = {f"process_{name}" for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds")}


def names(query: str) -> set[str]:
    """The metrics that a query asks for: what looks like one and is neither a label nor a function."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)", "", query)
    return {
        name
        for name in re.findall(r"[a-z_][a-z_:0-9]*(?!\w)(?!\s*\()", bare)
        if "_" in name or ":" in name or name == "up"
    }


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_it_is_as_its_panels_are(board: Board) -> None:
    assert path(board).read_text(encoding="utf-8") == written(board), "run `make tables`"


def is_in(one: Any, other: Any) -> bool:
    """Whether everything of one value is in another, which may have more keys."""
    if isinstance(one, dict):
        return isinstance(other, dict) and all(key in other and is_in(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(is_in, one, other))
    return bool(one == other)


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_what_is_shipped_is_a_dashboard_of_grafanas_own_schema(board: Board) -> None:
    """Read as that has it, with its panels and queries, and written again nothing is lost: it knows every key."""
    register_default_plugins()
    shipped = json.loads(path(board).read_text(encoding="utf-8"))
    read = Dashboard.from_json(shipped)
    assert is_in(shipped, json.loads(JSONEncoder().encode(read)))
    assert not is_in({**shipped, "unheard_of": 1}, json.loads(JSONEncoder().encode(read)))
    panels = [panel for panel in read.panels or () if isinstance(panel, Shown)]
    assert len(panels) == sum(map(len, board.rows.values()))
    assert all(panel.targets and all(isinstance(one, Dataquery) for one in panel.targets) for panel in panels)


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_its_panels_stand_beside_each_other(board: Board) -> None:
    read = json.loads(written(board))
    assert read["uid"] == board.uid and [one["name"] for one in read["templating"]["list"]] == ["datasource"]
    shown: list[dict[str, Any]] = read["panels"]
    assert len(shown) == len(board.rows) + sum(map(len, board.rows.values()))
    for one, other in combinations([panel["gridPos"] for panel in shown], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    assert all(panel["description"] and panel["targets"] for panel in shown if panel["type"] != "row")


def test_each_panel_asks_for_what_there_is_and_for_no_people() -> None:
    ours = series() | OTHERS | PROCESS | {rule["record"] for rule in RECORDING}
    (synapse,) = (job for job in config(WITH)["scrape_configs"] if job["job_name"] == "synapse")
    (dropped,) = (rule["regex"] for rule in synapse["metric_relabel_configs"] if rule["action"] == "drop")
    for board, panel in PANELS:
        for query in panel.queries.values():
            asked = names(query)
            others = {name for name in asked if name.startswith(("synapse_", "python_"))}
            assert asked and asked - others <= ours, (board.uid, panel.title, asked - ours)
            assert not [name for name in others if re.fullmatch(dropped, name)], "not kept"


def test_every_metric_of_ours_is_in_a_panel_or_a_rule() -> None:
    asked = {name for _, panel in PANELS for query in panel.queries.values() for name in names(query)}
    asked |= {name for rule in RECORDING for name in names(rule["expr"])}
    told = {re.sub(r"_(total|bucket)$", "", name) for name in asked}
    assert {re.sub(r"_(total|bucket)$", "", name) for name in series()} - told == {
        "belisha_bots_retries",
        "belisha_bots_rooms_read",
    }
