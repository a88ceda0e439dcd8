"""A community that forgets soon: with a journal of what was taken back, and retention by label."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from belisha.resources import shipped
from belisha.settings import load
from tests.support.community import Community
from tests.support.server import ended
from tests.support.settled import make_community


@asynccontextmanager
async def forgetful(folder: Path, items: str) -> AsyncIterator[Community]:
    """Starts one, whose Synapse censors what is redacted as soon as it is asked to, and ends it.

    Args:
        folder: an empty one.
        items: `retention.items`, as YAML in one line.
    """
    example = shipped("config", "belisha.example.yaml").read_text()
    (folder / "belisha.yaml").write_text(
        example.replace("revocations: null", f"revocations: {folder / 'revocations.jsonl'}").replace(
            "items: {}", f"items: {items}"
        )
    )
    here = await make_community(folder / "data", load(folder / "belisha.yaml"), "tests.synapse.forgetting.Forgetting")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()
