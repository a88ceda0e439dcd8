"""The quarter's questions on the portal: answered by members alone, while open; nothing of an answer is shown."""

from __future__ import annotations

import logging
import re
from datetime import date
from http import HTTPStatus
from pathlib import Path

import pytest
import sqlalchemy as sa

from belisha.metrics.pulse import given
from bots.metrics.pulse_box import PulseBox, ballot_id
from bots.metrics.tables import pulse
from bots.polls.ballot_box import unsealed_of
from bots.polls.key_files import KeyFiles
from tests.portal.alone import ANA, module, portal, store_at
from tests.portal.support import Visitor, form_of
from tests.portal.test_figures import GENEROUS, HOME

QUARTER = date(2026, 4, 1)


async def test_a_member_answers_and_nobody_is_shown_what(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keys = KeyFiles(tmp_path / "ballot-keys")
    async with store_at(f"sqlite:///{tmp_path}/bots.db") as here, module(HOME) as homeserver:
        box = PulseBox(here.store, keys, lambda: here.now)
        async with portal(here, GENEROUS, homeserver, pulses=box) as visitor:
            assert (await Visitor(visitor.url).get("/pulse")).location.startswith("/sign-in")
            visitor.cookies["belisha"] = await here.opened(ANA)
            assert "Nothing is asked at present" in (await visitor.get("/pulse")).text
            row = {"quarter": QUARTER.toordinal(), "closes": here.now + 600}
            await here.store.write(lambda one: one.execute(pulse.insert().values(row)))
            page = await visitor.get("/pulse")
            assert page.text.count('type="radio"') == 10 and "You have answered" not in page.text
            once = re.search(r'name="once" value="([^"]+)"', page.text)
            assert once
            fields = {"form": form_of(page.text), "once": once[1]}
            for wrong in ({}, {"sharing": "5"}, {"sharing": "5", "using": "6"}, {"sharing": "0", "using": "x"}):
                answer = await visitor.post("/pulse", {**fields, **wrong})
                assert answer.status == HTTPStatus.BAD_REQUEST and "Please answer both" in answer.text
            assert (await visitor.post("/pulse", {**fields, "once": "x"})).status == HTTPStatus.BAD_REQUEST
            with caplog.at_level(logging.INFO):
                for points in (("4", "2"), ("4", "2"), ("5", "1")):
                    answer = await visitor.post("/pulse", {**fields, "sharing": points[0], "using": points[1]})
                    assert answer.status == HTTPStatus.OK and "Your answer is taken" in answer.text
            logged = [one.getMessage() for one in caplog.records if one.name.startswith(("bots", "aiohttp"))]
            assert logged and not [one for one in logged if "sharing" in one or once[1] in one]
            page = await visitor.get("/pulse")
            assert "You have answered" in page.text and "checked" not in page.text

            def found(connection: sa.Connection) -> list[object]:
                ballots, damaged = unsealed_of(
                    connection, keys, {"event_id": ballot_id(QUARTER), "has_key": True}, [ANA]
                )
                return [*map(given, (one.choices for one in ballots.values())), damaged]

            assert await here.store.read(found) == [(5, 1), 0], "the last one counts, and it alone"
            here.now += 600
            answer = await visitor.post("/pulse", {**fields, "sharing": "1", "using": "1"})
            assert "Nothing is asked at present" in answer.text
            assert await here.store.read(found) == [(5, 1), 0]


async def test_where_no_key_can_be_kept_there_is_no_such_page(tmp_path: Path) -> None:
    async with (
        store_at(f"sqlite:///{tmp_path}/bots.db") as here,
        module(HOME) as homeserver,
        portal(here, GENEROUS, homeserver) as visitor,
    ):
        visitor.cookies["belisha"] = await here.opened(ANA)
        assert (await visitor.get("/pulse")).status == HTTPStatus.NOT_FOUND
