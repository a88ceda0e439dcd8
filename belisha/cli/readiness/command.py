"""Looks at everything, tells it, and says how one goes back."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from belisha.backup.place import is_away
from belisha.cli import data_folder
from belisha.cli.errors import CommandError
from belisha.cli.readiness import CHECKS, machine, mail
from belisha.cli.readiness.finding import Finding
from belisha.host import FOLDERS, FURTHER_BOTS, HostError, files
from belisha.replicas import replicas
from belisha.secrets import MAKERS, Secrets
from belisha.settings import Settings, SettingsError, parse


def run(args: argparse.Namespace) -> int:
    """Looks and tells; 1 where something is in the way."""
    settings = _settings(args.config)
    looks: dict[str, Callable[[], Sequence[Finding]]] = {
        "settings": lambda: of_a_server(settings),
        "versions": machine.versions,
        "dns": lambda: machine.names(machine.sites(settings)),
        "ports": lambda: machine.ports((80, 443), _own_ports(settings, args.port), FOLDERS.configuration),
        "smtp": lambda: mail.look(settings.mail, FOLDERS.state / "bots"),
        "disk": lambda: machine.room(FOLDERS.state, _folder_of_backups(settings), args.room),
        "clock": machine.clock,
    }
    told = [finding for name in CHECKS if name not in args.but for finding in _told(name, looks[name]())]
    print(f"\n{machine.rollback(FOLDERS.program)}")
    return 1 if any(finding.is_in_the_way for finding in told) else 0


def _own_ports(settings: Settings, port: int) -> list[int]:
    """Those of 127.0.0.1 that the services take."""
    further = replicas(settings.bots.replicas, port + FURTHER_BOTS)
    of_bots = [further.delivery, *(taken for one in further.further for taken in (one.port, one.portal))]
    return [*range(port, port + 6), *(of_bots if further else [])]


def _folder_of_backups(settings: Settings) -> str | None:
    folder = settings.backup.folder
    return None if is_away(folder) else folder


def of_a_server(settings: Settings) -> list[Finding]:
    """Whether everything of a server could be rendered."""
    try:
        files(settings, Secrets("", "", ""), dict.fromkeys(MAKERS, ""))
    except HostError as error:
        return [Finding(f"{error}.")]
    return []


def _settings(path: Path) -> Settings:
    if str(path) != "-":
        if not path.is_file():
            raise CommandError(f"{path} is not there.", "Write it first: docs/deploy.md says what has to stand in it.")
        return data_folder.read_settings(path)
    try:
        return parse(sys.stdin.read())
    except SettingsError as error:
        raise CommandError("\n  ".join(["The settings have mistakes:", *map(str, error.problems)])) from None


def _told(name: str, findings: Sequence[Finding]) -> Iterable[Finding]:
    is_well = not any(finding.is_in_the_way for finding in findings)
    print(f"{'ok' if is_well else 'no'}  {CHECKS[name]}")
    for finding in findings:
        print(f"      {finding}")
    return findings
