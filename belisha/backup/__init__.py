"""Backups: what an archive is, what stands in it, and how long it is kept. Knows no database and no client."""
