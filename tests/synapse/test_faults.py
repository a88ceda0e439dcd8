"""Whatever fails while something is decided: the answer is no, with a sentence, and the log holds no content (X1)."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

import nio
import pytest
import pytest_asyncio

from belisha.resources import shipped
from belisha.settings import parse
from synapse_modules.channels import Channels
from tests.support.community import Community, unique
from tests.support.ledger import query, relabel, rows
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.fault_rows import GATEWAY, NOTHING, ROWS, WORDS, Row
from tests.synapse.faulty import ENTRANCES, FAULTS, HITS, RAISES, SECRET, WANTED
from tests.synapse.samples import text

#: Refused by Synapse in its own words: these callbacks answer yes or no, and what they raise would allow it.
PLAIN = frozenset({"callback check_visibility_can_be_modified"})
#: What fails behind what is done: it is done again soon, which has a test of its own.
AFTERWARDS = {"api MemberApi POST recover": frozenset({"state", "hooks", "synapse"})}
CANNOT_DECIDE = "ORG.BELISHA.CANNOT_DECIDE"
#: The answers that a fault may make slow, but never hang, in seconds.
AT_MOST = 120.0


@pytest_asyncio.fixture(scope="module")
async def faulty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community whose module fails on demand."""
    example = shipped("config", "belisha.example.yaml").read_text()
    settings = parse(example.replace("gateways: []", f"gateways: [{GATEWAY!r}]"))
    folder = tmp_path_factory.mktemp("faulty") / "data"
    here = await make_community(folder, settings, module="tests.synapse.faulty.Faulty")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


@contextmanager
def fault(community: Community, entrance: str, what: str, raises: str = "RuntimeError") -> Iterator[Path]:
    """While something is asked within an entrance, it raises; the file has a line for each time it did."""
    data = community.server.data
    wanted, hits = data / WANTED, data / HITS
    hits.write_text("")
    wanted.write_text(json.dumps({"entrance": entrance, "fault": what, "raises": raises}))
    try:
        yield hits
    finally:
        wanted.unlink()


async def check(community: Community, entrance: str, row: Row, raises: Iterator[str]) -> list[str]:
    """Makes a request with each fault; each that it meets must refuse it, and it meets one. What was wrong."""
    status, body = await (await row(community))()
    if status != 200:
        return [f"{entrance}: without a fault it is refused: {body}"]
    met, wrong = 0, []
    for what in FAULTS:
        act = await row(community)
        with fault(community, entrance, what, next(raises)) as hits:
            status, body = await asyncio.wait_for(act(), AT_MOST)
            is_met = bool(hits.read_text())
        met += is_met
        if not is_met:
            refused = status == 200
        elif entrance in PLAIN:
            refused = (status, body["error"]) == (403, "Not allowed to publish room")
        elif what in AFTERWARDS.get(entrance, ()) and status == 200:
            refused = True
        else:
            # An account that is made, and then no member, is confined and told so.
            unfinished = entrance.endswith("register_user") and body.get("errcode") == "ORG.BELISHA.UNFINISHED"
            undecided = (body["errcode"], body.get("org.belisha.rule")) == (CANNOT_DECIDE, "X1")
            refused = status == 403 and (undecided or unfinished)
        if not refused:
            wrong.append(f"{entrance}: {what} {'raises' if is_met else 'is not asked'}: {status} {body}")
    return wrong if met else [f"{entrance}: no fault reaches it"]


async def check_all(community: Community, raises: Iterator[str]) -> None:
    """Makes each request with each fault, which raises what is next."""
    wrong = [
        each
        for entrance, rows in ROWS.items()
        for row in rows
        for each in await check(community, entrance, row, raises)
    ]
    assert not wrong, "\n".join(wrong)


def assert_silent(community: Community) -> None:
    """No log holds what a member wrote, nor the text of what was raised."""
    for file in (community.server.data / "logs").iterdir():
        log = file.read_text()
        assert WORDS not in log and SECRET not in log, file.name


async def test_every_entrance_has_its_row(faulty: Community) -> None:
    entrances = set(json.loads((faulty.server.data / ENTRANCES).read_text()))
    rows = set(ROWS) | set(NOTHING)
    assert (sorted(entrances - rows), sorted(rows - entrances)) == ([], [])


def test_a_pusher_that_cannot_be_decided_about_does_not_run() -> None:
    channels = Channels.__new__(Channels)
    channels._gateways = frozenset({GATEWAY})
    assert channels._may_push("http", {"url": GATEWAY})
    with patch("synapse_modules.channels.decide_pusher", side_effect=RuntimeError(SECRET)):
        assert not channels._may_push("http", {"url": GATEWAY})


@pytest.mark.full
@pytest.mark.parametrize("what", ["database", "hooks"])
async def test_what_follows_from_an_event_is_done_later(faulty: Community, what: str) -> None:
    """Where it fails, the next round finds it: an act, and the invitation of a bot."""
    item = await faulty.sent(text("TLP:GREEN Tide"), "closed")
    status, made = await faulty.create("ana", {"preset": "private_chat"})
    assert status == 200
    room = quote(made["room_id"])
    with fault(faulty, "callback on_new_event", what) as hits:
        status, body = await faulty.put("ana", "closed", relabel(item, "TLP:AMBER"), event_type="org.belisha.relabel")
        assert status == 200, body
        path = f"/_matrix/client/v3/rooms/{room}/invite"
        status, body = await request(faulty["ana"], "POST", path, {"user_id": faulty.id("steward")})
        assert status in (200, 403), body  # 403: it was there already

        async def is_hit() -> bool:
            return bool(hits.read_text())

        await until(is_hit)

    async def is_followed() -> bool:
        row = rows(faulty).get(item)
        return row is not None and row["label"] == "TLP:AMBER" and row["badge_due"] is None

    await until(is_followed)
    assert_silent(faulty)


@pytest.mark.full
@pytest.mark.parametrize("raises", ["RuntimeError", "asyncio's CancelledError"])  # an Exception, and none
@pytest.mark.parametrize("what", ["database", "hooks"])
async def test_who_lost_their_right_is_removed_later(faulty: Community, what: str, raises: str) -> None:
    """Where looking for what is to be done fails, or doing it, the next turn does it (M1)."""
    name = unique("nora")
    client = await faulty.server.member(name, "harbour")
    try:
        assert isinstance(await client.join(faulty.rooms["open"]), nio.JoinResponse)
        with fault(faulty, "loop belisha_reviews", what, raises) as hits:
            status, body = await faulty.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"})
            assert status == 200, body

            async def is_hit_again() -> bool:
                return len(hits.read_text().splitlines()) >= 2

            await until(is_hit_again)

        async def is_out() -> bool:
            membership = "SELECT membership FROM local_current_membership WHERE user_id = ? AND room_id = ?"
            (row,) = query(faulty, membership, client.user_id, faulty.rooms["open"])
            return bool(row["membership"] == "leave")

        await until(is_out)
    finally:
        await client.close()
    assert_silent(faulty)


@pytest.mark.full
@pytest.mark.parametrize(
    "raises",
    [["RuntimeError"], pytest.param(sorted(RAISES), marks=pytest.mark.nightly)],
    ids=["an exception", "one after the other"],
)
async def test_whatever_is_raised_the_answer_is_no(faulty: Community, raises: list[str]) -> None:
    await check_all(faulty, itertools.cycle(raises))
    assert_silent(faulty)
