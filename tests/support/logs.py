"""What Synapse has logged: its lines wait in memory for two seconds before they are written."""

from __future__ import annotations

from urllib.parse import quote

from tests.support.community import Community, unique
from tests.support.patience import until
from tests.support.server import request


async def logged(community: Community) -> str:
    """All that the log has of what was done until now; lines wait in memory for a while."""
    last = unique("!last-line-")
    await request(community["ana"], "GET", f"/_matrix/client/v3/rooms/{quote(last)}/state")

    async def written() -> str | None:
        logs = (community.server.data / "logs").glob("synapse*.log*")  # and what was rotated away, as it is large
        text = "".join(path.read_text() for path in logs)
        return text if last[1:] in text else None

    return await until(written) or ""
