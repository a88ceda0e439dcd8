"""Backups in a bucket, against a store that speaks S3: whole or not there, and nobody else's to see."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from belisha.backup import retention
from belisha.backup.place import Place, place
from belisha.cli.away import sending
from belisha.cli.away.access import access
from belisha.cli.away.bucket import Bucket
from belisha.cli.errors import CommandError
from belisha.cli.progress import Plain
from tests.support.store import ALLOWED, BUCKET, Store, Wire, credentials, running

pytestmark = pytest.mark.more

SERVER = "harbour.test"
FOLDER = f"s3://{BUCKET}/belisha"


@pytest.fixture(scope="module")
def running_store() -> Iterator[Store]:
    with running() as there:
        yield there


@pytest.fixture
def store(running_store: Store) -> Iterator[Store]:
    """Empty, and closed to who has no key; the tests look into it when they have opened it again."""
    for name in running_store.names():
        running_store.owner.delete_object(Bucket=BUCKET, Key=name)
    yield running_store
    running_store.close_to_strangers(after=float("inf"))


def _bucket(store: Store, folder: Path, *allowed: str, url: str = "") -> Bucket:
    keys = store.account(*(allowed or (*ALLOWED, "s3:DeleteObject")))
    store.close_to_strangers()
    return sending.bucket(FOLDER, credentials(folder / "credentials", *keys, url or store.url))


def _archives(folder: Path, made: int, size: int = 1000) -> tuple[Path, Path]:
    of_data, of_keys = (folder / name for name in retention.names(SERVER, made))
    of_data.write_bytes(os.urandom(size))
    of_keys.write_bytes(b"keys")
    return of_data, of_keys


def _wanted(folder: Path, name: str, keys: Path | None = None) -> argparse.Namespace:
    """What `belisha restore` is asked for."""
    return argparse.Namespace(
        archive=f"{FOLDER}/{name}", keys=keys, s3_credentials=folder / "credentials", data=folder / "new"
    )


def _refused(args: argparse.Namespace) -> str:
    """Why a restore cannot bring its archives; nothing is left of the attempt."""
    with pytest.raises(CommandError) as told, sending.fetched(args, Plain()):
        pass
    assert not [one for one in args.data.parent.iterdir() if one.name.startswith(".")]
    return str(told.value)


def _opened(store: Store) -> set[str]:
    store.close_to_strangers(after=float("inf"))
    return store.names()


def test_what_was_sent_comes_back_and_what_is_kept_no_longer_is_deleted(store: Store, tmp_path: Path) -> None:
    to = _bucket(store, tmp_path)
    sending.ready(to, SERVER)
    for made in (1_790_000_000, 1_790_000_100):
        for path in reversed(_archives(tmp_path, made, 40 * 1024 * 1024)):  # more than one piece
            to.put(path, path.name)
    gone = retention.to_delete(to.names(), SERVER, retention.Keep(1, 1, 1))
    assert all(to.delete(name) for name in gone) and len(gone) == 2
    of_data, of_keys = retention.names(SERVER, 1_790_000_100)
    left = tmp_path / ".new.fetched" / "what a killed one left"
    left.parent.mkdir(mode=0o700)
    left.touch()
    args = _wanted(tmp_path, of_data)
    with sending.fetched(args, Plain()):
        assert args.archive.read_bytes() == (tmp_path / of_data).read_bytes()
        assert args.archive.with_name(of_keys).read_bytes() == b"keys"
        assert args.archive.parent.stat().st_mode & 0o777 == 0o700
        assert not left.exists()
        with pytest.raises(CommandError, match="Another restore"), sending.fetched(_wanted(tmp_path, of_data), Plain()):
            pass
    assert not args.archive.parent.exists(), "encrypted or not, nothing is left lying about"
    assert _opened(store) == {f"belisha/{of_data}", f"belisha/{of_keys}"}


def test_a_network_that_is_cut_leaves_nothing_that_looks_whole_and_the_next_sweeps(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("belisha.cli.away.bucket.RETRIES", {"total_max_attempts": 1})
    wire = Wire(store.port, 36 * 1024 * 1024)  # amid the second piece
    to = _bucket(store, tmp_path, url=wire.url)
    of_data, of_keys = _archives(tmp_path, 1_790_000_000, 70 * 1024 * 1024)
    to.put(of_keys, of_keys.name)
    with pytest.raises(CommandError, match="nothing that looks whole was left") as told:
        to.put(of_data, of_data.name)
    assert wire.is_cut.is_set() and str(told.value).startswith(FOLDER)
    assert _opened(store) == {f"belisha/{of_keys.name}"}, "keys alone are no backup"
    assert retention.newest(store.names(), SERVER) is None
    assert store.unfinished() == 1
    sending.ready(_bucket(store, tmp_path), "other.test")
    store.close_to_strangers(after=float("inf"))
    assert store.unfinished() == 1, "that of another community stays"
    sending.ready(_bucket(store, tmp_path), SERVER)
    store.close_to_strangers(after=float("inf"))
    assert store.unfinished() == 0


def test_what_cannot_be_brought_is_said_with_what_to_do(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("belisha.cli.away.bucket.RETRIES", {"total_max_attempts": 1})
    of_data, of_keys = _archives(tmp_path, 1_790_000_000, 3 * 1024 * 1024)
    keys, nothing = store.account(*ALLOWED), store.account("s3:PutObject")
    to = _bucket(store, tmp_path)
    with sending.fetched(argparse.Namespace(archive=str(of_data)), Plain()):
        pass  # a file is where it is
    assert "No whole backup is there: is it the folder?" in _refused(_wanted(tmp_path, of_data.name))
    to.put(of_data, of_data.name)
    said = _refused(_wanted(tmp_path, of_data.name))
    assert f"There is no {of_keys.name} in {FOLDER}" in said and "name their archive with --keys" in said
    with sending.fetched(args := _wanted(tmp_path, of_data.name, keys=of_keys), Plain()):
        assert [one.name for one in args.archive.parent.iterdir()] == [of_data.name]
    to.put(of_keys, of_keys.name)
    other, _ = retention.names(SERVER, 1_790_000_100)
    assert f"There is no {other} in {FOLDER}/. The last by name is {of_data.name}." in _refused(
        _wanted(tmp_path, other)
    )
    with pytest.raises(CommandError, match=r"could not be written to .*not-there"):
        to.get(of_data.name, tmp_path / "not-there" / "x")

    wanted = _wanted(tmp_path, of_data.name)
    for given, said in (
        ((*keys, Wire(store.port, 1024 * 1024, back=True).url), "was not reached to the end (RetriesExceededError)"),
        ((*keys, "http://127.0.0.1:9"), "cannot be reached"),
        ((keys[0], "not-the-secret", store.url), "does not take this secret"),
        (("AKIANOBODY", keys[1], store.url), "does not know this access key"),
        ((*nothing, store.url), "does not allow this to these credentials"),
    ):
        credentials(tmp_path / "credentials", *given)
        assert said in _refused(wanted)
    credentials(tmp_path / "credentials", *keys, store.url)
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: argparse.Namespace(free=1024))
    assert "The archives have 3 MiB, and 0 MiB are free" in _refused(wanted)


def test_what_credentials_are_for_is_said_and_they_are_never_repeated(store: Store, tmp_path: Path) -> None:
    key, secret = store.account(*ALLOWED)
    nothing = store.account("s3:ListBucket")
    store.close_to_strangers()
    for keys, said in (
        ((key, "not-the-secret"), "does not take this secret"),
        (("AKIANOBODY", secret), "does not know this access key"),
        (nothing, "does not allow this to these credentials"),
    ):
        with pytest.raises(CommandError, match=said) as told:
            sending.ready(sending.bucket(FOLDER, credentials(tmp_path / "c", *keys, store.url)), SERVER)
        assert not any(one in str(told.value) for one in keys)
    with pytest.raises(CommandError, match="has no such bucket"):
        sending.ready(sending.bucket("s3://not-there/x", credentials(tmp_path / "c", key, secret, store.url)), SERVER)
    unreachable = credentials(tmp_path / "c", key, secret, "http://127.0.0.1:9")
    with pytest.raises(CommandError, match="cannot be reached"):
        sending.bucket(FOLDER, unreachable).names()


def test_credentials_that_may_not_delete_are_enough_and_what_is_old_is_left_to_the_store(
    store: Store, tmp_path: Path
) -> None:
    to = _bucket(store, tmp_path, *ALLOWED)
    sending.ready(to, SERVER)
    of_data, _ = _archives(tmp_path, 1_790_000_000)
    to.put(of_data, of_data.name)
    assert to.delete(of_data.name) is False and to.names().count(of_data.name) == 1


def test_a_bucket_that_anybody_can_read_gets_nothing(store: Store, tmp_path: Path) -> None:
    store.owner.put_bucket_policy(
        Bucket=BUCKET,
        Policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",'
        f' "Resource": "arn:aws:s3:::{BUCKET}/*"}}]}}',
    )
    try:
        to = sending.bucket(FOLDER, credentials(tmp_path / "c", "owner", "owner", store.url))
        with pytest.raises(CommandError, match=r"Anybody can read .* Nothing was sent"):
            sending.ready(to, SERVER)
        assert store.names() == set()
    finally:
        store.owner.delete_bucket_policy(Bucket=BUCKET)
    with pytest.raises(CommandError, match="Anybody can list"):  # the store takes everybody for its owner
        sending.ready(to, SERVER)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no section"),
        ("[default]\naws_access_key_id = AKIAONE", "lacks aws_secret_access_key"),
        ("[default]\naws_access_key_id=AKIAONE\naws_secret_access_key=qsecretq\npasswd=qsecretq", "has passwd"),
        ("[default]\naws_access_key_id=AKIAONE\naws_secret_access_key=qsecretq\nqsecretq", "has no section"),
        (
            "[default]\naws_access_key_id=AKIAONE\naws_secret_access_key=qsecretq\nendpoint_url=http://store.test",
            "without TLS",
        ),
    ],
)
def test_a_file_of_credentials_that_cannot_be_used_is_said_without_it(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "credentials"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(CommandError, match=said) as told:
        access(path)
    assert "qsecretq" not in str(told.value) and "AKIAONE" not in str(told.value)
    path.chmod(0o640)
    with pytest.raises(CommandError, match="can be read by others"):
        access(path)


def test_nothing_that_is_printed_shows_the_secret(tmp_path: Path) -> None:
    shown = repr(access(credentials(tmp_path / "c", "AKIAONE", "qsecretq", "https://store.test")))
    assert "qsecretq" not in shown and "AKIAONE" not in shown and "store.test" in shown


@pytest.mark.parametrize(("text", "found"), [("s3://abc", Place("abc", "")), ("s3://abc/d/e/", Place("abc", "d/e/"))])
def test_an_address_names_a_bucket_and_a_folder(text: str, found: Place) -> None:
    assert place(text) == found and place(str(found)) == found


@pytest.mark.parametrize("text", ["s3://", "s3://A", "s3://ab", "s3://abc/../x", "s3://abc/x//y", "s3://abc/a b", "x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        place(text)
