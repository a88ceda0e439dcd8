"""A store that speaks S3 (moto's server), in a process of its own, and a way to it that can be cut."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import boto3

from tests.support.server import free_ports

BUCKET: Final = "harbour-backups"
_REGION: Final = "us-east-1"
_PATIENCE: Final = 240.0
#: As docs/backup.md has it; `s3:DeleteObject` is what a community may do without.
ALLOWED: Final = (
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:PutObject",
    "s3:GetObject",
    "s3:AbortMultipartUpload",
)


class Store:
    """The store; until `close_to_strangers` it takes everybody for its owner."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.owner = self._client("s3", "owner", "owner")

    def _client(self, service: str, key: str, secret: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=_REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def account(self, *allowed: str) -> tuple[str, str]:
        """Makes an account that may do this alone; its two keys."""
        iam, name = self._client("iam", "owner", "owner"), f"belisha-{time.monotonic_ns()}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": list(allowed), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="backups", PolicyDocument=policy)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def close_to_strangers(self, *, after: float = 0) -> None:
        """From now on whoever asks has to show a key, and is held to its policy; `inf` opens it again."""
        headers = {"Content-Type": "text/plain"}
        asked = urllib.request.Request(  # noqa: S310  ours
            f"{self.url}/moto-api/reset-auth", data=str(after).encode(), method="POST", headers=headers
        )
        urllib.request.urlopen(asked).close()  # noqa: S310  ours

    def names(self) -> set[str]:
        """Every object of the bucket, as its owner sees it; the store has to be open."""
        return {one["Key"] for one in self.owner.list_objects_v2(Bucket=BUCKET).get("Contents", ())}

    def unfinished(self) -> int:
        """How many uploads were begun and not ended."""
        return len(self.owner.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()))


@contextlib.contextmanager
def running() -> Iterator[Store]:
    """Starts a store with one bucket."""
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=-3, stderr=-3
    )
    try:
        end = time.monotonic() + _PATIENCE
        while True:
            assert process.poll() is None and time.monotonic() < end, "the store did not start"
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        store = Store(port)
        store.owner.create_bucket(Bucket=BUCKET)
        yield store
    finally:
        process.kill()
        process.wait()


def credentials(path: Path, key: str, secret: str, url: str) -> Path:
    """The file by which the store knows us."""
    path.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\nendpoint_url = {url}\n")
    path.chmod(0o600)
    return path


class Wire:
    """A way to the store that is cut, for good, once so many bytes have gone there.

    With `back` each connection is cut, when so many bytes have come back on it.
    """

    def __init__(self, port: int, longest: int, *, back: bool = False) -> None:
        self._port, self._left, self._back = port, longest, back
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.is_cut = threading.Event()
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while not self.is_cut.is_set():
            with contextlib.suppress(OSError):
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                for source, to, counts in ((near, far, not self._back), (far, near, self._back)):
                    threading.Thread(target=self._carry, args=(source, to, counts), daemon=True).start()

    def _carry(self, source: socket.socket, to: socket.socket, counts: bool) -> None:
        came = 0
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)) and not self.is_cut.is_set():
                came += len(data)
                if counts and self._back and came > self._left:
                    break
                if counts and not self._back:
                    self._left -= len(data)
                    if self._left < 0:
                        self.is_cut.set()
                        self._listener.close()
                        break
                to.sendall(data)
        for one in (source, to):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
