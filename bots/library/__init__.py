"""The library: where a group keeps originals to their sources, it leads to the copies. It speaks as the steward."""

from bots.library.library import Library

__all__ = ["Library"]
