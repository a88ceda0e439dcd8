"""The steward bot: the one every member can talk to."""

from bots.steward.steward import Steward

__all__ = ["Steward"]
