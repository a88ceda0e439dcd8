"""The module's part of homeserver.yaml, as `belisha render` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from belisha.tlp import Label
from synapse_modules.screening.screener import Rules


class Config:
    """What the module is told; read once, at start."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.secret = Path(raw["secret_file"]).read_text(encoding="utf-8").strip()
        self.portal_secret = Path(raw["portal_secret_file"]).read_text(encoding="utf-8").strip()
        self.audit_key = Path(raw["audit_key_file"]).read_text(encoding="utf-8").strip()
        self.audit_heads = Path(raw["audit_heads"])
        self.steward: str = raw["bots"]["steward"]
        self.community_name: str = raw["community_name"]
        self.badge: str = raw["badge"]
        self.markings: dict[str, Label | None] = {
            name: None if meaning == "refuse" else Label.parse(meaning) for name, meaning in raw["markings"].items()
        }
        self.encrypted_named_rooms: bool = raw["encrypted_named_rooms"]
        self.calls: bool = raw["calls"]
        self.push_gateways = frozenset[str](raw["push_gateways"])
        self.retention: dict[Label, int] = {
            label: days for name, days in raw["retention"].items() if (label := Label.parse(name)) is not None
        }
        self.unshared_days: int = raw["unshared_days"]
        self.revocations = None if raw["revocations"] is None else Path(raw["revocations"])
        self.screening = Rules.read(raw["screening"])
        self.strict_hooks: bool = raw["strict_hooks"]
        self.recertification_days: int | None = raw["recertification_days"]
        self.portal_origin: str = raw["portal_origin"]
