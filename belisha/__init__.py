"""The core of Belisha: labels, policy, settings and their rendering; no Synapse, no Matrix client, no database."""

__version__ = "0.1.0"
