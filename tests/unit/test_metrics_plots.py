"""Plots: every number stands in them as text, a withheld one as a dash, and nothing of a name becomes markup."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from bots.metrics import plots
from bots.metrics.flows import Flow, flows
from bots.metrics.plots import Bar, Column

HOSTILE = "\"'><script>alert(1)</script>&"


def texts(svg: str) -> list[str]:
    """The texts of a plot, which has to be well-formed and without scripts, styles and addresses."""
    found = ET.fromstring(svg)  # noqa: S314  our own
    assert {one.tag for one in found.iter()} <= {"svg", "rect", "text", "line", "path"}
    assert not any(name in one.attrib for one in found.iter() for name in ("style", "href", "onload"))
    return [one.text or "" for one in found.iter("text")]


def test_every_number_is_written_and_a_withheld_one_is_a_dash() -> None:
    assert texts(plots.bars("x", [Bar("Tides", 12), Bar("Wrecks", None)])) == ["Tides", "12", "Wrecks", "\u2013"]
    assert texts(plots.columns("x", [Column("5 Oct", 9, "1"), Column("12 Oct", None)])) == [
        *("9", "5 Oct", "1"),
        *("\u2013", "12 Oct"),
    ]
    rows = [("Charity", [7, ""]), ("Industry", [None, 31])]
    assert texts(plots.heat("x", ["Charity", "Industry"], rows)) == [
        *("Charity", "Industry"),
        *("Charity", "7"),
        *("Industry", "\u2013", "31"),
    ]


def test_names_stay_text_and_short() -> None:
    for svg in (
        plots.bars(HOSTILE, [Bar(HOSTILE, 1)]),
        plots.columns(HOSTILE, [Column(HOSTILE, 1, HOSTILE)]),
        plots.heat(HOSTILE, [HOSTILE], [(HOSTILE, [1])]),
        flows(HOSTILE, [Flow(HOSTILE, "x", 1)]),
    ):
        assert "<script" not in svg and HOSTILE[:8] in "".join(texts(svg))
    (name, _) = texts(plots.bars("x", [Bar("y" * 200, 1)]))
    assert len(name) == 30


def test_nothing_is_a_plot_too_and_nothing_leaves_it() -> None:
    for svg in (plots.bars("x", []), plots.columns("x", []), plots.heat("x", [], [])):
        assert texts(svg) == []
    many = plots.columns("x", [Column(str(n), n) for n in range(60)])
    ends = [float(x) + float(w) for x, w in re.findall(r'x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', many)]
    assert len(ends) == 60 and max(ends) <= plots.WIDTH
    assert len(texts(plots.bars("x", [Bar("a", 0)]))) == 2, "no division by nothing"


def test_every_move_is_a_band_with_its_number_and_thick_enough_for_it() -> None:
    found = [Flow("Read", "Wrote", 300), Flow("Read", "Reacted", 5), Flow("Wrote", "Read", 5)]
    svg = flows("x", found)
    assert sorted(texts(svg)) == sorted(["Read", "Wrote", "Wrote", "Reacted", "Read", "300", "5", "5"])
    assert svg.count('class="plot-flow"') == 3
    high = [float(one) for one in re.findall(r'height="([\d.]+)"', svg)]
    assert min(high) >= 17 and max(high) > 200
    (bottom,) = re.findall(r'viewBox="0 0 720 ([\d.]+)"', svg)
    ends = [float(y) + float(h) for y, h in re.findall(r'y="([\d.]+)" width="10" height="([\d.]+)"', svg)]
    assert max(ends) <= float(bottom), "nothing leaves it"
    assert texts(flows("x", [])) == []
