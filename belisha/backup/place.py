"""The address of a folder in a bucket, `s3://bucket/folder`."""

import re
from dataclasses import dataclass
from typing import Final

#: How the address of a bucket begins.
SCHEME: Final = "s3://"
#: Amazon's rules for the names of buckets, which other stores keep to.
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class Place:
    """A folder of a bucket; `prefix` is empty, or ends in a slash."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"


def is_away(text: str | None) -> bool:
    """Whether a destination is a bucket."""
    return text is not None and text.startswith(SCHEME)


def place(text: str) -> Place:
    """The folder of a bucket that an address such as `s3://bucket/prefix` names.

    Raises:
        ValueError: it names none; the message is a clause.
    """
    bucket, _, prefix = text.removeprefix(SCHEME).partition("/")
    prefix = prefix.strip("/")
    if not text.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
        raise ValueError("it names no bucket")
    if any(part in ("", ".", "..") for part in prefix.split("/") if prefix) or any(ord(one) < 33 for one in prefix):
        raise ValueError("the folder in the bucket has an empty or strange part")
    return Place(bucket, f"{prefix}/" if prefix else "")
