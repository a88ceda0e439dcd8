"""The module's part of homeserver.yaml, as `belisha render` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from belisha.tlp import Label
from synapse_modules.screening.screener import Rules
from synapse_modules.syslog_tls import Collector


class SignInRules(NamedTuple):
    """How members sign in.

    Attributes:
        second_factor: whether a password needs a code behind it.
        by_organisation: whether members sign in by their organisations' own providers, without any password.
        enrol_until: when accounts without a factor are let in no more, in seconds since 1970; None: they never are.
        key: what the keys of members' apps are sealed with.
    """

    second_factor: bool
    by_organisation: bool
    enrol_until: int | None
    key: str


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
        self.syslog = _collector(raw["syslog"])
        self.revocations = None if raw["revocations"] is None else Path(raw["revocations"])
        self.screening = Rules.read(raw["screening"])
        self.strict_hooks: bool = raw["strict_hooks"]
        self.recertification_days: int | None = raw["recertification_days"]
        self.portal_origin: str = raw["portal_origin"]
        self.hold_key: str = raw["hold_key"]
        sign_in = raw["sign_in"]
        key = Path(sign_in["key_file"]).read_text(encoding="utf-8").strip()
        self.sign_in = SignInRules(sign_in["second_factor"], sign_in["by_organisation"], sign_in["enrol_until"], key)


def _collector(raw: dict[str, Any] | None) -> Collector | None:
    if raw is None:
        return None
    ca, certificate, key = (None if raw[name] is None else Path(raw[name]) for name in ("ca", "certificate", "key"))
    return Collector(raw["server"], raw["port"], ca, certificate, key)
