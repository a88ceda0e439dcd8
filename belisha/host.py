"""belisha.yaml -> the files of a machine whose systemd runs the community: for each service its own, and the machine's.

Each service has an account and folders of its own, and only the secrets that it needs. Pure: texts with owner and mode.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from belisha import element, prometheus
from belisha.backup import segments
from belisha.backup.place import is_away
from belisha.render import Place, templates
from belisha.replicas import replicas
from belisha.secrets import FOLDER, Secrets
from belisha.settings import Settings
from belisha.workers import ALONE, Worker, workers

#: The files of each service, as `belisha.render` names them.
FILES: Final = {
    "synapse": (
        "homeserver.yaml",
        "log.yaml",
        "registration.yaml",
        "pages/sso_error.html",
        "pages/sso_auth_bad_user.html",
    ),
    "bots": ("bots.yaml",),
    "element": ("element.yaml",),
}

#: The secrets that each service reads from files of its own.
SECRETS: Final[dict[str, tuple[str, ...]]] = {
    "synapse": ("signing.key", "macaroon", "form_secret", "module_api", "portal_api", "audit", "factor", "replication"),
    "bots": ("as_token", "hs_token", "portal_api", "metrics"),
    "element": (),
}

#: What systemd, nginx and nftables read, besides the units.
MACHINE: Final = ("nginx.conf", "nftables.conf", "postgresql.conf", "processes", "replicas", "ports")

#: The same, where Synapse has several processes: their unit, and Redis between them.
OF_SEVERAL: Final = ("belisha-synapse@.service", "belisha-redis.service", "redis.conf")

#: What a timer of the playbook's starts, where backups have a folder.
BACKUP: Final = "host/belisha-backup.service"

#: What keeps PostgreSQL's log, where any moment is to be restored.
CONTINUOUS: Final = (
    "host/belisha-wal.socket",
    "host/belisha-wal@.service",
    "host/belisha-base.service",
    "host/belisha-wal-watch.service",
)

#: Where Debian's node exporter looks for what others have counted.
_COUNTED: Final = Path("/var/lib/prometheus/node-exporter")

#: How far the ports of further processes are from the homeserver's.
FURTHER: Final = 100

#: How far the ports of the bots' further processes are from the homeserver's: behind those of the most of Synapse's.
FURTHER_BOTS: Final = 300

#: The unit of the bots' further processes.
FURTHER_BOTS_UNIT: Final = "host/belisha-bots@.service"

#: The port that Debian's prometheus-node-exporter has.
_NODE_EXPORTER: Final = 9100

_WELL_KNOWN: Final = "well-known/client"
_IN_MEGABYTES: Final = {"K": 1 / 1024, "M": 1.0, "G": 1024.0}


class HostError(Exception):
    """The settings are not those of a served community; `str()` says what to write."""


@dataclass(frozen=True)
class Folders:
    """Where things are on the machine, as the Filesystem Hierarchy Standard has it."""

    configuration: Path = Path("/etc/belisha")
    state: Path = Path("/var/lib/belisha")
    logs: Path = Path("/var/log/belisha")
    program: Path = Path("/opt/belisha/venv")
    postgresql: Path = Path("/run/postgresql")
    redis: Path = Path("/run/belisha-redis/redis.sock")
    nginx_logs: Path = Path("/var/log/nginx")
    acme: Path = Path("/var/www/belisha-acme")


@dataclass(frozen=True)
class Web:
    """Where nginx listens: everywhere and on the usual ports, but in tests.

    Attributes:
        bind: one address; empty for all.
        http_port: answers with the https address.
        https_port: everything else.
    """

    bind: str = ""
    http_port: int = 80
    https_port: int = 443


FOLDERS: Final = Folders()
WEB: Final = Web()


@dataclass(frozen=True)
class Part(Place):
    """The place of one service, with folders of its own."""

    part: str = "synapse"
    folders: Folders = FOLDERS

    @property
    def rendered(self) -> Path:
        """The folder of the service's configuration."""
        return self.folders.configuration / self.part

    @property
    def secrets(self) -> Path:
        """The folder of the service's secrets."""
        return self.rendered / FOLDER

    @property
    def logs(self) -> Path:
        """The folder of the service's logs."""
        return self.folders.logs / self.part

    @property
    def asked_ports(self) -> tuple[int, ...]:
        """The ports of 127.0.0.1 that the web server and Prometheus ask; these may stand on another machine."""
        of_synapse = [self.homeserver_port, self.metrics_port]
        of_synapse += [worker.port for group in self.workers.upstreams().values() for worker in group]
        of_synapse += [worker.metrics for worker in self.workers.all]
        of_bots = [port for one in self.replicas for port in (one.port, one.portal)]
        others = [self.element_port if self.serves_element else None, self.node_exporter_port]
        return tuple(sorted({*of_synapse, *of_bots, *(port for port in others if port is not None)}))


@dataclass(frozen=True)
class File:
    """A file as it has to be.

    Attributes:
        text: what stands in it.
        owner: the account it belongs to; None for root.
        mode: its permissions.
    """

    text: str
    owner: str | None = None
    mode: int = 0o600


@dataclass(frozen=True)
class Hosts:
    """The names under which members' clients ask; `element` is None where the community serves none."""

    homeserver: str
    portal: str
    element: str | None


def parts(settings: Settings) -> tuple[str, ...]:
    """The services of a community."""
    return tuple(part for part in FILES if part != "element" or settings.element.public_url)


def files(
    settings: Settings,
    secrets: Secrets,
    texts: Mapping[str, str],
    port: int = 8008,
    folders: Folders = FOLDERS,
    web: Web = WEB,
    *,
    closed: bool = False,
) -> dict[str, File]:
    """Every file under `folders.configuration` that is made from the settings, by its path there.

    Args:
        settings: of a served community.
        secrets: those that stand in rendered files.
        texts: the text of every secret, by its name.
        port: the homeserver's on 127.0.0.1; the others are the next ones.
        folders: where things are.
        web: where nginx listens.
        closed: for a restore: Synapse alone, in one process that answers no client.

    Raises:
        HostError: a setting is missing that a served community needs.
    """
    hosts = _hosts(settings)
    _check_sign_in(settings)
    _check_backup(settings)
    found: dict[str, File] = {}
    for part in parts(settings):
        place, owner = _place(part, port, folders, settings, closed=closed), f"belisha-{part}"
        template = templates(settings, place, secrets)
        rendered = {path: template(path) for path in FILES[part]}
        if part == "element":
            rendered |= element.files(template)
        if part == "synapse":
            rendered |= _of_workers(settings, place, secrets)
        if part == "bots":
            rendered |= _of_replicas(settings, place, secrets)
        rendered |= {f"{FOLDER}/{name}": texts[name] for name in SECRETS[part]}
        found |= {f"{part}/{path}": File(text, owner) for path, text in rendered.items()}
        machine = templates(settings, place, secrets, _names(settings, hosts, folders, web))
        unit = f"host/belisha-{part}.service"
        found[unit] = File(machine(unit), mode=0o644)
        if part == "bots" and place.further:
            found[FURTHER_BOTS_UNIT] = File(machine(FURTHER_BOTS_UNIT), mode=0o644)
        if part == "synapse":
            names = (*MACHINE, *(OF_SEVERAL if place.workers else ()))
            if settings.backup.folder is not None:
                found[BACKUP] = File(machine(BACKUP), mode=0o644)
            if settings.backup.continuous_days:
                found |= {path: File(machine(path), mode=0o644) for path in CONTINUOUS}
            found |= {path: File(machine(path), mode=0o644) for path in (*map("host/{}".format, names), _WELL_KNOWN)}
            watched = {prometheus.CONFIG: machine(prometheus.CONFIG), **prometheus.rules()}
            found |= {f"host/{path}": File(text, mode=0o644) for path, text in watched.items()}
    return found


def _of_workers(settings: Settings, place: Part, secrets: Secrets) -> dict[str, str]:
    """What each further process of Synapse reads besides the files of all: its own settings, and where it logs."""

    def of(worker: Worker) -> dict[str, str]:
        named = {"worker": worker, "process": f"synapse-{worker.name}"}
        template = templates(settings, place, secrets, named)
        path = f"workers/{worker.name}"
        return {f"{path}.yaml": template("worker.yaml"), f"{path}.log.yaml": template("log.yaml")}

    return {path: text for worker in place.workers.all for path, text in of(worker).items()}


def _of_replicas(settings: Settings, place: Part, secrets: Secrets) -> dict[str, str]:
    """What each further process of the bots reads: the same settings, with ports and a log of its own."""
    return {
        one.config: templates(settings, place, secrets, {"replica": one})("bots.yaml") for one in place.further.further
    }


def _place(part: str, port: int, folders: Folders, settings: Settings, *, closed: bool) -> Part:
    return Part(
        data_dir=folders.state / part,
        homeserver_port=port,
        bots_port=port + 2,
        metrics_port=port + 3,
        serves_element=settings.element.public_url is not None,
        proxied=True,
        postgresql=folders.postgresql,
        workers=ALONE if closed else workers(settings.workers, port + FURTHER),
        redis=folders.redis,
        further=replicas(settings.bots.replicas, port + FURTHER_BOTS),
        serves_prometheus=True,
        node_exporter_port=_NODE_EXPORTER,
        part=part,
        folders=folders,
        closed=closed,
    )


def _hosts(settings: Settings) -> Hosts:
    """The names of the sites, each on the usual port of https.

    Raises:
        HostError: one is missing, or two are the same.
    """
    urls = {
        "public_url": settings.public_url,
        "portal.public_url": settings.portal.public_url,
        "element.public_url": settings.element.public_url,
    }
    names: dict[str, str | None] = {}
    for key, url in urls.items():
        address = urlsplit(url or "")
        if url is None and key != "element.public_url":
            raise HostError(f"{key} is missing: write the https address that members will use")
        if url is not None and (
            address.scheme != "https" or address.port not in (None, 443) or address.path.strip("/")
        ):
            raise HostError(f"{key} is {url}: write https:// and a name alone, without port or path")
        names[key] = address.hostname
    known = [name for name in names.values() if name]
    if len(set(known)) < len(known):
        raise HostError(
            "public_url, portal.public_url and element.public_url need a name each: pages of one can read each other"
        )
    return Hosts(str(names["public_url"]), str(names["portal.public_url"]), names["element.public_url"])


def _check_sign_in(settings: Settings) -> None:
    """Whether somebody answers for passwords alone.

    Raises:
        HostError: nobody does.
    """
    if settings.sign_in.method == "password" and settings.sign_in.risk_accepted is None:
        raise HostError(
            "sign_in.method is password, so whoever finds out one password reads what its member reads: write "
            "password+totp, or in sign_in.risk_accepted who accepts that, why, and until when"
        )


def _check_backup(settings: Settings) -> None:
    """Whether backups can be made by a timer.

    Raises:
        HostError: there is no key, or the folder is not named by its whole path.
    """
    backup = settings.backup
    if backup.folder is None:
        if backup.continuous_days:
            raise HostError("backup.continuous_days is set and backup.folder is not: write where all of it goes")
        return
    if backup.recipient is None:
        raise HostError("backup.folder is named and backup.recipient is not: make a key with `belisha backup-key new`")
    if is_away(backup.folder):
        if not Path(backup.s3_credentials_file or "").is_absolute():
            raise HostError(
                "backup.s3_credentials_file is relative: write its whole path, of a file of root's with mode 0600"
            )
    elif not Path(backup.folder).is_absolute():
        raise HostError(f"backup.folder is {backup.folder}: write its whole path, on another disk or machine")


def _names(settings: Settings, hosts: Hosts, folders: Folders, web: Web) -> dict[str, object]:
    """The names that the templates of the machine have besides the others."""
    revocations = settings.backup.revocations
    egress = _egress(settings)
    size = settings.files.max_upload_size
    megabytes = float(size.rstrip("KMG")) * _IN_MEGABYTES.get(size[-1], 1 / 1024**2)
    return {
        "folders": folders,
        "web": web,
        "hosts": hosts,
        "site_names": list(dict.fromkeys(name for name in (*_sites(hosts), settings.server_name) if name)),
        "egress": egress,
        "upload_megabytes": math.ceil(megabytes) + 1,
        "textfile": _COUNTED / "belisha-backup.prom",
        "wal_textfile": _COUNTED / "belisha-wal.prom",
        "wal_socket": segments.SOCKET,
        "backup_is_away": is_away(settings.backup.folder),
        "revocations_folder": Path(revocations).parent if revocations and Path(revocations).is_absolute() else None,
    }


def _sites(hosts: Hosts) -> tuple[str | None, ...]:
    return hosts.homeserver, hosts.portal, hosts.element


def _egress(settings: Settings) -> dict[str, list[int]]:
    """The ports of other machines that each service may call, by its part; only what the settings name."""
    synapse = {_port(url) for url in settings.push.gateways if not _is_here(url)}
    matcher = settings.files.known.matcher
    synapse |= {_port(matcher)} if matcher and not _is_here(matcher) else set()
    synapse |= {_port(one.issuer) for one in settings.sign_in.providers if not one.is_local}
    collector = settings.audit.syslog
    synapse |= {collector.port} if collector.server and not _is_here(f"//{collector.server}") else set()
    mail, webhook = settings.mail, settings.escalation.webhook
    bots = {mail.port} if mail.host and not _is_here(f"//{mail.host}") else set()
    bots |= {_port(webhook)} if webhook and not _is_here(webhook) else set()
    return {"synapse": sorted(synapse), "bots": sorted(bots), "element": []}


def _port(url: str) -> int:
    address = urlsplit(url)
    return address.port or (80 if address.scheme == "http" else 443)


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
