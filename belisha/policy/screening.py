"""Decides whether an upload is taken, by what is known of it (rules F1, X1). Pure: values in, a Decision out."""

from __future__ import annotations

from typing import Final

from belisha.policy.decision import Decision, allow, refuse
from belisha.screening import Known, Scan

_TAKEN: Final = allow("F1", "Nothing is known against this file.")
#: It says no more: whoever tries out which files are known should learn nothing else.
NOT_ACCEPTED: Final = refuse(
    "F1",
    "NOT_ACCEPTED",
    "This file cannot be accepted here, and was not kept. If you think that this is a mistake, please ask a steward.",
)
MALWARE: Final = refuse(
    "F1",
    "MALWARE",
    "The malware scanner has found something in this file, so it was not kept. Please have your own device checked; "
    "to pass a sample on, put it into an archive with a password, or ask a steward.",
)
NOT_SCANNED: Final = refuse(
    "X1",
    "NOT_SCANNED",
    "Files cannot be checked at the moment, so this one was not taken. Please try again in a few minutes; if it stays "
    "so, tell whoever runs the server.",
)
TOO_LARGE: Final = refuse(
    "X1",
    "TOO_LARGE_TO_SCAN",
    "This file is larger than the malware scanner takes, so it was not taken. Please share it in smaller parts, or ask "
    "whoever runs the server.",
)


def decide_upload(known: Known, scan: Scan, *, required: bool) -> Decision:
    """Decides about the bytes of an upload, before anybody can open or share them.

    Args:
        known: what list and matcher say; where one cannot be asked, the answer is no.
        scan: what the malware scanner says.
        required: whether a file that it could not scan is refused.
    """
    if known is Known.UNREACHABLE:
        return NOT_SCANNED
    if known is not Known.NO:
        return NOT_ACCEPTED
    if scan is Scan.MALWARE:
        return MALWARE
    if required and scan is Scan.TOO_LARGE:
        return TOO_LARGE
    if required and scan is Scan.UNREACHABLE:
        return NOT_SCANNED
    return _TAKEN
