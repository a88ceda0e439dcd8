"""belisha.yaml -> the files that Synapse, the bots and the web server read.

`render` is pure: the same settings, place and secrets give the same text. `write` puts it on the disk.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from belisha import element, prometheus
from belisha.replicas import ONE, Replica, Replicas
from belisha.resources import shipped
from belisha.secrets import FOLDER, Secrets, write_private
from belisha.settings import Settings
from belisha.workers import ALONE, Workers

STEWARD = "belisha_steward"
FILES = (
    "homeserver.yaml",
    "log.yaml",
    "registration.yaml",
    "bots.yaml",
    "pages/sso_error.html",
    "pages/sso_auth_bad_user.html",
    "well-known/client",
    "well-known/server",
    "element.yaml",
    element.CONFIG,
    element.WELCOME,
    element.MODULE,
    prometheus.CONFIG,
    *prometheus.RULES,
)


@dataclass(frozen=True)
class Place:
    """Where a community lives.

    Attributes:
        data_dir: the absolute path of its data folder.
        homeserver_port: the homeserver's port on 127.0.0.1; the portal's is the next one.
        bots_port: the port on 127.0.0.1 on which the bots listen for Synapse.
        metrics_port: the port on 127.0.0.1 on which Synapse and the module show what they count.
        serves_element: whether Belisha serves an Element Web here; its port is the fourth after the homeserver's.
        proxied: whether every request comes through a web server of ours, which names the client's address.
        postgresql: the folder of PostgreSQL's socket; None for SQLite.
        serves_prometheus: whether Belisha runs a Prometheus here; its port is the fifth after the homeserver's.
        node_exporter_port: where what tells of the machine listens on 127.0.0.1; None where there is none.
        workers: the processes of Synapse besides the main one.
        redis: the socket of Redis, which they need.
        further: the processes of the bots besides the first.
        closed: whether the homeserver answers no client at all: while a restore ends again what had ended since.
    """

    data_dir: Path
    homeserver_port: int
    bots_port: int
    metrics_port: int
    _: KW_ONLY
    serves_element: bool = False
    proxied: bool = False
    postgresql: Path | None = None
    serves_prometheus: bool = False
    node_exporter_port: int | None = None
    workers: Workers = ALONE
    redis: Path | None = None
    further: Replicas = ONE
    closed: bool = False

    @property
    def homeserver(self) -> str:
        """The homeserver's address on this machine."""
        return f"http://127.0.0.1:{self.homeserver_port}"

    @property
    def portal_port(self) -> int:
        """The portal's port on 127.0.0.1."""
        return self.homeserver_port + 1

    @property
    def portal(self) -> str:
        """The portal's address on this machine."""
        return f"http://127.0.0.1:{self.portal_port}"

    @property
    def element_port(self) -> int:
        """The port on 127.0.0.1 of Element, where it is served."""
        return self.homeserver_port + 4

    @property
    def element(self) -> str:
        """Element's address on this machine, where it is served."""
        return f"http://127.0.0.1:{self.element_port}"

    @property
    def prometheus_port(self) -> int:
        """The port on 127.0.0.1 of Prometheus, where one is run."""
        return self.homeserver_port + 5

    @property
    def prometheus(self) -> str:
        """Prometheus's address on this machine, where one is run."""
        return f"http://127.0.0.1:{self.prometheus_port}"

    @property
    def bots(self) -> str:
        """The bots' address, for Synapse: where there are several, the web server's, which asks one that answers."""
        return f"http://127.0.0.1:{self.further.delivery if self.further else self.bots_port}"

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """The processes of the bots, in the order in which they are asked and restarted."""
        return (Replica(1, self.bots_port, self.portal_port), *self.further.further)

    @property
    def rendered(self) -> Path:
        """The folder of the rendered files."""
        return self.data_dir / "rendered"

    @property
    def secrets(self) -> Path:
        """The folder of the secrets that Synapse and the bots read."""
        return self.data_dir / FOLDER

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.data_dir / "logs"


def render(settings: Settings, place: Place, secrets: Secrets) -> dict[str, str]:
    """The text of every rendered file, by its path under `place.rendered`.

    Raises:
        jinja2.UndefinedError: a template uses a name that is not given here (a bug, caught by the tests).
    """
    template = templates(settings, place, secrets)
    made = element.files(template) | prometheus.rules()
    return {path: made[path] if path in made else template(path) for path in FILES}


@cache
def _environment() -> Environment:
    """How templates are read; each is compiled once in a process."""
    found = Environment(
        loader=FileSystemLoader([shipped("config", "templates"), shipped("element-config", "templates")]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  YAML and JSON: every value goes through the `json` filter; in the one page through `e`
    )
    found.filters["json"] = _json
    found.filters["quoted"] = _quoted
    return found


def templates(
    settings: Settings, place: Place, secrets: Secrets, more: Mapping[str, object] = MappingProxyType({})
) -> Callable[[str], str]:
    """What renders a template by its path, without the `.j2` at its end; `more` are names of its own."""
    names = {
        "settings": settings,
        "place": place,
        "secrets": secrets,
        "secret_file": lambda name: place.secrets / name,
        "public_url": settings.public_url or place.homeserver,
        "portal_url": portal_url(settings, place),
        "steward": STEWARD,
        "element_url": element_url(settings, place),
        "element_origins": _element_origins(settings, place),
        "policies": element.policies(settings),
        "well_known": element.well_known(settings),
        "mail": _mail(settings, place),
        "escalation": _escalation(settings, place),
        "screening": _screening(settings, place),
        "sign_in": _sign_in(settings, place),
        "syslog": _syslog(settings, place),
        "revocations": _beside(settings.backup.revocations, place),
        "rules": _beside(settings.onboarding.rules, place),
        "process": "synapse",
        "replica": place.replicas[0],
        "public_host": _host_and_port(settings.public_url or place.homeserver),
        **more,
    }

    def template(path: str) -> str:
        return _environment().get_template(f"{path}.j2").render(names)

    return template


def portal_url(settings: Settings, place: Place) -> str:
    """The portal's address for members' browsers."""
    return settings.portal.public_url or place.portal


def element_url(settings: Settings, place: Place) -> str | None:
    """The address of the community's Element for members' browsers; None where there is none that we know of."""
    return settings.element.public_url or (place.element if place.serves_element else None)


def write(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Writes rendered files, each of mode 0600 because some hold secrets, and gives their paths.

    A file that is already as it should be is left alone.

    Raises:
        OSError: the folder cannot be written.
    """
    written = []
    for relative, text in files.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        if not _is(path, text):
            write_private(path, text)
        written.append(path)
    return written


def _is(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text and path.stat().st_mode & 0o077 == 0
    except (OSError, UnicodeDecodeError):
        return False


def _json(value: object) -> str:
    """JSON, which is YAML too: whatever a value holds, it cannot leave its place in the file."""
    if isinstance(value, Path):
        value = str(value)
    elif isinstance(value, Mapping):
        value = dict(value)
    return json.dumps(value, ensure_ascii=False)


def _quoted(value: str) -> str:
    """Text to be placed inside a pair of double quotes."""
    return _json(value)[1:-1]


def _element_origins(settings: Settings, place: Place) -> list[str]:
    """The Elements that may show the portal; the community's own first, since links lead to the first."""
    own, others = element_url(settings, place), settings.portal.element_origins
    return list(dict.fromkeys((own, *others) if own else others))


def _beside(path: str | None, place: Place) -> str | None:
    """A path of the settings; in the data folder where it is not absolute."""
    return None if path is None else str(place.data_dir / path)


def _mail(settings: Settings, place: Place) -> dict[str, object] | None:
    mail = settings.mail
    if mail.host is None:
        return None
    password = None if mail.password_file is None else str(place.data_dir / mail.password_file)
    return {**mail.model_dump(), "password_file": password}


def _escalation(settings: Settings, place: Place) -> dict[str, object]:
    told = settings.escalation
    secret = _beside(told.webhook_secret_file, place)
    webhook = None if told.webhook is None else {"url": told.webhook, "secret_file": secret}
    return {
        "minutes": told.minutes,
        "mail": told.mail,
        "webhook": webhook,
        "stewards": list(told.stewards),
        "manager": told.manager,
    }


def _screening(settings: Settings, place: Place) -> dict[str, object]:
    files = settings.files
    return {
        "clamav": files.clamav,
        "scan": files.scan,
        "seconds": files.scan_seconds,
        "known_list": _beside(files.known.list, place),
        "matcher": files.known.matcher,
        "matcher_secret_file": _beside(files.known.matcher_secret_file, place),
        "matcher_seconds": files.known.matcher_seconds,
    }


def _sign_in(settings: Settings, place: Place) -> dict[str, object]:
    """How members sign in, for the module; `enrol_until` is the end of that day, in seconds since 1970."""
    sign_in, end = settings.sign_in, None
    if sign_in.enrol_until is not None:
        midnight = datetime.combine(date.fromisoformat(sign_in.enrol_until), time.min) + timedelta(days=1)
        end = int(midnight.replace(tzinfo=ZoneInfo(settings.community.time_zone)).timestamp())
    return {
        "second_factor": sign_in.method == "password+totp",
        "by_organisation": sign_in.method == "oidc",
        "enrol_until": end,
        "key_file": str(place.secrets / "factor"),
    }


def _syslog(settings: Settings, place: Place) -> dict[str, object] | None:
    to = settings.audit.syslog
    if to.server is None:
        return None
    files = {name: _beside(getattr(to, name), place) for name in ("ca", "certificate", "key")}
    return {"server": to.server, "port": to.port, **files}


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
