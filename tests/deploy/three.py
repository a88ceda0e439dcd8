"""What the playbook for three servers writes beside what `belisha render --host` does, made without Ansible."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROLE: Final = Path(__file__).resolve().parents[2] / "ansible" / "roles" / "link"
ADDRESSES: Final = {"database": "10.20.0.1", "application": "10.20.0.2", "web": "10.20.0.3"}
PARTS: Final = tuple(ADDRESSES)


def defaults() -> dict[str, Any]:
    """The role's own variables, as they are written."""
    found: dict[str, Any] = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    return found


def template(name: str, part: str, ports: list[str], addresses: dict[str, str] | None = None) -> str:
    """One of the role's templates, as it is on one of the servers."""
    environment = Environment(
        loader=FileSystemLoader(ROLE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  no page
    )
    known = defaults() | {"link_part": part, "link_ports": ports, "link_addresses": addresses or ADDRESSES}
    return environment.get_template(f"{name}.j2").render(known)
