"""One folder of a bucket: its archives' names, sending them, bringing them back, deleting them.

An object is there when all of it has come, or not at all: S3 promises that of an upload in one piece or in many.
What a killed upload leaves are pieces that no listing shows; they are given up by the next (`sweep`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from belisha.backup.place import Place
from belisha.cli.away.access import Access
from belisha.cli.errors import CommandError

#: Bytes of one piece of an upload; S3 takes 10,000 of them, so an archive may have 320 GB.
_PIECE: Final = 32 * 1024 * 1024
#: What is put there for a moment, to see whether strangers can read it.
_LOOK: Final = ".belisha-look"
#: How often a request is tried.
RETRIES: Final = {"total_max_attempts": 4, "mode": "standard"}
_TRANSFER: Final = TransferConfig(multipart_threshold=_PIECE, multipart_chunksize=_PIECE, max_concurrency=2)
#: What stores answer, and what a person should do about it.
_SAID: Final = {
    "InvalidAccessKeyId": ("does not know this access key", "Look at aws_access_key_id in the credentials file."),
    "SignatureDoesNotMatch": ("does not take this secret", "Look at aws_secret_access_key in the credentials file."),
    "NoSuchBucket": ("has no such bucket", "Make it, or correct backup.folder."),
    "AccessDenied": (
        "does not allow this to these credentials",
        "They need to list the bucket, and to put and get what is in the folder; docs/backup.md has a policy.",
    ),
    "InvalidClientTokenId": ("does not know this access key", "Look at aws_access_key_id in the credentials file."),
    "RequestTimeTooSkewed": ("finds that this machine's clock is wrong", "Set the clock: timedatectl"),
}
_DENIED: Final = ("AccessDenied", "403", "AllAccessDisabled")


class Bucket:
    """The archives in one folder of a bucket."""

    def __init__(self, place: Place, access: Access) -> None:
        """Prepares; asks nothing yet.

        Args:
            place: which folder.
            access: by what the store knows us.
        """
        self.place = place
        common: dict[str, Any] = {
            "endpoint_url": access.endpoint,
            "region_name": access.region,
            "verify": access.ca_bundle or True,
        }
        # Stores that are not Amazon's know no checksums but those that were always there.
        settings = {
            "connect_timeout": 15,
            "read_timeout": 60,
            "retries": RETRIES,
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            "s3": {"addressing_style": "path" if access.endpoint else "auto"},
        }
        session = boto3.session.Session(aws_access_key_id=access.key_id, aws_secret_access_key=access.secret)
        self._client = session.client("s3", config=Config(**settings), **common)
        settings["retries"] = {"total_max_attempts": 1}
        self._stranger = session.client("s3", config=Config(signature_version=UNSIGNED, **settings), **common)

    def look(self) -> None:
        """Sees that archives can go there, and that nobody without credentials sees what is there.

        Raises:
            CommandError: one or the other is not so; nothing was sent.
        """
        key = self.place.prefix + _LOOK
        with self._told():
            self.names()
            self._client.put_object(Bucket=self.place.bucket, Key=key, Body=b"Whether a stranger can read this.\n")
            try:
                seen = "read" if self._is_read(key) else "list" if self._is_listed() else ""
            finally:
                self.delete(_LOOK)
        if seen:
            raise CommandError(
                f"Anybody can {seen} what is in the bucket {self.place.bucket}.",
                "Take public access away from it (its policy and its ACL). Nothing was sent.",
            )

    def _is_read(self, key: str) -> bool:
        """Whether somebody without credentials gets an object; any answer but a plain no is told as an error."""
        try:
            self._stranger.get_object(Bucket=self.place.bucket, Key=key)
        except ClientError as error:
            if 400 <= error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                return False
            raise
        return True

    def _is_listed(self) -> bool:
        """Whether they get names: of the community, and when backups were made."""
        try:
            self._stranger.list_objects_v2(Bucket=self.place.bucket, MaxKeys=1)
        except ClientError:
            return False
        return True

    def names(self) -> list[str]:
        """The names of what is in the folder, not of what is in folders of it.

        Raises:
            CommandError: it cannot be listed.
        """
        return list(self.sizes())

    def sizes(self) -> dict[str, int]:
        """The same, each with its bytes.

        Raises:
            CommandError: it cannot be listed.
        """
        found: dict[str, int] = {}
        with self._told():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, Prefix=self.place.prefix, Delimiter="/"
            )
            for page in pages:
                found |= {one["Key"].removeprefix(self.place.prefix): one["Size"] for one in page.get("Contents", ())}
        return found

    def put(self, path: Path, name: str) -> None:
        """Sends a file; it is there under its name when all of it has come.

        Raises:
            CommandError: it was not sent to its end; nothing is there under that name.
        """
        key = self.place.prefix + name
        with self._told():
            self._client.upload_file(str(path), self.place.bucket, key, Config=_TRANSFER)
            came = self._client.head_object(Bucket=self.place.bucket, Key=key)["ContentLength"]
        if came != path.stat().st_size:
            self.delete(name)
            raise CommandError(
                f"Of {name}, {came} bytes came to {self.place}.", "Try again; what had come was deleted."
            )

    def get(self, name: str, path: Path) -> None:
        """Brings a file.

        Raises:
            CommandError: it is not there, or did not come to its end.
        """
        with self._told(missing=name):
            try:
                self._client.download_file(self.place.bucket, self.place.prefix + name, str(path), Config=_TRANSFER)
            except OSError as error:  # this machine's: what the network has against it is the client's own error
                raise CommandError(
                    f"{name} could not be written to {path.parent} ({error.strerror}).", "Nothing was left there."
                ) from None

    def delete(self, name: str) -> bool:
        """Deletes a file; False where these credentials may not, which is a good thing for backups.

        Raises:
            CommandError: it cannot be asked for.
        """
        with self._told():
            try:
                self._client.delete_object(Bucket=self.place.bucket, Key=self.place.prefix + name)
            except ClientError as error:
                if _code(error) in _DENIED:
                    return False
                raise
        return True

    def sweep(self, is_ours: Callable[[str], bool]) -> None:
        """Gives up what killed uploads have left, of those names that are ours; where that is not allowed, they stay.

        Raises:
            CommandError: the store cannot be asked.
        """
        with self._told():
            try:
                left = self._client.list_multipart_uploads(Bucket=self.place.bucket, Prefix=self.place.prefix)
                for one in left.get("Uploads", ()):
                    if is_ours(one["Key"].removeprefix(self.place.prefix)):
                        self._client.abort_multipart_upload(
                            Bucket=self.place.bucket, Key=one["Key"], UploadId=one["UploadId"]
                        )
            except ClientError as error:
                if _code(error) not in (*_DENIED, "NotImplemented", "NoSuchUpload"):
                    raise

    @contextmanager
    def _told(self, missing: str | None = None) -> Iterator[None]:
        """Says as a person needs it what the store, or the way there, has against it."""
        try:
            yield
        except ClientError as error:
            code = _code(error)
            if missing is not None and code in ("404", "NoSuchKey"):
                raise CommandError(
                    f"There is no {missing} in {self.place}.", "Name an archive that is there."
                ) from None
            code = "AccessDenied" if code in _DENIED else code
            said, remedy = _SAID.get(code, (f"answers {code}", "Its administrator knows what that means."))
            raise CommandError(f"The store of {self.place} {said}.", remedy) from None
        except Boto3Error as error:  # of sending and bringing in pieces
            reason = type(error.__cause__ or error.__context__ or error).__name__
            raise CommandError(f"{self.place} was not reached to the end ({reason}).", _AGAIN) from None
        except (BotoCoreError, OSError) as error:
            raise CommandError(f"{self.place} cannot be reached ({type(error).__name__}).", _AGAIN) from None


_AGAIN: Final = "Look at endpoint_url and at the network, and try again; nothing that looks whole was left."


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "nothing"))
