"""What label a file says it has: markers in its text, its headers and footers, its properties, its machine tags.

`look.look_inside` reads; it is not loaded from here, since whoever only handles findings needs none of its libraries.
"""

from belisha.inside.finding import SENTENCES, Finding, Limits, Reason

__all__ = ["SENTENCES", "Finding", "Limits", "Reason"]
