"""What stops the bots from running, and what stops an effect."""


class StoreError(Exception):
    """The database cannot be used; `str()` is one line for a person."""


class Impossible(Exception):
    """What an effect refers to does not exist; `str()` says so in a sentence."""


class NotYet(Exception):
    """What an effect needs is still to come."""
