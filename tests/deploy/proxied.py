"""A real nginx with the rendered configuration in front of something that only says what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from belisha.host import Folders, Web
from tests.deploy.hosted import written
from tests.support.server import free_ports

NAMES = ("matrix.harbour.test", "portal.harbour.test", "chat.harbour.test", "harbour.test")
PATIENCE = 60.0
#: What Debian has around the rendered file.
OUTER = """
daemon off; pid {folder}/nginx.pid; {user} worker_processes 1; error_log {folder}/start.log notice;
events {{ worker_connections 8192; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  gzip on; gzip_types *; gzip_min_length 1;
  include {folder}/host/nginx.conf;
}}
"""


@dataclass
class Proxied:
    """What stands behind nginx, and how to ask nginx."""

    folder: Path
    web: Web
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    runners: list[web.AppRunner] = field(default_factory=list)

    def tls(self, **versions: ssl.TLSVersion) -> ssl.SSLContext:
        """What trusts the authority of this test alone."""
        context = trusting(self.folder / "tls" / "fullchain.pem")
        for name, version in versions.items():
            setattr(context, name, version)
        return context

    async def raw(
        self, path: str, host: str = NAMES[0], method: str = "GET", headers: str = "", body: bytes = b""
    ) -> str:
        """Sends a request exactly as it is written, and gives the whole answer."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.web.https_port, ssl=self.tls(), server_hostname=host
        )
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}{length}\r\n"
        writer.write(head.encode() + body)
        with contextlib.suppress(ConnectionError):  # nginx may answer before it has read everything
            await writer.drain()
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return answer.decode(errors="replace")

    async def status(self, path: str, host: str = NAMES[0], **more: str) -> int:
        """The status of the answer."""
        return int((await self.raw(path, host, **more)).split(" ")[1])  # type: ignore[arg-type]  # passed on

    async def leave(self) -> None:
        """Ends what stands behind nginx."""
        for runner in self.runners:
            await runner.cleanup()

    def logs(self) -> str:
        """Everything that nginx has written down."""
        return "".join(path.read_text(errors="replace") for path in (self.folder / "logs").iterdir())


@asynccontextmanager
async def proxied(folder: Path) -> AsyncIterator[Proxied]:
    """Starts both; the homeserver's, the portal's and Element's ports are as on a host, relative to each other."""
    ports = free_ports(7)
    there = Proxied(folder, Web("127.0.0.1", ports[5], ports[6]))
    (folder / "logs").mkdir()
    certificate(folder / "tls")
    written(folder, port=ports[0], web=there.web, folders=Folders(configuration=folder, nginx_logs=folder / "logs"))
    (folder / "nginx.conf").write_text(OUTER.format(folder=folder, user="user root;" if os.geteuid() == 0 else ""))
    for port in (ports[0], ports[1], ports[4]):
        await _behind(there, port)
    nginx = ["/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    checked = subprocess.run([*nginx, "-t"], capture_output=True, text=True, check=False)  # noqa: ASYNC221 - a moment
    assert checked.returncode == 0 and "[warn]" not in checked.stderr, checked.stderr
    process = await asyncio.create_subprocess_exec(*nginx)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(OSError):
                    await there.raw("/")
                    break
                await asyncio.sleep(0.05)
        yield there
    finally:
        process.terminate()
        await process.wait()
        await there.leave()


async def _behind(there: Proxied, port: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        there.asked.append((request.raw_path, dict(request.headers)))
        return web.json_response({"port": port}, headers={"X-Content-Type-Options": "nosniff", "Server": "Behind"})

    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    there.runners.append(runner)


def trusting(authority: Path) -> ssl.SSLContext:
    """What trusts one authority alone."""
    return ssl.create_default_context(cafile=str(authority))


def certificate(folder: Path, *more: str) -> None:
    """Makes the certificate of an authority of its own, for all sites and the names of others, and its key."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in (*NAMES, *more)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
