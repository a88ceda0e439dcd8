"""The operator's commands about files, the audit log and revocations, run as an operator runs them (A1, E1)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from belisha.audit import Head
from belisha.cli import data_folder
from tests.support.community import Community
from tests.support.files import fetch, message, state_of, upload
from tests.support.patience import until
from tests.support.screening import stewards_read
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import text

pytestmark = pytest.mark.more


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone, in a data folder as `belisha up` leaves it while it runs."""
    here = await make_community(tmp_path_factory.mktemp("operator") / "data")
    with ended(here.server), data_folder.locked(here.server.data):
        data_folder.write_run(here.server.data, {"homeserver": here.server.url})
        try:
            yield here
        finally:
            await here.close()


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    errors: str


async def belisha(data: Path, *arguments: object) -> Done:
    """Runs the command; whatever it says to a person is in sentences, not in a traceback."""
    command = [sys.executable, "-m", "belisha", *map(str, arguments), "--data", str(data)]
    process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)
    out, errors = await process.communicate()
    done = Done(process.returncode or 0, out.decode(), errors.decode())
    assert "Traceback" not in done.errors, done.errors
    return done


async def chained(community: Community) -> None:
    """Waits until every record stands in its chain."""

    async def are_chained() -> bool:
        return not community.server.query("SELECT 1 FROM belisha_audit_waiting")

    await until(are_chained)


# --- Files --------------------------------------------------------------------------------------------------------


async def test_a_file_is_withdrawn(community: Community) -> None:
    data = community.server.data
    media_id = await upload(community, "ana", b"Tides")
    await community.sent(message(community, media_id), "closed")
    done = await belisha(data, "file", "withdraw", f"mxc://{community.server.name}/{media_id}")
    assert (done.code, done.out) == (0, f"{media_id}: withdrawn; it is being erased\n")
    assert state_of(community, media_id) == "withdrawn"
    assert (await fetch(community, "dina", media_id)).status == 404
    done = await belisha(data, "file", "withdraw", media_id)
    assert (done.code, done.out) == (0, f"{media_id}: is withdrawn already\n")


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (
            "mxc://matrix.org/{id}",
            "This is a file of matrix.org, and here is belisha.localhost. Nothing was withdrawn.",
        ),
        ("no-such-file", "No file has this id here."),
        ("mxc://belisha.localhost/", "is no file's address"),
        ("../../homeserver.db", "is no file's address"),
        ("https://belisha.localhost/{id}", "is no file's address"),
        ("", "is no file's address"),
    ],
)
async def test_what_is_no_file_of_ours_is_not_withdrawn(community: Community, file: str, sentence: str) -> None:
    media_id = await upload(community, "ana", b"Stays")
    done = await belisha(community.server.data, "file", "withdraw", file.format(id=media_id))
    assert done.code == 1 and sentence in done.errors, done
    assert state_of(community, media_id) == "pending"


# --- The audit log ------------------------------------------------------------------------------------------------


async def test_a_log_that_is_whole(community: Community, tmp_path: Path) -> None:
    assert (await community.put("ana", "open", text("TLP:RED x")))[0] == 403
    await asyncio.sleep(1)
    await chained(community)
    data = community.server.data
    done = await belisha(data, "audit", "verify")
    assert done.code == 0 and done.out.endswith("chains; nothing wrong.\n"), done
    # Heads as the bot posts them, in the lines around them.
    heads = community.server.query("SELECT writer, number, mac, seal FROM belisha_audit_head")
    saved = tmp_path / "heads.txt"
    saved.write_text("The audit log, as it is now:\n" + "\n".join(json.dumps(head) for head in heads))
    assert (await belisha(data, "audit", "verify", "--heads", saved)).code == 0
    forged = Head(**heads[0])._replace(number=heads[0]["number"] + 7)
    saved.write_text(json.dumps(forged._asdict()))
    done = await belisha(data, "audit", "verify", "--heads", saved)
    assert done.code == 1 and "A head that was kept elsewhere was altered." in done.out


async def test_a_log_that_was_changed(community: Community) -> None:
    await chained(community)
    change = community.server.change
    (row,) = community.server.query("SELECT entry FROM belisha_audit WHERE writer = 'main' AND number = 1")
    change("UPDATE belisha_audit SET entry = '{}' WHERE writer = 'main' AND number = 1")
    done = await belisha(community.server.data, "audit", "verify")
    change("UPDATE belisha_audit SET entry = ? WHERE writer = 'main' AND number = 1", row["entry"])
    assert done.code == 1 and "main: Record 1 was altered.\n" in done.out and done.out.endswith("; 1 wrong.\n"), done
    assert (await belisha(community.server.data, "audit", "verify")).code == 0


@pytest.mark.nightly
async def test_its_end_is_shown(community: Community) -> None:
    assert (await community.put("dina", "open", text("TLP:RED x")))[0] == 403
    media_id = await upload(community, "ana", b"x")
    await belisha(community.server.data, "file", "withdraw", media_id)

    async def are_there() -> bool:
        names = community.server.query(
            "SELECT pseudonym FROM belisha_pseudonym WHERE user_id = ?", community.id("dina")
        )
        log = str(community.server.query("SELECT entry FROM belisha_audit"))
        return media_id in log and any(row["pseudonym"] in log for row in names)

    await until(are_there)
    await chained(community)
    done = await belisha(community.server.data, "audit", "tail", "--lines", "2")
    assert done.code == 0 and len(done.out.splitlines()) == 2, done
    done = await belisha(community.server.data, "audit", "tail")
    assert community.id("dina") not in done.out and " refusal ABOVE_CEILING " in done.out and media_id in done.out
    done = await belisha(community.server.data, "audit", "tail", "--names")
    assert f"who={community.id('dina')}" in done.out
    done = await belisha(community.server.data, "audit", "forget", community.id("dina"))
    assert (done.code, "names nobody" in done.out) == (0, True)
    done = await belisha(community.server.data, "audit", "tail", "--names")
    assert community.id("dina") not in done.out
    done = await belisha(community.server.data, "audit", "forget", "@nobody:belisha.localhost")
    assert (done.code, "is not in the log" in done.out) == (0, True)


@pytest.mark.parametrize("form", ["jsonl", "csv", "stix", "misp"])
async def test_it_is_exported(community: Community, form: str) -> None:
    await chained(community)
    (before,) = community.server.query("SELECT COUNT(*) AS n FROM belisha_audit")
    done = await belisha(community.server.data, "audit", "export", "--format", form)
    assert done.code == 0 and done.errors == ""
    if form == "jsonl":
        count = len([json.loads(line) for line in done.out.splitlines()])
    elif form == "csv":
        count = len(list(csv.DictReader(io.StringIO(done.out))))
    elif form == "stix":
        count = sum(one["type"] == "note" for one in json.loads(done.out)["objects"])
    else:
        count = len(json.loads(done.out)["Event"]["Attribute"])
    assert count >= before["n"] >= 3


@pytest.mark.nightly
async def test_what_cannot_be_asked_is_said(community: Community, tmp_path: Path) -> None:
    data = community.server.data
    for arguments, sentence in (
        (("audit", "tail", "--lines", "0"), "'0' is no number of lines"),
        (("audit", "tail", "--lines", "-3"), "'-3' is no number of lines"),
        (("audit", "export", "--format", "xml"), "invalid choice: 'xml'"),
    ):
        done = await belisha(data, *arguments)
        assert done.code == 2 and sentence in done.errors, done
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "words").write_text("Nothing of the kind")
    for name, sentence in (
        ("nowhere", "There is no file"),
        ("picture", "cannot be read"),
        (".", "cannot be read"),
        ("words", "There is no head of an audit log in"),
    ):
        done = await belisha(data, "audit", "verify", "--heads", tmp_path / name)
        assert done.code == 1 and sentence in done.errors, done
    key = data / "secrets" / "audit"
    key.rename(key.with_name("away"))
    try:
        done = await belisha(data, "audit", "verify")
        assert done.code == 1 and "cannot be read" in done.errors and "put it back" in done.errors, done
    finally:
        key.with_name("away").rename(key)
    for arguments in (("audit", "verify"), ("file", "withdraw", "x"), ("doctor",), ("audit", "export")):
        done = await belisha(tmp_path, *arguments)
        assert done.code == 1 and f"Nothing runs in {tmp_path}." in done.errors, done


# --- Revocations --------------------------------------------------------------------------------------------------


@pytest.mark.nightly
async def test_revocations_are_replayed(community: Community, tmp_path: Path) -> None:
    """Twice, with a line that was cut short at the end; and nothing at all where a line is broken."""
    media_id = await upload(community, "ana", b"Back after a restore")
    item = await community.sent(text("Back after a restore"), "closed")
    lines = [{"what": "file", "ids": [media_id], "now": ""}, {"what": "item", "ids": [item], "now": ""}]
    journal = tmp_path / "revocations.jsonl"
    whole = "".join(f"{json.dumps(line)}\n" for line in lines)
    for broken, sentence in (
        (whole + '{"what": "file"}\n', "Line 3 of the journal is no revocation"),
        ("Dear diary\n", "Line 1 of the journal is no revocation"),
    ):
        journal.write_text(broken)
        done = await belisha(community.server.data, "revocations", "replay", journal)
        assert done.code == 1 and sentence in done.errors and "Nothing was changed." in done.errors, done
    assert state_of(community, media_id) == "pending"
    journal.write_text(whole + '{"what": "fi')
    done = await belisha(community.server.data, "revocations", "replay", journal)
    assert done.code == 0 and "      1 files withdrawn\n      1 items redacted\n" in done.out, done
    assert state_of(community, media_id) == "withdrawn"
    path = f"/_matrix/client/v3/rooms/{community.rooms['closed']}/event/{item}"
    assert (await request(community["dina"], "GET", path))[1].get("content", {}).get("body") is None
    done = await belisha(community.server.data, "revocations", "replay", journal)
    assert done.code == 0 and "      0 files withdrawn\n      0 items redacted\n" in done.out, done
    journal.write_text("")
    assert (await belisha(community.server.data, "revocations", "replay", journal)).code == 0
    for path_of in (tmp_path / "nowhere", tmp_path):
        done = await belisha(community.server.data, "revocations", "replay", path_of)
        assert done.code == 1 and "cannot be read" in done.errors, done


# --- What does not work, and acts without an end ------------------------------------------------------------------


@pytest.mark.nightly
async def test_acts_without_an_end_are_told(community: Community) -> None:
    """By `audit verify`, by the doctor, and to the stewards, once, without what they were about."""
    await chained(community)
    done = await belisha(community.server.data, "doctor")
    assert done.code == 0 and done.out.count("ok  ") >= 8 and "no  " not in done.out, done
    # As a process leaves one that never came back; the main one puts it into its chain.
    room = "!a-room-of-named-people"
    act = {"kind": "act", "what": "policy", "room": room}
    left: list[object] = []
    for number, (name, phase) in enumerate((("1", "intended"), ("2", "intended"), ("2", "cut short"))):
        left += [number, int(time.time()) - 700, json.dumps(act | {"phase": phase, "act": f"gone:{name}"})]
    values = ", ".join(["('gone', ?, ?, ?)"] * 3)  # at once: it looks through them in between
    community.server.change(f"INSERT INTO belisha_audit_waiting VALUES {values}", *left)  # noqa: S608 - a constant

    async def are_told() -> list[str]:
        bodies = [str(content.get("body")) for content in await stewards_read(community)]
        return [body for body in bodies if "acts that did not come to their end" in body]

    await chained(community)
    (body,) = await until(are_told)
    assert body.count("policy, ") == 2 and room not in body
    done = await belisha(community.server.data, "audit", "verify")
    assert done.code == 0 and done.out.count("open: policy") == 1 and room in done.out
    done = await belisha(community.server.data, "doctor")
    assert done.code == 1 and "no  every act in the audit log has its end" in done.out, done
