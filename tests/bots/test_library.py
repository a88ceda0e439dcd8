"""The library as the bot sees it: a link under each file where originals are their sources', gone with the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bots.kernel.lanes import Backoff
from bots.kernel.rules import Rule
from bots.kernel.store import Store
from bots.library import Library
from bots.steward import Steward
from tests.bots.support import SERVER, Homeserver, Json, grounded, message, settled
from tests.support.patience import until

GROUP, ANA = f"!tides:{SERVER}", f"@ana:{SERVER}"
PORTAL = "https://portal.example"
QUICK = Backoff(first=0.02, longest=0.1, attempts=3)


class Shelf(Steward):
    """The steward with the library."""

    rules: Mapping[str, Rule] = {}

    def __init__(self, portal: str = PORTAL) -> None:
        super().__init__(parts=[Library(portal)])


def file(event_id: str = "$file", **more: Any) -> Json:
    content = {"msgtype": "m.file", "body": "Secret tides.pdf", "url": f"mxc://{SERVER}/abc", **more}
    return message(event_id, "", room=GROUP, sender=ANA) | {"content": content}


def redaction(of: str, room: str = GROUP) -> Json:
    raw = message(f"$gone-{of[1:]}-{room[1:4]}", "", room=room, sender=ANA)
    return raw | {"type": "m.room.redaction", "content": {"redacts": of}}


def links(homeserver: Homeserver) -> list[tuple[str, Json]]:
    return [(room, one) for room, one in homeserver.sent.values() if "originals" in str(one.get("body"))]


async def test_the_link_comes_once_and_goes_with_the_file(store: Store, homeserver: Homeserver) -> None:
    homeserver.policies[GROUP] = {"kind": "closed", "originals": "source"}
    other = f"!other:{SERVER}"
    async with grounded(store, homeserver, Shelf(), backoff=QUICK) as arrive:
        await arrive(file(), file("$edit", **{"m.relates_to": {"rel_type": "m.replace", "event_id": "$file"}}))
        await until(lambda: came(homeserver))
        await settled(store)
        ((room, link),) = links(homeserver)
        assert room == GROUP and link["m.relates_to"] == {"m.in_reply_to": {"event_id": "$file"}}
        assert f"{PORTAL}/documents/%21tides%3A{SERVER.replace(':', '%3A')}/%24file" in link["body"]
        assert "Secret" not in str(link), "no word of the file"
        # Another room's redaction, or of another event, takes nothing back.
        await arrive(redaction("$file", other), redaction("$nothing"))
        await settled(store)
        assert not [kind for kind, _ in homeserver.done if kind == "redact"]
        await arrive(redaction("$file"))
        await settled(store)
    assert len([kind for kind, _ in homeserver.done if kind == "redact"]) == 1


async def came(homeserver: Homeserver) -> bool:
    return bool(links(homeserver))


@pytest.mark.parametrize(
    ("policy", "portal"),
    [
        ({"kind": "closed"}, PORTAL),
        ({"kind": "closed", "originals": "anybody"}, PORTAL),
        ({"kind": "service", "originals": "source"}, PORTAL),
        ({"kind": "closed", "originals": "source"}, ""),
    ],
)
async def test_elsewhere_nothing_is_said(store: Store, homeserver: Homeserver, policy: Json, portal: str) -> None:
    homeserver.policies[GROUP] = policy
    async with grounded(store, homeserver, Shelf(portal), backoff=QUICK) as arrive:
        await arrive(file(), file("$text", msgtype="m.text"), file("$none", url=None))
        await settled(store)
    assert not links(homeserver)
