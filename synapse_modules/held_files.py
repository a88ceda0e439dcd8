"""Keeps a sealed copy of a withdrawn file that a legal hold covers, before its bytes are erased (rule E1)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.kept import FILE, PART_BYTES, Place, seal
from synapse_modules import hold_tables as tables
from synapse_modules.audit import Audit
from synapse_modules.hold_tables import HeldFile


class HeldFiles:
    """What one Synapse process that serves files does about holds."""

    def __init__(self, api: ModuleApi, audit: Audit, public: str, clock: Callable[[], float] = time.time) -> None:
        """`public` is the key to seal with (`belisha.kept`)."""
        self._api = api
        self._audit = audit
        self._public = public
        self._clock = clock

    async def keep(self, media_id: str, path: Path) -> None:
        """Keeps a file that is about to be erased under every hold that covers it; may be repeated after a crash.

        Raises:
            OSError: its bytes are there and cannot be read; then it must not be erased yet.
        """
        found: HeldFile | None = await self._api.run_db_interaction("belisha_hold_of_file", tables.covering, media_id)
        size = None if found is None else await self._api.defer_to_thread(_size, path)
        if found is None or size is None:
            return
        for hold in found.holds:
            await self._keep(hold, media_id, path, size, found)

    async def _keep(self, hold: str, media_id: str, path: Path, size: int, found: HeldFile) -> None:
        parts = -(-size // PART_BYTES)
        about = {
            "media_id": media_id,
            "uploader": found.uploader,
            "name": found.name,
            "type": found.media_type,
            "created_ts": found.created,
            "bytes": size,
            "parts": parts,
        }
        # A part each, so that no transaction lasts as long as a large file takes. What is known of it comes last: a
        # crash leaves no file that looks whole, and the next run writes what is missing.
        for part in range(1, parts + 1):
            plain = await self._api.defer_to_thread(_read, path, (part - 1) * PART_BYTES)
            await self._put(Place(hold, FILE, media_id, part), plain, None)
        await self._put(Place(hold, FILE, media_id, 0), json.dumps(about).encode(), found.uploader)

    async def _put(self, place: Place, plain: bytes, uploader: str | None) -> None:
        def put(txn: LoggingTransaction) -> None:
            now = int(self._clock())
            if tables.keep(txn, place, seal(self._public, place, plain), now) and uploader is not None:
                tables.tell(txn, place.hold, "kept", uploader, now)
                self._audit.append(
                    txn, kind="act", what="hold kept", phase="done", rule="E1", item=place.hold, file=place.id
                )

        await self._api.run_db_interaction("belisha_hold_file", put)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


def _read(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(PART_BYTES)
