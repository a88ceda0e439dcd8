"""Backups in a bucket: an object store that speaks Amazon's S3, on another machine."""
