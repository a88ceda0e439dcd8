"""Pads: documents that the members of a group write together, each behind a message of its source in that group."""
