"""Parts of belisha.yaml that stand by themselves, and what all parts have in common; see `belisha.settings`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from belisha import settings_values as values

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Part(BaseModel):
    """A part: no key but those that are written down, and nothing is made to fit."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Logs(Part):
    """What is logged."""

    level: LogLevel = "INFO"


class Metrics(Part):
    """What is counted beyond what always is."""

    journeys: bool = False
    pulse: bool = True


class Watching(Part):
    """Where alerts go."""

    alertmanager: Annotated[str, AfterValidator(values.host_and_port)] | None = None
