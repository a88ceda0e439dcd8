"""Uploads are looked at before anybody can open or share them: a real clamd, a list, a matcher (rules F1, X1, E1)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from belisha.audit import hidden
from tests.support.clamav import LARGEST, MALWARE, Scanner
from tests.support.community import Community, assert_refused
from tests.support.files import ADDRESSES, fetch, message, png, state_of, upload
from tests.support.matching import SECRET, MatcherServer
from tests.support.patience import until
from tests.support.screening import (
    LATE,
    OF_THE_MATCHER,
    ON_THE_LIST,
    alerted,
    announce,
    digest_of,
    offer,
    on_disk,
    put,
    refuses,
    settings_of,
    start_with,
    stewards_read,
)
from tests.support.server import ended
from tests.support.settled import make_community
from tests.support.workers import Workers
from tests.synapse.test_metrics import numbers
from tests.synapse.test_notice import _notices

pytestmark = pytest.mark.more

Json = dict[str, Any]
#: What must be nowhere: in no room, no table, no log, and not on the disk.
NAME = "quenchwinkle.pdf"


@pytest.fixture(scope="module")
def scanner() -> Iterator[Scanner]:
    here = Scanner()
    here.start()
    try:
        yield here
    finally:
        here.close()


@pytest_asyncio.fixture(scope="module")
async def matcher() -> AsyncIterator[MatcherServer]:
    here = MatcherServer()
    here.known.add(digest_of(OF_THE_MATCHER))
    await here.start()
    try:
        yield here
    finally:
        await here.stop()


@pytest.fixture(scope="module")
def known_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("list") / "known.txt"
    (path.parent / "secret").write_text(f"{SECRET}\n")
    path.write_text(f"# of the tests\n{digest_of(ON_THE_LIST)}\n")
    return path


@pytest_asyncio.fixture(scope="module")
async def community(
    tmp_path_factory: pytest.TempPathFactory, scanner: Scanner, matcher: MatcherServer, known_list: Path
) -> AsyncIterator[Community]:
    """A community of this file alone, whose belisha.yaml says `scan: required`."""
    folder = tmp_path_factory.mktemp("screening")
    settings = settings_of(scanner, matcher, known_list, known_list.parent / "secret")
    here = await make_community(folder / "data", module="tests.synapse.dying.Dying")
    with ended(here.server):
        try:
            await start_with(here, settings)
            yield here
        finally:
            await here.close()


async def told(community: Community, who: str, sentence: str) -> None:
    """Waits until the member is told in their own room."""

    async def is_told() -> bool:
        return any(sentence in str(content) for content in await _notices(community, who))

    await until(is_told, LATE)


async def problems(community: Community) -> list[str]:
    status, body = await community.server.local("GET", "health")
    assert status == 200, body
    return list(body["checks"]["files"])


async def test_what_is_clean_is_taken(community: Community, matcher: MatcherServer) -> None:
    data = png(1)
    media_id = await upload(community, "ana", data, "chart.png", "image/png")
    await community.sent(message(community, media_id), "closed")
    assert (await fetch(community, "dina", media_id)).data == data
    media_id = await announce(community)
    assert (await put(community, media_id, b"Tides")).status == 200
    assert (await fetch(community, "ana", media_id)).data == b"Tides"
    headers, body = matcher.asked[-1]
    assert json.loads(body) == {"sha256": digest_of(b"Tides")} and headers["Authorization"] == f"Bearer {SECRET}"
    assert await problems(community) == []


@pytest.mark.parametrize(
    ("data", "code", "what", "by"),
    [
        (MALWARE, "MALWARE", "malware", "clamav"),
        (ON_THE_LIST, "NOT_ACCEPTED", "known file", "list"),
        (OF_THE_MATCHER, "NOT_ACCEPTED", "known file", "matcher"),
    ],
)
async def test_what_is_found_is_kept_nowhere(community: Community, data: bytes, code: str, what: str, by: str) -> None:
    """Neither bytes nor row nor thumbnail; the stewards are told who and when, the member why, the log no content."""
    rows = "SELECT COUNT(*) AS n FROM local_media_repository WHERE media_length IS NOT NULL"
    before = community.server.query(rows)
    body = refuses(await offer(community, data, "ben", NAME), code)
    assert NAME not in str(body)
    media_id = await announce(community)
    assert refuses(await put(community, media_id, data, NAME), code) == body
    assert community.server.query(rows) == before and on_disk(community, data) == []
    assert state_of(community, media_id) is None
    for address in ADDRESSES:
        path = f"{address}{'&' if '?' in address else '?'}timeout_ms=0"
        for who in ("ana", "dina", "cora", "steward"):
            assert (await fetch(community, who, media_id, path)).status in (400, 404, 504), (who, path)
    status, refusal = await community.put("ana", "closed", message(community, media_id))
    assert_refused(status, refusal, "FILE_NOT_READY", rule="F1")

    card = await alerted(community, "ben", what, by)
    facts = card["org.belisha.alert"]
    assert set(facts) == {"id", "what", "by", "member", "at", "count"} and facts["count"] == 1
    assert community.id("ben") in card["body"] and "UTC" in card["body"]
    await alerted(community, "ana", what, by)
    await told(community, "ben", f"Your file was not taken. {body['error']}")

    # No room, table or log has the file's name or its hash; the audit log has what stands for the hash.
    for word in (NAME, digest_of(data)):
        for table in community.server.tables():
            if not table.startswith(("event_search", "_temp")):
                assert word not in str(community.server.query(f'SELECT * FROM "{table}"')), table  # noqa: S608
        logs = (community.server.data / "logs").rglob("*")
        assert not any(word in path.read_text(errors="replace") for path in logs)
    key = (community.server.data / "secrets" / "audit").read_text().strip().encode()

    async def is_logged() -> bool:
        entries = [json.loads(row["entry"]) for row in community.server.query("SELECT entry FROM belisha_audit")]
        matches = [one for one in entries if (one.get("kind"), one.get("what"), one.get("by")) == ("alert", what, by)]
        return {one["digest"] for one in matches} == {hidden(key, digest_of(data))}

    await until(is_logged, LATE)
    # What comes afterwards under the announced id is looked at for itself.
    assert (await put(community, media_id, b"Tides")).status == 200


async def test_the_same_again_is_counted_on_the_card(community: Community) -> None:
    """One card an hour for each member: nobody can flood the stewards' room."""
    for number in range(3):
        refuses(await offer(community, MALWARE, "emil"), "MALWARE")
        if number == 0:
            card = await alerted(community, "emil", "malware", "clamav")
    community.server.change("UPDATE belisha_alert SET told_at = told_at - 100")

    async def is_counted() -> bool:
        edits = [one["m.new_content"] for one in await stewards_read(community) if "m.new_content" in one]
        return any(
            (one["org.belisha.alert"]["id"], one["org.belisha.alert"]["count"]) == (card["org.belisha.alert"]["id"], 3)
            and "3 times" in one["body"]
            for one in edits
        )

    await until(is_counted, LATE)


def write(path: Path, text: str | None) -> None:
    """Writes the list anew, or takes it away."""
    path.unlink() if text is None else path.write_text(text)


async def test_the_list_holds_as_it_is_now(community: Community, known_list: Path) -> None:
    """What is added holds at once; a broken line is told, and the others hold; without the list nothing is taken."""
    before, later = f"# of the tests\n{digest_of(ON_THE_LIST)}\n", b"Put on the list a moment ago"
    assert (await offer(community, later)).status == 200
    try:
        write(known_list, f"{before}{digest_of(later)}\nthis is no hash\n")
        refuses(await offer(community, later), "NOT_ACCEPTED")
        refuses(await offer(community, ON_THE_LIST), "NOT_ACCEPTED")
        assert (await offer(community, b"Tides")).status == 200
        (problem,) = await problems(community)
        assert "line 4" in problem and "2 hashes hold" in problem
        write(known_list, None)
        body = refuses(await offer(community, b"Tides"), "NOT_SCANNED", "X1")
        assert "try again" in body["error"] and str(known_list) not in str(body)
        (problem,) = await problems(community)
        assert "cannot be read" in problem
    finally:
        write(known_list, before)
    assert (await offer(community, b"Tides")).status == 200


@pytest.mark.parametrize(
    "answer", [(200, b'{"known": "no"}'), (200, b"<html>"), (503, b'{"known": false}'), (302, b'{"known": false}')]
)
async def test_without_a_proper_answer_of_the_matcher_nothing_is_taken(
    community: Community, matcher: MatcherServer, answer: tuple[int, bytes]
) -> None:
    matcher.answer = answer
    try:
        refuses(await offer(community, b"Tides"), "NOT_SCANNED", "X1")
        assert ["files.known.matcher" in one for one in await problems(community)] == [True]
    finally:
        matcher.answer = None
    assert (await offer(community, b"Tides")).status == 200


async def test_a_matcher_that_is_gone(community: Community, matcher: MatcherServer) -> None:
    await matcher.stop()
    try:
        refuses(await offer(community, b"Tides"), "NOT_SCANNED", "X1")
        refuses(await offer(community, ON_THE_LIST), "NOT_ACCEPTED")
    finally:
        await matcher.start()
    assert (await offer(community, b"Tides")).status == 200


@pytest.mark.full
async def test_what_required_cannot_scan_is_refused(community: Community, scanner: Scanner) -> None:
    """Too large, hanging, gone; what a hanging scanner holds up is uploads alone."""
    refuses(await offer(community, bytes(LARGEST + 1)), "TOO_LARGE_TO_SCAN", "X1")
    scanner.hang()
    try:
        refuses(await offer(community, b"Tides"), "NOT_SCANNED", "X1")
        assert ["clamd" in one for one in await problems(community)] == [True]
    finally:
        scanner.go_on()
    scanner.stop()
    try:
        refuses(await offer(community, b"Tides"), "NOT_SCANNED", "X1")
        found = await numbers(community)
        assert found["belisha_files_screened_total", frozenset({("outcome", "not_checked")})] >= 3
    finally:
        scanner.start()
    assert (await offer(community, b"Tides")).status == 200


async def crash(community: Community) -> None:
    """kill -9 of whoever takes uploads."""
    if isinstance(community.server, Workers):
        community.server.end_process("media")
        community.server.start_process("media")
        await community.server.ready()
    else:
        community.server.kill()
        await community.server.start()


@pytest.mark.full
async def test_a_crash_amid_a_scan_leaves_nothing_to_open_and_nothing_lying(
    community: Community, scanner: Scanner
) -> None:
    data = b"Bytes that nobody has looked at yet"
    media_id = await announce(community)
    scanner.hang()
    try:
        waiting = asyncio.create_task(put(community, media_id, data))

        async def is_lying() -> bool:
            return on_disk(community, data) != []

        await until(is_lying, LATE)
        await crash(community)
        (answer,) = await asyncio.gather(waiting, return_exceptions=True)
        assert isinstance(answer, Exception) or answer.status == 502, "a router in front says it in its way"
    finally:
        scanner.go_on()
    assert on_disk(community, data) != []
    for who in ("ana", "dina", "cora"):
        assert (await fetch(community, who, media_id, ADDRESSES[2])).status in (404, 504)
    status, refusal = await community.put("ana", "closed", message(community, media_id))
    assert_refused(status, refusal, "FILE_NOT_READY", rule="F1")
    community.server.change("UPDATE belisha_screening SET due = 0 WHERE media_id = ?", media_id)

    async def is_gone() -> bool:
        return on_disk(community, data) == []

    await until(is_gone, LATE)
    assert (await put(community, media_id, b"Tides")).status == 200


async def test_a_crash_between_the_card_and_its_row_tells_once(community: Community) -> None:
    die = community.server.data / "die"
    write(die, "before belisha_alert_told")
    with contextlib.suppress(aiohttp.ClientError):  # it may die before it has answered
        refuses(await offer(community, MALWARE, "mona"), "MALWARE")

    async def has_died() -> bool:
        return die not in set(community.server.data.iterdir())

    await until(has_died, LATE)
    community.server.kill()
    await community.server.start()

    async def is_told() -> bool:
        return not community.server.query("SELECT 1 FROM belisha_alert WHERE told < count AND card IS NULL")

    await until(is_told, LATE)
    cards = [content.get("org.belisha.alert", {}) for content in await stewards_read(community)]
    assert len([one for one in cards if one.get("member") == community.id("mona")]) == 1


@pytest.mark.full
async def test_best_effort_takes_it_and_scans_it_later(
    community: Community, scanner: Scanner, matcher: MatcherServer, known_list: Path
) -> None:
    """What is found then is closed to everybody, gone, and told; the stewards are told that the scanner was away."""
    settings = settings_of(scanner, matcher, known_list, known_list.parent / "secret")
    files = settings.files.model_copy(update={"scan": "best_effort"})
    await start_with(community, settings.model_copy(update={"files": files}))
    too_large = bytes(LARGEST + 1)
    large = await upload(community, "ana", too_large)
    scanner.stop()
    try:
        refuses(await offer(community, ON_THE_LIST), "NOT_ACCEPTED")
        clean = await upload(community, "ana", b"Tides")
        infected = await upload(community, "finn", MALWARE, "x.bin", "application/octet-stream")
        await community.sent(message(community, clean), "closed")
        await community.sent(message(community, infected), "open", by="finn")
        assert (await fetch(community, "ana", infected)).data == MALWARE
        waiting = "SELECT media_id FROM belisha_screening WHERE unscanned = 1"
        assert {row["media_id"] for row in community.server.query(waiting)} == {large, clean, infected}

        async def are_told(sentence: str) -> bool:
            return any(sentence in str(content) for content in await stewards_read(community))

        await until(lambda: are_told("files are taken without it"), LATE)
    finally:
        scanner.start()

    async def is_withdrawn() -> bool:
        return state_of(community, infected) == "withdrawn" and on_disk(community, MALWARE) == []

    await until(is_withdrawn, LATE)
    for who in ("finn", "ana", "cora"):
        assert (await fetch(community, who, infected)).status == 404
    await alerted(community, "finn", "malware found later", "clamav")
    assert (await fetch(community, "dina", clean)).data == b"Tides"

    async def is_scanned() -> bool:
        rows = community.server.query("SELECT media_id, tries FROM belisha_screening WHERE unscanned = 1")
        return [(row["media_id"], row["tries"] > 0) for row in rows] == [(large, True)]

    await until(is_scanned, LATE)
    assert (await fetch(community, "ana", large)).data == too_large
    await until(lambda: are_told("Files are checked again"), LATE)
    found = await numbers(community)
    assert found["belisha_files_unscanned", frozenset()] >= 1
    assert found["belisha_files_checker_up", frozenset({("checker", "clamav")})] == 1
