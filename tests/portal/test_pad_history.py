"""How a pad was, on a real portal: who sees it, whose passages it shows, what comes back, what goes (P2, L4, E1)."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html import escape
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.portal.pad_pages import V3, Pads
from tests.portal.support import Answer, Here, Visitor, form_of, join, make_group
from tests.support.community import unique
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pads(here: Here) -> Pads:
    for name in ("hal", "hedy"):
        await join(here, name, "harbour" if name == "hal" else "chandlers")
    await make_group(here, "hal", "hals", "Drafting", "private_chat", invite=[here.people["hedy"].user_id])
    path = f"{V3}/rooms/{quote(here.groups['hals'])}/join"
    assert (await request(here.people["hedy"], "POST", path, {}))[0] == 200
    return Pads(here, "hals")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hal(pads: Pads) -> Visitor:
    return await pads.here.sign_in("hal")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hedy(pads: Pads) -> Visitor:
    return await pads.here.sign_in("hedy")


async def send(visitor: Visitor, at: str, **fields: str) -> Answer:
    page = await visitor.get("/")
    return await visitor.post(at, {"form": form_of(page.text), **fields})


async def named(visitor: Visitor, at: str, name: str) -> str:
    """Keeps the text as it is now under a name; the address of that version."""
    answer = await send(visitor, f"{at}/history", name=name)
    assert (answer.status, answer.location) == (303, f"{at}/history"), answer.text
    page = await visitor.get(f"{at}/history")
    found = re.search(rf'href="([^"]+)"><bdi>{re.escape(escape(name))}</bdi>', page.text)
    assert found, page.text
    return found[1]


async def test_versions_show_whose_each_passage_is_and_what_changed(pads: Pads, hal: Visitor, hedy: Visitor) -> None:
    at = pads.address(await pads.begin("hal", "!pad"))
    assert "There are none so far" in (await hal.get(f"{at}/history")).text
    async with pads.open(hal, at) as his, pads.open(hedy, at) as hers:
        await his.write("# Tide tables\n\nHigh water")
        await hers.until(lambda: "High" in str(hers.text))
        await hers.write(" at <b>seven</b>")
        first = await named(hal, at, "For the board & others")
        await hers.write(" o'clock")
    second = await named(hedy, at, "With the clock")
    page = await hal.get(second)
    assert page.status == 200 and "TLP:AMBER" in page.text
    assert re.search(r'hand-\d">1</span> <bdi>Hal \(Harbour\)</bdi>: 25 characters', page.text), page.text
    assert re.search(r'hand-\d">2</span> <bdi>Hedy \(Chandlers\)</bdi>: 24 characters', page.text), page.text
    assert "Hedy (Chandlers) wrote: </span> at &lt;b&gt;seven&lt;/b&gt; o&#39;clock</span>" in page.text
    assert "<ins>o&#39;clock</ins>" in page.text
    assert "“<bdi>For the board &amp; others</bdi>”" in page.text and "The pad says this now" in page.text
    assert "This is the first version" in (await hal.get(first)).text
    listed = (await hedy.get(f"{at}/history")).text
    assert listed.index("With the clock") < listed.index("For the board") and "by <bdi>Hedy (Chandlers)</bdi>" in listed
    # The name can be changed, and taken away.
    number = first.rpartition("/")[2]
    assert (await send(hedy, f"{at}/history", number=number, name="Board")).status == 303
    assert "<bdi>Board</bdi>" in (await hal.get(first)).text
    assert (await send(hedy, f"{at}/history", number=number, name="")).status == 303
    assert "Board" not in (await hal.get(f"{at}/history")).text
    for fields, problem in (
        ({"name": ""}, "needs a name"),
        ({"name": "x" * 101}, "at most 100"),
        ({"name": "TLP:RED plan"}, "stricter"),
    ):
        answer = await send(hal, f"{at}/history", **fields)
        assert answer.status == 400 and problem in answer.text, fields
    assert (await send(hal, f"{at}/history", number="77", name="None")).status == 404


async def test_a_text_is_put_back_and_what_came_after_is_kept(pads: Pads, hal: Visitor, hedy: Visitor) -> None:
    at = pads.address(await pads.begin("hal"))
    async with pads.open(hal, at) as page:
        await page.write("Tide tables")
        first = await named(hal, at, "First")
        await page.write(" that came later")
        answer = await send(hedy, f"{first}/restore")
        assert (answer.status, answer.location) == (303, at)
        await page.until(lambda: str(page.text) == "Tide tables")
    assert "later" not in (await hal.get(f"{at}/read")).text
    listed = (await hal.get(f"{at}/history")).text
    assert "An earlier text was put back: that of" in listed
    addresses = re.findall(rf'href="({re.escape(at)}/history/\d+)"', listed)
    assert len(addresses) == 3
    assert "that came later" in (await hal.get(addresses[1])).text
    # And that comes back as well, where no page is open.
    assert (await send(hal, f"{addresses[1]}/restore")).status == 303
    assert "Tide tables that came later" in (await hal.get(f"{at}/read")).text
    assert (await send(hal, f"{at}/history/999999/restore")).status == 404
    # What should not have been there: its source takes a version away, and nobody else.
    answer = await send(hedy, f"{addresses[1]}/take-away")
    assert (
        answer.status == 409
        and "Only the source of the pad" in answer.text
        and "Take this version away" not in answer.text
    )
    assert (await send(hal, f"{addresses[1]}/take-away")).status == 303
    assert (await hal.get(addresses[1])).status == 404 and addresses[1] not in (await hal.get(f"{at}/history")).text


async def test_who_may_not_read_or_write_has_no_history_or_puts_nothing_back(
    pads: Pads, hal: Visitor, hedy: Visitor, finn: Visitor
) -> None:
    at = pads.address(await pads.begin("hal"))
    async with pads.open(hal, at) as page:
        await page.write("Tide tables")
        first = await named(hal, at, "First")
        await page.write(" and more")
    for path in (f"{at}/history", first):
        assert (await finn.get(path)).status == 404
    assert (await send(finn, f"{at}/history", name="Mine")).status == 404
    assert (await send(finn, f"{first}/restore")).status == 404
    path = f"{V3}/rooms/{quote(pads.room)}/state/m.room.power_levels/"
    _, levels = await request(pads.here.people["hal"], "GET", path)
    await pads.put("hal", "state/m.room.power_levels/", {**levels, "events_default": 95})
    for where, fields in ((f"{first}/restore", {}), (f"{at}/history", {"name": "Hers"})):
        answer = await send(hedy, where, **fields)
        assert answer.status in (400, 409) and "not write in it" in answer.text
    assert "<button" not in (await hedy.get(first)).text.split("<main")[1]
    await pads.put("hal", "state/m.room.power_levels/", levels)
    assert "and more" in (await hal.get(f"{at}/read")).text


async def test_a_version_keeps_its_label_and_goes_with_the_pad(pads: Pads, hal: Visitor, hedy: Visitor) -> None:
    event_id = await pads.begin("hal")
    at = pads.address(event_id)
    async with pads.open(hal, at) as page:
        await page.write("Sandbanks of Dover")
        strict = await named(hal, at, "Strict one")
        act = {**relabel(event_id, "TLP:GREEN"), "reason": "It is public in the community"}
        await pads.put("hal", f"send/org.belisha.relabel/{unique('h')}", act)
        await page.until(lambda: page.last("label") == "TLP:GREEN")
        await page.write(" and tides")
    assert "TLP:AMBER" in (await hedy.get(strict)).text, "what was taken out before it was lowered is not lowered"
    # Nor by a comment that makes the pad stricter for as long as it is there.
    columns = "event_id, note, thread, kind, state, user_id, begins, ends, words, quoted, label, made_at, changed"
    noted = (event_id, "note-0001", "", "comment", "open", "@hedy:x", "", "", "TLP:AMBER", "", "TLP:AMBER", 1.0, 1)
    for query, given in (
        ("UPDATE pad SET noted = 1", ()),
        (f"INSERT INTO pad_note ({columns}) VALUES ({', '.join('?' * len(noted))})", noted),  # noqa: S608 - a test's
    ):
        with closing(sqlite3.connect(pads.here.server.data / "bots.db", timeout=30)) as database, database:
            database.execute(query, given)
    assert "TLP:AMBER" in (await hedy.get(f"{at}/read")).text
    answer = await send(hedy, f"{strict}/restore")
    assert answer.status == 409 and "less strict by now" in answer.text
    assert "TLP:AMBER" in (await hal.get(f"{at}/history")).text
    # The group carries less by now than it did then: nobody is shown it.
    number = strict.rpartition("/")[2]
    with closing(sqlite3.connect(pads.here.server.data / "bots.db", timeout=30)) as database, database:
        database.execute("UPDATE pad_version SET label = 'TLP:RED' WHERE event_id = ?", (event_id,))
    assert (await hal.get(strict)).status == (await send(hal, f"{strict}/restore")).status == 404
    assert (await send(hal, f"{at}/history", number=number, name="Mine")).status == 404
    assert "Strict one" not in (await hal.get(f"{at}/history")).text
    assert pads.kept("Strict one") == ["pad_version"]
    await pads.redact("hal", event_id)
    assert (await hal.get(strict)).status == (await hal.get(f"{at}/history")).status == 404

    async def gone() -> bool:
        return not pads.kept(event_id)

    await until(gone)


async def test_a_pad_is_taken_away_as_a_file_with_its_label(
    pads: Pads, hal: Visitor, hedy: Visitor, finn: Visitor
) -> None:
    event_id = await pads.begin("hal")
    at = pads.address(event_id)
    async with pads.open(hal, at) as page:
        await page.write("# Tide tables\n\n**High** water <script>alert(1)</script>")
        assert f'href="{at}/file.docx" download' in (await hedy.get(f"{at}/read")).text
        for kind, media_type, begins in (
            ("md", "text/markdown", "TLP:AMBER\n\n# Tide tables"),
            ("html", "text/html", "<!DOCTYPE html>"),
            ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "PK"),
            ("pdf", "application/pdf", "%PDF-"),
        ):
            answer = await hedy.get(f"{at}/file.{kind}")
            assert answer.status == 200 and answer.text.startswith(begins), kind
            assert answer.headers["Content-Type"].partition(";")[0] == media_type
            assert f'attachment; filename="Tide-tables.TLP-AMBER.{kind}"' in answer.headers["Content-Disposition"]
            assert kind in ("docx", "pdf") or "Downloaded by Hedy (Chandlers), @hedy:" in answer.text
            assert answer.headers["Cache-Control"] == "private, no-store"
            assert (await finn.get(f"{at}/file.{kind}")).status == 404
        looking = await pads.here.in_widget("hedy")
        looked = await looking.get(f"{at}/file.md")
        assert (looked.status, looked.location) == (303, "/confirm"), (
            "a browser that is not confirmed takes nothing away"
        )
        await page.write("\n\nTLP:GREEN is less")
    await pads.redact("hal", event_id)
    assert (await hedy.get(f"{at}/file.pdf")).status == 404


async def test_what_is_made_of_a_pad_has_at_least_its_label_and_goes_where_its_source_says(
    pads: Pads, hal: Visitor, hedy: Visitor, finn: Visitor
) -> None:
    event_id = await pads.begin("hal")
    at = pads.address(event_id)
    async with pads.open(hal, at) as page:
        await page.write("# Tide tables\n\nHigh water")
    here = pads.here
    wish = {
        "type": "org.belisha.room",
        "state_key": "",
        "content": {"kind": "closed", "organisations": [], "purpose": "blog"},
    }
    await make_group(
        here, "hedy", "hedy's", "Hedy's blog", "private_chat", initial_state=[wish], invite=[here.people["hal"].user_id]
    )
    blog = here.groups["hedy's"]
    assert (await request(here.people["hal"], "POST", f"{V3}/rooms/{quote(blog)}/join", {}))[0] == 200
    # Only its source brings what is AMBER into another group.
    assert "only its source brings into another group" in (await hedy.get(f"{at}/post")).text
    form = (await hal.get(f"{at}/post")).text
    assert 'value="Tide tables"' in form and ">\nHigh water</textarea>" in form and "TLP:AMBER" in form
    assert 'value="TLP:GREEN"' not in form and "That of the blog" not in form
    post = {"room": blog, "title": "Tide tables", "text": "High water", "pad": f"{pads.room} {event_id}"}
    for visitor, label, status, said in (
        (hal, "TLP:GREEN", 400, "or stricter"),
        (hedy, "TLP:AMBER", 400, "only its source can bring it"),
        (hal, "TLP:AMBER", 200, "&#34;label&#34;: &#34;TLP:AMBER&#34;"),
        (hal, "", 200, "&#34;label&#34;: &#34;TLP:AMBER&#34;"),
        (finn, "TLP:AMBER", 404, ""),
    ):
        answer = await send(visitor, "/blog/write", **post, label=label, step="preview")
        assert answer.status == status and said in answer.text, (label, answer.text)
    # The same for a file in the group's own documents.
    shared = await hedy.get(f"{at}/share")
    assert shared.status == 200 and f"{at}/file.pdf?for=group" in shared.text and "Downloaded" not in shared.text
    assert "Downloaded by" not in (await hedy.get(f"{at}/file.md?for=group")).text
    file = {"room": pads.room, "text": "Tide tables", "pad": f"{pads.room} {event_id}", "step": "send-file"}
    assert "or stricter" in (await send(hedy, "/write", **file, label="TLP:GREEN")).text
    assert '"TLP:AMBER"' in (await send(hedy, "/write", **file, label="TLP:AMBER")).text
    assert (await finn.get(f"{at}/share")).status == (await finn.get(f"{at}/post")).status == 404
