"""The report of a month: frozen once, told to managers, and as a PDF the same for good."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pypdf
import pytest
import sqlalchemy as sa

from belisha.metrics.days import Period, month_of, week_of
from belisha.metrics.facts import Pseudonyms
from bots.charts.artist import NotDrawn, printer
from bots.kernel.bot import Context, Job
from bots.kernel.effects import Effect, Schedule, Send
from bots.kernel.store import Store
from bots.metrics import reports
from bots.metrics.metrics import PUBLISH, TELL, Metrics
from bots.metrics.tables import annotation, progress, shown
from tests.bots.support import SERVER, STEWARD
from tests.bots.test_schedule import LONDON, at

OCTOBER, NOVEMBER, DECEMBER = (month_of(date(2026, month, 1)) for month in (10, 11, 12))
FOURTH = at("2026-11-04 03:40")
COMMUNITY = "Harbour & <Co>"


def decided(period: Period, measure: str, part: str = "", members: int | None = 30) -> dict[str, Any]:
    first, last = period.first.toordinal(), period.last.toordinal()
    return {"first": first, "last": last, "measure": measure, "part": part, "members": members, "figures": "{}"}


async def decide(store: Store, *rows: dict[str, Any]) -> None:
    await store.write(lambda one: one.execute(shown.insert(), list(rows)))


async def run(store: Store, name: str, now: float, managers: tuple[str, ...] = (), **arguments: Any) -> list[Effect]:
    metrics = Metrics(Pseudonyms(b"k" * 32), LONDON, COMMUNITY, "https://portal.example")

    def work(connection: sa.Connection) -> list[Effect]:
        context = Context(STEWARD, now=now, connection=connection, managers=managers)
        return list(metrics.run(Job(name, now, arguments), context) or ())

    return await store.write(work)


async def month_after_month(store: Store) -> None:
    """September and October have been decided about."""
    september = month_of(date(2026, 9, 1))
    group = decided(OCTOBER, "group", f"!secret-name:{SERVER}", 12)
    trend = [decided(week_of(date(2026, 10, day)), "active", members=20) for day in (5, 12)]
    later = decided(week_of(date(2026, 11, 2)), "active", members=76543)
    parts = [decided(OCTOBER, "growth", "came", None), decided(OCTOBER, "growth", "quiet", 12)]
    active = [decided(september, "active"), decided(OCTOBER, "active", members=24)]
    await decide(store, *active, group, later, *trend, *parts)
    note = {"day": date(2026, 10, 3).toordinal(), "text": "a workshop", "author": "@mia"}
    await store.write(lambda one: one.execute(annotation.insert().values(note)))


async def test_a_report_is_frozen_once_and_managers_are_told_in_the_morning(store: Store) -> None:
    await month_after_month(store)
    (tell,) = await run(store, PUBLISH, at("2026-11-03 03:40"))
    assert isinstance(tell, Schedule) and tell.arguments == {"month": "2026-09-01"}, "October has not settled yet"
    (tell,) = await run(store, PUBLISH, FOURTH)
    assert isinstance(tell, Schedule) and tell.name == TELL and tell.at == at("2026-11-04 09:00")
    assert await run(store, PUBLISH, FOURTH) == [], "once"
    assert (await store.read(reports.months))[0] == OCTOBER.first
    made = await store.read(lambda one: reports.document(one, OCTOBER.first))
    assert made is not None
    assert [one["rule"] for one in made["advice"]] == ["fewer", "quiet"]
    assert made["numbers"] == {
        "Active members": 24,
        "Were there the month before": None,
        "Came, or came back": None,
        "Wrote something": None,
    }
    assert "secret-name" not in str(made) and "workshop" not in str(made) and "mia" not in str(made)
    assert "76543" not in str(made["blocks"]), "nothing of what was later"
    sent = await run(store, TELL, FOURTH, ("!ana", "!ben"), **tell.arguments)
    assert [(one.room, one.once, one.waits) for one in sent if isinstance(one, Send)] == [
        ("!ana", "report 2026-10-01 !ana", True),
        ("!ben", "report 2026-10-01 !ben", True),
    ]
    body = sent[0].content["body"]  # type: ignore[union-attr]
    assert "October 2026" in body and "24 members were active, 20 % fewer than the 30" in body
    assert "https://portal.example/metrics/report?month=2026-10" in body


async def test_what_is_decided_or_taken_away_later_changes_no_report(store: Store) -> None:
    await month_after_month(store)
    await run(store, PUBLISH, FOURTH)
    before = await store.read(lambda one: reports.document(one, OCTOBER.first))
    assert before is not None
    pdf = await printer().draw(before)
    await decide(store, decided(OCTOBER, "reading", "contributed", 9))
    await store.write(lambda one: one.execute(shown.delete().where(shown.c.measure == "group")))
    await run(store, PUBLISH, at("2026-11-20 03:40"))
    after = await store.read(lambda one: reports.document(one, OCTOBER.first))
    assert after == before and await printer().draw(after or {}) == pdf


async def test_after_a_downtime_each_month_has_its_report_and_the_newest_is_told(store: Store) -> None:
    await month_after_month(store)
    await run(store, PUBLISH, FOURTH)
    await decide(store, decided(NOVEMBER, "active", members=25), decided(DECEMBER, "active", members=25))
    (tell,) = await run(store, PUBLISH, at("2027-02-01 03:40"))
    assert isinstance(tell, Schedule) and tell.arguments == {"month": "2026-12-01"}
    assert await store.read(reports.months) == [DECEMBER.first, NOVEMBER.first, OCTOBER.first], "the first is alone"


async def test_a_month_that_is_not_decided_about_waits(store: Store) -> None:
    await decide(store, decided(OCTOBER, "reading", "contributed"))
    assert await run(store, PUBLISH, FOURTH) == [] and await store.read(reports.months) == []
    await decide(store, decided(OCTOBER, "active", members=None))
    (tell,) = await run(store, PUBLISH, at("2026-11-30 03:40"))
    (sent,) = await run(store, TELL, FOURTH, ("!ana",), **tell.arguments)  # type: ignore[union-attr]
    assert isinstance(sent, Send) and "the report" in sent.content["body"], "also where nothing may be said"


def test_who_is_told_is_asked_when_it_is_told() -> None:
    needs = Metrics(Pseudonyms(b"k" * 32), LONDON).job_needs(Job(TELL, FOURTH, {"month": "2026-10-01"}))
    assert needs is not None and needs.managers


async def test_the_pdf_is_tagged_labelled_and_has_every_word_as_text(store: Store) -> None:
    await month_after_month(store)
    await store.write(lambda one: one.execute(progress.update().values(sample=True)))
    await run(store, PUBLISH, FOURTH)
    made = await store.read(lambda one: reports.document(one, OCTOBER.first))
    assert made is not None
    hostile = "#panic() <b>$x$</b> @one [two]"
    pdf = pypdf.PdfReader(io.BytesIO(await printer().draw({**made, "told": hostile})))
    root: Any = pdf.trailer["/Root"]
    assert root["/Lang"] == "en" and root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root
    assert pdf.metadata is not None and pdf.metadata.title == f"{COMMUNITY}: October 2026"
    pages = [" ".join(page.extract_text().split()) for page in pdf.pages]
    assert all(page.count("TLP:AMBER") == 2 for page in pages), "in the header and the footer of each"
    text = " ".join(pages)
    assert hostile in text and "A sample." in text
    assert "24 members were active, 20 % fewer" in text and "What to try:" in text
    described = [one.get_object() for one in _tags(root["/StructTreeRoot"]) if one.get_object().get("/S") == "/Figure"]
    assert described and all("The table below" in str(one.get("/Alt")) for one in described)


def _tags(tag: Any) -> list[Any]:
    children = tag.get("/K", ())
    kept = [one for one in (children if isinstance(children, list) else [children]) if hasattr(one, "get_object")]
    found = [one for one in kept if isinstance(one.get_object(), dict)]
    return found + [deeper for one in found for deeper in _tags(one.get_object())]


async def test_what_is_no_report_is_not_printed() -> None:
    with pytest.raises(NotDrawn):
        await printer().draw({"title": "nothing else"})
