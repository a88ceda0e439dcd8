"""Element Web's files: its config.json with a reason for each key, the page before one signs in, and our module.

Pure, like `belisha.render`, which calls it. The keys are those of `WebConfigJson` in Element's npm package
@element-hq/element-web-module-api; what Element reads from `.well-known` alone is here too.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from belisha.resources import shipped
from belisha.settings import Settings

CONFIG, WELCOME, MODULE = "element/config.json", "element/belisha/welcome.html", "element/belisha/tlp.js"
_KEYS = "element/config.yaml"


@dataclass(frozen=True)
class Key:
    """One key of config.json.

    Attributes:
        path: the key, with those around it first.
        value: what it is set to; None where it is left out on purpose.
        why: the reason, for operators.
    """

    path: tuple[str, ...]
    value: object
    why: str


def files(template: Callable[[str], str]) -> dict[str, str]:
    """The text of Element's files, by their paths; `template` renders one of the templates."""
    return {
        CONFIG: json.dumps(config(keys(template)), ensure_ascii=False, indent=2) + "\n",
        WELCOME: template(WELCOME),
        MODULE: shipped("element-config", "module", "built", "tlp.js").read_text(encoding="utf-8"),
    }


def keys(template: Callable[[str], str]) -> tuple[Key, ...]:
    """Every key that is set or left out on purpose, in the order of the page."""
    return tuple(
        Key(tuple(one["key"].split("/")), None if one.get("absent") else one["value"], " ".join(one["why"].split()))
        for one in yaml.safe_load(template(_KEYS))
    )


def config(settled: Sequence[Key]) -> dict[str, object]:
    """config.json, as an object."""
    found: dict[str, object] = {}
    for key in settled:
        if key.value is None:
            continue
        inner = found
        for part in key.path[:-1]:
            inner = inner.setdefault(part, {})  # type: ignore[assignment]  # a part that others stand under is an object
        inner[key.path[-1]] = key.value
    return found


def well_known(settings: Settings) -> dict[str, dict[str, bool]]:
    """What Element reads from `.well-known/matrix/client` alone: no encryption (R4), and no help of others for calls.

    Without `disable_fallback_ice`, Element offers a server of matrix.org to find the way between two callers.
    """
    encryption = {"default": False}
    if not settings.rooms.encrypted_named_rooms:
        encryption["force_disable"] = True
    return {"io.element.e2ee": encryption, "io.element.voip": {"disable_fallback_ice": True}}


def policies(settings: Settings) -> list[Mapping[str, str]]:
    """The links to the community's policies, as Element has them."""
    return [{"text": text, "url": url} for text, url in settings.element.policies.items()]
