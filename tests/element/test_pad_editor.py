"""The editor of pads: its types, and that what the portal sends is what its source gives."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from bots.portal.pages import static
from tests.element.node import run
from tests.support.npm import install
from tests.support.server import ROOT

EDITOR = ROOT / "pad-editor"
_LARGEST = 140_000  # bytes as browsers fetch it


@pytest.mark.full
async def test_what_the_portal_sends_is_what_its_source_gives(tmp_path: Path) -> None:
    await install(EDITOR, dev=True)
    code, said = await run("tsc", "--noEmit", folder=EDITOR)
    assert code == 0, said
    code, said = await run("vite", "build", "--outDir", str(tmp_path / "built"), folder=EDITOR)
    assert code == 0, said
    built = await asyncio.to_thread((tmp_path / "built" / "pad.js").read_bytes)
    assert built == static("pad.js"), "run `make module`"
    assert len(gzip.compress(built)) < _LARGEST
    assert b"innerHTML" not in built and b"eval(" not in built, "the portal's policy forbids it"
