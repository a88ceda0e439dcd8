"""Gives members stamped copies of files, and previews (rule F1): decided about, made and noted when they are asked."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar
from urllib.parse import quote

from synapse.http.site import SynapseRequest
from synapse.logging.context import make_deferred_yieldable
from synapse.module_api import ModuleApi
from twisted.protocols.basic import FileSender

from belisha.policy.decision import Decision
from belisha.policy.files import File, decide_copy, decide_preview
from belisha.policy.people import Person
from belisha.sniff import is_picture
from belisha.stamping import Copy, Order
from belisha.stamping.copies import PDF
from belisha.stamping.order import DOWNLOADED, SHOWN, Unstampable
from belisha.tlp import Label
from synapse_modules.audit import Audit
from synapse_modules.downloads import COPY, PREVIEW, Downloads
from synapse_modules.file_rows import FileRows, Meta
from synapse_modules.media import Media
from synapse_modules.refusal import not_found
from synapse_modules.registry import Registry
from synapse_modules.scan.scanner import Scanner
from synapse_modules.scan.stamper import Stamper
from synapse_modules.turns import Turns

#: How many copies are made at the same time: each may take 768 MiB.
AT_ONCE: Final = 2
#: How often one is made anew because its label changed meanwhile.
_TRIES: Final = 3
_WHEN: Final = "%Y-%m-%d %H:%M UTC"

_KEPT_NOWHERE: Final = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
_Made = TypeVar("_Made")
_Decide = Callable[[Person, File | None], Decision]


class Copies:
    """Makes copies in the process that has the files."""

    def __init__(
        self,
        api: ModuleApi,
        registry: Registry,
        rows: FileRows,
        downloads: Downloads,
        audit: Audit,
        media: Media,
        scanner: Scanner,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._registry = registry
        self._rows = rows
        self._downloads = downloads
        self._audit = audit
        self._media = media
        self._stamper = Stamper(scanner)
        self._clock = clock
        self._turns = Turns(AT_ONCE)
        # Pages ask for previews by themselves, so these wait for each other and hold up no copy.
        self._previewing = Turns(1)

    async def give(self, request: SynapseRequest, user_id: str, media_id: str) -> None:
        """Answers a request with a copy for a member, where they may have one now.

        Raises:
            SynapseError: 404, the same for what is not there and what is not theirs.
            ScanFailed: where no file can be read at present.
        """
        decided, copy = await self._made(user_id, media_id, decide_copy, self._copy)
        await self._send(request, copy, decided, user_id, media_id)

    async def preview(self, request: Any, user_id: str, media_id: str) -> None:
        """Answers a request with a small picture of how a file begins, where its member may see that now.

        Raises:
            SynapseError: 404, the same for what is not there, what is not theirs, and what cannot be drawn.
            ScanFailed: where no file can be read at present.
        """
        decided, jpeg = await self._made(user_id, media_id, decide_preview, self._preview)
        if decided.label > Label.GREEN:
            self._downloads.note(media_id, user_id, PREVIEW, decided.label)
        headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(jpeg)), "Content-Disposition": "inline"}
        for name, value in (headers | _KEPT_NOWHERE).items():
            request.setHeader(name, value)
        request.write(jpeg)
        request.finish()

    async def _made(
        self,
        user_id: str,
        media_id: str,
        decide: _Decide,
        make: Callable[[_Decided, str], Awaitable[_Made | None]],
    ) -> tuple[_Decided, _Made]:
        """What is made of a file for a member, decided about before and after.

        Raises:
            SynapseError: 404.
        """
        for _ in range(_TRIES):
            decided = await self._decided(user_id, media_id, decide)
            if decided is None:
                break
            made = await make(decided, user_id)
            # Making it takes a while, in which the file may be withdrawn, or its label raised.
            again = await self._decided(user_id, media_id, decide)
            if again is not None and again.label is decided.label:
                if made is None:
                    raise not_found()
                return decided, made
        self._audit.denied(user_id, media_id, is_known=(await self._rows.meta(media_id, user_id)) is not None)
        raise not_found()

    async def _decided(self, user_id: str, media_id: str, decide: _Decide) -> _Decided | None:
        """A file and its label, where the member may have now what is asked."""
        path, meta = self._media.path_of(media_id), await self._rows.meta(media_id, user_id)
        decision = decide(await self._registry.person(user_id), None if meta is None else meta.file)
        if path is None or meta is None or meta.media_length is None or not decision.allowed or decision.label is None:
            return None
        return _Decided(meta, decision.label, path)

    async def _copy(self, decided: _Decided, user_id: str) -> Copy | None:
        order = await self._order(decided, user_id, DOWNLOADED)
        async with self._turns.of(user_id):
            try:
                return await self._api.defer_to_thread(self._stamper.copy, decided.path, order)
            except (FileNotFoundError, Unstampable):
                return None

    async def _preview(self, decided: _Decided, user_id: str) -> bytes | None:
        kind = decided.meta.file.kind or ""
        if kind != PDF and not is_picture(kind):
            return None
        order = await self._order(decided, user_id, SHOWN)
        async with self._previewing.of(user_id):
            try:
                return await self._api.defer_to_thread(self._stamper.preview, decided.path, order)
            except FileNotFoundError:
                return None

    async def _order(self, decided: _Decided, user_id: str, done: str) -> Order:
        at = time.strftime(_WHEN, time.gmtime(self._clock()))
        name = decided.meta.upload_name or "file"
        return Order.of(decided.label, name, await self._name_of(user_id), user_id, at, done)

    async def _name_of(self, user_id: str) -> str:
        """Who somebody is, as others see them; empty for nobody."""
        member = (await self._registry.members()).get(user_id[1:].partition(":")[0])
        if member is None:
            return ""
        organisation = (await self._registry.organisations()).get(member.organisation)
        return member.name if organisation is None else f"{member.name} ({organisation.name})"

    async def _send(self, request: Any, copy: Copy, decided: _Decided, user_id: str, media_id: str) -> None:
        try:
            original = await self._api.defer_to_thread(_opened, decided.path)
        except OSError:
            raise not_found() from None
        with original:
            size = os.fstat(original.fileno()).st_size if copy.has_original else 0
            if decided.label > Label.GREEN:
                self._downloads.note(media_id, user_id, COPY, decided.label)
            for name, value in (
                ("Content-Type", copy.media_type),
                ("Content-Length", str(len(copy.before) + size + len(copy.after))),
                # Saved and never shown: a page of our own address would have our rights.
                ("Content-Disposition", _saved_as(copy.name)),
                *_KEPT_NOWHERE.items(),
            ):
                request.setHeader(name, value)
            try:
                request.write(copy.before)
                if copy.has_original:
                    sender: Any = FileSender()
                    await make_deferred_yieldable(sender.beginFileTransfer(original, request))
                request.write(copy.after)
                request.finish()
            except Exception:
                # Whoever asked has gone away: what has begun cannot become another answer.
                if request.channel is not None:
                    request.channel.forceAbortClient()


def _opened(path: str) -> BinaryIO:
    return Path(path).open("rb")


class _Decided(NamedTuple):
    meta: Meta
    label: Label
    path: str


def _saved_as(name: str) -> str:
    """The header by which a browser saves an answer under that name (RFC 6266)."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
