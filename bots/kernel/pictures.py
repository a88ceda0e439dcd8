"""Pictures of bots: drawn, given an address, uploaded, and sent as an image, each once whatever is killed in between.

How far it has come stands in the outbox. The address is asked for first and kept: so an upload that is repeated is one
of the same file, which Synapse refuses where it has it, and no second copy is left lying. The message has its effect's
id as transaction id, like all messages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from bots.charts.artist import size_of
from bots.kernel.effects import EFFECT, room_of
from bots.kernel.errors import NotYet
from bots.kernel.matrix import BotClient, Refused
from bots.kernel.outbox import Outbox, Pending

Draw = Callable[[Mapping[str, Any]], Awaitable[bytes]]

_PNG: Final = "image/png"
_IS_THERE: Final = "M_CANNOT_OVERWRITE_MEDIA"
_NOT_READY: Final = "ORG.BELISHA.FILE_NOT_READY"


class Pictures:
    """Performs the effects that are pictures."""

    def __init__(self, outbox: Outbox, draw: Draw, event: Callable[[Any], Awaitable[str]]) -> None:
        """Prepares the work.

        Args:
            outbox: Where it is kept how far a picture has come.
            draw: Draws a chart as a PNG.
            event: The event that a target stands for.
        """
        self._outbox = outbox
        self._draw = draw
        self._event = event

    async def perform(self, client: BotClient, effect: Pending) -> str:
        """Sends a picture; the event's id.

        Raises:
            NotYet: what it follows is not sent, or its file is still being looked at.
            Impossible: what it follows was never sent.
            NotDrawn: it could not be drawn.
            Refused, Unreachable: Synapse did not take it.
        """
        if effect.body["after"] is not None:
            await self._event(effect.body["after"])
        if "info" not in effect.body:
            await self._bring(client, effect)
        body = effect.body
        image = {**body["content"], "msgtype": "m.image", "url": body["url"], "info": body["info"]}
        try:
            return await client.send(
                room_of(effect.lane), "m.room.message", {**image, EFFECT: effect.effect_id}, effect.effect_id
            )
        except Refused as error:
            if error.errcode != _NOT_READY:
                raise
            raise NotYet("its file is still being looked at") from error

    async def _bring(self, client: BotClient, effect: Pending) -> None:
        png = await self._draw(effect.body["chart"])
        if "url" not in effect.body:
            await self._note(effect, {**effect.body, "url": await client.create_media()})
        try:
            await client.upload(effect.body["url"], png, _PNG)
        except Refused as error:
            if error.status == 404:  # nothing came for a day
                await self._note(effect, {key: value for key, value in effect.body.items() if key != "url"})
                raise NotYet("its address was given up") from error
            if error.errcode != _IS_THERE:
                raise
        width, height = size_of(png)
        info = {"mimetype": _PNG, "size": len(png), "w": width, "h": height}
        await self._note(effect, {**effect.body, "chart": {}, "info": info})

    async def _note(self, effect: Pending, body: Mapping[str, Any]) -> None:
        await self._outbox.note(effect.number, body)
        effect.body.clear()
        effect.body.update(body)
