"""Activity of the community: facts, roll-ups of them, measures, and what of these may be shown.

Pure: neither a database nor a clock. docs/metrics.md has the definitions.
"""
