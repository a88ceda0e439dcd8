"""What the registry says no to, in a sentence for who asked."""

from __future__ import annotations

from belisha.policy.people import Standing


class RegistryError(ValueError):
    """What was asked for cannot be; the message is a sentence for who asked."""


def raise_if(problem: str | None) -> None:
    """Goes on where there is no problem.

    Raises:
        RegistryError: there is one.
    """
    if problem is not None:
        raise RegistryError(problem)


def raise_if_removed(standing: Standing, what: str) -> None:
    """Goes on where something is not removed for good.

    Raises:
        RegistryError: it is.
    """
    if standing is Standing.REMOVED:
        raise RegistryError(f"{what}; it is never given again. Please choose another.")
