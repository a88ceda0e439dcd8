"""`belisha demo`: the same as `up`, with a sample community in it, told from a story that is kept as data."""

from belisha.cli.demo.command import register, run

__all__ = ["register", "run"]
