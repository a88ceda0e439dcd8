"""`belisha element install`: what is no release is refused clearly, and nothing is left of it."""

from __future__ import annotations

import asyncio
import gzip
import io
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp.test_utils
import pytest
from aiohttp import web

from belisha.cli.element import archive as reading
from belisha.cli.element import install as installing
from belisha.cli.element.store import installed
from belisha.cli.errors import CommandError
from belisha.cli.main import main
from tests.element.releases import FILES, TOP, archive, entry, saved, sha256


def refused(content: bytes, folder: Path) -> str:
    """Why an archive is refused, by its right hash; sees that nothing is left of it."""
    folder.mkdir(exist_ok=True)
    with pytest.raises(CommandError) as caught:
        installing.install(folder, str(saved(folder, content)), sha256(content))
    assert installed(folder) is None
    assert [path.name for path in (folder / "element").iterdir()] == [".lock"], "nothing is left"
    return str(caught.value)


def test_a_release_is_installed_and_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = archive(), archive({"version": b"v1.12.4-rc.1", "new": b"x"}, top="./element-v1.12.4")
    for content, version in ((first, "1.12.3"), (second, "1.12.4-rc.1"), (second, "1.12.4-rc.1")):
        path = saved(tmp_path, content)
        digest = sha256(content).upper()
        assert main(["element", "install", str(path), "--sha256", digest, "--data", str(tmp_path / "data")]) == 0
        said = capsys.readouterr().out
        assert f"Element Web {version} is installed in " in said and "from the next start on: " in said
        found = installed(tmp_path / "data")
        assert found is not None and (found.version, found.sha256) == (version, digest.lower())
        assert (found.folder / "bundles/1/a.js").read_bytes() == FILES["bundles/1/a.js"]
        assert (found.folder / "index.html").stat().st_mode & 0o777 == 0o600
        assert sorted(one.name for one in found.folder.parent.iterdir() if one.is_dir()) == [found.folder.name]
    assert (found.folder / "new").read_bytes() == b"x"


def test_another_hash_or_no_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, data = saved(tmp_path, archive()), tmp_path / "data"
    assert main(["element", "install", str(path), "--sha256", "0" * 64, "--data", str(data)]) == 1
    said = capsys.readouterr().err
    assert f"its SHA-256 is {sha256(archive())}, and not the one that you named" in said
    assert installed(data) is None
    for wrong in ("abc", "g" * 64, ""):
        with pytest.raises(SystemExit):
            main(["element", "install", str(path), "--sha256", wrong, "--data", str(data)])
        assert "this is no SHA-256" in capsys.readouterr().err
    assert main(["element", "install", str(tmp_path / "no"), "--sha256", "0" * 64, "--data", str(data)]) == 1
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(written.getvalue(), 1)


WRONG = {
    "no archive": (b"<html>Not found</html>", "it is no whole .tar.gz file"),
    "nothing": (b"", "it is no whole .tar.gz file"),
    "no tar in it": (gzip.compress(b"x" * 4096), "it is no whole .tar.gz file"),
    "cut off": (archive()[:-300], "it is no whole .tar.gz file"),
    "empty": (_tar(), "it has no index.html"),
    "another program": (archive({"index.html": b"<!doctype html><title>Other</title>"}), "is not that of Element Web"),
    "the source": (archive({"bundles/1/a.js": None, "bundles/1/b.wasm": None}), "is not that of Element Web"),
    "no version": (archive({"version": None}), "it has no file `version`"),
    "odd version": (archive({"version": b"latest"}), "its file `version` names none"),
    "long version": (archive({"version": b"1.12.3" + b" " * 100 + b"x"}), None),
    "no folder": (_tar(entry("index.html", b"x")), "stands in no folder"),
    "two folders": (archive({}, entry("other/x", b"x")), "more than one folder at its top (element-v1.12.3, other)"),
    "up": (archive({}, entry(f"{TOP}/../../x", b"x")), "is not one of a file in a folder"),
    "up inside": (archive({}, entry(f"{TOP}/a/../x", b"x")), "is not one of a file in a folder"),
    "from the root": (archive({}, entry("/etc/cron.d/x", b"x")), "'/etc/cron.d/x' in it is not one of a file"),
    "backslashes": (archive({}, entry(f"{TOP}\\..\\x", b"x")), "is not one of a file in a folder"),
    "unseen sign": (archive({}, entry(f"{TOP}/a\u202eb", b"x")), "is not one of a file in a folder"),
    "deep": (archive({}, entry(f"{TOP}/" + "a/" * 12 + "x", b"x")), "is not one of a file in a folder"),
    "long": (archive({}, entry(f"{TOP}/" + "a" * 201, b"x")), "is not one of a file in a folder"),
    "symbolic link": (
        archive({}, entry(f"{TOP}/x", kind=tarfile.SYMTYPE, link="/etc/passwd")),
        f"'{TOP}/x' in it is neither a file nor a folder",
    ),
    "through a link": (
        archive({}, entry(f"{TOP}/x", kind=tarfile.SYMTYPE, link="/var"), entry(f"{TOP}/x/y", b"x")),
        "is neither a file nor a folder",
    ),
    "hard link": (
        archive({}, entry(f"{TOP}/x", kind=tarfile.LNKTYPE, link=f"{TOP}/version")),
        "is neither a file nor a folder",
    ),
    "device": (archive({}, entry(f"{TOP}/x", kind=tarfile.CHRTYPE)), "is neither a file nor a folder"),
    "pipe": (archive({}, entry(f"{TOP}/x", kind=tarfile.FIFOTYPE)), "is neither a file nor a folder"),
    "twice": (archive({}, entry(f"{TOP}/version", b"9.9.9")), "is in it twice"),
    "under a file": (archive({}, entry(f"{TOP}/version/x", b"9.9.9")), "is in it twice"),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_release_is_refused(content: bytes, said: str | None, tmp_path: Path) -> None:
    told = refused(content, tmp_path / "data")
    assert (said or "its file `version` names none") in told
    assert "Take the file element-v….tar.gz of a release" in told
    assert sorted(path.name for path in tmp_path.rglob("x")) == []


def test_bombs_are_counted_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1 << 20)
    zeros = archive({"bundles/zeros": b"\0" * (2 << 20)})
    assert len(zeros) < 50_000
    assert "it unpacks to more than 1 MiB" in refused(zeros, tmp_path / "a")
    header = tarfile.TarInfo(f"{TOP}/x")
    header.pax_headers = {"comment": "x" * (2 << 20)}
    assert "it unpacks to more than 1 MiB" in refused(archive({}, (header, b"")), tmp_path / "b")
    monkeypatch.setattr(reading, "MOST_FILES", 20)
    many = archive({f"bundles/n{number}": b"" for number in range(20)})
    assert "it holds more than 20 files" in refused(many, tmp_path / "c")
    monkeypatch.setattr(installing, "LARGEST", 100)
    assert "it is larger than 0 MiB" in refused(archive(), tmp_path / "d")


def test_what_was_installed_stays_where_another_is_refused(tmp_path: Path) -> None:
    content = archive()
    before = installing.install(tmp_path, str(saved(tmp_path, content)), sha256(content))
    for wrong in (archive({"version": None}), b"x"):
        with pytest.raises(CommandError):
            installing.install(tmp_path, str(saved(tmp_path, wrong)), sha256(wrong))
    assert installed(tmp_path) == before


_KILLED = """
import os, signal, sys
from pathlib import Path
from belisha.cli.element import install
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
setattr(install, sys.argv[4], die)
install.install(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
"""


@pytest.mark.parametrize("at", ["unpack", "write_private", "_clear"])
def test_killed_at_any_moment_one_whole_release_is_there(at: str, tmp_path: Path) -> None:
    first, second = archive(), archive({"version": b"1.12.4"})
    installing.install(tmp_path, str(saved(tmp_path, first)), sha256(first))
    arguments = (str(tmp_path), str(saved(tmp_path, second)), sha256(second), at)
    killed = subprocess.run([sys.executable, "-c", _KILLED, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    found = installed(tmp_path)
    assert found is not None and found.version == ("1.12.4" if at == "_clear" else "1.12.3")
    found = installing.install(tmp_path, str(saved(tmp_path, second)), sha256(second))
    assert [one.name for one in (tmp_path / "element").iterdir() if one.is_dir()] == [found.folder.name]


@pytest.fixture
async def releases() -> AsyncIterator[str]:
    """A server of archives on this machine; its address."""

    async def release(_request: web.Request) -> web.Response:
        return web.Response(body=archive())

    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def round_and_round(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/round"})

    app = web.Application()
    app.add_routes([web.get("/x.tar.gz", release), web.get("/to", elsewhere), web.get("/round", round_and_round)])
    async with aiohttp.test_utils.TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


async def test_an_archive_is_fetched_over_https_alone(releases: str, tmp_path: Path) -> None:
    async def install(url: str) -> str:
        command = [sys.executable, "-m", "belisha", "element", "install", url, "--sha256", sha256(archive())]
        process = await asyncio.create_subprocess_exec(
            *command, "--data", str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = await process.communicate()
        return said.decode()

    assert "Element Web 1.12.3 is installed" in await install(f"{releases}/to?to=/x.tar.gz")
    assert "would be asked in clear" in await install("http://archive.charity.uk/x.tar.gz?token=s3cret")
    said = await install(f"{releases}/to?to=http://archive.charity.uk/x.tar.gz?token=s3cret")
    assert "archive.charity.uk would be asked in clear" in said and "s3cret" not in said
    assert "127.0.0.1 answered 404" in await install(f"{releases}/none")
    assert "without an end" in await install(f"{releases}/round")
    assert "could not be fetched from 127.0.0.1 (" in await install("http://127.0.0.1:1/x.tar.gz")
    assert "would be asked in clear" in await install("file:///etc/passwd")
