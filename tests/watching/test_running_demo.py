"""A real Prometheus and a running demo: it sees everything, every question has an answer, and causes become alerts."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.support.patience import wait_until
from tests.support.server import PRODUCT_MODULE, free_ports
from tests.support.smtp import Mailserver
from tests.support.smtp import listening as listening_to
from tests.unit.test_prometheus import ALERTS, COMPARED, RECORDING
from tests.watching.demo import MEDIA_BYTES, Demo, disk_of_its_own, event
from tests.watching.quick import belisha, hasty, prometheus
from tests.written.dashboard_panels import DASHBOARDS

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("watched")
    data = folder / "data"
    with disk_of_its_own(data / "media") as has_own_disk:
        try:
            belisha("demo", "--detach", "--with-prometheus", "--data", str(data), "--port", str(free_ports(6)[0]))
            with prometheus(data / "rendered" / "prometheus", folder / "quick") as quick:
                yield Demo(data, quick, has_own_disk)
        finally:
            belisha("down", "--data", str(data))


def listening(port: int) -> set[str]:
    """The addresses on which something listens on a port, as the kernel writes them."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, number = local.partition(":")
            if int(number, 16) == port and state == "0A":
                found.add(address)
    return found


def test_every_target_is_up_and_on_this_machine_only(demo: Demo) -> None:
    up = {"synapse": "up", "bots": "up", "prometheus": "up"}
    for one in (demo.own, demo.quick):
        wait_until(lambda one=one: one.targets() == up, why=lambda one=one: one.targets())
    ports = {demo.run["ports"]["bots"], demo.run["ports"]["metrics"], int(demo.run["prometheus"].rpartition(":")[2])}
    assert [listening(port) for port in ports] == [{"0100007F"}] * 3, "127.0.0.1"


def test_another_site_cannot_read_it_by_a_browser_of_this_machine(demo: Demo) -> None:
    def allowed(origin: str) -> str | None:
        request = Request(f"{demo.own.url}/api/v1/query?query=up", headers={"Origin": origin})  # noqa: S310  its own
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return str(found) if (found := answer.headers["Access-Control-Allow-Origin"]) else None

    assert allowed(demo.own.url) == demo.own.url
    assert allowed("https://evil.example") is None
    assert allowed(f"{demo.own.url}.evil.example") is None


def test_every_question_has_an_answer(demo: Demo) -> None:
    """Of each panel, each recording rule and each alert: a misspelt name would have none, and never raise anything."""
    for number in range(6):
        assert demo.say("kofi", "Market Square", f"The {number}th fish") == 200
    questions = [
        query
        for board in DASHBOARDS
        for row in board.rows.values()
        for panel in row
        for query in panel.queries.values()
    ]
    questions += [rule["record"] for rule in RECORDING]
    for alert in ALERTS:
        compared = COMPARED.match(alert["expr"])
        assert compared
        questions.append(compared["number"])
    asked = [hasty(question.replace("$__rate_interval", "5m")) for question in questions]
    open_ones = set(asked)

    def all_answered() -> bool:
        for question in list(open_ones):
            if (found := demo.quick.query(question)) and not any(math.isnan(value) for value in found):
                open_ones.discard(question)
        return not open_ones

    assert len(open_ones) > 50
    wait_until(all_answered, why=lambda: open_ones)


def test_nothing_is_kept_that_counts_or_names_people(demo: Demo) -> None:
    for one in (demo.own, demo.quick):
        names = one.get("label/__name__/values")
        assert "synapse_http_server_responses_total" in names
        assert not [
            name for name in names if re.match("synapse_(admin|notifier|non_deactivated|handlers_presence)", name)
        ]
        labels = {label: one.get(f"label/{label}/values") for label in one.get("labels")}
        told = json.loads((demo.data / "demo.json").read_text())
        secret = [account["user_id"] for account in told["accounts"]] + [room["room_id"] for room in told["rooms"]]
        assert not [value for values in labels.values() for value in values for id_ in secret if id_ in value]


def test_a_surge_of_refusals(demo: Demo) -> None:
    demo.over()
    assert {demo.say("kofi", "Market Square", "TLP:RED lunch at one?") for _ in range(20)} == {403}
    demo.raised("BelishaRefusalsSurge")


def test_a_disk_that_is_nearly_full(demo: Demo) -> None:
    if not demo.has_own_disk:
        pytest.skip("no disk can be mounted by this account")
    filler = demo.data / "media" / "filler"
    filler.write_bytes(bytes(MEDIA_BYTES * 92 // 100))
    demo.raised("BelishaDiskNearlyFull")
    assert "BelishaDiskFull" not in demo.quick.firing()
    filler.write_bytes(bytes(MEDIA_BYTES * 98 // 100))
    demo.raised("BelishaDiskFull")
    filler.unlink()
    demo.over()


def test_synapse_halts_and_the_inbox_is_stuck(demo: Demo) -> None:
    demo.over()
    with demo.halted("synapse"):
        assert demo.deliver(event(type="m.room.message", sender="@kofi:belisha.localhost")) == 200
        demo.raised("BelishaSynapseDown", "BelishaInboxStuck", "BelishaBudgetBurnsFast", "BelishaBudgetBurnsSlowly")
    demo.over()


def test_decisions_are_slow(demo: Demo) -> None:
    """Somebody writes in the database again and again: who makes a label stricter waits, as the ledger comes first."""
    wait_until(lambda: "BelishaDecisionsSlow" not in demo.quick.firing())
    over = Event()

    def edit() -> None:
        while not over.is_set():
            _, sent = demo.send("kofi", "Market Square", {"msgtype": "m.text", "body": "TLP:CLEAR A fish"})
            stricter = {"msgtype": "m.text", "body": "TLP:GREEN A fish"}
            about = {"rel_type": "m.replace", "event_id": sent["event_id"]}
            demo.send("kofi", "Market Square", {**stricter, "m.new_content": stricter, "m.relates_to": about})

    def fires() -> bool:
        for _ in range(5):
            with demo.written_to("homeserver.db"):
                time.sleep(0.9)
            time.sleep(0.1)
        return "BelishaDecisionsSlow" in demo.quick.firing()

    with ThreadPoolExecutor(4) as members:
        edits = [members.submit(edit) for _ in range(4)]
        try:
            wait_until(fires, why=lambda: demo.quick.query("belisha:decision_seconds:p95_5m"))
        finally:
            over.set()
    assert all(one.exception() is None for one in edits)


def test_mail_fails_and_the_bots_end_again_and_again(demo: Demo) -> None:
    """Mails lie there for five readers, and the mail server does not answer, as the bots find each time they begin."""
    server = Mailserver()
    config = demo.data / "rendered" / "bots.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | {"mail": server.settings}))
    # Those that run know no mail server, and would give up what they find before they end.
    demo.kill("bots")
    body: dict[str, object] = {
        "to": "",
        "subject": "A report waits",
        "text": "Please look.",
        "html": "",
        "headers": {},
        "until": None,
    }
    for number in range(5):
        values = (f"e{number}", "steward", f"mail {number}", json.dumps({**body, "to": f"{number}@reef.test"}))
        row = "INSERT INTO outbox (effect_id, bot, lane, kind, body, created_at) VALUES (?, ?, ?, 'mail', ?, ?)"
        demo.change("bots.db", row, *values, time.time())
    demo.raised("BelishaMailFailing", "BelishaOutboxLate")
    assert "BelishaRestartsOften" not in demo.quick.firing()
    for _ in range(3):
        demo.kill("bots")
    demo.raised("BelishaRestartsOften")
    with listening_to(server):
        demo.over()
    assert {mail["To"] for mail in server.taken} == {f"{number}@reef.test" for number in range(5)}


def test_the_bots_are_slow(demo: Demo) -> None:
    """All figures of eight months are decided about anew, in one job."""
    wait_until(lambda: "BelishaBotsSlow" not in demo.quick.firing())
    demo.change("bots.db", "DELETE FROM metrics_shown")
    demo.change("bots.db", "UPDATE job SET due = 0 WHERE name = 'metrics nightly'")
    demo.raised("BelishaBotsSlow")


def test_the_bots_halt(demo: Demo) -> None:
    with demo.halted("bots"):
        demo.raised("BelishaBotsDown")
    demo.over()


def test_deliveries_are_refused_and_dead_letters_lie_there(demo: Demo) -> None:
    assert demo.deliver(event(type="m.room.message", sender="@kofi:belisha.localhost"), "a wrong token") == 403
    assert demo.deliver(event()) == 200, "it is stored, and found to be no event"
    demo.raised("BelishaDeliveriesRefused", "BelishaDeadLetters")
    demo.over()


def test_nothing_can_be_decided(demo: Demo) -> None:
    """What the registry's revision stands in is away for a moment, as where a database is mended by hand."""

    def rename(one: str, other: str) -> None:
        demo.change("homeserver.db", f"ALTER TABLE {one} RENAME TO {other}")

    rename("belisha_revision", "away")
    try:
        wait_until(lambda: demo.say("kofi", "Market Square", "Is anybody there?") == 403)
        demo.raised("BelishaCannotDecide")
    finally:
        rename("away", "belisha_revision")
    wait_until(lambda: demo.say("kofi", "Market Square", "Here I am.") == 200)


def test_a_hook_and_the_scanner_are_missing_and_the_clock_is_off(demo: Demo) -> None:
    """Synapse is started again by a configuration with which it lacks a part; no member could do that."""
    assert "BelishaClockOff" not in demo.quick.firing()
    config = demo.data / "rendered" / "homeserver.yaml"
    before = config.read_text()
    missing = before.replace(PRODUCT_MODULE, "tests.watching.ahead.Ahead")
    missing = missing.replace('"clamav": null, "scan": "none"', '"clamav": "/nowhere/clamd", "scan": "best_effort"')
    assert "/nowhere/clamd" in missing
    config.write_text(missing.replace("      strict_hooks:", "      lacks: [aliases]\n      strict_hooks:", 1))
    try:
        os.kill(demo.run["pids"]["synapse"], signal.SIGKILL)
        demo.raised("BelishaHooksDegraded", "BelishaCheckersMissing", "BelishaClockOff")
        assert [demo.upload("kofi") for _ in range(2)] == [200, 200], "taken without it"
        demo.raised("BelishaFilesUnscanned")
        assert demo.quick.query("max(belisha_degraded_hooks)") == [1.0]
    finally:
        config.write_text(before)


def test_prometheus_is_started_again_and_stopped_with_the_rest(demo: Demo) -> None:
    pid = demo.run["pids"]["prometheus"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: demo.run["pids"]["prometheus"] not in (None, pid))
    port = int(demo.run["prometheus"].rpartition(":")[2])
    wait_until(lambda: listening(port) == {"0100007F"})
    belisha("down", "--data", str(demo.data))
    assert listening(port) == set()
