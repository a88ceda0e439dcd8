"""`belisha demo` for real: killed anywhere it ends as it is told, without doubles, and then stays as it is.

That it is made where nothing kills it is what everything in `tests/watching/test_running_demo.py` stands on.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from belisha.cli.demo import rules as demo_rules
from belisha.cli.demo.content import event_type
from belisha.cli.demo.story import Edit, Message, Poll, PollEnd
from belisha.tlp import Label, badge
from tests.support.server import free_ports

#: It waits for two minutes; `test_running_demo.py` has a demo, too.
pytestmark = [pytest.mark.full, pytest.mark.nightly]

ROOT = Path(__file__).resolve().parents[2]
CONTENT = {"m.room.message", "org.matrix.msc3381.poll.start", "org.matrix.msc3381.poll.end"}
TALK = CONTENT | {"org.matrix.msc3381.poll.response", "m.reaction"}
READY_S = 240.0


class Demo:
    """The command in a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_ports(2)[0]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "belisha", *arguments, "--data", str(self.data)]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments),
            env=_environment(),
            cwd=self.data.parent,
            capture_output=True,
            text=True,
            timeout=READY_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self) -> str:
        return self.run("demo", "--port", str(self.port), "--detach")

    def stop(self) -> None:
        self.run("down")

    def kill_when(self, reached: Callable[[dict[str, Any]], bool]) -> None:
        """Starts in the foreground, and kills everything with SIGKILL once the progress has `reached` something."""
        said = self.data.with_name("said.txt")
        with said.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                self.command("demo", "--port", str(self.port)),
                env=_environment(),
                cwd=self.data.parent,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + READY_S
        while not reached(self.progress()):
            assert process.poll() is None and time.monotonic() < end, said.read_text(encoding="utf-8")
            time.sleep(0.02)
        children = json.loads((self.data / "run.json").read_text())["pids"].values()
        for pid in (process.pid, *children):
            os.kill(pid, signal.SIGKILL)
        process.wait()

    def progress(self) -> dict[str, Any]:
        path = self.data / "demo-progress.json"
        found = json.loads(path.read_text()) if path.exists() else {"rooms": {}, "events": {}, "tokens": {}}
        assert isinstance(found, dict)
        return found

    def report(self) -> dict[str, Any]:
        found = json.loads((self.data / "demo.json").read_text())
        assert isinstance(found, dict)
        return found

    def event_ids(self) -> set[str]:
        database = sqlite3.connect(f"file:{self.data / 'homeserver.db'}?mode=ro", uri=True)
        try:
            return {row[0] for row in database.execute("SELECT event_id FROM events")}
        finally:
            database.close()

    def talk(self, room: dict[str, Any]) -> list[dict[str, Any]]:
        """What the accounts have said in a room, as one of its members reads it, oldest first."""
        report = self.report()
        accounts = {account["user_id"]: account for account in report["accounts"]}
        token = accounts[room["members"][0]]["access_token"]
        base = f"{report['homeserver']}/_matrix/client/v3/rooms/{quote(room['room_id'])}/messages?dir=f&limit=500"
        found, start = [], ""
        while True:
            request = Request(base + start, headers={"Authorization": f"Bearer {token}"})  # noqa: S310  our own address
            with urlopen(request, timeout=120) as answer:  # noqa: S310 - our own address
                page = json.load(answer)
            found += [e for e in page["chunk"] if e["type"] in TALK and e["sender"] in accounts]
            if not page["chunk"] or "end" not in page:
                return found
            start = f"&from={quote(page['end'])}"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "data")
    yield demo
    demo.stop()


def test_demo_killed_anywhere_is_as_told_and_running_it_again_changes_nothing(demo: Demo) -> None:
    demo.kill_when(lambda done: len(done["tokens"]) >= 5)
    demo.kill_when(lambda done: len(done["rooms"]) >= 3)
    demo.kill_when(lambda done: len(done["events"]) >= 30)
    demo.kill_when(lambda done: len(done["events"]) >= 90)
    said = demo.start()
    report = demo.report()
    assert (demo.data / "demo.json").stat().st_mode & 0o777 == 0o600
    for account in report["accounts"]:
        assert account["password"] not in said and account["access_token"] not in said
    assert report["portal"] == f"http://127.0.0.1:{demo.port + 1}" and len(report["accounts"]) == 12
    assert {account["category"] for account in report["accounts"]} == {"government", "academia", "industry", "charity"}
    _assert_as_told(demo)
    _assert_labelled(demo)
    _assert_no_doubles(demo)

    before, text = demo.event_ids(), (demo.data / "demo.json").read_bytes()
    assert "runs already" in demo.start()
    assert demo.event_ids() == before
    demo.stop()
    demo.start()
    assert demo.event_ids() == before
    assert (demo.data / "demo.json").read_bytes() == text


def _assert_no_doubles(demo: Demo) -> None:
    """No room was made twice."""
    database = sqlite3.connect(f"file:{demo.data / 'homeserver.db'}?mode=ro", uri=True)
    try:
        names = Counter(
            row[0]
            for row in database.execute(  # not of room_stats_state, which comes after it
                "SELECT json_extract(json, '$.content.name') FROM current_state_events JOIN event_json USING (event_id)"
                " WHERE type = 'm.room.name'"
            )
        )
    finally:
        database.close()
    for room in demo_rules.load().rooms:
        assert room.name is None or names[room.name] == 1


def _assert_as_told(demo: Demo) -> None:
    """Every entry of the story stands in its room exactly once, and everybody is where they belong."""
    story, report = demo_rules.load(), demo.report()
    assert len(report["rooms"]) == len(story.rooms)
    for told, room in zip(story.rooms, report["rooms"], strict=True):
        assert (room["kind"], room["purpose"]) == (told.kind, told.purpose)
        assert {user.partition(":")[0][1:] for user in room["members"]} == set(told.people)
        events = demo.talk(room)
        assert Counter(event["type"] for event in events) == Counter(event_type(entry) for entry in told.talk)
        assert [event["sender"].partition(":")[0][1:] for event in events] == [entry.by for entry in told.talk]


def _assert_labelled(demo: Demo) -> None:
    """Every item has one label that its room may carry, and a text shows it."""
    story = demo_rules.load()
    labels: Counter[Label] = Counter()
    for told, room in zip(story.rooms, demo.report()["rooms"], strict=True):
        ceiling = Label.parse(room["ceiling"])
        assert ceiling is not None
        for entry, event in zip(told.talk, demo.talk(room), strict=True):
            content = event["content"]
            if event["type"] not in CONTENT:
                assert "org.belisha.tlp" not in content
                continue
            assert isinstance(entry, Message | Edit | Poll | PollEnd)
            label = Label.parse(content["org.belisha.tlp"]["label"])
            assert label is not None and label <= ceiling
            labels[label] += 1
            if event["type"] == "m.room.message" and not isinstance(entry, Edit):
                assert content["body"].startswith(badge(label))
    assert set(labels) == set(Label)


def _environment() -> dict[str, str]:
    paths = [path for path in (os.environ.get("PYTHONPATH"), str(ROOT)) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
