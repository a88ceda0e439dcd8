"""A browser's name for people, out of what it says of itself: enough to tell one's own devices apart."""

from __future__ import annotations

import re
from typing import Final

#: The first that is found counts: most browsers also claim to be others.
_BROWSERS: Final = (
    ("Element", r"Element/"),
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|Chromium/|CriOS/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS: Final = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("a Mac", r"Macintosh|Mac OS X"),
    ("Chrome OS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)


def name_of(user_agent: str) -> str:
    """Such as `Firefox on Android`; nothing of what is given is repeated."""
    shown = user_agent[:512]
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, shown)), "Unknown browser")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, shown)), None)
    return f"{browser} on {system}" if system else browser
