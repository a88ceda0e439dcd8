"""The gate of files (rule F1): who opens one is asked anew for each request, in every process that serves files.

Synapse has no callback for that, so the function is wrapped by which all four ways to a file learn that it is there:
download and thumbnail, each under its present and its former address. Like `hooks`, this touches private parts.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from synapse.http.site import SynapseRequest
from synapse.media import _base
from synapse.media._base import FileInfo, respond_404
from synapse.media.media_repository import MediaRepository
from synapse.media.media_storage import ReadableFileWrapper
from synapse.module_api import ModuleApi
from synapse.rest.client.media import DownloadResource, ThumbnailResource
from synapse.rest.media.download_resource import DownloadResource as FormerDownloadResource
from synapse.rest.media.thumbnail_resource import ThumbnailResource as FormerThumbnailResource
from synapse.storage.databases.main.media_repository import LocalMedia

from belisha.policy.files import COPIES_ONLY, WITHDRAWN, State, decide_download
from belisha.sniff import HEAD, sniff
from belisha.tlp import Label
from synapse_modules.audit import Audit
from synapse_modules.downloads import FILE, THUMBNAIL, WRITE_EVERY_MS, Downloads
from synapse_modules.erasure import Erasure
from synapse_modules.file_rows import FileRows, Meta
from synapse_modules.guards import Guard
from synapse_modules.held_files import HeldFiles
from synapse_modules.inspection import Inspection
from synapse_modules.portraits import Portraits
from synapse_modules.refusal import not_found, or_no, refused
from synapse_modules.registry import Registry
from synapse_modules.screening.screener import now
from synapse_modules.screening.screening import Screening
from synapse_modules.screening.unscanned import Unscanned
from synapse_modules.texts import Texts

_SERVLETS: Final = (DownloadResource, ThumbnailResource, FormerDownloadResource, FormerThumbnailResource)
_NO_STORE: Final = b"private, no-store"
#: On a request: that no cache keeps its answer, and for which member the portal asks.
_KEPT_NOWHERE: Final = "belisha_kept_nowhere"
_ON_BEHALF_OF: Final = "belisha_on_behalf_of"


class Media:
    """The gate of one Synapse process, where that process serves files."""

    def __init__(
        self,
        api: ModuleApi,
        registry: Registry,
        rows: FileRows,
        downloads: Downloads,
        audit: Audit,
        screening: Screening,
        inspection: Inspection,
        portraits: Portraits,
        texts: Texts,
    ) -> None:
        self._api = api
        self._inspection = inspection
        self._portraits = portraits
        self._texts = texts
        self._registry = registry
        self._rows = rows
        self._downloads = downloads
        self._audit = audit
        self._screening = screening
        homeserver: Any = api._hs
        #: None where another process serves the files.
        self._repository: Any = (
            homeserver.get_media_repository() if homeserver.config.media.can_load_media_repo else None
        )

    @property
    def serves(self) -> bool:
        """Whether this process has the files."""
        return self._repository is not None

    @property
    def folder(self) -> Path | None:
        """Where files lie; None in a process that has none."""
        return None if self._repository is None else Path(self._repository.filepaths.base_path)

    def path_of(self, media_id: str) -> str | None:
        """Where the bytes of a file lie; None where another process has them."""
        return None if self._repository is None else str(self._repository.filepaths.local_media_filepath(media_id))

    def guards(self) -> tuple[Guard, ...]:
        """What can be closed for everybody where this Synapse lacks it; nothing where no files are served."""
        if self._repository is None:
            return ()
        return (
            Guard(
                "files",
                "Nobody can open files.",
                (
                    (self._repository, "get_local_media_info", {"request", "media_id", "max_timeout_ms"}),
                    (self._repository, "get_local_media", {"request", "media_id", "name", "max_timeout_ms"}),
                    (self._repository.media_storage, "store_into_file", {"file_info"}),
                    (_base, "_add_cache_headers", {"request"}),
                    (_base, "respond_404", {"request"}),
                    (LocalMedia, "__init__", {"media_id", "media_type", "media_length", "upload_name", "created_ts"}),
                    (MediaRepository, "respond_not_yet_uploaded", {"request"}),
                ),
                tuple((servlet, "on_GET") for servlet in _SERVLETS),
                self._close,
            ),
        )

    def start(self, held: HeldFiles) -> None:
        """Begins to write down what is given out, to erase what is withdrawn, and to read what is still unread."""
        if self.serves:
            Erasure(self._api, self._rows, self._repository, held).start()
            Unscanned(self._api, self._screening, self._audit, self._repository).start()
            self._inspection.start(self._repository.filepaths.local_media_filepath)
            self._texts.start(self._repository.filepaths.local_media_filepath)
            self._portraits.start(self._repository)
            self._api.looping_background_call(
                self._downloads.write, WRITE_EVERY_MS, desc="belisha_downloads", run_on_all_instances=True
            )

    def _close(self) -> None:
        get_info, add_headers = self._repository.get_local_media_info, _base._add_cache_headers

        async def get_allowed_info(request: SynapseRequest, media_id: str, *arguments: Any, **named: Any) -> Any:
            meta = await or_no(self._allowed, request, media_id)
            if meta is None:
                respond_404(request)
                return None
            if meta.media_length is None:  # announced and not uploaded yet: its uploader may wait for it
                return await get_info(request, media_id, *arguments, **named)
            return LocalMedia(
                media_id=media_id,
                media_type=meta.media_type or "",
                media_length=meta.media_length,
                upload_name=meta.upload_name or "",
                created_ts=meta.created_ts,
                url_cache=None,
                last_access_ts=meta.last_access_ts or 0,
                quarantined_by=None,
                safe_from_quarantine=False,
                user_id=meta.file.uploader,
                authenticated=meta.authenticated,
                sha256=meta.sha256,
            )

        def add_fitting_headers(request: Any) -> None:
            add_headers(request)
            if getattr(request, _KEPT_NOWHERE, False):
                request.setHeader(b"Cache-Control", _NO_STORE)

        storage = self._repository.media_storage
        store = storage.store_into_file

        @contextlib.asynccontextmanager
        async def store_whole(file_info: FileInfo) -> AsyncIterator[tuple[BinaryIO, str]]:
            path = None
            try:
                async with store(file_info) as (file, path):
                    yield file, path
            except BaseException:
                # Synapse takes away what is refused, and leaves lying what a full disk has cut off.
                if path is not None:
                    _take_away(path)
                raise

        storage.store_into_file = store_whole
        self._repository.get_local_media_info = get_allowed_info
        _base._add_cache_headers = add_fitting_headers

    async def _allowed(self, request: SynapseRequest, media_id: str) -> Meta | None:
        """The file, where whoever asks may open it now; it is noted then."""
        user_id = _asker_of(request)
        if user_id is None:  # the former addresses ask for no token
            return None
        person = await self._registry.person(user_id)
        meta = await self._rows.meta(media_id, user_id)
        decision = decide_download(person, None if meta is None else meta.file)
        if meta is None or not decision.allowed:
            self._audit.denied(user_id, media_id, is_known=meta is not None)
            if decision is COPIES_ONLY:
                raise refused(COPIES_ONLY)
            return None
        if meta.file.state is not State.AVATAR and (decision.label is None or decision.label > Label.GREEN):
            setattr(request, _KEPT_NOWHERE, True)
        if decision.label is not None and decision.label > Label.GREEN:
            part = THUMBNAIL if b"/thumbnail/" in (request.path or b"") else FILE
            self._downloads.note(media_id, user_id, part, decision.label)
        return meta

    async def arrived(self, file: ReadableFileWrapper, info: FileInfo) -> None:
        """Looks at the bytes of an upload before Synapse knows of it; a thumbnail is made of what was looked at."""
        if info.server_name is not None or info.url_cache:
            return
        if info.thumbnail:
            refusal = await self._rows.is_withdrawn(info.file_id)
        else:
            begun = now()
            await self._screening.screen(info.file_id, file.path)
            kind = _kind_of(file.path)
            refusal = not await self._inspection.arrived(info.file_id, file.path, kind, now() - begun)
        if refusal:
            raise refused(WITHDRAWN)

    async def problems(self) -> list[str]:
        """What keeps files that were taken from being shared, a sentence each; may be asked in every process."""
        return await self._inspection.problems()

    async def give(self, request: SynapseRequest, user_id: str, media_id: str) -> None:
        """Answers the portal's request with a file, as its member may open it now.

        Raises:
            SynapseError: 404, the same for what is not there and what is not theirs; 403 where it has copies only.
        """
        meta = await self._rows.meta(media_id, user_id)
        decision = decide_download(await self._registry.person(user_id), None if meta is None else meta.file)
        if self._repository is None or meta is None or meta.media_length is None or not decision.allowed:
            self._audit.denied(user_id, media_id, is_known=meta is not None)
            raise refused(COPIES_ONLY) if decision is COPIES_ONLY else not_found()
        setattr(request, _ON_BEHALF_OF, user_id)
        await self._repository.get_local_media(request, media_id, None, 0)


def _asker_of(request: SynapseRequest) -> str | None:
    """For whom a request asks: the member whom the portal names, or whose token it carries."""
    on_behalf_of: str | None = getattr(request, _ON_BEHALF_OF, None)
    if on_behalf_of is not None:
        return on_behalf_of
    requester: Any = request.requester
    user = getattr(requester, "user", None)
    return None if user is None else str(user.to_string())


def _kind_of(path: str) -> str:
    with Path(path).open("rb") as file:
        return sniff(file.read(HEAD))


def _take_away(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink()
