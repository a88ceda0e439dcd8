"""What was found, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that a person should know.

    Attributes:
        said: what it is, a sentence.
        remedy: what to do, a sentence; empty where the first one says so.
        is_in_the_way: whether it has to be mended first; else it is only to be known.
    """

    said: str
    remedy: str = ""
    is_in_the_way: bool = True

    def __str__(self) -> str:
        """Both sentences."""
        return f"{self.said} {self.remedy}".rstrip()
