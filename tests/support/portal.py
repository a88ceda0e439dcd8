"""What the portal asks of the module, on behalf of a member."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.support.community import Community, Json


async def ask_as_portal(
    community: Community, body: Any, secret: str | None = None, name: str = "decide_batch"
) -> tuple[int, Json]:
    """One request with the portal's credential, or with another secret; status and body."""
    if secret is None:
        secret = (community.server.data / "secrets" / "portal_api").read_text().strip()
    headers = {"Authorization": f"Bearer {secret}"}
    url = f"{community.server.url}/_synapse/client/org.belisha/v1/{name}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return answer.status, await answer.json()
