"""An alert on its way: a real Prometheus whom nobody answers, a real Alertmanager by the example, and the mail."""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from belisha.render import Place, render, write
from belisha.resources import shipped
from belisha.secrets import Secrets
from belisha.settings import load, parse
from tests.support import processes
from tests.support.patience import wait_until
from tests.support.server import free_ports
from tests.unit.test_prometheus import ALERTS
from tests.watching.quick import prometheus

pytestmark = pytest.mark.full
EXAMPLE = shipped("config", "prometheus", "alertmanager.example.yaml").read_text(encoding="utf-8")


class Mailbox:
    """A mail server, and what it was given."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"

    def text(self) -> str:
        """Subjects and texts of all mails."""
        return "\n".join(f"{one['Subject']}\n{one.get_body(('plain',)).get_content()}" for one in self.taken)


@contextmanager
def alertmanager(folder: Path, port: int, mail: int) -> Iterator[None]:
    """One by the example, but for the mail server, and for how long it waits for more to tell."""
    text = EXAMPLE.replace("mail.charity.uk:587", f"127.0.0.1:{mail}").replace("tls: true", "tls: false")
    folder.mkdir()
    (folder / "alertmanager.yaml").write_text(re.sub(r"group_(wait|interval): \w+", r"group_\1: 1s", text))
    command = ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    process = processes.start(command, folder / "log", cwd=folder)
    try:
        yield
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        processes.end(process)


def test_the_example_is_one_that_alertmanager_takes(tmp_path: Path) -> None:
    (tmp_path / "alertmanager.yaml").write_text(EXAMPLE)
    done = subprocess.run(["amtool", "check-config", tmp_path / "alertmanager.yaml"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    named = set(re.findall(r"Belisha\w+", EXAMPLE))
    assert named and named <= {alert["alert"] for alert in ALERTS}


def test_an_alert_arrives_as_a_mail_that_says_what_to_do(tmp_path: Path) -> None:
    mailbox, (mail, port, *nobody) = Mailbox(), free_ports(5)
    example = shipped("config", "belisha.example.yaml").read_text(encoding="utf-8")
    settings = parse(example.replace("alertmanager: null", f"alertmanager: 127.0.0.1:{port}"))
    place = Place(tmp_path, nobody[0], nobody[1], nobody[2])
    write(render(settings, place, Secrets("a", "h", "p")), place.rendered)
    controller = Controller(mailbox, hostname="127.0.0.1", port=mail)
    controller.start()
    try:
        with alertmanager(tmp_path / "told", port, mail), prometheus(place.rendered / "prometheus", tmp_path / "quick"):
            wait_until(lambda: "Synapse has" in mailbox.text(), why=lambda: (tmp_path / "told" / "log").read_text())
    finally:
        controller.stop()
    told = mailbox.text()
    (alert,) = (alert for alert in ALERTS if alert["alert"] == "BelishaSynapseDown")
    assert re.search(r"FIRING: .*Synapse has not answered", told)
    for part in ("summary", "description", "action", "runbook"):
        assert alert["annotations"][part] in told, (part, told)


def test_without_one_alerts_stay_where_they_are() -> None:
    place = Place(Path("/srv/belisha"), 8008, 8010, 8011)
    files = render(load(shipped("config", "belisha.example.yaml")), place, Secrets("a", "h", "p"))
    assert "alerting:" not in files["prometheus/prometheus.yaml"]
