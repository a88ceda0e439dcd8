"""Polls: closes them on time, counts them, and tells the result. They speak in the steward's name."""

from bots.polls.polls import Polls

__all__ = ["Polls"]
