"""What stands inside of files that a member looks for, and the line around it (rules P1, P2 and E1).

Only texts of files are asked about that the member's groups share, so no other takes part in what is found, in its
order or in how long that takes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from synapse.module_api import ModuleApi

from belisha.document_search import asked_inside
from belisha.excerpt import excerpt
from belisha.tlp import Label
from synapse_modules import text_rows
from synapse_modules.document_rows import Share
from synapse_modules.downloads import EXCERPT, Downloads
from synapse_modules.readers import Item, Readers

#: What the words of a question count that stand inside of a file, by their keys.
Counts = Mapping[str, int]
_NOTHING: Final[Counts] = {}


class Excerpts:
    """Answers for one member at a time."""

    def __init__(self, api: ModuleApi, readers: Readers) -> None:
        self._api = api
        self._readers = readers
        self._downloads = Downloads(api)

    async def inside(self, user_id: str, shares: Sequence[Share], words: Sequence[str]) -> Mapping[str, Counts]:
        """What the words count inside of files, by the events that share them; of no room that shows no previews."""
        asked = asked_inside(words)
        if not asked:
            return {}
        rooms = {share.room_id for share in shares}
        searched = {room for room in rooms if text_rows.is_searched(await self._readers.room(user_id, room))}
        there = {share.event_id: share.document.media_id for share in shares if share.room_id in searched}
        found = await self._api.run_db_interaction(
            "belisha_text_found", text_rows.found, tuple(sorted(set(there.values()))), asked
        )
        return {event_id: found[media_id] for event_id, media_id in there.items() if media_id in found}

    async def lines(
        self, user_id: str, shown: Collection[tuple[Share, Item]], words: Sequence[str], inside: Mapping[str, Counts]
    ) -> Mapping[str, str]:
        """A line of each file that has some of the words inside, by the event that shares it.

        It shows content: above GREEN it is written down first, and told to the source as previews are; but not of the
        source itself, which knows what it has uploaded.
        """
        keys = {
            share.event_id: [word for word in asked_inside(words) if inside.get(share.event_id, _NOTHING).get(word.key)]
            for share, _ in shown
        }
        those = [(share, item) for share, item in shown if keys[share.event_id]]
        texts = await self._api.run_db_interaction(
            "belisha_texts", text_rows.texts, tuple({share.document.media_id for share, _ in those})
        )
        there = [(share, item) for share, item in those if share.document.media_id in texts]
        for share, item in there:
            if item.label > Label.GREEN and share.uploader != user_id:
                self._downloads.note(share.document.media_id, user_id, EXCERPT, item.label)
        await self._downloads.write()

        def cut() -> dict[str, str]:
            return {
                share.event_id: excerpt(
                    texts[share.document.media_id], " ".join(part for word in keys[share.event_id] for part in word)
                )
                for share, _ in there
            }

        return await self._api.defer_to_thread(cut)
