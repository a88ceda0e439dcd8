"""What the community's settings change: encrypted named rooms, other badges, mapped markings, calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from belisha.resources import shipped
from belisha.settings import Settings, load
from tests.support.community import Community, assert_badges, assert_refused, label_of, origin_of
from tests.support.server import ended
from tests.support.settled import make_community
from tests.synapse.samples import MXC, html, text
from tests.unit.test_protocol import SDP, offer

#: `make test` has the settings themselves in `tests/unit/test_settings.py`.
pytestmark = [pytest.mark.full, pytest.mark.nightly]

CIPHER = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "s"}
ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


def changed(tmp_path: Path, *changes: tuple[str, str]) -> Settings:
    """The example's settings with lines changed, as an operator changes them."""
    lines = shipped("config", "belisha.example.yaml").read_text()
    for before, after in changes:
        assert lines.count(before) == 1, before
        lines = lines.replace(before, after)
    path = tmp_path / "belisha.yaml"
    path.write_text(lines)
    return load(path)


async def direct_chat(community: Community, **more: Any) -> None:
    """Makes the room `named` anew, of ana and finn."""
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("finn")], **more}
    status, answer = await community.create("ana", body)
    assert status == 200, answer
    community.rooms["named"] = answer["room_id"]
    await community["finn"].join(answer["room_id"])


async def test_encrypted_named_rooms_no_badge_and_calls(tmp_path: Path) -> None:
    settings = changed(
        tmp_path,
        ("encrypted_named_rooms: false", "encrypted_named_rooms: true"),
        ("calls: false", "calls: true"),
        ("badge: always", "badge: never"),
    )
    community = await make_community(tmp_path / "data", settings)
    with ended(community.server):
        told = await community.told(html("[TLP:GREEN] x", "<b>[TLP:GREEN]</b> x"), "closed")
        assert (label_of(told), told["body"], told["formatted_body"]) == ("TLP:GREEN", "x", "x")
        status, body = await community.put("ana", "closed", offer(SDP), event_type="m.call.invite")
        assert status == 200, body
        status, body = await community.put("ana", "closed", {"call_id": "c"}, event_type="m.call.hangup")
        assert status == 200, body

        await direct_chat(community, initial_state=[ENCRYPTION])
        # What the server cannot read carries the ceiling, in clear beside the ciphertext.
        told = await community.told(CIPHER, "named", event_type="m.room.encrypted")
        assert (label_of(told), origin_of(told), told["ciphertext"]) == ("TLP:RED", "room", "AwgA")
        key = {"url": MXC, "key": {"k": "x"}, "iv": "x", "hashes": {}, "v": "v2"}
        assert label_of(await community.told({"msgtype": "m.file", "body": "a", "file": key}, "named")) == "TLP:RED"
        for kind in ("open", "closed", "strict"):
            refused = await community.refused(CIPHER, kind, event_type="m.room.encrypted")
            assert refused.status_code == "ORG.BELISHA.ENCRYPTED_HERE"
            by = "cora" if kind == "strict" else "ana"
            status, body = await community.state(by, kind, "m.room.encryption", ENCRYPTION["content"])
            assert status == 403, body

        await direct_chat(community)
        assert label_of(await community.told(text("x"), "named")) == "TLP:AMBER"
        status, body = await community.state("ana", "named", "m.room.encryption", ENCRYPTION["content"])
        assert status == 200, "and it can be encrypted later"
        assert label_of(await community.told(CIPHER, "named", event_type="m.room.encrypted")) == "TLP:RED"
        await community.close()


async def test_badge_above_the_default_and_mapped_markings(tmp_path: Path) -> None:
    settings = changed(tmp_path, ("badge: always", "badge: above_default"))
    assert settings.labels.markings, "the example maps markings of another scheme"
    community = await make_community(tmp_path / "data", settings)
    with ended(community.server):
        assert (await community.told(text("x"), "named"))["body"] == "x"
        assert_badges(await community.told(text("TLP:RED x"), "named"))
        assert_badges(await community.told(text("TLP:GREEN x"), "named"), drawn=False)
        told = await community.told(text("OFFICIAL-SENSITIVE x"), "named")
        assert (label_of(told), origin_of(told)) == ("TLP:AMBER", "text")
        status, body = await community.put("ana", "named", text("SECRET x"))
        assert_refused(status, body, "UNKNOWN_LABEL")
        await community.close()
