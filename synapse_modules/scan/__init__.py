"""Reads files of strangers in a process of its own: no network, no environment, no secrets, little memory and time.

Nothing in here imports Synapse: what reads a file has none of it in its memory.
"""
