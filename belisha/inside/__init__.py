"""What label a file says it has: markers in its text, its headers and footers, its properties, its machine tags."""

from belisha.inside.finding import SENTENCES, Finding, Limits, Reason
from belisha.inside.look import is_read, look_inside

__all__ = ["SENTENCES", "Finding", "Limits", "Reason", "is_read", "look_inside"]
