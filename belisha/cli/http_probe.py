"""The smallest HTTP client that can ask "are you well?", so that the supervisor needs no other in memory."""

import asyncio
import json


async def get(port: int, path: str, token: str = "") -> tuple[int, bytes]:
    """Asks 127.0.0.1:`port` for `path`; gives the status (0: no answer) and the body."""
    try:
        async with asyncio.timeout(5):
            return await _get(port, path, token)
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0, b""


async def get_json(port: int, path: str, token: str = "") -> tuple[int, dict[str, object]]:
    """As `get`, with the body read as a JSON object; empty where it is none."""
    status, body = await get(port, path, token)
    try:
        found = json.loads(body)
    except ValueError:
        return status, {}
    return status, found if isinstance(found, dict) else {}


async def _get(port: int, path: str, token: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        # version 1.0: the answer ends with the connection, never in chunks
        writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{authorization}\r\n".encode())
        await writer.drain()
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body
    finally:
        writer.close()
