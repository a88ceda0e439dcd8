"""Sections of belisha.yaml that stand by themselves; see `belisha.settings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from belisha import settings_values as values
from belisha.settings_part import Part

Method = Literal["password", "password+totp", "oidc"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Processes = Annotated[int, Field(ge=0, le=16)]


class Logs(Part):
    """What is logged."""

    level: LogLevel = "INFO"


class Metrics(Part):
    """What is counted beyond what always is."""

    journeys: bool = False
    pulse: bool = True


class Provider(Part):
    """Where the people of one organisation sign in: its own provider (OpenID Connect Core 1.0)."""

    organisation: Annotated[str, AfterValidator(values.organisation_id)]
    name: Annotated[str, AfterValidator(values.name)]
    issuer: Annotated[str, AfterValidator(values.issuer)]
    client_id: Annotated[str, AfterValidator(values.client_id)]
    client_secret_file: Annotated[str, AfterValidator(values.file_path)]
    claim: Annotated[str, AfterValidator(values.claim)] = "preferred_username"

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, without TLS: tests and trials do."""
        return self.issuer.startswith("http://")


class SignIn(Part):
    """How members sign in."""

    method: Method = "password"
    providers: Annotated[Sequence[Provider], AfterValidator(tuple)] = ()
    enrol_until: Annotated[str, BeforeValidator(values.day)] | None = None
    risk_accepted: Annotated[str, AfterValidator(values.risk)] | None = None


class Watching(Part):
    """Where alerts go."""

    alertmanager: Annotated[str, AfterValidator(values.host_and_port)] | None = None


Path = Annotated[str, AfterValidator(values.file_path)]


class Syslog(Part):
    """The collector of the audit log, over TLS."""

    server: Annotated[str, AfterValidator(values.collector)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 6514
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class Audit(Part):
    """Where the audit log goes besides the database."""

    syslog: Syslog = Field(default_factory=Syslog)


class Workers(Part):
    """How many processes Synapse has on a server besides the main one, by what they do."""

    client: Processes = 0
    sync: Processes = 0
    persister: Processes = 0
    media: Annotated[int, Field(ge=0, le=1)] = 0


class Bots(Part):
    """How many processes the bots have on a server."""

    replicas: Annotated[int, Field(ge=1, le=8)] = 1
