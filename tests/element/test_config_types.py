"""config.json against Element's own declaration of it, by TypeScript's compiler: a misspelt key would do nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.element.node import run
from tests.written.element_page import REAL, known

pytestmark = pytest.mark.more

_API = "node_modules/@element-hq/element-web-module-api/lib/element-web-module-api-alpha.d.ts"


async def _compiled(module: Path, folder: Path, configs: list[dict[str, object]], absent: list[str]) -> str:
    await asyncio.to_thread(folder.mkdir)
    options = {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "moduleResolution": "bundler",
        "module": "esnext",
        "target": "es2022",
        "types": [],
        "paths": {"@element-hq/element-web-module-api": [str(module / _API)]},
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["config.ts"]}))
    lines = ['import type { Config } from "@element-hq/element-web-module-api";']
    lines += [f"export const config{number}: Config = {json.dumps(one)};" for number, one in enumerate(configs)]
    lines.append(f"export const absent: (keyof Config)[] = {json.dumps(absent)};")
    (folder / "config.ts").write_text("\n".join(lines))
    code, said = await run("tsc", "--project", str(folder), folder=module)
    assert (code == 0) is (said == ""), said
    return said


async def test_every_key_is_one_of_elements(module: Path, tmp_path: Path) -> None:
    configs, absent = zip(*map(known, REAL), strict=True)
    assert await _compiled(module, tmp_path / "right", list(configs), absent[0]) == ""
    wrong = [configs[0] | {"disable_gests": True}, configs[0] | {"embedded_pages": {"welcom_url": "x"}}]
    said = await _compiled(module, tmp_path / "wrong", wrong, ["posthogg"])
    assert all(name in said for name in ("disable_gests", "welcom_url", "posthogg")), said
