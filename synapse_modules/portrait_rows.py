"""How far files are drawn anew to be seen by everyone, in the table `belisha_file`."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi


class Portrait(IntEnum):
    """How far a file is drawn anew, to be seen by everyone."""

    #: It was not asked for, or it is no more: the file was shared or withdrawn.
    NONE = 0
    WANTED = 1
    DRAWN = 2
    #: It is no picture that can be drawn.
    IMPOSSIBLE = 3


class PortraitRows:
    """Reads and writes that column; may be used in every process."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api

    async def want(self, media_id: str) -> None:
        """Asks for a pending file to be drawn anew; again, where that was impossible."""
        await self._api.run_db_interaction("belisha_portrait_want", _want_portrait, media_id)

    async def state(self, media_id: str) -> Portrait:
        """How far a file is drawn anew."""
        found: Portrait = await self._api.run_db_interaction("belisha_file_portrait", _portrait, media_id)
        return found

    async def wanted(self, limit: int) -> list[str]:
        """Files that are to be drawn anew, those first that are waited for."""
        found: list[str] = await self._api.run_db_interaction("belisha_file_portraits", _portraits_wanted, limit)
        return found

    async def replaced(self, media_id: str, kind: str, length: int, sha256: str) -> None:
        """Has Synapse know that a file's bytes are others now, of which there are no thumbnails yet."""
        await self._api.run_db_interaction("belisha_file_replaced", _replaced, media_id, kind, length, sha256)

    async def drawn(self, media_id: str) -> None:
        """Notes that a file and its thumbnails are drawn anew."""
        await self._api.run_db_interaction("belisha_file_drawn", _set_portrait, media_id, Portrait.DRAWN)

    async def impossible(self, media_id: str) -> None:
        """Notes that a file cannot be drawn."""
        await self._api.run_db_interaction("belisha_file_no_portrait", _set_portrait, media_id, Portrait.IMPOSSIBLE)


_CAN_BE_DRAWN: Final = "state IN ('pending', 'avatar')"


def _want_portrait(txn: LoggingTransaction, media_id: str) -> None:
    txn.execute(
        "UPDATE belisha_file SET portrait = ? WHERE media_id = ? AND state = 'pending' AND portrait <> ?",
        (int(Portrait.WANTED), media_id, int(Portrait.DRAWN)),
    )


def _portrait(txn: LoggingTransaction, media_id: str) -> Portrait:
    txn.execute(f"SELECT portrait FROM belisha_file WHERE media_id = ? AND {_CAN_BE_DRAWN}", (media_id,))  # noqa: S608 - a constant
    row = txn.fetchone()
    return Portrait.NONE if row is None else Portrait(int(row[0]))


def _portraits_wanted(txn: LoggingTransaction, limit: int) -> list[str]:
    txn.execute(
        f"SELECT media_id FROM belisha_file WHERE portrait = 1 AND {_CAN_BE_DRAWN}"  # noqa: S608 - a constant
        " ORDER BY CASE state WHEN 'pending' THEN 0 ELSE 1 END, arrived DESC LIMIT ?",
        (limit,),
    )
    return [str(row[0]) for row in txn.fetchall()]


def _replaced(txn: LoggingTransaction, media_id: str, kind: str, length: int, sha256: str) -> None:
    txn.execute(
        "UPDATE local_media_repository SET media_type = ?, media_length = ?, sha256 = ? WHERE media_id = ?",
        (kind, length, sha256, media_id),
    )
    txn.execute("DELETE FROM local_media_repository_thumbnails WHERE media_id = ?", (media_id,))
    txn.execute("UPDATE belisha_file SET kind = ? WHERE media_id = ?", (kind, media_id))


def _set_portrait(txn: LoggingTransaction, media_id: str, portrait: Portrait) -> None:
    txn.execute(
        "UPDATE belisha_file SET portrait = ? WHERE media_id = ? AND portrait = ?",
        (int(portrait), media_id, int(Portrait.WANTED)),
    )
