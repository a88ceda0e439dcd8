"""The file of a copy: a ZIP with each section as JSON and as a table, and a text that explains it."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Sequence
from itertools import groupby
from typing import IO, Any, Final

from synapse.http.server import finish_request
from synapse.http.site import SynapseRequest
from synapse.logging.context import make_deferred_yieldable
from synapse.module_api import ModuleApi
from twisted.protocols.basic import FileSender

from belisha.export import Cell, disposition, document, file_name, table
from belisha.held import OTHER, moment
from belisha.tlp import Label
from synapse_modules import export_tables as tables
from synapse_modules.export_tables import Row
from synapse_modules.held import HELD
from synapse_modules.held_by_synapse import HELD_BY_SYNAPSE

Json = dict[str, Any]

#: It has what was written in rooms of named people: for its member alone.
LABEL: Final = Label.RED
#: How many pages of rows one file of a section has at most.
_PAGES: Final = 20


class ExportFile:
    """Makes the file of a copy when it is taken."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api

    async def give(self, request: SynapseRequest, row: Row) -> None:
        """Answers a request with the file; nothing of it is left on the disk."""
        with tempfile.TemporaryFile() as file:
            await self._write(file, row)
            size = file.tell()
            file.seek(0)
            name = file_name("mydata", LABEL, "zip")
            for header, value in (
                (b"Content-Type", b"application/zip"),
                (b"Content-Length", str(size).encode()),
                (b"Content-Disposition", disposition(name).encode("ascii")),
                (b"Cache-Control", b"private, no-store"),
                (b"X-Content-Type-Options", b"nosniff"),
                (b"Referrer-Policy", b"no-referrer"),
            ):
                request.setHeader(header, value)  # type: ignore[no-untyped-call]  # Twisted's
            sending = FileSender().beginFileTransfer(file, request)  # type: ignore[no-untyped-call]  # the same
            await make_deferred_yieldable(sending)
            finish_request(request)

    async def _write(self, file: IO[bytes], row: Row) -> None:
        places = await self._api.run_db_interaction("belisha_export_places", tables.places, row.id)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", readme(row, list(dict.fromkeys(section for *_, section in places))))
            for section, group in groupby(places, key=lambda place: place[2]):
                pages = list(group)
                for number, start in enumerate(range(0, len(pages), _PAGES), start=1):
                    rows: list[Json] = []
                    for step, page, _ in pages[start : start + _PAGES]:
                        rows += await self._api.run_db_interaction(
                            "belisha_export_part", tables.part, row.id, step, page
                        )
                    title = section.replace(" ", "-") + (f"-{number}" if len(pages) > _PAGES else "")
                    written = await self._api.defer_to_thread(_files, section, rows)
                    for ending, content in written.items():
                        archive.writestr(f"{title}.{ending}", content)


def _files(section: str, rows: Sequence[Json]) -> dict[str, bytes]:
    heads = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row.get(name)) for name in heads] for row in rows]
    return {"json": document(LABEL, {"section": section, "rows": rows}), "csv": table(LABEL, heads, cells)}


def _cell(value: Any) -> Cell:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def readme(row: Row, sections: Sequence[str]) -> str:
    """What the copy has, what it has not, and why."""
    left = dict.fromkeys(f"- {held.table}: {held.left}" for held in (*HELD, *HELD_BY_SYNAPSE) if held.left)
    lines = [
        str(LABEL),
        "",
        f"A copy of what is held about @{row.localpart}, begun on {moment(row.at)} (UK GDPR, article 15).",
        "",
        "Each section is there twice: as JSON, and as a table (CSV) that spreadsheets open. Moments are in UTC.",
        f"Whoever is named besides you stands as {OTHER}; what others wrote is not in it. Your messages from rooms of",
        "named people are in it, since they are yours: keep this file as you would keep them.",
        "",
        "Sections:",
        *(f"- {section}" for section in sections),
        "",
        "What is not in it, by the tables in which it stands, and why:",
        *left,
        "- ballots of anonymous polls: they are sealed, and once a poll is closed nobody can tell whose they were.",
        "- the bytes of your files: Element shows and saves them, as long as they are there.",
        "- logs of the machines and backups: those who run the community say how long they are kept.",
        "",
        "If something is wrong, or you want to know more, write to those who run the community. You can also complain",
        "to your data protection authority, in the United Kingdom the Information Commissioner's Office.",
        "",
    ]
    return "\r\n".join(lines)
