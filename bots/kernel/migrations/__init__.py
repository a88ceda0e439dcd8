"""The database's history, as Alembic keeps it; applied by the process itself at its start."""

HEAD = "0035"
"""The newest revision; a test compares it with the files in `versions/`."""
