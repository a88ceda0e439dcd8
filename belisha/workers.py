"""The processes of Synapse besides the main one: how many of each kind, where they listen, and what each answers.

A server may have some (`workers` in belisha.yaml); `belisha up` has none. Which address can go to which process is what
Synapse says (docs/workers.md of 1.163). Pure: the templates of Synapse, systemd, nginx and Prometheus read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Literal, Protocol

Kind = Literal["client", "sync", "persister", "media"]

#: The order in which processes are numbered and restarted: those that write events come first, and readers follow.
KINDS: Final[tuple[Kind, ...]] = ("persister", "media", "client", "sync")

#: What has one writer: the first client worker, since the addresses that write it are clients'.
STREAMS: Final = (
    "typing",
    "to_device",
    "account_data",
    "receipts",
    "presence",
    "push_rules",
    "device_lists",
    "thread_subscriptions",
)

#: Addresses of what has one writer, as regular expressions over the decoded path.
WRITING: Final = (
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/typing",
    r"^/_matrix/client/(r0|v3|unstable)/sendToDevice/",
    r"^/_matrix/client/(r0|v3|unstable)/.*/tags",
    r"^/_matrix/client/(r0|v3|unstable)/.*/account_data",
    r"^/_matrix/client/(r0|v3|unstable)/rooms/.*/(receipt|read_markers)",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/presence/",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/pushrules/",
    r"^/_matrix/client/(r0|v3)/delete_devices$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/devices(/|$)",
    r"^/_matrix/client/(r0|v3|unstable)/keys/(upload|device_signing/upload|signatures/upload)",
)

#: Addresses that wait for news.
SYNC: Final = (
    r"^/_matrix/client/(r0|v3)/sync$",
    r"^/_matrix/client/unstable/org\.matrix\.simplified_msc3575/sync$",
    r"^/_matrix/client/(api/v1|r0|v3)/events$",
    r"^/_matrix/client/(api/v1|r0|v3)/initialSync$",
    r"^/_matrix/client/(api/v1|r0|v3)/rooms/[^/]+/initialSync$",
)

#: Addresses that any process answers.
CLIENT: Final = (
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/createRoom$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/publicRooms$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/joined_members$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/context/.*$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/members$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/messages$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/state$",
    r"^/_matrix/client/v1/rooms/.*/hierarchy$",
    r"^/_matrix/client/(v1|unstable)/rooms/.*/relations/",
    r"^/_matrix/client/v1/rooms/.*/threads$",
    r"^/_matrix/client/(v1/room_summary|unstable/im\.nheko\.summary/(rooms/.*/)?summary)",
    r"^/_matrix/client/(r0|v3|unstable)/account/3pid$",
    r"^/_matrix/client/(r0|v3|unstable)/account/whoami$",
    r"^/_matrix/client/(r0|v3|unstable)/account/deactivate$",
    r"^/_matrix/client/versions$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/voip/turnServer$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/event/",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/joined_rooms$",
    r"^/_matrix/client/v1/rooms/.*/timestamp_to_event$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable/.*)/rooms/.*/aliases",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/search$",
    r"^/_matrix/client/(r0|v3|unstable)/user/.*/filter(/|$)",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/directory/room/.*$",
    r"^/_matrix/client/(r0|v3|unstable)/capabilities$",
    r"^/_matrix/client/(r0|v3|unstable)/notifications$",
    r"^/_matrix/client/(r0|v3|unstable)/keys/(query|changes|claim)",
    r"^/_matrix/client/(r0|v3|unstable)/room_keys/",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/login$",
    r"^/_matrix/client/(r0|v3|unstable)/register$",
    r"^/_matrix/client/(r0|v3|unstable)/register/available$",
    r"^/_matrix/client/v1/register/m\.login\.registration_token/validity$",
    r"^/_matrix/client/(r0|v3|unstable)/password_policy$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/redact",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/send",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/state/",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/(join|invite|leave|ban|unban|kick)$",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/join/",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/knock/",
    r"^/_matrix/client/(api/v1|r0|v3|unstable)/profile/",
    r"^/_matrix/client/(r0|v3|unstable)/user_directory/search$",
)

#: Addresses of whoever has the files.
MEDIA: Final = (
    r"^/_matrix/media/",
    r"^/_matrix/client/v1/media/",
    r"^/_synapse/client/org\.belisha/v1/media/",
    r"^/_synapse/admin/v1/(purge_media_cache$|media/|quarantine_media/|(room|user|users)/.*/media)",
)


class Counts(Protocol):
    """How many processes of each kind there are."""

    @property
    def client(self) -> int:
        """Those that answer what members read and send."""
        ...

    @property
    def sync(self) -> int:
        """Those that wait with members for news."""
        ...

    @property
    def persister(self) -> int:
        """Those that write events."""
        ...

    @property
    def media(self) -> int:
        """Those that have the files."""
        ...


@dataclass(frozen=True)
class Worker:
    """One process besides the main one.

    Attributes:
        name: its name for the others, the kind and a number from 1.
        kind: what it answers.
        port: where it answers, on 127.0.0.1.
        replication: where other processes ask it.
        metrics: where Prometheus asks it.
    """

    name: str
    kind: Kind
    port: int
    replication: int
    metrics: int

    @property
    def is_media(self) -> bool:
        """Whether it has the files."""
        return self.kind == "media"


@dataclass(frozen=True)
class Workers:
    """The processes besides the main one, in the order in which they are restarted.

    Attributes:
        all: every one of them; empty where the main process is alone.
        replication: where they ask the main process, on 127.0.0.1.
    """

    all: tuple[Worker, ...]
    replication: int

    def __bool__(self) -> bool:
        return bool(self.all)

    def of(self, kind: Kind) -> tuple[Worker, ...]:
        """Those of one kind."""
        return tuple(worker for worker in self.all if worker.kind == kind)

    @property
    def has_media(self) -> bool:
        """Whether the main process leaves the files to another."""
        return bool(self.of("media"))

    def instance_map(self) -> dict[str, dict[str, object]]:
        """Where each process asks each other, by name, as Synapse's option of that name wants it."""
        known = {"main": self.replication} | {worker.name: worker.replication for worker in self.all}
        return {name: {"host": "127.0.0.1", "port": port} for name, port in known.items()}

    def stream_writers(self) -> dict[str, list[str]]:
        """Who writes what, where it is not the main process, as Synapse's option of that name wants it."""
        writers = {"events": [worker.name for worker in self.of("persister")]}
        writers |= {stream: [worker.name for worker in self.of("client")[:1]] for stream in STREAMS}
        return {stream: names for stream, names in writers.items() if names}

    def upstreams(self) -> dict[str, Sequence[Worker]]:
        """The groups of processes behind the web server, by name; a kind that is missing has none."""
        clients = self.of("client")
        groups: dict[str, Sequence[Worker]] = {
            "writer": clients[:1],
            "client": clients,
            "sync": self.of("sync") or clients,
            "media": self.of("media"),
        }
        return {name: group for name, group in groups.items() if group}

    def routes(self) -> dict[str, str]:
        """Regular expression over the decoded path -> group of `upstreams`; the first that fits counts.

        What none fits goes to the main process.
        """
        rules: Mapping[str, Sequence[str]] = {"media": MEDIA, "sync": SYNC, "writer": WRITING, "client": CLIENT}
        there = self.upstreams()
        return {pattern: name for name, patterns in rules.items() if name in there for pattern in patterns}


#: The main process without others.
ALONE: Final = Workers((), 0)


def workers(counts: Counts, first_port: int) -> Workers:
    """The processes of a server.

    Args:
        counts: how many of each kind.
        first_port: of 127.0.0.1; each process takes the next three that are free of others.
    """
    ports = count(first_port)
    main = next(ports)
    made = tuple(
        Worker(f"{kind}{number}", kind, next(ports), next(ports), next(ports))
        for kind in KINDS
        for number in range(1, getattr(counts, kind) + 1)
    )
    return Workers(made, main)
