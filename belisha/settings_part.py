"""What every section of belisha.yaml is: strict, closed, and not to be changed."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A section, or the whole."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
