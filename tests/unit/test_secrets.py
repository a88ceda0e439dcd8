"""Secrets: made once, private, kept."""

import base64
from pathlib import Path

import pytest

from belisha.secrets import MAKERS, SecretsError, ensure, read, write_private


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = ensure(tmp_path)
    before = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(before) == set(MAKERS)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert all((tmp_path / "secrets" / name).stat().st_mode & 0o777 == 0o600 for name in MAKERS)
    assert len(set(before.values())) == len(MAKERS)
    assert ensure(tmp_path) == first
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == before


def test_only_the_missing_one_is_made_again(tmp_path: Path) -> None:
    first = ensure(tmp_path)
    (tmp_path / "secrets" / "as_token").unlink()
    second = ensure(tmp_path)
    assert second.as_token != first.as_token
    assert (second.hs_token, second.pepper) == (first.hs_token, first.pepper)


def test_rights_that_are_too_wide_are_narrowed(tmp_path: Path) -> None:
    ensure(tmp_path)
    (tmp_path / "secrets").chmod(0o755)
    (tmp_path / "secrets" / "pepper").chmod(0o644)
    ensure(tmp_path)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "secrets" / "pepper").stat().st_mode & 0o777 == 0o600


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    ensure(tmp_path)
    (tmp_path / "secrets" / "pepper").write_text("\n")
    with pytest.raises(SecretsError, match="pepper is empty"):
        ensure(tmp_path)


def test_the_signing_key_has_the_format_of_signedjson(tmp_path: Path) -> None:
    ensure(tmp_path)
    algorithm, version, seed = read(tmp_path, "signing.key").split()
    assert algorithm == "ed25519"
    assert version.startswith("a_")
    assert "=" not in seed
    assert len(base64.b64decode(seed + "=")) == 32


def test_a_private_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_private(path, "one")
    write_private(path, "two")
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]
