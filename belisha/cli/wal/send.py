"""PostgreSQL's `archive_command`: hands a finished piece of its log to whom systemd starts for it.

    python -I -m belisha.cli.wal.send %p %f SOCKET

PostgreSQL starts it for every piece, in its data folder and as its own account, and keeps the piece until it ends with
0: then it is on the disk of the backups. It imports nothing of Belisha: it is to be quick, and runs by itself.
"""

import socket
import struct
import sys
from pathlib import Path

_PATIENCE = 120.0  # seconds


def main(path: str, name: str, address: str) -> int:
    """Hands it over; 0 where it is on the disk of the backups."""
    with Path("global/pg_control").open("rb") as control:
        (system,) = struct.unpack("<Q", control.read(8))  # ControlFileData begins with the server's identifier
    answer = b""
    try:
        with Path(path).open("rb") as piece, socket.socket(socket.AF_UNIX) as there:
            there.settimeout(_PATIENCE)
            there.connect(address)
            there.sendall(f"{name} {system}\n".encode())
            there.sendfile(piece)
            there.shutdown(socket.SHUT_WR)
            while data := there.recv(4096):
                answer += data
    except OSError as error:
        answer = answer or f"{address}: {error.strerror or error}".encode()
    if answer == b"kept\n":
        return 0
    sys.stderr.write(f"belisha: {name} is not kept: {answer.decode('utf-8', 'replace').strip() or 'no answer'}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:4]))
