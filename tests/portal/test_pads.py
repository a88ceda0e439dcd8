"""Pads on a real portal: who may open one, who is sent away while it is open, what is left of it (M1, P1, P2, E1)."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest_asyncio

from bots.pads.updates import CHANGE, frame
from tests.portal.pad_pages import V3, Pads
from tests.portal.support import Here, Visitor, join, make_group
from tests.support.community import unique
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.server import request


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pads(here: Here) -> Pads:
    for name in ("pia", "pol", "pat"):
        await join(here, name, "harbour" if name == "pia" else "chandlers")
    invited = [here.people[name].user_id for name in ("pol", "pat")]
    await make_group(here, "pia", "pads", "Writing", "private_chat", invite=invited)
    for name in ("pol", "pat"):
        path = f"{V3}/rooms/{quote(here.groups['pads'])}/join"
        assert (await request(here.people[name], "POST", path, {}))[0] == 200
    return Pads(here)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pia(pads: Pads) -> Visitor:
    return await pads.here.sign_in("pia")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pol(pads: Pads) -> Visitor:
    return await pads.here.sign_in("pol")


async def test_members_write_together_and_read_it_as_a_document(pads: Pads, pia: Visitor, pol: Visitor) -> None:
    event_id = await pads.begin(words="!pad")
    at = pads.address(event_id)
    page = await pia.get(at)
    assert page.status == 200 and f'data-pad="{at}/live"' in page.text and "TLP:AMBER" in page.text
    async with pads.open(pia, at) as mine, pads.open(pol, at) as theirs:
        await mine.write("# Tide tables\n\n**High** water <script>alert(1)</script>")
        await theirs.until(lambda: "High" in str(theirs.text))
        await theirs.write(" at seven")
        await mine.until(lambda: str(mine.text).endswith(" at seven"))
        await theirs.socket.send_json({"place": ["AA==", "AA=="]})
        await mine.until(lambda: [one for one in mine.last("here") or () if one["place"] == ["AA==", "AA=="]])
        assert [one["organisation"] for one in mine.last("here")] == ["Harbour", "Chandlers"]
        # Broken bytes end this page, with a sentence; the other goes on, and nothing is lost.
        await theirs.socket.send_bytes(frame(CHANGE, b"\xff" * 20))
        assert (await theirs.ended()).startswith("What this page sent could not be read.")
        await mine.write("!")
    async with pads.open(pol, at) as again:
        await again.until(lambda: again.is_asked and again.saved == again.sent)  # its answer is not cut off
        await again.socket.send_str("x" * 300_000)
        await again.until(lambda: again.over_at)
    shown = (await pol.get(f"{at}/read")).text
    assert "<strong>High</strong> water" in shown and "at seven!" in shown and "<script>alert" not in shown
    listed = (await pol.get("/pads")).text
    assert at in listed and ">Tide tables</bdi>" in listed
    of_one = (await pol.get(f"/pads?room={quote(pads.room)}")).text
    assert at in of_one and "These are the pads of “Writing”" in of_one
    assert at not in (await pol.get("/pads?room=!other:x")).text
    assert "pad_update" in pads.kept(event_id)
    await pads.redact("pia", event_id)

    async def is_gone() -> bool:
        await asyncio.sleep(0.1)
        return not pads.kept(event_id)

    await until(is_gone)
    assert (await pol.get(at)).status == (await pol.get(f"{at}/read")).status == 404
    assert at not in (await pol.get("/pads")).text


async def test_it_begins_with_what_its_source_said_it_is_about(pads: Pads, pia: Visitor, pol: Visitor) -> None:
    at = pads.address(await pads.begin(words="!pad  ## Tide *tables*"))
    assert ">Tide *tables*</bdi>" in (await pol.get("/pads")).text
    async with pads.open(pol, at) as theirs:
        await theirs.until(lambda: str(theirs.text) == "# Tide *tables*\n\n")
        await theirs.write("High water at seven")
    assert "High water at seven" in (await pia.get(f"{at}/read")).text


async def test_nobody_else_opens_it(pads: Pads, pia: Visitor, ana: Visitor) -> None:
    """Another group's members, another room's name, other origins, no session: the same as where there is none."""
    event_id = await pads.begin()
    at = pads.address(event_id)
    nothing = await ana.get(pads.address("$nothing"))
    for address in (at, f"{at}/read", pads.address(event_id, pads.here.groups["open"])):
        answer = await ana.get(address)
        assert (answer.status, answer.text) == (404, nothing.text)
    assert at not in (await ana.get("/pads")).text
    assert (await ana.get("/pads")).text.count('<li class="card">') == 0
    assert (await ana.get(f"/pads?room={quote(pads.room)}")).text == (await ana.get("/pads?room=!other:x")).text
    assert await pads.refused(ana, at) == 404
    assert await pads.refused(ana, pads.address(event_id, pads.here.groups["open"])) == 404
    assert await pads.refused(pia, pads.address(event_id, pads.here.groups["open"])) == 404
    assert await pads.refused(pia, pads.address("$nothing")) == 404
    for origin in ("http://localhost:1", "null", "", pads.here.url + ".example"):
        assert await pads.refused(pia, at, origin) == 403, origin
    stranger = Visitor(pads.here.url)
    assert await pads.refused(stranger, at) in (200, 303)
    assert (await pia.get(f"{at}/live")).status == 404, "it is no page"
    # A message that began no pad is none, and neither is one that a member only says to be one.
    said = await pads.here.say("pia", "Tide tables", pads.room)
    assert (await pia.get(pads.address(said))).status == 404


async def test_a_removed_member_is_sent_away(pads: Pads, pia: Visitor) -> None:
    pat = await pads.here.sign_in("pat")
    at = pads.address(await pads.begin())
    async with pads.open(pia, at) as mine, pads.open(pat, at) as theirs:
        await mine.write("Tide tables")
        await theirs.until(lambda: str(theirs.text) == "Tide tables")
        await pads.put("pia", "kick", {"user_id": pads.here.people["pat"].user_id}, "POST")
        assert "not for you to see any more" in await theirs.ended()
        await mine.write(" at seven")
        assert str(theirs.text) == "Tide tables"
    assert await pads.refused(pat, at) == 404
    assert (await pat.get(at)).status == 404 and at not in (await pat.get("/pads")).text


async def test_a_session_that_ends_closes_its_page(pads: Pads, pia: Visitor, pol: Visitor) -> None:
    other = await pads.here.sign_in("pol")
    at = pads.address(await pads.begin())
    async with pads.open(pol, at) as stays, pads.open(other, at) as goes:
        await stays.until(lambda: len(stays.last("here") or ()) == 2)
        page = await other.get("/")
        form = page.text.split('name="form" value="')[1][:64]
        assert (await other.post("/sign-out", {"form": form})).status == 303
        assert await goes.ended()
        await stays.write("Tide tables")
    assert await pads.refused(other, at) in (200, 303)
    looking = await pads.here.in_widget("pol")
    async with pads.open(looking, at) as page_:
        await page_.until(lambda: str(page_.text) == "Tide tables")
        assert page_.last("closed") == "To write here, confirm this browser first."


async def test_its_label_changes_while_it_is_open_and_it_goes_with_its_message(pads: Pads, pia: Visitor) -> None:
    event_id = await pads.begin()
    at = pads.address(event_id)
    async with pads.open(pia, at) as page:
        await page.until(lambda: page.last("label") == "TLP:AMBER")
        act = {**relabel(event_id, "TLP:GREEN"), "reason": "It is public in the community"}
        await pads.put("pia", f"send/org.belisha.relabel/{unique('l')}", act)
        await page.until(lambda: page.last("label") == "TLP:GREEN")
        await page.write("TLP:AMBER\nTide tables")
        await page.until(lambda: page.last("label") == "TLP:AMBER")
        await pads.redact("pia", event_id)
        assert "taken back" in await page.ended()
    assert await pads.refused(pia, at) == 404


async def test_who_may_send_no_messages_any_more_reads_and_does_not_write(
    pads: Pads, pia: Visitor, pol: Visitor
) -> None:
    at = pads.address(await pads.begin())
    async with pads.open(pia, at) as mine, pads.open(pol, at) as theirs:
        await theirs.write("Tide tables")
        path = f"{V3}/rooms/{quote(pads.room)}/state/m.room.power_levels/"
        _, levels = await request(pads.here.people["pia"], "GET", path)
        await pads.put("pia", "state/m.room.power_levels/", {**levels, "events_default": 95})
        await theirs.until(lambda: theirs.last("closed"))
        assert "not write in it" in theirs.last("closed") and not mine.last("closed")
        await mine.write(" at seven")
        await theirs.until(lambda: str(theirs.text) == "Tide tables at seven")
        await theirs.socket.send_bytes(frame(CHANGE, b"\x01\x01\x07\x00\x04\x01\x04text\x01a\x00"))
        assert "not write in it" in await theirs.ended()
        await pads.put("pia", "state/m.room.power_levels/", levels)
    assert "Tide tables at seven" in (await pia.get(f"{at}/read")).text
