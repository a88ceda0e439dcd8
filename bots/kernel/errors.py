"""What stops the bots from running."""


class StoreError(Exception):
    """The database cannot be used; `str()` is one line for a person."""
