"""Keeps the names of files out of Synapse's log: they stand in the addresses of uploads and downloads.

A filter of `log.yaml`, which names it; so it holds for every process that logs by that file.
"""

from __future__ import annotations

import logging
import re
from typing import Final

_MEDIA: Final = "/media/"
_IN_QUERY: Final = re.compile(r"(?<=[?&]filename=)[^&\s\"']+")
_IN_PATH: Final = re.compile(r"(/media/(?:r0/|v\d+/)?download/[^/\s?]+/[^/\s?\"']+)/[^\s?\"']+")
_LEFT_OUT: Final = "…"


def without_names(text: str) -> str:
    """A line of the log without the names of files that addresses in it hold."""
    if _MEDIA not in text:
        return text
    return _IN_PATH.sub(rf"\1/{_LEFT_OUT}", _IN_QUERY.sub(_LEFT_OUT, text))


class WithoutNames(logging.Filter):
    """Lets every line pass, without names of files."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites a record that holds one."""
        try:
            text = record.getMessage()
        except Exception:
            # Nothing is raised where it is logged, and no handler shows what it was about to say.
            record.msg, record.args = f"A line of {record.filename}:{record.lineno} cannot be written to the log", ()
            return True
        if (changed := without_names(text)) != text:
            record.msg, record.args = changed, ()
        return True
