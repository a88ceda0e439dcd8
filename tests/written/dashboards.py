"""config/grafana/*.json: the dashboards, made out of `dashboard_panels`; `make tables` writes them anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

from tests.written.dashboard_panels import DASHBOARDS, Board, Panel

FOLDER: Final = Path(__file__).resolve().parents[2] / "config" / "grafana"
#: Whoever imports it chooses which Prometheus it asks.
_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_GOOD, _BAD = "green", "red"


def written(board: Board) -> str:
    """The JSON of a dashboard, as Grafana imports it."""
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags(["belisha"])
        .time("now-24h", "now")
        .refresh("1m")
        .timezone("browser")
        .editable()
        .with_variable(source)
    )
    for row, panels in board.rows.items():
        made.with_row(dashboard.Row(row))
        for panel in panels:
            made.with_panel(_stat(panel) if panel.limit is not None else _series(panel))
    return JSONEncoder(sort_keys=True, indent=1).encode(made.build()) + "\n"


def path(board: Board) -> Path:
    """Where its JSON stands."""
    return FOLDER / f"{board.uid.removeprefix('belisha-')}.json"


def _stat(panel: Panel) -> stat.Panel:
    """One number, and from which limit on it is bad."""
    ends = (_BAD, _GOOD) if panel.low_is_bad else (_GOOD, _BAD)
    steps = [Threshold(value=None, color=ends[0]), Threshold(value=panel.limit, color=ends[1])]
    made = stat.Panel().title(panel.title).description(panel.about).unit(panel.unit).datasource(_SOURCE)
    made = made.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    made = made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).height(4).span(4)
    for target in _targets(panel):
        made = made.with_target(target)
    return made


def _series(panel: Panel) -> timeseries.Panel:
    """Curves over time, with their names and last values in words beside the colours."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.TABLE).placement(LegendPlacement.BOTTOM)
    made = timeseries.Panel().title(panel.title).description(panel.about).unit(panel.unit).datasource(_SOURCE)
    made = made.legend(legend.show_legend(True).calcs(["lastNotNull", "max"])).min(0).height(8).span(12)
    if panel.stacked:
        made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    for target in _targets(panel):
        made = made.with_target(target)
    return made


def _targets(panel: Panel) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(chr(ord("A") + number)).datasource(_SOURCE)
        for number, (legend, expr) in enumerate(panel.queries.items())
    ]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in DASHBOARDS:
        path(one).write_text(written(one), encoding="utf-8")
