"""matrix-nio, mautrix and matrix-js-sdk do the same run as ordinary members, and see the same labels."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest_asyncio
from mautrix.client import Client

from tests.support.community import Community, assert_sentence
from tests.synapse.basic_run import (
    JS,
    Run,
    read_with_mautrix,
    read_with_nio,
    signed_in_with_mautrix,
    with_js_sdk,
    with_mautrix,
    with_nio,
)


@pytest_asyncio.fixture(scope="module")
async def mautrix(community: Community) -> AsyncIterator[Client]:
    client = await signed_in_with_mautrix(community, "ben")
    yield client
    await client.api.session.close()


@pytest_asyncio.fixture(scope="module")
async def nio_run(community: Community) -> Run:
    return await with_nio(community)


@pytest_asyncio.fixture(scope="module")
async def mautrix_run(community: Community, mautrix: Client) -> Run:
    return await with_mautrix(community, mautrix)


@pytest_asyncio.fixture(scope="module")
async def js_run(community: Community, nio_run: Run, mautrix_run: Run) -> Run:
    return await with_js_sdk(community, [*nio_run.sent.values(), *mautrix_run.sent.values()])


async def test_nio(nio_run: Run) -> None:
    nio_run.assert_as_expected()


async def test_mautrix(mautrix_run: Run) -> None:
    mautrix_run.assert_as_expected()


async def test_js_sdk(js_run: Run) -> None:
    js_run.assert_as_expected()
    assert js_run.refusal["isMatrixError"] is True
    assert (js_run.refusal["rule"], js_run.refusal["label"]) == ("L3", "TLP:RED")
    assert_sentence(js_run.refusal["error"])
    # As Element's module reads it, and hears of it.
    assert js_run.policy.items() >= {"kind": "open", "default": "TLP:GREEN", "ceiling": "TLP:GREEN"}.items()
    assert js_run.heard == 1


async def test_all_three_see_the_same_label_for_the_same_event(
    community: Community, mautrix: Client, nio_run: Run, mautrix_run: Run, js_run: Run
) -> None:
    event_ids = [event_id for run in (nio_run, mautrix_run, js_run) for event_id in run.sent.values()]
    assert len(event_ids) == len(set(event_ids)) == 15
    seen = await read_with_nio(community, event_ids)
    assert await read_with_mautrix(community, mautrix, event_ids) == seen
    assert js_run.read == seen
    for run in (nio_run, mautrix_run, js_run):
        assert {event_id: run.synced[event_id] for event_id in run.sent.values()} == {
            event_id: seen[event_id] for event_id in run.sent.values()
        }


def test_the_lock_file_names_no_registry() -> None:
    """Which registry packages come from is for the machine that installs them to say."""
    lock = json.loads((JS / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name
