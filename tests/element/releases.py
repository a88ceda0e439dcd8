"""Small archives in the shape of Element Web's releases, whole and spoilt."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

TOP = "element-v1.12.3"
FILES: dict[str, bytes] = {
    "version": b"1.12.3\n",
    "index.html": b'<!doctype html><div id="matrixchat"></div><script src="bundles/1/a.js"></script>',
    "bundles/1/a.js": b"document.title = 'loaded';",
    "bundles/1/b.wasm": b"\0asm",
    "config.json": b'{"brand": "the archive\'s own"}',
    "config.127.0.0.1.json": b'{"brand": "the archive\'s own"}',
    "config.sample.json": b"{}",
    "belisha/welcome.html": b"the archive's own",
    "mobile_guide/index.html": b"<!doctype html><title>On phones</title>",
    "odd.xyz": b"<script>alert(1)</script>",
}


Member = tuple[tarfile.TarInfo, bytes]


def entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> Member:
    """One member of an archive."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


def archive(files: Mapping[str, bytes | None] | None = None, *more: Member, top: str = TOP) -> bytes:
    """A release with other files (None: without one), and further members at its end."""
    whole = {name: content for name, content in {**FILES, **(files or {})}.items() if content is not None}
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for info, content in (*(entry(f"{top}/{name}", content) for name, content in whole.items()), *more):
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(written.getvalue(), 1, mtime=0)


def sha256(content: bytes) -> str:
    """What `--sha256` is given."""
    return hashlib.sha256(content).hexdigest()


def saved(folder: Path, content: bytes) -> Path:
    """A file with an archive in it."""
    path = folder / "element.tar.gz"
    path.write_bytes(content)
    return path
