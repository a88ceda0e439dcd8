"""`!search`: the way to the portal's search.

It answers with a link and no hits: in a chat these would outlast what they name (rule E1).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import TEXT
from belisha.translation import _, marked
from bots.kernel.answers import Link, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call, Entry

SEARCH: Final = Command(
    ("search",),
    marked("leads to what is found among the people, posts, documents and messages that you may read"),
    "!search tide tables",
    (Argument("words", TEXT, marked("what you look for"), required=False),),
    where=ALONE,
    title=marked("Search in everything that I may read"),
    page="/search",
)


def entry(portal: str) -> Entry:
    """The command as the steward answers it, with the portal's address."""

    def answer(call: Call, _context: Context) -> Answer:
        words = str(call.arguments.get("words", ""))
        query = f"?{urlencode({'q': words})}" if words else ""
        link = Link(_("Search"), f"{portal}/search{query}")
        return Answer((say(_("People, posts, documents and messages are searched on the portal: {link}."), link=link),))

    return Entry(SEARCH, answer)
