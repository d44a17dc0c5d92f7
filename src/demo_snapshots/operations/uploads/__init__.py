"""Uploaded files that demo rows name: saved with a version, compared, put back by an import."""
