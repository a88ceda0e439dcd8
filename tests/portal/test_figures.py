"""The managers' figures over a store, beside as much of the module as they ask: who sees them, and what is in them."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import sqlalchemy as sa

from belisha.metrics.respect import Name
from bots.metrics import reports, sponsors, tables
from bots.metrics.contents import SECTIONS
from bots.metrics.named import read as read_named
from bots.metrics.publishing import read
from bots.metrics.sample import NotEmpty, fill
from bots.metrics.tables import sponsor
from bots.portal.limits import Rate, Rates
from tests.bots.test_schedule import at
from tests.portal.alone import ANA, Alone, module, portal, store_at
from tests.portal.support import HOSTILE, Visitor, form_of

pytestmark = pytest.mark.more

LONDON = ZoneInfo("Europe/London")
NOW = at("2026-11-30 07:00")
HOME: dict[str, Any] = {
    "groups": [
        {"room_id": "harbour", "kind": "open", "name": HOSTILE, "default": "TLP:GREEN", "ceiling": "TLP:GREEN"}
        | {"organisations": []}
    ],
    "invitations": [],
    "knocks": [],
    "new_members": [],
}
GENEROUS = Rates(pages=Rate(1000, 1000), member=Rate(1000, 1000))
PATHS = ("overview", "groups", "overview/month.csv", "overview/month.png", "report", "report/2026-10.pdf")
Opened = tuple[Alone, Visitor]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "bots.db"


@asynccontextmanager
async def opened(path: Path, *roles: str, named: Sequence[str] = ()) -> AsyncIterator[Opened]:
    async with (
        store_at(f"sqlite:///{path}") as here,
        module(HOME, *roles, named=named) as homeserver,
        portal(here, GENEROUS, homeserver) as visitor,
    ):
        visitor.cookies["belisha"] = await here.opened(ANA)
        yield here, visitor


@pytest_asyncio.fixture
async def manager(filled: Path) -> AsyncIterator[Opened]:
    """A manager's browser, over the figures of the pilot."""
    async with opened(filled, "manager") as (here, visitor):
        with suppress(NotEmpty):
            await here.store.write(lambda connection: fill(connection, NOW, LONDON))
        yield here, visitor


async def test_nobody_but_managers_is_shown_a_figure(filled: Path, manager: Opened) -> None:
    form = form_of((await manager[1].get("/metrics/overview")).text)
    for roles in ((), ("steward",), ("lead", "operator")):
        async with opened(filled, *roles) as (_, visitor):
            assert "/metrics" not in (await visitor.get("/sessions")).text
            for path in (*PATHS, "nothing"):
                answer = await visitor.get(f"/metrics/{path}")
                assert answer.status == 404 and "There is no such page" in answer.text, path
            posted = await visitor.post("/metrics/annotations", {"form": form, "day": "2026-03-03", "text": "x"})
            assert posted.status == 403, "with a form of another session"
            own = form_of((await visitor.get("/sessions")).text)
            posted = await visitor.post("/metrics/annotations", {"form": own, "day": "2026-03-03", "text": "x"})
            assert posted.status == 404
            for path in ("links", "links/withdraw"):
                given = {"form": own, "month": "2026-10", "number": "1"}
                assert (await visitor.post(f"/metrics/report/{path}", given)).status == 404, path
    assert (await Visitor(manager[1].url).get("/metrics/overview")).status == 303


async def test_every_section_has_its_plots_and_the_numbers_that_were_decided(manager: Opened) -> None:
    here, visitor = manager
    release = await here.store.read(read)
    for section, (title, _) in SECTIONS.items():
        page = await visitor.get(f"/metrics/{section}")
        assert page.status == 200 and f"Figures: {title}" in page.text
        plots = page.text.count('<svg class="plot"')
        assert plots and plots == page.text.count("<table>") == page.text.count("table (CSV)"), section
        assert "A sample." in page.text and 'href="/metrics/growth?month=2026-11"' not in page.text
    page = await visitor.get("/metrics/overview?month=2026-09")
    (month,) = {name.period for name in release if name.period.first.isoformat() == "2026-09-01"}
    found = {name[1:]: one.members for name, one in release.items() if name.period == month}
    active = re.search(r"Active members</th><td>(\d+)</td>", page.text)
    assert active and int(active[1]) == found["active", ""]
    row = re.search(r"Active members</th><td>(\d+)</td><td>(\d+)</td><td>([+-]\d+) %</td>", page.text)
    assert row and int(row[3]) == round((int(row[1]) - int(row[2])) * 100 / int(row[2])), "beside the month before"
    assert re.search(r"active ones came</th><td>\d+ %</td><td>\d+ %</td><td>[+-]\d+ points?</td>", page.text)
    unknown = await visitor.get("/metrics/overview?month=never")
    assert unknown.status == 200, "any other month is the newest"
    assert (await visitor.get("/metrics/nothing")).status == 404


async def test_what_groups_are_called_is_asked_and_stays_text(manager: Opened) -> None:
    _, visitor = manager
    page = await visitor.get("/metrics/groups?month=2026-09")
    assert "&lt;img src=x" in page.text and "<img src=x" not in page.text
    assert "A group you are not in" in page.text
    for room in ("tides", "wrecks", "dredging"):
        assert room not in page.text, "what a manager is not in has no name"


async def test_a_withheld_number_is_a_dash_in_page_and_file(manager: Opened) -> None:
    here, visitor = manager
    release = await here.store.read(read)
    (name, *_) = [one for one, shown in release.items() if one.measure == "connection" and shown.members is None]
    month = f"{name.period.first:%Y-%m}"
    page = await visitor.get(f"/metrics/organisations?month={month}")
    assert '–<span class="hidden"> withheld</span>' in page.text
    file = await visitor.get(f"/metrics/organisations/connections.csv?month={month}")
    assert file.status == 200 and "attachment" in file.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))
    assert rows[0] == ["TLP:AMBER"] and "withheld" in {cell for row in rows for cell in row}
    assert (await visitor.get("/metrics/organisations/nothing.csv")).status == 404
    drawn = await visitor.get("/metrics/overview/weeks.png")
    assert drawn.status == 200 and drawn.headers["Content-Type"] == "image/png"


async def test_what_is_done_in_groups_is_what_was_decided(manager: Opened) -> None:
    here, visitor = manager
    release = await here.store.read(read)
    (month,) = {name.period for name in release if name.period.first.isoformat() == "2026-09-01"} & {
        name.period for name in release if name.measure == "wrote_in"
    }
    page = await visitor.get("/metrics/groups?month=2026-09")
    assert "In the groups" in page.text
    asks = {name.part: one for name, one in release.items() if name.period == month and name.measure == "asks"}
    within = re.search(r"Half of the answers came within</th><td>(\d+) (minutes|hours|days)</td>", page.text)
    assert set(asks) == {"heard", "unheard", "answerers"} and asks["heard"].members and within
    assert (within[2] == "hours") is (120 <= asks["answerers"].figures["minutes"] < 2880)
    assert re.search(rf"Had an answer</th><td>{asks['heard'].members}</td>", page.text)
    file = await visitor.get("/metrics/groups/in-groups.csv?month=2026-09")
    rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))
    at = next(number for number, row in enumerate(rows) if "… voted" in row)
    measures = ("wrote_in", "voted_in", "opened_in")
    numbers = {
        name.part: [release[name._replace(measure=measure)].members for measure in measures]
        for name in release
        if name.period == month and name.measure == "group"
    }
    said = sorted(["withheld" if one is None else str(one) for one in row] for row in numbers.values())
    assert sorted(row[1:] for row in rows[at + 1 :]) == said
    assert {"withheld"} < {cell for row in said for cell in row}


async def test_a_report_says_what_changed_and_is_a_pdf(manager: Opened) -> None:
    here, visitor = manager
    (month,) = await here.store.read(reports.months)
    made = await here.store.read(lambda one: reports.document(one, month))
    assert made is not None and made["advice"]
    page = await visitor.get("/metrics/report")
    assert page.status == 200 and f'href="/metrics/report/{month:%Y-%m}.pdf"' in page.text and "A sample." in page.text
    for one in made["advice"]:
        assert one["changed"] in page.text and one["tries"] in page.text
    assert all(room not in str(made) for room in ("harbour", "tides", "wrecks", "dredging")), "no group is named"
    file = await visitor.get(f"/metrics/report/{month:%Y-%m}.pdf")
    assert (file.status, file.headers["Content-Type"]) == (200, "application/pdf")
    assert "attachment" in file.headers["Content-Disposition"] and "no-store" in file.headers["Cache-Control"]
    for path in ("2020-01", "2026-13", "0000-00"):
        assert (await visitor.get(f"/metrics/report/{path}.pdf")).status == 404


async def test_a_link_shows_sponsors_four_numbers_until_it_is_withdrawn(manager: Opened) -> None:
    here, visitor = manager
    (month,) = await here.store.read(reports.months)
    page = (await visitor.get("/metrics/report")).text
    form = {"form": form_of(page), "month": f"{month:%Y-%m}"}
    made = await visitor.post("/metrics/report/links", form)
    link = re.search(r"/sponsors/[0-9a-f]{64}", made.text)
    assert made.status == 200 and link
    assert link[0] not in (await visitor.get("/metrics/report")).text, "it is shown once"
    stranger = Visitor(visitor.url)
    opened_by_it = await stranger.get(link[0])
    assert opened_by_it.status == 200
    assert opened_by_it.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert "no-store" in opened_by_it.headers["Cache-Control"]
    assert opened_by_it.headers["Referrer-Policy"] == "no-referrer" and "noindex" in opened_by_it.text
    report = await here.store.read(lambda one: reports.document(one, month))
    assert report is not None
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(\d+)?', opened_by_it.text)
    assert dict(rows) == {name: "" if one is None else str(one) for name, one in report["numbers"].items()}
    assert len(rows) == 4 and rows[0][1]
    for held in ("/metrics", "workshop", *(one["tries"] for one in report["advice"])):
        assert held not in opened_by_it.text, "and nothing else"
    stored = await here.store.read(lambda one: [tuple(row) for row in one.execute(sa.select(sponsor))])
    assert link[0].rpartition("/")[2] not in str(stored)
    nothing = await stranger.get(f"/sponsors/{'0' * 64}")
    number = re.search(r'name="number" value="(\d+)"', made.text)
    assert number and nothing.status == 404
    gone = await visitor.post("/metrics/report/links/withdraw", {"form": form["form"], "number": number[1]})
    assert (gone.status, gone.location) == (303, "/metrics/report?done=withdrawn")
    withdrawn = await stranger.get(link[0])
    assert (withdrawn.status, withdrawn.text) == (404, nothing.text), "as if it had never been"
    assert (await visitor.post("/metrics/report/links/withdraw", {**form, "number": "x"})).status == 400
    assert (await visitor.post("/metrics/report/links", {**form, "month": "2019-01"})).status == 404


async def test_a_link_ends_by_itself_and_there_are_never_many(manager: Opened) -> None:
    here, visitor = manager
    (month,) = await here.store.read(reports.months)

    def work(connection: sa.Connection) -> None:
        key = sponsors.make(connection, month, NOW)
        assert sponsors.month_of_key(connection, key, NOW + sponsors.LASTS_S - 1) == month
        assert sponsors.month_of_key(connection, key, NOW + sponsors.LASTS_S) is None
        assert sponsors.links(connection, NOW + sponsors.LASTS_S) == []
        connection.execute(sponsor.update().values(made=time.time()))
        for _ in range(sponsors.MOST - 1):
            sponsors.make(connection, month, time.time())

    await here.store.write(work)
    form = {"form": form_of((await visitor.get("/metrics/report")).text), "month": f"{month:%Y-%m}"}
    answer = await visitor.post("/metrics/report/links", form)
    assert answer.status == 400 and "Please withdraw one" in answer.text


async def test_of_journeys_only_what_is_shown_has_a_name(manager: Opened) -> None:
    """That a path is named would tell that somebody took it; of moves all that could be are decided about."""
    here, visitor = manager
    release = await here.store.read(read)
    page = (await visitor.get("/metrics/journeys?month=2026-09")).text
    paths = {name: one.members for name, one in release.items() if name.measure == "path"}
    shown = {
        name.part: count for name, count in paths.items() if count and name.period.first.isoformat() == "2026-07-01"
    }
    assert shown and len(paths) > 3 * len(shown)
    assert len(re.findall(r"Way \d+: ", page)) == len(shown)
    file = await visitor.get("/metrics/journeys/ways.csv?month=2026-09")
    rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))
    assert sorted(int(row[1]) for row in rows if row[0].startswith("Way")) == sorted(shown.values())
    moves = {
        name.part: one.members
        for name, one in release.items()
        if name.measure == "move" and name.period.first.isoformat() == "2026-09-01"
    }
    both = sorted(count for part, count in moves.items() if count and not part.startswith(">") and part[-1] != ">")
    file = await visitor.get("/metrics/journeys/next.csv?month=2026-09")
    told = [row[1] for row in csv.reader(io.StringIO(file.text.lstrip("\ufeff"))) if ", then " in row[0]]
    assert sorted(map(int, told)) == both
    assert page.count('class="plot-flow"') == min(14, len(both))
    assert (await visitor.get("/metrics/journeys/next.png?month=2026-09")).status == 200


async def test_of_a_pulse_stands_what_was_decided_by_quarter(manager: Opened) -> None:
    here, visitor = manager
    release = await here.store.read(read)
    found = {name: one for name, one in release.items() if name.measure == "pulse"}
    quarters = sorted({name.period for name in found})
    file = await visitor.get("/metrics/trust/sharing.csv")
    rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))[-len(quarters) :]
    said = [
        ["withheld" if one is None else str(one) for one in (found[name].members for name in names)]
        for names in (
            [Name(quarter, "pulse", part) for part in ("", "sharing agree", "sharing neither", "sharing disagree")]
            for quarter in quarters
        )
    ]
    assert len(quarters) >= 2 and [row[1:5] for row in rows] == said
    assert {row[5] for row in rows} <= {"withheld", "Neither", "Rather yes", "Yes, fully"}
    assert "What I share goes no further than I want" in (await visitor.get("/metrics/trust")).text


async def test_how_soon_reports_are_looked_after_stands_by_quarter_as_it_was_decided(manager: Opened) -> None:
    here, visitor = manager
    release = await here.store.read(read)
    found = [one for name, one in sorted(release.items()) if name.measure == "reports"]
    assert len(found) >= 2 and any(one.members for one in found)
    file = await visitor.get("/metrics/trust/reports.csv")
    rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))[-len(found) :]
    for row, one in zip(rows, found, strict=True):
        minutes = one.figures.get("minutes")
        said = "–" if minutes is None else f"{minutes:g} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
        assert row[1:] == ["withheld" if one.members is None else str(one.members), said]
    page = (await visitor.get("/metrics/trust")).text
    assert "Half had it looked after within" in page and rows[-1][2] in page
    (block,) = [
        one
        for one in (await here.store.read(lambda connection: reports.document(connection, date(2026, 10, 1))))["blocks"]  # type: ignore[index]
        if one["title"] == "Reports"
    ]
    assert [row[2] for row in block["rows"]] == [row[2] for row in rows]


async def test_organisations_stand_there_by_name_while_their_leads_want_it(filled: Path, manager: Opened) -> None:
    """Who is not named is nowhere, and what is taken back is gone with the next page; reports have none of it."""
    here, _ = manager
    states = await here.store.read(read_named)
    assert {active for _month, active in states.items()} >= {True, None}
    (large, small) = (max(key for (_, key), active in states.items() if active is wanted) for wanted in (True, None))
    names = [large, small]
    async with opened(filled, "manager", named=names) as (_, visitor):
        page = (await visitor.get("/metrics/organisations")).text
        assert f"The {large}" in page and f"The {small}" in page and "Organisations by name" in page
        rows = list(
            csv.reader(io.StringIO((await visitor.get("/metrics/organisations/named.csv")).text.lstrip("\ufeff")))
        )
        found = {row[0]: row[1:] for row in rows if row and row[0].startswith("The ")}
        newest = sorted({month for month, _ in states})[-6:]
        said = {True: "active", False: "not active", None: "withheld"}
        assert found == {f"The {one}": [said[states.get((month, one))] for month in newest] for one in names}
        assert (await visitor.get("/metrics/organisations/named.png")).status == 200
        names.clear()
        page = (await visitor.get("/metrics/organisations")).text
        assert large not in page and "Organisations by name" not in page
        assert (await visitor.get("/metrics/organisations/named.csv")).status == 404
    kept = await here.store.read(lambda connection: [str(row) for row in connection.execute(sa.select(tables.report))])
    assert kept and not any(large in row or "by name" in row for row in kept)


async def test_managers_write_down_what_happened(manager: Opened) -> None:
    _, visitor = manager
    form = form_of((await visitor.get("/metrics/overview")).text)
    for day, text, said in (
        ("soon", "workshop", "year, month and day"),
        ("1999-12-31", "workshop", "year, month and day"),
        ("2026-11-03", " ", "Please write what happened"),
        ("2026-11-03", "x" * 121, "too long"),
    ):
        answer = await visitor.post("/metrics/annotations", {"form": form, "day": day, "text": text})
        assert answer.status == 400 and said in answer.text
    answer = await visitor.post("/metrics/annotations", {"form": form, "day": "2026-11-03", "text": HOSTILE})
    assert (answer.status, answer.location) == (303, "/metrics/overview?done=changed")
    page = (await visitor.get("/metrics/overview")).text
    assert "&lt;img src=x" in page and "<img src=x" not in page and 'class="plot-mark"' in page
    number = re.search(r'name="gone" value="(\d+)"', page)
    assert number
    await visitor.post("/metrics/annotations", {"form": form, "gone": number[1]})
    assert "&lt;img src=x" not in (await visitor.get("/metrics/overview")).text
    assert (await visitor.post("/metrics/annotations", {"form": form, "gone": "x"})).status == 400


async def test_a_community_without_figures_says_when_there_are_some(tmp_path: Path) -> None:
    async with opened(tmp_path / "bots.db", "manager") as (_, visitor):
        for section in SECTIONS:
            page = await visitor.get(f"/metrics/{section}")
            assert page.status == 200 and "There is nothing to show yet." in page.text
        assert "There is no report yet." in (await visitor.get("/metrics/report")).text
        assert (await visitor.get("/metrics/overview/weeks.csv")).status == 404
