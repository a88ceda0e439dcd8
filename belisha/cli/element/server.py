"""Serves the installed Element Web on an origin of its own: `python -m belisha.cli.element.server --config FILE`.

Files alone, found in a list that is made when a release is first served: no path is ever put together from a request. A
new release is served as soon as it is installed. `config.json` and `/belisha/` are the rendered ones, never the
archive's.
"""

import argparse
import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml
from aiohttp import web

from belisha import alive
from belisha.cli.element.store import FOLDER, INSTALLED, installed

#: What browsers may take a file for; the machine's own list would be another on each machine. Anything else is bytes.
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".map": "application/json; charset=utf-8",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".ttf": "font/ttf",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".mp4": "video/mp4",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
_FOREVER, _ASK = "public, max-age=31536000, immutable", "no-cache"


@dataclass(frozen=True)
class Config:
    """`rendered/element.yaml`."""

    port: int
    data: Path
    files: Path
    homeserver: str
    portal: str
    well_known: str | None

    @classmethod
    def load(cls, path: Path) -> "Config":
        """Reads it."""
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(**{**found, "data": Path(found["data"]), "files": Path(found["files"])})


def headers(config: Config) -> dict[str, str]:
    """What stands in every answer.

    The policy is the one in Element's own index.html, with everybody else's address taken out of it: scripts are
    Element's files alone, requests go to the homeserver alone, and only the portal is shown in a frame.
    """
    homeserver, well_known = config.homeserver, config.well_known or ""
    policy = {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "connect-src": f"'self' blob: data: {homeserver} {well_known}",
        "img-src": f"'self' blob: data: {homeserver}",
        "media-src": f"'self' blob: data: {homeserver}",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "frame-src": f"'self' blob: {config.portal}",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'self'",
        "object-src": "'none'",
        "frame-ancestors": "'self'",  # it shows downloads in a frame of its own
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value.strip()}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "geolocation=(), payment=(), usb=()",
        "Server": "Belisha",
    }


@dataclass
class Files:
    """The files of the release that is installed now, and ours over them, by the address that they answer to."""

    config: Config
    _stamp: int = 0
    _found: dict[str, Path] = field(default_factory=dict)

    def get(self, path: str) -> Path | None:
        """The file for an address; None where there is none."""
        try:
            stamp = (self.config.data / FOLDER / INSTALLED).stat().st_mtime_ns
        except OSError:
            return None
        if stamp != self._stamp:
            self._found, self._stamp = self._listed(), stamp
        return self._found.get(path)

    def _listed(self) -> dict[str, Path]:
        release = installed(self.config.data)
        found = {} if release is None else _under(release.folder)
        # the archive's own settings, of whatever host, would come before ours
        found = {address: path for address, path in found.items() if not address.startswith("/config")}
        found = {address: path for address, path in found.items() if not address.startswith("/belisha/")}
        return found | _under(self.config.files)


def _under(folder: Path) -> dict[str, Path]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            address = "/" + path.relative_to(folder).as_posix()
            found[address] = path
            if path.name == "index.html":
                found[address.removesuffix("index.html")] = path
    return found


def application(config: Config) -> web.Application:
    """The server's application."""
    files, fixed = Files(config), headers(config)

    @web.middleware
    async def outermost(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=f"{error.status}: {error.reason}\n")
        return response

    async def prepare(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(fixed)

    async def file(request: web.Request) -> web.StreamResponse:
        found = files.get(request.path)
        if found is None and files.get(request.path + "/") is not None:
            return web.Response(status=301, headers={"Location": request.path + "/"})
        if found is None:
            return web.Response(status=404, text="There is no such file in this Element.\n")
        hashed = request.path.startswith("/bundles/")
        return web.FileResponse(
            found,
            headers={
                "Content-Type": _TYPES.get(found.suffix.lower(), "application/octet-stream"),
                "Cache-Control": _FOREVER if hashed else _ASK,
            },
        )

    app = web.Application(middlewares=[outermost])
    app.router.add_get("/{path:.*}", file)
    app.on_response_prepare.append(prepare)
    return app


async def serve(config: Config) -> None:
    """Serves until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(config), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    telling = asyncio.create_task(alive.keep_telling())
    try:
        await web.TCPSite(runner, "127.0.0.1", config.port).start()
        await stop.wait()
    finally:
        telling.cancel()
        await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    asyncio.run(serve(Config.load(parser.parse_args().config)))
