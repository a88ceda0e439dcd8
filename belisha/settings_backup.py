"""The section `backup` of belisha.yaml."""

from typing import Annotated

from pydantic import AfterValidator, Field

from belisha import settings_values as values
from belisha.backup.archive import recipient
from belisha.backup.place import is_away, place
from belisha.backup.retention import Keep
from belisha.settings_part import Part

Count = Annotated[int, Field(ge=0, le=1000)]


def _public_key(text: str) -> str:
    """A public key of age; what is none is not repeated, since it may be the private one."""
    try:
        recipient(text)
    except ValueError as error:
        raise values.refuse(str(error), "write the line age1… that `belisha backup-key new` prints") from None
    return text.strip()


PublicKey = Annotated[str, AfterValidator(_public_key)]


def _destination(text: str) -> str:
    """A folder, or that of a bucket."""
    if not is_away(text):
        return values.file_path(text)
    try:
        place(text)
    except ValueError as error:
        raise values.refuse(f"{text!r}: {error}", "write s3://bucket/folder") from None
    return text


class Kept(Part):
    """How many backups are kept."""

    daily: Count = 7
    weekly: Count = 4
    monthly: Count = 6

    def keep(self) -> Keep:
        """The same, for the core."""
        return Keep(self.daily, self.weekly, self.monthly)


class Backup(Part):
    """Where backups go, who can read them, and what a restore needs besides."""

    folder: Annotated[str, AfterValidator(_destination)] | None = None
    s3_credentials_file: Annotated[str, AfterValidator(values.file_path)] | None = None
    recipient: PublicKey | None = None
    keys_recipient: PublicKey | None = None
    continuous_days: Annotated[int, Field(ge=0, le=90)] = 0
    keep: Kept = Field(default_factory=Kept)
    revocations: Annotated[str, AfterValidator(values.file_path)] | None = None
