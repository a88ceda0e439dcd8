"""`belisha doctor`: asks a running community what does not work, and says what to do."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import yaml

from belisha.cli import data_folder, doctor_backups, doctor_outside, http_probe, local_api
from belisha.cli.options import Subparsers, add_data

#: What is looked at, in the order in which it is told.
_CHECKS = {
    "start": "the community has started",
    "synapse": "Synapse has every part that the rules need",
    "files": "uploads are checked as the settings say",
    "audit": "every act in the audit log has its end",
    "syslog": "the collector of the audit log, where there is one, takes it",
}


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what does not work in a running community; ends with 1 where something does not",
        description="The homeserver looks at this moment, and asks whom it needs, such as the malware scanner. Then "
        "its addresses are asked as clients ask them.",
    )
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Looks and tells."""
    return asyncio.run(_look(args))


async def _look(args: argparse.Namespace) -> int:
    async with local_api.of(args.data) as api:
        found = await api.health()
    for check, words in _CHECKS.items():
        problems = found.get(check)
        if problems is None:
            print(f"?   {words}: the homeserver does not say; it runs another version of Belisha")
        else:
            _tell(words, problems)
    outside = {"no text goes out with notifications": _pushed(args.data)}
    outside |= await bots(args.data)
    outside |= doctor_backups.look(args.data.expanduser().absolute())
    outside |= await doctor_outside.look(_outside(args.data))
    for words, problems in outside.items():
        _tell(words, problems)
    return 0 if all(found.get(check) == [] for check in _CHECKS) and not any(outside.values()) else 1


def _tell(words: str, problems: Sequence[object]) -> None:
    print(f"{'no' if problems else 'ok'}  {words}")
    for problem in problems:
        print(f"      {problem}")


async def bots(data: Path) -> dict[str, list[str]]:
    """Whether each process of the bots is ready; nothing is told of the one that `belisha up` looks after."""
    run = data_folder.read_run(data)
    further, ports = run.get("replicas"), run.get("ports")
    if not isinstance(further, list) or not isinstance(ports, dict):
        return {}
    asked = [port for port in (ports.get("bots"), *further) if isinstance(port, int)]
    problems = []
    for number, port in enumerate(asked, 1):
        if (await http_probe.get(port, "/readyz"))[0] != 200:
            unit = "belisha-bots" if number == 1 else f"belisha-bots@{number}"
            problems.append(f"{unit} is not ready (127.0.0.1:{port}): journalctl -u {unit} says why.")
    return {"each process of the bots is ready": problems}


def _outside(data: Path) -> doctor_outside.Outside:
    """Where the community that runs in a data folder is found from outside."""
    run = data_folder.read_run(data)
    local = {name: run[name] for name in ("portal", "element") if isinstance(run.get(name), str)}
    homeserver = str(run["homeserver"])
    path = data / data_folder.SETTINGS
    if not path.exists():
        return doctor_outside.Outside(
            homeserver, portal=_text(local.get("portal")), element=_text(local.get("element"))
        )
    settings = data_folder.read_settings(path)
    return doctor_outside.Outside(
        settings.public_url or homeserver,
        settings.server_name if settings.public_url else None,
        settings.portal.public_url or _text(local.get("portal")),
        settings.element.public_url or _text(local.get("element")),
        by_organisation=settings.sign_in.method == "oidc",
    )


def _text(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _pushed(data: Path) -> list[str]:
    """Whether the configuration that Synapse was started with keeps texts out of notifications."""
    try:
        rendered = yaml.safe_load(data_folder.homeserver_yaml(data).read_text(encoding="utf-8"))
        is_kept = rendered["push"]["include_content"] is False
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        is_kept = False
    return [] if is_kept else ["rendered/homeserver.yaml was changed by hand. Start again: it is written anew."]
