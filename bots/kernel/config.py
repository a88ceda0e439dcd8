"""Reads `bots.yaml`: one schema, unknown keys refused, and every mistake told with its remedy."""

from __future__ import annotations

import ipaddress
import re
import stat
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

_LOCALPART = re.compile(r"belisha_[a-z0-9._=/-]+")


class ConfigError(Exception):
    """The configuration cannot be used; `str()` is one line for a person, with the remedy."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Model):
    """Where Synapse reaches this process."""

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        # /metrics and the transactions share this listener, and neither belongs on a network.
        if host != "localhost":
            try:
                loopback = ipaddress.ip_address(host).is_loopback
            except ValueError:
                loopback = False
            if not loopback:
                raise ValueError("the bots listen on this machine only: write 127.0.0.1")
        return host


class Log(_Model):
    """Where the log goes: a rotated file, or the standard error without one."""

    file: Path | None = None
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Mail(_Model):
    """The mail server."""

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    tls: Literal["none", "starttls", "tls"]
    sender: str = Field(min_length=3)
    ceiling: Literal["TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT"] = "TLP:GREEN"
    user: str | None = None
    password_file: Path | None = None

    def password(self) -> str | None:
        """The password, read anew each time so that it can be changed."""
        return _secret(self.password_file) if self.password_file else None


class Webhook(_Model):
    """An address of the operators' that is told by HTTP."""

    url: str
    secret_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _web_address(cls, address: str) -> str:
        if not re.match(r"https?://[^/]+", address):
            raise ValueError("write the webhook's whole address, with https://")
        return address

    def secret(self) -> str | None:
        """What signs the calls, read anew each time so that it can be changed."""
        return _secret(self.secret_file) if self.secret_file else None


class Escalation(_Model):
    """Whom to tell of an urgent report that nobody looks after, and after how many minutes."""

    minutes: int = Field(default=10, ge=1, le=1440)
    mail: str | None = None
    webhook: Webhook | None = None
    stewards: tuple[str, ...] = ()
    manager: str | None = None


class RateLimit(_Model):
    """How often somebody may ask: so many a second, so many at once."""

    per_second: float = Field(gt=0)
    burst_count: int = Field(ge=1)


class Portal(_Model):
    """The pages for members."""

    listen: Listen
    public_url: str
    element_origins: tuple[str, ...] = ()
    secret_file: Path
    community: str = Field(min_length=1)
    second_factor: bool = False
    by_organisation: bool = False
    rc_address: RateLimit = RateLimit(per_second=20, burst_count=300)
    rc_member: RateLimit = RateLimit(per_second=5, burst_count=120)
    rc_sign_in: RateLimit = RateLimit(per_second=0.1, burst_count=60)

    @field_validator("public_url")
    @classmethod
    def _own_address(cls, address: str) -> str:
        return _origin(address)

    @field_validator("element_origins")
    @classmethod
    def _origins(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_origin(address) for address in addresses)

    def secret(self) -> str:
        """What the portal shows to the module, and what its own keys are made from."""
        return _secret(self.secret_file)


class Bots(_Model):
    """The localpart of each bot's account; all are in the namespace `belisha_`."""

    steward: str = "belisha_steward"

    @field_validator("*")
    @classmethod
    def _in_namespace(cls, localpart: str) -> str:
        if not _LOCALPART.fullmatch(localpart):
            raise ValueError("a bot's name begins with belisha_ and has no capitals, for example belisha_steward")
        return localpart


#: The most characters that the community's rules may have: they are one message.
LONGEST_RULES: Final = 20_000


class Config(_Model):
    """The whole of `bots.yaml`."""

    homeserver: str
    server_name: str = Field(min_length=1)
    as_token_file: Path
    hs_token_file: Path
    listen: Listen
    database: str
    log: Log = Log()
    bots: Bots = Bots()
    appservice_id: str = Field(default="belisha", min_length=1)
    time_zone: str = "Europe/London"
    language: str = "en-GB"
    markings: dict[str, str] = Field(default_factory=dict)
    """Markings of other schemes, and the label that each means; `refuse` where what has it may not be here."""
    rules_file: Path | None = None
    mail: Mail | None = None
    portal: Portal | None = None
    ballot_keys: Path | None = None
    metrics_key_file: Path | None = None
    metrics_journeys: bool = False
    metrics_pulse: bool = True
    escalation: Escalation = Escalation()

    @field_validator("homeserver")
    @classmethod
    def _web_address(cls, address: str) -> str:
        if not re.match(r"https?://[^/]+", address):
            raise ValueError("write the homeserver's address, for example http://127.0.0.1:8008")
        return address.rstrip("/")

    @field_validator("database")
    @classmethod
    def _known_database(cls, address: str) -> str:
        if not address.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("write sqlite:////absolute/path/bots.db or postgresql://user:password@host/name")
        return address

    @property
    def data(self) -> Path:
        """The folder in which this process writes: its database's on SQLite, else that of its log or its secrets."""
        if self.database.startswith("sqlite:///"):
            return Path(self.database.removeprefix("sqlite:///")).parent
        return (self.log.file or self.as_token_file).parent

    def user_id(self, localpart: str) -> str:
        """The full Matrix name of an account of ours."""
        return f"@{localpart}:{self.server_name}"

    def as_token(self) -> str:
        """The token this service shows to Synapse."""
        return _secret(self.as_token_file)

    def rules(self) -> str | None:
        """The text of the community's rules; None where it has none.

        Raises:
            ConfigError: the file cannot be shown to members.
        """
        if self.rules_file is None:
            return None
        try:
            text = self.rules_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            told = (
                f"The community's rules in {self.rules_file} cannot be read as text. Please look at onboarding.rules."
            )
            raise ConfigError(told) from error
        if not 0 < len(text) <= LONGEST_RULES:
            raise ConfigError(f"{self.rules_file} has no rules in it, or more than {LONGEST_RULES} characters.")
        return text

    def metrics_key(self) -> bytes | None:
        """What the pseudonyms of the metrics are made with; None where nothing is counted."""
        return _secret(self.metrics_key_file).encode() if self.metrics_key_file else None

    def hs_token(self) -> str:
        """The token Synapse shows to this service."""
        return _secret(self.hs_token_file)


def _origin(address: str) -> str:
    # It becomes part of a header: nothing but scheme, host and port.
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?", address):
        raise ValueError("write scheme, host and port alone, for example https://portal. and your domain")
    return address


def _secret(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The secret in {path} cannot be read. Run `belisha render` to make it.") from error
    if mode & 0o077:
        raise ConfigError(f"{path} can be read by other accounts of this machine. Run: chmod 600 {path}")
    if not secret:
        raise ConfigError(f"{path} is empty. Delete it and run `belisha render` to make it again.")
    return secret


def load(path: Path) -> Config:
    """Reads and checks the configuration file.

    Raises:
        ConfigError: With everything that is wrong, in one line.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read. Run `belisha render` to write it.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: this is not YAML. Run `belisha render` to write it again.") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} holds no settings. Run `belisha render` to write it again.")
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        problems = "; ".join(_sentence(problem["loc"], problem["type"], problem["msg"]) for problem in error.errors())
        raise ConfigError(f"{path}: {problems}.") from error


def _sentence(where: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(str(part) for part in where)
    if kind == "extra_forbidden":
        return f"{name} is no setting of the bots, remove it"
    if kind == "missing":
        return f"{name} is missing"
    return f"{name}: {message.removeprefix('Value error, ')}"
