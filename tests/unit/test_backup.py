"""Archives, what is in none, how long they are kept, and the key: without a community."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from belisha.backup import archive, manifest, retention, segments
from belisha.backup.archive import BrokenArchive
from belisha.backup.manifest import Manifest, NoManifest
from belisha.backup.retention import Keep
from belisha.cli import data_folder, doctor_backups, restored
from belisha.cli.backup import sqlite, work
from belisha.cli.main import main
from belisha.cli.restore import ending

ME = pyrage.x25519.Identity.generate()
LIST = Manifest("data", "b", 1_790_000_000, "belisha.localhost", "1", {"bots": {"poll": 3}})


def written(path: Path, files: dict[str, bytes]) -> Manifest:
    with archive.writing(path, str(ME.to_public())) as out:
        for name, content in files.items():
            out.add(name, io.BytesIO(content))
        return out.finish(LIST)


class Kept(io.BytesIO):
    """A file whose content outlives it."""

    content: bytes = b""

    def close(self) -> None:
        if not self.closed:
            self.content = self.getvalue()
        super().close()


# --- Archives ----------------------------------------------------------------------------------------------------


def test_what_was_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "PIECE", 1000)
    files = {"a": b"", "b/c": b"x" * 999, "b/d#1": b"y" * 1000, "e": os.urandom(4321)}
    path = tmp_path / "x.tar.age"
    whole = written(path, files)
    got: dict[str, Kept] = {}
    assert archive.read(path, [ME], lambda name: got.setdefault(name, Kept())) == whole
    assert {name: kept.content for name, kept in got.items()} == files
    assert whole.tables == LIST.tables and path.stat().st_mode & 0o777 == 0o600
    assert b"x" * 20 not in path.read_bytes() and [one.name for one in tmp_path.iterdir()] == [path.name]


def test_without_belisha_age_and_tar_are_enough(tmp_path: Path) -> None:
    written(tmp_path / "x", {"a": b"one"})
    (tmp_path / "plain").write_bytes(pyrage.decrypt((tmp_path / "x").read_bytes(), [ME]))
    told = subprocess.run(["tar", "xOf", tmp_path / "plain", "a#00000"], capture_output=True, check=True)
    assert told.stdout == b"one"


@pytest.mark.parametrize("change", ["cut", "cut at a block", "flipped", "other key", "empty", "no archive"])
def test_what_is_not_whole_is_refused(tmp_path: Path, change: str) -> None:
    path, keys = tmp_path / "x", [ME]
    written(path, {"a": os.urandom(300_000)})
    content = path.read_bytes()
    if change == "other key":
        keys = [pyrage.x25519.Identity.generate()]
    else:
        header = content.index(b"\n---") + 49 + 16
        path.write_bytes(
            {
                "cut": content[:-1],
                "cut at a block": content[: header + 2 * (65536 + 16)],
                "flipped": content[:150_000] + bytes([content[150_000] ^ 1]) + content[150_001:],
                "empty": b"",
                "no archive": pyrage.encrypt(b"a letter", [ME.to_public()]),
            }[change]
        )
    with pytest.raises(BrokenArchive, match="archive"):
        archive.read(path, keys)


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../b", "a//b", "./a", ""])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    written(tmp_path / "x", {name: b"x"})
    opened: list[str] = []

    def sink(asked: str) -> Kept:
        opened.append(asked)
        return Kept()

    with pytest.raises(BrokenArchive, match="leads elsewhere"):
        archive.read(tmp_path / "x", [ME], sink)
    assert not opened, "nothing was opened for it"


def test_a_file_that_the_manifest_does_not_have_is_refused(tmp_path: Path) -> None:
    with archive.writing(tmp_path / "x", str(ME.to_public())) as out:
        out.add("a", io.BytesIO(b"1"))
        out.entries.clear()
        out.finish(LIST)
    with pytest.raises(BrokenArchive, match="does not have in it"):
        archive.read(tmp_path / "x", [ME])
    with archive.writing(tmp_path / "y", str(ME.to_public())) as out:
        out.add("a", io.BytesIO(b"1"))
    with pytest.raises(BrokenArchive, match="no manifest"):
        archive.read(tmp_path / "y", [ME])


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """Files here may have 100 kB, as if the disk had no more."""
    program = (
        "import io, os, resource, signal, sys; from pathlib import Path; from belisha.backup import archive\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    with archive.writing(Path(sys.argv[1]), sys.argv[2]) as out:\n"
        "        out.add('a', io.BytesIO(os.urandom(30_000_000)))\n"
        "except archive.NotWritten as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "x", str(ME.to_public())], capture_output=True, text=True, check=True
    )
    assert "could not be written" in told.stdout and "too large" in told.stdout
    assert not list(tmp_path.iterdir())


def test_one_that_is_killed_leaves_a_part(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from belisha.backup import archive\n"
        "with archive.writing(Path(sys.argv[1]), sys.argv[2]) as out: \n"
        "    print('open', flush=True); out.add('a', sys.stdin.buffer)"
    )
    name, _ = retention.names("belisha.localhost", 1_790_000_000)
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / name, str(ME.to_public())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    (left,) = tmp_path.iterdir()
    assert left.name == f".{name}.part" and retention.is_part_of(left.name, "belisha.localhost")
    assert not retention.is_part_of(left.name, "elsewhere.localhost") and not retention.is_part_of(
        name, "belisha.localhost"
    )


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """Others may write into the folder of backups, and whoever makes them may write everywhere."""
    precious = tmp_path / "precious"
    precious.write_text("stays")
    archive.part_of(tmp_path / "x").symlink_to(precious)
    written(tmp_path / "x", {"a": b"1"})
    assert precious.read_text() == "stays" and archive.read(tmp_path / "x", [ME]).entries


def test_an_error_of_what_is_read_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), archive.writing(tmp_path / "x", str(ME.to_public())) as out:
        out.add("a", io.BytesIO(b"1"))
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "\x00", '{"format": 1, "kind": "x", "entries": []}'])
def test_what_is_no_manifest(text: str) -> None:
    assert manifest.parse(LIST.text()) == LIST
    with pytest.raises(NoManifest):
        manifest.parse(text)


# --- Retention ---------------------------------------------------------------------------------------------------


def test_days_weeks_and_months_are_kept() -> None:
    start = datetime(2026, 1, 1, 3, tzinfo=UTC)
    there: set[str] = set()
    for day in range(400):
        made = int((start + timedelta(days=day)).timestamp())
        there |= set(retention.names("x.uk", made))
        there -= set(retention.to_delete(there, "x.uk", Keep(7, 4, 6)))
    stamps = sorted(name[5:13] for name in there if not name.endswith(".keys.tar.age"))
    assert len(there) == 2 * len(stamps), "each with its keys"
    # The 400th day is Thursday, 2027-02-04: seven days, the Sundays before, the last days of months before.
    assert stamps == [
        *("20260930", "20261031", "20261130", "20261231", "20270117", "20270124"),
        *("20270129", "20270130", "20270131", "20270201", "20270202", "20270203", "20270204"),
    ]


def test_the_newest_is_kept_whatever_the_settings_say_and_strangers_are_let_be() -> None:
    old, old_keys = retention.names("x.uk", 1_780_000_000)
    new, new_keys = retention.names("x.uk", 1_790_000_000)
    being_made = retention.names("x.uk", 1_790_000_001)[1]
    others = {
        *retention.names("y.uk", 1),
        "notes.txt",
        f"{old}.sha256",
        ".x.uk-20260101T000000Z.tar.age.part",
        being_made,
    }
    assert retention.to_delete({old, old_keys, new, new_keys, *others}, "x.uk", Keep(0, 0, 0)) == [old, old_keys]
    assert retention.to_delete({old_keys, new}, "x.uk", Keep()) == [old_keys], "keys without data"
    assert retention.to_delete(others, "x.uk", Keep(0, 0, 0)) == []


def test_doctor_looks_for_a_backup_where_there_should_be_one(tmp_path: Path) -> None:
    data = data_folder.create(tmp_path / "data")
    data_folder.settings(data)
    assert doctor_backups.look(data) == {}, "no backups are meant to be"
    path, folder, made = data / "belisha.yaml", tmp_path / "backups", 1_790_000_000
    text = path.read_text().replace("  folder: null", f"  folder: {folder}", 1)
    path.write_text(text.replace("revocations: null", f"revocations: {tmp_path / 'journal'}"))

    def said(hours: float) -> str:
        (problems,) = doctor_backups.look(data, made + hours * 3600).values()
        return " ".join(problems)

    assert "cannot be read" in said(0)
    folder.mkdir()
    of_data, of_keys = retention.names("belisha.localhost", made)
    (folder / of_data).touch()
    assert "There is no whole backup" in said(0), "its keys are missing"
    (folder / of_keys).touch()
    assert said(48) == ""
    assert "The newest backup in" in said(50)
    # Where any moment is to be restored, a base copy has to be as new.
    whole = path.read_text()
    path.write_text(whole.replace("continuous_days: 0", "continuous_days: 7"))
    assert "cannot be read" in said(1)
    (folder / segments.FOLDER / "1").mkdir(parents=True)
    assert "No base copy" in said(1)
    ended = datetime.fromtimestamp(made, UTC)
    (folder / segments.FOLDER / "1" / segments.base_name(ended, "0" * 24)).touch()
    assert said(48) == ""
    path.write_text(text)
    assert "backup.revocations is null" in said(0)


# --- Databases ---------------------------------------------------------------------------------------------------


def test_a_copy_has_no_sessions_and_nothing_that_was_deleted(tmp_path: Path) -> None:
    path, copy = tmp_path / "homeserver.db", tmp_path / "copy.db"
    with contextlib.closing(sqlite3.connect(path)) as there:
        there.execute("PRAGMA journal_mode = WAL")
        for table in ("access_tokens", "events"):
            there.execute(f"CREATE TABLE {table} (text TEXT)")
        there.execute("CREATE TABLE belisha_pseudonym (user_id TEXT, pseudonym TEXT)")
        there.execute("CREATE VIRTUAL TABLE event_search USING fts4 (text)")
        there.execute("INSERT INTO access_tokens VALUES ('syt_quenchwinkle')")
        there.execute("INSERT INTO belisha_pseudonym VALUES ('@ana:x', 'p-one')")
        there.executemany("INSERT INTO events VALUES (?)", [("stays",), (f"deleted {'glimmerfen ' * 500}",)])
        there.commit()
        there.execute("DELETE FROM events WHERE text <> 'stays'")
        there.commit()
        assert sqlite.copy(path, copy, "synapse") == [("@ana:x", "p-one")]  # while the other connection is open
        assert there.execute("SELECT COUNT(*) FROM access_tokens").fetchone() == (1,)
    content = copy.read_bytes()
    for word in (b"quenchwinkle", b"glimmerfen", b"p-one"):
        assert word not in content, word
    assert sqlite.counts(copy) == {"access_tokens": 0, "belisha_pseudonym": 0, "event_search": 0, "events": 1}
    assert sqlite.is_whole(copy)
    sqlite.put_pseudonyms(copy, [("@ana:x", "p-one")])
    assert sqlite.counts(copy)["belisha_pseudonym"] == 1


def test_a_passable_folder_lets_accounts_through_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        work.make_passable(tmp_path / "one")
    finally:
        os.umask(before)
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o711


def test_what_a_restore_says_of_a_journal_that_was_not_replayed() -> None:
    for journal, said in ((False, True), (True, False)):
        told = ending.said(restored.Closed("a", 0, journal), {"files withdrawn": 0}, Path("data"), "then")
        assert ("No journal was replayed" in told) == said and ("0 files withdrawn" in told) == journal


def test_the_first_name_of_an_archive_tells_a_server_from_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.age"
    with archive.writing(path, str(ME.to_public())) as writer:
        writer.add("bots.dump", io.BytesIO(b"x" * 3_000_000))
        writer.add("synapse.dump", io.BytesIO(b"y"))
        writer.finish(manifest.Manifest("data", "b", 1, "s", "1"))
    assert archive.first(path, [ME]) == "bots.dump"
    with pytest.raises(BrokenArchive, match="not for this key"):
        archive.first(path, [pyrage.x25519.Identity.generate()])
    path.write_bytes(b"age-encryption.org/v1\n")
    with pytest.raises(BrokenArchive):
        archive.first(path, [ME])


# --- The key -----------------------------------------------------------------------------------------------------


def test_a_key_is_written_once_and_never_beside_the_community(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "key"
    assert main(["backup-key", "new", str(path)]) == 0
    out = capsys.readouterr()
    (identity,) = archive.identities(path.read_text())
    assert out.out == f"recipient: {identity.to_public()}\n" and "SECRET" not in out.out + out.err
    assert path.stat().st_mode & 0o777 == 0o600
    assert main(["backup-key", "new", str(path)]) == 1
    assert "is there already" in capsys.readouterr().err
    (tmp_path / "belisha.yaml").touch()
    (tmp_path / "in").mkdir()
    assert main(["backup-key", "new", str(tmp_path / "in" / "key")]) == 1
    assert "is a community's data folder" in capsys.readouterr().err
    assert main(["backup-key", "new", "-"]) == 0
    (shown,) = archive.identities(capsys.readouterr().out)
    assert str(shown) != str(identity)


def test_a_private_key_is_never_repeated() -> None:
    for text, said in ((str(ME), "the private key"), ("age1nonsense", "no public key")):
        with pytest.raises(ValueError, match=said) as caught:
            archive.recipient(text)
        assert text not in str(caught.value) and caught.value.__cause__ is None
    with pytest.raises(ValueError, match="no private key"):
        archive.identities("# nothing\n")
    with pytest.raises(ValueError, match="no private key"):
        archive.identities("AGE-SECRET-KEY-1X\n")


def test_a_backup_needs_a_key_and_a_folder_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = data_folder.create(tmp_path / "data")
    data_folder.settings(data)
    assert main(["backup", "--data", str(data)]) == 1
    assert "Nothing says where the backup goes." in capsys.readouterr().err
    assert main(["backup", "--data", str(data), "--to", str(tmp_path)]) == 1
    assert "backup.recipient is missing" in capsys.readouterr().err
    path = data / "belisha.yaml"
    path.write_text(path.read_text().replace("  recipient: null", f"  recipient: {ME.to_public()}", 1))
    for folder, said in ((tmp_path / "none", "is not there"), (data / "logs", "is inside the data folder")):
        assert main(["backup", "--data", str(data), "--to", str(folder)]) == 1
        assert said in capsys.readouterr().err
    assert main(["backup", "--data", str(data), "--to", str(tmp_path)]) == 1
    assert "There is no database" in capsys.readouterr().err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data"] and not (data / "backup-work").exists()
