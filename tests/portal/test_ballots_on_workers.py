"""Anonymous polls on several processes with PostgreSQL: what all of its files, and a backup, tell of who voted how."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import psycopg2
import pytest
import yaml

from belisha.polls.ballots import read_list
from tests.portal.support import Here, running, settings_with
from tests.portal.test_ballots import begun, closed, council, files_of, said, votes
from tests.support.databases import dump
from tests.support.patience import until
from tests.support.server import Server
from tests.support.workers import Workers

pytestmark = [pytest.mark.full, pytest.mark.nightly]

#: Pages of PostgreSQL's write-ahead log, and how long their headers are (access/xlog_internal.h): what is longer than
#: the rest of a page goes on behind the next one's.
_PAGE: Final = 8192
_HEADER, _FIRST_HEADER = 24, 40


def _bots_on_postgresql(server: Server) -> None:
    assert isinstance(server, Workers)
    connection = psycopg2.connect(server.database)
    connection.autocommit = True
    connection.cursor().execute("CREATE DATABASE bots TEMPLATE template0")
    connection.close()
    path = server.place.rendered / "bots.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"database": _bots(server)}))


def _bots(server: Workers) -> str:
    return server.database.replace("/postgres", "/bots")


async def _organisations(here: Here) -> None:
    for organisation in ("harbour", "chandlers"):
        await here.server.organisation(organisation)


def _everything(server: Workers) -> dict[Path, bytes]:
    """All files of all processes and of PostgreSQL, its log and write-ahead log too, and a backup of both databases."""
    connection = psycopg2.connect(server.database)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0]).parent
    connection.close()
    found = files_of(server.data) | files_of(folder)
    written_ahead = [path for path in found if path.parent.name == "pg_wal"]
    found |= _joined([(path, found.pop(path)) for path in written_ahead])
    return found | {Path(f"backup of {one}"): dump(one) for one in (server.database, _bots(server))}


def _joined(log: list[tuple[Path, bytes]]) -> dict[Path, bytes]:
    """The write-ahead log as one: what is at the end of a file may go on in another, which its name does not tell."""
    in_order = sorted(log, key=lambda one: int.from_bytes(one[1][8:16], sys.byteorder))  # where its first page begins
    joined = bytearray()
    for _path, content in in_order:
        for at in range(0, len(content), _PAGE):
            joined += content[at + (_HEADER if at else _FIRST_HEADER) : at + _PAGE]
    return {in_order[0][0].parent / "all": bytes(joined)}


def _where(files: Mapping[Path, bytes], words: Iterable[bytes]) -> list[Path]:
    """Files that hold one of some words, as they are or in hexadecimal."""
    forms = [form for word in words for form in (word, word.hex().encode())]
    return [path for path, content in files.items() if any(form in content for form in forms)]


def _without(files: Mapping[Path, bytes], listed: bytes) -> dict[Path, bytes]:
    """The same without the published list, which everybody in the group may have."""
    return {path: content.replace(listed, b"").replace(listed.hex().encode(), b"") for path, content in files.items()}


async def test_no_file_of_any_process_and_no_backup_tells_who_voted_how(tmp_path: Path) -> None:
    around = running(tmp_path / "data", settings_with(), _organisations, Workers, _bots_on_postgresql)
    async with around as here:
        server = here.server
        assert isinstance(server, Workers)
        room = await council(here)
        card, path = await begun(here, room, "!poll Which shell? | Quahog | Periwinkle | Limpet --anonymous")
        choices = {"veronica": "1", "waldemar": "2", "xenophon": "3", "yukihiko": "2"}
        old = (await votes(room.visitors["veronica"], path, "3")).encode()
        codes = {name: (await votes(room.visitors[name], path, choice)).encode() for name, choice in choices.items()}
        (key_file,) = (server.data / "ballot-keys").glob("*.key")
        key = key_file.read_bytes()
        open_ = _everything(server)
        assert not _where(open_, [old, *codes.values()]), "no code before the end"
        assert _where(open_, [key]) == [key_file], "and the key is in no database, log or backup"

        await closed(here, room, card, room.visitors["veronica"], path)
        await said(here, room, "The result as a picture.")
        listed = (await room.visitors["xenophon"].get(f"{path}/list.txt")).text.encode()
        found, damaged = read_list(listed)
        expected = {codes[name].decode(): (int(choice),) for name, choice in choices.items()}
        assert dict(found) == expected and not damaged and [one.receipt for one in found] == sorted(expected)

        async def is_destroyed() -> bool:
            return not list((server.data / "ballot-keys").iterdir())

        await until(is_destroyed)
        after = _everything(server)
        assert len(_where(after, [b"Periwinkle"])) > 2, "the search finds what is there"
        holding = _where(after, codes.values())
        assert any(where.parent.name == "pg_wal" for where in holding) and len(holding) > 2, "as are codes in the list"
        assert not _where(after, [key]), "nobody can open a seal any more"
        assert not _where(after, [old]), "a vote that was changed is nowhere"
        assert not _where(_without(after, listed), codes.values()), "codes are in the list alone, which names nobody"
