"""Digests: what is new for each member, told at their hour, as far as they may read it at that moment."""
