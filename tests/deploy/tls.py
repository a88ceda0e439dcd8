"""What testssl.sh finds about a site: protocols, ciphers, known weaknesses and headers, as a stranger sees them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

#: Which of its checks: protocols, ciphers, forward secrecy, the server's choice, known weaknesses, headers.
CHECKS: Final = ("--protocols", "--std", "--fs", "--server-preference", "--vulnerable", "--headers")
#: From which severity on something is wrong.
WRONG: Final = ("LOW", "MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL")

#: What is found of the test and not of the configuration: its OpenSSL has no engines, with which testssl.sh would try
#: renegotiation and GOST; and the portal's first page leads to another.
OF_THE_TEST: Final = frozenset({"engine_problem", "secure_renego", "HTTP_status_code"})


def findings(host: str, address: str, folder: Path, port: int = 443) -> dict[str, tuple[str, str]]:
    """Each finding's severity and words, by its name.

    Args:
        host: the name that is asked for.
        address: where it is.
        folder: for testssl.sh's report.
        port: of https.
    """
    report = folder / f"{host}.json"
    command = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", address]
    said = subprocess.run(
        [*command, "--nodns", "none", "--jsonfile", str(report), *CHECKS, f"https://{host}:{port}/"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert report.exists(), said.stdout[-2000:] + said.stderr[-2000:]
    return {one["id"]: (one["severity"], one["finding"]) for one in json.loads(report.read_text())}
