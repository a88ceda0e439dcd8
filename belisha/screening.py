"""What is spoken with those who know about files: ClamAV, a list of hashes, a matcher of hashes. Pure: bytes and text.

ClamAV's protocol is that of clamd(8), section COMMANDS; the matcher's is described in docs/operators.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from ipaddress import ip_address
from typing import Final, NamedTuple

#: Commands to clamd; each answer ends with a NUL character, as they do.
PING: Final = b"zPING\0"
INSTREAM: Final = b"zINSTREAM\0"
PONG: Final = b"PONG\0"
#: How much of a file goes to clamd at once, in bytes.
CHUNK: Final = 64 * 1024
#: Of an answer of clamd's or of the matcher's, in bytes: more is no answer.
LONGEST_ANSWER: Final = 4096
#: The hash of nothing, which is asked to see whether a matcher answers.
NOTHING: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#: The longest path of a Unix socket on Linux (unix(7)), in bytes.
LONGEST_SOCKET_PATH: Final = 107
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_BOM: Final = "\ufeff"


class Scan(StrEnum):
    """What the malware scanner says of a file."""

    #: None is configured.
    OFF = "off"
    CLEAN = "clean"
    MALWARE = "malware"
    #: It is larger than the scanner takes, or than it looks at.
    TOO_LARGE = "too large"
    #: The scanner cannot be reached, is too slow, or says something else.
    UNREACHABLE = "unreachable"


class Known(StrEnum):
    """What list and matcher say of a file's hash."""

    NO = "no"
    BY_LIST = "list"
    BY_MATCHER = "matcher"
    #: One of them could not be asked.
    UNREACHABLE = "unreachable"


class TcpSocket(NamedTuple):
    """An address on this machine: what is sent there is a file's bytes, in clear."""

    host: str
    port: int


# --- ClamAV -------------------------------------------------------------------------------------------------------


def clamd_socket(text: str) -> str | TcpSocket:
    """Where clamd listens: the path of a Unix socket, or a TCP socket on this machine.

    Raises:
        ValueError: where it is neither; the message says why.
    """
    if text.startswith("/"):
        if len(text.encode()) > LONGEST_SOCKET_PATH or "\0" in text:
            raise ValueError(f"the path of a socket has at most {LONGEST_SOCKET_PATH} bytes")
        return text
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("this is neither the path of a socket nor a host and port")
    try:
        is_here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        raise ValueError("members' files would cross the network in clear")
    return TcpSocket(host, int(port))


def chunk(data: bytes) -> bytes:
    """A piece of a file as INSTREAM takes it; the empty piece ends the file."""
    return len(data).to_bytes(4, "big") + data


def reply_of(data: bytes) -> Scan:
    """What clamd answers about a file; what it does not say plainly is no yes."""
    if not data.endswith(b"\0"):
        return Scan.UNREACHABLE
    text = data[:-1]
    if text == b"stream: OK":
        return Scan.CLEAN
    # With `AlertExceedsMax` it says that it has not looked at all of a file as if it had found something.
    if b"size limit exceeded" in text or text.startswith(b"stream: Heuristics.Limits.Exceeded"):
        return Scan.TOO_LARGE
    is_found = text.startswith(b"stream: ") and text.endswith(b" FOUND")
    return Scan.MALWARE if is_found else Scan.UNREACHABLE


# --- The list of known files --------------------------------------------------------------------------------------


class KnownFiles(NamedTuple):
    """A list of SHA-256 hashes, and the numbers of its lines that are none."""

    hashes: frozenset[bytes]
    broken: tuple[int, ...]


def read_list(lines: Iterable[str]) -> KnownFiles:
    """Reads a list: a hash a line in hexadecimal digits, then what one likes; lines that begin with # say nothing.

    A broken line takes no other with it: what can be read counts.
    """
    broken: list[int] = []
    return KnownFiles(frozenset(_hashes(lines, broken)), tuple(broken))


def _hashes(lines: Iterable[str], broken: list[int]) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        words = line.removeprefix(_BOM).split(maxsplit=1)
        if not words or words[0].startswith("#"):
            continue
        if _SHA256.fullmatch(words[0]):
            yield bytes.fromhex(words[0])
        else:
            broken.append(number)


# --- The matcher --------------------------------------------------------------------------------------------------


def question(sha256: str) -> bytes:
    """What a matcher is asked: the hash, and nothing else."""
    return json.dumps({"sha256": sha256}).encode()


def answer_of(status: int, body: bytes) -> bool:
    """Whether a matcher knows the hash.

    Raises:
        ValueError: where that is no answer.
    """
    if status != 200 or len(body) > LONGEST_ANSWER:
        raise ValueError("a matcher answers 200, in a few bytes")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("a matcher answers in JSON") from None
    if not isinstance(said, dict) or not isinstance(said.get("known"), bool):
        raise ValueError("a matcher answers whether the hash is known: true or false")
    return bool(said["known"])
