"""The Synapse module: translates between Synapse and the core, and enforces what the core decides."""
