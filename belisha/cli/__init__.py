"""The `belisha` command."""
