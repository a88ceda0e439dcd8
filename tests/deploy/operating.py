"""What an operator does for the container: the settings and files that they bring, and the playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.deploy.container import THERE, Container, changed
from tests.deploy.hosted import BACKUPS, COUNTS, URLS, text
from tests.deploy.proxied import certificate

ROOT = Path(__file__).resolve().parents[2]
#: Where the journal of revocations is, below the homeserver's folder.
KEPT = (
    *BACKUPS,
    ("revocations: null", "revocations: revocations.jsonl"),
    ("  continuous_days: 0", "  continuous_days: 7"),
)
SITES = {key: url for key, url in URLS.items() if key != "element"}


class Playbook:
    """The playbook, with the files that an operator brings."""

    def __init__(self, folder: Path, container: Container) -> None:
        self._container = container
        self._inventory, self.certificate = folder / "hosts.yml", folder / "tls" / "fullchain.pem"
        self.write(text(*((before, before.replace("0", "1")) for before, _ in COUNTS), *KEPT, urls=SITES))
        certificate(folder / "tls")
        host = {
            "ansible_host": THERE,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(container.key),
            "ansible_ssh_common_args": " ".join(container.options()[2:]),
        }
        brought = {
            "belisha_configuration": str(folder / "belisha.yaml"),
            "belisha_release": str(ROOT / "dist" / "belisha-release.tar"),
            "belisha_certificate": str(self.certificate),
            "belisha_certificate_key": str(folder / "tls" / "privkey.pem"),
            "belisha_element": "",
            "belisha_element_sha256": "",
            "base_update_lists": False,
            # It has no way out: nobody tells it the time, nor where the names lead.
            "base_preflight_but": ["dns", "clock"],
        }
        self._inventory.write_text(json.dumps({"all": {"hosts": {"community": host}, "vars": brought}}))

    def write(self, settings: str) -> None:
        """Changes the settings that the operator brings."""
        self._inventory.with_name("belisha.yaml").write_text(settings)

    def run(self, *options: str) -> dict[str, int]:
        """Runs it; gives how many tasks were ok, changed and so on."""
        program = Path(sys.executable).parent / "ansible-playbook"
        environment = os.environ | {"ANSIBLE_FORCE_COLOR": "0", "PATH": f"{program.parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            [str(program), "-i", str(self._inventory), "site.yml", *options],
            cwd=ROOT / "ansible",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            there = self._container.ssh("journalctl --lines=30; tail -n 20 /var/log/postgresql/*.log", check=False)
            raise AssertionError(done.stdout[-4000:] + done.stderr[-2000:] + there)
        return changed(done.stdout.strip())
