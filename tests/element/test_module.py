"""The module's own checks, and that what is shipped is what its source gives."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from belisha.resources import shipped
from tests.element.node import run
from tests.written import element_labels

pytestmark = pytest.mark.more

_LARGEST = 60_000  # bytes as browsers fetch it


async def test_types_style_and_tests(module: Path) -> None:
    for program, arguments in (("tsc", ("--noEmit",)), ("eslint", (".",)), ("vitest", ("run",))):
        code, said = await run(program, *arguments, folder=module)
        assert code == 0, said
    assert "8 passed" in said, "every file of tests has run"


async def test_what_is_shipped_is_what_its_source_gives(module: Path, tmp_path: Path) -> None:
    code, said = await run("vite", "build", "--outDir", str(tmp_path / "built"), folder=module)
    assert code == 0, said
    built = await asyncio.to_thread((tmp_path / "built" / "tlp.js").read_bytes)
    assert built == shipped("element-config", "module", "built", "tlp.js").read_bytes(), "run `make module`"
    assert len(gzip.compress(built)) < _LARGEST


def test_the_labels_are_those_of_the_core_and_the_bot() -> None:
    assert element_labels.FILE.read_text(encoding="utf-8") == element_labels.labels(), "run `make tables`"
