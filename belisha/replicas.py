"""The processes of the bots: how many, where each listens, and where Synapse delivers.

A server may have several (`bots.replicas` in belisha.yaml); `belisha up` has one. They share the database, whose leases
(`bots/kernel/leases.py`) say who does what. The web server asks the first, and the next while that one is down. Pure.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Replica:
    """One process of the bots, with a portal of its own.

    Attributes:
        number: from 1; the first is the one that `belisha up` has, too.
        port: where it takes deliveries and shows what it counts, on 127.0.0.1.
        portal: where its pages are, on 127.0.0.1.
    """

    number: int
    port: int
    portal: int

    @property
    def is_first(self) -> bool:
        """Whether it is the one that is asked as long as it answers."""
        return self.number == 1

    @property
    def unit(self) -> str:
        """What systemd calls it."""
        return "belisha-bots.service" if self.is_first else f"belisha-bots@{self.number}.service"

    @property
    def name(self) -> str:
        """What Prometheus calls it."""
        return "main" if self.is_first else f"replica{self.number}"

    @property
    def log(self) -> str:
        """The name of its log; a file that two rotate would lose lines."""
        return "bots.log" if self.is_first else f"bots-{self.number}.log"

    @property
    def config(self) -> str:
        """The path of its configuration in the folder of the bots'."""
        return "bots.yaml" if self.is_first else f"replicas/{self.number}.yaml"


@dataclass(frozen=True)
class Replicas:
    """The processes of the bots besides the first.

    Attributes:
        further: every one of them; empty where the first is alone.
        delivery: where the web server takes what Synapse delivers, on 127.0.0.1, and passes it on.
    """

    further: tuple[Replica, ...]
    delivery: int

    def __bool__(self) -> bool:
        return bool(self.further)


#: The first without others.
ONE: Final = Replicas((), 0)


def replicas(count: int, first_port: int) -> Replicas:
    """The processes of a server.

    Args:
        count: how many in all.
        first_port: of 127.0.0.1; deliveries take it, and each further process the next two.
    """
    return Replicas(
        tuple(
            Replica(number, first_port + 2 * number - 3, first_port + 2 * number - 2) for number in range(2, count + 1)
        ),
        first_port,
    )
