"""What stands beside a pad's text counts wherever the text is shown or taken away: the page, the document, the file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from belisha.tlp import Label
from bots.pads import book, note_book
from bots.pads.note_book import Note
from tests.portal.alone import ANA, module, portal, store_at
from tests.portal.test_figures import GENEROUS, HOME

ROOM, PAD = "!group:belisha.localhost", "$pad"
AT = f"/pads/{quote(ROOM, safe='')}/{quote(PAD, safe='')}"


async def test_a_stricter_comment_is_on_the_page_and_on_what_is_taken_away(tmp_path: Path) -> None:
    async with store_at(f"sqlite:///{tmp_path}/bots.db") as here, module(HOME) as homeserver:
        await here.store.write(lambda connection: book.make(connection, PAD, ROOM, here.now))
        async with portal(here, GENEROUS, homeserver) as visitor:
            visitor.cookies["belisha"] = await here.opened(ANA)
            for path in ("", "/read", "/history"):
                assert "TLP:AMBER" not in (await visitor.get(f"{AT}{path}")).text, path
            noted = Note("note-0001", "", "comment", "open", ANA, "", "", "TLP:AMBER: no", "", Label.AMBER, here.now)
            await here.store.write(lambda one: note_book.settle(one, PAD, ["note-0001"], lambda _: noted))
            for path in ("", "/read", "/history", "/file.md", "/file.md?for=group"):
                answer = await visitor.get(f"{AT}{path}")
                assert answer.status == 200 and "TLP:AMBER" in answer.text, path
