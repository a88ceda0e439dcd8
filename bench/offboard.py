"""Off-boarding of an organisation of 20 people in 60 groups: when everything is closed to them, and when they are gone.

One server (SQLite) and two organisations: one with 200 memberships, and one whose people are in every group, which is
1,200. "Closed" is when no access token of theirs gets an answer any more, "gone" when Synapse's own tables name none of
them in any room; both count from the moment at which the removal stands in the registry. A third organisation with
1,200 memberships is off-boarded too, and the server killed amid it: what is left then has to end by itself.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.report import Bar, BenchFailed, Result, say
from bench.send import folder
from tests.support.community import FAST, Community, settle
from tests.support.server import Server, ended, request
from tests.synapse.test_acts import hand_over, stored, typed
from tests.synapse.test_groups import own_room
from tests.synapse.test_offboarding import an_organisation, memberships

_PEOPLE: Final = 20
_GROUPS: Final = 60
_SOME: Final = 10
#: After so long it has failed, in seconds.
_AT_MOST: Final = 600.0
_SYNC: Final = "/_matrix/client/v3/sync?timeout=0"
_REMOVED: Final = "SELECT 1 FROM belisha_organisation WHERE organisation_id = ? AND standing = 'removed'"


def run(*, quick: bool) -> Result:
    """Starts the server, and off-boards; quick leaves out the two with 1,200 memberships."""
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made:
        return asyncio.run(_run(Path(made), quick=quick))


async def _run(made: Path, *, quick: bool) -> Result:
    server = Server(made / "data", overrides=FAST)
    with ended(server):
        say("starting Synapse …")
        await server.start()
        community = await settle(server)
        figures = await _off_board(community, _SOME)
        if not quick:
            figures |= await _off_board(community, _GROUPS)
            figures |= await _killed(community)
        await community.close()
    meaning = (
        f"An organisation of {_PEOPLE} people with 200 memberships is closed out after {figures['closed_s']:.2f} s, "
        f"and in no room any more after {figures['gone_s']:.1f} s."
    )
    if not quick:
        meaning += f" 1,200 take {figures['gone_s_1200']:.0f} s, {figures['memberships_per_s']:.0f} a second."
    bars = {"closed_s": Bar(most=1.0), "gone_s": Bar(most=10.0), "closed_s_1200": Bar(most=1.0)}
    held = {name: bar for name, bar in bars.items() if name in figures}
    return Result("offboard", figures, bars=held, meaning=meaning)


async def _organisation(community: Community, each: int) -> tuple[str, list[str], int]:
    say(f"making {_GROUPS} groups, in which {_PEOPLE} people have {_PEOPLE * each} memberships …")
    key, names, _ = await an_organisation(community, _PEOPLE, _GROUPS, each)
    return key, names, len(memberships(community, names))


async def _begin(community: Community, key: str) -> asyncio.Task[object]:
    """Hands the manager's command over; returns when the removal stands in the registry."""
    where = await own_room(community, "mona")
    event = await typed(community, "mona", where, f"!offboard organisation {key}")
    going = asyncio.create_task(hand_over(community, where, event, "organisation_offboard", {"organisation": key}))
    await _until(lambda: bool(stored(community, _REMOVED, key)), 0.005)
    return going


async def _off_board(community: Community, each: int) -> dict[str, float]:
    key, names, count = await _organisation(community, each)
    say(f"off-boarding them ({count} memberships with their own rooms, announcements and the Space) …")
    going, since = await _begin(community, key), time.monotonic()
    while not all(status in (401, 403) for status in await asyncio.gather(*(_sync(community, name) for name in names))):
        _check(since)
    closed = time.monotonic() - since
    await _until(lambda: not memberships(community, names), 0.1)
    gone = time.monotonic() - since
    await going
    if each == _SOME:
        return {"closed_s": closed, "gone_s": gone}
    return {"closed_s_1200": closed, "gone_s_1200": gone, "memberships_per_s": count / gone}


async def _killed(community: Community) -> dict[str, float]:
    key, names, count = await _organisation(community, _GROUPS)
    say("off-boarding them, and killing the server when half of it is done …")
    going = await _begin(community, key)
    await _until(lambda: len(memberships(community, names)) < count / 2, 0.1)
    community.server.kill()
    await asyncio.gather(going, return_exceptions=True)
    left = len(memberships(community, names))
    await community.server.start()
    since = time.monotonic()
    await _until(lambda: not memberships(community, names), 0.1)
    return {"left_when_killed": left, "gone_s_after_kill": time.monotonic() - since}


async def _sync(community: Community, name: str) -> int:
    status, _ = await request(community[name], "GET", _SYNC)
    return status


async def _until(done: Callable[[], bool], pause: float) -> None:
    since = time.monotonic()
    while not done():
        _check(since)
        await asyncio.sleep(pause)


def _check(since: float) -> None:
    if time.monotonic() > since + _AT_MOST:
        raise BenchFailed(f"It was not done after {_AT_MOST:.0f} seconds.")
