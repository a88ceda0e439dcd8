"""Plain push at its best, run as `python -m tests.bots.plain_push PORT FILE`: it stores before it answers, no more."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aiohttp import web


def main(port: int, file: Path) -> None:
    with file.open("a") as out:

        async def take(request: web.Request) -> web.Response:
            for event in (await request.json())["events"]:
                out.write(f"{event['event_id']}\n")
            out.flush()
            os.fsync(out.fileno())
            return web.json_response({})

        async def alive(_request: web.Request) -> web.Response:
            return web.json_response({})

        app = web.Application(client_max_size=1 << 26)
        app.router.add_put("/_matrix/app/v1/transactions/{id}", take)
        app.router.add_post("/_matrix/app/v1/ping", alive)
        app.router.add_get("/readyz", alive)
        web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
