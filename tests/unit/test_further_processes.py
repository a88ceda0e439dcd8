"""The further processes of Synapse: who is there, who writes what, and who is asked for which address."""

from __future__ import annotations

import re

import pytest

from belisha.settings import SettingsError, parse
from belisha.settings_parts import Workers
from belisha.workers import KINDS, STREAMS, workers
from tests.deploy.hosted import EXAMPLE


def _asked(path: str, **counts: int) -> str | None:
    routes = workers(Workers(**counts), 9000).routes()
    return next((group for pattern, group in routes.items() if re.search(pattern, path)), None)


def test_without_any_the_main_process_does_everything() -> None:
    alone = workers(Workers(), 9000)
    assert not alone and not alone.routes() and not alone.upstreams() and not alone.stream_writers()


def test_each_has_a_name_and_ports_of_its_own() -> None:
    there = workers(Workers(client=3, sync=2, persister=2, media=1), 9000)
    assert [one.name for one in there.all][:3] == ["persister1", "persister2", "media1"]
    assert {one.kind for one in there.all} == set(KINDS)
    ports = [there.replication, *(port for one in there.all for port in (one.port, one.replication, one.metrics))]
    assert len(set(ports)) == len(ports) == 1 + 3 * 8
    assert set(there.instance_map()) == {"main", *(one.name for one in there.all)}


def test_what_has_one_writer_is_written_by_the_first_client_process() -> None:
    there = workers(Workers(client=2, persister=2), 9000)
    assert there.stream_writers() == {"events": ["persister1", "persister2"]} | {
        stream: ["client1"] for stream in STREAMS
    }
    assert [one.name for one in there.upstreams()["writer"]] == ["client1"]
    assert workers(Workers(persister=1), 9000).stream_writers() == {"events": ["persister1"]}


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/_matrix/client/v3/sync", "sync"),
        ("/_matrix/client/unstable/org.matrix.simplified_msc3575/sync", "sync"),
        ("/_matrix/client/v3/rooms/!a:b/send/m.room.message/1", "client"),
        ("/_matrix/client/v3/rooms/!a:b/receipt/m.read/$e", "writer"),
        ("/_matrix/client/v3/rooms/!a:b/typing/@a:b", "writer"),
        ("/_matrix/client/v3/user/@a:b/account_data/m.direct", "writer"),
        ("/_matrix/client/v3/keys/upload", "writer"),
        ("/_matrix/client/v3/keys/query", "client"),
        ("/_matrix/client/v1/media/download/b/x", "media"),
        ("/_matrix/media/v3/upload", "media"),
        ("/_synapse/client/org.belisha/v1/media/x", "media"),
        ("/_synapse/client/org.belisha/v1/me", None),
        ("/_matrix/client/v3/account/password", None),
        ("/_matrix/client/v3/rooms/!a:b/report/$e", None),
    ],
)
def test_who_is_asked(path: str, group: str | None) -> None:
    assert _asked(path, client=2, sync=1, persister=1, media=1) == group


def test_a_kind_that_is_missing_is_done_by_another() -> None:
    assert _asked("/_matrix/client/v3/sync", client=1) == "sync"
    assert [one.name for one in workers(Workers(client=1), 9000).upstreams()["sync"]] == ["client1"]
    assert _asked("/_matrix/client/v3/sync", persister=1) is None
    assert _asked("/_matrix/media/v3/upload", client=1) is None


def test_more_than_one_for_files_is_refused() -> None:
    with pytest.raises(SettingsError, match="media"):
        parse(EXAMPLE.replace("  media: 0\n", "  media: 2\n"))
