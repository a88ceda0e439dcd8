"""Finds the files that ship with Belisha, from a wheel (`belisha/data/`) and from a checkout alike."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(*parts: str) -> Path:
    """The path of a shipped file, such as `shipped("config", "belisha.example.yaml")`."""
    inside_wheel = _PACKAGE / "data"
    root = inside_wheel if inside_wheel.is_dir() else _PACKAGE.parent
    return root.joinpath(*parts)
